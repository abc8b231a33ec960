# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGKILL to every process of the server, fifty times, while clients deliver,
# append and flag. What was acknowledged is there afterwards, once, with the UID
# that it had; nothing that was flagged is unflagged.
import imaplib
import os
import random
import smtplib
import threading
import time

from conftest import User
from mailtest import imap, message, token

KILLS = 200 if os.environ.get("POSTERN_LONG") else 50
SENDERS = 4


class Load:
    """Clients that work until the server is gone, and remember what it said
    yes to."""

    def __init__(self, server):
        self.server = server
        self.stop = threading.Event()
        self.delivered = {}     # token: user
        self.appended = {}      # token: UID, of the last user
        self.flagged = set()    # tokens of the last user
        self.users = [User(i + 1) for i in range(SENDERS + 1)]

    def run(self, seconds):
        self.stop.clear()
        threads = [threading.Thread(target=self.send, args=(user,))
                   for user in self.users[:-1]]
        threads.append(threading.Thread(target=self.append))
        for one in threads:
            one.start()
        time.sleep(seconds)
        self.server.kill()
        self.stop.set()
        for one in threads:
            one.join(30)
            assert not one.is_alive()

    def send(self, user):
        try:
            with smtplib.SMTP(self.server.host, self.server.port("smtp"),
                              timeout=10) as smtp:
                while not self.stop.is_set():
                    mark = token()
                    smtp.sendmail("a@elsewhere.test", [user.name],
                                  message(mark, user.name).encode())
                    self.delivered[mark] = user
        except (OSError, smtplib.SMTPException):
            pass

    def append(self):
        user = self.users[-1]
        try:
            client = imap(self.server, user)
            client.select()
            while not self.stop.is_set():
                mark = token()
                said = client.append("INBOX", None, None,
                                     message(mark).encode())[1][0].decode()
                uid = said.split("APPENDUID ")[1].split()[1].rstrip("]")
                self.appended[mark] = uid
                client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Flagged kept)")
                self.flagged.add(mark)
        except (OSError, imaplib.IMAP4.error):
            pass


def contents(server, user):
    """{token: (UID, flags)}; a token that is there twice is an error."""
    client = imap(server, user)
    assert client.select(readonly=True)[0] == "OK"
    data = client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS "
                               "(SUBJECT)])")[1]
    found = {}
    for part in data:
        if isinstance(part, tuple):
            head = part[0].decode()
            mark = part[1].decode().split("Subject: ")[1].strip()
            assert mark not in found, f"{mark} is there twice"
            found[mark] = (head.split("UID ")[1].split()[0].rstrip(")"),
                           head.split("FLAGS (")[1].split(")")[0].split())
    client.logout()
    return found


def test_sigkill_loses_nothing_that_was_acknowledged(servers):
    server = servers(users=SENDERS + 1)
    chance = random.Random(20260101)
    load = Load(server)
    for _ in range(KILLS):
        load.run(chance.uniform(0.02, 0.35))
        server.restart()
    found = {user.name: contents(server, user) for user in load.users}
    lost = [mark for mark, user in load.delivered.items()
            if mark not in found[user.name]]
    assert len(load.delivered) > 10 * SENDERS and lost == []
    last = found[load.users[-1].name]
    assert len(load.appended) > 10
    for mark, uid in load.appended.items():
        assert mark in last, f"{mark} was appended and is lost"
        assert last[mark][0] == uid
    for mark in load.flagged:
        assert {"\\Flagged", "kept"} <= set(last[mark][1])
    uids = [int(uid) for uid, _ in last.values()]
    assert uids == sorted(set(uids))
