# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module acme_http in the daemon: what an authority sees who asks for a
# token on port 80, with curl and with a client that speaks by hand; in both
# kinds of processes, in the sandbox.
import os
import pathlib
import socket
import subprocess

import pytest
from test_reload import Site

TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
PROOF = TOKEN + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
PATH = "/.well-known/acme-challenge/"


@pytest.fixture(params=["workers", "single"])
def site(request, tmp_path):
    one = Site(tmp_path)
    one.write(
        'web: { protocol = "acme_http"; listen = [ "127.0.0.1:@web@" ];'
        '  tls: { mode = "none"; }; };\n'
        'away: { protocol = "acme_http"; listen = [ "127.0.0.1:@away@" ];'
        '  tls: { mode = "none"; }; redirect = "https://www.example.test"; };',
        server=f'processes = "{request.param}";', load="acme_http").start()
    folder = pathlib.Path(tmp_path, "state/acme/http")
    assert folder.is_dir()
    one.folder_of_tokens = folder
    yield one
    one.stop()


def curl(site, path, *more, port="web"):
    """Status, body and headers, as curl has them."""
    done = subprocess.run(
        ["curl", "-sS", "--path-as-is", "-i", *more,
         f"http://127.0.0.1:{site.ports[port]}{path}"],
        text=True, capture_output=True, timeout=30, check=True)
    head, body = done.stdout.replace("\r\n", "\n").split("\n\n", 1)
    status, *fields = head.split("\n")
    return (int(status.split()[1]), body,
            dict(field.lower().split(": ", 1) for field in fields))


def test_a_token(site):
    assert curl(site, PATH + TOKEN)[0] == 404
    # As the envoy does it: written beside, then renamed.
    new = site.folder_of_tokens / "new"
    new.write_text(PROOF)
    new.rename(site.folder_of_tokens / TOKEN)
    for more in (), ("--http1.0",), ("--http2",):
        status, body, fields = curl(site, PATH + TOKEN, *more)
        assert (status, body) == (200, PROOF)
        assert fields["content-length"] == str(len(PROOF))
        assert fields["connection"] == "close"
        assert fields["content-type"] == "text/plain"
    status, body, fields = curl(site, PATH + TOKEN, "--head")
    assert (status, body) == (200, "")
    assert fields["content-length"] == str(len(PROOF))
    assert curl(site, PATH + TOKEN, port="away")[:2] == (200, PROOF)
    (site.folder_of_tokens / TOKEN).unlink()
    assert curl(site, PATH + TOKEN)[0] == 404


def test_nothing_else(site):
    secret = pathlib.Path(site.folder_of_tokens.parent, "secret")
    secret.write_text("secret")
    (site.folder_of_tokens / "link").symlink_to(secret)
    (site.folder_of_tokens / "folder").mkdir()
    (site.folder_of_tokens / "long").write_text("x" * 513)
    os.mkfifo(site.folder_of_tokens / "pipe")
    for name in ("../secret", "..%2fsecret", "link", "folder", "pipe", "long",
                 "", ".", "a/b"):
        status, body, _ = curl(site, PATH + name)
        assert status == 404 and "secret" not in body, name
    assert curl(site, "/")[0] == 404
    assert curl(site, "/", "-X", "POST", "-d", "x=y")[0] == 405
    assert curl(site, "/", "-X", "DELETE")[2]["allow"] == "get, head"


def test_redirect(site):
    status, _, fields = curl(site, "/a/b?c=d", port="away")
    assert status == 301
    assert fields["location"] == "https://www.example.test/a/b?c=d"
    assert curl(site, PATH + "no.token", port="away")[0] == 404


def test_limits(site):
    assert curl(site, "/" + "x" * 9000)[0] == 414
    assert curl(site, "/", "-H", "X: " + "x" * 9000)[0] == 431
    with socket.create_connection(("127.0.0.1", site.ports["web"]),
                                  20) as sock:
        sock.sendall(b"GET " + PATH.encode())
        sock.sendall(b"abc HTTP/1.1\r\nHost: a\r\n")
        sock.sendall(b"\r\n")
        said = b""
        while piece := sock.recv(1000):
            said += piece
    assert said.startswith(b"HTTP/1.1 404 ")
    assert said.endswith(b"\r\n\r\n404 Not Found")
