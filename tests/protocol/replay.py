#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Replays protocol dialogues against a server built from this tree, in TAP.
#
#   replay.py [FILE|FOLDER...]      default: all that lie beside it
#
# A dialogue is a text file. On top comment lines ("#") with the RFC's section,
# then its header, an empty line, and the lines of the dialogue:
#
#   protocol: smtp              the listener's protocol
#   tls: explicit               none (default), explicit or implicit; more
#                               settings of TLS after a semicolon
#   listener: role = "mx";      more settings of its listener
#   message: A: b\r\n\r\nx      delivered to the user before (may come again)
#   replay: whole               in this way alone, where others cannot be
#   (empty line)
#   C: EHLO client.example      sent, with CRLF
#   S: 250-*                    one line of the server; * is anything
#   TLS                         the client shakes hands
#   EOF                         the server has closed the connection
#   AGAIN                       the client connects again
#
# In C lines \r \n \0 \t \xHH \\ are octets, a "\" at the end means no CRLF,
# and {{x*1000}} is a thousand x. In both, @USER@ is a user that this replay
# has for itself, @LOCAL@ its local part, @PLAIN@ its SASL PLAIN response;
# other users are user1@ and user2@example.test, and team@ is both.
#
# Each dialogue is replayed whole (what the client says between two answers is
# one write), an octet at a time, and cut off in many places, after which the
# server must be as good as before.
import base64
import itertools
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("top_builddir", HERE.parents[1]))
USERS = 20000
CUTS = 40  # places where a dialogue is cut off
SECONDS = 20  # for any answer
ALWAYS = {"lmtp": ("smtp", "none", 'role = "lmtp";')}
MODULES = ("tls_wolfssl", "tls_openssl", "vault", "passwd", "smtp", "pop3",
           "imap")


class Mismatch(Exception):
    pass


class Gone(Exception):
    """The client has cut the dialogue off."""


def octets(text):
    """The octets that a C line stands for."""
    text = re.sub(r"\{\{(.+?)\*(\d+)\}\}",
                  lambda m: m[1] * int(m[2]), text)
    end = b"\r\n"
    if text.endswith("\\") and not text.endswith("\\\\"):
        text, end = text[:-1], b""
    plain = {"r": "\r", "n": "\n", "0": "\0", "t": "\t", "\\": "\\"}

    def one(match):
        return chr(int(match[2], 16)) if match[2] else plain[match[1]]

    text = re.sub(r"\\(?:([rn0t\\])|x([0-9a-fA-F]{2}))", one, text)
    # Octets over 127 that stand in the file as UTF-8 stay what they are.
    return b"".join(c.encode("latin-1") if ord(c) < 256 else c.encode()
                    for c in text) + end


class Dialogue:
    def __init__(self, path):
        self.path = path
        self.name = f"{path.parent.name}/{path.stem}"
        self.header = {"protocol": path.parent.name, "tls": "none",
                       "listener": "", "replay": ""}
        self.messages, self.steps = [], []
        lines = path.read_text().splitlines()
        while lines and (lines[0].startswith("#") or lines[0]):
            self.read_header(lines.pop(0))
        for line in lines:
            self.read_step(line)

    def read_header(self, line):
        if line.startswith("#"):
            return
        key, colon, value = line.partition(": ")
        if key == "message":
            self.messages.append(octets(value + "\\"))
        elif key in self.header and colon:
            self.header[key] = value
        else:
            raise ValueError(f"{self.path}: no such header line: {line}")

    def read_step(self, line):
        if not line or line.startswith("#"):
            return
        if not re.match(r"(C|S): |(C|S):$|(TLS|EOF|AGAIN)$", line):
            raise ValueError(f"{self.path}: no such line: {line}")
        kind, _, text = line.partition(":")
        self.steps.append((kind, text[1:]))

    @property
    def listener(self):
        return (self.header["protocol"], self.header["tls"],
                self.header["listener"])


def pattern(text):
    return ".*".join(re.escape(part) for part in text.split("*"))


