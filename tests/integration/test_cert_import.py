# SPDX-License-Identifier: LGPL-2.1-or-later
#
# posternctl cert import: files of every format that OpenSSL writes, encrypted
# or not, cut off, of the wrong kind and of the wrong authority. OpenSSL judges
# what is stored. Both TLS providers read them.
import json
import subprocess

import pytest
from certtest import authority, office  # noqa: F401 (fixtures)
from certtest import (certs_of, fails, make_key, openssl, public, request_for,
                      say, serial_of, serial_shown, typed)
from conftest import wait_for

SECRET = "correct horse"
HIDDEN = ["-passout", f"pass:{SECRET}"]
GOOD_KINDS = ["rsa", "p256", "p384", "ed25519"]


class Pair:
    """A key and the certificate that the authority gave for it."""

    def __init__(self, folder, authority, kind):
        folder.mkdir(exist_ok=True)
        self.folder, self.kind = folder, kind
        self.key = make_key(folder / "key.pem", kind)
        self.name = f"{kind}.foreign.example"
        self.leaf_pem = authority.sign(request_for(self.key, self.name))
        self.sub_pem, self.root_pem = authority.sub, authority.root
        self.leaf = self.write("leaf.pem", self.leaf_pem)
        self.sub = self.write("sub.pem", self.sub_pem)
        self.full = self.write("full.pem", self.leaf_pem + self.sub_pem)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def made(self, name, *words):
        """What an openssl command with -out writes."""
        path = self.folder / name
        openssl(*words, "-out", path)
        return path

    def keys(self):
        """Its key in every form: (what it is, file, encrypted)."""
        key = ["-in", self.key]
        yield "PKCS#8", self.key, False
        yield "PKCS#8 DER", self.made(
            "p8.der", "pkcs8", "-topk8", "-nocrypt", *key, "-outform",
            "DER"), False
        yield "PBES2", self.made("pbes2.pem", "pkcs8", "-topk8", *key,
                                 *HIDDEN), True
        yield "PBES2 DER", self.made("pbes2.der", "pkcs8", "-topk8", *key,
                                     *HIDDEN, "-outform", "DER"), True
        yield "PBES1", self.made("pbes1.pem", "pkcs8", "-topk8", "-v1",
                                 "PBE-SHA1-3DES", *key, *HIDDEN), True
        tool = {"rsa": "rsa", "p256": "ec", "p384": "ec"}.get(self.kind)
        if tool:  # Ed25519 has PKCS#8 alone
            old = ["-traditional"] if tool == "rsa" else []
            yield "own", self.made("own.pem", tool, *old, *key), False
            yield "own DER", self.made("own.der", tool, *old, *key,
                                       "-outform", "DER"), False
            yield "own, encrypted", self.made(
                "own-enc.pem", tool, *old, "-aes256", *key, *HIDDEN), True

    def bundles(self):
        """The pair in one file: (what it is, file, encrypted)."""
        whole = ["pkcs12", "-export", "-inkey", self.key, "-in", self.leaf,
                 "-certfile", self.sub]
        yield "combined", self.write(
            "all.pem", self.leaf_pem + self.key.read_text() +
            self.sub_pem), False
        yield "with text", self.write(
            "text.pem", openssl("x509", "-in", self.leaf, "-text") + "\n"
            "Bag Attributes\n    friendlyName: it\n" + self.sub_pem +
            self.key.read_text()), False
        yield "PKCS#12", self.made("new.p12", *whole, *HIDDEN), True
        yield "PKCS#12 of old", self.made(
            "old.p12", *whole, *HIDDEN, "-certpbe", "PBE-SHA1-3DES", "-keypbe",
            "PBE-SHA1-3DES", "-macalg", "sha1"), True

    def chains(self):
        """The certificates in every form, without the key."""
        yield "PEM", [self.full]
        yield "swapped", [self.write("swapped.pem",
                                     self.sub_pem + self.leaf_pem)]
        yield "with its root", [self.write(
            "rooted.pem", self.root_pem + self.sub_pem + self.leaf_pem)]
        yield "DER", [self.made("leaf.der", "x509", "-in", self.leaf,
                                "-outform", "DER"),
                      self.made("sub.der", "x509", "-in", self.sub,
                                "-outform", "DER")]
        for form in "PEM", "DER":
            yield "PKCS#7 " + form, [self.made(
                f"chain.p7.{form}", "crl2pkcs7", "-nocrl", "-certfile",
                self.full, "-outform", form)]
        yield "PKCS#12 without a key", [self.made(
            "certs.p12", "pkcs12", "-export", "-nokeys", "-in", self.full,
            "-passout", f"pass:{SECRET}")]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, authority):
    folder = tmp_path_factory.mktemp("pairs")
    return {kind: Pair(folder / kind, authority, kind) for kind in GOOD_KINDS}


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secret")
    folder.joinpath("right").write_text(SECRET + "\n")
    folder.joinpath("wrong").write_text("battery staple\n")
    return folder


