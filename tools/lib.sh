# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the tools share: messages, and the installation of what is missing.
# Sourced by bash scripts that have set `top` to the tree's root.

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
# when nothing is.
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
        DEBIAN_FRONTEND=noninteractive "${apt[@]}" \
            install --no-install-recommends $missing; } \
        </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install: $missing"
    fi
    rm -f "$log"
}
