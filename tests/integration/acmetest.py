# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Authorities for the tests of ACME: Debian's pebble with its DNS, and a
# hostile one of our own. Ports and folders are the test's.
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from conftest import wait_for
from test_supervisor import free_port


def https_pair(folder):
    """A pair for 127.0.0.1 that is its own authority: NAME.crt, NAME.key."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj",
         "/CN=authority", "-addext",
         "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", folder / "https.key", "-out", folder / "https.crt"],
        check=True, capture_output=True)
    return folder / "https.crt", folder / "https.key"


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


class Authority:
    """pebble. `http` and `tls` are the ports at which it looks for proofs.
    More words are for its command line, more settings for its file."""

    def __init__(self, folder, http, tls, nonces=0, strict=True, **settings):
        for tool in ("pebble", "pebble-challtestsrv"):
            if not shutil.which(tool):
                if os.environ.get("CI"):
                    pytest.fail(f"{tool} is not installed")
                pytest.skip(f"{tool} is not installed")
        self.folder = folder
        self.port, self.admin = free_port(), free_port()
        self.dns_port, self.dns_admin = free_port(), free_port()
        self.cafile, key = https_pair(folder)
        self.settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.admin}",
            "certificate": str(self.cafile), "privateKey": str(key),
            "httpPort": http, "tlsPort": tls, "ocspResponderURL": "",
            "externalAccountBindingRequired": False, **settings}
        self.nonces, self.strict = nonces, strict
        self.dns = self.child = None
        self.start_dns()
        self.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/dir"

    def spawn(self, *words, **env):
        return subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.DEVNULL,
            stdout=open(self.folder / "log", "ab"), stderr=subprocess.STDOUT,
            env={**os.environ, **env})

    def start_dns(self):
        self.dns = self.spawn(
            "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1",
            "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01",
            "", "-dns01", f"127.0.0.1:{self.dns_port}", "-management",
            f"127.0.0.1:{self.dns_admin}")
        wait_for(lambda: is_open(self.dns_admin), 30, self.log())

    def start(self):
        (self.folder / "pebble.json").write_text(
            json.dumps({"pebble": self.settings}))
        self.child = self.spawn(
            "pebble", "-config", self.folder / "pebble.json", "-dnsserver",
            f"127.0.0.1:{self.dns_port}", f"-strict={str(self.strict).lower()}",
            PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT=str(self.nonces))
        wait_for(lambda: is_open(self.port), 30, self.log())

    def stop(self):
        """It is down; its data base goes with it."""
        if self.child:
            self.child.kill()
            self.child.wait(20)
        self.child = None

    def close(self):
        self.stop()
        self.dns.kill()
        self.dns.wait(20)

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def tell_dns(self, verb, **what):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.dns_admin}/{verb}",
            json.dumps(what).encode())
        urllib.request.urlopen(request, timeout=20).read()

    def ask(self, path):
        context = ssl.create_default_context(cafile=self.cafile)
        return urllib.request.urlopen(
            f"https://127.0.0.1:{self.admin}{path}", timeout=20,
            context=context).read()

    def root(self, path, number=0):
        """Its root certificate, into a file."""
        path.write_bytes(self.ask(f"/roots/{number}"))
        return path


class Hostile(http.server.ThreadingHTTPServer):
    """An authority that does what `mode` says, and otherwise goes on to the
    end without ever issuing anything."""
    daemon_threads = True

    def __init__(self, folder, mode):
        self.mode, self.count = mode, 0
        self.cafile, key = https_pair(folder)
        super().__init__(("127.0.0.1", 0), HostileHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cafile, key)
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server_address[1]}/dir"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()


class HostileHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, body=None, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if self.server.mode != "no nonce":
            self.send_header("Replay-Nonce", f"nonce{self.server.count}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def problem(self, status, word, **headers):
        self.say(status, {"type": f"urn:ietf:params:acme:error:{word}",
                          "detail": "a \x1b[31mred detail"}, **headers)

    def at(self, path):
        return self.server.url.replace("/dir", path)

    def do_GET(self):
        mode = self.server.mode
        if mode == "redirect":
            self.say(302, b"", Location=self.server.url)
        elif mode == "garbage":
            self.say(200, b'{"newNonce": "\xff\xfe')
        elif mode == "long":
            self.say(200, b" " * (3 << 20))
        else:
            if mode == "slow":
                time.sleep(8)
            self.say(200, {name: self.at("/" + name) for name in (
                "newNonce", "newAccount", "newOrder")})

    def do_HEAD(self):
        self.say(200, b"")

    def do_POST(self):
        self.server.count += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        getattr(self, self.path.strip("/").split("/")[0])()

    def newAccount(self):
        mode = self.server.mode
        if mode == "bad nonce":
            self.problem(400, "badNonce")
        elif mode == "limit":
            self.problem(429, "rateLimited", Retry_After="999999999")
        elif mode == "strange account":
            self.say(201, {}, Location="http://127.0.0.1/\tcd ..")
        else:
            self.say(201, {"status": "valid"}, Location=self.at("/account"))

    def newOrder(self):
        many = 5000 if self.server.mode == "many" else 1
        self.say(201, {"status": "pending", "finalize": self.at("/finalize"),
                       "authorizations": [self.at("/authz")] * many},
                 Location=self.at("/order"))

    def order(self):
        self.say(200, {"status": "processing"}, Retry_After="1")

    def authz(self):
        mode = self.server.mode
        name = "bank.test" if mode == "foreign" else "mx.example.test"
        token = "../../etc/passwd" if mode == "token" else "a" * 40
        challenge = {"type": "http-01", "url": self.at("/challenge"),
                     "token": token}
        status = "valid" if mode == "endless" else "pending"
        if mode == "caa" and self.server.count > 3:
            status = "invalid"
            challenge["error"] = {
                "type": "urn:ietf:params:acme:error:caa", "detail": "no"}
        self.say(200, {"status": status, "challenges": [challenge],
                       "identifier": {"type": "dns", "value": name}},
                 Retry_After="1")

    def challenge(self):
        self.say(200, {"status": "processing"})

    def log_message(self, *words):
        pass
