# shellcheck shell=sh
# Fuzzing by clang's libFuzzer. Sourced by ./dev.
#
# What is kept in fuzz/corpus/TARGET are inputs that reach something that no
# other does; what a run finds besides is in build/fuzz/corpus/TARGET, and
# goes on from there the next time.

fuzz_targets() {
    sources '*_fuzz.c' | sed -e 's|.*/||' -e 's/_fuzz\.c$//' | sort
}

fuzz_usage() {
    say "usage: ./dev fuzz TARGET [SECONDS]    look for SECONDS (60)
       ./dev fuzz TARGET FILE         run this input again
       ./dev fuzz --keep TARGET       keep what was found of use
       ./dev fuzz all [SECONDS [SEED]] each of them for so long, on all cores
targets:"
    fuzz_targets | sed 's/^/  /' >&2
    exit 2
}

fuzz_is_known() {
    fuzz_targets | grep -qxe "$1" || fuzz_usage
}

fuzz_is_number() {
    case $1 in
    "" | *[!0-9]*) return 1 ;;
    esac
}

# The longest input that is made of one: what each of its bytes sets off takes
# time, and most of what can go wrong does so in a few.
fuzz_length() {
    case $1 in
    capi | connection | request | schedule | url) echo 64 ;;
    address | cmdline) echo 128 ;;
    json) echo 1000 ;; # it nests
    *) echo 400 ;;
    esac
}

# fuzz_program TARGET WORDS ... (what the code itself prints is of no interest)
#
# What is freed is watched long enough to see who uses it within an input, and
# stacks that have been left lie in no more memory than they need: Lua unwinds
# them often, and each time all of it is gone through. (print_funcs: to name the
# functions that are new takes another process, whose pipes would seem to be
# left open.)
fuzz_program() {
    program=build/fuzz/fuzz/$1_fuzz
    shift
    ASAN_OPTIONS=detect_stack_use_after_return=1:max_uar_stack_size_log=16:quarantine_size_mb=2:${ASAN_OPTIONS:-} \
        LSAN_OPTIONS=suppressions=spec/support/lsan.supp:print_suppressions=0 \
        "$program" -print_funcs=0 "$@"
}

# fuzz_look TARGET SECONDS [SEED]
#
# Who called the allocator takes longer to note than most else does: an input
# that is found is to be run again, which tells.
fuzz_look() {
    target=$1
    found=build/fuzz/corpus/$target
    log=build/log/fuzz-$target.log
    leaks=1
    if [ -f "fuzz/$target.lua" ] || [ "$target" = capi ]; then
        leaks=0 # they count what a state of Lua holds from time to time
    fi
    case $target in
    cmdline | schedule) closed=3 ;; # they complain all the time
    *) closed=1 ;;                  # standard output
    esac
    words=
    if [ -f "fuzz/$target.dict" ]; then
        words=-dict=fuzz/$target.dict
    fi
    mkdir -p "$found" "build/fuzz/found" "fuzz/corpus/$target"
    if ! ASAN_OPTIONS=malloc_context_size=0 fuzz_program "$target" \
        -max_total_time="$2" -max_len="$(fuzz_length "$target")" ${words:+"$words"} \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -close_fd_mask="$closed" \
        -detect_leaks="$leaks" -entropic=0 -seed="${3:-0}" \
        -artifact_prefix="build/fuzz/found/$target-" \
        "$found" "fuzz/corpus/$target" >"$log" 2>&1; then
        grep -vE "^(#[0-9]+|INFO:|stat::)" "$log" | head -n 60 >&2
        say "FAILED  $target ($log); again by: ./dev fuzz $target $(
            sed -n 's/.*Test unit written to //p' "$log")"
        return 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    reached=$(sed -n 's/.*DONE *cov: \([0-9]*\) .*/\1/p' "$log")
    echo "ok      $target: $runs inputs in $2 s, $reached edges"
}

# Waits for those that were begun: so many more have ended well, so many not.
fuzz_collect() {
    for pid in $pids; do
        if wait "$pid"; then
            good=$((good + 1))
        else
            bad=$((bad + 1))
        fi
    done
    pids=
}

# fuzz_all SECONDS [SEED]: as many at once as there are cores.
fuzz_all() {
    good=0
    bad=0
    pids=
    for each in $(fuzz_targets); do
        fuzz_look "$each" "$@" &
        pids="$pids $!"
        if [ $(((good + bad + $(echo "$pids" | wc -w)) % $(cores))) = 0 ]; then
            fuzz_collect
        fi
    done
    fuzz_collect
    echo "$good passed, $bad failed"
    [ "$bad" = 0 ]
}

# fuzz_keep TARGET: as few as reach all that was reached.
fuzz_keep() {
    kept=fuzz/corpus/$1
    fewer=build/fuzz/kept/$1
    mkdir -p "$kept" "build/fuzz/corpus/$1"
    rm -rf "$fewer"
    mkdir -p "$fewer"
    quietly "fuzz-keep-$1" fuzz_program "$1" -set_cover_merge=1 \
        -max_len="$(fuzz_length "$1")" -detect_leaks=0 \
        "$fewer" "$kept" "build/fuzz/corpus/$1"
    rm -rf "$kept"
    mv "$fewer" "$kept"
}

# Names as the command line has them.
fuzz() {
    case ${1:-} in
    "" | -*)
        if [ "${1:-}" != --keep ] || [ $# != 2 ]; then
            fuzz_usage
        fi
        fuzz_is_known "$2"
        build fuzz && fuzz_keep "$2"
        ;;
    all)
        fuzz_is_number "${2:-60}${3:-0}" || fuzz_usage
        build fuzz && fuzz_all "${2:-60}" "${3:-0}"
        ;;
    *)
        fuzz_is_known "$1"
        if [ -f "${2:-}" ]; then
            build fuzz && fuzz_program "$1" "$2"
        elif fuzz_is_number "${2:-60}"; then
            build fuzz && fuzz_look "$1" "${2:-60}"
        else
            say "$2 is no file, nor a number of seconds"
            exit 2
        fi
        ;;
    esac
}
