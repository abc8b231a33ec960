# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Clients that people use, as they come from Debian and npm, unmodified: each
# sends or reads mail without TLS, with STARTTLS or STLS, and with TLS from the
# first octet. Certificates are verified wherever TLS is spoken.
import imaplib
import json
import os
import pathlib
import poplib
import smtplib
import socket

import pytest
from conftest import Server, User, wait_for
from mailtest import deliver, flags, imap, message, messages, token

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("plain", "explicit", "implicit")
SERVICE = {("smtp", "explicit"): "submission", ("smtp", "implicit"): "smtps",
           ("pop3", "explicit"): "pop3", ("pop3", "implicit"): "pop3s",
           ("imap", "explicit"): "imap", ("imap", "implicit"): "imaps"}
# Listeners that allow passwords in clear, which a testbed has none of.
PLAIN = """
listeners: {
  plain_smtp: { protocol = "smtp"; role = "submission";
                listen = [ "127.0.0.1:%d" ]; tls: { mode = "none"; }; };
  plain_pop3: { protocol = "pop3"; listen = [ "127.0.0.1:%d" ];
                tls: { mode = "none"; }; };
  plain_imap: { protocol = "imap"; listen = [ "127.0.0.1:%d" ];
                tls: { mode = "none"; }; };
};
"""
each_mode = pytest.mark.parametrize("mode", MODES)


class Clients(Server):
    """A server with a plain listener of each protocol, and users to give."""

    def __init__(self, folder):
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = [one.getsockname()[1] for one in held]
        for one in held:
            one.close()
        self.plain = dict(zip(("smtp", "pop3", "imap"), ports))
        self.given = 0
        super().__init__(folder, PLAIN % tuple(ports), users=200)

    def at(self, protocol, mode):
        if mode == "plain":
            return self.plain[protocol]
        return self.port(SERVICE[protocol, mode])

    def user(self):
        self.given += 1
        return User(self.given)


@pytest.fixture(scope="module")
def mail(tmp_path_factory):
    one = Clients(tmp_path_factory.mktemp("clients"))
    yield one
    one.down()


def curl(mail, run, tool, mode, protocol, path, *more):
    secure = {"plain": [], "explicit": ["--ssl-reqd"], "implicit": []}[mode]
    scheme = protocol + ("s" if mode == "implicit" else "")
    return run(tool("curl"), "-sS", "--max-time", "30", "--cacert",
               mail.cafile, *secure, *more,
               f"{scheme}://localhost:{mail.at(protocol, mode)}{path}")


@each_mode
def test_curl_smtp(mail, run, tool, tmp_path, mode):
    user, mark = mail.user(), token()
    text = tmp_path / "message"
    text.write_bytes(message(mark, user.name, user.name).encode())
    curl(mail, run, tool, mode, "smtp", "", "--mail-from", user.name,
         "--mail-rcpt", user.name, "-u", f"{user.name}:{user.password}",
         "-T", text)
    assert mark in messages(mail, user)[0]


@each_mode
def test_curl_imap(mail, run, tool, tmp_path, mode):
    user, mark = mail.user(), token()
    login = ["-u", f"{user.name}:{user.password}"]
    deliver(mail, user, mark)
    got = curl(mail, run, tool, mode, "imap", "/INBOX;MAILINDEX=1", *login)
    assert f"Subject: {mark}" in got and got.count("..two dots") == 1
    assert "INBOX" in curl(mail, run, tool, mode, "imap", "/", *login)
    assert "SEARCH 1" in curl(mail, run, tool, mode, "imap",
                              f"/INBOX?SUBJECT%20{mark}", *login)
    text = tmp_path / "message"
    text.write_bytes(message(mark + "b").encode())
    curl(mail, run, tool, mode, "imap", "/INBOX", *login, "-T", text)
    assert mark + "b" in messages(mail, user)[1]
    curl(mail, run, tool, mode, "imap", "/INBOX", *login, "-X",
         r"STORE 1 +FLAGS (\Deleted)")


@each_mode
def test_curl_pop3(mail, run, tool, mode):
    user, mark = mail.user(), token()
    login = ["-u", f"{user.name}:{user.password}"]
    deliver(mail, user, mark)
    got = curl(mail, run, tool, mode, "pop3", "/1", *login)
    assert f"Subject: {mark}" in got
    assert got.split("\n1")[0].startswith(("Return-Path", "Received"))
    assert curl(mail, run, tool, mode, "pop3", "/", *login).startswith("1 ")
    assert "1 " in curl(mail, run, tool, mode, "pop3", "/", *login, "-X",
                        "UIDL")


