# shellcheck shell=sh
# What miniloop needs from the system, and how it gets there. Sourced by ./dev.
#
# need GROUP ... makes sure that everything of these groups is there. What is
# looked for is the thing itself, not a package: so a tool that somebody
# installed by hand counts, and a second run is quick.

# The groups and the packages that hold a thing, by package manager; "-" where
# no package is known to us.
#
# group  thing            apt              dnf                 pacman        apk                  brew
package_table='
build    cc               gcc,libc6-dev    gcc                 gcc           gcc,musl-dev         gcc
build    cmake            cmake            cmake               cmake         cmake                cmake
build    ninja            ninja-build      ninja-build         ninja         samurai              ninja
build    pkg-config       pkg-config       pkgconf-pkg-config  pkgconf       pkgconf              pkgconf
build    lua.h            liblua5.4-dev    lua-devel           lua           lua5.4-dev           lua
library  header:openssl/ssl.h libssl-dev       openssl-devel       openssl       openssl-dev          openssl
library  header:jansson.h libjansson-dev   jansson-devel       jansson       jansson-dev          jansson
library  header:wslay/wslay.h libwslay-dev     wslay-devel         wslay         wslay-dev            -
library  header:zlib.h    zlib1g-dev       zlib-devel          zlib          zlib-dev             zlib
source   dpkg-source      dpkg-dev         -                   -             -                    -
test     lua5.4           lua5.4           lua                 lua           lua5.4               lua
test     module:luaunit   lua-unit         -                   -             -                    -
test     module:socket    lua-socket       lua-socket          lua-socket    lua5.4-socket        -
test     module:cjson     lua-cjson        -                   -             lua5.4-cjson         -
test     module:lpeg      lua-lpeg         lua-lpeg            lua-lpeg      lua5.4-lpeg          -
test     module:lfs       lua-filesystem   lua-filesystem      lua-filesystem lua5.4-filesystem   -
test     module:pl.class  lua-penlight     lua-penlight        lua-penlight  lua5.4-penlight      -
test     nc               netcat-openbsd   netcat              openbsd-netcat netcat-openbsd      -
test     socat            socat            socat               socat         socat                socat
test     curl             curl             curl                curl          curl                 curl
test     nginx            nginx            nginx               nginx         nginx                nginx
test     wrk              wrk              wrk                 wrk           -                    wrk
test     node             nodejs           nodejs              nodejs        nodejs               node
test     openssl          openssl          openssl             openssl       openssl              openssl
test     python3          python3          python3             python        python3              python
test     python:trio      python3-trio     python3-trio        python-trio   py3-trio             -
test     stdbuf           coreutils        coreutils           coreutils     coreutils            coreutils
test     sslscan          sslscan          sslscan             sslscan       sslscan              sslscan
test     node:ws          node-ws          -                   -             -                    -
test     chromium         chromium         chromium            chromium      chromium             -
check    clang            clang            clang               clang         clang                llvm
check    clang-tidy       clang-tidy       clang-tools-extra   clang         clang-extra-tools    llvm
check    clang-format     clang-format     clang-tools-extra   clang         clang-extra-tools    clang-format
check    cppcheck         cppcheck         cppcheck            cppcheck      cppcheck             cppcheck
check    luacheck         lua-check        -                   luacheck      -                    luacheck
check    shellcheck       shellcheck       ShellCheck          shellcheck    shellcheck           shellcheck
check    mandoc           mandoc           mandoc              mandoc        mandoc               mandoc
coverage llvm-cov         llvm             llvm              llvm          llvm                  llvm
scan     testssl          testssl.sh,bsdmainutils,dnsutils testssl.sh testssl.sh testssl.sh testssl
memory   valgrind         valgrind         valgrind            valgrind      valgrind             -
torture  slowhttptest     slowhttptest     slowhttptest        -             -                    slowhttptest
torture  faketime         libfaketime,faketime libfaketime     libfaketime   libfaketime          libfaketime
peers    module:luv       lua-luv          lua-luv             lua-luv       lua5.4-luv           -
peers    module:cqueues   lua-cqueues      -                   -             lua5.4-cqueues       -
peers    file:/usr/share/lua/5.2/copas.lua lua-copas - - - -
peers    nginx            nginx            nginx               nginx         nginx                nginx
peers    file:/usr/lib/nginx/modules/ngx_http_lua_module.so libnginx-mod-http-lua - - - -
peers    node             nodejs           nodejs              nodejs        nodejs               node
peers    python:uvloop    python3-uvloop   python3-uvloop      python-uvloop py3-uvloop           -
peers    python:aiohttp   python3-aiohttp  python3-aiohttp     python-aiohttp py3-aiohttp         -
peers    header:curl/curl.h libcurl4-openssl-dev libcurl-devel   curl          curl-dev             curl
peers    go               golang           golang              go            go                   go
peers    tarantool        tarantool        -                   -             -                    -
peers    header:uv.h      libuv1-dev       libuv-devel         libuv         libuv-dev            libuv
peers    wrk              wrk              -                   wrk           -                    wrk
peers    perf             linux-perf       perf                perf          perf                 -
peers    ss               iproute2         iproute             iproute2      iproute2             -
'

