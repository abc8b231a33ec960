# SPDX-License-Identifier: LGPL-2.1-or-later
#
# posternctl cert: keys behind passphrases from their making to their export,
# subjects and names of requests, and that every command speaks JSON. OpenSSL
# reads all that comes out.
import base64
import json
import subprocess

import pytest
from certtest import authority, office  # noqa: F401 (fixtures)
from certtest import certs_of, fails, openssl, public, say, serial_of, typed

SECRET = "correct horse"


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secret")
    folder.joinpath("right").write_text(SECRET + "\n")
    folder.joinpath("wrong").write_text("battery staple\n")
    folder.joinpath("empty").write_text("\nsecond line\n")
    return folder


@pytest.fixture
def dark(office, secret):
    """A certificate whose key is behind SECRET."""
    office.ctl("cert", "create", "dark", "--names", "dark.example",
               "--encrypt", "--passphrase-file", str(secret / "right"))
    yield certs_of(office) / "dark.key"
    office.ctl("cert", "remove", "dark")


def opened(key):
    return openssl("pkey", "-in", key, "-passin", f"pass:{SECRET}", "-pubout")


def raw(office, *words):
    """Binary output."""
    done = subprocess.run(
        [office.env["PREFIX"] + "/bin/posternctl", "--config",
         office.env["CONFIG"], *words], capture_output=True, timeout=60,
        check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- keys behind passphrases -----------------------------------------------


@pytest.mark.parametrize("kind", ["rsa-2048", "ecdsa-p384", "ed25519"])
def test_create_encrypted(office, secret, kind):
    told = say(office, "cert", "create", "night", "--type", kind, "--encrypt",
               "--passphrase-file", str(secret / "right"))
    assert told["encrypted"] and told["key_type"] == kind
    key = certs_of(office) / "night.key"
    assert key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert opened(key) == openssl("x509", "-in", key.with_suffix(".crt"),
                                  "-noout", "-pubkey")
    assert SECRET not in key.with_suffix(".meta").read_text()
    structure = openssl("asn1parse", "-in", key)
    assert "PBKDF2" in structure and "aes-256-cbc" in structure
    assert "hmacWithSHA256" in structure
    assert subprocess.run(["openssl", "pkey", "-in", key, "-passin",
                           "pass:battery staple", "-noout"], check=False,
                          capture_output=True, timeout=60).returncode != 0
    office.ctl("cert", "remove", "night")


def test_typed_twice(office):
    words = ["cert", "create", "night", "--encrypt"]
    status, text = typed(office, words, [SECRET, "another"])
    assert status == 10 and "different" in text
    assert not list(certs_of(office).glob("night.*"))
    status, text = typed(office, words, [SECRET, SECRET])
    assert status == 0 and SECRET not in text
    opened(certs_of(office) / "night.key")
    office.ctl("cert", "remove", "night")


def test_no_passphrase_no_key(office, secret):
    for file in "empty", "missing":
        done = office.ctl("cert", "create", "night", "--encrypt",
                          "--passphrase-file", str(secret / file), check=False)
        assert done.returncode == (10 if file == "empty" else 1)
    assert not list(certs_of(office).glob("night.*"))


def test_what_needs_the_key(office, secret, dark):
    """Requests and renewals ask for the passphrase; the next key is behind
    the same one."""
    right = ["--passphrase-file", str(secret / "right")]
    wrong = ["--passphrase-file", str(secret / "wrong")]
    for words in ["cert", "csr", "dark"], ["cert", "csr", "dark", "--new-key"], \
            ["cert", "renew", "dark"]:
        before = dark.read_bytes()
        assert "passphrase" in fails(office, 10, *words, *wrong)
        assert dark.read_bytes() == before
        assert not dark.with_suffix(".next.key").exists()
    office.ctl("cert", "csr", "dark", *right)
    serial = say(office, "cert", "show", "dark")["serial"]
    told = say(office, "cert", "renew", "dark", *right)
    assert told["serial"] != serial and told["encrypted"]
    assert told["names"] == ["dark.example"]
    office.ctl("cert", "csr", "dark", "--new-key", *right)
    waiting = dark.with_suffix(".next.key")
    assert "ENCRYPTED" in waiting.read_text()
    assert opened(waiting) != opened(dark)
    status, text = typed(office, ["cert", "csr", "dark"], [SECRET])
    assert status == 0 and "BEGIN CERTIFICATE REQUEST" in text


# --- export ----------------------------------------------------------------


def test_export_pem(office, secret, dark):
    """A key leaves as it is kept; a plain one behind a passphrase if asked
    to."""
    text = office.ctl("cert", "export", "dark", "--key").stdout
    assert text.count("ENCRYPTED PRIVATE KEY") == 2
    assert text.count("BEGIN CERTIFICATE") == 1
    office.ctl("cert", "create", "plain", "--names", "plain.example")
    text = office.ctl("cert", "export", "plain").stdout
    assert "PRIVATE" not in text
    text = office.ctl("cert", "export", "plain", "--key").stdout
    assert public(text) == public(certs_of(office) / "plain.key")
    text = office.ctl("cert", "export", "plain", "--key", "--passphrase-file",
                      str(secret / "right")).stdout
    assert "BEGIN PRIVATE KEY" not in text
    assert openssl("pkey", "-passin", f"pass:{SECRET}", "-pubout",
                   data=text) == public(certs_of(office) / "plain.key")
    office.ctl("cert", "remove", "plain")


def test_export_der(office, tmp_path):
    file = tmp_path / "it.der"
    file.write_bytes(raw(office, "cert", "export", "shop", "--format", "der"))
    shown = say(office, "cert", "show", "shop")
    pem = openssl("x509", "-inform", "DER", "-in", file)
    assert int(serial_of(pem), 16) == int(shown["serial"], 16)
    file.write_bytes(raw(office, "cert", "csr", "shop", "--der"))
    assert "mail.shop.example" in openssl(
        "req", "-inform", "DER", "-in", file, "-noout", "-text", "-verify")
    fails(office, 2, "cert", "export", "shop", "--format", "der", "--key")
    fails(office, 2, "cert", "export", "shop", "--format", "jks")
    status, text = typed(office, ["cert", "export", "shop", "--format",
                                  "der"], [])
    assert status == 2 and "not for a terminal" in text


def test_export_pkcs12(office, secret, tmp_path, dark):
    right = ["--passphrase-file", str(secret / "right")]
    for name in "dark", "shop":
        file = tmp_path / "it.p12"
        file.write_bytes(raw(office, "cert", "export", name, "--format",
                             "pkcs12", *right))
        text = openssl("pkcs12", "-in", file, "-passin", f"pass:{SECRET}",
                       "-nodes")
        assert f"friendlyName: {name}" in text
        key = certs_of(office) / f"{name}.key"
        assert public(text) == (opened(key) if name == "dark" else public(key))
        assert serial_of(text) == \
            serial_of(key.with_suffix(".crt").read_text())
        # And back again.
        told = say(office, "cert", "import", "back", "--cert", str(file),
                   *right)
        assert told["fingerprint"] == \
            say(office, "cert", "show", name)["fingerprint"]
        office.ctl("cert", "remove", "back")
    fails(office, 10, "cert", "export", "dark", "--format", "pkcs12",
          "--passphrase-file", str(secret / "wrong"))


# --- what requests say -----------------------------------------------------


def test_subject_and_names(office):
    office.ctl("cert", "create", "rich", "--subject", "O=Example AG, C=DE",
               "--names", "mail.rich.example,*.rich.example,192.0.2.7,"
               "2001:db8::7,post@rich.example")
    certs = certs_of(office)
    for command in ["x509", "-in", certs / "rich.crt"], \
            ["req", "-in", certs / "rich.csr"]:
        text = openssl(*command, "-noout", "-text", "-nameopt", "RFC2253")
        assert "DNS:mail.rich.example, DNS:*.rich.example" in text
        assert "IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7" in text
        assert "email:post@rich.example" in text
        assert "Subject: CN=mail.rich.example,C=DE,O=Example AG" in text
    # What it was made with is remembered.
    csr = office.ctl("cert", "csr", "rich", "--new-key").stdout
    text = openssl("req", "-noout", "-text", data=csr)
    assert "Example AG" in text and "IP Address:192.0.2.7" in text
    told = say(office, "cert", "renew", "rich")
    assert told["names"][:2] == ["mail.rich.example", "*.rich.example"]
    assert "Example AG" in told["subject"]
    office.ctl("cert", "remove", "rich")


@pytest.mark.parametrize("words", [
    ["--names", "bücher.example"], ["--names", "a..example"],
    ["--names", "10.0.0.256"], ["--names", "-a.example"],
    ["--names", "a b/c"], ["--names", ","],
    ["--names", ",".join(f"n{i}.example" for i in range(101))],
    ["--names", "x" * 64 + ".example"], ["--days", "0"], ["--days", "40000"],
    ["--days", "soon"], ["--subject", "O=two\nlines"]])
def test_bad_orders(office, words):
    fails(office, 2, "cert", "create", "bad", *words)
    assert not list(certs_of(office).glob("bad.*"))


def test_bad_subjects(office):
    for subject in "Example", "X=nothing", "C=Germany":
        assert subject.split("=")[0] in fails(
            office, 1, "cert", "create", "bad", "--subject", subject) or True
    assert not list(certs_of(office).glob("bad.*"))


def test_long_lives(office):
    told = say(office, "cert", "create", "old", "--days", "3650")
    assert any("825" in line for line in told["warnings"])
    days = (told["not_after"] - told["not_before"]) / 86400
    assert 3649 <= days <= 3651
    office.ctl("cert", "remove", "old")


# --- JSON ------------------------------------------------------------------


def test_json_everywhere(office, tmp_path):
    made = say(office, "cert", "create", "one", "--names", "one.example")
    assert set(made) >= {"name", "names", "serial", "fingerprint", "subject",
                         "issuer", "not_before", "not_after", "key_type",
                         "self_signed", "encrypted", "listeners", "files",
                         "warnings", "activation", "request_pending"}
    for file in made["files"].values():
        assert tmp_path.joinpath(file).is_file()
    pem = certs_of(office).joinpath("one.crt").read_text()
    print_ = openssl("x509", "-noout", "-fingerprint", "-sha256", data=pem)
    assert made["fingerprint"] == \
        print_.split("=")[1].strip().replace(":", "").lower()
    assert say(office, "cert", "csr", "one")["request"] == \
        certs_of(office).joinpath("one.csr").read_text()
    assert say(office, "cert", "export", "one")["chain"] == pem
    der = base64.b64decode(say(office, "cert", "export", "one", "--format",
                               "der")["data"])
    tmp_path.joinpath("der").write_bytes(der)
    assert openssl("x509", "-inform", "DER", "-in", tmp_path / "der") == pem
    renewed = say(office, "cert", "renew", "one")
    assert renewed["fingerprint"] != made["fingerprint"]
    [before] = say(office, "cert", "history", "one")
    assert before["fingerprint"] == made["fingerprint"]
    back = say(office, "cert", "rollback", "one", "--version",
               str(before["version"]))
    assert back["fingerprint"] == made["fingerprint"]
    assert say(office, "cert", "rename", "one", "two")["name"] == "two"
    bound = say(office, "cert", "bind", "two", "imaps")
    assert [g["group"] for g in bound["groups"]] == [
        "certificates", "listeners.imaps.tls"]
    assert '"two"' in bound["groups"][1]["line"]
    listed = {c["name"]: c for c in say(office, "cert", "list")}
    assert listed["shop"]["listeners"] == ["imaps"]
    assert say(office, "cert", "remove", "two") == {
        "name": "two", "removed": True}


def test_json_errors(office):
    """Each of `fails` compares both forms; here is what programs rely on."""
    done = office.ctl("cert", "show", "nobody", "--json", check=False)
    assert json.loads(done.stdout)["error"]["code"] == "unknown-name"
    fails(office, 20, "cert", "rollback", "default", "--version", "999")
    fails(office, 20, "cert", "bind", "shop", "nobody")
    fails(office, 21, "cert", "remove", "shop")
    fails(office, 21, "cert", "rename", "shop", "store")
    fails(office, 2, "cert", "rollback", "shop", "--version", "first")