def judge(office, authority, name, pair):
    """What is stored is the pair, and OpenSSL can verify its chain."""
    certs = certs_of(office)
    chain = certs / f"{name}.crt"
    openssl("verify", "-CAfile", authority.root_file, "-untrusted", chain,
            "-purpose", "sslserver", "-verify_hostname", pair.name, chain)
    assert serial_of(chain.read_text()) == serial_of(pair.leaf_pem)
    assert chain.read_text().count("BEGIN CERTIFICATE") == 2
    assert public(certs / f"{name}.key") == public(pair.key)
    assert (certs / f"{name}.key").stat().st_mode & 0o77 == 0
    assert not list(certs.glob(f"{name}.next.*"))
    office.ctl("cert", "remove", name)


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_keys(office, authority, pairs, secret, kind):
    pair = pairs[kind]
    for what, file, hidden in pair.keys():
        more = ["--passphrase-file", str(secret / "right")] if hidden else []
        told = say(office, "cert", "import", "one", "--cert", str(pair.full),
                   "--key", str(file), *more)
        assert told["names"] == [pair.name] and not told["encrypted"], what
        assert bool(told["warnings"]) == hidden, what
        judge(office, authority, "one", pair)


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_bundles(office, authority, pairs, secret, kind):
    pair = pairs[kind]
    for what, file, hidden in pair.bundles():
        more = ["--passphrase-file", str(secret / "right")] if hidden else []
        done = office.ctl("cert", "import", "one", "--cert", str(file), *more,
                          check=False)
        assert done.returncode == 0, (what, done.stderr)
        judge(office, authority, "one", pair)


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_chains(office, authority, pairs, secret, kind):
    pair = pairs[kind]
    for what, files in pair.chains():
        words = ["--cert", str(files[0]), "--key", str(pair.key)]
        for file in files[1:]:
            words += ["--chain", str(file)]
        done = office.ctl("cert", "import", "one", *words, "--passphrase-file",
                          str(secret / "right"), check=False)
        assert done.returncode == 0, (what, done.stderr)
        judge(office, authority, "one", pair)


def test_standard_input(office, authority, pairs, secret):
    pair = pairs["p256"]
    everything = pair.full.read_text() + pair.key.read_text()
    office.ctl("cert", "import", "one", "--cert", "-", stdin=everything)
    judge(office, authority, "one", pair)
    office.ctl("cert", "import", "one", "--cert", str(pair.full), "--key",
               str(pair.folder / "pbes2.pem"), "--passphrase-file", "-",
               stdin=SECRET + "\n")
    judge(office, authority, "one", pair)
    fails(office, 2, "cert", "import", "one", "--cert", "-", "--key", "-")
    fails(office, 2, "cert", "import", "one")


# --- passphrases -----------------------------------------------------------


def test_wrong_passphrase(office, pairs, secret):
    pair = pairs["rsa"]
    hidden = [f for _, f, hides in pair.keys() if hides]
    files = [["--cert", str(pair.full), "--key", str(f)] for f in hidden]
    files += [["--cert", str(f)] for _, f, hides in pair.bundles() if hides]
    assert len(files) == 6
    for words in files:
        text = fails(office, 10, "cert", "import", "one", *words,
                     "--passphrase-file", str(secret / "wrong"))
        assert "try again" in text
    assert not list(certs_of(office).glob("one.*"))


