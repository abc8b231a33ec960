# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Mail from SMTP and LMTP to POP3, where more than one session, process or
# restart is in the story. Single commands are tests/protocol's.
import pathlib
import poplib
import re
import smtplib
import threading

import pytest
from conftest import User, wait_for

LOOPS = 40


def file_of(server, name):
    """The file of users or of aliases."""
    text = pathlib.Path(server.env["CONFIG"]).read_text()
    named = re.search(rf'\b{name} = "([^"]*)"', text)
    state = re.search(r'\bstate = "([^"]*)"', text)[1]
    return pathlib.Path(named[1] if named else f"{state}/{name}")


def send(server, text, *users, service="lmtp", sender="a@b.example"):
    """Delivers and returns the codes of the answers after the text."""
    lmtp = service == "lmtp"
    with (smtplib.LMTP if lmtp else smtplib.SMTP)(
            server.host, server.port(service)) as smtp:
        smtp.ehlo("client.example")
        smtp.mail(sender)
        for user in users:
            assert smtp.rcpt(str(user))[0] == 250
        codes = [smtp.data(text)[0]]
        while lmtp and len(codes) < len(users):
            codes.append(smtp.getreply()[0])
        return codes


def pop3(server, user, password=None):
    """A session over TLS, logged in."""
    pop = poplib.POP3_SSL("localhost", server.port("pop3s"), timeout=60,
                          context=server.context())
    pop.user(user.name)
    pop.pass_(password or user.password)
    return pop


def subjects(server, user):
    pop = pop3(server, user)
    found = []
    for number in range(1, pop.stat()[0] + 1):
        found += [line[9:].decode() for line in pop.top(number, 0)[1]
                  if line.startswith(b"Subject: ")]
    pop.quit()
    return found


def test_big_message_comes_back_octet_for_octet(server, user):
    lines = [b"Subject: big", b"", b".", b"..", b".x",
             b"y" * 5000, "Gr\u00fc\u00dfe".encode(), bytes(range(128, 256))]
    lines += [b"%08d " % i + b"z" * 70 for i in range(250000)]
    text = b"\r\n".join(lines) + b"\r\n"
    assert send(server, text, user, service="smtp") == [250]
    pop = pop3(server, user)
    poplib._MAXLINE = 100000
    got = pop.retr(1)[1]
    assert got[got.index(b"Subject: big"):] == lines
    pop.quit()


def test_many_at_once_into_one_mailbox(server, user):
    def work(name):
        for i in range(LOOPS):
            assert send(server, f"Subject: {name}.{i}\r\n\r\nx\r\n", user,
                        service="smtp") == [250]
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = subjects(server, user)
    assert len(found) == 6 * LOOPS and len(set(found)) == 6 * LOOPS
    for name in range(6):  # each sender's in its order
        mine = [s for s in found if s.startswith(f"{name}.")]
        assert mine == [f"{name}.{i}" for i in range(LOOPS)]
    pop = pop3(server, user)
    assert len({line.split()[1] for line in pop.uidl()[1]}) == 6 * LOOPS
    pop.quit()


def test_one_transaction_reaches_all(server, users):
    text = "Subject: to both\r\n\r\nx\r\n"
    assert send(server, text, *users, service="smtp") == [250]
    assert [subjects(server, u) for u in users] == [["to both"]] * 2


def test_two_pop3_sessions_share_a_mailbox(server, user):
    for i in range(3):
        send(server, f"Subject: {i}\r\n\r\nx\r\n", user)
    one, two = pop3(server, user), pop3(server, user)
    one.dele(2)
    one.quit()
    send(server, "Subject: 3\r\n\r\nx\r\n", user)
    with pytest.raises(poplib.error_proto, match="removed by another"):
        two.retr(2)
    assert b"Subject: 2" in two.retr(3)[1]
    assert two.stat()[0] == 3  # as it was at login
    two.dele(1)
    two.quit()
    assert subjects(server, user) == ["2", "3"]


