# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Certificates that go live by themselves: files that others replace, in every
# way that is in use; what is of no use; the server's own look at what it
# serves; and that no session notices anything of all this.
import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from conftest import SANITIZED, run, wait_for

PROVIDERS = ["tls_wolfssl", "tls_openssl"]
MODES = pytest.mark.parametrize("single", [False, True],
                                ids=["workers", "single"])
CONFIG = """
certificates: {
  default: { cert_file = "@DIR@/tls/in/tls.crt"; key_file = "@DIR@/tls/in/tls.key"; };
};
limits: { connections_per_address = 5000; };
"""


class Pair:
    """A self-signed certificate for localhost with its key, each another."""
    numbers = itertools.count(1)

    def __init__(self, folder, *more, names="DNS:localhost", days=30,
                 kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        stem = folder / f"pair{next(self.numbers)}"
        folder.mkdir(parents=True, exist_ok=True)
        self.key, self.crt = stem.with_suffix(".key"), stem.with_suffix(".crt")
        run("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days",
            days, "-subj", f"/CN={stem.name}", "-addext",
            f"subjectAltName={names}", "-keyout", self.key, "-out", self.crt,
            *more)
        self.key.chmod(0o600)
        self.der = ssl.PEM_cert_to_DER_cert(self.crt.read_text())

    @property
    def fingerprint(self):
        return hashlib.sha256(self.der).hexdigest()


def blind():
    """What is shown is looked at by other means."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


BLIND = blind()


def shown(server, service="imaps", name="localhost", context=BLIND):
    """The certificate of a new handshake, DER."""
    with socket.create_connection((server.host, server.port(service)),
                                  30) as plain, \
            context.wrap_socket(plain, server_hostname=name) as tls:
        return tls.getpeercert(binary_form=True)


def certificate(server, name="default"):
    """What `status` says of it."""
    every = json.loads(server.ctl("--json", "certificates").stdout)
    return next(one for one in every if one["name"] == name)


def metric(server, name, certificate="default"):
    found = re.search(
        rf'^postern_{name}{{certificate="{certificate}"}} (\d+)$',
        server.ctl("metrics").stdout, re.M)
    return found and int(found[1])


def wait_live(server, pair, seconds=20):
    server.wait_log(rf"certificate\.live .*{pair.fingerprint}", seconds)


def put(pair, folder):
    """As a careful program does: renamed over, the key first."""
    for suffix in (".key", ".crt"):
        beside = folder / f"new{suffix}"
        shutil.copy2(pair.crt.with_suffix(suffix), beside)
        os.replace(beside, folder / f"tls{suffix}")


@pytest.fixture
def house(servers, tmp_path):
    """house(single=..., tls=..., config=...): a server whose certificate is
    in the folder `in`."""
    folder = tmp_path / "server0" / "tls" / "in"
    folder.mkdir(parents=True)
    first = Pair(tmp_path / "pairs")
    put(first, folder)

    def make(config="", **options):
        server = servers(config=CONFIG + config, users=2, **options)
        server.first, server.inside = first, folder
        server.pair = lambda *more, **other: Pair(tmp_path / "pairs", *more,
                                                  **other)
        return server
    return make


# --- ways of replacing files -------------------------------------------------


class Renamed:
    """Each file by another of its name."""
    def prepare(self, house, pair):
        put(pair, house)

    def replace(self, house, pair):
        put(pair, house)


class InPlace(Renamed):
    """Written into the same files."""
    def replace(self, house, pair):
        for suffix in (".crt", ".key"):
            (house / f"tls{suffix}").write_bytes(
                pair.crt.with_suffix(suffix).read_bytes())


class Certbot:
    """live/ has symbolic links into archive/, which are made anew."""
    number = 0

    def prepare(self, house, pair):
        (house.parent / "archive").mkdir()
        self.replace(house, pair)

    def replace(self, house, pair):
        self.number += 1
        for suffix in (".key", ".crt"):
            name = f"tls{self.number}{suffix}"
            shutil.copy2(pair.crt.with_suffix(suffix),
                         house.parent / "archive" / name)
            link = house / f"tls{suffix}"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../archive/{name}")


class Secret:
    """A volume of a container's manager: the folder that ..data leads to."""
    number = 0

    def prepare(self, house, pair):
        for suffix in (".key", ".crt"):
            (house / f"tls{suffix}").unlink(missing_ok=True)
            (house / f"tls{suffix}").symlink_to(f"..data/tls{suffix}")
        self.replace(house, pair)

    def replace(self, house, pair):
        self.number += 1
        before = house / f"..{self.number - 1}"
        folder = house / f"..{self.number}"
        folder.mkdir()
        for suffix in (".key", ".crt"):
            shutil.copy2(pair.crt.with_suffix(suffix), folder / f"tls{suffix}")
        (house / "..data_tmp").symlink_to(folder.name)
        os.replace(house / "..data_tmp", house / "..data")
        shutil.rmtree(before, ignore_errors=True)


class Above:
    """A link above the files leads to another folder."""
    number = 0

    def prepare(self, house, pair):
        shutil.rmtree(house)
        self.replace(house, pair)

    def replace(self, house, pair):
        self.number += 1
        folder = house.parent / f"in{self.number}"
        folder.mkdir()
        put(pair, folder)
        (house.parent / "next").symlink_to(folder.name)
        os.replace(house.parent / "next", house)


class Gone(Renamed):
    """The folder is emptied and filled again."""
    def replace(self, house, pair):
        for path in house.iterdir():
            path.unlink()
        time.sleep(0.5)  # somebody sees it without
        put(pair, house)


class Removed(Renamed):
    """The folder itself goes, and another one comes."""
    def replace(self, house, pair):
        shutil.rmtree(house)
        time.sleep(0.5)
        house.mkdir()
        put(pair, house)


@MODES
@pytest.mark.parametrize("way", [Renamed, InPlace, Certbot, Secret, Above,
                                 Gone, Removed])
def test_replaced_files_go_live(servers, tmp_path, way, single):
    folder = tmp_path / "server0" / "tls" / "in"
    folder.mkdir(parents=True)
    pairs = [Pair(tmp_path / "pairs") for _ in range(4)]
    how = way()
    how.prepare(folder, pairs[0])
    server = servers(config=CONFIG, users=1, single=single)
    assert shown(server) == pairs[0].der
    for pair in pairs[1:]:
        how.replace(folder, pair)
        wait_live(server, pair)
        assert {shown(server) for _ in range(6)} == {pair.der}
    said = certificate(server)
    assert said["serving"] == "live" and said["where"].count(",") == 6
    assert said["fingerprint"] == pairs[-1].fingerprint
    assert "refusal" not in said and "alarm" not in said
    assert "certificate.refused" not in server.log()


@MODES
def test_the_repository_is_watched(servers, single):
    """It needs no reload, and cert commands wait until it is live."""
    server = servers(users=1, single=single)
    before = shown(server)
    done = server.ctl("cert", "renew", "default")
    assert re.search(r"live on mx, .*imaps \(fingerprint [0-9a-f]{64}\)",
                     done.stderr)
    assert shown(server) != before
    assert "server.reloaded" not in server.log()
    said = server.ctl("cert", "show", "default").stdout
    assert re.search(r"^served +live on mx, ", said, re.M)


def test_a_warden_that_dies_is_no_alarm(servers):
    """Killed at any time while a new certificate is taken over: the next one
    goes on with it, and what is on the disk is served in the end."""
    server = servers(users=1)
    for delay in (0.02, 0.05, 0.1, 0.2):
        wait_for(lambda: server.warden() and certificate(server), 20)
        pid = server.warden()
        with subprocess.Popen(
                [server.env["PREFIX"] + "/bin/posternctl", "--config",
                 server.env["CONFIG"], "cert", "renew", "default", "--wait",
                 "60"],
                stderr=subprocess.PIPE, text=True) as renewal:
            time.sleep(delay)
            os.kill(pid, signal.SIGKILL)
            said = renewal.communicate(timeout=90)[1]
        assert renewal.returncode == 0, said
        assert "live on mx, " in said
        assert hashlib.sha256(shown(server)).hexdigest() in said
    assert "certificate.alarm" not in server.log()
    assert metric(server, "certificate_alarm") == 0


@pytest.fixture
def frozen(servers):
    """A server whose certificates are on a disk that is read-only by now."""
    server = servers(users=1)
    certs = pathlib.Path(server.env["STATE"]) / "certs"
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "--bind", certs, certs], check=False).returncode != 0:
        pytest.skip("needs to mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", certs], check=True)
    yield server
    subprocess.run(["umount", "-l", certs], check=True)


