# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tools share: messages, and the installation of what is missing.
# Sourced by bash scripts that have set `top` to the tree's root.

exec {progress}>&1 # beside the logs that output goes to

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# packages_of SECTION... : the packages of these sections of tools/packages.
packages_of() {
    awk -v want=" $* " '
        /^#/ || NF == 0 { next }
        /^\[/ { on = index(want, " " substr($1, 2, length($1) - 2) " "); next }
        on { print $1 }' "$top/tools/packages" | sort -u
}

# packages_missing SECTION... : those of them that are not installed.
packages_missing() {
    packages_of "$@" | sort >"${TMPDIR:-/tmp}/postern-want.$$"
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
        sed -n 's/^installed //p' | sort -u |
        comm -23 "${TMPDIR:-/tmp}/postern-want.$$" -
    rm -f "${TMPDIR:-/tmp}/postern-want.$$"
}

# packages_install SECTION... : installs what is missing; no apt call at all
# when nothing is. RUNLEVEL=1 keeps a server that comes along from starting.
packages_install() {
    local missing
    missing=$(packages_missing "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] ||
        die "these packages are missing, as root: apt-get install $missing"
    say "installing: $missing"
    local apt=(apt-get -q -y -o DPkg::Lock::Timeout=600
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
    local log
    log=$(mktemp)
    if ! { "${apt[@]}" update &&
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive "${apt[@]}" \
            install --no-install-recommends $missing; } \
        </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: $missing"
    fi
    rm -f "$log"
}

# quietly LOG COMMAND... : runs it, its output to LOG; on failure shows the end.
quietly() {
    local log=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null && return
    grep -nE -A4 'error:|Error |undefined reference|\*\*\*' "$log" | tail -n 40 >&2
    printf '%s: this failed: %s\n(the whole output is in %s)\n' \
        "${0##*/}" "$*" "$log" >&2
    return 1
}

# compile FOLDER : make, and on the terminal how far it is.
compile() {
    local n=0 line
    make -C "$1" -j"$(nproc)" | while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in *"  CC  "*)
            n=$((n + 1))
            [ $((n % 20)) != 0 ] || printf '  %d files\n' "$n" >&"$progress" ;;
        esac
    done
    return "${PIPESTATUS[0]}"
}

# postern_libraries : installs what a build needs, the lean wolfSSL included.
postern_libraries() {
    packages_install build
    if ! "$top/tools/wolfssl"; then
        say "the lean wolfSSL could not be built; taking the system's"
        packages_install wolfssl-system
    fi
}

# postern_build NAME [CONFIGURE-OPTION...] : builds the tree under .build/NAME
# and installs it below that; says where in build_dir and build_prefix. What is
# up to date is not built again.
postern_build() {
    local name=$1 log options
    shift
    build_dir=$top/.build/$name
    build_prefix=$build_dir/inst
    log=$build_dir/build.log
    options="--prefix=$build_prefix --sysconfdir=$build_prefix/etc \
--localstatedir=$build_prefix/var --enable-werror $*"
    mkdir -p "$build_dir"
    : >"$log"
    if [ ! -x "$top/configure" ]; then
        say "making ./configure"
        quietly "$log" "$top/bootstrap" || return
    fi
    # A wolfSSL that was built since changes what configure found.
    options+=" # $(cat "$top/.deps/wolfssl/.stamp" 2>/dev/null)"
    if [ ! -f "$build_dir/Makefile" ] ||
        [ "$(cat "$build_dir/options" 2>/dev/null)" != "$options" ]; then
        say "configuring .build/$name"
        (cd "$build_dir" && eval "set -- ${options%%#*}" &&
            quietly "$log" "$top/configure" "$@") || return
        printf '%s\n' "$options" >"$build_dir/options"
    fi
    say "building .build/$name"
    quietly "$log" compile "$build_dir" &&
        quietly "$log" make -C "$build_dir" install
}
