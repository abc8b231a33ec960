# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of `posternctl cert` share: OpenSSL's command line, an
# authority made with it, and what a listener shows.
import json
import os
import pathlib
import pty
import select
import ssl
import subprocess
import time

import pytest
from conftest import Server


def openssl(*words, data=None):
    """Its output, as text; it must succeed."""
    done = subprocess.run(["openssl", *map(str, words)], input=data, text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


KINDS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
}


def make_key(path, kind="p256"):
    openssl("genpkey", *KINDS[kind], "-out", path)
    return pathlib.Path(path)


def public(path_or_pem):
    """The public half of a key, as OpenSSL reads it."""
    if isinstance(path_or_pem, pathlib.Path):
        return openssl("pkey", "-in", path_or_pem, "-pubout")
    return openssl("pkey", "-pubout", data=path_or_pem)


def serial_of(pem):
    return openssl("x509", "-noout", "-serial", data=pem).split("=")[1].strip()


class Authority:
    """A root and an intermediate in a folder. SSL_CERT_FILE names the root
    for as long as the tests of a module run, so the tool knows it."""

    def __init__(self, folder):
        self.folder = folder
        self.root_key = make_key(folder / "root.key")
        self.sub_key = make_key(folder / "sub.key")
        self.root_file, self.sub_file = folder / "root.crt", folder / "sub.crt"
        openssl("req", "-x509", "-new", "-key", self.root_key, "-subj",
                "/CN=Test Root", "-days", "30", "-out", self.root_file)
        self.sub_file.write_text(self.intermediate(self.sub_key))
        self.root, self.sub = (f.read_text()
                               for f in (self.root_file, self.sub_file))

    def intermediate(self, key, days=20):
        """A certificate of the intermediate's name for a key."""
        csr = openssl("req", "-new", "-key", key, "-subj", "/CN=Test Sub")
        self.folder.joinpath("ca.ext").write_text(
            "basicConstraints=critical,CA:TRUE\n")
        self.folder.joinpath("any.csr").write_text(csr)
        openssl("x509", "-req", "-in", self.folder / "any.csr", "-CA",
                self.root_file, "-CAkey", self.root_key, "-CAcreateserial",
                "-days", days, "-extfile", self.folder / "ca.ext", "-out",
                self.folder / "any.crt")
        return self.folder.joinpath("any.crt").read_text()

    def sign(self, csr, *more, days="10"):
        """The certificate that answers a request; `more` for openssl."""
        self.folder.joinpath("one.csr").write_text(csr)
        openssl("x509", "-req", "-in", self.folder / "one.csr", "-CA",
                self.sub_file, "-CAkey", self.sub_key, "-CAcreateserial",
                "-days", days, "-copy_extensions", "copy", *more, "-out",
                self.folder / "one.crt")
        return self.folder.joinpath("one.crt").read_text()

    def __call__(self, csr, days="10"):
        return self.sign(csr, days=days), self.sub, self.root

    def sign_from(self, csr, start):
        """One that is valid from a day on, YYYYMMDD, for a year."""
        folder = self.folder
        folder.joinpath("index").write_text("")
        folder.joinpath("serial").write_text("1234567890\n")
        folder.joinpath("one.csr").write_text(csr)
        folder.joinpath("ca.cnf").write_text(f"""
            [ca]
            default_ca = it
            [it]
            database = {folder}/index
            serial = {folder}/serial
            new_certs_dir = {folder}
            default_md = sha256
            policy = any
            copy_extensions = copy
            unique_subject = no
            [any]
            commonName = optional
            """)
        end = f"{int(start[:4]) + 1}{start[4:]}"
        openssl("ca", "-batch", "-notext", "-config", folder / "ca.cnf",
                "-cert", self.sub_file, "-keyfile", self.sub_key, "-in",
                folder / "one.csr", "-startdate", start + "000000Z",
                "-enddate", end + "000000Z", "-out", folder / "one.crt")
        return folder.joinpath("one.crt").read_text()


def request_for(key, name="mail.foreign.example", *more):
    return openssl("req", "-new", "-key", key, "-subj", f"/CN={name}",
                   "-addext", f"subjectAltName=DNS:{name}", *more)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    one = Authority(tmp_path_factory.mktemp("authority"))
    os.environ["SSL_CERT_FILE"] = str(one.root_file)
    yield one
    del os.environ["SSL_CERT_FILE"]


@pytest.fixture(scope="module", params=["tls_wolfssl", "tls_openssl"])
def office(request, tmp_path_factory):
    """A running server whose imaps listener shows `default` and `shop`."""
    folder = tmp_path_factory.mktemp("office")
    server = Server(folder, tls=request.param, workers=1, config="""
        certificates: { shop: { names = [ "mail.shop.example" ]; }; };
        listeners: { imaps: { tls: { certificates = [ "default", "shop" ]; }; };
        };""")
    yield server
    server.down()


def certs_of(office):
    return pathlib.Path(office.env["STATE"]) / "certs"


def serial_shown(server, name):
    """What the imaps listener shows a client that asks for `name`."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with server.connect("imaps") as s, \
            context.wrap_socket(s, server_hostname=name) as tls:
        der = tls.getpeercert(binary_form=True)
    return serial_of(ssl.DER_cert_to_PEM_cert(der))


def fails(office, status, *words, stdin=None):
    """A command that must end with a status: its text, which is on standard
    error and in the JSON."""
    done = office.ctl(*words, "--json", check=False, stdin=stdin)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    error = json.loads(done.stdout)["error"]
    assert error["status"] == status and error["code"]
    assert f"posternctl: {error['text']}\n" in done.stderr
    return done.stderr


def say(office, *words):
    """A command's JSON."""
    return json.loads(office.ctl(*words, "--json").stdout)


def typed(office, words, answers, seconds=60):
    """Runs the tool on a terminal of its own, and types an answer after each
    prompt. Its status and all that stood on the terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        tool = office.env["PREFIX"] + "/bin/posternctl"
        os.execv(tool, [tool, "--config", office.env["CONFIG"], *words])
    seen, asked, end = b"", 0, time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            data = os.read(fd, 4096)
        except OSError:  # the terminal is gone with the program
            data = b""
        if not data:
            break
        seen += data
        while seen.count(b": ") + seen.count(b":\r\n") > asked < len(answers):
            os.write(fd, answers[asked].encode() + b"\n")
            asked += 1
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()
