# shellcheck shell=sh
# What miniloop must survive, inflicted. Sourced by ./dev.

# The tree that sweeps run in: that of coverage has its own counters.
torture_tree=torture

# A name, and what it is told by ./dev torture; torture_NAME runs it.
torture_table='
slow [CLIENTS [RATE]]   a server under slow clients, RATE bytes a second each
cap [--seed=N] [COUNT]  hostile scripts under memory caps of many sizes
memory [WORDS]          memory that runs out in the specs (--help tells more)
'

torture_slow() {
    build_release
    build/miniloop spec/torture/slow.lua "$@"
}

torture_cap() {
    build dev
    build/dev/miniloop spec/torture/cap.lua "$@"
}

# torture_script NAME WORDS ...: with the command whose calls can fail.
torture_script() {
    build torture
    script=spec/torture/$1.lua
    shift
    LUA_CPATH="$PWD/build/torture/torture/?.so;;" \
        build/torture/miniloop "$script" "$@"
}

# torture_sweep NAME WORDS ...: spec/torture/NAME.lua in a process for each core,
# each with its share of the points. Cases that a virtual clock does not suit are
# run on the real one afterwards.
torture_sweep() {
    name=$1
    shift
    build "$torture_tree"
    tallies=build/$torture_tree/torture/$name
    rm -rf "$tallies"
    mkdir -p "$tallies"
    status=0
    sweep_shares "$tallies/virtual" --virtual-time "$name" "$@" || status=1
    sed -n 's/^skip \([^ ]*\) .*:.*/\1/p' "$tallies"/virtual-* |
        sort -u >"$tallies/list"
    if [ -s "$tallies/list" ]; then
        sweep_shares "$tallies/real" "" "$name" "$@" \
            --list="$tallies/list" || status=1
    fi
    sweep_command "" "$name" --sum "$tallies"/virtual-* \
        $(find "$tallies" -name 'real-*') || status=1
    return "$status"
}

# sweep_shares TALLY CLOCK NAME WORDS ...
sweep_shares() {
    tally=$1
    clock=$2
    name=$3
    shift 3
    shares=$(cores)
    share=1
    pids=
    while [ "$share" -le "$shares" ]; do
        sweep_command "$clock" "$name" "$@" --part="$share/$shares" \
            --tally="$tally-$share" &
        pids="$pids $!"
        share=$((share + 1))
    done
    failed=0
    for pid in $pids; do
        wait "$pid" || failed=1
    done
    return "$failed"
}

# sweep_command CLOCK NAME WORDS ...
sweep_command() {
    clock=$1
    script=spec/torture/$2.lua
    shift 2
    tree=$PWD/build/$torture_tree
    ML_SOURCE=$PWD ML_BUILD=$tree ML_COMMAND=$tree/miniloop \
        ML_TORTURE_POOL=off LUA_CPATH="$tree/torture/?.so;;" \
        "$tree/miniloop" $clock "$script" "$@"
}

torture_memory() {
    torture_sweep memory "$@"
}

torture_usage() {
    say "usage: ./dev torture NAME [WORDS]$torture_table"
    exit 2
}

torture() {
    name=${1:-}
    echo "$torture_table" | grep -q "^$name " || torture_usage
    need build
    want library
    choose_lua
    shift
    "torture_$name" "$@"
}
