# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The starter for authors, built outside the tree with nothing but what
# pkg-config says of the installed server, and driven over every TLS mode. It
# holds no line about TLS policy or framing, so what is tested here is what any
# module gets from the core.
import os
import pathlib
import shutil
import socket
import ssl
import warnings

import pytest
from conftest import Server

TREE = pathlib.Path(__file__).resolve().parents[2]
CONFIG = """
server: {{ module_path = "{modules}"; }};
load = [ "{tls}", "vault", "passwd", "smtp", "pop3", "imap", "skeleton" ];
listeners: {{
  plain:   {{ protocol = "skeleton"; listen = [ "127.0.0.1:{ports[0]}" ];
              tls: {{ mode = "none"; }}; }};
  start:   {{ protocol = "skeleton"; listen = [ "127.0.0.1:{ports[1]}" ];
              tls: {{ mode = "explicit"; require = "always"; }}; }};
  all_tls: {{ protocol = "skeleton"; listen = [ "127.0.0.1:{ports[2]}" ];
              tls: {{ mode = "implicit"; }}; }};
}};
"""
MODES = ("none", "explicit", "implicit")


class Lab(Server):
    def __init__(self, folder, run, tls):
        prefix = pathlib.Path(os.environ["POSTERN_PREFIX"]) \
            if "POSTERN_PREFIX" in os.environ else TREE / ".build/default/inst"
        if not (prefix / "lib/libpostern.so").exists():
            pytest.skip("a static build loads no plugins")
        modules = folder / "modules"
        shutil.copytree(prefix / "lib/postern", modules)
        shutil.copytree(TREE / "plugins/skeleton", folder / "skeleton")
        run("make", "-C", folder / "skeleton",
            env={"PKG_CONFIG_LIBDIR": str(prefix / "lib/pkgconfig")})
        shutil.copy(folder / "skeleton/skeleton.so", modules)
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = [one.getsockname()[1] for one in held]
        for one in held:
            one.close()
        self.ports = dict(zip(MODES, ports))
        super().__init__(folder / "server", tls=tls, config=CONFIG.format(
            modules=modules, tls=tls, ports=ports))

    def dial(self, mode):
        return Dialogue(self, mode)


class Dialogue:
    """A connection, line by line."""

    def __init__(self, lab, mode):
        self.lab = lab
        self.socket = socket.create_connection(
            ("127.0.0.1", lab.ports[mode]), 20)
        if mode == "implicit":
            self.encrypt()
        else:
            self.file = self.socket.makefile("rb")

    def encrypt(self):
        self.socket = self.lab.context().wrap_socket(
            self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def says(self, line):
        self.send(line.encode() + b"\r\n")
        return self.line()


@pytest.fixture(scope="module", params=("tls_wolfssl", "tls_openssl"))
def lab(request, tmp_path_factory, run):
    one = Lab(tmp_path_factory.mktemp("lab"), run, request.param)
    yield one
    one.down()


@pytest.mark.parametrize("mode", MODES)
def test_echoes_and_counts(lab, mode):
    one = lab.dial(mode)
    assert one.line() == "220 mail.example.test says everything twice"
    if mode == "explicit":
        assert one.says("STARTTLS") == "220 go ahead"
        one.encrypt()
    assert one.says("hello") == "1 hello"
    assert one.says("") == "2 "
    one.send(b"a\r\nb\r\nc\r\n")
    assert [one.line() for _ in range(3)] == ["3 a", "4 b", "5 c"]
    assert one.says("quit") == "221 5 lines"
    assert one.file.read() == b""


@pytest.mark.parametrize("mode", ("none", "implicit"))
def test_offers_no_starttls_where_there_is_none(lab, mode):
    one = lab.dial(mode)
    one.line()
    assert one.says("STARTTLS") == "503 not here"


def test_what_was_pipelined_behind_starttls_is_lost(lab):
    one = lab.dial("explicit")
    one.line()
    one.send(b"STARTTLS\r\ninjected\r\ninjected\r\n")
    assert one.line() == "220 go ahead"
    one.encrypt()
    assert one.says("mine") == "1 mine"


def test_a_long_line_is_refused_and_does_not_end_the_session(lab):
    one = lab.dial("none")
    one.line()
    one.send(b"x" * 100000 + b"\r\n")
    assert one.line() == "500 malformed line"
    assert one.says("still here") == "1 still here"


def test_nul_and_bare_line_ends_are_faults(lab):
    one = lab.dial("none")
    one.line()
    assert one.says("a\0b") == "500 malformed line"
    assert one.says("half\rline") == "500 malformed line"
    one.send(b"ended by LF alone\n")
    assert one.line() == "500 malformed line"
    assert one.says("still here") == "1 still here"


def test_noise_on_a_tls_port_ends_the_connection(lab):
    one = socket.create_connection(("127.0.0.1", lab.ports["implicit"]), 20)
    one.sendall(b"GET / HTTP/1.1\r\n\r\n")
    seen = b""
    try:
        while more := one.recv(1000):
            seen += more
    except ConnectionResetError:
        pass
    assert b"220" not in seen
    fresh = lab.dial("implicit")
    assert fresh.line().startswith("220 ")


def test_tls_1_1_is_refused(lab):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(
            ("127.0.0.1", lab.ports["implicit"]), 20) as one:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(one)
