# shellcheck shell=sh
# What the specs reach of runtime/, by clang's counters. Sourced by ./dev.
#
# The build "coverage" leaves its counts in build/coverage/profiles, whoever
# runs it and however it ends (cmake/Compile.cmake); assertions are left out,
# for that one fails is nothing to reach. What is not reached stands, with its
# reason, in spec/coverage/LAYER.txt, and a run that finds anything else fails.

coverage_build=build/coverage

# All programs that hold a part of runtime/, as options of llvm-cov.
coverage_objects() {
    for each in "$coverage_build"/module/miniloop.so \
        "$coverage_build"/spec/*_test "$coverage_build"/fuzz/*_fuzz; do
        printf -- '-object\n%s\n' "$each"
    done
}

# Each input that was kept of the fuzzing, once.
coverage_corpora() {
    for target in $(fuzz_targets); do
        "$coverage_build/fuzz/${target}_fuzz" -runs=0 -close_fd_mask=3 \
            "fuzz/corpus/$target" || return
    done
}

# coverage_pollers [PATTERN ...]: the specs in which pollers differ, or these,
# under each that coverage_collect has not run all of them under.
coverage_pollers() {
    [ $# -gt 0 ] ||
        set -- '^core/loop' '^net/' '^poll/' '^regress/' '^sys/'
    for poller in select auto; do
        ML_SOURCE=$PWD ML_BUILD=$PWD/$coverage_build \
            ML_COMMAND=$PWD/$coverage_build/miniloop ML_SPEC_POLLER=$poller \
            "$coverage_build/miniloop" --poller=$poller spec/run.lua "$@" ||
            return
    done
}

# coverage_sweep NAME WORDS ...: a sweep of ./dev torture, by the build that
# counts.
coverage_sweep() (
    export torture_tree=coverage
    torture_sweep "$@"
)

# Memory that runs out, and calls that fail, at each place that asks for them
# (./dev torture memory, errno), and a difficult system: what these find is for
# ./dev torture to tell.
coverage_torture() {
    for mode in short eagain spurious; do
        ML_FAULT=$mode ML_SPEC_POLLER=auto timeout 300 \
            "$coverage_build/miniloop" spec/torture/io.lua "$mode" '^net/' \
            '^sys/' || :
    done
    coverage_sweep memory --places --mode=twice '^choice/' '^core/' '^lib/' \
        '^net/' '^regress/' '^scope/' '^sync/' '^sys/' || :
    coverage_sweep errno --places '^choice/' '^core/loop' '^net/' '^regress/' \
        '^scope/signals' '^sys/' || :
}

# coverage_step NAME COMMAND ...: tells how long it took.
coverage_step() {
    coverage_name=$1
    shift
    coverage_since=$(date +%s)
    quietly "coverage-$coverage_name" "$@" || return
    say "coverage: $coverage_name ($(($(date +%s) - coverage_since)) s)"
}

# Runs all that counts. A spec that fails has not reached what it should have,
# but there is something to see even so.
coverage_collect() {
    rm -rf "$coverage_build/profiles"
    say "coverage: this takes some minutes, ten or so with two cores"
    good=0
    coverage_step specs run_specs coverage -E "spec_(select|auto)" || good=1
    coverage_step pollers coverage_pollers || good=1
    coverage_step corpora coverage_corpora || good=1
    coverage_step torture coverage_torture
    return "$good"
}

# What reaches the core, in minutes: no sweep is needed for it, since programs in
# C refuse memory where it matters. Of their own sweeps each third point is enough.
coverage_core_programs() (
    export ML_SWEEP_STEP=3
    run_specs coverage -R "^c_" -E "(http|lib|tls)_memory_test|tls_shortage"
)

coverage_core_specs() {
    coverage_pollers '^choice/' '^cli/' '^core/' '^net/' '^poll/' '^regress/' \
        '^scope/' '^sync/' '^sys/'
}

coverage_collect_core() {
    rm -rf "$coverage_build/profiles"
    good=0
    coverage_step programs coverage_core_programs || good=1
    coverage_step specs coverage_core_specs || good=1
    return "$good"
}

# coverage_report [--update] [--core]
coverage_report() {
    llvm-profdata merge -sparse -o "$coverage_build/reached" \
        "$coverage_build"/profiles/*.profraw &&
        coverage_objects | xargs llvm-cov export \
            -instr-profile="$coverage_build/reached" \
            "$coverage_build/miniloop" >"$coverage_build/reached.json" \
            2>build/log/coverage-export.log &&
        LLVM_PROFILE_FILE=/dev/null "$coverage_build/miniloop" \
            spec/coverage/run.lua "$@" "$coverage_build/reached.json" \
            "$PWD/runtime/"
}

coverage_usage() {
    say "usage: ./dev coverage              run all that counts, and compare
       ./dev coverage --update     the same, and write spec/coverage/*.txt
       ./dev coverage --core [--update]     of runtime/core alone, in less time
       ./dev coverage --again [--core] [--update]   compare what has been counted
       ./dev coverage --show FILE  what was reached of a source"
    exit 2
}

coverage_show() {
    coverage_objects | xargs llvm-cov show -show-branches=count \
        -instr-profile="$coverage_build/reached" \
        "$coverage_build/miniloop" -sources "$1"
}

# coverage [--core] [--update] | --again [--core] [--update] | --show FILE
coverage() {
    need build test check coverage
    want library
    choose_lua
    build coverage
    result=0
    case "$*" in
    "" | --update)
        coverage_collect || result=1
        coverage_report "$@" && return "$result"
        ;;
    --core | "--core --update")
        coverage_collect_core || result=1
        coverage_report "$@" && return "$result"
        ;;
    --again*)
        shift
        coverage_report "$@"
        ;;
    "--show "?*) coverage_show "$2" ;;
    *) coverage_usage ;;
    esac
}