def test_no_passphrase(office, pairs):
    """Without a terminal nobody is asked, and nothing waits."""
    pair = pairs["p256"]
    hidden = [f for _, f, hides in pair.keys() if hides][0]
    done = subprocess.run(
        [office.env["PREFIX"] + "/bin/posternctl", "--config",
         office.env["CONFIG"], "cert", "import", "one", "--cert",
         str(pair.full), "--key", str(hidden)], capture_output=True, text=True,
        timeout=60, check=False, start_new_session=True,
        stdin=subprocess.DEVNULL)
    assert done.returncode == 10 and "--passphrase-file" in done.stderr


def test_typed_passphrase(office, authority, pairs):
    """On a terminal it is asked for, and what is typed is not seen."""
    pair = pairs["p384"]
    bundle = str(pair.made("typed.p12", "pkcs12", "-export", "-inkey",
                           pair.key, "-in", pair.full, *HIDDEN))
    words = ["cert", "import", "one", "--cert", bundle]
    status, text = typed(office, words, ["no"])
    assert status == 10 and "Passphrase of" in text and "try again" in text
    status, text = typed(office, words, [SECRET])
    assert status == 0, text
    assert SECRET not in text
    judge(office, authority, "one", pair)


def test_stays_encrypted(office, authority, pairs, secret):
    """--encrypt keeps the key behind the passphrase that it had, or a new
    one; the pair is known without it."""
    pair = pairs["rsa"]
    file = ["--passphrase-file", str(secret / "right")]
    for key in pair.folder / "pbes2.pem", pair.key:
        told = say(office, "cert", "import", "dark", "--cert", str(pair.full),
                   "--key", str(key), "--encrypt", *file)
        assert told["encrypted"] and not told["warnings"]
        stored = certs_of(office) / "dark.key"
        assert "BEGIN ENCRYPTED PRIVATE KEY" in stored.read_text()
        assert openssl("pkey", "-in", stored, "-passin", f"pass:{SECRET}",
                       "-pubout") == public(pair.key)
        assert "problem" not in say(office, "cert", "show", "dark")
        office.ctl("cert", "remove", "dark")


# --- answers ---------------------------------------------------------------


def test_answers_find_their_keys(office, authority, pairs, secret):
    """Of the request, of the pair in use, of a version before; encrypted or
    not, and no passphrase is needed for it."""
    file = ["--passphrase-file", str(secret / "right")]
    for more in [], ["--encrypt"]:
        name = "dark" if more else "light"
        office.ctl("cert", "create", name, "--names", "a.example", *more,
                   *(file if more else []))
        opened = file if more else []
        first = office.ctl("cert", "csr", name, *opened).stdout
        second = office.ctl("cert", "csr", name, "--new-key", *opened).stdout
        keys = [openssl("req", "-noout", "-pubkey", data=csr)
                for csr in (first, second)]
        assert keys[0] != keys[1]
        for csr, key in (second, keys[1]), (first, keys[0]), (second, keys[1]):
            leaf, sub, _ = authority(csr)
            pairs["rsa"].write("answer.pem", leaf + sub)
            told = say(office, "cert", "import", name, "--cert",
                       str(pairs["rsa"].folder / "answer.pem"))
            assert told["encrypted"] == bool(more)
            assert not told["request_pending"]
            assert openssl("pkey", "-in", certs_of(office) / f"{name}.key",
                           "-passin", f"pass:{SECRET}", "-pubout") == key
            assert "problem" not in say(office, "cert", "show", name)
        office.ctl("cert", "rollback", name)
        office.ctl("cert", "remove", name)


