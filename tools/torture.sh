# shellcheck shell=sh
# What miniloop must survive, inflicted. Sourced by ./dev.

# A name, and what it is told by ./dev torture; torture_NAME runs it.
torture_table='
slow [CLIENTS [RATE]]   a server under slow clients, RATE bytes a second each
'

torture_slow() {
    build_release
    build/miniloop spec/torture/slow.lua "$@"
}

# torture_script NAME WORDS ...: with the command whose calls can fail.
torture_script() {
    build torture
    script=spec/torture/$1.lua
    shift
    LUA_CPATH="$PWD/build/torture/torture/?.so;;" \
        build/torture/miniloop "$script" "$@"
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