class Client:
    """One replay. `budget`: octets that it sends before it goes away."""

    def __init__(self, port, context, by_octet=False, budget=None):
        self.port, self.context, self.by_octet = port, context, by_octet
        self.budget = budget
        self.connect()

    def connect(self):
        self.sock = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.pending = b""

    def close(self):
        self.sock.close()

    def shake_hands(self):
        self.sock = self.context.wrap_socket(self.sock,
                                             server_hostname="localhost")

    def flush(self):
        data, self.pending = self.pending, b""
        if self.budget is not None:
            gone = len(data) >= self.budget
            data, self.budget = data[:self.budget], self.budget - len(data)
        try:
            if self.by_octet:
                for i in range(len(data)):
                    self.sock.sendall(data[i:i + 1])
            elif data:
                self.sock.sendall(data)
        except OSError:
            pass  # the server has closed: what is read next tells
        if self.budget is not None and gone:
            raise Gone

    def read_line(self):
        while b"\n" not in self.input:
            try:
                more = self.sock.recv(65536)
            except (ConnectionError, ssl.SSLError):
                more = b""
            except TimeoutError as e:
                raise Mismatch("the server is silent") from e
            if not more:
                line, self.input = self.input, b""
                return line or None
            self.input += more
        line, _, self.input = self.input.partition(b"\n")
        return line + b"\n"

    def expect(self, text):
        line = self.read_line()
        if line is None:
            raise Mismatch(f"the connection ended in place of: {text}")
        shown = line.decode("utf-8", "backslashreplace")
        if not re.fullmatch(pattern(text) + "\r\n", shown, re.S):
            raise Mismatch(f"{shown!r} in place of: {text}")

    def step(self, kind, text):
        if kind == "C":
            self.pending += octets(text)
            return
        self.flush()
        if kind == "TLS":
            self.shake_hands()
        elif kind == "AGAIN":
            self.close()
            self.connect()
        elif kind == "S":
            self.expect(text)
        elif kind == "EOF" and (line := self.read_line()) is not None:
            raise Mismatch(f"{line!r} in place of the end")

    def run(self, dialogue, words):
        if dialogue.header["tls"] == "implicit":
            self.shake_hands()
        for kind, text in dialogue.steps:
            for word, value in words.items():
                text = text.replace(word, value)
            self.step(kind, text)
        self.flush()


