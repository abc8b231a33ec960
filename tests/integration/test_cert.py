# SPDX-License-Identifier: LGPL-2.1-or-later
#
# posternctl cert, with OpenSSL's command line as the judge of every key,
# request, certificate and chain, and as the authority that signs. Both TLS
# providers make and read them.
import json
import pathlib

import pytest
from certtest import authority, office  # noqa: F401 (fixtures)
from certtest import certs_of, fails, openssl, serial_of, serial_shown, typed
from conftest import wait_for


@pytest.mark.parametrize("kind, algorithm", [
    ("ecdsa-p256", "P-256"), ("ecdsa-p384", "P-384"),
    ("rsa-2048", "2048 bit"), ("rsa-3072", "3072 bit"),
    ("rsa-4096", "4096 bit"), ("ed25519", "ED25519")])
def test_create_of_every_type(office, kind, algorithm):
    name = "new-" + kind
    office.ctl("cert", "create", name, "--type", kind, "--days", "90",
               "--names", "a.example,*.b.example")
    certs = pathlib.Path(office.env["STATE"]) / "certs"
    text = openssl("x509", "-in", str(certs / f"{name}.crt"), "-noout", "-text")
    assert algorithm in text
    assert "DNS:a.example, DNS:*.b.example" in text
    openssl("verify", "-CAfile", str(certs / f"{name}.crt"),
            str(certs / f"{name}.crt"))
    request = openssl("req", "-in", str(certs / f"{name}.csr"), "-noout",
                      "-text", "-verify")
    assert "DNS:a.example" in request
    public = [openssl("pkey", "-in", str(certs / f"{name}.key"), "-pubout"),
              openssl("x509", "-in", str(certs / f"{name}.crt"), "-noout",
                      "-pubkey"),
              openssl("req", "-in", str(certs / f"{name}.csr"), "-noout",
                      "-pubkey")]
    assert public[0] == public[1] == public[2]
    shown = json.loads(office.ctl("cert", "show", name, "--json").stdout)
    assert shown["key_type"] == kind and shown["self_signed"]
    assert office.ctl("cert", "create", name, check=False).returncode == 19
    office.ctl("cert", "remove", name)
    assert not list(certs.glob(f"{name}*"))


def test_weak_keys_are_refused(office):
    done = office.ctl("cert", "create", "weak", "--type", "rsa-1024",
                      check=False)
    assert done.returncode == 17 and "2048" in done.stderr
    done = office.ctl("cert", "create", "odd", "--type", "rot13", check=False)
    assert done.returncode == 2 and "ecdsa-p256" in done.stderr


def test_a_request_is_answered(office, authority, tmp_path):
    """Request, signature by an authority, import: shown at once to new
    clients, and the old one again after a rollback."""
    before = serial_shown(office, "mail.shop.example")
    csr = office.ctl("cert", "csr", "shop", "--new-key").stdout
    assert "mail.shop.example" in openssl("req", "-noout", "-text", "-verify",
                                          data=csr)
    shown = json.loads(office.ctl("cert", "show", "shop", "--json").stdout)
    assert shown["request_pending"]
    assert serial_shown(office, "mail.shop.example") == before
    leaf, sub, root = authority(csr)
    # In the wrong order, with the root: it is put right.
    answer = tmp_path / "answer.pem"
    answer.write_text(root + sub + leaf)
    office.ctl("cert", "import", "shop", "--cert", str(answer))
    serial = serial_of(leaf)
    wait_for(lambda: serial_shown(office, "mail.shop.example") == serial)
    chain = office.ctl("cert", "export", "shop").stdout
    assert chain.replace("\n", "") == (leaf + sub).replace("\n", "")
    exported = tmp_path / "chain.pem"
    exported.write_text(chain)
    openssl("verify", "-CAfile", str(authority.folder / "root.crt"),
            "-untrusted", str(exported), str(exported))
    history = json.loads(office.ctl("cert", "history", "shop", "--json").stdout)
    assert [h["serial"].lower() for h in history][-1] == before.lower()
    office.ctl("cert", "rollback", "shop")
    wait_for(lambda: serial_shown(office, "mail.shop.example") == before)


