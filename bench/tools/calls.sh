#!/bin/sh
# As a client of measure: counts the system calls of a server while it echoes.
#
#   sh calls.sh PORT REQUESTS LOAD
#
# By perf, which reads the kernel's own tracepoints and hardly slows a server:
# under strace every read finds something sooner than it would. Linux lets root
# do that, or whoever it has been allowed to.
set -eu
port=$1 requests=$2 load=$3

# Whoever listens on the port, by its process.
server=$(ss -Hltnp "sport = :$port" | grep -o 'pid=[0-9]*' | head -n 1)
if [ -z "$server" ]; then
    echo "calls.sh: ss does not tell who listens on $port" >&2
    exit 1
fi

event() {
    for call in "$@"; do
        printf ',syscalls:sys_enter_%s' "$call"
    done
}

events=raw_syscalls:sys_enter$(
    event read readv recvfrom recvmsg write writev sendto sendmsg
    event epoll_wait epoll_pwait poll ppoll select pselect6 epoll_ctl
)
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
perf stat -x ' ' -o "$counts" -e "$events" -p "${server#pid=}" -- \
    "$load" echo "127.0.0.1:$port" connections=50 size=64 requests="$requests"
awk -v n="$requests" '
    function kind(name) {
        sub(/.*sys_enter_/, "", name)
        if (name ~ /^(read|recv)/) return "reads"
        if (name ~ /^(write|send)/) return "writes"
        if (name == "epoll_ctl") return "changes"
        return "waits"
    }
    $2 ~ /^raw_syscalls/ { all = $1 }
    $2 ~ /^syscalls/ { calls[kind($2)] += $1 }
    END {
        printf "calls=%.4f\nreads=%.4f\nwrites=%.4f\nwaits=%.4f\n",
            all / n, calls["reads"] / n, calls["writes"] / n, calls["waits"] / n
        printf "changes=%.4f\n", calls["changes"] / n
    }' "$counts"
