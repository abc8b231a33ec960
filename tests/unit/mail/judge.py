# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An independent judge of the scanner: Python's email package makes messages,
# reads them, and must find in them what the scanner found: the same tree of
# parts with the same octets, the same types, addresses, subjects and dates.
import email
import email.header
import email.message
import email.utils
import os
import random
import subprocess
import sys
import tempfile
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

MESSAGES = 150
SCAN = os.path.join(os.environ.get("top_builddir", "."), "tests/unit/mail/scan")
WORDS = ("eins zwei drei Straße été Привет 日本 plain words \"quoted\" (brackets)"
         " back\\slash a.b x@y , ; :").split(" ")


def words(rng, most):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))


def address(rng):
    name = words(rng, 3) if rng.random() < 0.7 else ""
    if any(ord(c) > 127 for c in name):
        name = email.header.Header(name, "utf-8", maxlinelen=900).encode()
        host = rng.choice(("x.example", "y.example.org"))
        return f"{name} <user{rng.randint(1, 99)}@{host}>"
    return email.utils.formataddr((name, f"u.{rng.randint(1, 99)}@z.example"))


def leaf(rng):
    if rng.random() < 0.3:
        part = MIMEApplication(rng.randbytes(rng.randint(0, 300)))
        part.add_header("Content-Disposition", "attachment",
                        filename=f"file {rng.randint(1, 9)}.bin")
        return part
    text = "\n".join(words(rng, 8) for _ in range(rng.randint(0, 6)))
    text += rng.choice(("", "\n", "\n--\n--nothing\n"))
    return MIMEText(text, rng.choice(("plain", "html")), "utf-8")


def entity(rng, depth):
    kind = rng.random()
    if depth == 0 or kind < 0.4:
        return leaf(rng)
    if kind < 0.85:
        part = MIMEMultipart(rng.choice(("mixed", "alternative", "related")))
        for _ in range(rng.randint(1, 4)):
            part.attach(entity(rng, depth - 1))
        part.preamble = rng.choice((None, "a preamble\n--not it\n"))
        part.epilogue = rng.choice((None, "", "an epilogue\n"))
        return part
    return MIMEMessage(message(rng, depth - 1))


def message(rng, depth):
    made = entity(rng, depth)
    made["From"] = address(rng)
    made["To"] = ", ".join(address(rng) for _ in range(rng.randint(1, 5)))
    if rng.random() < 0.5:
        made["Cc"] = address(rng)
    made["Subject"] = email.header.Header(words(rng, 12), "utf-8")
    made["Date"] = email.utils.formatdate(rng.randint(0, 2_000_000_000))
    made["Message-ID"] = f"<{rng.randint(1, 10**12)}@x.example>"
    return made


def tokens(text):
    """IMAP's lists as Python's: strings are bytes, NIL is None."""
    at, stack = 0, [[]]
    while at < len(text):
        c = text[at:at + 1]
        if c == b"(":
            stack.append([])
        elif c == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif c == b'"':
            value = b""
            at += 1
            while text[at:at + 1] != b'"':
                at += text[at:at + 1] == b"\\"
                value += text[at:at + 1]
                at += 1
            stack[-1].append(value)
        elif c == b"{":
            end = text.index(b"}", at)
            size = int(text[at + 1:end])
            at = end + 3
            stack[-1].append(text[at:at + size])
            at += size - 1
        elif c != b" ":
            end = at
            while text[end:end + 1] not in (b" ", b")", b""):
                end += 1
            atom = text[at:end]
            stack[-1].append(None if atom == b"NIL" else int(atom))
            at = end - 1
        at += 1
    assert len(stack) == 1
    return stack[0][0]


