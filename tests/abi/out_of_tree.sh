# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What an author of plugins gets: installs the build into an empty folder and,
# with nothing but `pkg-config postern` of that, compiles each header alone,
# builds plugins/skeleton, and has the installed daemon load it. Output is TAP.
set -u
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL PKG_CONFIG_PATH
export LC_ALL=C
count=0 failed=0
# is TITLE COMMAND... : one case; what the command says is shown if it fails.
is() {
    local title=$1
    shift
    count=$((count + 1))
    if "$@" >"$work/said" 2>&1; then
        echo "ok $count - $title"
    else
        echo "not ok $count - $title"
        sed 's/^/# /' "$work/said" | tail -n 30
        failed=$((failed + 1))
    fi
}
# said PATTERN COMMAND... : the command fails, and says so.
says() {
    local pattern=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "succeeded: $*"
        return 1
    fi
    grep -E "$pattern" "$work/out" || { cat "$work/out"; return 1; }
}
# says_not WORD FOLDER: no file has it, nor its name.
says_not() {
    ! grep -ri "$1" "$2" && ! find "$2" -iname "*$1*" | grep .
}
bail() { echo "Bail out! $*"; exit 1; }

is "make install with DESTDIR" \
    make -s -C "$top_builddir" install DESTDIR="$work/dest"
pc=$(find "$work/dest" -name postern.pc)
[ -n "$pc" ] || bail "no postern.pc is installed"
export PKG_CONFIG_LIBDIR=${pc%/*}
pkg_config="pkg-config --define-prefix"
libdir=$($pkg_config --variable=libdir postern)
moduledir=$($pkg_config --variable=moduledir postern)
includedir=$($pkg_config --variable=includedir postern)
if [ ! -e "$libdir/libpostern.so" ]; then
    echo "ok $((count + 1)) - plugins out of tree # SKIP a static build"
    echo "1..$((count + 1))"
    exit
fi
is "pkg-config says where modules go" install -d "$moduledir"

# Headers, each alone, with the warnings that careful authors turn on.
alone() {
    printf '#include <%s>\nextern int x;\n' "$1" >"$work/alone.c"
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
        $($pkg_config --cflags postern) -c -o "$work/alone.o" "$work/alone.c"
}
while read -r header; do
    is "<$header> stands alone" alone "$header"
done < <(cd "$includedir" && find postern -name '*.h' | sort)

# refused_abi PART VALUE : changes that part of the ABI's number in a copy of
# the installed headers and builds the skeleton with them.
build_skeleton() { # FOLDER [MAKE-ARGUMENT...]
    local folder=$1
    shift
    make -s -C "$folder" CC="${CC:-cc}" PKG_CONFIG="$pkg_config" "$@"
}
skeleton=$(find "$work/dest" -path '*/share/postern/skeleton')
if [ -f "$skeleton/skeleton.c" ]; then
    cp -r "$skeleton" "$work/skeleton"
    chmod -R u+w "$work/skeleton"
    is "the skeleton builds out of tree" build_skeleton "$work/skeleton" \
        CFLAGS="-O2 -Wall -Wextra -Werror"
    is "it has less than 100 lines of code" test \
        "$(grep -cvE '^ *(/?\*|//|$)' "$skeleton/skeleton.c")" -lt 100
    is "it exports its descriptor alone" test \
        "$(nm -D --defined-only "$work/skeleton/skeleton.so" |
            awk '$3 !~ /^_/ { print $3 }')" = skeleton_LTX_postern_module
    is "it installs where modules are loaded from" \
        make -s -C "$work/skeleton" install PKG_CONFIG="$pkg_config"
fi

