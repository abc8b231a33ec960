# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The operators' guide, postern-certificates(7): everything that it tells to
# do is done here, with what is printed compared; guidetest.py says how. After
# a change of words, with the variables that tools/test sets,
#
#   tests/integration/test_guide.py --update
#
# puts what is really printed into the page, to be read before it is kept.
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import guidetest
import pytest
from acmetest import Authority
from conftest import TREE, wait_for
from test_supervisor import PREFIX, TLS, free_port

PAGE = TREE / "conf/postern-certificates.7"


class Signer:
    """The authority of the second way, on a desk without network: a root and
    an intermediate of its own."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.make("root", "x509", "-days", "3650", "-signkey", "root.key")
        self.make("sub", *self.signed_by("root"), "-days", "1825")

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.folder,
                       check=True, capture_output=True, timeout=60)

    def signed_by(self, name):
        return ("x509", "-CA", f"{name}.crt", "-CAkey", f"{name}.key",
                "-CAcreateserial")

    def make(self, name, *how):
        self.folder.joinpath("ca.ext").write_text(
            "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     f"/O=Example Authority/CN=Example {name.title()} CA",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl(*how, "-req", "-in", f"{name}.csr", "-extfile", "ca.ext",
                     "-out", f"{name}.crt")

    def sign(self, csr, crt, days=90):
        """The certificate, its intermediate behind it."""
        self.folder.joinpath("leaf.ext").write_text(
            "extendedKeyUsage=serverAuth\n")
        self.openssl(*self.signed_by("sub"), "-req", "-in", csr, "-days", days,
                     "-copy_extensions", "copy", "-extfile", "leaf.ext",
                     "-out", crt)
        with open(self.folder / crt, "a", encoding="utf-8") as f:
            f.write((self.folder / "sub.crt").read_text())

    def pair(self, stem, names, days=90):
        """A key and a certificate that others have made."""
        alternative = ",".join(f"DNS:{name}" for name in names)
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     f"/CN={names[0]}", "-addext",
                     f"subjectAltName={alternative}", "-keyout",
                     f"{stem}.key", "-out", f"{stem}.csr")
        self.sign(f"{stem}.csr", f"{stem}.crt", days)


class Operator(guidetest.Reader):
    """Reads the page beside a server with the shipped configuration."""

    def __init__(self, folder):
        shipped = (TREE / "conf/postern.conf").read_text()
        config = guidetest.testbed.Reader(shipped).settings()
        del config["server"]["user"]
        super().__init__(folder, {"posternd": PREFIX / "sbin/posternd",
                                  "posternctl": PREFIX / "bin/posternctl"},
                         config)
        self.signer = Signer(folder / "signer")
        # The machine knows this authority, too.
        self.roots = folder / "roots.pem"
        self.roots.write_bytes((folder / "signer/root.crt").read_bytes())
        self.env["SSL_CERT_FILE"] = str(self.roots)
        self.child = self.authority = None
        self.ports = {port: free_port() for port in
                      (25, 587, 465, 110, 995, 143, 993, 80, 443)}
        self.words = {
            "/etc/postern": str(folder / "etc"),
            "/var/lib/postern": str(folder / "state"),
            "/var/log/postern.log": str(folder / "log"),
            "/etc/letsencrypt": str(folder / "letsencrypt"),
            "chgrp -R postern": f"chgrp -R {os.getgid()}",
            "tls_wolfssl": TLS,
        }
        for port, free in self.ports.items():
            self.words[f"mail.example.org:{port}"] = f"127.0.0.1:{free}"
            self.words[f'"*:{port}"'] = f'"127.0.0.1:{free}"'
            self.words[f"www.example.org:{port}/"] = f"www.example.org:{free}/"
            self.words[f"127.0.0.99:{port}"] = f"127.0.0.99:{free}"
        for name in ("sign", "pkcs12", "certbot", "spoil",
                     "elsewhere", "type", "wait"):
            self.verbs[name] = getattr(self, name)
        self.verbs["authority"] = self.start_authority
        self.verbs["here"] = self.lead_here
        self.commands["systemctl restart postern"] = self.restart

    # --- the server ---

    def configure(self, text):
        """Without what was not built."""
        if not list(PREFIX.glob("lib/postern/sasl_gsasl.*")):
            text = text.replace('"sasl_gsasl", ', "")
        super().configure(text)

    def start(self):
        text = "".join(f"{k} = {guidetest.testbed.written(v)};\n"
                       for k, v in self.config.items())
        (self.folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.configure(text)
        self.spawn()

    def spawn(self):
        with open(self.folder / "log", "ab") as log:
            self.child = subprocess.Popen(
                [PREFIX / "sbin/posternd", "--config", self.file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.log().count("server.ready") > self.starts, 60,
                 self.log())
        self.starts = self.log().count("server.ready")

    starts = 0

    def restart(self):
        self.stop()
        self.spawn()

    def stop(self):
        if self.child:
            self.child.terminate()
            try:
                self.child.wait(40)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(20)
        self.child = None

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        self.stop()
        if self.authority:
            self.authority.close()

    # --- what others do ---

    def sign(self, csr, crt):
        self.signer.sign(self.home / csr, self.home / crt)

    def pkcs12(self, file, passphrase, *names):
        self.signer.pair("other", names)
        self.signer.openssl("pkcs12", "-export", "-inkey", "other.key", "-in",
                            "other.crt", "-passout", f"pass:{passphrase}",
                            "-out", self.home / file)

    def certbot(self, *names):
        """As certbot leaves it: links that lead to the newest version."""
        live = self.folder / "letsencrypt/live" / names[0]
        archive = self.folder / "letsencrypt/archive" / names[0]
        for path in (live, archive):
            path.mkdir(parents=True, exist_ok=True)
        number = len(list(archive.glob("*.key"))) + 1
        self.signer.pair(archive / str(number), names)
        for link, kind in (("fullchain.pem", "crt"), ("privkey.pem", "key")):
            (live / "new").symlink_to(archive / f"{number}.{kind}")
            (live / "new").rename(live / link)

    def spoil(self, name):
        """A key comes that is not the certificate's."""
        self.signer.pair("stray", [name])
        key = self.folder / "letsencrypt/live" / name / "privkey.pem"
        new = key.with_name("new")
        new.write_bytes((self.signer.folder / "stray.key").read_bytes())
        new.chmod(0o600)
        new.rename(key)

    def start_authority(self):
        """pebble is Let's Encrypt, from here on."""
        self.authority = Authority(
            self.folder / "pebble", self.ports[80], self.ports[443],
            certificateValidityPeriod=90 * 86400)
        with open(self.roots, "ab") as f:
            f.write(self.authority.root(self.folder / "root.pem").read_bytes())
        self.words['directory = "letsencrypt";'] = (
            f'directory = "{self.authority.url}"; '
            f'ca_file = "{self.authority.cafile}";')
        self.words["https://dns.example.net"] = (
            f"http://127.0.0.1:{self.authority.dns_admin}")

    def elsewhere(self, name):
        """The name leads to a machine where nobody listens."""
        self.authority.tell_dns("add-a", host=f"{name}.",
                                addresses=["127.0.0.99"])

    def lead_here(self, name):
        self.authority.tell_dns("clear-a", host=f"{name}.")

    def type(self, *words):
        self.typed = " ".join(words) + "\n"

    def wait(self, *words):
        """Until the log has it, behind what was there at the last wait."""
        pattern = " ".join(words)
        def found():
            return re.compile(pattern).search(self.log(), self.seen)
        match = wait_for(found, 60, f"no {pattern!r} in {self.log()}")
        self.seen = match.end()

    seen = 0


