# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Many sessions in one mailbox, in several workers, all changing it at once. Each
# client keeps a model of the mailbox out of what it is told, as real ones do:
# what it is told must fit the model, and in the end all models are the same.
# POSTERN_MANY_ROUNDS makes it longer (default 60), POSTERN_MANY_SEED other.
import os
import random
import re
import socket

import pytest
from conftest import User

ROUNDS = int(os.environ.get("POSTERN_MANY_ROUNDS", "60"))
SEED = int(os.environ.get("POSTERN_MANY_SEED", "1"))
CLIENTS = 8
FLAGS = (r"\Seen", r"\Flagged", r"\Deleted", r"\Answered", "$One", "$Two")


class Client:
    """A connection, and the mailbox as its owner believes it to be."""

    def __init__(self, server, context):
        sock = socket.create_connection((server.host, server.port("imaps")))
        self.sock = context.wrap_socket(sock, server_hostname="localhost")
        self.sock.settimeout(30)
        self.file = self.sock.makefile("rb")
        self.file.readline()
        self.tags = 0
        self.uids = []   # by sequence number - 1; None: not known yet
        self.flags = {}  # by UID
        self.command = ""
        self.say(f"LOGIN {User(1)} secret")
        self.say("SELECT INBOX")

    def send(self, command):
        self.tags += 1
        self.command = command
        self.sock.sendall(f"t{self.tags} {command}\r\n".encode())

    def say(self, command):
        self.send(command)
        self.receive()

    def line(self):
        """A response with its literals."""
        whole = self.file.readline()
        assert whole, "the connection ended"
        while size := re.search(rb"\{(\d+)\}\r\n$", whole):
            whole += self.file.read(int(size[1])) + self.file.readline()
        return whole.decode()

    def receive(self):
        """Reads to the tagged answer; a tagged NO is no fault: messages
        vanish under one's hands here."""
        tag = f"t{self.tags} "
        while True:
            line = self.line()
            if line.startswith(tag):
                assert not line.startswith(tag + "BAD"), line
                if ".SILENT" in self.command:
                    self.flags.clear()  # it is not told what it did itself
                return
            self.hear(line)

    def hear(self, line):
        if match := re.match(r"\* (\d+) EXISTS", line):
            assert int(match[1]) >= len(self.uids)
            self.uids += [None] * (int(match[1]) - len(self.uids))
        elif match := re.match(r"\* (\d+) EXPUNGE", line):
            assert not re.match("FETCH|STORE|SEARCH", self.command)
            assert 1 <= int(match[1]) <= len(self.uids)
            self.flags.pop(self.uids.pop(int(match[1]) - 1), None)
        elif match := re.match(r"\* (\d+) FETCH \((.*)\)\r\n", line, re.S):
            self.hear_fetch(int(match[1]), match[2])

    def hear_fetch(self, number, items):
        assert 1 <= number <= len(self.uids)
        uid = re.search(r"UID (\d+)", items)
        if uid:
            known = self.uids[number - 1]
            assert known in (None, int(uid[1]))
            self.uids[number - 1] = int(uid[1])
            some = [u for u in self.uids if u]
            assert some == sorted(set(some))
        flags = re.search(r"FLAGS \((.*?)\)", items)
        if flags and self.uids[number - 1]:
            self.flags[self.uids[number - 1]] = \
                set(flags[1].split()) - {r"\Recent"}


def numbers(rng, client):
    low = rng.randint(1, len(client.uids))
    return rng.choice((f"{low}", f"{low}:*", f"1:{low}"))


def command(rng, client):
    text = f"Subject: {rng.random()}\r\n\r\nx\r\n"
    append = f"APPEND INBOX {{{len(text)}+}}\r\n{text}"
    if not client.uids:
        return append
    flags = " ".join(rng.sample(FLAGS, 2))
    where, uid = numbers(rng, client), rng.choice(("", "UID "))
    if uid:
        where = f"{rng.randint(1, 300)}:*"
    return rng.choice((
        append, append, append, "NOOP", "EXPUNGE", "CHECK",
        f"{uid}FETCH {where} (UID FLAGS)",
        f"{uid}FETCH {where} (UID BODY[TEXT])",
        f"{uid}FETCH {where} (FLAGS)",
        f"{uid}STORE {where} +FLAGS ({flags})",
        f"{uid}STORE {where} -FLAGS ({flags})",
        f"{uid}STORE {where} FLAGS.SILENT ({flags})",
        f"{uid}SEARCH {flags.split()[0].strip(chr(92)).upper()}"
        if flags[0] == "\\" else f"{uid}SEARCH KEYWORD {flags.split()[0]}",
        f"{uid}COPY {rng.randint(1, len(client.uids))} INBOX" if not uid
        else "UID MOVE 1:3 INBOX"))


def test_models_stay_true(servers):
    server = servers(users=1, workers=2)
    context = server.context()
    clients = [Client(server, context) for _ in range(CLIENTS)]
    rng = random.Random(SEED)
    for _ in range(ROUNDS):
        for client in clients:
            client.send(command(rng, client))
        for client in clients:
            client.receive()
    for client in clients:
        client.say("NOOP")
    # All that is told by now must be so, without being asked again.
    told = [dict(client.flags) for client in clients]
    for client in clients:
        client.say("UID FETCH 1:* (UID FLAGS)")
    for client, before in zip(clients, told):
        assert client.uids == clients[0].uids
        assert client.flags == clients[0].flags
        for uid, flags in before.items():
            assert flags == client.flags[uid], uid


@pytest.mark.parametrize("single", (True, False))
def test_idle_hears_everything(servers, single):
    server = servers(users=1, workers=2, single=single)
    context = server.context()
    writer, idle = Client(server, context), Client(server, context)
    idle.send("IDLE")
    assert idle.file.readline().startswith(b"+")
    text = "Subject: x\r\n\r\nx\r\n"
    for count in range(1, 4):
        writer.say(f"APPEND INBOX {{{len(text)}+}}\r\n{text}")
        while len(idle.uids) < count:
            idle.hear(idle.line())
    writer.say(r"STORE 2 +FLAGS (\Deleted)")
    writer.say("EXPUNGE")
    while len(idle.uids) > 2:
        idle.hear(idle.line())
    writer.say("STORE 1 FLAGS ($New)")
    while idle.flags != {1: {"$New"}}:
        idle.hear(idle.line())
    idle.sock.sendall(b"DONE\r\n")
    idle.receive()