def test_unique_ids_outlive_a_kill(servers):
    server, user = servers(users=3), User(1)
    for i in range(20):
        assert send(server, f"Subject: {i}\r\n\r\nx\r\n", user) == [250]
    pop = pop3(server, user)
    pop.dele(7)
    pop.quit()
    pop = pop3(server, user)
    before = pop.uidl()[1]
    server.kill()
    server.restart()
    pop = pop3(server, user)
    assert pop.uidl()[1] == before and len(before) == 19
    pop.quit()
    send(server, "Subject: new\r\n\r\nx\r\n", user)
    pop = pop3(server, user)
    after = pop.uidl()[1]
    assert after[:19] == before
    assert after[19].split()[1] not in [b.split()[1] for b in before]
    pop.quit()


def test_users_and_aliases_change_while_it_serves(servers):
    server, new = servers(users=2), User(1)
    new.name = "new@example.test"
    server.ctl("user", "add", new.name, stdin="first\n")

    def can_log_in(password):
        try:
            pop3(server, new, password).quit()
            return True
        except poplib.error_proto:
            return False

    wait_for(lambda: can_log_in("first"), 15, "the user is not known")
    aliases = file_of(server, "aliases")
    aliases.write_text(f"all: {new.name}, user1, {new.name}\n")
    wait_for(lambda: send_to_all(server), 10, "the alias is not known")
    assert "to all" in subjects(server, User(1))
    server.ctl("user", "password", new.name, stdin="second\n")
    wait_for(lambda: can_log_in("second"), 15, "the password is the old one")
    # Each worker looks at the file at its own time.
    wait_for(lambda: not can_log_in("first"), 15, "the old one works, too")
    assert new.name in server.ctl("user", "list").stdout
    server.ctl("user", "delete", new.name)
    wait_for(lambda: not can_log_in("second"), 15, "the user is still there")


def send_to_all(server):
    with smtplib.SMTP(server.host, server.port("smtp")) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("a@b.example")
        if smtp.rcpt("all@example.test")[0] != 250:
            return False
        return smtp.data("Subject: to all\r\n\r\nx\r\n")[0] == 250


def test_quota_is_for_each_user(servers):
    server = servers(users=3)
    users = file_of(server, "users")
    text = users.read_text()
    users.write_text(re.sub(r"(?m)^(user2@[^:]*:[^:\n]*).*$", r"\1:4k", text))
    wait_for(lambda: quota_holds(server), 10, "the quota is not known")
    small = "Subject: small\r\n\r\nx\r\n"
    assert send(server, small, User(2), service="smtp") == [250]
    big = "Subject: big\r\n\r\n" + "x" * 70 + "\r\n" * 4000
    assert send(server, big, User(1), User(2)) == [250, 452]
    assert send(server, big, User(1), User(2), service="smtp") == [452]
    assert "small" in subjects(server, User(2))
    assert subjects(server, User(1)) == ["big"]  # LMTP's; SMTP's is not there


def quota_holds(server):
    with smtplib.SMTP(server.host, server.port("smtp")) as smtp:
        smtp.ehlo("client.example")
        smtp.mail("a@b.example", ["size=100000"])
        return smtp.rcpt("user2@example.test")[0] == 552


def test_messages_in_memory_are_bounded(servers):
    server = servers(config='smtp: { inflight = "1M"; };', users=2, single=True)
    one = smtplib.SMTP(server.host, server.port("smtp"))
    one.ehlo("client.example")
    for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<user1@example.test>",
                    "DATA"):
        one.docmd(command)
    one.send("x" * 70 + "\r\n" + ("y" * 998 + "\r\n") * 1100)
    one.send(".\r\n")
    assert one.getreply()[0] == 452
    one.mail("a@b.example")
    one.rcpt("user1@example.test")
    assert one.data("Subject: small\r\n\r\nx\r\n")[0] == 250
    one.quit()


def test_shutdown_tells_clients(servers):
    server = servers(users=2, single=True)
    idle = smtplib.SMTP(server.host, server.port("smtp"))
    idle.ehlo("client.example")
    busy = smtplib.SMTP(server.host, server.port("smtp"))
    busy.ehlo("client.example")
    for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<user1@example.test>",
                    "DATA"):
        busy.docmd(command)
    busy.send("Subject: last\r\n\r\n")
    server.signal("SIGTERM")
    assert idle.getreply()[0] == 421
    busy.send("x\r\n.\r\n")
    assert busy.getreply()[0] == 250  # what was begun is finished
    assert busy.getreply()[0] == 421
    server.restart()
    assert subjects(server, User(1)) == ["last"]
