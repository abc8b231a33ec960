# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Authentication: mechanisms by clients of others (GNU SASL's command over
# GnuTLS, msmtp, mbsync and mutt over libsasl2) and by one that lies; what
# guessing costs; and what happens when the warden dies.
import base64
import contextlib
import os
import pathlib
import re
import secrets
import signal
import socket
import ssl
import threading
import time

import pytest
from conftest import SANITIZED, Server, User, wait_for
from mailtest import deliver, message, messages, token
from scram import SERVICES, Line, Scram

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}


@pytest.fixture(scope="module", name="mail")
def mail_fixture(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("sasl"), users=60, config="""
auth: { mechanisms = [ "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
                       "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1",
                       "EXTERNAL", "PLAIN", "LOGIN" ];
        delay = "20ms"; max_delay = "100ms"; free_failures = 100000; };
""")
    if "SCRAM" not in Line(one, "imap").offer:
        one.down()
        pytest.skip("built without GNU SASL")
    yield one
    one.down()


@pytest.fixture(scope="module", name="numbers")
def numbers_fixture():
    return iter(range(1, 61))


@pytest.fixture(name="account")
def account_fixture(mail, numbers):
    del mail
    return User(next(numbers))


def secrets_file(server):
    return server.folder / "state/secrets/passwd"


# --- clients of others -------------------------------------------------------


@pytest.mark.parametrize("priority", ["NORMAL", "NORMAL:-VERS-TLS1.3"])
@pytest.mark.parametrize("mechanism", [
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",
    "PLAIN", "LOGIN"])
@pytest.mark.parametrize("protocol", ["smtp", "imap"])
def test_gsasl(mail, account, run, tool, protocol, mechanism, priority):
    port = mail.port("submission" if protocol == "smtp" else "imap")
    words = [tool("gsasl"), f"--{protocol}", "--starttls",
             f"--connect=localhost:{port}",
             f"--x509-ca-file={mail.cafile}", f"--priority={priority}",
             "-m", mechanism, "-a", account.name, "-p", account.password]
    if not mechanism.endswith("-PLUS"):
        words.append("--no-cb")
    said = run(*words)
    assert re.search(r"^235 " if protocol == "smtp" else r"^\. OK.*logged in",
                     said, re.M), said
    mail.wait_log(rf"auth\.ok .*user={account.name} mechanism={mechanism}\b")


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "scram-sha-1"])
def test_msmtp(mail, account, run, tool, tmp_path, mechanism):
    mark = token()
    rc = tmp_path / "msmtprc"
    rc.write_text(f"""account default
host localhost
port {mail.port("submission")}
auth {mechanism}
user {account.name}
password {account.password}
from {account.name}
tls on
tls_trust_file {mail.cafile}
""")
    rc.chmod(0o600)
    run(tool("msmtp"), "-C", rc, account.name,
        stdin=message(mark, account.name).replace("\r\n", "\n"))
    assert mark in messages(mail, account)[0]
    mail.wait_log(rf"user={account.name} mechanism={mechanism.upper()}\b")


@pytest.mark.parametrize("mechanism", HASHES)
def test_mbsync(mail, account, run, tool, tmp_path, mechanism):
    mark = token()
    deliver(mail, account, mark)
    local = tmp_path / "mail"
    local.mkdir()
    rc = tmp_path / "mbsyncrc"
    rc.write_text(f"""IMAPAccount server
Host localhost
Port {mail.port("imap")}
User {account.name}
Pass {account.password}
SSLType STARTTLS
CertificateFile {mail.cafile}
AuthMechs {mechanism}

IMAPStore far
Account server

MaildirStore near
Inbox {local}/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
""")
    run(tool("mbsync"), "-c", rc, "-a")
    assert any(mark in f.read_text() for f in local.glob("INBOX/new/*"))
    mail.wait_log(rf"user={account.name} mechanism={mechanism}\b")


