# shellcheck shell=sh
# What miniloop must survive, inflicted. Sourced by ./dev.

# The tree that sweeps run in: that of coverage has its own counters.
torture_tree=torture

# A name, and what it is told by ./dev torture; torture_NAME runs it.
torture_table='
slow [CLIENTS [RATE]]   a server under slow clients, RATE bytes a second each
cap [--seed=N] [COUNT]  hostile scripts under memory caps of many sizes
memory [WORDS]          memory that runs out in the specs (--help tells more)
errno [WORDS]           calls that fail with each of their codes (--help)
io [MODE] [WORDS]       the specs on a system that is difficult (--help)
slowhttp [CLIENTS [S]]  the attacks of slowhttptest, for S seconds each
descriptors             a server whose descriptors have run out
resets [CONNECTIONS]    connections that are reset at once
starvation [S]          tasks that wait beside those that are always ready
fairness [S]            two listeners, one of them flooded
signals [S [RATE]]      RATE signals a second
clock [TIMERS]          timers, many withdrawn, under a wall clock that jumps
kills [TASKS [LINKS]]   tasks in all sorts of waits killed at once
partial [--short] [MIB] writes that go out in small parts (of one byte)
accept                  a server of which accept fails for a while
web [REQUESTS]          HTTP and WebSockets, plain and by TLS, cut off anywhere
peers [RESETS [STEP]]   what luv and cqueues do in some of these
growth [COUNT]          tasks and timeouts that come and go, and leave nothing
soak [CONNECTIONS | Ss] connections that come and go, and end in all ways
'

# on_the_clock NAME WORDS ...: with the command that people have, for what has
# its limits in seconds.
on_the_clock() {
    build_release
    script=spec/torture/$1.lua
    shift
    build/miniloop "$script" "$@"
}

torture_slow() {
    on_the_clock slow "$@"
}

torture_slowhttp() {
    need torture
    on_the_clock slowhttp "$@"
}

torture_descriptors() {
    on_the_clock descriptors "$@"
}

torture_resets() {
    on_the_clock resets "$@"
}

torture_starvation() {
    on_the_clock starvation "$@"
}

torture_fairness() {
    on_the_clock fairness "$@"
}

torture_signals() {
    on_the_clock signals "$@"
}

torture_clock() {
    want torture
    on_the_clock clock "$@"
}

torture_kills() {
    on_the_clock kills "$@"
}

torture_partial() {
    if [ "${1:-}" = --short ]; then
        shift
        ML_FAULT=short:1:0 torture_script partial "$@"
    else
        on_the_clock partial "$@"
    fi
}

torture_accept() {
    torture_script accept "$@"
}

torture_peers() {
    want peers
    on_the_clock peers "$@"
}

torture_web() {
    need test
    on_the_clock web "$@"
}

torture_growth() {
    on_the_clock growth "$@"
}

torture_cap() {
    build dev
    build/dev/miniloop spec/torture/cap.lua "$@"
}

torture_soak() {
    on_the_clock soak "$@"
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
# run on the real one afterwards, unless --inside is among the words. With --asan
# first, under the sanitizers.
torture_sweep() {
    name=$1
    shift
    if [ "${1:-}" = --asan ]; then
        torture_tree=torture-asan
        shift
    fi
    build "$torture_tree"
    tallies=build/$torture_tree/torture/$name
    rm -rf "$tallies"
    mkdir -p "$tallies"
    for word in "$@"; do
        shift
        case $word in
        --places) set -- "$@" "--places=$tallies/places" ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    sweep_command "" "$name" "$@" --understood || return
    status=0
    sweep_shares "$tallies/virtual" --virtual-time "$name" "$@" --virtual || status=1
    if [ -z "$(find "$tallies" -name 'virtual-*')" ]; then
        say "no case was tried: is there one of such a name?"
        return 1
    fi
    sed -n 's/^skip \([^ ]*\) real .*/\1/p' "$tallies"/virtual-* |
        sort -u >"$tallies/list"
    case " $* " in
    *" --inside "*) : >"$tallies/list" ;;
    esac
    if [ -s "$tallies/list" ]; then
        sweep_shares "$tallies/real" "" "$name" "$@" \
            --list="$tallies/list" || status=1
    fi
    sweep_command "" "$name" --sum "$tallies"/*-* || status=1
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
        ASAN_OPTIONS=abort_on_error=1:detect_leaks=0 \
        UBSAN_OPTIONS=abort_on_error=1:halt_on_error=1 \
        "$tree/miniloop" ${clock:+"$clock"} "$script" "$@"
}

torture_memory() {
    torture_sweep memory "$@"
}

torture_errno() {
    torture_sweep errno "$@"
}

# The specs in each mode, or one, under each poller, or one. Words that are no
# modes go to spec/torture/io.lua.
torture_io() {
    build torture
    modes=
    pollers=
    good=0
    bad=0
    rest=$#
    while [ "$rest" -gt 0 ]; do
        case $1 in
        short | eagain | eintr | one_event | spurious) modes="$modes $1" ;;
        --poller=*) pollers="$pollers ${1#--poller=}" ;;
        *) set -- "$@" "$1" ;;
        esac
        shift
        rest=$((rest - 1))
    done
    for mode in ${modes:-short eagain eintr one_event spurious}; do
        for poller in ${pollers:-select epoll}; do
            if io_run "$mode" "$poller" "$@"; then
                good=$((good + 1))
            else
                bad=$((bad + 1))
            fi
        done
    done
    echo "$good passed, $bad failed"
    [ "$bad" = 0 ]
}

# io_run MODE POLLER WORDS ...
io_run() {
    mode=$1
    poller=$2
    shift 2
    seed=$(printf '%s\n' "$@" | sed -n 's/^--seed=\([0-9][0-9]*\)$/\1/p')
    case $mode in
    eagain | spurious) fault=$mode:${seed:-1} ;;
    *) fault=$mode ;;
    esac
    say "$mode, $poller:"
    tree=$PWD/build/torture
    ML_FAULT=$fault ML_SPEC_POLLER=$poller \
        ML_SOURCE=$PWD ML_BUILD=$tree ML_COMMAND=$tree/miniloop \
        "$tree/miniloop" "--poller=$poller" spec/torture/io.lua "$mode" "$@"
}

torture_usage() {
    say "usage: ./dev torture NAME [WORDS]$torture_table"
    exit 2
}

# torture_known NAME WORDS ...: true if there is such a name, and it is told no
# more words than the table has. (Options are its own affair.)
torture_known() {
    line=$(echo "$torture_table" | grep "^${1:-} ") || return
    shift
    case $line in
    *WORDS*) return 0 ;;
    esac
    most=$(echo "$line" | grep -o '\[[A-Z]' | wc -l)
    [ "$(printf '%s\n' "$@" | grep -c '^[^-]')" -le "$most" ]
}

torture() {
    torture_known "$@" || torture_usage
    need build
    want library
    choose_lua
    name=$1
    shift
    "torture_$name" "$@"
}
