# shellcheck shell=sh
# Sees to a sound Lua. Sourced by ./dev.
#
# choose_lua leaves its choice in build/lua/choice: the value of ML_LUA in the
# first line, that of ML_LUA_NOTE in the second.
#
# The Lua of the system is tried first (cmake/lua_probe.c tells what for). When
# it fails, and the system is a Debian, a newer release is built from Debian's
# own source package: taken by apt from the mirror that the system uses, with
# the system's keyring, under lists and caches of our own, so that nothing of
# the system's changes. When that cannot be had, the system's Lua it is, and
# build/lua/warning says so.

lua_prefix=$PWD/build/lua
lua_work=$lua_prefix/tmp
debian_suites="trixie sid"

lua_pc_name() {
    for name in lua5.4 lua-5.4 lua54 lua; do
        if pkg-config --exists "$name >= 5.4"; then
            echo "$name"
            return
        fi
    done
    return 1
}

# What a choice rests on: while this stays the same, so does the choice.
lua_grounds() {
    pc=$(lua_pc_name)
    pkg-config --modversion "$pc"
    libraries=$(pkg-config --variable=libdir "$pc")
    cksum cmake/lua_probe.c tools/lua.sh tools/lua_throw.h "$libraries/lib$pc".* \
        "$libraries"/liblua.* 2>/dev/null || :
}

# Compiles the probe with the flags given, and runs it.
is_sound() {
    cc -o "$lua_work/probe" cmake/lua_probe.c "$@" -lm -ldl &&
        "$lua_work/probe"
}

# The mirrors that this Debian takes packages of its release from.
debian_mirrors() {
    # shellcheck disable=SC1091 # the system's
    . /etc/os-release
    [ "${ID:-}" = debian ] || return 1
    apt-get --print-uris update |
        sed -n "s,^'\\(.*\\)/dists/$VERSION_CODENAME/main/binary-.*,\\1,p" |
        sort -u
}

private_apt() {
    apt-get -q -o Dir::Etc::sourcelist="$lua_work/deb.sources" \
        -o Dir::Etc::sourceparts="$lua_work/none" \
        -o Dir::State::lists="$lua_work/lists" \
        -o Dir::Cache="$lua_work/cache" "$@"
}

# fetch_lua SUITE MIRROR leaves the unpacked source in tmp/source. Its
# signatures are checked by apt, so dpkg-source need not.
fetch_lua() {
    rm -rf "$lua_work" && mkdir -p "$lua_work/none" "$lua_work/fetched" \
        "$lua_work/lists/partial" "$lua_work/cache/archives/partial" &&
        printf '%s\n' "Types: deb-src" "URIs: $2" "Suites: $1" \
            "Components: main" \
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" \
            >"$lua_work/deb.sources" &&
        private_apt update &&
        (cd "$lua_work/fetched" &&
            private_apt source --download-only lua5.4) &&
        dpkg-source --no-check -x "$lua_work"/fetched/lua5.4_*.dsc \
            "$lua_work/source"
}

# With gcc, the objects hold what a link with -flto wants beside their code, so
# that the small functions of Lua's API become part of those that call them.
tuning() {
    if ! cc -dM -E -x c /dev/null | grep -q __clang__; then
        echo "-fno-semantic-interposition -flto -ffat-lto-objects" \
            "-include $lua_prefix/../../tools/lua_throw.h"
    fi
}

# lua_library PREFIX FLAG ... compiles the library, in the source's folder.
lua_library() {
    prefix=$1
    shift
    mkdir -p "$prefix/lib" "$prefix/include" &&
        printf '%s\n' *.c | xargs -n 8 -P "$(cores)" \
            cc -c -g -fPIC -DLUA_USE_LINUX -DLUA_COMPAT_5_3 "$@" &&
        ar rcs "$prefix/lib/liblua.a" ./*.o && rm ./*.o &&
        cp lua.h luaconf.h lualib.h lauxlib.h lua5.4-deb-multiarch.h \
            "$prefix/include"
}

# Debian's own build wants its whole set of packaging tools, the sources do not.
# The header is one that Debian's build generates: with it luaconf.h finds the
# modules that Debian packages. A second library asserts that its API is used as
# the manual of Lua says: no index that is not there, no slot without room.
# shellcheck disable=SC2046 # $(tuning) is a list of flags
build_lua() (
    cd "$lua_work/source/src" || exit
    echo "#define DEB_HOST_MULTIARCH \"$(cc -print-multiarch)\"" \
        >lua5.4-deb-multiarch.h
    mkdir -p "$lua_prefix/bin" && mv lua.c luac.c .. &&
        lua_library "$lua_prefix" -O2 $(tuning) &&
        lua_library "$lua_prefix/checked" -O1 -DLUA_USE_APICHECK $(tuning) &&
        cc -O2 -DLUA_USE_LINUX -I. -o "$lua_prefix/bin/lua" ../lua.c \
            -Wl,-E "$lua_prefix/lib/liblua.a" -lm -ldl
)

# The choice for a preset: where assertions are, with those of Lua.
lua_for() {
    read -r chosen <build/lua/choice
    case $1 in
    dev | asan | tsan | valgrind | torture | torture-asan | mutate)
        if [ -d "$chosen/checked" ]; then
            chosen=$chosen/checked
        fi
        ;;
    esac
    echo "$chosen"
}

# A Lua that looks for modules elsewhere is of no use here.
finds_modules() {
    "$lua_prefix/bin/lua" -E -e 'print(package.path .. ";" .. package.cpath)' |
        grep -F "/usr/share/lua/5.4/?.lua" |
        grep -F "/usr/lib/$(cc -print-multiarch)/lua/5.4/?.so"
}

lua_from_debian() {
    mirrors=$(debian_mirrors) || return
    for suite in $debian_suites; do
        for mirror in $mirrors; do
            if fetch_lua "$suite" "$mirror" && build_lua && finds_modules &&
                is_sound -I"$lua_prefix/include" "$lua_prefix/lib/liblua.a"
            then
                return 0
            fi
        done
    done
    return 1
}

warn_of_lua() {
    cat <<TEXT
WARNING: the Lua of this system corrupts memory in programs with coroutines, and
no sound one could be built from Debian's sources (build/log/lua.log tells why).
The build goes on with it: tasks reserve stack, which hides the fault mostly.
Remove build/lua to try again; cmake -DML_LUA=/path/to/prefix takes another Lua.
TEXT
}

choose_lua() {
    if ! lua_grounds | cmp -s - "$lua_prefix/grounds"; then
        rm -rf "$lua_prefix"
        mkdir -p "$lua_work"
        # shellcheck disable=SC2046 # flags
        if try lua is_sound $(pkg-config --cflags --libs "$(lua_pc_name)"); then
            printf '%s\n' system "" >"$lua_prefix/choice"
        elif build_sound_lua; then
            printf '%s\n' "$lua_prefix" \
                "built from Debian's sources (the system's is faulty)" \
                >"$lua_prefix/choice"
        else
            printf '%s\n' system "" >"$lua_prefix/choice"
            warn_of_lua >"$lua_prefix/warning"
        fi
        rm -rf "$lua_work"
        lua_grounds >"$lua_prefix/grounds"
    fi
    if [ -f "$lua_prefix/warning" ]; then
        cat "$lua_prefix/warning" >&2
    fi
}

build_sound_lua() {
    command -v apt-get >/dev/null || return 1
    say "This system's Lua is faulty: building a sound one"
    need source
    try lua lua_from_debian
}
