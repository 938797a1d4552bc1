# shellcheck shell=sh
# The specs and the checks. Sourced by ./dev.

check_parts="gcc clang format tidy analyzer cppcheck luacheck shellcheck manual"
check_parts="$check_parts specs asan tsan bench instructions"
extra_parts="memory memory_sample tls_scan fuzz coverage coverage_core"

# All files of a kind in the tree: sources NAME-PATTERN ...
sources() {
    for pattern in "$@"; do
        find . -path ./build -prune -o -name "$pattern" -print
    done
}

# ------------------------------------------------------------- the specs

# run_specs PRESET [OPTIONS OF CTEST]: a line for each test, what those print
# that fail, and a total. The log also has what went well in those. (One more at a
# time than there are cores, for specs wait now and then.)
run_specs() {
    log=build/log/specs-$1.log
    { ctest --parallel "$(($(cores) + 1))" --preset "$@" 2>&1 || :; } | tee "$log" |
        awk '!/^ +Start +[0-9]+:/ && !/ \.\.\. ok \([0-9.]+ s\)$/ {
            print
            fflush()
        }'
    # What the Lua specs say of themselves, test by test, stands in ctest's log.
    awk '/^[0-9]+\/[0-9]+ Test: / { name = $3 }
        /^[0-9]+ passed, [0-9]+ failed, / { print name ": " $0 }' \
        "build/$1/Testing/Temporary/LastTest.log" || :
    awk '/tests passed, .* out of / { all = $NF; failed = $4 }
        END {
            if (all == 0)
                failed = 1
            printf "%d passed, %d failed\n", all ? all - failed : 0, failed
            exit failed > 0
        }' "$log"
}

# run_some PATTERNS PRESET [OPTIONS OF CTEST]: of the Lua specs, those alone.
run_some() (
    export ML_SPEC_ONLY="$1"
    shift
    run_specs "$@"
)

# ------------------------------------------------------------ the checks

check_gcc() {
    build gcc
}

check_clang() {
    build clang
}

check_format() {
    sources '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

# With clang's flags: clang-tidy does not know all of gcc's.
check_tidy() {
    build clang && sources '*.c' | grep -E '^\./(runtime|spec|bench)/' |
        grep -v '^\./bench/peers/' |
        xargs -n 4 -P "$(cores)" clang-tidy -p build/clang --quiet \
            2>build/log/tidy-warning-counts.log
}

# What warns stops the build. (Only what has changed is read again.)
check_analyzer() {
    build analyzer
}

check_cppcheck() {
    build clang && cppcheck --project=build/clang/compile_commands.json \
        -j "$(cores)" --enable=warning,performance,portability \
        --inline-suppr --quiet --error-exitcode=1
}

check_luacheck() {
    luacheck --no-color --quiet .
}

check_shellcheck() {
    sources '*.sh' | xargs shellcheck -x dev .ci/run
}

check_manual() {
    mandoc -T lint docs/*.1
}

check_specs() {
    build dev && run_specs dev
}

# All specs under one poller, and under the others what comes near to them.
near_pollers="^core/ ^net/ ^sys/ ^choice/ ^poll/"

check_asan() {
    build asan && run_specs asan -E "^spec_(select|epoll)" &&
        run_some "$near_pollers" asan -R "^spec_(select|epoll)"
}

# What has threads: those of hosts and of the runtime are in the specs in C. (In
# the Lua specs the sanitizer loses count: Lua suspends a coroutine by _longjmp,
# which it does not see, and after 65,536 of them it dies.)
check_tsan() {
    build tsan && run_specs tsan -E "_memory_test" \
        -R "^c_(api_(close|later|offload|poll|post|quiet|run|state|storm)|net_|library)"
}

# As the sanitizers. The sweeps of failing allocations take each 37th point
# (ML_SWEEP_STEP in the presets): the sanitizers have them all.
check_memory() {
    build valgrind && run_specs valgrind -E "^spec_(select|epoll)" &&
        run_some "$near_pollers" valgrind -R "^spec_(select|epoll)"
}

# What the core does, under one poller: for a CI that has minutes.
check_memory_sample() {
    # (Those that refuse each allocation in turn take minutes so.)
    build valgrind && run_some "^core/" valgrind -R "^(c_|spec_auto)" \
        -E "_(memory|shortage)_test"
}

# That the benchmarks run and get right answers; their figures claim nothing.
check_bench() {
    build_bench && build/miniloop bench/run.lua --quick --ours yield sleep0 echo \
        spawn parked sleepers startup micro growth_expire
}

# What the hot paths cost, by counting: `./dev check instructions --update`
# keeps what it finds.
check_instructions() {
    build_bench && build/miniloop bench/instructions.lua ${update:+--update}
}

# What testssl.sh finds of a server that speaks TLS.
check_tls_scan() {
    build dev && build/dev/miniloop tools/tls_scan.lua
}

# Ten seconds for each target: what was found before is tried again first.
check_fuzz() {
    fuzz all 10
}

# That what is not reached is what the lists say (spec/coverage).
check_coverage() {
    coverage
}

# The same of the core alone: for a CI that has minutes.
check_coverage_core() {
    coverage --core
}

# -------------------------------------------------------------- all of it

check_part() {
    started=$(date +%s)
    result=0
    try "check-$1" "check_$1" || result=$?
    seconds=$(($(date +%s) - started))
    if [ "$result" = 0 ]; then
        echo "ok      $1 (${seconds} s)"
    else
        echo "FAILED  $1 (${seconds} s), as build/log/check-$1.log has it:"
        cat "build/log/check-$1.log"
    fi
    return "$result"
}

check_is_known() {
    case " $check_parts $extra_parts " in
    *" $1 "*) ;;
    *)
        say "no such check: $1 (there are $check_parts $extra_parts)"
        exit 2
        ;;
    esac
}

# check [--full | PART ... | instructions --update]
check() {
    update=
    if [ "$*" = "instructions --update" ]; then
        update=yes
        set -- instructions
    fi
    # shellcheck disable=SC2086 # lists of names
    case ${1:-} in
    --full) set -- $check_parts memory ;;
    "") set -- $check_parts ;;
    esac
    for part in "$@"; do
        check_is_known "$part"
        case $part in
        memory* | instructions) need memory ;;
        tls_scan) need scan ;;
        esac
    done
    good=0
    bad=
    for part in "$@"; do
        if check_part "$part"; then
            good=$((good + 1))
        else
            bad="$bad $part"
        fi
    done
    [ -z "$bad" ] || echo "failed:$bad"
    echo "$good passed, $(echo "$bad" | wc -w) failed"
    [ -z "$bad" ]
}
