# SPDX-License-Identifier: LGPL-2.1-or-later
#
# TLS as clients meet it, with both providers: explicit and implicit listeners,
# versions, names, tickets across workers, and those who come wrong.
import imaplib
import poplib
import re
import smtplib
import socket
import ssl
import subprocess

import pytest

from conftest import Server, run, wait_for
from mailtest import distrust

PROVIDERS = ["tls_wolfssl", "tls_openssl"]
WORKERS = 3
CONFIG = """
certificates: {
  shop: { names = [ "mail.shop.example", "*.pop.shop.example" ]; };
  elder: { names = [ "localhost", "mail.example.test" ];
           key_type = "rsa2048"; };
  edward: { names = [ "ed.example.test" ]; key_type = "ed25519"; };
};
listeners: {
  imaps: { tls: { certificates = [ "default", "shop", "elder", "edward" ]; }; };
  imap: { tls: { certificates = [ "default", "shop" ]; require = "always"; }; };
  pop3s: { tls: { min_version = "1.3"; alpn_strict = true; }; };
  smtps: { tls: { max_version = "1.2"; tickets = false; }; };
};
"""
EXPLICIT = {"smtp": "smtp", "submission": "smtp", "pop3": "pop3",
            "imap": "imap"}
IMPLICIT = ["smtps", "pop3s", "imaps"]


@pytest.fixture(scope="module", params=PROVIDERS)
def house(request, tmp_path_factory):
    one = Server(tmp_path_factory.mktemp(request.param), config=CONFIG,
                 workers=WORKERS, tls=request.param)
    yield one
    one.down()


def certificate(house, name):
    return house.folder / "state/certs" / f"{name}.crt"


def s_client(house, service, *more, text=""):
    """openssl s_client, with STARTTLS where the listener is explicit."""
    words = ["openssl", "s_client", "-connect",
             f"{house.host}:{house.port(service)}", "-ign_eof", *more]
    if service in EXPLICIT:
        words += ["-starttls", EXPLICIT[service]]
    return subprocess.run(words, input=text, text=True, capture_output=True,
                          timeout=30, check=False)


def goodbye(service):
    return "a LOGOUT\r\n" if service.startswith("imap") else "QUIT\r\n"


def open_tls(house, service, context, name="localhost", session=None):
    """A socket over TLS to an implicit listener."""
    return context.wrap_socket(house.connect(service), server_hostname=name,
                               session=session)


def client(cafile, version=None):
    context = ssl.create_default_context(cafile=str(cafile))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def subject(tls_socket):
    return dict(x[0] for x in tls_socket.getpeercert()["subject"])["commonName"]


# Two listeners take one version only; test_version_refused has the other.
SERVED = [(service, version) for service in (*EXPLICIT, *IMPLICIT)
          for version in ("-tls1_2", "-tls1_3")
          if (service, version) not in (("pop3s", "-tls1_2"),
                                        ("smtps", "-tls1_3"))]


@pytest.mark.parametrize("service,version", SERVED)
def test_openssl_verifies(house, service, version):
    out = s_client(house, service, version, "-CAfile", house.cafile,
                   "-verify_return_error", "-verify_hostname",
                   "mail.example.test", text=goodbye(service))
    assert out.returncode == 0, out.stdout + out.stderr
    assert "Verify return code: 0 (ok)" in out.stdout
    wanted = version.replace("-tls1_", "TLSv1.")
    assert re.search(rf"Protocol *: {re.escape(wanted)}|New, {wanted}",
                     out.stdout)


def test_python_starttls(house):
    with smtplib.SMTP(house.host, house.port("smtp"), timeout=30) as smtp:
        smtp._host = "localhost"  # the name to verify
        smtp.starttls(context=client(house.cafile))
        assert smtp.ehlo()[0] == 250
        assert not smtp.has_extn("starttls")
    pop = poplib.POP3(house.host, house.port("pop3"), timeout=30)
    pop.host = "localhost"
    pop.stls(context=client(house.cafile))
    pop.user("user1@example.test")
    assert pop.pass_("secret").startswith(b"+OK")
    pop.quit()
    imap = imaplib.IMAP4("localhost", house.port("imap"), timeout=30)
    assert "STARTTLS" in imap.capabilities
    imap.starttls(client(house.cafile))
    assert "STARTTLS" not in imap.capabilities
    assert imap.login("user1@example.test", "secret")[0] == "OK"
    imap.logout()


def test_require_always_before_tls(house):
    imap = imaplib.IMAP4(house.host, house.port("imap"), timeout=30)
    assert "LOGINDISABLED" in imap.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        imap.login("user1@example.test", "secret")
    imap.logout()


@pytest.mark.parametrize("name, shown, by", [
    ("localhost", "localhost", "default"),
    ("Mail.Shop.Example", "mail.shop.example", "shop"),
    ("one.pop.shop.example", "mail.shop.example", "shop")])
def test_certificate_by_name(house, name, shown, by):
    with open_tls(house, "imaps", client(certificate(house, by)), name) as s:
        assert subject(s) == shown
    with smtplib.SMTP(house.host, house.port("smtp"), timeout=30):
        pass  # another listener, with the default alone, is not confused


def test_certificate_by_name_after_starttls(house):
    imap = imaplib.IMAP4(house.host, house.port("imap"), timeout=30)
    imap.host = "mail.shop.example"
    imap.starttls(client(certificate(house, "shop")))
    assert subject(imap.sock) == "mail.shop.example"
    imap.logout()


