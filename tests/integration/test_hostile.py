# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Peers that mean no good, against the whole server: lines without end, answers
# that nobody reads, more connections than allowed, silence, plaintext behind
# STARTTLS. The server goes on serving others, and its memory stays bounded.
import select
import socket
import ssl
import threading
import time

import pytest
from conftest import User, wait_for
from mailtest import imap

PEERS = 50
LIMIT_KB = 30000  # of growth by all of a test's peers together

CONFIG = """
limits: { connections = 400; connections_per_address = 400; };
listeners: {
  imap: { limits: { max_line = "8k"; idle_timeout = "3s";
                    login_timeout = "3s"; handshake_timeout = "2s";
                    max_errors = 5; }; };
  imaps: { limits: { handshake_timeout = "2s"; }; };
  mx: { limits: { connections_per_address = 20; }; };
};
"""


def rss(server):
    total = 0
    for pid in server.pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status
                         if line.startswith("VmRSS"))
    return total


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    from conftest import Server
    server = Server(tmp_path_factory.mktemp("hostile"), CONFIG)
    yield server
    server.testbed("down")


def greeted(server, service):
    s = server.connect(service)
    assert s.recv(1000)
    return s


def still_serves(server):
    s = greeted(server, "imap")
    s.sendall(b"a NOOP\r\n")
    assert b"a OK" in s.recv(1000)
    s.close()


