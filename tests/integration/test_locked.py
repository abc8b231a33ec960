# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Certificates whose key is behind a passphrase: until somebody says it, the
# listeners that have nothing else stay closed; then they open, without a
# restart. With both TLS providers and both kinds of server; openssl makes the
# keys.
import base64
import imaplib
import json
import os
import pty
import re
import secrets
import signal
import subprocess
import time

import pytest

from conftest import SANITIZED, wait_for
from test_supervisor import free_port
from test_warden import PROVIDERS, Visitors, children, found_in, make_pair, \
    needles_of, serial_of, trusting, warden_of, workers_of

SHAPES = [(provider, single) for provider in PROVIDERS
          for single in (False, True)]
IDS = [f"{provider[4:]}-{'single' if single else 'workers'}"
       for provider, single in SHAPES]
BOTH = pytest.mark.parametrize("provider,single", SHAPES, ids=IDS)

# A listener of its own: the testbed waits for all that it knows.
OWN = """
certificates: {
  own: { cert_file = "@DIR@/own.crt"; key_file = "@DIR@/own.key"; %s };
};
listeners: {
  extra: { protocol = "imap"; listen = [ "127.0.0.1:%d" ];
           tls: { mode = "implicit"; certificates = [ %s ]; }; };
};
"""


def encrypt(folder, name, passphrase, *how):
    """Puts the key behind a passphrase; the plain one goes beside it."""
    key = folder / f"{name}.key"
    plain = folder / f"{name}.plain"
    key.rename(plain)
    subprocess.run(["openssl", *(how or ("pkcs8", "-topk8", "-v2",
                                         "aes-256-cbc")),
                    "-in", plain, "-out", key, "-passout",
                    f"pass:{passphrase}"], check=True, capture_output=True)
    key.chmod(0o600)
    assert "ENCRYPTED" in key.read_text()


def house(tmp_path, passphrase, *kind):
    folder = tmp_path / "server0"
    folder.mkdir()
    make_pair(folder, "own", *(kind or ("ec", "-pkeyopt",
                                        "ec_paramgen_curve:P-256")))
    encrypt(folder, "own", passphrase)
    return folder


def listener(server, name="extra"):
    said = json.loads(server.ctl("--json", "status").stdout)
    return next(one for one in said["listeners"] if one["name"] == name)


def shown(server, name="localhost"):
    """The serial number that a client sees."""
    with server.connect("extra") as plain, trusting().wrap_socket(
            plain, server_hostname=name) as tls:
        der = tls.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout",
                           "-serial"], input=der, check=True,
                          capture_output=True).stdout.decode()
    return int(text.strip().split("=")[1], 16)


def is_open(server, service="extra"):
    try:
        server.connect(service).close()
    except ConnectionRefusedError:
        return False
    return True


def start(servers, config="", certificates='"own"', **more):
    port = free_port()
    server = servers(config=OWN % (config, port, certificates), users=1,
                     closed="extra", **more)
    server.context = trusting
    server.env["EXTRA_PORT"] = str(port)
    return server


def start_default(servers, **more):
    port = free_port()
    server = servers(config="""
listeners: {
  extra: { protocol = "imap"; listen = [ "127.0.0.1:%d" ];
           tls: { mode = "implicit"; certificates = [ "default" ]; }; };
};
""" % port, users=1, **more)
    server.context = trusting
    server.env["EXTRA_PORT"] = str(port)
    return server


def restart(server):
    """Also one that has been taken over from."""
    port = server.env["EXTRA_PORT"]
    server.ctl("stop")
    wait_for(lambda: server.ctl("status", check=False).returncode != 0, 30)
    server.restart()
    server.env["EXTRA_PORT"] = port


def unlock(server, passphrase, name="own", check=True):
    return server.ctl("cert", "unlock", name, "--passphrase-file", "-",
                      stdin=passphrase + "\n", check=check)


def login(server):
    client = imaplib.IMAP4_SSL("localhost", server.port("extra"),
                               ssl_context=trusting(), timeout=30)
    client.login("user1@example.test", "secret")
    return client


