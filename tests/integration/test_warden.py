# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The warden: what only it has, what happens when it dies, and that nobody
# waits for it. With both TLS providers.
import base64
import contextlib
import imaplib
import os
import pathlib
import poplib
import re
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import SANITIZED, STATIC, TREE, Server, wait_for

PREFIX = pathlib.Path(os.environ.get("POSTERN_PREFIX",
                                     TREE / ".build/default/inst"))
PROVIDERS = ["tls_wolfssl", "tls_openssl"]


def children(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in tasks.split()]


def name_of(pid):
    """The modules that a process has mapped."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/lib/postern/(\w+)\.so", maps))


def warden_of(server):
    return wait_for(server.warden)


def workers_of(server):
    return server.workers()


# --- what is where -----------------------------------------------------------


def memory(pid):
    """All that a process has written to, and all that it has read: the
    readable mappings, one after the other."""
    with open(f"/proc/{pid}/mem", "rb", 0) as mem, \
            open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        for line in maps:
            span, mode, *_, name = line.split(maxsplit=5) + [""]
            if not mode.startswith("r") or "[v" in name:
                continue
            start, end = (int(n, 16) for n in span.split("-"))
            with contextlib.suppress(OSError):
                yield os.pread(mem.fileno(), end - start, start)


def found_in(pid, needles):
    """Which of {name: octets} are in the memory of the process."""
    found = set()
    for part in memory(pid):
        found |= {name for name, octets in needles.items() if octets in part}
    return found


def make_pair(folder, name, *kind):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "30",
         "-subj", f"/CN={name}.example.test", "-addext",
         f"subjectAltName=DNS:{name}.example.test,DNS:localhost", "-keyout",
         folder / f"{name}.key", "-out", folder / f"{name}.crt"],
        check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


def numbers_of(path):
    """The secret numbers of a key, {name: int}."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"],
                          check=True, capture_output=True, text=True).stdout
    return {name: int(re.sub(r"[\s:]", "", digits), 16)
            for name, digits in re.findall(
                r"^(priv|privateExponent|prime1|prime2|exponent1|exponent2|"
                r"coefficient):\n((?: +[0-9a-f:]+\n)+)", text, re.M)}


def needles_of(name, path):
    """A key as memory may have it: the lines of its file, and each of its
    numbers with the first or the last octet first."""
    found = {f"{name} line {i}": line.encode() for i, line in
             enumerate(path.read_text().splitlines()[1:-2]) if len(line) > 60}
    for what, number in numbers_of(path).items():
        size = (number.bit_length() + 7) // 8
        for order in ("big", "little"):
            found[f"{name} {what} {order}"] = number.to_bytes(size, order)
    return found


CONFIG = """
certificates: {
  first: { cert_file = "@DIR@/first.crt"; key_file = "@DIR@/first.key"; };
  second: { cert_file = "@DIR@/second.crt"; key_file = "@DIR@/second.key"; };
};
listeners: {
  imaps: { tls: { certificates = [ "default", "first", "second" ]; }; };
};
"""


def pairs(folder):
    folder.mkdir(parents=True, exist_ok=True)
    make_pair(folder, "first", "rsa:2048")
    make_pair(folder, "second", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def with_passwords(server, count):
    """Users whose passwords nobody has ever seen, {name: password}."""
    made = {f"user{i + 1}@example.test": "Pw" + secrets.token_hex(12)
            for i in range(count)}
    for name, password in made.items():
        server.ctl("user", "password", name, stdin=password + "\n")
    server.restart()  # a file is not looked at for each login
    return made


def imap_login(server, user, password):
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"),
                               ssl_context=server.context(), timeout=30)
    client.login(user, password)
    return client


def imap_plain(server, user, password):
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"),
                               ssl_context=server.context(), timeout=30)
    client.authenticate(
        "PLAIN", lambda _: f"\0{user}\0{password}".encode())
    return client


def pop3(server, user, password):
    client = poplib.POP3("localhost", server.port("pop3"), timeout=30)
    client.stls(server.context())
    client.user(user)
    client.pass_(password)
    return client


def submission(server, user, password):
    client = smtplib.SMTP("localhost", server.port("submission"), timeout=30)
    client.starttls(context=server.context())
    client.login(user, password)
    return client


def smtp_login(server, user, password):
    """AUTH LOGIN, whose password is a line of base64 of its own."""
    client = smtplib.SMTP_SSL("localhost", server.port("smtps"), timeout=30,
                              context=server.context())
    client.ehlo()
    client.user, client.password = user, password
    client.auth("LOGIN", client.auth_login)
    return client


LOGINS = [imap_login, imap_plain, pop3, submission, smtp_login]


