# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Metrics: that Prometheus can read them, that they count what happens, that
# they only grow, and that no peer can make a label.
import json
import os
import signal
import socket
import ssl

import pytest
from conftest import User, wait_for
from mailtest import distrust

parser = pytest.importorskip("prometheus_client.parser")


class Metrics:
    """One reading, by the parser of Prometheus' own client library."""

    def __init__(self, one):
        text = one.ctl("metrics").stdout
        self.families = list(parser.text_string_to_metric_families(text))
        self.samples = {}
        self.text = text
        for family in self.families:
            assert family.documentation and family.type != "unknown"
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    def get(self, metric, **labels):
        """The sum of all that have these labels."""
        wanted = set(labels.items())
        return sum(value for (name, has), value in self.samples.items()
                   if name == f"postern_{metric}" and wanted <= has)

    def counters(self):
        names = {f.name for f in self.families if f.type == "counter"}
        return {key: value for key, value in self.samples.items()
                if key[0].removesuffix("_total") in names}


def imap(one, *lines, tls=True):
    client = one.connect("imaps" if tls else "imap")
    if tls:
        client = one.context().wrap_socket(client, server_hostname="localhost")
    client.recv(4096)
    answers = []
    for line in lines:
        client.sendall(line.encode() + b"\r\n")
        answers.append(client.recv(65536))
    return client, answers


@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_counts(servers, single):
    one = servers(users=2, single=single)
    before = Metrics(one)
    client, said = imap(one, f"a LOGIN {User(1)} secret", "b NOOP", "c NOOP",
                        "d XNONSENSE", "e SELECT nothing")
    assert b"a OK" in said[0]
    imap(one, f"a LOGIN {User(1)} wrong")[0].close()

    def diff(now, metric, **labels):
        return now.get(metric, **labels) - before.get(metric, **labels)

    now = Metrics(one)
    assert diff(now, "sessions_total", listener="imaps") == 2
    assert now.get("sessions", listener="imaps") >= 1
    assert now.get("listener_memory_bytes", listener="imaps") > 1000
    assert diff(now, "commands_total", listener="imaps", verb="NOOP") == 2
    assert diff(now, "commands_total", listener="imaps", verb="LOGIN") == 2
    assert diff(now, "commands_total", listener="imaps", verb="other") == 1
    assert diff(now, "replies_total", listener="imaps", reply="OK") == 3
    assert diff(now, "replies_total", listener="imaps", reply="BAD") >= 1
    assert diff(now, "replies_total", listener="imaps", reply="NO") >= 1
    assert diff(now, "peer_errors_total", listener="imaps") >= 1
    assert diff(now, "tls_handshakes_total", listener="imaps") == 2
    assert diff(now, "authentications_total", outcome="ok") == 1
    assert diff(now, "authentications_total", mechanism="password") == 2
    assert diff(now, "received_bytes_total", listener="imaps") > 60
    assert diff(now, "sent_bytes_total", listener="imaps") > 100
    assert diff(now, "commands_total", listener="imap") == 0
    assert diff(now, "lane_jobs_total") > 0
    assert now.get("lane_depth", lane="disk") == 0
    assert now.get("listener_up", listener="imaps") == 1
    assert now.get("certificate_expiry_timestamp_seconds",
                   certificate="default") > 1.7e9
    assert now.get("process_resident_memory_bytes") > 1 << 20
    assert now.get("metrics_lost_total") == 0
    client.close()
    wait_for(lambda: Metrics(one).get("sessions") == 0)
    assert Metrics(one).get("listener_memory_bytes") == 0


def test_commits_of_the_store(servers):
    one = servers(users=1)
    before = Metrics(one)
    client = one.connect("lmtp")
    client.recv(1000)
    body = b"Subject: x\r\n\r\n" + b"y" * 3000 + b"\r\n.\r\n"
    for line in (b"LHLO x\r\n", b"MAIL FROM:<a@example.org>\r\n",
                 f"RCPT TO:<{User(1)}>\r\n".encode(), b"DATA\r\n", body):
        client.sendall(line)
        said = client.recv(4096)
    assert said.startswith(b"250")
    now = Metrics(one)
    for name in ("seconds", "operations", "bytes"):
        count = f"vault_commit_{name}_count"
        assert now.get(count) == before.get(count) + 1
    assert now.get("vault_commit_bytes_sum") >= 3000
    assert now.get("vault_commit_bytes_bucket", le="4096.0") \
        + now.get("vault_commit_bytes_bucket", le="4096") >= 1
    assert 0 < now.get("vault_commit_seconds_sum") < 60
    assert now.get("commands_total", listener="lmtp", verb="LHLO") == 1
    assert now.get("replies_total", listener="lmtp", reply="2xx") >= 5
    assert now.get("replies_total", listener="lmtp", reply="3xx") == 1