@pytest.mark.parametrize("algorithms, name, kind", [
    ("RSA-PSS+SHA256", "localhost", "RSA"),
    ("ECDSA+SHA256", "localhost", "ECDSA"),
    ("ed25519", "ed.example.test", "[Ee]d25519")])
def test_certificate_by_key(house, algorithms, name, kind):
    out = s_client(house, "imaps", "-sigalgs", algorithms, "-servername", name,
                   text=goodbye("imaps"))
    assert re.search(rf"Peer signature type: {kind}", out.stdout), out.stdout


def test_version_refused(house):
    for service, version in (("pop3s", ssl.TLSVersion.TLSv1_2),
                             ("smtps", ssl.TLSVersion.TLSv1_3)):
        with pytest.raises(ssl.SSLError) as refused:
            open_tls(house, service, client(house.cafile, version))
        assert "PROTOCOL_VERSION" in str(refused.value)
    house.wait_log(r'tls.handshake .*listener=pop3s.*"protocol version"')
    house.wait_log(r'tls.handshake .*listener=smtps.*"protocol version"')


def test_alpn(house):
    context = client(house.cafile)
    with open_tls(house, "pop3s", context) as s:
        assert s.selected_alpn_protocol() is None
    context.set_alpn_protocols(["imap", "pop3"])
    with open_tls(house, "pop3s", context) as s:
        assert s.selected_alpn_protocol() == "pop3"
    context.set_alpn_protocols(["http/1.1"])
    with pytest.raises(ssl.SSLError):
        open_tls(house, "pop3s", context)
    with open_tls(house, "imaps", context) as s:  # not strict: it may
        assert s.selected_alpn_protocol() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2,
                                     ssl.TLSVersion.TLSv1_3])
def test_resumed_by_other_workers(house, version):
    context, session, seen = client(house.cafile, version), None, set()
    for i in range(12 * WORKERS):
        with open_tls(house, "imaps", context, session=session) as s:
            assert s.recv(100).startswith(b"* OK")
            assert s.session_reused == (i > 0)
            session = s.session if i == 0 or s.session else session
            s.sendall(b"a LOGOUT\r\n")
            while s.recv(1000):
                pass
        workers = re.findall(r"worker-(\d+) tls.handshake .*resumed=yes",
                             house.log())
        seen = set(workers)
    assert len(seen) > 1, "one worker had them all"


def test_not_resumed(house):
    context = client(house.cafile)
    with open_tls(house, "smtps", context) as s:
        s.recv(100)
        session = s.session
        assert not session.has_ticket
    with open_tls(house, "smtps", context, session=session) as s:
        assert not s.session_reused


def test_plaintext_on_tls_port(house):
    for service in IMPLICIT:
        with house.connect(service) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                assert not re.search(rb"[A-Za-z]{3}", s.recv(100))
            except ConnectionResetError:
                pass
        house.wait_log(rf'tls.handshake .*listener={service} .*"not tls"')


def test_distrust_is_logged(house):
    context = client(certificate(house, "shop"))
    distrust(house.connect("pop3s"),  # which has another certificate
             context, "mail.shop.example")
    house.wait_log(r'outcome="unknown ca alert"')


def test_plaintext_behind_starttls_is_forgotten(house):
    with house.connect("smtp") as s:
        s.recv(1000)
        s.sendall(b"EHLO x\r\n")
        s.recv(1000)
        s.sendall(b"STARTTLS\r\nNOOP injected\r\n")
        assert s.recv(1000).startswith(b"220 ")
        with client(house.cafile).wrap_socket(
                s, server_hostname="localhost") as tls:
            tls.settimeout(1)
            with pytest.raises(socket.timeout):
                tls.recv(100)
            tls.settimeout(30)
            tls.sendall(b"QUIT\r\n")
            assert tls.recv(100).startswith(b"221 ")


def test_close_notify(house):
    with open_tls(house, "imaps", client(house.cafile)) as s:
        s.suppress_ragged_eofs = False
        s.recv(1000)
        s.sendall(b"a LOGOUT\r\n")
        while s.recv(1000):
            pass  # an end without close_notify would raise


@pytest.mark.parametrize("provider", PROVIDERS)
def test_renewed_certificate_goes_live(servers, provider):
    house = servers(tls=provider, workers=2)
    old = open_tls(house, "imaps", client(house.cafile))
    assert old.recv(1000).startswith(b"* OK")
    crt = certificate(house, "default")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj",
        "/CN=renewed", "-addext", "subjectAltName=DNS:localhost", "-keyout",
        house.folder / "new.key", "-out", house.folder / "new.crt")
    (house.folder / "new.key").chmod(0o600)
    (house.folder / "new.key").replace(crt.with_suffix(".key"))
    (house.folder / "new.crt").replace(crt)
    house.signal("SIGHUP")

    def is_live():
        with open_tls(house, "imaps", client(crt)) as s:
            return subject(s) == "renewed"

    def everywhere():
        try:
            return all(is_live() for _ in range(20))
        except ssl.SSLError:
            return False
    wait_for(everywhere, 10, "the new certificate is not shown")
    old.sendall(b"a LOGOUT\r\n")  # an old session is not disturbed
    assert b"BYE" in old.recv(1000)
    old.close()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_alien_key_changes_nothing(servers, provider):
    house = servers(tls=provider, workers=1)
    crt = certificate(house, "default")
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-out", crt.with_suffix(".key"))
    house.signal("SIGHUP")
    house.wait_log("do not match")
    with open_tls(house, "imaps", client(house.cafile)) as s:
        assert s.recv(100).startswith(b"* OK")