def show_also(server, name):
    """The listener `extra` gets another certificate."""
    path = server.env["CONFIG"]
    with open(path, encoding="utf-8") as file:
        head, extra = re.split(r"(?<=extra)", file.read(), maxsplit=1)
    extra = extra.replace('"default"', f'"default", "{name}"', 1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + extra)


# --- by hand -----------------------------------------------------------------


@BOTH
def test_unlocked_by_hand(servers, tmp_path, provider, single):
    folder = house(tmp_path, "open sesame")
    server = start(servers, tls=provider, single=single)
    assert not is_open(server) and is_open(server, "pop3s")
    row = listener(server)
    assert row["state"] == "locked"
    assert "locked: run `posternctl cert unlock own`" in row["problem"]
    assert re.search(r"warning .*certificate\.locked .*posternctl cert unlock",
                     server.log())
    assert "certificate.refused" not in server.log()
    report = server.ctl("tls", "report", check=False).stdout
    assert re.search(r"extra +own .*encrypted", report), report
    assert "locked: run `posternctl cert unlock own`" in \
        server.ctl("status").stdout
    checked = server.ctl("config", "check")
    assert "warning" in checked.stdout + checked.stderr
    assert 'postern_certificate_locked{certificate="own"} 1' in \
        server.ctl("metrics").stdout
    staying = imaplib.IMAP4("localhost", server.port("imap"), timeout=30)

    wrong = unlock(server, "shut sesame", check=False)
    assert wrong.returncode == 10, wrong
    assert "not the passphrase" in wrong.stderr
    assert not is_open(server)

    done = unlock(server, "open sesame")
    assert '"own" is unlocked; open: extra' in done.stdout
    assert shown(server) == serial_of(folder / "own.crt")
    assert listener(server)["state"] == "ready"
    wait_for(lambda: 'postern_certificate_locked{certificate="own"} 0' in
             server.ctl("metrics").stdout)
    staying.noop()
    login(server).logout()
    # Again: it is verified, and changes nothing.
    assert unlock(server, "open sesame").returncode == 0
    assert unlock(server, "shut sesame", check=False).returncode == 10
    assert shown(server) == serial_of(folder / "own.crt")
    assert "open sesame" not in server.log()
    assert "shut sesame" not in server.log()
    staying.logout()


@BOTH
def test_it_goes_on_serving(servers, tmp_path, provider, single):
    """Through reloads of all kinds, upgrades and the death of a warden."""
    folder = house(tmp_path, "pass phrase \\ \t 1")
    server = start(servers, tls=provider, single=single)
    unlock(server, "pass phrase \\ \t 1")
    client = login(server)
    server.ctl("reload")
    assert shown(server) == serial_of(folder / "own.crt")
    if not single:
        before = wait_for(lambda: only_warden(server), 30)
        os.kill(before, signal.SIGKILL)
        server.wait_log(r"warden\.replaced", 60)
        with Visitors(server, 1, "extra") as visitors:
            visitors.wait_for_more(3)
        assert wait_for(lambda: only_warden(server), 30) != before
    # Another warden, or another process.
    rewrite(server, "own = {", "own = { days = 90;")
    server.ctl("reload")
    wait_for(lambda: is_open(server))
    assert shown(server) == serial_of(folder / "own.crt")
    server.ctl("upgrade")
    assert shown(server) == serial_of(folder / "own.crt")
    assert listener(server)["state"] == "ready"
    client.noop()
    client.logout()
    # A restart forgets it.
    restart(server)
    assert listener(server)["state"] == "locked" and not is_open(server)


def only_warden(server):
    """The warden, unless one before it is still there."""
    others = set(children(int(server.env["PID"]))) - set(workers_of(server))
    return others.pop() if len(others) == 1 else None


def rewrite(server, old, new):
    path = server.env["CONFIG"]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def test_a_prompt_without_echo(servers, tmp_path):
    house(tmp_path, "typed")
    server = start(servers)
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [server.env["PREFIX"] + "/bin/posternctl", "--config",
         server.env["CONFIG"], "cert", "unlock", "own"],
        stdin=follower, stdout=subprocess.PIPE, stderr=follower,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))
    os.close(follower)
    seen = b""
    while b"assphrase" not in seen:
        seen += os.read(leader, 1000)
    time.sleep(0.2)
    os.write(leader, b"typed\n")
    assert b"is unlocked" in child.communicate(timeout=60)[0]
    os.set_blocking(leader, False)
    try:
        seen += os.read(leader, 1000)
    except OSError:
        pass
    assert b"typed" not in seen
    os.close(leader)
    assert is_open(server)


