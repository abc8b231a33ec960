# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Client certificates: asked for, required, revoked, mapped to users, and used
# to log in with SASL EXTERNAL. openssl(1) is the authority.
import base64
import json
import re
import ssl
import subprocess

import pytest

from conftest import TREE, Server

PROVIDERS = ["tls_wolfssl", "tls_openssl"]
AUTHORITY = """
set -e
cat >cnf <<END
[ca]
default_ca = a
[a]
database = index
default_md = sha256
[client]
subjectAltName = email:user1@example.test
extendedKeyUsage = clientAuth
[plain]
extendedKeyUsage = clientAuth
END
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \\
    -out $1.key; }
for ca in ca other; do
    key $ca; openssl req -x509 -new -key $ca.key -subj /CN=$ca -days 9 -out $ca.crt
done
n=4096
cert() { key $1; n=$((n + 1)); openssl req -new -key $1.key -subj /CN=$1 |
    openssl x509 -req -CA $3.crt -CAkey $3.key -set_serial $n -extfile cnf \\
    -extensions $2 -days 9 -out $1.crt; }
cert user1 client ca
cert joe plain ca
cert stranger client other
cert gone client ca
printf 'R\\t991231235959Z\\t250101000000Z\\t%X\\tunknown\\t/CN=gone\\n' $n >index
openssl ca -gencrl -config cnf -name a -cert ca.crt -keyfile ca.key \\
    -crldays 9 -out ca.crl
printf '# who is who\\njoe user2@example.test\\n' >map
"""
CONFIG = """
listeners: {{
  imaps: {{ tls: {{ client = "request"; client_ca = "{pki}/ca.crt";
                    client_crl = "{pki}/ca.crl"; }}; }};
  pop3s: {{ tls: {{ client = "require"; client_ca = "{pki}/ca.crt";
                    client_crl = "{pki}/ca.crl"; }}; }};
  smtps: {{ tls: {{ client = "require"; client_ca = "{pki}/ca.crt";
                    client_map = "{pki}/map"; }}; }};
}};
"""