@each_mode
@pytest.mark.parametrize("mechanism", ("PLAIN", "LOGIN"))
def test_swaks(mail, run, tool, mode, mechanism):
    user, mark = mail.user(), token()
    secure = {"plain": [], "explicit": ["--tls"],
              "implicit": ["--tls-on-connect"]}[mode]
    if secure:
        secure += ["--tls-verify", "--tls-ca-path", mail.cafile]
    run(tool("swaks"), "--server", "localhost", "--port",
        mail.at("smtp", mode), "--auth", mechanism, "--auth-user", user.name,
        "--auth-password", user.password, "--from", user.name, "--to",
        user.name, "--header", f"Subject: {mark}", "--timeout", "30", *secure)
    assert mark in messages(mail, user)[0]


def test_swaks_as_another_server(mail, run, tool):
    user, mark = mail.user(), token()
    run(tool("swaks"), "--server", "localhost", "--port", mail.port("smtp"),
        "--tls", "--pipeline", "--from", "a@elsewhere.test", "--to", user.name,
        "--header", f"Subject: {mark}")
    run(tool("swaks"), "--server", "localhost", "--port", mail.port("lmtp"),
        "--protocol", "LMTP", "--from", "<>", "--to", user.name, "--header",
        f"Subject: {mark}")
    assert [mark in m for m in messages(mail, user)] == [True, True]


@each_mode
def test_msmtp(mail, run, tool, tmp_path, mode):
    user, mark = mail.user(), token()
    secure = {"plain": "tls off",
              "explicit": "tls on\ntls_starttls on",
              "implicit": "tls on\ntls_starttls off"}[mode]
    rc = tmp_path / "msmtprc"
    rc.write_text(f"""account default
host localhost
port {mail.at("smtp", mode)}
auth plain
user {user.name}
password {user.password}
from {user.name}
tls_trust_file {mail.cafile}
{secure}
""")
    rc.chmod(0o600)
    run(tool("msmtp"), "-C", rc, user.name,
        stdin=message(mark, user.name).replace("\r\n", "\n"))
    got = messages(mail, user)[0]
    assert mark in got and "\r\n.\r\n..two dots" in got


def mbsync_rc(mail, user, mode, local):
    kind = {"plain": "None", "explicit": "STARTTLS", "implicit": "IMAPS"}[mode]
    return f"""IMAPAccount server
Host localhost
Port {mail.at("imap", mode)}
User {user.name}
Pass {user.password}
SSLType {kind}
CertificateFile {mail.cafile}
AuthMechs *

IMAPStore far
Account server

MaildirStore near
Path {local}/
Inbox {local}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
Sync All
SyncState *
"""