def test_names_and_keys_that_need_none(servers, tmp_path):
    house(tmp_path, "x")
    server = start(servers, config="").ctl
    assert "no certificate" in server(
        "cert", "unlock", "nobody", "--passphrase-file", "-", stdin="x\n",
        check=False).stderr
    done = server("cert", "unlock", "default", "--passphrase-file", "-",
                  stdin="x\n")
    assert "not encrypted" in done.stdout
    said = json.loads(server("--json", "cert", "unlock", "own",
                             "--passphrase-file", "-", stdin="x\n").stdout)
    assert said["verdict"] == "opened" and said["listeners"] == ["extra"]


# --- beside others -----------------------------------------------------------


@BOTH
def test_another_good_one_serves(servers, tmp_path, provider, single):
    """RSA beside ECDSA: the locked one is left out until it is not."""
    folder = house(tmp_path, "later")
    server = start(servers, certificates='"own", "default"', tls=provider,
                   single=single)
    default = serial_of(server.folder / "state/certs/default.crt")
    assert listener(server)["state"] == "ready"
    assert shown(server, "own.example.test") == default
    assert "cert unlock own" in server.ctl("status").stdout
    unlock(server, "later")
    wait_for(lambda: shown(server, "own.example.test") ==
             serial_of(folder / "own.crt"))


# --- the repository ---------------------------------------------------------


@BOTH
def test_created_encrypted(servers, provider, single):
    server = start_default(servers, tls=provider, single=single)
    server.ctl("cert", "create", "vip", "--names", "vip.example.test",
               "--encrypt", "--passphrase-file", "-", stdin="created\n")
    key = server.folder / "state/certs/vip.key"
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    crt = server.folder / "state/certs/vip.crt"
    subprocess.run(["openssl", "pkey", "-in", key, "-passin", "pass:created",
                    "-noout"], check=True)
    rewrite(server, "\ncertificates = {",
            '\ncertificates = { vip: { names = [ "vip.example.test" ]; };')
    show_also(server, "vip")
    said = server.ctl("cert", "show", "vip").stdout
    assert "encrypted" in said
    # Known before the server uses it: kept for the reload.
    kept = unlock(server, "created", "vip")
    assert "posternctl reload" in kept.stdout
    server.ctl("reload")
    wait_for(lambda: shown(server, "vip.example.test") == serial_of(crt))


# --- without a hand ----------------------------------------------------------


