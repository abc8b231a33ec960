# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Authorities for the tests of ACME: Debian's pebble with its DNS, and a
# hostile one of our own. Ports and folders are the test's.
import json
import os
import shutil
import socket
import ssl
import subprocess
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