def test_a_read_only_disk_is_served_from(frozen):
    """Also by a warden that starts there; and the operator sees it all, but
    can change nothing."""
    before = shown(frozen)
    os.kill(frozen.warden(), signal.SIGKILL)
    frozen.wait_log(r"warden\.replaced", 20)
    assert shown(frozen) == before
    assert "certificate.refused" not in frozen.log()
    for word in ("list", "show default", "export default", "history default"):
        frozen.ctl("cert", *word.split())
    done = frozen.ctl("cert", "renew", "default", check=False)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert shown(frozen) == before


# --- what is of no use -------------------------------------------------------


@MODES
def test_a_broken_file_changes_nothing(house, single):
    server = house(single=single)
    good = server.pair()
    for text in ("", "broken", good.crt.read_text()[:300]):
        (server.inside / "tls.crt").write_text(text)
        wait_for(lambda: "refusal" in certificate(server), 20)
        assert shown(server) == server.first.der
        assert metric(server, "certificate_refused") == 1
        assert "refused" in server.ctl("status").stdout
        put(server.first, server.inside)
        wait_for(lambda: "refusal" not in certificate(server), 20)
        assert metric(server, "certificate_refused") == 0
    assert server.log().count("certificate.refused") == 3
    put(good, server.inside)
    wait_live(server, good)
    assert shown(server) == good.der