def send_all_or_fail(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass  # it has had enough


def read_to_end(s):
    got = b""
    try:
        while data := s.recv(65536):
            got += data
    except OSError:
        pass
    return got


def test_lines_without_end(hostile):
    before = rss(hostile)
    peers = [greeted(hostile, "imap") for _ in range(PEERS)]
    junk = b"x" * 65536
    for _ in range(8):
        for s in peers:
            send_all_or_fail(s, junk)
    assert rss(hostile) - before < LIMIT_KB
    still_serves(hostile)
    peers[0].sendall(b"\r\nb NOOP\r\n")
    assert b"b OK" in peers[0].recv(4000) + peers[0].recv(4000)
    for s in peers:
        s.close()


def test_too_many_errors(hostile):
    s = greeted(hostile, "imap")
    send_all_or_fail(s, b"what\r\n" * 2000)
    answers = read_to_end(s)
    assert answers.count(b"\r\n") < 20
    assert b"BYE" in answers


def test_answers_that_nobody_reads(hostile):
    before = rss(hostile)
    peers = []
    for _ in range(PEERS):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.settimeout(20)
        s.connect((hostile.host, hostile.port("imap")))
        s.setblocking(False)
        peers.append(s)
    ask = b"a CAPABILITY\r\n" * 400
    for _ in range(60):
        _, ready, _ = select.select([], peers, [], 0.2)
        for s in ready:
            try:
                s.send(ask)
            except OSError:
                pass
    assert rss(hostile) - before < LIMIT_KB
    still_serves(hostile)
    for s in peers:
        s.close()


def test_more_connections_than_allowed(hostile):
    peers = [hostile.connect("smtp") for _ in range(60)]
    heads = [s.recv(100)[:3] for s in peers]
    assert b"421" in heads and b"220" in heads
    # Each worker counts its own.
    assert heads.count(b"220") <= 20 * 2
    hostile.wait_log(r"listener\.refused")
    for s in peers:
        s.close()
    time.sleep(0.3)
    assert greeted(hostile, "smtp").fileno() >= 0


@pytest.mark.parametrize("service,seconds", [("imap", 3), ("imaps", 2)])
def test_silence(hostile, service, seconds):
    s = hostile.connect(service)
    began = time.monotonic()
    read_to_end(s)
    assert seconds - 0.2 < time.monotonic() - began < seconds * 2 + 1


def test_a_line_in_pieces_is_silence(hostile):
    s = greeted(hostile, "imap")
    began = time.monotonic()
    s.settimeout(0.2)
    while time.monotonic() - began < 10:
        try:
            s.sendall(b"x")
            if not s.recv(1000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    assert time.monotonic() - began < 8


def test_no_tls_at_all(hostile):
    s = hostile.connect("imaps")
    s.sendall(b"a LOGIN user1 secret\r\n")
    assert b"OK" not in read_to_end(s)
    hostile.wait_log(r'tls\.handshake .*outcome="not tls"')


@pytest.mark.parametrize("service,ask,go", [
    ("imap", b"a STARTTLS\r\n", b"a OK"),
    ("pop3", b"STLS\r\n", b"+OK"),
    ("smtp", b"STARTTLS\r\n", b"220"),
])
def test_plaintext_behind_starttls(hostile, service, ask, go):
    s = greeted(hostile, service)
    if service == "smtp":
        s.sendall(b"EHLO x\r\n")
        s.recv(4000)
    s.sendall(ask + b"z NOOP\r\nNOOP\r\n")
    assert s.recv(1000).startswith(go)
    tls = hostile.context().wrap_socket(s, server_hostname="localhost")
    tls.settimeout(1)
    # Nothing of what was injected is answered inside TLS.
    with pytest.raises(TimeoutError):
        tls.recv(1000)
    tls.close()
    hostile.wait_log(r"tls\.plaintext-dropped")


def test_handshake_cut_anywhere(hostile):
    hello = ssl.MemoryBIO()
    client = hostile.context().wrap_bio(ssl.MemoryBIO(), hello,
                                        server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    octets = hello.read()
    for at in range(0, len(octets), 16):
        s = hostile.connect("imaps")
        s.sendall(octets[:at])
        s.close()
    still_serves(hostile)


HEADER = b"a:\r\n" * 150000 + b"\r\n"
FIELDS = " ".join(f"x{n}" for n in range(60))
SUBJECT = b"Subject: " + b"=?utf-8?q?=41?= " * 6000 + b"\r\n\r\n"
NAMES = " ".join(f"NOT SUBJECT x{n}" for n in range(60))


@pytest.mark.parametrize("text,count,command", [
    (HEADER, 2, "FETCH 1:* (" + " ".join(
        [f"BODY.PEEK[HEADER.FIELDS ({FIELDS})]"] * 30) + ")"),
    (SUBJECT, 40, f"SEARCH {NAMES}"),
], ids=["fetch", "search"])
def test_a_costly_command_lets_others_work(hostile, text, count, command):
    """Not a moment that is short, but turns: while one session's command is
    under way, those of the same worker get their answers."""
    class User:
        name, password = "user3@example.test", "secret"
    one, *others = [imap(hostile, User) for _ in range(7)]
    box = f"costly{count}"
    one.create(box)
    for _ in range(count):
        assert one.append(box, None, None, text)[0] == "OK"
    one.select(box)
    one.send(f"z {command}\r\n".encode())
    answer = threading.Thread(target=lambda: all(
        not line.startswith(b"z OK") for line in iter(one.readline, b"")))
    answer.start()
    answered = 0
    while answer.is_alive():
        for other in others:
            other.noop()
            answered += 1
    assert answered > 3 * len(others)
    for client in (one, *others):
        client.shutdown()


def test_messages_that_fill_the_listeners_memory(servers):
    """One listener's budget is spent by those who send slowly: the next is
    told to come again, and another listener does not notice."""
    server = servers(workers=1, users=2, config="""
        listeners: { mx: { memory = "3M"; }; };""")
    slow = []
    for _ in range(5):
        s = greeted(server, "smtp")
        s.sendall(b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"
                  b"RCPT TO:<user1@example.test>\r\nDATA\r\n")
        words = b""
        while b"354 " not in words and b"421 " not in words:
            words += s.recv(4096)
        assert b"354 " in words
        s.sendall(b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 11000)
        slow.append(s)
    for s in slow:  # some have been told, too; those who fitted are served
        s.sendall(b".\r\n")
    codes = [s.recv(1000)[:9] for s in slow]
    assert any(c.startswith(b"250 ") for c in codes)
    assert any(c.startswith(b"452 4.3.1") for c in codes), codes
    with imap(server, User(2)) as other:
        assert other.noop()[0] == "OK"
    s = server.connect("smtp")
    assert s.recv(1000).startswith(b"220 ")


@pytest.mark.parametrize("single", [False, True])
def test_connections_in_all(servers, single):
    """One limit for all listeners of all workers."""
    server = servers(workers=2, single=single, users=1,
                     config="server: { connections = 12; };")
    held = [greeted(server, service) for service in ("smtp", "imap", "pop3")
            for _ in range(4)]
    late = server.connect("imap")
    assert late.recv(1000).startswith(b"* BYE ")
    assert server.connect("smtp").recv(1000).startswith(b"421 ")
    held.pop().close()

    def served():
        with server.connect("imap") as s:
            return s.recv(1000).startswith(b"* OK")
    wait_for(served)
