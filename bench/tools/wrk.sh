#!/bin/sh
# wrk as a client of measure.
#
#   sh wrk.sh PORT CONNECTIONS SECONDS LOAD
#
# wrk counts answers and looks at their status only. So LOAD, our own
# generator, has some of the same server checked to the byte first, which is
# the warm-up, too.
set -eu
port=$1 connections=$2 seconds=$3 load=$4

mark() {
    echo "MARK $1"
    read -r _
}

"$load" http "127.0.0.1:$port" connections="$connections" requests=5000 >&2
mark start
found=$(wrk -t1 -c"$connections" -d"${seconds}s" --latency \
    "http://127.0.0.1:$port/")
mark stop
echo "$found" | awk '
    # 12.50us, 1.20ms, 1.01s as nanoseconds
    function nanoseconds(text) {
        return text * (text ~ /us/ ? 1e3 : text ~ /ms/ ? 1e6 : 1e9)
    }
    / requests in / { requests = $1 }
    /^ +50%/ { p50 = nanoseconds($2) }
    /^ +99%/ { p99 = nanoseconds($2) }
    /Socket errors:/ { errors += $4 + $6 + $8 }
    /Non-2xx/ { errors += $NF }
    END {
        printf "requests=%d\nerrors=%d\np50_ns=%d\np99_ns=%d\n",
            requests, errors, p50, p99
    }'