def test_the_same_refusal_is_told_once(house):
    server = house()
    (server.inside / "tls.crt").write_text("broken")
    server.wait_log(r"certificate\.refused", 20)
    for _ in range(3):
        os.utime(server.inside / "tls.crt")
        time.sleep(0.6)
    assert server.log().count("certificate.refused") == 1


@MODES
def test_half_a_pair_waits_for_the_other(house, single):
    """The certificate comes two seconds before its key."""
    server = house(single=single)
    pair = server.pair()
    shutil.copy2(pair.crt, server.inside / "tls.crt")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert shown(server) == server.first.der
        time.sleep(0.2)
    assert "refusal" not in certificate(server)
    shutil.copy2(pair.key, server.inside / "tls.key")
    wait_live(server, pair)
    assert shown(server) == pair.der
    assert "certificate.refused" not in server.log()


def test_an_alien_key_is_refused(house):
    server = house()
    shutil.copy2(server.pair().key, server.inside / "tls.key")
    server.wait_log(r"certificate\.refused .*do not match", 20)
    assert shown(server) == server.first.der


# --- the server's look at itself ---------------------------------------------


class Impostor:
    """A listener of somebody else that takes a port's traffic: it has the
    same port of one address, where the server has it of all."""

    def __init__(self, server, port, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.crt, pair.key)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen()
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.seen, self.over = 0, False
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.over:
            with contextlib.suppress(OSError):
                peer, _ = self.socket.accept()
                self.seen += 1
                peer.close()

    def close(self):
        self.over = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@MODES
def test_an_impostor_raises_the_alarm(house, single):
    """What others are shown is not what is meant: the last good one is served
    again, and the alarm stays until a change is seen to be served."""
    port = free_port()
    server = house(single=single, config=f"""
listeners: {{ extra: {{ protocol = "imap"; listen = [ "0.0.0.0:{port}" ];
                        tls: {{ mode = "implicit"; }}; }}; }};
""")
    try:
        impostor = Impostor(server, port, server.pair())
    except PermissionError:
        pytest.skip("the server does not share its ports")
    try:
        bad = server.pair()
        put(bad, server.inside)
        alarm = server.wait_log(r"error \S+ certificate\.alarm .*", 30)[0]
        assert bad.fingerprint in alarm and "extra" in alarm
        assert impostor.seen >= 1
        wait_for(lambda: shown(server) == server.first.der, 20)
        said = wait_for(lambda: certificate(server).get("alarm"), 20)
        assert "listener extra shows another certificate" in said
        assert "ALARM: certificate default" in server.ctl("status").stdout
        wait_for(lambda: metric(server, "certificate_alarm") == 1, 20)
        assert {shown(server) for _ in range(6)} == {server.first.der}
    finally:
        impostor.close()
    good = server.pair()
    put(good, server.inside)
    wait_live(server, good)
    assert shown(server) == good.der
    assert "alarm" not in certificate(server)
    assert metric(server, "certificate_alarm") == 0