@pytest.mark.parametrize("mechanism", HASHES)
def test_mutt(mail, account, run, tool, tmp_path, mechanism):
    mark, word = token(), mechanism.lower()
    who = account.name.replace("@", "%40")
    at = f"{who}@localhost"
    rc = tmp_path / "muttrc"
    rc.write_text(f"""set from = "{account.name}"
set smtp_url = "smtp://{at}:{mail.port("submission")}/"
set smtp_pass = "{account.password}" smtp_authenticators = "{word}"
set imap_pass = "{account.password}" imap_authenticators = "{word}"
set folder = "imap://{at}:{mail.port("imap")}/" record = "+INBOX"
set ssl_starttls = yes ssl_force_tls = yes ssl_usesystemcerts = no
set certificate_file = "{mail.cafile}"
set imap_check_subscribed = no copy = yes
""")
    run(tool("mutt"), "-F", rc, "-s", mark, "--", account.name,
        stdin="A line.\n", env={"HOME": str(tmp_path), "TERM": "dumb"})
    assert len([m for m in messages(mail, account) if mark in m]) == 2
    for listener in ("imap", "submission"):
        mail.wait_log(rf"auth\.ok .*listener={listener} .*"
                      rf"user={account.name} mechanism={mechanism}\b")


# --- one that can lie --------------------------------------------------------


@pytest.mark.parametrize("mechanism", HASHES)
@pytest.mark.parametrize("service", SERVICES)
def test_every_protocol(mail, account, service, mechanism):
    line = Line(mail, service)
    scram = Scram(account.local, account.password, HASHES[mechanism])
    assert line.is_good(line.login(scram, mechanism))


@pytest.mark.parametrize("service", SERVICES)
def test_without_initial_response(mail, account, service):
    line = Line(mail, service)
    scram = Scram(account.name, account.password)
    assert line.challenge(line.start("SCRAM-SHA-256")) == b""
    said = line.step(scram.first())
    scram.check(line.challenge(line.step(scram.final(line.challenge(said)))))
    assert line.is_good(line.step(b""))


def test_tls_unique(mail, account):
    """RFC 5929 section 3; Python knows no tls-exporter."""
    line = Line(mail, "submission", TLS_1_2)
    binding = line.raw.get_channel_binding("tls-unique")
    scram = Scram(account.name, account.password, flag="p=tls-unique",
                  binding=binding)
    assert line.is_good(line.login(scram, "SCRAM-SHA-256-PLUS"))


def refused(server, service, scram, mechanism="SCRAM-SHA-256", version=None):
    line = Line(server, service, version)
    said = line.login(scram, mechanism)
    line.close()
    return bool(re.match(r"535 5\.7\.8|-ERR \[AUTH\]|a NO \[AUTHENT", said))


@pytest.mark.parametrize("service", SERVICES)
def test_refuses(mail, account, service):
    name = account.name
    assert refused(mail, service, Scram(name, "wrong"))
    assert refused(mail, service, Scram("nobody", "secret"))
    assert refused(mail, service, Scram(name, "secret",
                                        authzid="user1@example.test"))
    assert refused(mail, service, Scram("n" * 400, "secret"))
    assert refused(mail, service, Scram("nobody\a", "secret"))


def test_refuses_what_was_tampered_with(mail, account):
    """RFC 5802 section 6: the client could bind, and believes that the
    server could not; it binds without being asked to; and to another TLS."""
    name = account.name
    for version in (TLS_1_2, TLS_1_3):
        assert refused(mail, "imap", Scram(name, "secret", flag="y"),
                       version=version)
    assert refused(mail, "imap", Scram(name, "secret", flag="p=tls-unique"))
    plus = "SCRAM-SHA-256-PLUS"
    assert refused(mail, "imap", Scram(name, "secret"), plus)
    assert refused(mail, "imap", Scram(
        name, "secret", flag="p=tls-exporter", binding=bytes(32)), plus)
    assert refused(mail, "imap", Scram(
        name, "secret", flag="p=tls-unique", binding=bytes(12)), plus, TLS_1_2)
    assert refused(mail, "imap", Scram(
        name, "secret", flag="p=tls-server-end-point", binding=bytes(32)),
        plus)
    other = Line(mail, "imap", TLS_1_2)
    assert refused(mail, "imap", Scram(
        name, "secret", flag="p=tls-unique",
        binding=other.raw.get_channel_binding("tls-unique")), plus, TLS_1_2)