def follow(folder, learn=False):
    lines, steps = guidetest.read(PAGE)
    operator = Operator(folder)
    try:
        operator.start()
        operator.follow(steps, learn)
    finally:
        operator.close()
        if learn:
            PAGE.write_text(guidetest.rewritten(lines, steps))


def test_what_is_told_is_so(tmp_path):
    follow(tmp_path)


@pytest.mark.parametrize("said, real, alike", [
    (["until 2027-01-02 (41 days)"], ["until  2028-11-12 (7 days)"], True),
    (["good"], ["bad"], False),
    (["a", "...", "z"], ["a", "b", "c", "z"], True),
    (["a", "...", "z"], ["a", "b", "c"], False),
    (["key AB:CD:... yes"], ["key AB:CD:EF yes"], True),
    (["shop  default"], ["shop default"], True),
    ([], ["more"], False),
])
def test_lines_are_compared(said, real, alike):
    assert guidetest.same(said, real) == alike


def test_errors_are_those_of_the_tool(run):
    """The page tells what to do about each exit status of `cert`."""
    said = run(PREFIX / "bin/posternctl", "cert", "import", "--help")
    statuses = set(re.findall(r"^ +([12][0-9])  ", said, flags=re.M))
    told = set(re.findall(r"^\.It ([12][0-9])$", PAGE.read_text(), re.M))
    assert statuses and statuses == told


def test_page_is_well_formed(tool):
    done = subprocess.run([tool("mandoc"), "-T", "lint", "-W", "warning",
                           PAGE], capture_output=True, text=True, check=False)
    assert not done.stdout


if __name__ == "__main__" and sys.argv[1:] == ["--update"]:
    work = pathlib.Path(tempfile.mkdtemp())
    follow(work, learn=True)
    shutil.rmtree(work)
