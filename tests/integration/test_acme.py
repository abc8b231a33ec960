# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Certificates by ACME: the whole server against pebble, with OpenSSL's command
# line as the judge of what it obtains.
import http.server
import re
import ssl
import subprocess
import threading

import pytest
from acmetest import Authority
from conftest import wait_for
from test_reload import Site as Reloads
from test_reload import pop, smtp
from test_supervisor import free_port


class Web(http.server.ThreadingHTTPServer):
    """Serves state/acme/http, as modules/acme_http does."""

    def __init__(self, folder, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = folder / self.path.rsplit("/", 1)[1]
                self.send_response(200 if path.exists() else 404)
                self.end_headers()
                if path.exists():
                    self.wfile.write(path.read_bytes())

            def log_message(self, *words):
                pass
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Site(Reloads):
    def acme(self, authority, names='"mx.example.test"', more="", cert="",
             **other):
        return self.write(
            'pop: { protocol = "pop3"; listen = [ "127.0.0.1:@pop@" ]; '
            'tls: { mode = "implicit"; certificates = [ "public" ]; }; };',
            load="pop3 acme", more=f"""
certificates: {{ public: {{ names = [ {names} ]; source = "acme"; {cert} }}; }};
acme: {{ directory = "{authority.url}"; ca_file = "{authority.cafile}";
        terms = true; {more} }};
""", **other)

    def issuer(self):
        return ssl.DER_cert_to_PEM_cert(self.shown("pop", "mx.example.test"))


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    one.stop()


@pytest.mark.parametrize("shape", ["workers = 2;", 'processes = "single";'])
def test_skeleton(site, tmp_path, shape):
    web = free_port()
    a = Authority(tmp_path / "pebble", web, free_port())
    try:
        server = Web(tmp_path / "state/acme/http", web)
        site.acme(a, server=shape).start()
        site.wait_log("acme.(obtained|failed)")
        print(site.log())
        print(site.status())
        print(site.ctl("sandbox", "show").stdout)
        assert "acme.obtained" in site.log()
    finally:
        a.close()