def test_y_where_nothing_can_be_bound(servers):
    """With no -PLUS offered, the client is right to say so."""
    one = servers(config="""
auth: { mechanisms = [ "SCRAM-SHA-256", "PLAIN" ]; };
""")
    line = Line(one, "imap")
    if "SCRAM" not in line.offer:
        pytest.skip("built without GNU SASL")
    assert "PLUS" not in line.offer and "LOGIN" not in line.offer
    assert line.is_good(line.login(Scram("user1", "secret", flag="y"),
                                   "SCRAM-SHA-256"))
    assert "a NO [CANNOT]" in Line(one, "imap").start("LOGIN")


def test_replay(mail, account):
    """What has opened the account once opens nothing again."""
    scram, line = Scram(account.name, account.password), Line(mail, "imap")
    first = scram.first()
    final = scram.final(line.challenge(line.start("SCRAM-SHA-256", first)))
    assert line.challenge(line.step(final)) is not None
    again = Line(mail, "imap")
    assert again.challenge(again.start("SCRAM-SHA-256", first)) is not None
    assert again.step(final).startswith("a NO [AUTHENT")


def test_no_names_are_told(mail, account):
    """A name that nobody has is salted, too, always in the same way."""
    def salt(name):
        line = Line(mail, "imap")
        scram = Scram(name, "secret")
        scram.final(line.challenge(line.start("SCRAM-SHA-256",
                                              scram.first())))
        line.close()
        return scram.salt, scram.iterations

    assert salt("nobody") == salt("Nobody@Example.TEST")
    assert salt("nobody") != salt("nobody2")
    assert salt(account.local) == salt(account.name)
    before = salt("nobody")
    mail.restart()
    assert salt("nobody") == before


@pytest.mark.parametrize("response", [
    b"", b"n,,", b"n,,r=abc", b"n=user,r=abc", b"\0", b"n,,n=user,r=",
    b"p=,,n=user,r=abc", b"n,,n=us=er,r=abc", b"n,,m=x,n=user,r=abc",
    b"\xff" * 60, b"n,,n=" + b"u" * 9000 + b",r=abc"], ids=range(11))
def test_malformed(mail, response):
    for service in SERVICES:
        line = Line(mail, service)
        said = line.start("SCRAM-SHA-256")
        assert line.challenge(said) == b""
        said = line.step(response)
        if line.challenge(said) is None:
            assert re.match("501|535|500|-ERR|a BAD|a NO", said), said
        line.say({"submission": "NOOP", "pop3": "CAPA",
                  "imap": "a NOOP"}[service])
        line.line()
        line.close()


def test_ends_early(mail, account):
    """Given up at each step, and closed without a word."""
    for steps in range(3):
        line, scram = Line(mail, "imap"), Scram(account.name, "secret")
        said = line.start("SCRAM-SHA-256")
        if steps > 0:
            said = line.step(scram.first())
        if steps > 1:
            said = line.step(scram.final(line.challenge(said)))
        assert said.startswith("+ ")
        line.say("*")
        assert line.answer().startswith("a BAD")
        line.say("a NOOP")
        assert line.answer().startswith("a OK")
        line.start("SCRAM-SHA-256", scram.first())
        line.close()
    line, scram = Line(mail, "imap"), Scram(account.name, "secret")
    said = line.start("SCRAM-SHA-256", scram.first())
    line.step(scram.final(line.challenge(said)))
    assert line.step(b"more").startswith("a BAD")
    line.say("a SELECT INBOX")
    assert not line.is_good(line.answer())


def test_reload_changes_mechanisms(servers):
    """What the new configuration says is offered, in sessions begun after."""
    one = servers()
    before = Line(one, "imap")
    config = pathlib.Path(one.env["CONFIG"])
    config.write_text(config.read_text()
                      + 'auth: { mechanisms = [ "PLAIN" ]; };\n')
    one.ctl("reload")
    after = Line(one, "imap")
    assert "AUTH=PLAIN" in after.offer and "LOGIN" not in after.offer
    assert after.start("LOGIN").startswith("a NO [CANNOT]")
    good = b"\0user1\0secret"
    assert after.is_good(after.start("PLAIN", good))
    assert before.is_good(before.start("PLAIN", good))


# --- accounts ----------------------------------------------------------------


def offers(server, word):
    return word in Line(server, "imap").offer