def scan(paths):
    out = subprocess.run([SCAN, *paths], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    results, current = [], {"entities": []}
    for line in out.splitlines():
        what, _, rest = line.partition(" ")
        if what == "entity":
            current["entities"].append(rest.split(" "))
        elif what == "end":
            results.append(current)
            current = {"entities": []}
        else:
            current[what] = bytes.fromhex(rest)
    return results


def unfolded(message, name):
    return [str(v).replace("\r", "").replace("\n", "")
            for v in message.get_all(name, [])]


def check_addresses(message, name, found):
    values = unfolded(message, name)
    expected = [(n, a) for n, a in email.utils.getaddresses(values)]
    got = [((n or b"").decode(), f"{m.decode()}@{h.decode()}")
           for n, _, m, h in found or []]
    assert got == expected, (name, got, expected)


def check_envelope(message, envelope):
    assert envelope[0].decode() == unfolded(message, "Date")[0]
    assert envelope[9].decode() == unfolded(message, "Message-ID")[0]
    check_addresses(message, "From", envelope[2])
    check_addresses(message, "From", envelope[3])  # Sender
    check_addresses(message, "From", envelope[4])  # Reply-To
    check_addresses(message, "To", envelope[5])
    check_addresses(message, "Cc", envelope[6])


def check_subject(message, found):
    raw = unfolded(message, "Subject")[0]
    expected = str(email.header.make_header(email.header.decode_header(raw)))
    assert found.decode() == expected, (found.decode(), expected)


def kind(part):
    if part.get_content_maintype() == "multipart":
        return "multipart"
    return "message" if part.is_multipart() else "leaf"


def check_entities(raw, message, entities):
    parts = list(message.walk())
    assert len(parts) == len(entities), (len(parts), len(entities))
    for part, (found, _, body, size, encoding) in zip(parts, entities):
        assert kind(part) == found, (kind(part), found)
        if found != "leaf":
            continue
        octets = raw[int(body):int(body) + int(size)]
        expected = part.get_payload().encode("ascii", "surrogateescape")
        assert octets == expected, (octets, expected)
        assert encoding == {"base64": "6", "8bit": "8",
                            "quoted-printable": "q"}.get(
            part.get("Content-Transfer-Encoding", "7bit"), "7")


def structure_of(part):
    """(type, size and lines) of every leaf, as BODYSTRUCTURE has them."""
    if isinstance(part[0], list):
        inner = [p for p in part if isinstance(p, list)
                 and p and (isinstance(p[0], list) or len(p) > 7)]
        return [leaf for p in inner for leaf in structure_of(p)]
    if (part[0], part[1]) == (b"message", b"rfc822"):
        return structure_of(part[8])
    return [(f"{part[0].decode()}/{part[1].decode()}", part[6],
             part[7] if part[0] == b"text" else None)]


def check_structure(message, structure):
    expected = []
    for part in message.walk():
        if part.is_multipart():
            continue
        text = part.get_payload().encode("ascii", "surrogateescape")
        lines = text.count(b"\n")
        is_text = part.get_content_maintype() == "text"
        expected.append((part.get_content_type(), len(text),
                         lines if is_text else None))
    found = structure_of(structure)
    assert found == expected, (found, expected)


def check(raw, result):
    message = email.message_from_bytes(raw)
    check_envelope(message, tokens(result["envelope"]))
    check_subject(message, result["subject"])
    check_entities(raw, message, result["entities"])
    check_structure(message, tokens(result["structure"]))


def main():
    rng = random.Random(20240229)
    with tempfile.TemporaryDirectory() as folder:
        paths, raws = [], []
        for i in range(MESSAGES):
            text = message(rng, 4).as_bytes()
            raws.append(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            paths.append(os.path.join(folder, str(i)))
            with open(paths[-1], "wb") as f:
                f.write(raws[-1])
        results = scan(paths)
    failed = []
    for i, (raw, result) in enumerate(zip(raws, results)):
        try:
            check(raw, result)
        except (AssertionError, KeyError, IndexError, UnicodeError) as e:
            failed.append((i, repr(e)))
    print("1..1")
    for i, reason in failed[:5]:
        print(f"# message {i}: {reason[:2000]}")
    good = len(results) == MESSAGES and not failed
    print(f"{'ok' if good else 'not ok'} 1 - {MESSAGES} messages, as Python's"
          " email package reads them")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