@each_mode
def test_mbsync_both_ways_with_flags(mail, run, tool, tmp_path, mode):
    user = mail.user()
    marks = [token() for _ in range(4)]
    local = tmp_path / "mail"
    local.mkdir()
    rc = tmp_path / "mbsyncrc"
    rc.write_text(mbsync_rc(mail, user, mode, local))

    def sync():
        run(tool("mbsync"), "-c", rc, "-a")

    def near(mark):
        """The file of a message here."""
        return next(f for f in local.glob("INBOX/*/*")
                    if mark in f.read_text())

    for mark in marks[:3]:
        deliver(mail, user, mark)
    sync()
    assert len(list(local.glob("INBOX/new/*"))) == 3

    # Here: one is read and answered, one deleted, one new; a folder, too.
    one, two = near(marks[0]), near(marks[1])
    base = one.name.split(":2,")[0]
    one.rename(local / "INBOX/cur" / (base + ":2,RS"))
    base = two.name.split(":2,")[0]
    two.rename(local / "INBOX/cur" / (base + ":2,T"))
    (local / "INBOX/new/1700000000.1.here").write_text(
        message(marks[3]).replace("\r\n", "\n"))
    for part in ("new", "cur", "tmp"):
        (local / "Later" / part).mkdir(parents=True)
    sync()
    assert flags(mail, user) == {marks[0]: {"\\Seen", "\\Answered"},
                                 marks[2]: set(), marks[3]: set()}
    client = imap(mail, user)
    assert client.select("Later")[0] == "OK"

    # There: a flag more and a flag less, one moved away.
    client.select("INBOX")
    client.store("1", "-FLAGS", r"(\Answered)")
    client.store("2", "+FLAGS", r"(\Flagged)")
    client.store("3", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    sync()
    assert near(marks[0]).name.endswith(":2,S")
    assert near(marks[2]).name.endswith(":2,F")
    assert not [f for f in local.glob("INBOX/*/*") if marks[3] in f.read_text()]
    before = sorted(local.glob("INBOX/*/*"))
    sync()
    assert sorted(local.glob("INBOX/*/*")) == before


@each_mode
def test_mutt_in_batch_mode(mail, run, tool, tmp_path, mode):
    """Sends by SMTP and keeps a copy by IMAP."""
    user, mark = mail.user(), token()
    suffix = "s" if mode == "implicit" else ""
    who = user.name.replace("@", "%40")
    start = "yes" if mode == "explicit" else "no"
    force = "yes" if mode != "plain" else "no"
    imap_url = f"imap{suffix}://{who}@localhost:{mail.at('imap', mode)}"
    rc = tmp_path / "muttrc"
    rc.write_text(f"""set from = "{user.name}"
set smtp_url = "smtp{suffix}://{who}@localhost:{mail.at('smtp', mode)}/"
set smtp_pass = "{user.password}"
set imap_pass = "{user.password}"
set folder = "{imap_url}/"
set record = "{imap_url}/Sent"
set ssl_starttls = {start}
set ssl_force_tls = {force}
set ssl_usesystemcerts = no
set certificate_file = "{mail.cafile}"
set imap_check_subscribed = no
set copy = yes
""")
    client = imap(mail, user)
    client.create("Sent")
    client.logout()
    run(tool("mutt"), "-F", rc, "-s", mark, "--", user.name,
        stdin="A line from mutt.\n", env={"HOME": str(tmp_path),
                                          "TERM": "dumb"})
    assert mark in messages(mail, user)[0]
    assert mark in messages(mail, user, "Sent")[0]


@each_mode
@pytest.mark.parametrize("protocol", ("pop3", "imap"))
def test_fetchmail(mail, run, tool, tmp_path, mode, protocol):
    user = mail.user()
    marks = [token() for _ in range(3)]
    for mark in marks:
        deliver(mail, user, mark)
    secure = {"plain": "sslproto ''",
              "explicit": "sslproto 'TLS1.2+' sslcertck",
              "implicit": "ssl sslproto 'TLS1.2+' sslcertck"}[mode]
    rc = tmp_path / "fetchmailrc"
    rc.write_text(f"""poll localhost protocol {protocol}
  port {mail.at(protocol, mode)}
  user "{user.name}" password "{user.password}"
  {secure} sslcertfile {mail.cafile}
  mda "cat >>{tmp_path}/got"
""")
    rc.chmod(0o700)
    run(tool("fetchmail"), "-f", rc, "--pidfile", tmp_path / "pid", "-v",
        "--nosyslog", env={"HOME": str(tmp_path), "FETCHMAILHOME":
                           str(tmp_path)})
    got = (tmp_path / "got").read_text()
    assert [mark in got for mark in marks] == [True] * 3
    assert "\n.\n..two dots" in got
    wait_for(lambda: messages(mail, user) == [], 10, "they were not deleted")


@each_mode
def test_python_smtplib(mail, mode):
    user, mark = mail.user(), token()
    port = mail.at("smtp", mode)
    if mode == "implicit":
        smtp = smtplib.SMTP_SSL("localhost", port, context=mail.context(),
                                timeout=30)
    else:
        smtp = smtplib.SMTP("localhost", port, timeout=30)
    with smtp:
        if mode == "explicit":
            smtp.starttls(context=mail.context())
        smtp.login(user.name, user.password)
        refused = smtp.sendmail(user.name, [user.name],
                                message(mark, user.name, user.name))
    assert refused == {}
    assert mark in messages(mail, user)[0]


def test_python_lmtp(mail):
    users, mark = [mail.user(), mail.user()], token()
    names = [users[0].name, "nobody@example.test", users[1].name]
    with smtplib.LMTP(mail.host, mail.port("lmtp")) as lmtp:
        lmtp.ehlo()
        lmtp.mail("")
        assert [lmtp.rcpt(name)[0] for name in names] == [250, 550, 250]
        # One answer for each recipient that was taken; smtplib reads one.
        answers = [lmtp.data(message(mark)), lmtp.getreply()]
    assert [code for code, _ in answers] == [250, 250]
    for user in users:
        assert mark in messages(mail, user)[0]


@each_mode
def test_python_imaplib(mail, mode):
    user, mark = mail.user(), token()
    deliver(mail, user, mark)
    port = mail.at("imap", mode)
    if mode == "implicit":
        client = imaplib.IMAP4_SSL("localhost", port, timeout=30,
                                   ssl_context=mail.context())
    else:
        client = imaplib.IMAP4("localhost", port, timeout=30)
    if mode == "explicit":
        assert "LOGINDISABLED" in client.capabilities
        assert client.starttls(mail.context())[0] == "OK"
    assert client.login(user.name, user.password)[0] == "OK"
    assert client.select()[1] == [b"1"]
    client.create('"Old things"')
    assert client.copy("1", '"Old things"')[0] == "OK"
    assert client.uid("MOVE", "1", '"Old things"')[0] == "OK"
    assert client.search(None, "ALL")[1] == [b""]
    assert client.status('"Old things"', "(MESSAGES)")[1][0].endswith(
        b"(MESSAGES 2)")
    assert client.logout()[0] == "BYE"


@each_mode
def test_python_poplib(mail, mode):
    user, marks = mail.user(), [token(), token()]
    for mark in marks:
        deliver(mail, user, mark)
    port = mail.at("pop3", mode)
    if mode == "implicit":
        pop = poplib.POP3_SSL("localhost", port, context=mail.context(),
                              timeout=30)
    else:
        pop = poplib.POP3("localhost", port, timeout=30)
    if mode == "explicit":
        assert "STLS" in pop.capa()
        pop.stls(mail.context())
    pop.user(user.name)
    pop.pass_(user.password)
    assert pop.stat()[0] == 2
    lines = pop.retr(1)[1]
    assert f"Subject: {marks[0]}".encode() in lines
    assert lines[-2:] == [b".", b"..two dots"]
    assert len(pop.uidl()[1]) == 2
    assert b"." not in pop.top(2, 0)[1]
    pop.dele(1)
    pop.quit()
    assert [marks[1] in m for m in messages(mail, user)] == [True]


def node(mail, run, tool, script, mode, protocol, **more):
    """Runs a script with what it has to know; what it prints, as JSON."""
    with open(mail.cafile, encoding="ascii") as f:
        facts = {"host": "localhost", "port": mail.at(protocol, mode),
                 "secure": mode == "implicit", "mode": mode, "ca": f.read(),
                 "smtp": mail.port("smtp"), **more}
    said = run(tool("node"), HERE / script, stdin=json.dumps(facts),
               env={"NODE_PATH": os.environ.get(
                   "NODE_PATH", str(HERE.parents[1] /
                                    ".deps/npm/node_modules"))})
    return json.loads(said)


@each_mode
def test_nodemailer(mail, run, tool, mode):
    user, mark = mail.user(), token()
    said = node(mail, run, tool, "nodemailer.cjs", mode, "smtp", mark=mark,
                user=user.name, password=user.password)
    assert said["verified"] is True and said["accepted"] == [user.name]
    got = messages(mail, user)[0]
    assert mark in got and "multipart/mixed" in got


@each_mode
def test_imapflow_with_idle_push(mail, run, tool, mode):
    user, mark = mail.user(), token()
    deliver(mail, user, mark)
    said = node(mail, run, tool, "imapflow.cjs", mode, "imap", mark=mark,
                user=user.name, password=user.password)
    assert said["first"] == mark
    assert said["pushed"] == 2 and said["pushed_ms"] < 5000
    assert said["subjects"] == [mark, mark + "-pushed"]
    assert said["flags"] == ["\\Flagged", "\\Seen"]
    assert said["parts"] == "text/plain"
    assert said["moved"] == 1 and said["appended"] == mark + "-appended"
    assert said["searched"] == [said["flagged_uid"]]
    assert "Sorted/Ärger" in said["folders"]
