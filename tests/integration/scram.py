# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A client of SCRAM (RFC 5802) by Python's own hashes, that can also lie; and
# the three protocols' ways to carry an exchange.
import base64
import contextlib
import hashlib
import hmac
import secrets
import socket

SERVICES = ("submission", "pop3", "imap")


class Scram:
    """One exchange. `flag` is "n", "y", or "p=TYPE"; `binding` its octets."""

    def __init__(self, name, password, hash_name="sha256", flag="n",
                 binding=b"", authzid=""):
        self.hash, self.password = hash_name, password.encode()
        self.gs2 = f"{flag},{'a=' + authzid if authzid else ''},"
        self.binding = binding
        self.nonce = secrets.token_urlsafe(18)
        name = name.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={name},r={self.nonce}"
        self.server_first = ""

    def first(self):
        return (self.gs2 + self.bare).encode()

    def final(self, server_first):
        self.server_first = server_first.decode()
        parts = dict(p.split("=", 1) for p in self.server_first.split(","))
        assert parts["r"].startswith(self.nonce) and parts["r"] != self.nonce
        self.salt, self.iterations = parts["s"], int(parts["i"])
        salted = hashlib.pbkdf2_hmac(self.hash, self.password,
                                     base64.b64decode(self.salt),
                                     self.iterations)
        key = hmac.digest(salted, b"Client Key", self.hash)
        stored = hashlib.new(self.hash, key).digest()
        bound = base64.b64encode(self.gs2.encode() + self.binding).decode()
        bare = f"c={bound},r={parts['r']}"
        auth = ",".join((self.bare, self.server_first, bare)).encode()
        signature = hmac.digest(stored, auth, self.hash)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.verifier = hmac.digest(hmac.digest(salted, b"Server Key",
                                                self.hash), auth, self.hash)
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    def check(self, server_final):
        """The server has to prove that it knows the account, too."""
        want = b"v=" + base64.b64encode(self.verifier)
        assert server_final == want, (server_final, want)


class Line:
    """A connection of one of SERVICES, with TLS, that has been greeted."""

    def __init__(self, server, service, version=None, source=None):
        raw = socket.create_connection(
            (server.host, server.port(service)), 60,
            source_address=(source, 0) if source else None)
        self.service, self.raw = service, raw
        self.file = raw.makefile("rb")
        self.greet()
        self.say({"submission": "STARTTLS", "pop3": "STLS",
                  "imap": "a STARTTLS"}[service])
        self.answer()
        context = server.context()
        if version:
            context.minimum_version = context.maximum_version = version
        self.raw = context.wrap_socket(raw, server_hostname="localhost")
        self.file = self.raw.makefile("rb")
        if service == "submission":
            self.say("EHLO client.example")
        else:
            self.say("CAPA" if service == "pop3" else "a CAPABILITY")
        self.offer = self.answer(multi=True)

    def greet(self):
        self.line()
        if self.service == "submission":
            self.say("EHLO client.example")
            self.answer(multi=True)

    def say(self, text):
        self.raw.sendall(text.encode() + b"\r\n")

    def line(self):
        text = self.file.readline().decode("utf-8", "replace")
        assert text, "the server has closed"
        return text.rstrip("\r\n")

    def answer(self, multi=False):
        """The lines up to the one that ends an answer."""
        lines = []
        while True:
            lines.append(self.line())
            last = lines[-1]
            if self.service == "submission" and last[3:4] == " ":
                break
            if self.service == "imap" and last.startswith(("a ", "+ ")):
                break
            if self.service == "pop3" and (not multi or last == "."
                                           or last.startswith("-")):
                break
        return "\n".join(lines)

    def start(self, mechanism, initial=None):
        word = {"submission": "AUTH", "pop3": "AUTH",
                "imap": "a AUTHENTICATE"}[self.service]
        text = f"{word} {mechanism}"
        if initial is not None:
            text += " " + (base64.b64encode(initial).decode() or "=")
        self.say(text)
        return self.answer()

    def step(self, response):
        self.say(base64.b64encode(response).decode())
        return self.answer()

    @staticmethod
    def challenge(answer):
        """The octets of a challenge; None: it is none."""
        word, _, rest = answer.partition(" ")
        if word not in ("334", "+"):
            return None
        return base64.b64decode(rest)

    @staticmethod
    def is_good(answer):
        return answer.split("\n")[-1].startswith(("235", "+OK", "a OK"))

    def login(self, scram, mechanism):
        """The whole exchange: the last answer."""
        said = self.start(mechanism, scram.first())
        challenge = self.challenge(said)
        if challenge is None:
            return said
        said = self.step(scram.final(challenge))
        challenge = self.challenge(said)
        if challenge is None:
            return said
        scram.check(challenge)
        return self.step(b"")

    def close(self):
        with contextlib.suppress(OSError):
            self.raw.close()