def test_follows_the_accounts(servers):
    """SCRAM is there while every account has a verifier."""
    one = servers()
    if not offers(one, "SCRAM"):
        pytest.skip("built without GNU SASL")
    line = "old@example.test:::{PLAIN}secret\n"
    users = one.folder / "accounts/users"
    hidden = secrets_file(one)
    hidden.write_text(hidden.read_text() + line)
    users.write_text(users.read_text() + "old@example.test:x\n")
    wait_for(lambda: Line(one, "imap").start(
        "PLAIN", b"\0old\0secret") and not offers(one, "SCRAM"), 30)
    one.ctl("user", "password", "old", stdin="renewed\n")
    wait_for(lambda: Line(one, "imap").start(
        "PLAIN", b"\0old\0renewed") and offers(one, "SCRAM"), 30)
    line = Line(one, "submission")
    assert line.is_good(line.login(Scram("old", "renewed"), "SCRAM-SHA-256"))
    # Disabled, and gone.
    users.write_text(users.read_text().replace("old@example.test:x",
                                               "old@example.test:!x"))
    time.sleep(1.2)
    assert refused(one, "imap", Scram("old", "renewed"))
    one.ctl("user", "delete", "old")
    assert refused(one, "imap", Scram("old", "renewed"))
    assert "old@" not in hidden.read_text() + users.read_text()


def test_converts_an_older_file(servers):
    """Hashes in the users' file move at the start; all of them still open."""
    one = servers(users=3)
    one.down()
    users = one.folder / "accounts/users"
    users.write_text("user1@example.test:{PLAIN}secret:1G\n# mine\n"
                     "user2@example.test:{PLAIN}secret\n"
                     "user3@example.test:x\n")
    users.chmod(0o600)
    one.restart()
    assert users.read_text() == ("user1@example.test:x:1G\n# mine\n"
                                 "user2@example.test:x\n"
                                 "user3@example.test:x\n")
    assert secrets_file(one).stat().st_mode & 0o777 == 0o600
    for number in (1, 2, 3):
        line = Line(one, "imap")
        assert line.is_good(line.start(
            "PLAIN", f"\0user{number}\0secret".encode()))
    one.wait_log("passwd.converted .*accounts=2")
    users.write_text(users.read_text() + "user4@example.test:{PLAIN}four\n")
    assert one.ctl("user", "convert").stdout == "1 accounts converted\n"
    assert "user4@example.test:x\n" in users.read_text()


# --- guessing ----------------------------------------------------------------


def test_guessing_in_parallel(servers):
    """Hundreds guess at one account at once, from one address. They are not
    checked hundreds of times; and its owner, elsewhere, gets in."""
    one = servers(config="""
auth: { free_failures = 5; delay = "100ms"; max_delay = "200ms"; };
limits: { auth_attempts = 1000; };
""")
    owner = Line(one, "imap", source="127.0.0.2")
    good = b"\0user1\0secret"
    assert owner.is_good(owner.start("PLAIN", good))
    lines = [Line(one, "submission") for _ in range(60)]
    answers = []

    def guess(line):
        for number in range(4):
            try:
                answers.append(line.start(
                    "PLAIN", f"\0user1\0wrong{number}".encode()))
            except (AssertionError, OSError):
                return

    began = time.monotonic()
    threads = [threading.Thread(target=guess, args=(line,), daemon=True)
               for line in lines]
    for thread in threads:
        thread.start()
    elsewhere = Line(one, "imap", source="127.0.0.2")
    assert elsewhere.is_good(elsewhere.start("PLAIN", good))
    for thread in threads:
        thread.join(100)
    took = time.monotonic() - began
    checked = len(re.findall("auth.failed .*wrong name or password",
                             one.log()))
    assert checked <= 10 + took / 0.1
    assert any(a.startswith("421") for a in answers)
    assert not any(a.startswith("235") for a in answers)
    assert "auth.throttled network=127.0.0.1" in one.log()


# --- what is left of it ------------------------------------------------------


def memory(pid):
    """All that a process could have written to."""
    with open(f"/proc/{pid}/mem", "rb", 0) as mem, \
            open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, mode, *_ = line.split()
            start, end = (int(n, 16) for n in span.split("-"))
            if mode.startswith("rw"):
                with contextlib.suppress(OSError):
                    yield os.pread(mem.fileno(), end - start, start)


