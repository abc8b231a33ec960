# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same random dialogue with Postern and with Debian's dovecot-imapd: what
# both say to each command must mean the same, and so must what they hold after
# it. Part of tools/test --long, which installs dovecot-imapd; as root. The
# environment makes it longer: POSTERN_ORACLE_STEPS (default 300) and
# POSTERN_ORACLE_SEED.
import datetime
import os
import random
import re
import shutil
import socket
import subprocess
import time

import pytest
from conftest import User, wait_for

STEPS = int(os.environ.get("POSTERN_ORACLE_STEPS", "300"))
SEED = int(os.environ.get("POSTERN_ORACLE_SEED", "1"))
DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
CONFIG = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{dir}/mail:LAYOUT=fs
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""

MULTIPART = b"""From: "Anna Example" <anna@x.example>\r
To: bert@y.example, "C, D" <c.d@z.example>\r
Cc: group: a@b.example, c@d.example;\r
Subject: many parts\r
Date: Tue, 03 Feb 2026 11:12:13 +0100\r
Message-ID: <many@x.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="=_b1"\r
\r
preamble\r
--=_b1\r
Content-Type: text/plain; charset=utf-8; format=flowed\r
Content-Transfer-Encoding: quoted-printable\r
\r
The needle is h=65re.\r
--=_b1\r
Content-Type: multipart/alternative; boundary=inner\r
\r
--inner\r
Content-Type: text/plain\r
\r
plain\r
--inner\r
Content-Type: text/html; charset=us-ascii\r
Content-Disposition: inline; filename="a b.html"\r
\r
<b>html</b>\r
--inner--\r
--=_b1\r
Content-Type: message/rfc822\r
Content-Description: forwarded\r
\r
From: inner@x.example\r
Subject: inside\r
\r
inner text\r
--=_b1\r
Content-Type: application/octet-stream; name=x.bin\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment; filename=x.bin; size=3\r
Content-Language: de, en\r
\r
AAEC\r
--=_b1--\r
epilogue\r
"""
PLAIN = b"""From: bert@y.example\r
To: anna@x.example\r
Reply-To: elsewhere@y.example\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and a\r
 folded line\r
In-Reply-To: <many@x.example>\r
Message-ID: <plain@y.example>\r
Date: Mon, 02 Feb 2026 10:00:00 +0000\r
\r
Just a needle of text.\r
"""
SMALL = (b"Subject: small\r\nDate: Wed, 04 Feb 2026 00:00:01 -0500\r\n"
         b"\r\nx\r\n")
MESSAGES = (MULTIPART, PLAIN, SMALL)
FLAGS = (r"\Seen", r"\Flagged", r"\Deleted", r"\Answered", r"\Draft",
         "$Label", "Junk")
ITEMS = ("FLAGS", "UID", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]",
         "BODY[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]<3.10>", "BODY[1]",
         "BODY.PEEK[1.MIME]", "BODY.PEEK[2.1]", "BODY.PEEK[3.HEADER]",
         "BODY.PEEK[3.TEXT]", "RFC822.HEADER", "RFC822.TEXT", "RFC822",
         "BODY.PEEK[HEADER.FIELDS (SUBJECT TO)]",
         "BODY.PEEK[HEADER.FIELDS.NOT (Subject To)]", "BODY.PEEK[]<0.9999>",
         "BODY.PEEK[4]<2.1>", "BODY.PEEK[3.1]")
KEYS = ("ALL", "SEEN", "UNSEEN", "DELETED", "FLAGGED", "KEYWORD Junk",
        "UNKEYWORD $Label", "SUBJECT many", 'SUBJECT "and a folded"',
        "FROM anna", "TO c.d", "CC group", "BODY needle", 'BODY "is here"',
        "TEXT inside", "HEADER Message-ID plain", "LARGER 100",
        "SMALLER 100", "SENTSINCE 3-Feb-2026", "SENTON 2-Feb-2026",
        "SENTBEFORE 3-Feb-2026", "BEFORE 1-Jan-2000", "SINCE 1-Jan-2000",
        "ON 17-Jul-1996", "CHARSET UTF-8 SUBJECT gr")
BOXES = ("one", "two/deep", "three", "INBOX")