def test_the_old_files_end_the_alarm(house):
    port = free_port()
    server = house(config=f"""
listeners: {{ extra: {{ protocol = "imap"; listen = [ "0.0.0.0:{port}" ];
                        tls: {{ mode = "implicit"; }}; }}; }};
""")
    impostor = Impostor(server, port, server.pair())
    try:
        put(server.pair(), server.inside)
        server.wait_log(r"certificate\.alarm", 30)
        wait_for(lambda: shown(server) == server.first.der, 20)
    finally:
        impostor.close()
    put(server.first, server.inside)
    wait_for(lambda: "alarm" not in certificate(server), 20)
    assert shown(server) == server.first.der


def test_a_cert_command_tells_the_alarm(servers):
    port = free_port()
    server = servers(users=1, config=f"""
listeners: {{ extra: {{ protocol = "imap"; listen = [ "0.0.0.0:{port}" ];
                        tls: {{ mode = "implicit"; }}; }}; }};
""")
    before = shown(server)
    impostor = Impostor(server, port, Pair(server.folder / "pairs"))
    try:
        done = server.ctl("cert", "renew", "default", "--wait", "30",
                          check=False)
    finally:
        impostor.close()
    assert done.returncode == 1 and "ALARM" in done.stderr
    wait_for(lambda: shown(server) == before, 20)
    assert "ALARM" in server.ctl("cert", "list").stdout


@MODES
def test_visits_take_nobodys_place(house, tmp_path, single):
    """One connection is allowed, and somebody has it; a proxy's header is
    awaited; client certificates are required."""
    port, ca = free_port(), tmp_path / "ca.pem"
    shutil.copy2(Pair(tmp_path / "ca").crt, ca)
    server = house(single=single, workers=1, config=f"""
listeners: {{
  imaps: {{ limits: {{ connections_per_address = 1; connections = 1; }}; }};
  pop3s: {{ tls: {{ client = "require"; client_ca = "{ca}"; }}; }};
  proxied: {{ protocol = "imap"; listen = [ "127.0.0.1:{port}" ];
              proxy_from = [ "127.0.0.0/8" ];
              tls: {{ mode = "implicit"; }}; }};
}};
""")
    with socket.create_connection((server.host, server.port("imaps")),
                                  30) as plain, \
            BLIND.wrap_socket(plain, server_hostname="localhost") as guest:
        lines = guest.makefile("rb")
        assert lines.readline().startswith(b"* OK")
        pair = server.pair()
        put(pair, server.inside)
        wait_live(server, pair)
        guest.sendall(b"a NOOP\r\n")
        assert lines.readline().startswith(b"a OK")
    said = certificate(server)
    assert {"imaps", "pop3s", "proxied"} <= set(said["where"].split(", "))
    assert "listener.refused" not in server.log()
    server.wait_log(r"session\.closed .*listener=imaps.*visitor=activation")


# --- what is about to expire -------------------------------------------------


def left(pair):
    """Seconds of its life."""
    text = run("openssl", "x509", "-in", pair.crt, "-noout", "-enddate")
    end = ssl.cert_time_to_seconds(text.strip().split("=")[1])
    return end - time.time()


@MODES
def test_each_distance_is_told_once(house, tmp_path, single):
    """One that has come already, one that comes while the server runs."""
    pair = Pair(tmp_path / "pairs", days=3)
    soon = int(left(pair)) - 8
    server = house(single=single, config=f"""
server: {{ expiry_warnings = [ "4d", "{soon}s", "1s" ]; }};
""")
    put(pair, server.inside)
    wait_live(server, pair)
    told = r"warning \S+ certificate\.expires .* seconds=259\d{3} "
    server.wait_log(told)
    assert len(re.findall(told, server.log())) == 1
    wait_for(lambda: len(re.findall(told, server.log())) == 2, 30)
    server.ctl("reload")
    server.ctl("reload")
    assert len(re.findall(told, server.log())) == 2
    assert certificate(server)["days_left"] == 2
    assert re.search(r"^default +\S+ +2 ", server.ctl("certificates").stdout,
                     re.M)


def expire(pair, faketime):
    run(faketime, "2020-01-01 00:00:00", "openssl", "req", "-x509", "-key",
        pair.key, "-days", "5", "-subj", "/CN=old", "-addext",
        "subjectAltName=DNS:localhost", "-out", pair.crt)