def secrets_of(server, passwords):
    """What nobody but the warden may have, as bytes by name."""
    needles = {}
    for name in ("first", "second"):
        needles |= needles_of(name, server.folder / f"{name}.key")
    needles |= needles_of("default",
                          server.folder / "state/certs/default.key")
    for user, password in passwords.items():
        needles[f"password of {user}"] = password.encode()
        plain = f"\0{user}\0{password}".encode()
        needles[f"base64 of {user}"] = base64.b64encode(plain)[-24:-4]
        needles[f"LOGIN of {user}"] = base64.b64encode(password.encode())
    for path in server.folder.rglob("*"):
        if path.name not in ("users", "secrets", "passwd"):
            continue
        if not path.is_file():
            continue
        for i, secret in enumerate(re.findall(
                r"\$[\w./$=,+-]{40,}", path.read_text())):
            needles[f"hash {i} of {path.name}"] = secret[-30:].encode()
    return needles


class Visitors:
    """Clients that shake hands, ask something and leave, until stopped."""

    def __init__(self, server, count=3, service="imaps"):
        self.server, self.service = server, service
        self.done, self.failed = 0, []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.visit)
                        for _ in range(count)]

    def visit(self):
        context = self.server.context()
        while not self.stopping.is_set():
            try:
                with socket.create_connection(
                        (self.server.host, self.server.port(self.service)),
                        30) as plain, context.wrap_socket(
                            plain, server_hostname="localhost") as tls:
                    tls.recv(1000)
                    tls.sendall(b"a LOGOUT\r\n")
                    tls.recv(1000)
                self.done += 1
            except OSError as why:
                self.failed.append(repr(why))
                time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait_for_more(self, count):
        goal = self.done + count
        wait_for(lambda: self.done >= goal, 60, "nobody is served")


@pytest.mark.skipif(SANITIZED, reason="the shadow memory is too large")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_worker_has_no_secrets(servers, tmp_path, provider):
    pairs(tmp_path / "server0")
    server = servers(config=CONFIG, tls=provider, users=10)
    passwords = with_passwords(server, 10)
    staying = []
    for i, (user, password) in enumerate(passwords.items()):
        client = LOGINS[i % len(LOGINS)](server, user, password)
        if i < len(LOGINS):
            client.noop()
            staying.append(client)
        else:
            (client.logout if hasattr(client, "logout") else client.quit)()
    needles = secrets_of(server, passwords)
    assert len(needles) > 60
    with Visitors(server) as visitors:
        visitors.wait_for_more(50)
        for pid in workers_of(server):
            assert found_in(pid, needles) == set()
    # The search can find: the warden has what it needs.
    held = found_in(warden_of(server), needles)
    for name in ("first", "second", "default"):
        assert any(needle.startswith(name) for needle in held), held
    for client in staying:
        client.noop()


def limits_of(pid):
    text = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(r"Max core file size +(\d+|unlimited)", text)[1]


def test_the_warden_is_on_its_own(servers):
    """It loads neither protocols nor a store, has no network, and leaves no
    core."""
    server = servers()
    warden = warden_of(server)
    if not STATIC:
        assert name_of(warden) >= {"tls_wolfssl", "passwd"} \
            or name_of(warden) >= {"tls_openssl", "passwd"}
    assert not name_of(warden) & {"imap", "pop3", "smtp", "vault"}
    assert limits_of(warden) == "0"
    inodes = {os.readlink(fd)[8:-1] for fd in
              pathlib.Path(f"/proc/{warden}/fd").iterdir()
              if os.readlink(fd).startswith("socket:")}
    inet = "".join(pathlib.Path(f"/proc/net/{kind}").read_text()
                   for kind in ("tcp", "tcp6", "udp", "udp6"))
    assert inodes and not inodes & set(re.findall(r" (\d{3,}) ", inet))
    # A process that cannot be dumped has files in /proc that are root's.
    facts = pathlib.Path(f"/proc/{warden}/status").read_text()
    assert re.search(r"CoreDumping:\s+0", facts)
    for worker in workers_of(server):
        assert not any(str(server.folder / "state/certs") in link
                       for link in links_of(worker))


def links_of(pid):
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(fd)


# --- when it dies ------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_killed_under_load(servers, provider):
    """Open sessions notice nothing, and handshakes recover."""
    server = servers(tls=provider, users=5)
    staying = [imap_login(server, f"user{i}@example.test", "secret")
               for i in range(1, 6)]
    with Visitors(server) as visitors:
        visitors.wait_for_more(20)
        for _ in range(3):
            before = warden_of(server)
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: before not in children(int(server.env["PID"])),
                     30, "it lives")
            for client in staying:
                client.noop()
            visitors.wait_for_more(50)
            assert warden_of(server) != before
        visitors.failed.clear()
        visitors.wait_for_more(100)
        assert visitors.failed == []
    for client in staying:
        client.logout()
    log = server.log()
    assert len(re.findall(r"warden\.died .*signal=9", log)) == 3
    assert len(re.findall(r"warden\.replaced", log)) == 3
    assert "worker.died" not in log


def test_without_a_warden_handshakes_fail_and_sessions_live(servers):
    """Stopped, it answers nobody: whoever needs it waits, and not for ever.
    It is found out, killed and replaced."""
    server = servers(config='server: { watchdog = "1s"; };', users=1)
    with imap_login(server, "user1@example.test", "secret") as client:
        before = warden_of(server)
        os.kill(before, signal.SIGSTOP)
        server.wait_log(r"warden\.hangs", 60)
        server.wait_log(r"warden\.replaced", 60)
        client.noop()
    with Visitors(server) as visitors:
        visitors.wait_for_more(10)
    assert warden_of(server) != before


