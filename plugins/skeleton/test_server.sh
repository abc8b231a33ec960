# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module in a real server: it says what it is, is loaded from this folder,
# and answers on a port. For bash. Output is TAP.
#
#   test_server.sh NAME
set -u
name=$1
pkg_config=${PKG_CONFIG:-pkg-config}
posternd=$($pkg_config --variable=sbindir postern)/posternd
posternctl=$($pkg_config --variable=bindir postern)/posternctl
work=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$work"' EXIT
count=0 failed=0
# is TITLE COMMAND... : one case.
is() {
    count=$((count + 1))
    if "${@:2}" >"$work/said" 2>&1; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        sed 's/^/# /' "$work/said"
        failed=$((failed + 1))
    fi
}

is "posternctl says that it can be loaded" \
    "$posternctl" module check "$PWD/$name.so"

# The server alone reads the modules' folder, so it holds this one module.
mkdir -m 700 "$work/modules" "$work/state"
cp "$name.so" "$work/modules"
config() {
    cat >"$work/postern.conf" <<END
server: { hostname = "mail.example.test"; state = "$work/state";
          module_path = "$work/modules"; processes = "single"; };
load = [ "$name" ];
listeners: { lab: { protocol = "$name"; listen = [ "127.0.0.1:$1" ];
                    tls: { mode = "none"; }; }; };
END
}
# A port that nobody has: the first of some that the server can bind.
start() {
    local port try
    for port in $(seq $((20000 + $$ % 20000)) 41 60000 | head -n 20); do
        config "$port"
        "$posternd" --config "$work/postern.conf" 2>"$work/log" &
        server=$!
        for try in $(seq 200); do
            kill -0 $server 2>/dev/null || continue 2
            if grep -q "server.ready" "$work/log"; then
                exec 3<>"/dev/tcp/127.0.0.1/$port" && return
            fi
            sleep 0.1
        done
    done
    cat "$work/log"
    return 1
}
says() { # WORDS EXPECTED-LINE
    local line
    [ -z "$1" ] || printf '%s\r\n' "$1" >&3
    read -r -t 20 line <&3
    echo "it said: $line"
    [ "${line%$'\r'}" = "$2" ]
}
is "a server with it starts" start
is "it greets" says "" "220 mail.example.test says everything twice"
is "it answers" says hello "1 hello"
is "it leaves" says QUIT "221 1 lines"
echo "1..$count"
exit $((failed > 0))