def test_a_foreign_pair(office, authority, tmp_path):
    key = tmp_path / "own.key"
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
            "-out", str(key))
    csr = openssl("req", "-new", "-key", str(key), "-subj", "/CN=foreign",
                  "-addext", "subjectAltName=DNS:mail.foreign.example")
    leaf, sub, _ = authority(csr)
    files = {"leaf.pem": leaf, "sub.pem": sub,
             "all.pem": key.read_text() + leaf + sub}
    for name, text in files.items():
        tmp_path.joinpath(name).write_text(text)
    office.ctl("cert", "import", "foreign", "--cert", str(tmp_path / "leaf.pem"),
               "--chain", str(tmp_path / "sub.pem"), "--key", str(key))
    office.ctl("cert", "import", "combined", "--cert",
               str(tmp_path / "all.pem"))
    both = [office.ctl("cert", "export", name, "--key").stdout
            for name in ("foreign", "combined")]
    assert "PRIVATE KEY" in both[0]
    for text in both:
        assert text.count("BEGIN CERTIFICATE") == 2
        assert text.count("PRIVATE KEY") == 2
        assert openssl("pkey", "-pubout", data=text) == \
            openssl("pkey", "-in", str(key), "-pubout")
    office.ctl("cert", "rename", "combined", "other")
    names = [c["name"] for c in
             json.loads(office.ctl("cert", "list", "--json").stdout)]
    assert "other" in names and "combined" not in names


def test_what_is_wrong_changes_nothing(office, authority, tmp_path):
    before = serial_shown(office, "mail.shop.example")
    leaf, sub, _ = authority(office.ctl("cert", "csr", "shop").stdout)
    other = tmp_path / "other.key"
    openssl("genpkey", "-algorithm", "ED25519", "-out", str(other))
    old, _, _ = authority(office.ctl("cert", "csr", "shop").stdout, days="-1")
    cases = {
        "mismatch": (leaf + sub, ["--key", str(other)], 11),
        "expired": (old + sub, [], 12),
        "truncated": (leaf[:300], [], 15),
        "no-certificate": ("hello\n", [], 15),
        "stranger": (leaf + sub + authority(
            office.ctl("cert", "csr", "default").stdout)[0], [], 18),
    }
    for name, (text, more, status) in cases.items():
        file = tmp_path / (name + ".pem")
        file.write_text(text)
        done = office.ctl("cert", "import", "shop", "--cert", str(file), *more,
                          check=False)
        assert done.returncode == status, (name, done.stderr)
        assert done.stderr.startswith("posternctl: ")
    assert serial_shown(office, "mail.shop.example") == before
    done = office.ctl("cert", "remove", "shop", check=False)
    assert done.returncode == 21 and "imaps" in done.stderr
    assert office.ctl("cert", "show", "nobody", check=False).returncode == 20
    assert office.ctl("cert", "show", "../x", check=False).returncode == 20


def test_self_signed_is_renewed(office):
    before = serial_shown(office, "localhost")
    office.ctl("cert", "renew", "default")
    wait_for(lambda: serial_shown(office, "localhost") != before)


def test_bind(office, tmp_path):
    office.ctl("cert", "create", "blog", "--names", "blog.example")
    done = office.ctl("cert", "bind", "blog", "imaps")
    assert 'certificates = [ "default", "shop", "blog" ];' in done.stdout
    assert 'blog: { names = [ "blog.example" ]; };' in done.stdout
    done = office.ctl("cert", "bind", "blog", "imaps", "--write")
    file = pathlib.Path(office.env["CONFIG"]).parent / "certificates.d/imaps.conf"
    assert '"default", "shop", "blog"' in file.read_text()
    assert '@include "certificates.d/imaps.conf"' in done.stdout
    assert office.ctl("cert", "bind", "blog", "nobody",
                      check=False).returncode == 20