# The interpreter has another name on each system, and "lua" may be an older one.
lua_command() {
    for name in lua5.4 lua-5.4 lua54 lua; do
        if "$name" -e 'os.exit(_VERSION >= "Lua 5.4")' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

lua_has_module() {
    lua=$(lua_command) && "$lua" -e "require '$1'" 2>/dev/null
}

has_thing() {
    case $1 in
    lua5.4) lua_command >/dev/null ;;
    lua.h) # of 5.4 or younger, under one of the names that it goes by
        pkg-config --exists lua5.4 2>/dev/null ||
            pkg-config --exists lua-5.4 2>/dev/null ||
            pkg-config --exists lua54 2>/dev/null ||
            pkg-config --exists 'lua >= 5.4' 2>/dev/null ;;
    cc) command -v cc >/dev/null && echo '#include <stdio.h>' |
        cc -E -x c - >/dev/null 2>&1 ;;
    nc) # that of OpenBSD: others of that name cannot end one direction
        nc -h 2>&1 | grep -q -e '-N.*hutdown' ;;
    file:*) [ -e "${1#file:}" ] ;;
    header:*) echo "#include <${1#header:}>" | cc -E -x c - >/dev/null 2>&1 ;;
    module:*) lua_has_module "${1#module:}" ;;
    python:*) # the first python3 of the path may be another than the system's
        python3 -c "import ${1#python:}" 2>/dev/null ||
            /usr/bin/python3 -c "import ${1#python:}" 2>/dev/null ;;
    node:*) # Debian's packages are in a folder that only Debian's Node knows
        NODE_PATH=${NODE_PATH:-/usr/share/nodejs} \
            node -e "require('${1#node:}')" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# Prints the rows of the groups given whose thing is not there.
missing_rows() {
    echo "$package_table" | while read -r group thing packages; do
        for wanted in "$@"; do
            if [ "$group" = "$wanted" ] && ! has_thing "$thing"; then
                echo "$thing $packages"
            fi
        done
    done
}

# Picks column $1 of the rows on standard input: the names of packages.
packages_of() {
    awk -v column="$1" '{ print $(column + 1) }' | tr ',' '\n' | grep -vx -e - |
        sort -u | xargs
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# An update that fails may have failed for a source that we do not need.
apt_install() {
    # shellcheck disable=SC2086 # a list of names
    set -- $1
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update || :
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

# Things as people call them.
in_words() {
    sed -e 's/module:/the Lua module /' -e 's/python:/the Python module /' \
        -e 's/header:/the C header /' -e 's/node:/the Node package /' \
        -e 's/file://'
}

# Tells the people of other systems what to install, in their own words.
explain_missing() {
    rows=$1
    echo "miniloop needs what this system does not have:" >&2
    echo "$rows" | awk '{ print "  " $1 }' | in_words >&2
    for manager in \
        "2 dnf install" "3 pacman -S" "4 apk add" "5 brew install"; do
        column=${manager%% *}
        command=${manager#* }
        if command -v "${command%% *}" >/dev/null; then
            echo "Install it with: $command $(echo "$rows" |
                packages_of "$column")" >&2
            unknown=$(echo "$rows" |
                awk -v c="$column" '$(c + 1) == "-" { print "  " $1 }')
            if [ -n "$unknown" ]; then
                echo "and, from where you find it:" >&2
                echo "$unknown" | in_words >&2
            fi
            return
        fi
    done
    echo "(the packages of Debian are: $(echo "$rows" | packages_of 1))" >&2
}

# Of what can be done without: then the build says what it lacks.
# shellcheck disable=SC2317 # ./dev calls it
want() {
    rows=$(missing_rows "$@")
    [ -n "$rows" ] || return 0
    packages=$(echo "$rows" | packages_of 1)
    if command -v apt-get >/dev/null; then
        say "Installing $packages"
        try install apt_install "$packages" && return 0
    fi
    say "Building without $(echo "$rows" | awk '{ print $1 }' | in_words | xargs)"
}

need() {
    rows=$(missing_rows "$@")
    [ -n "$rows" ] || return 0
    if ! command -v apt-get >/dev/null; then
        explain_missing "$rows"
        exit 1
    fi
    packages=$(echo "$rows" | packages_of 1)
    say "Installing $packages"
    if ! quietly install apt_install "$packages"; then
        say "Could not install them; as root: apt-get install $packages"
        exit 1
    fi
    rows=$(missing_rows "$@")
    if [ -n "$rows" ]; then
        say "Still missing:"
        echo "$rows" | awk '{ print "  " $1 }' | in_words >&2
        exit 1
    fi
}

# want GROUP ... installs what it can of the groups, and says what it cannot: for
# what is good to have. One package that is not to be had must not cost the rest.
want() {
    rows=$(missing_rows "$@")
    [ -n "$rows" ] || return 0
    if command -v apt-get >/dev/null; then
        for package in $(echo "$rows" | packages_of 1); do
            say "Installing $package"
            try install apt_install "$package" || :
        done
        rows=$(missing_rows "$@")
    fi
    [ -z "$rows" ] || explain_missing "$rows"
}
