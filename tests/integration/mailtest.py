# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the client tests share: messages that can be recognised, their delivery
# and the look into a mailbox by another way than the one under test.
import imaplib
import secrets
import smtplib
import ssl


def token():
    return "T" + secrets.token_hex(8)


def message(mark, to="user@example.test", sender="sender@elsewhere.test",
            body=None):
    """A message with CRLF line ends whose subject is `mark`."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {mark}",
             f"Message-ID: <{mark}@elsewhere.test>",
             "Date: Mon, 02 Feb 2026 10:00:00 +0000", "",
             body or f"The body of {mark}.", ".", "..two dots", ""]
    return "\r\n".join(lines)


def deliver(server, user, mark, body=None):
    """By SMTP, as a stranger."""
    with smtplib.SMTP(server.host, server.port("smtp"), timeout=30) as smtp:
        smtp.sendmail("sender@elsewhere.test", [str(user)],
                      message(mark, str(user), body=body).encode())


def imap(server, user):
    """A logged-in connection of Python's imaplib, over implicit TLS."""
    client = imaplib.IMAP4_SSL("localhost", server.port("imaps"),
                               ssl_context=server.context(), timeout=30)
    client.login(user.name, user.password)
    return client


def messages(server, user, mailbox="INBOX"):
    """The texts of all messages of a mailbox, in order."""
    client = imap(server, user)
    try:
        client.select(mailbox, readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        return [client.fetch(n, "(BODY.PEEK[])")[1][0][1].decode()
                for n in numbers]
    finally:
        client.logout()


def flags(server, user, mailbox="INBOX"):
    """{subject: set of flags} of a mailbox."""
    client = imap(server, user)
    found = {}
    try:
        client.select(mailbox, readonly=True)
        for number in client.search(None, "ALL")[1][0].split():
            data = client.fetch(
                number, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            head = b" ".join(part if isinstance(part, bytes)
                             else b" ".join(part) for part in data).decode()
            subject = head.split("Subject:")[1].split("\r\n")[0].strip()
            inside = head.split("FLAGS (")[1].split(")")[0]
            found[subject] = set(inside.split()) - {"\\Recent"}
    finally:
        client.logout()
    return found


def distrust(sock, context, name):
    """A client that shakes hands over `sock`, does not believe the server's
    certificate and says so. It reads all that was sent and stays until the
    server has closed: one that is gone before makes the system throw its alert
    away."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(into, out, server_hostname=name)
    with sock:
        try:
            while True:
                try:
                    tls.do_handshake()
                    raise AssertionError("the certificate is believed")
                except ssl.SSLWantReadError:
                    sock.sendall(out.read())
                    said = sock.recv(65536)
                    assert said, "closed in the handshake"
                    into.write(said)
        except ssl.SSLCertVerificationError:
            sock.sendall(out.read())
        while sock.recv(65536):
            pass