# As an author begins: a module of another name, its tests with the harness
# and with the installed server.
ctl=$(find "$work/dest" -name posternctl -type f)
author() {
    LD_LIBRARY_PATH=$libdir "$ctl" module new "$@"
}
check_echo() {
    LD_LIBRARY_PATH=$libdir make -s -C "$work/echo" check CC="${CC:-cc}" \
        PKG_CONFIG="$pkg_config" CFLAGS="-O2 -g -Wall -Wextra -Werror"
}
# What plugins/README.md says to type, all of it in one shell.
guide() {
    sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$top_srcdir/plugins/README.md" \
        >"$work/guide.sh"
    grep -q "module new" "$work/guide.sh" && mkdir "$work/guide" &&
        (cd "$work/guide" && PATH=${ctl%/*}:$PATH LD_LIBRARY_PATH=$libdir \
            CC="${CC:-cc}" PKG_CONFIG=$pkg_config bash -ex "$work/guide.sh")
}
if [ -n "$ctl" ] && [ "${PTN_SANITIZE:-no}" = no ]; then
    is "posternctl module new writes a protocol" \
        author echo --protocol --dir "$work/echo"
    is "nothing of it is called after the starter" \
        says_not skeleton "$work/echo"
    is "its own tests pass, with pkg-config alone" check_echo
    sed -i 's/good bye/adieu/' "$work/echo/echo.c"
    is "a test of it can fail" says "^not ok" check_echo
    is "the guide's commands do what they say" guide
    is "what is there is not overwritten" says "File exists" \
        author echo --protocol --dir "$work/echo"
    is "a bad name is refused" says "is no name for a module" \
        author Echo-1 --protocol
fi

daemon=$(find "$work/dest" -name posternd -type f)
if [ -n "$daemon" ] && [ -f "$moduledir/skeleton.so" ]; then
    cat >"$work/postern.conf" <<END
server: { hostname = "test.example"; state = "$work/state";
          module_path = "$moduledir"; };
load = [ "skeleton" ];
listeners: {
  lab: { protocol = "skeleton"; listen = [ "127.0.0.1:7000" ];
         tls: { mode = "none"; }; };
};
END
    mkdir -m 700 "$work/state"
    check() {
        LD_LIBRARY_PATH=$libdir "$daemon" --check --config "$work/postern.conf"
    }
    is "the daemon loads it" check

    # The shipped configurations: right but for the names of this machine.
    mkdir -p "$work/etc/certs"
    for name in example.org shop.example; do
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$name" \
            -keyout "$work/etc/certs/$name.key" \
            -out "$work/etc/certs/$name.crt" 2>/dev/null
    done
    cp "$work/postern.conf" "$work/lab.conf"
    for example in "$top_srcdir"/conf/*.conf; do
        sed -e "s|/var/lib/postern|$work/state|" \
            -e "s|/etc/postern|$work/etc|" \
            -e "s|\"postern\";|\"$(id -un)\";|" \
            -e "s|^server: {|&\n  module_path = \"$moduledir\";|" \
            "$example" >"$work/postern.conf"
        grep -q "state *=" "$work/postern.conf" ||
            sed -i "s|^server: {|&\n  state = \"$work/state\";|" \
                "$work/postern.conf"
        is "conf/$(basename "$example") is right" check
    done
    cp "$work/lab.conf" "$work/postern.conf"

    # Two years on: plugins built from the headers of then.
    for frozen in "$top_srcdir"/tests/abi/frozen/*/; do
        [ -f "$frozen/skeleton.c" ] || continue
        rm -rf "$work/then"
        cp -r "$frozen" "$work/then"
        chmod -R u+w "$work/then"
        is "a plugin of ABI $(basename "$frozen") builds from its headers" \
            build_skeleton "$work/then" CFLAGS="-O2 -I."
        is "the daemon loads it" install "$work/then/skeleton.so" "$moduledir"
        is "and takes it" check
    done

    # Headers of another ABI, made from today's.
    for change in "MAJOR 2" "MINOR 99" "MAJOR 0"; do
        read -r part value <<<"$change"
        rm -rf "$work/other" "$work/plugin"
        cp -r "$includedir" "$work/other"
        cp -r "$skeleton" "$work/plugin"
        chmod -R u+w "$work/other" "$work/plugin"
        sed -i "s/\(#define PTN_ABI_$part\) .*/\1 $value/" \
            "$work/other/postern/module.h"
        is "a plugin of ABI $part $value builds" build_skeleton \
            "$work/plugin" CFLAGS="-O2 -I$work/other"
        install "$work/plugin/skeleton.so" "$moduledir"
        is "the daemon refuses it by name, with the version" \
            says "skeleton.*$value" check
    done
fi
echo "1..$count"
exit $((failed > 0))
