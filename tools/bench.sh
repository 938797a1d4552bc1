# shellcheck shell=sh
# The benchmarks. Sourced by ./dev.

# Their programs, and the runtime, from one configuration: the same Lua.
build_bench() {
    build_release
    quietly build-bench cmake --build --preset release --target bench -- --quiet &&
        quietly bench-files sh bench/tools/files.sh build/bench/files
}

# bench [--with-peers] [OPTIONS of bench/run.lua] [ROW ...]
# bench soak [SECONDS]
bench() {
    peers=
    for word in "$@"; do
        shift
        case $word in
        --with-peers) peers=yes ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    [ -z "$peers" ] || want peers
    build_bench
    program=run
    if [ "${1:-}" = soak ]; then
        shift
        program=soak
    fi
    build/miniloop "bench/$program.lua" "$@"
}