@BOTH
def test_passphrase_file(servers, tmp_path, provider, single):
    folder = house(tmp_path, "from a file")
    secret = folder / "own.pass"
    secret.write_text("from a file\nnot this line\n")
    secret.chmod(0o600)
    config = 'passphrase_file = "@DIR@/own.pass";'
    server = start(servers, config, tls=provider, single=single)
    assert shown(server) == serial_of(folder / "own.crt")
    assert json.loads(server.ctl("--json", "status").stdout)
    # One that is wrong, and one that everybody may read, say so.
    secret.write_text("wrong\n")
    restart(server)
    assert listener(server)["state"] == "locked"
    assert "own.pass has the wrong passphrase" in listener(server)["problem"]
    secret.chmod(0o604)
    server.ctl("reload")
    assert "everybody may read; run chmod o-rw" in listener(server)["problem"]
    # It is watched: a good one opens the port by itself.
    secret.chmod(0o600)
    secret.write_text("from a file\n")
    wait_for(lambda: is_open(server), 30)
    assert shown(server) == serial_of(folder / "own.crt")
    # The next key under the same passphrase comes by itself, too.
    make_pair(folder, "next", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    encrypt(folder, "next", "from a file")
    os.replace(folder / "next.key", folder / "own.key")
    os.replace(folder / "next.crt", folder / "own.crt")
    wait_for(lambda: shown(server) == serial_of(folder / "own.crt"), 30)


COMMAND = """#!/bin/sh
echo "for $POSTERN_CERTIFICATE, $1" >&2
[ -f "$(dirname "$0")/silent" ] && exit 3
echo "from a command"
echo "and more"
"""


@BOTH
def test_passphrase_command(servers, tmp_path, provider, single):
    folder = house(tmp_path, "from a command")
    program = folder / "say"
    program.write_text(COMMAND)
    program.chmod(0o755)
    config = 'passphrase_command = [ "@DIR@/say", "an argument" ];'
    server = start(servers, config, tls=provider, single=single)
    # It was ready only when the port could open.
    assert shown(server) == serial_of(folder / "own.crt")
    assert re.search(r'command-says .*text="for own, an argument"',
                     server.log())
    assert "from a command" not in server.log()
    # A reload that needs another process, or another warden, asks no more.
    rewrite(server, "own = {", "own = { days = 90;")
    server.ctl("reload")
    assert shown(server) == serial_of(folder / "own.crt")
    # One that fails leaves it locked, and the server serves.
    (folder / "silent").touch()
    restart(server)
    assert listener(server)["state"] == "locked"
    assert "passphrase_command said no passphrase that fits" in \
        listener(server)["problem"]
    assert "command-failed" in server.log()
    assert is_open(server, "pop3s")
    unlock(server, "from a command")
    assert shown(server) == serial_of(folder / "own.crt")


@BOTH
def test_systemd_credentials(servers, tmp_path, monkeypatch, provider, single):
    folder = house(tmp_path, "from systemd")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "own.passphrase").write_text("from systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    server = start(servers, tls=provider, single=single)
    assert shown(server) == serial_of(folder / "own.crt")


# --- kinds of keys -----------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("how", [
    ("pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"),
    ("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "2048"),
    ("ec", "-aes256"),
], ids=["pbes2-sha1", "pbes2", "traditional"])
def test_what_openssl_makes(servers, tmp_path, provider, how):
    folder = tmp_path / "server0"
    folder.mkdir()
    make_pair(folder, "own", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    encrypt(folder, "own", "kind", *how)
    server = start(servers, tls=provider)
    assert listener(server)["state"] == "locked"
    unlock(server, "kind")
    assert shown(server) == serial_of(folder / "own.crt")


# --- who has it --------------------------------------------------------------


@pytest.mark.skipif(SANITIZED, reason="the shadow memory is too large")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_the_warden_has_it(servers, tmp_path, provider):
    passphrase = "Pp" + secrets.token_hex(16)
    other = "Qq" + secrets.token_hex(16)
    folder = house(tmp_path, passphrase, "rsa:2048")
    make_pair(folder, "second", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    encrypt(folder, "second", other)
    (folder / "second.pass").write_text(other + "\n")
    (folder / "second.pass").chmod(0o600)
    config = '''}; second: { cert_file = "@DIR@/second.crt";
        key_file = "@DIR@/second.key";
        passphrase_file = "@DIR@/second.pass";'''
    server = start(servers, config, '"own", "second"', tls=provider)
    unlock(server, passphrase[::-1], check=False)
    unlock(server, passphrase)
    needles = {"passphrase": passphrase.encode(), "other": other.encode(),
               "base64": base64.b64encode(passphrase.encode())[:-4]}
    for name in ("own", "second"):
        (folder / f"{name}.plain").rename(folder / f"{name}-plain.key")
        needles |= needles_of(name, folder / f"{name}-plain.key")
    with Visitors(server, 3, "extra") as visitors:
        visitors.wait_for_more(30)
        for pid in workers_of(server) + [int(server.env["PID"])]:
            assert found_in(pid, needles) == set()
            for what in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{what}", "rb") as file:
                    text = file.read()
                assert not any(n in text for n in needles.values())
    # The search can find: the warden has the keys.
    assert any(needle.startswith("own") for needle in
               found_in(warden_of(server), needles))
    assert passphrase not in server.log() and other not in server.log()
    for path in server.folder.joinpath("state").rglob("*"):
        if path.is_file():
            assert passphrase.encode() not in path.read_bytes()