# --- reloads -----------------------------------------------------------------


def serial_of(path):
    text = subprocess.run(["openssl", "x509", "-in", path, "-noout",
                           "-serial"], check=True, capture_output=True,
                          text=True).stdout
    return int(text.strip().split("=")[1], 16)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_no_handshake_fails_while_certificates_change(servers, tmp_path,
                                                      provider, single):
    """Each begins and ends with the key that belongs to its chain."""
    folder = tmp_path / "server0"
    pairs(folder)
    server = servers(config="""
certificates: {
  first: { cert_file = "@DIR@/first.crt"; key_file = "@DIR@/first.key"; };
};
listeners: { imaps: { tls: { certificates = [ "first" ]; }; }; };
""", tls=provider, single=single, users=1)
    next_ones = tmp_path / "next"
    next_ones.mkdir()
    server.context = lambda: trusting(folder, next_ones)
    for i in range(8):
        make_pair(next_ones, f"first{i}", "ec", "-pkeyopt",
                  "ec_paramgen_curve:P-256")
    with Visitors(server) as visitors:
        visitors.wait_for_more(5)
        for i in range(8):
            os.replace(next_ones / f"first{i}.key", folder / "first.key")
            os.replace(next_ones / f"first{i}.crt", folder / "first.crt")
            server.ctl("reload")
            assert shown(server) == serial_of(folder / "first.crt")
            visitors.wait_for_more(5)
        assert visitors.failed == []
    assert "cannot-sign" not in server.log()


def trusting(*_):
    """What is shown is looked at by other means."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def shown(server, name="localhost"):
    with socket.create_connection((server.host, server.port("imaps")),
                                  30) as plain, trusting().wrap_socket(
                                      plain, server_hostname=name) as tls:
        pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"],
                          input=pem, check=True, capture_output=True,
                          text=True)
    return int(done.stdout.strip().split("=")[1], 16)


MANY = 2000


@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_many_certificates_keep_nobody_waiting(servers, tmp_path, single):
    """All of them are new at once, and sessions go on being served."""
    folder = tmp_path / "server0"
    folder.mkdir()
    make_pair(folder, "one", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    make_pair(folder, "two", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    for name in ("one", "two"):
        (folder / f"d{name}").mkdir()
        (folder / f"{name}.key").rename(folder / f"d{name}/x.key")
        (folder / f"{name}.crt").rename(folder / f"d{name}/x.crt")
    (folder / "now").symlink_to("done")
    names = [f"c{i}" for i in range(MANY)]
    server = servers(config="certificates: {\n" + "".join(
        f'  {name}: {{ cert_file = "@DIR@/now/x.crt"; '
        f'key_file = "@DIR@/now/x.key"; }};\n' for name in names) + "};\n"
        "listeners: { imaps: { tls: { certificates = [ "
        + ", ".join(f'"{name}"' for name in names) + " ]; }; }; };\n",
        users=1, workers=1, single=single)
    server.context = trusting
    before = serial_of(folder / "done/x.crt")
    after = serial_of(folder / "dtwo/x.crt")
    assert shown(server) == before
    with Visitors(server, 2) as visitors:
        visitors.wait_for_more(20)
        (folder / "new").symlink_to("dtwo")
        os.replace(folder / "new", folder / "now")
        done = visitors.done
        server.ctl("reload")
        during = visitors.done - done
        assert shown(server) == after
        assert visitors.failed == []
    assert during > 0
    status = server.ctl("--json", "certificates").stdout
    assert status.count("not_after") == MANY + 1  # and `default`


# --- who it is ---------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become others")
def test_the_warden_is_another_user(monkeypatch):
    """What belongs to it, workers cannot open, whatever else there is."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-test-"))
    folder.chmod(0o755)
    # The build may lie where these users cannot go.
    shutil.copytree(PREFIX / "lib", folder / "lib", symlinks=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "lib"))
    server = Server(folder / "server", users=1, config=f"""
server: {{ user = "nobody"; warden_user = "daemon"; sandbox = "off";
          module_path = "{folder}/lib/postern"; }};
""")
    try:
        check_users(server)
    finally:
        server.kill()
        shutil.rmtree(folder)


def uid_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return re.search(r"Uid:\s+(\d+)\s+\1\s+\1\s+\1", text)[1]


def check_users(server):
    assert uid_of(warden_of(server)) == "1"
    assert {uid_of(pid) for pid in workers_of(server)} == {"65534"}
    certs = server.folder / "state/certs"
    assert (certs.stat().st_uid, certs.stat().st_mode & 0o777) == (1, 0o700)
    key = certs / "default.key"
    assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (1, 0o600)
    refused = subprocess.run(["cat", key], user="nobody", check=False,
                             capture_output=True)
    assert b"Permission denied" in refused.stderr
    with Visitors(server) as visitors:
        visitors.wait_for_more(5)
        server.ctl("reload")
        visitors.wait_for_more(5)
    assert server.ctl("config", "check").returncode == 0