def test_an_expired_one_replaces_no_good_one(house, tool):
    server = house()
    pair = server.pair()
    expire(pair, tool("faketime"))
    put(pair, server.inside)
    server.wait_log(r"certificate\.refused .*expired", 20)
    assert shown(server) == server.first.der


def test_an_expired_one_is_an_error(servers, tmp_path, tool):
    """At the start it is served all the same: better than a closed port."""
    folder = tmp_path / "server0" / "tls" / "in"
    folder.mkdir(parents=True)
    pair = Pair(tmp_path / "pairs")
    expire(pair, tool("faketime"))
    put(pair, folder)
    server = servers(config=CONFIG, users=1)
    server.wait_log(r"error \S+ certificate\.expired certificate=default", 20)
    assert certificate(server)["days_left"] < -1000
    good = Pair(tmp_path / "pairs")
    put(good, folder)
    wait_live(server, good)
    assert shown(server) == good.der


# --- many --------------------------------------------------------------------

MANY = 300


@pytest.mark.parametrize("tls", PROVIDERS)
def test_one_of_many_is_replaced_alone(servers, tmp_path, tls):
    """Each has a name of its own, and is chosen by it."""
    folder = tmp_path / "server0"
    first = Pair(tmp_path / "pairs")
    for i in range(MANY):
        (folder / "in" / f"c{i}").mkdir(parents=True)
        put(first, folder / "in" / f"c{i}")
    named = Pair(tmp_path / "pairs", names="DNS:c7.example.test")
    put(named, folder / "in" / "c7")
    names = [f"c{i}" for i in range(MANY)]
    server = servers(tls=tls, users=1, config="certificates: {\n" + "".join(
        f'  {n}: {{ cert_file = "@DIR@/in/{n}/tls.crt"; '
        f'key_file = "@DIR@/in/{n}/tls.key"; }};\n' for n in names) + "};\n"
        "listeners: { imaps: { tls: { certificates = [ " +
        ", ".join(f'"{n}"' for n in names) + " ]; }; }; };\n")
    assert shown(server, name="c7.example.test") == named.der
    assert shown(server) == first.der
    loaded = server.log().count("certificate.loaded")
    again = Pair(tmp_path / "pairs", names="DNS:c7.example.test")
    put(again, folder / "in" / "c7")
    wait_live(server, again)
    assert shown(server, name="c7.example.test") == again.der
    assert shown(server) == first.der
    assert server.log().count("certificate.loaded") == loaded + 1
    assert certificate(server, "c7")["where"] == "imaps"


def test_of_two_kinds_the_second_is_live_too(servers, tmp_path):
    """No name leads to the one of RSA: workers vouch for it."""
    folder = tmp_path / "server0"
    rsa = ("rsa:2048",)
    for name, kind in (("ec", None), ("rsa", rsa)):
        (folder / name).mkdir(parents=True)
        put(Pair(tmp_path / "pairs", **({"kind": kind} if kind else {})),
            folder / name)
    server = servers(users=1, config="certificates: {" + "".join(
        f'{n}: {{ cert_file = "@DIR@/{n}/tls.crt"; '
        f'key_file = "@DIR@/{n}/tls.key"; }};' for n in ("ec", "rsa")) +
        '}; listeners: { imaps: { tls: { certificates = [ "ec", "rsa" ]; '
        'max_version = "1.2"; }; }; };')
    only = blind()
    only.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    only.maximum_version = ssl.TLSVersion.TLSv1_2
    pair = Pair(tmp_path / "pairs", kind=rsa)
    put(pair, folder / "rsa")
    wait_live(server, pair)
    assert shown(server, context=only) == pair.der
    assert shown(server) != pair.der


# --- the hundred rotations ---------------------------------------------------