def login_everywhere(server, name, password):
    """By each way there is to say a password, good and bad; the sessions,
    which stay open."""
    plain = f"\0{name}\0{password}".encode()
    lines = []
    for service in SERVICES:
        for offered in (plain, plain + b"wrong"):
            line = Line(server, service)
            assert line.is_good(line.start("PLAIN", offered)) == (
                offered == plain)
            lines.append(line)
        line = Line(server, service)
        line.start("LOGIN")
        line.step(name.encode())
        assert line.is_good(line.step(password.encode()))
        lines.append(line)
        line = Line(server, service)
        line.start("PLAIN")
        assert line.is_good(line.step(plain))
        lines.append(line)
    line = Line(server, "pop3")
    line.say(f"USER {name}")
    line.answer()
    line.say(f"PASS {password}")
    assert line.is_good(line.answer())
    lines.append(line)
    line = Line(server, "imap")
    line.say(f'a LOGIN {name} "{password}"')
    assert line.is_good(line.answer())
    lines.append(line)
    line = Line(server, "imap")
    for piece in ("a LOGIN ", name + " ", password[:30], password[30:], "\r\n"):
        line.raw.sendall(piece.encode())
        time.sleep(0.05)
    assert line.is_good(line.answer())
    lines.append(line)
    line = Line(server, "submission")
    text = base64.b64encode(plain).decode()
    for piece in ("AUTH PLAIN " + text[:-4], text[-4:], "\r\n"):
        line.raw.sendall(piece.encode())
        time.sleep(0.05)
    assert line.is_good(line.answer())
    lines.append(line)
    line = Line(server, "imap")
    line.say(f"a LOGIN {{{len(name)}}}")
    line.answer()
    line.say(f"{name} {{{len(password)}}}")
    line.answer()
    line.say(password)
    assert line.is_good(line.answer())
    return lines + [line]


def spellings(password, name):
    """As it is, and each of the three ways that base64 can cut it."""
    found = {"itself": password.encode()}
    for before in (b"", b"x", b"xx", f"\0{name}\0".encode()):
        text = base64.b64encode(before + password.encode() + b"___")
        found[f"base64 {len(before)}"] = text[8:-8]
    return found


@pytest.mark.skipif(SANITIZED, reason="the shadow memory is too large")
@pytest.mark.parametrize("tls", ["tls_wolfssl", "tls_openssl"])
def test_workers_forget_passwords(servers, tls):
    """In the memory of a worker there is no password of a login that is
    over, in no spelling, nor what an account is opened with."""
    one = servers(workers=1, tls=tls)
    if os.geteuid() != 0:
        pytest.skip("only root sees the memory of other processes")
    password = "Tr0ub4dor" + secrets.token_hex(12)
    one.ctl("user", "password", "user1", stdin=password + "\n")
    lines = login_everywhere(one, "user1@example.test", password)
    needles = spellings(password, "user1@example.test")
    stored = secrets_file(one).read_text().split(":")
    needles["hash"] = re.search(r"\$y\$[^\n]*", ":".join(stored)).group()[:40] \
        .encode()
    for pid in one.workers():
        parts = list(memory(pid))
        assert sum(map(len, parts)) > 100000
        found = [what for what, needle in needles.items()
                 if any(needle in part for part in parts)]
        assert not found, (pid, found)
    for line in lines:
        line.close()


# --- the warden dies ---------------------------------------------------------


def test_the_warden_dies(servers):
    """What is under way is a temporary failure; the next one serves."""
    one = servers(workers=1)
    lines = {service: Line(one, service) for service in SERVICES}
    for service, line in lines.items():
        assert line.challenge(line.start("PLAIN")) == b"", service
    os.kill(one.warden(), signal.SIGKILL)
    one.wait_log("auth.warden-gone")
    for service, line in lines.items():
        said = line.step(b"\0user1\0secret")
        assert re.match(r"454|-ERR \[SYS/TEMP\]|a NO \[UNAVAILABLE\]", said)

    def comes_in(line):
        return line.is_good(line.start("PLAIN", b"\0user1\0secret"))
    for line in lines.values():
        wait_for(lambda line=line: comes_in(line), 30)