def test_a_key_alone(office, authority, tmp_path):
    key = make_key(tmp_path / "own.key", "rsa")
    told = say(office, "cert", "import", "mine", "--key", str(key))
    assert told["self_signed"] and told["key_type"] == "rsa-2048"
    assert any("cert csr mine" in line for line in told["warnings"])
    csr = office.ctl("cert", "csr", "mine").stdout
    assert openssl("req", "-noout", "-pubkey", data=csr) == public(key)
    leaf, sub, _ = authority(csr)
    tmp_path.joinpath("answer.pem").write_text(leaf + sub)
    office.ctl("cert", "import", "mine", "--cert", str(tmp_path / "answer.pem"))
    # Another one waits for its own certificate.
    other = make_key(tmp_path / "other.key")
    told = say(office, "cert", "import", "mine", "--cert", str(other))
    assert told["request_pending"] and told["key_type"] == "rsa-2048"
    csr = office.ctl("cert", "csr", "mine", "--new-key").stdout
    assert openssl("req", "-noout", "-pubkey", data=csr) == public(other)
    weak = make_key(tmp_path / "weak.key", "rsa1024")
    fails(office, 17, "cert", "import", "mine", "--key", str(weak))
    fails(office, 17, "cert", "import", "new", "--key", str(weak))
    office.ctl("cert", "remove", "mine")


# --- what is wrong ---------------------------------------------------------


def import_fails(office, status, folder, text, *more):
    """An import into `shop`, which a listener shows, that must fail."""
    folder.joinpath("bad.pem").write_text(text)
    return fails(office, status, "cert", "import", "shop", "--cert",
                 str(folder / "bad.pem"), *more)


@pytest.fixture
def untouched(office):
    """Nothing may become of `shop`, stored or shown."""
    def state():
        return {file.name: file.read_bytes()
                for file in certs_of(office).glob("shop.*")}
    before, shown = state(), serial_shown(office, "mail.shop.example")
    yield
    assert state() == before
    assert serial_shown(office, "mail.shop.example") == shown


def test_mismatched(office, authority, pairs, tmp_path, untouched):
    full = pairs["rsa"].full.read_text()
    text = import_fails(office, 11, tmp_path, full, "--key",
                        str(pairs["p256"].key))
    assert "give the key" in text
    text = import_fails(office, 11, tmp_path, full)
    assert "give its key" in text
    two = pairs["rsa"].key.read_text()
    text = import_fails(office, 11, tmp_path, full + two, "--key",
                        str(pairs["p256"].key))
    assert "another key" in text


def test_dates(office, authority, tmp_path, untouched):
    csr = office.ctl("cert", "csr", "default").stdout
    csr = request_for(make_key(tmp_path / "k"), "mail.shop.example")
    key = ["--key", str(tmp_path / "k")]
    text = import_fails(office, 12, tmp_path,
                        authority.sign(csr, days="-1") + authority.sub, *key)
    assert "get another" in text
    text = import_fails(office, 13, tmp_path,
                        authority.sign_from(csr, "20480101") + authority.sub,
                        *key)
    assert "clock" in text
    old = authority.intermediate(authority.sub_key, days="-1")
    text = import_fails(office, 12, tmp_path, authority.sign(csr) + old, *key)
    assert "Test Sub" in text


def test_purpose(office, authority, tmp_path, untouched):
    key = make_key(tmp_path / "k")
    for usage in ["extendedKeyUsage=clientAuth",
                  "extendedKeyUsage=critical,codeSigning,emailProtection"]:
        csr = request_for(key, "mail.shop.example", "-addext", usage)
        text = import_fails(office, 14, tmp_path,
                            authority.sign(csr) + authority.sub, "--key",
                            str(key))
        assert "serverAuth" in text


def test_weak(office, authority, tmp_path, untouched):
    key = make_key(tmp_path / "k", "rsa1024")
    leaf = authority.sign(request_for(key, "mail.shop.example"))
    text = import_fails(office, 17, tmp_path, leaf + authority.sub, "--key",
                        str(key))
    assert "2048" in text
    key = make_key(tmp_path / "k2")
    leaf = authority.sign(request_for(key, "mail.shop.example"), "-sha1")
    text = import_fails(office, 17, tmp_path, leaf + authority.sub, "--key",
                        str(key))
    assert "SHA-256" in text


@pytest.mark.parametrize("kind", ["p521", "ed448"])
def test_unsupported(office, authority, tmp_path, untouched, kind):
    key = make_key(tmp_path / "k", kind)
    leaf = authority.sign(request_for(key, "mail.shop.example"))
    text = import_fails(office, 16, tmp_path, leaf + authority.sub, "--key",
                        str(key))
    assert "P-256" in text or "RSA" in text