@pytest.fixture(scope="module", params=PROVIDERS)
def house(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    pki = folder / "pki"
    pki.mkdir()
    subprocess.run(["sh", "-c", AUTHORITY], cwd=pki, check=True,
                   capture_output=True, timeout=60)
    one = Server(folder / "house", config=CONFIG.format(pki=pki), workers=2,
                 tls=request.param)
    one.pki = pki
    yield one
    one.down()


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def enter(house, service, name, version=None):
    context = house.context()
    if version:
        context.minimum_version = context.maximum_version = version
    if name:
        context.load_cert_chain(house.pki / f"{name}.crt",
                                house.pki / f"{name}.key")
    s = context.wrap_socket(house.connect(service),
                            server_hostname="localhost")
    return s.makefile("rwb", buffering=0), s


def ask(stream, line, tag):
    """The lines up to the one that begins with `tag`."""
    stream.write(line)
    lines = []
    while not lines or not lines[-1].startswith(tag):
        lines.append(stream.readline())
        assert lines[-1], lines
    return lines


def refused(house, service, name, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        stream, s = enter(house, service, name, version)
        if not stream.read(1):  # TLS 1.3: the client is done before we are
            raise ConnectionError
    return True


@pytest.mark.parametrize("version", VERSIONS)
def test_imap_external(house, version):
    stream, s = enter(house, "imaps", "user1", version)
    assert b"AUTH=EXTERNAL" in stream.readline()
    assert b"OK" in ask(stream, b"a AUTHENTICATE EXTERNAL =\r\n", b"a ")[-1]
    assert b"OK" in ask(stream, b"b SELECT INBOX\r\n", b"b ")[-1]
    s.close()
    house.wait_log(r"tls.handshake .*listener=imaps.*client=user1@example.test"
                   r" client_user=user1@example.test")


def test_external_names_its_own_user_only(house):
    stream, s = enter(house, "imaps", "user1")
    stream.readline()
    other = base64.b64encode(b"user2@example.test")
    lines = ask(stream, b"a AUTHENTICATE EXTERNAL " + other + b"\r\n", b"a ")
    assert b"a NO" in lines[-1]
    s.close()


@pytest.mark.parametrize("name", [None, "stranger", "gone"])
def test_requested_and_not_good(house, name):
    stream, s = enter(house, "imaps", name)
    assert b"EXTERNAL" not in stream.readline()
    lines = ask(stream, b"a AUTHENTICATE EXTERNAL =\r\n", b"a ")
    assert b"OK" not in lines[-1]
    lines = ask(stream, b"b LOGIN user1@example.test secret\r\n", b"b ")
    assert b"OK" in lines[-1]
    s.close()


def test_says_why_not(house):
    enter(house, "imaps", "stranger")[1].close()
    enter(house, "imaps", "gone")[1].close()
    house.wait_log(r'tls.handshake .*outcome=ok.*client_refused="unknown ca"')
    house.wait_log(r"tls.handshake .*outcome=ok.*client_refused=\"certificate "
                   r"revoked\"")


@pytest.mark.parametrize("version", VERSIONS)
def test_required(house, version):
    stream, s = enter(house, "pop3s", "user1", version)
    assert stream.readline().startswith(b"+OK")
    s.close()
    for name, outcome in ((None, "no certificate"), ("stranger", "unknown ca"),
                          ("gone", "certificate revoked")):
        assert refused(house, "pop3s", name, version)
        house.wait_log(rf'tls.handshake .*listener=pop3s.*outcome="{outcome}"')


def test_mapped(house):
    stream, s = enter(house, "smtps", "joe")
    stream.readline()
    lines = ask(stream, b"EHLO client.example.test\r\n", b"250 ")
    assert any(b"EXTERNAL" in line for line in lines)
    assert ask(stream, b"AUTH EXTERNAL =\r\n", b"")[-1].startswith(b"235")
    s.close()
    house.wait_log(r"client=joe client_user=user2@example.test")
    stream, s = enter(house, "smtps", "user1")  # good, and nobody
    stream.readline()
    lines = ask(stream, b"EHLO client.example.test\r\n", b"250 ")
    assert not any(b"EXTERNAL" in line for line in lines)
    s.close()


def test_reread(house):
    """A new map and a new list count from the next reload on."""
    house.pki.joinpath("map").write_text("joe user3@example.test\n")
    house.ctl("reload")
    stream, s = enter(house, "smtps", "joe")
    s.close()
    house.wait_log(r"client=joe client_user=user3@example.test")
    house.pki.joinpath("map").write_text("joe\n")
    house.ctl("reload", check=False)
    house.wait_log(r"client_map: .*map:1: a name and a user are needed")
    stream, s = enter(house, "smtps", "joe")  # the old one still counts
    assert stream.readline().startswith(b"220")
    s.close()
    house.pki.joinpath("map").write_text("joe user2@example.test\n")
    house.ctl("reload")


FORGERS = """
set -e
cat >cnf <<END
[ca]
basicConstraints = critical, CA:true
keyUsage = keyCertSign, cRLSign
[client]
subjectAltName = email:user1@example.test
extendedKeyUsage = clientAuth
END
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \\
    -out $1.key; }
cert() { key $1; openssl req -new -key $1.key -subj "$4" |
    openssl x509 -req -CA $3.crt -CAkey $3.key -set_serial $5 -extfile cnf \\
    -extensions $2 -days 9 -out $1.crt; }
for ca in ca evil; do
    key $ca; openssl req -x509 -new -key $ca.key -subj /CN=$ca -days 9 -out $ca.crt
done
cert between ca evil /CN=between 2
cert twin ca evil /CN=ca 3
for by in evil between twin; do
    cert by-$by client $by /CN=user1 7
    cp by-$by.key with-$by.key
    cat by-$by.crt $by.crt evil.crt >with-$by.crt
done
"""


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nobody_brings_his_own_authority(tmp_path, provider):
    """What a client sent and we did not believe is not believed later: a
    chain with its own authority first, then what that has signed alone."""
    subprocess.run(["sh", "-c", FORGERS], cwd=tmp_path, check=True,
                   capture_output=True, timeout=60)
    house = Server(tmp_path / "house", workers=1, tls=provider, config=f"""
listeners: {{
  imaps: {{ tls: {{ client = "request"; client_ca = "{tmp_path}/ca.crt"; }}; }};
}};""")
    house.pki = tmp_path
    try:
        for version in VERSIONS:
            for kind in ("with", "by"):
                for by in ("evil", "between", "twin"):
                    stream, s = enter(house, "imaps", f"{kind}-{by}", version)
                    assert b"EXTERNAL" not in stream.readline(), (kind, by)
                    lines = ask(stream, b"a AUTHENTICATE EXTERNAL =\r\n", b"a ")
                    assert b"OK" not in lines[-1]
                    s.close()
    finally:
        house.down()


def test_fails_closed(tmp_path):
    """Without its authorities the listener has no port; the others serve."""
    folder = tmp_path / "house"
    with pytest.raises(AssertionError) as failed:  # the testbed waits for all
        Server(folder, workers=1, config=f"""
listeners: {{
  pop3s: {{ tls: {{ client = "require"; client_ca = "{tmp_path}/no.pem"; }}; }};
}};""")
    said = str(failed.value)
    subprocess.run([TREE / "tools/testbed", "down", folder], timeout=60,
                   check=False)
    assert "listener.closed listener=pop3s" in said
    assert "no.pem cannot be read: No such file" in said
    assert "server.ready listeners=7 closed=1" in said


def test_tls_report(house):
    done = house.ctl("--json", "tls", "report", "--online", check=False)
    assert done.returncode == 0, done.stdout
    data = json.loads(done.stdout)
    asked = {x["listener"]: x for x in data["listeners"]}
    seen = {x["listener"]: x for x in data["online"]}
    for name, client, fate in [("imaps", "request", "let in"),
                               ("pop3s", "require", "refused"),
                               ("smtps", "require", "refused")]:
        assert asked[name]["client"] == client
        assert asked[name]["client_ca"] == f"{house.pki}/ca.crt"
        assert seen[name]["without_certificate"] == fate
        assert seen[name]["same"] and seen[name]["asked"] == "localhost"
    assert asked["imap"]["client"] == "not asked"
    assert "without_certificate" not in seen["imap"]
    shown = house.ctl("tls", "report", "pop3s").stdout
    assert re.search(rf"^pop3s .* require +{house.pki}/ca\.crt$", shown, re.M)


def test_tls_report_of_old_handshakes(tmp_path):
    pki = tmp_path / "pki"
    pki.mkdir()
    subprocess.run(["sh", "-c", AUTHORITY], cwd=pki, check=True,
                   capture_output=True, timeout=60)
    old = CONFIG.replace("tls: {{", 'tls: {{ max_version = "1.2";')
    one = Server(tmp_path / "house", config=old.format(pki=pki), workers=1)
    try:
        done = one.ctl("--json", "tls", "report", "pop3s", "--online",
                       check=False)
        assert done.returncode == 0, done.stdout
        seen = json.loads(done.stdout)["online"][0]
        assert seen["without_certificate"] == "refused"
    finally:
        one.down()