class Server:
    """A posternd of this build, with a listener for each that is named."""

    def __init__(self, listeners):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-replay-"))
        self.users = itertools.count(10)
        self.ports = {}
        self.modules = self.gather_modules()
        self.write_files(listeners)
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "core/posternd/posternd", "-c", self.folder / "conf"],
            stdout=self.log, stderr=self.log)
        self.wait_ready()
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def gather_modules(self):
        """Those that are built; in a static build they are inside of the
        server."""
        folder = self.folder / "modules"
        folder.mkdir()
        found = []
        for name in MODULES:
            for place in ("modules", "plugins"):
                built = BUILD / place / name
                if not (built / f"{name}.la").exists():
                    continue
                file = built / ".libs" / f"{name}.so"
                if file.exists():
                    (folder / file.name).symlink_to(file.resolve())
                found.append(name)
        tls = [name for name in found if name.startswith("tls_")]
        return tls[:1] + [name for name in found if name not in tls]

    def write_files(self, listeners):
        state = self.folder / "state"
        state.mkdir()
        state.joinpath("users").touch(0o600)
        state.joinpath("users").write_text("".join(
            f"user{i}@example.test:{{PLAIN}}secret:{'2k' if i == 2 else ''}\n"
            for i in range(1, USERS)))
        state.joinpath("aliases").write_text("team: user1, user2\n")
        self.folder.joinpath("conf").write_text(self.conf(listeners))

    def conf(self, listeners):
        sockets, text = [], ""
        for number, (protocol, tls, more) in enumerate(listeners):
            if protocol not in self.modules:
                continue
            sockets.append(socket.socket())
            sockets[-1].bind(("127.0.0.1", 0))
            port = sockets[-1].getsockname()[1]
            mode, _, policy = tls.partition("; ")
            self.ports[protocol, tls, more] = port
            text += (f'  l{number}: {{ protocol = "{protocol}"; '
                     f'listen = ["127.0.0.1:{port}"]; '
                     f'tls: {{ mode = "{mode}"; {policy} }}; {more} }};\n')
        for sock in sockets:
            sock.close()
        names = ", ".join(f'"{name}"' for name in self.modules)
        return f"""
server: {{ hostname = "mail.example.test"; domains = ["example.test"];
  state = "{self.folder}/state"; module_path = "{self.folder}/modules";
  processes = "single"; }};
load = [{names}];
certificates: {{ default: {{ names = ["localhost"]; }}; }};
limits: {{ connections = 10000; connections_per_address = 10000; }};
listeners: {{
{text}}};
"""

    def wait_ready(self):
        for _ in range(600):
            if "server.ready" in self.text() or self.process.poll() is not None:
                break
            time.sleep(0.05)
        if "server.ready" not in self.text():
            sys.stdout.write("# " + self.text().replace("\n", "\n# "))
            sys.exit("Bail out! the server does not start")

    def text(self):
        return self.folder.joinpath("log").read_text(errors="replace")

    def fresh_user(self, messages):
        local = f"user{next(self.users)}"
        user = f"{local}@example.test"
        if messages:
            self.deliver(user, messages)
        plain = base64.b64encode(f"\0{user}\0secret".encode()).decode()
        return {"@USER@": user, "@LOCAL@": local, "@PLAIN@": plain}

    def deliver(self, user, messages):
        client = Client(self.ports[ALWAYS["lmtp"]], self.context)
        client.expect("220 *")
        client.step("C", "LHLO replay.example")
        client.flush()
        while not client.read_line().startswith(b"250 "):
            pass
        for message in messages:
            for line in ("MAIL FROM:<a@b.example>", f"RCPT TO:<{user}>",
                         f"BDAT {len(message)} LAST"):
                client.step("C", line)
            client.pending += message
            for _ in range(3):
                client.step("S", "250 *")
        client.close()

    def replay(self, dialogue, **more):
        words = self.fresh_user(dialogue.messages)
        client = Client(self.ports[dialogue.listener], self.context, **more)
        try:
            client.run(dialogue, words)
        except Gone:
            pass
        finally:
            client.close()

    def stop(self):
        """What was wrong with it in the end, or None."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "does not stop"
        if status != 0:
            return f"ended with {status}"
        bad = re.search(r".*(session\.stuck| error |Sanitizer).*", self.text())
        return bad[0] if bad else None


def client_octets(dialogue):
    return sum(len(octets(text)) for kind, text in dialogue.steps
               if kind == "C")


def cut_places(dialogue):
    """Spread over the whole, and all around the ends of lines if there are
    few."""
    total = client_octets(dialogue)
    step = max(1, total // CUTS)
    return range(1, total, step)


def all_cuts(server, dialogue):
    for budget in cut_places(dialogue):
        server.replay(dialogue, budget=budget)


MODES = (
    ("whole", lambda server, d: server.replay(d)),
    ("by octet", lambda server, d: server.replay(d, by_octet=True)),
    ("cut off", all_cuts),
    ("whole again", lambda server, d: server.replay(d)),
)


class Tap:
    def __init__(self):
        self.count, self.failed = 0, 0

    def tell(self, ok, name, why=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)
        for line in why.splitlines():
            print(f"# {line}", flush=True)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)


def attempt(tap, server, dialogue, name, mode):
    try:
        mode(server, dialogue)
    except (Mismatch, OSError) as e:
        tap.tell(False, f"{dialogue.name}: {name}", str(e))
        return False
    tap.tell(True, f"{dialogue.name}: {name}")
    return True


def find(arguments):
    paths = [pathlib.Path(a).resolve() for a in arguments] or [HERE]
    for path in paths:
        yield from sorted(path.rglob("*.txt")) if path.is_dir() else [path]


def main(arguments):
    dialogues = [Dialogue(path) for path in find(arguments)]
    listeners = dict.fromkeys([*ALWAYS.values(),
                               *(d.listener for d in dialogues)])
    server, tap = Server(listeners), Tap()
    for dialogue in dialogues:
        if dialogue.listener not in server.ports:
            tap.skip(dialogue.name, "its module is not built")
            continue
        for name, mode in MODES:
            if dialogue.header["replay"] not in ("", name):
                continue
            if not attempt(tap, server, dialogue, name, mode):
                break
    why = server.stop()
    tap.tell(why is None, "the server is well in the end", why or "")
    print(f"1..{tap.count}")
    if tap.failed:
        print(f"# the server's folder: {server.folder}")
    else:
        subprocess.run(["rm", "-r", server.folder], check=True)
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