def test_a_request_is_no_certificate(office, tmp_path, untouched):
    csr = request_for(make_key(tmp_path / "k"))
    assert "sign" in import_fails(office, 16, tmp_path, csr)


def test_incomplete(office, authority, tmp_path, untouched):
    key = make_key(tmp_path / "k")
    leaf, _, _ = authority(request_for(key, "mail.shop.example"))
    text = import_fails(office, 18, tmp_path, leaf, "--key", str(key))
    assert "--chain" in text and "Test Sub" in text
    # One of the right name and the wrong key.
    text = import_fails(
        office, 18, tmp_path,
        leaf + authority.intermediate(make_key(tmp_path / "other")), "--key",
        str(key))
    assert "another key" in text


def test_roots(office, authority, pairs, tmp_path, monkeypatch):
    """Only a root that clients know ends a chain; one of the operator's own
    is given with it."""
    pair = pairs["p256"]
    bundle = ["--cert", str(pair.full), "--key", str(pair.key)]
    monkeypatch.delenv("SSL_CERT_FILE")
    text = fails(office, 18, "cert", "import", "one", *bundle)
    assert "Test Root" in text
    office.ctl("cert", "import", "one", *bundle, "--chain",
               str(authority.root_file))
    judge(office, authority, "one", pair)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    told = say(office, "cert", "import", "one", *bundle)
    assert any("no list of roots" in line for line in told["warnings"])
    judge(office, authority, "one", pair)


def test_strangers(office, authority, pairs, tmp_path):
    """Another authority's certificate is left out, another leaf is not."""
    pair = pairs["p256"]
    other = make_key(tmp_path / "ca.key")
    foreign = openssl("req", "-x509", "-new", "-key", other, "-subj",
                      "/CN=Foreign CA")
    tmp_path.joinpath("more.pem").write_text(foreign)
    told = say(office, "cert", "import", "one", "--cert", str(pair.full),
               "--key", str(pair.key), "--chain", str(tmp_path / "more.pem"))
    assert any("Foreign CA" in line for line in told["warnings"])
    judge(office, authority, "one", pair)
    fails(office, 18, "cert", "import", "one", "--cert", str(pair.full),
          "--key", str(pair.key), "--chain", str(pairs["rsa"].leaf))


def test_duplicate(office, authority, pairs):
    """A name is not taken away from what it is for, unless that is said."""
    def words(kind):
        return ["cert", "import", "one", "--cert", str(pairs[kind].full),
                "--key", str(pairs[kind].key)]
    office.ctl(*words("rsa"))
    text = fails(office, 19, *words("p256"))
    assert "--replace" in text and "rsa.foreign.example" in text
    office.ctl(*words("rsa"))
    office.ctl(*words("p256"), "--replace")
    judge(office, authority, "one", pairs["p256"])
    # What we have signed ourselves is a stand-in.
    office.ctl("cert", "create", "one", "--names", "elsewhere.example")
    fails(office, 19, "cert", "create", "one")
    office.ctl(*words("rsa"))
    judge(office, authority, "one", pairs["rsa"])


def test_names_of_listeners(office, authority, tmp_path):
    """A listener that is asked for another name: told, not refused."""
    before = serial_shown(office, "mail.shop.example")
    key = make_key(tmp_path / "k")
    leaf, sub, _ = authority(request_for(key, "www.shop.example"))
    tmp_path.joinpath("full.pem").write_text(leaf + sub)
    told = say(office, "cert", "import", "shop", "--cert",
               str(tmp_path / "full.pem"), "--key", str(key))
    assert told["listeners"] == ["imaps"] and told["activation"]
    [line] = told["warnings"]
    assert "imaps" in line and "mail.shop.example" in line
    assert "www.shop.example" in line
    office.ctl("cert", "rollback", "shop")
    wait_for(lambda: serial_shown(office, "mail.shop.example") == before)