def test_tls_failures(servers):
    one = servers(users=1)
    with one.connect("imaps") as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client.recv(100)
    distrust(one.connect("imaps"), ssl.create_default_context(),
             "localhost")
    wait_for(lambda: Metrics(one).get("tls_failures_total",
                                      listener="imaps") >= 2)
    now = Metrics(one)
    causes = {dict(has)["cause"] for name, has in now.samples
              if name == "postern_tls_failures_total"}
    assert "not tls" in causes
    assert any("unknown ca" in cause for cause in causes)
    assert now.get("tls_alerts_total", direction="received",
                   alert="unknown ca alert") == 1


def test_refusals(servers):
    one = servers(users=1)
    one.down()
    path = one.folder / "postern.conf"
    text = path.read_text()
    before = "connections_per_address = "
    assert before in text
    head, tail = text.split(before, 1)
    path.write_text(head + before + "3" + tail.lstrip("0123456789"))
    one.testbed("restart")
    clients = [one.connect("imap") for _ in range(20)]
    for client in clients:
        client.recv(4096)
    wait_for(lambda: Metrics(one).get("refused_total", listener="imap",
                                      reason="connections") >= 10)
    for client in clients:
        client.close()


def test_counters_only_grow(servers):
    """Over the death of a worker, and over reloads."""
    one = servers(users=1, workers=2)
    for _ in range(6):
        imap(one, "a NOOP", tls=False)[0].close()
    readings = [Metrics(one)]
    workers = json.loads(one.ctl("--json", "workers").stdout)
    for worker in workers:
        os.kill(worker["pid"], signal.SIGKILL)
    one.wait_log(r"worker\.replaced worker=0")
    one.wait_log(r"worker\.replaced worker=1")
    readings.append(Metrics(one))
    assert readings[-1].get("worker_restarts_total", group="main") == 2
    for _ in range(4):
        imap(one, "a NOOP", tls=False)[0].close()
    one.ctl("reload")
    readings.append(Metrics(one))
    for earlier, later in zip(readings, readings[1:]):
        for key, value in earlier.counters().items():
            assert later.samples.get(key, -1) >= value, key
    total = readings[-1].get("commands_total", listener="imap", verb="NOOP")
    assert total >= 10


def test_no_peer_makes_a_label(servers):
    one = servers(users=1)
    before = set(Metrics(one).samples)
    client = one.connect("imap")
    client.recv(1000)
    for number in range(15):
        client.sendall(f"a XBAD{number}\r\n".encode())
        client.recv(1000)
    client.close()
    smtp = one.connect("submission")
    smtp.recv(1000)
    for line in (b"EHLO evil\r\n", b'AUTH X"Y\\Z\r\n', b'ZZZ"{}\r\n'):
        smtp.sendall(line)
        smtp.recv(4096)
    smtp.close()
    new = set(Metrics(one).samples) - before
    labels = {value for _, has in new for _, value in has}
    assert not any("XBAD" in x or "ZZZ" in x or "Y" in x.split("=")
                   for x in labels)
    assert len(new) < 12, new


def test_json(server):
    data = json.loads(server.ctl("--json", "metrics").stdout)
    by_name = {f["family"]: f for f in data}
    up = by_name["postern_listener_up"]
    assert up["type"] == "gauge"
    assert {"listener": "imap"} in [n["labels"] for n in up["numbers"]]
    assert all(isinstance(n["value"], (int, float))
               for f in data for n in f["numbers"])


@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_hundreds_of_listeners(servers, single):
    """All of them are counted: the room for that comes from the file."""
    names = [f"many_{i}" for i in range(400)]
    blocks = "".join(
        f'{name}: {{ protocol = "imap"; listen = [ "127.9.{i // 200}.'
        f'{i % 200 + 1}:30143" ]; tls: {{ mode = "none"; }}; }};\n'
        for i, name in enumerate(names))
    one = servers(users=1, single=single, config=f"listeners: {{ {blocks} }};")
    with socket.create_connection(("127.9.1.200", 30143), 30) as client:
        assert client.recv(4096).startswith(b"* OK")
        client.sendall(b"a CAPABILITY\r\nb LOGOUT\r\n")
        while client.recv(4096):
            pass
    now = Metrics(one)
    assert now.get("commands_total", listener="many_399",
                   verb="CAPABILITY") == 1
    assert now.get("metrics_lost_total") == 0
    seen = {dict(labels).get("listener") for name, labels in now.samples
            if name == "postern_sessions_total"}
    assert seen >= set(names)