class Client:
    """One IMAP connection, read to the letter."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.sock.makefile("rb")
        self.count = 0
        self.line()

    def line(self):
        """A response with its literals, as bytes."""
        whole = self.file.readline()
        assert whole, "the connection ended"
        while size := re.search(rb"\{(\d+)\}\r\n$", whole):
            whole += self.file.read(int(size[1])) + self.file.readline()
        return whole

    def say(self, command):
        """(untagged responses, tagged status, its text)"""
        self.count += 1
        tag = b"t%d " % self.count
        self.sock.sendall(tag + command + b"\r\n")
        untagged = []
        while not (line := self.line()).startswith(tag):
            untagged.append(line)
        status, _, text = line[len(tag):].rstrip().partition(b" ")
        return untagged, status.decode(), text


TOKEN = re.compile(rb"""\{(\d+)\}\r\n | "((?:[^"\\]|\\.)*)" | ([()]) |
                        ([^\s()"{\[]+(?:\[[^\]]*\](?:<\d+>)?)?)""", re.X)


def parse(text):
    """The nested lists of a response; strings as bytes, atoms as str."""
    stack, at = [[]], 0
    while match := TOKEN.search(text, at):
        at = match.end()
        if match[1] is not None:
            stack[-1].append(text[at:at + int(match[1])])
            at += int(match[1])
        elif match[2] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", match[2]))
        elif match[3] == b"(":
            stack.append([])
        elif match[3] == b")":
            top = stack.pop()
            stack[-1].append(top)
        else:
            stack[-1].append(match[4].decode())
    return stack[0]


def fetched(untagged):
    """{number: {item: value}} of all FETCH responses."""
    found = {}
    for line in untagged:
        match = re.match(rb"\* (\d+) FETCH (.*)$", line, re.S)
        if match:
            items = parse(match[2])[0]
            pairs = dict(zip(items[::2], items[1::2]))
            for name in list(pairs):
                value = pairs.pop(name)
                if name == "FLAGS":
                    value = frozenset(value) - {r"\Recent"}
                if value == "NIL":  # a part that is not there
                    value = b""
                if name == "INTERNALDATE":  # a Maildir forgets the zone
                    value = datetime.datetime.strptime(
                        value.decode().strip(), "%d-%b-%Y %H:%M:%S %z")
                pairs[name.upper()] = value
            found.setdefault(int(match[1]), {}).update(pairs)
    return found


def meaning(command, answer):
    """What is to be the same on both servers."""
    untagged, status, text = answer
    said = {"status": status}
    if command.startswith((b"FETCH", b"UID FETCH")):
        said["fetch"] = fetched(untagged)
        for items in said["fetch"].values():
            items.pop("FLAGS", None)  # the state tells; see `state`
    # From the first or from the last: the order of EXPUNGE is the server's.
    said["expunged"] = sum(b" EXPUNGE" in line[:20] for line in untagged)
    for word in (b"SEARCH", b"STATUS"):
        said[word] = [re.sub(rb"UIDVALIDITY \d+", b"", line).upper()
                      for line in untagged if word in line[:20]]
    exists = [line for line in untagged if line.endswith(b" EXISTS\r\n")]
    said["exists"] = exists[-1:]
    code = re.search(rb"(APPENDUID|COPYUID) \d+ ([^\]]*)",
                     b"".join(untagged) + text)
    said["code"] = code and code[2]
    if code is None and status == "NO":
        said["trycreate"] = b"[TRYCREATE]" in text
    if command.startswith((b"LIST", b"LSUB")):
        said["names"] = sorted(line.rsplit(b'"/" ', 1)[1].strip(b'"\r\n')
                               for line in untagged)
    return said


def state(client):
    """Every message's UID and flags."""
    return fetched(client.say(b"UID FETCH 1:* (UID FLAGS)")[0])


class Commands:
    """Commands at random; `size` messages are in the mailbox."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.size = 0

    def numbers(self):
        low, high = sorted(self.random.choices(range(1, self.size + 2), k=2))
        return self.random.choice((f"{low}", f"{low}:{high}", f"{high}:*",
                                   f"{low},{high}", "1:*", "*"))

    def flags(self):
        some = self.random.sample(FLAGS, self.random.randint(0, 3))
        return f"({' '.join(some)})"

    def append(self):
        message = self.random.choice(MESSAGES)
        date = self.random.choice(('"17-Jul-1996 02:44:25 -0700" ', ""))
        if not date:
            date = '"03-Feb-2026 23:59:59 +0000" '
        box = self.random.choice(BOXES)
        return (f"APPEND {box} {self.flags()} {date}{{{len(message)}+}}\r\n"
                .encode() + message)

    def fetch(self):
        items = self.random.sample(ITEMS, self.random.randint(1, 3))
        return f"FETCH {self.numbers()} ({' '.join(items)})"

    def store(self):
        sign = self.random.choice(("+", "-", ""))
        silent = self.random.choice(("", ".SILENT"))
        return f"STORE {self.numbers()} {sign}FLAGS{silent} {self.flags()}"

    def search(self):
        keys = [k for k in self.random.sample(KEYS, 2) if "CHARSET" not in k]
        # No "NOT (DELETED FLAGGED)": Dovecot 2.3 looks for neither.
        shape = self.random.choice(("{0}", "NOT {0}", "OR {0} {1}", "{0} {1}",
                                    "NOT (OR {0} {1})", "OR (NOT {0}) UID 1:3"))
        keys = (keys + ["ALL", "ALL"])[:2]
        return "SEARCH " + shape.format(*keys)

    def copy(self):
        verb = self.random.choice(("COPY", "MOVE"))
        return f"{verb} {self.numbers()} {self.random.choice(BOXES)}"

    def mailbox(self):
        box = self.random.choice(BOXES[:-1])
        verb = self.random.choice(("CREATE", "CREATE", "DELETE"))
        return f"{verb} {box}"

    def look(self):
        box = self.random.choice(BOXES)
        return self.random.choice((
            f"STATUS {box} (MESSAGES UIDNEXT UNSEEN)", 'LIST "" "*"',
            'LIST "" "t%"', "NOOP", "CHECK"))

    def expunge(self):
        return self.random.choice(("EXPUNGE", f"UID EXPUNGE {self.numbers()}"))

    def open(self):
        verb = self.random.choice(("SELECT", "SELECT", "EXAMINE"))
        return f"{verb} {self.random.choice(BOXES)}"

    def next(self):
        kind = self.random.choice(
            [self.append] * 4 + [self.fetch] * 4 + [self.store] * 4 +
            [self.search] * 4 + [self.copy, self.mailbox, self.look,
                                 self.expunge, self.open])
        command = kind()
        if kind in (self.fetch, self.store, self.search, self.copy) and \
                self.random.random() < 0.4:
            command = "UID " + command
        return command if isinstance(command, bytes) else command.encode()


@pytest.fixture
def dovecot(tmp_path):
    if DOVECOT is None or os.geteuid() != 0:
        pytest.skip("needs dovecot-imapd (tools/test --long) and root")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    # Its processes are other users: all of the way must be open to them.
    folder = f"/tmp/postern-oracle-{os.getpid()}"
    os.makedirs(f"{folder}/mail")
    shutil.chown(folder, "mail", "mail")
    shutil.chown(f"{folder}/mail", "mail", "mail")
    with open(f"{folder}/conf", "w", encoding="ascii") as f:
        f.write(CONFIG.format(dir=folder, port=port))
    with subprocess.Popen([DOVECOT, "-F", "-c", f"{folder}/conf"]) as process:
        def answers():
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        try:
            wait_for(answers, 10, "dovecot does not start")
            yield port
        finally:
            process.terminate()
            process.wait(20)
    shutil.rmtree(folder)


def test_says_what_dovecot_says(servers, dovecot):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    servers(users=1, config=f"""
listeners: {{ oracle: {{ protocol = "imap"; listen = [ "127.0.0.1:{port}" ];
  limits: {{ max_errors = 100000; }};
  tls: {{ mode = "none"; }}; }}; }};""")
    both = [Client(port), Client(dovecot)]
    for client in both:
        assert client.say(f"LOGIN {User(1)} secret".encode())[1] == "OK"
        for box in ("Drafts", "Sent", "Trash", "Junk"):  # only Postern has
            client.say(b"DELETE " + box.encode())
        client.say(b"CREATE two")
        assert client.say(b"SELECT INBOX")[1] == "OK"
    commands, selected, past = Commands(SEED), b"INBOX", []
    held = {}
    for _ in range(STEPS):
        command = commands.next()
        if command == b"DELETE " + selected:
            continue  # Dovecot hangs up on that
        past.append(command[:70])
        answers = [client.say(command) for client in both]
        mine, theirs = [meaning(command, answer) for answer in answers]
        assert mine == theirs, (command, held, past[-5:], answers)
        if command.startswith((b"SELECT", b"EXAMINE")):
            # Dovecot says OK to changes of what is open for reading only.
            verb, selected = command.split()
            if mine["status"] == "NO" or verb == b"EXAMINE":
                selected = b""
        if not selected:
            assert [c.say(b"SELECT INBOX")[1] for c in both] == ["OK", "OK"]
            selected = b"INBOX"
        mine, theirs = [state(client) for client in both]
        assert mine == theirs, (command, past[-5:])
        held = mine
        commands.size = len(mine)