class Session:
    """A client's session over TLS, one of very many."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server, service):
        self = cls(*await asyncio.open_connection(
            server.host, server.port(service), ssl=BLIND,
            server_hostname="localhost", ssl_handshake_timeout=120))
        await self.until(b"* OK" if service == "imaps" else b"220 ")
        return self

    async def until(self, begins):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 120)
            assert line, f"closed before {begins!r}"
            if line.startswith(begins):
                return

    async def ask(self, line, begins):
        self.writer.write(line + b"\r\n")
        await self.until(begins)

    async def idle(self):
        await self.ask(b"a LOGIN user1@example.test secret", b"a OK")
        await self.ask(b"b SELECT INBOX", b"b OK")
        await self.ask(b"c IDLE", b"+ ")

    async def still_there(self):
        await self.ask(b"DONE", b"c OK")
        await self.ask(b"d NOOP", b"d OK")

    async def be_busy(self, service, over):
        count = 0
        if service == "imaps":
            await self.ask(b"a LOGIN user2@example.test secret", b"a OK")
            await self.ask(b"b SELECT INBOX", b"b OK")
        else:
            await self.ask(b"EHLO busy.example.test", b"250 ")
        while not over.is_set():
            if service == "imaps":
                await self.ask(b"c NOOP", b"c OK")
            else:
                await self.ask(b"RSET", b"250 ")
                await self.ask(b"NOOP", b"250 ")
            count += 1
            await asyncio.sleep(0.1)
        return count


class Watcher:
    """New handshakes all the time: what they were shown, in this order."""

    def __init__(self, server):
        self.server, self.over, self.seen, self.failed = server, False, [], []
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over:
            try:
                self.seen.append(shown(self.server))
            except OSError as error:
                self.failed.append(error)
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join(60)


class Log:
    """What is new in the log."""

    def __init__(self, server):
        self.file = open(server.folder / "log", encoding="utf-8",
                         errors="replace")
        self.text = ""

    def wait(self, text, seconds=30):
        def is_there():
            self.text += self.file.read()
            return text in self.text
        wait_for(is_there, seconds, f"no {text!r} in the log")
        self.text = ""


def rotate(server, pairs, rotations):
    """With something broken in between, now and then. Answers how many
    handshakes after a switch were looked at."""
    log, looks = Log(server), 0
    for number in range(rotations):
        pair = pairs[number % len(pairs)]
        if number % 20 == 10:
            (server.inside / "tls.crt").write_text("broken")
            time.sleep(0.5)
            assert shown(server) != pair.der
        put(pair, server.inside)
        log.wait(f"certificate.live certificate=default "
                 f"fingerprint={pair.fingerprint}")
        for _ in range(4):
            assert shown(server) == pair.der, number
            looks += 1
    return looks


async def hold_sessions(server, idle, busy, work):
    """Answers what `work` does, in a thread, while so many sessions live."""
    over = asyncio.Event()
    gate = asyncio.Semaphore(32)

    async def begin(service):
        async with gate:
            session = await Session.open(server, service)
            if service == "imaps":
                await session.idle()
            return session

    idlers = await asyncio.gather(*(begin("imaps") for _ in range(idle)))
    busy = [asyncio.ensure_future(
        (await Session.open(server, service)).be_busy(service, over))
        for service in itertools.islice(itertools.cycle(["imaps", "smtps"]),
                                        busy)]
    result = await asyncio.get_running_loop().run_in_executor(None, work)
    over.set()
    counts = await asyncio.gather(*busy)  # raises if one was dropped
    assert all(count > 1 for count in counts)
    await asyncio.gather(*(one.still_there() for one in idlers))
    for one in idlers:
        one.writer.transport.abort()
    return result


@pytest.mark.parametrize("tls, single, rotations, idle, busy", [
    ("tls_wolfssl", False, 100, 1000, 50),
    ("tls_openssl", False, 10, 50, 10),
    ("tls_wolfssl", True, 10, 50, 10),
    ("tls_openssl", True, 10, 50, 10),
])
def test_rotations_under_sessions(house, tmp_path, tls, single, rotations,
                                  idle, busy):
    """No session is dropped, each handshake after the switch shows the new
    serial, and a broken file is never served."""
    if SANITIZED:
        rotations, idle, busy = 10, 50, 10
    server = house(tls=tls, single=single)
    pairs = [server.pair() for _ in range(min(rotations, 25))]
    known = {pair.der for pair in pairs} | {server.first.der}
    with Watcher(server) as watcher:
        looks = asyncio.run(hold_sessions(
            server, idle, busy, lambda: rotate(server, pairs, rotations)))
    assert looks == 4 * rotations
    assert watcher.failed == [] and set(watcher.seen) <= known
    for broken in ("certificate.alarm", "certificate.not-seen",
                   "worker.died", "cannot-sign"):
        assert broken not in server.log()
    assert server.log().count(" certificate.live ") == rotations
