# SPDX-License-Identifier: LGPL-2.1-or-later
#
# OCSP stapling, with both providers. OpenSSL's command line is the authority,
# its responder, and the judge of what clients see.
import os
import re
import subprocess
import time

import pytest
from conftest import wait_for
from test_reload import Site
from test_supervisor import free_port

PROVIDERS = ["tls_wolfssl", "tls_openssl"]


def openssl(*words, folder, **more):
    return subprocess.run(["openssl", *map(str, words)], cwd=folder,
                          capture_output=True, text=True, timeout=60,
                          check=True, **more).stdout


class Authority:
    """A folder with a root, and what it has signed and revoked."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.port = free_port()
        self.child = None
        self.index = folder / "index.txt"
        self.index.write_text("")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                 "-out", "ca.crt", "-days", "30", "-subj", "/CN=Test root")

    def run(self, *words):
        return openssl(*words, folder=self.folder)

    def sign(self, name, serial, more=""):
        (self.folder / "ext").write_text(
            f"subjectAltName=DNS:{name}\n"
            f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{self.port}/\n"
            + more)
        self.run("req", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt",
                 "-CAkey", "ca.key", "-set_serial", serial, "-days", "20",
                 "-extfile", "ext", "-out", f"{name}.pem")
        chain = self.folder / f"{name}.crt"
        chain.write_text((self.folder / f"{name}.pem").read_text()
                         + (self.folder / "ca.crt").read_text())
        os.chmod(self.folder / f"{name}.key", 0o600)
        self.status(serial)
        return chain, self.folder / f"{name}.key"

    def status(self, serial, revoked=False):
        """As `openssl ca` keeps it."""
        lines = [line for line in self.index.read_text().splitlines()
                 if line.split("\t")[3] != f"{serial:04X}"]
        word, when = ("R", "260101000000Z") if revoked else ("V", "")
        lines.append(f"{word}\t400101000000Z\t{when}\t{serial:04X}\tunknown"
                     f"\t/CN={serial}")
        self.index.write_text("\n".join(lines) + "\n")

    def response(self, name, *more, signer="ca"):
        """What its responder would say, in DER."""
        out = self.folder / "response.der"
        words = more or ("-ndays", "2")
        self.run("ocsp", "-index", "index.txt", "-CA", "ca.crt", "-rsigner",
                 f"{signer}.crt", "-rkey", f"{signer}.key", "-issuer",
                 "ca.crt", "-cert", f"{name}.pem", "-no_nonce", "-noverify",
                 *words, "-respout", out)
        return out.read_bytes()

    def open(self):
        self.child = subprocess.Popen(
            ["openssl", "ocsp", "-index", "index.txt", "-CA", "ca.crt",
             "-rsigner", "ca.crt", "-rkey", "ca.key", "-port", str(self.port),
             "-ndays", "2"], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def close(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None


@pytest.fixture
def authority(tmp_path):
    one = Authority(tmp_path / "ca")
    yield one
    one.close()


@pytest.fixture(params=PROVIDERS)
def tls(request):
    return request.param


@pytest.fixture
def site(tmp_path, tls):
    one = Site(tmp_path)
    yield one
    one.stop()


def write(site, tls, pair, ocsp, server=""):
    site.write('tls: { protocol = "pop3"; listen = [ "127.0.0.1:@tls@" ];'
               ' tls: { mode = "implicit"; }; };',
               more=f'certificates: {{ default: {{ cert_file = "{pair[0]}";'
                    f' key_file = "{pair[1]}"; {ocsp} }}; }};',
               server=server, load="pop3 ocsp")
    text = site.file.read_text()
    site.file.write_text(re.sub(r'load = \[ "tls_\w+"', f'load = [ "{tls}"',
                                text))
    return site


def staple(site, authority, *more):
    """What `openssl s_client -status` says: "good", "revoked" or None."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{site.ports['tls']}",
         "-status", "-CAfile", authority.folder / "ca.crt", *more],
        input="QUIT\r\n", capture_output=True, text=True, timeout=30,
        check=False).stdout
    assert "Verify return code: 0 (ok)" in done, done
    found = re.search(r"Cert Status: (\w+)", done)
    assert found or "OCSP response: no response sent" in done, done
    return found and found[1]


