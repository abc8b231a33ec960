# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Behind HAProxy: the client that its header names is the peer, in versions 1
# and 2, in clear and before TLS; who is no proxy has no header.
import re
import socket
import subprocess

import pytest
from conftest import User, wait_for
from mailtest import imap

PROXY = "127.0.0.3"
CLIENT = "127.0.0.5"
# What the testbed calls the ports of these listeners.
PORTS = {"mx": "smtp", "imaps": "imaps"}

CONFIG = f"""
server: {{ log_level = "debug"; }};
listeners: {{
  mx: {{ proxy_from = [ "{PROXY}", "192.0.2.0/24" ];
         limits: {{ connections_per_address = 2; }}; }};
  imaps: {{ proxy_from = [ "{PROXY}" ]; }};
}};
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server, and HAProxy's ports for its mx and imaps."""
    import shutil

    from conftest import Server
    folder = tmp_path_factory.mktemp("proxied")
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    assert program, "haproxy is not installed"
    server = Server(folder / "server", CONFIG, workers=1)
    ports = {"mx": free_port(), "imaps": free_port()}
    config = folder / "haproxy.cfg"
    text = ["defaults", " mode tcp", " timeout connect 5s",
            " timeout client 1m", " timeout server 1m"]
    for name, how in (("mx", "send-proxy"), ("imaps", "send-proxy-v2")):
        text += [f"listen {name}", f" bind 127.0.0.1:{ports[name]}",
                 f" server postern {server.host}:{server.port(PORTS[name])} "
                 f"source {PROXY} {how}"]
    config.write_text("\n".join(text) + "\n")
    with subprocess.Popen([program, "-db", "-f", config],
                          stderr=subprocess.DEVNULL) as haproxy:
        for port in ports.values():
            wait_for(lambda p=port: not _refused(p), 10, "haproxy is not there")
        yield server, ports
        haproxy.terminate()
    server.down()


def _refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def connect(port, source=CLIENT):
    return socket.create_connection(("127.0.0.1", port), 30,
                                    source_address=(source, 0))


def line(s):
    return s.makefile("rb").readline()


def test_version_1_names_the_client(proxied):
    server, ports = proxied
    with connect(ports["mx"]) as s:
        words = s.makefile("rw", newline="\r\n")
        assert words.readline().startswith("220 ")
        words.write("QUIT\n")
        words.flush()
        assert words.readline().startswith("221 ")
    server.wait_log(rf"session\.closed .*listener=mx peer={CLIENT} ")
    assert re.search(rf"proxy\.accepted .*proxy={PROXY} peer={CLIENT}",
                     server.log())


def test_version_2_comes_before_tls(proxied):
    server, ports = proxied
    with connect(ports["imaps"], "127.0.0.6") as s:
        tls = server.context().wrap_socket(s, server_hostname="localhost")
        assert line(tls).startswith(b"* OK")
        tls.sendall(b"a LOGIN user1@example.test secret\r\n")
        assert b"a OK" in tls.recv(4096)
    server.wait_log(r"auth\.ok .*listener=imaps peer=127\.0\.0\.6 ")


def test_clients_share_no_limit_with_the_proxy(proxied):
    _, ports = proxied
    held = [connect(ports["mx"], f"127.0.0.{20 + n // 2}") for n in range(8)]
    assert all(line(s).startswith(b"220 ") for s in held)
    with connect(ports["mx"], "127.0.0.20") as third:
        assert line(third).startswith(b"421 ")
    for s in held:
        s.close()


def test_who_is_no_proxy_has_no_header(proxied):
    server, _ = proxied
    with server.connect("smtp") as s:
        assert s.recv(100).startswith(b"220 ")
        s.sendall(b"PROXY TCP4 203.0.113.7 192.0.2.1 4000 25\r\n")
        assert s.recv(100).startswith(b"500 ")


def test_a_proxy_without_header_is_cut_off(proxied):
    server, _ = proxied
    with socket.create_connection((server.host, server.port("smtp")), 30,
                                  source_address=(PROXY, 0)) as s:
        s.sendall(b"EHLO client.example\r\n")
        assert s.recv(100) == b""
    server.wait_log(rf"proxy\.failed .*proxy={PROXY} why=")


def test_imap_without_proxy_still_works(proxied):
    server, _ = proxied
    with imap(server, User(2)) as client:
        assert client.noop()[0] == "OK"