def test_a_name_with_files_of_its_own(authority, pairs, tmp_path, servers):
    """What others manage is listed, shown and exported from its files, and
    nothing is kept under its name."""
    pair, other = pairs["p256"], pairs["rsa"]
    server = servers(workers=1, config=f"""
        certificates: {{ own: {{ cert_file = "{pair.full}";
                                 key_file = "{pair.key}"; }}; }};
        listeners: {{ imaps: {{ tls: {{ certificates = [ "own" ]; }}; }}; }};
        """)
    for words in ["import", "own", "--cert", str(other.full), "--key",
                  str(other.key)], ["create", "own"], ["csr", "own"], \
            ["renew", "own"], ["rollback", "own"]:
        assert str(pair.full) in fails(server, 19, "cert", *words)
    assert not list(certs_of(server).glob("own.*"))
    shown = say(server, "cert", "show", "own")
    assert int(shown["serial"], 16) == int(serial_of(pair.leaf_pem), 16)
    assert shown["files"] == {"key": str(pair.key),
                              "certificate": str(pair.full)}
    assert "problem" not in shown and shown["listeners"] == ["imaps"]
    assert str(pair.full) in server.ctl("cert", "show", "own").stdout
    assert serial_of(server.ctl("cert", "export", "own").stdout) == \
        serial_of(pair.leaf_pem)
    listed = {c["name"]: c for c in say(server, "cert", "list")}
    assert listed["own"]["fingerprint"] == shown["fingerprint"]
    assert "own " in server.ctl("cert", "list").stdout


# --- cut off ---------------------------------------------------------------


def cuts(data, binary):
    """Shorter and shorter: within the last line of PEM, which may lack its
    line end, and everywhere else."""
    size = len(data)
    tail = [1, 2, 20] if binary else [10, 30]
    return [data[:size - n] for n in tail] + \
        [data[:size * part // 8] for part in (7, 5, 4, 2, 1)]


def test_truncated(office, pairs, secret, tmp_path, untouched):
    pair = pairs["rsa"]
    files = [(file, what) for what, file, _ in pair.bundles()
             if what not in ("combined", "with text")]
    files += [(files[0], what) for what, files in pair.chains()
              if what in ("DER", "PKCS#7 PEM", "PKCS#7 DER")]
    cut = tmp_path / "cut"
    for file, what in files:
        data = file.read_bytes()
        for part in cuts(data, b"-----BEGIN" not in data):
            cut.write_bytes(part)
            done = office.ctl("cert", "import", "shop", "--cert", str(cut),
                              "--key", str(pair.key), "--passphrase-file",
                              str(secret / "right"), check=False)
            assert done.returncode == 15, (what, len(part), done.stderr)
            assert done.stderr.startswith(f"posternctl: {cut}: ")


def test_truncated_keys(office, pairs, secret, tmp_path, untouched):
    pair = pairs["rsa"]
    cut = tmp_path / "cut"
    for what, file, _ in pair.keys():
        data = file.read_bytes()
        for part in cuts(data, b"-----BEGIN" not in data):
            cut.write_bytes(part)
            done = office.ctl("cert", "import", "shop", "--cert",
                              str(pair.full), "--key", str(cut),
                              "--passphrase-file", str(secret / "right"),
                              check=False)
            assert done.returncode == 15, (what, len(part), done.stderr)


def test_truncated_combined(office, pairs, tmp_path, untouched):
    """The last certificate of a file is cut: it is not just left out."""
    text = pairs["p256"].full.read_text()
    for part in cuts(text, False)[:3]:
        tmp_path.joinpath("cut").write_text(part)
        fails(office, 15, "cert", "import", "shop", "--cert",
              str(tmp_path / "cut"), "--key", str(pairs["p256"].key))


def test_nonsense(office, tmp_path, untouched):
    for data in b"", b"hello\n", bytes(1000), b"\x30\x82" + bytes(500), \
            b"-----BEGIN CERTIFICATE-----\n", json.dumps([1] * 500).encode():
        tmp_path.joinpath("it").write_bytes(data)
        fails(office, 15, "cert", "import", "shop", "--cert",
              str(tmp_path / "it"))
    tmp_path.joinpath("it").write_bytes(b"x" * (300 << 10))
    fails(office, 16, "cert", "import", "shop", "--cert", str(tmp_path / "it"))
    fails(office, 1, "cert", "import", "shop", "--cert",
          str(tmp_path / "missing"))