def test_of_a_file(site, authority, tls):
    pair = authority.sign("localhost", 0x1001)
    file = authority.folder / "staple.der"
    file.write_bytes(authority.response("localhost"))
    write(site, tls, pair, f'ocsp = "file"; ocsp_file = "{file}";').start()
    site.wait_log("ocsp.loaded")
    for version in "-tls1_2", "-tls1_3":
        assert staple(site, authority, version) == "good"
    status = {c["name"]: c for c in site.status()["certificates"]}
    assert int(status["default"]["stapled_until"]) > time.time()
    # A bad one changes nothing; each says what is wrong with it.
    other = authority.sign("other.test", 0x1002)
    assert other
    stranger = Authority(authority.folder / "stranger")
    stranger.sign("localhost", 0x1001)
    authority.status(0x1001, revoked=True)
    forged = bytearray(authority.response("localhost", "-ndays", "2",
                                          "-resp_no_certs"))
    forged[-1] ^= 1
    authority.status(0x1001)
    for bad, why in (
            (b"nonsense", "no OCSP response"),
            (authority.response("other.test"), "another certificate"),
            (stranger.response("localhost"), "another certificate"),
            (bytes(forged), "signature"),
            (authority.response("localhost")[:-9], "no OCSP response")):
        file.with_suffix(".new").write_bytes(bad)
        file.with_suffix(".new").rename(file)
        site.wait_log("ocsp.refused.*" + why)
        assert staple(site, authority) == "good"
        (site.folder / "log").write_text("")
    # Another good one is taken over without a reload.
    file.with_suffix(".new").write_bytes(
        authority.response("localhost", "-ndays", "9"))
    file.with_suffix(".new").rename(file)
    before = int(status["default"]["stapled_until"])
    wait_for(lambda: int(site.status()["certificates"][0]["stapled_until"])
             > before, 30)
    assert staple(site, authority) == "good"


def test_of_an_old_file(site, authority, tls):
    """What expires soon is not stapled, nor what is revoked."""
    pair = authority.sign("localhost", 0x1001)
    file = authority.folder / "staple.der"
    file.write_bytes(authority.response("localhost", "-nmin", "1"))
    write(site, tls, pair, f'ocsp = "file"; ocsp_file = "{file}";').start()
    site.wait_log("ocsp.refused.*it has expired")
    assert staple(site, authority) is None
    authority.status(0x1001, revoked=True)
    file.write_bytes(authority.response("localhost"))
    site.wait_log("ocsp.refused.*has revoked the certificate")
    assert staple(site, authority) is None
    authority.status(0x1001)
    file.write_bytes(authority.response("localhost"))
    wait_for(lambda: staple(site, authority) == "good", 30)
    # It is withdrawn at once when the authority says so.
    authority.status(0x1001, revoked=True)
    file.write_bytes(authority.response("localhost"))
    wait_for(lambda: staple(site, authority) is None, 30)


def test_must_staple(site, authority, tls):
    pair = authority.sign("localhost", 0x1001, "tlsfeature=status_request\n")
    write(site, tls, pair, "").start()
    site.wait_log("ocsp.must-staple")


@pytest.mark.parametrize("processes", ["workers", "single"])
def test_fetched(site, authority, tls, processes):
    pair = authority.sign("localhost", 0x1001)
    authority.open()
    write(site, tls, pair, 'ocsp = "fetch";',
          server=f'processes = "{processes}";').start()
    site.wait_log("ocsp.fetched")
    wait_for(lambda: staple(site, authority) == "good", 30)
    assert (site.folder / "state/ocsp/default.der").stat().st_size > 100


def test_nobody_answers(site, authority, tls):
    """It serves without, and says so."""
    pair = authority.sign("localhost", 0x1001)
    write(site, tls, pair, 'ocsp = "fetch";').start()
    site.wait_log("ocsp.not-fetched")
    assert staple(site, authority) is None
