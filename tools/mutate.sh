# shellcheck shell=sh
# Mutation testing: see spec/mutate/run.lua. Sourced by ./dev.

# mutate [OPTIONS and words of spec/mutate/run.lua]
mutate() {
    build mutate && build/mutate/miniloop spec/mutate/run.lua "$@"
}
