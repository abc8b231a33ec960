# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Certificates by ACME: the whole server against pebble, with OpenSSL's command
# line as the judge of what it obtains. Its proofs are those of the server: the
# protocol acme_http, its TLS listeners, the operator's program.
import json
import os
import pathlib
import shutil
import signal
import ssl
import stat
import subprocess
import time

import pytest
import test_reload
from acmetest import Authority, Hostile
from conftest import SANITIZED, wait_for
from test_reload import Site as Reloads
from test_supervisor import PREFIX, free_port

SHAPES = ["workers = 2;", 'processes = "single";']
NAME = "mx.example.test"


class Site(Reloads):
    def __init__(self, folder):
        super().__init__(folder)
        self.authorities = []
        for name in ("pop", "web", "alpn"):
            self.ports[name] = free_port()

    def authority(self, **more):
        """pebble, which finds our proofs at our ports."""
        more = {"http": self.ports["web"], "tls": self.ports["alpn"], **more}
        one = Authority(self.folder / f"pebble{len(self.authorities)}", **more)
        self.authorities.append(one)
        return one

    def acme(self, authority, names=NAME, more="", cert="", top="",
             terms="true", **other):
        """The configuration: two TLS listeners, and one for proofs."""
        names = ", ".join(f'"{name}"' for name in names.split())
        return self.write("""
pop: { protocol = "pop3"; listen = [ "127.0.0.1:@pop@" ];
       tls: { mode = "implicit"; certificates = [ "public" ]; }; };
alpn: { protocol = "pop3"; listen = [ "127.0.0.1:@alpn@" ];
        tls: { mode = "implicit"; certificates = [ "public" ]; }; };
web: { protocol = "acme_http"; listen = [ "127.0.0.1:@web@" ];
       tls: { mode = "none"; }; };
""", load="pop3 acme acme_http", more=f"""
certificates: {{ public: {{ names = [ {names} ]; source = "acme"; {cert} }}; }};
acme: {{ directory = "{authority.url}"; ca_file = "{authority.cafile}";
        terms = {terms}; patience = "20s"; {more} }};
{top}
""", **other)

    def seen(self, listener="pop"):
        """The chain's first certificate as a client sees it, PEM."""
        return ssl.DER_cert_to_PEM_cert(self.shown(listener, NAME))

    def fingerprint(self, listener="pop"):
        return self.shown(listener, NAME)

    def facts(self, pem=None):
        return subprocess.run(
            ["openssl", "x509", "-noout", "-text"], input=pem or self.seen(),
            capture_output=True, text=True, check=True).stdout

    def obtained(self, times=1):
        """Waits until the log says so."""
        def look():
            log = self.log()
            assert "acme.failed" not in log, log
            return log.count("acme.obtained") >= times
        wait_for(look, 60, self.log())

    def live(self, before=None):
        """Waits until clients see what an authority has signed, and not
        `before`."""
        def look():
            return self.fingerprint() != before and \
                "CN = mx.example.test\n" not in self.facts().split(
                    "Issuer:")[1].split("Validity")[0] and \
                "Pebble" in self.facts()
        wait_for(look, 60, self.log())
        return self.fingerprint()

    def problem(self):
        """What an operator is told, once something has failed."""
        wait_for(lambda: "acme.failed" in self.log(), 60, self.log())
        wait_for(lambda: self.errand().get("problem"), 20)
        return self.errand()["problem"]

    def errand(self):
        said = json.loads(self.ctl("--json", "status").stdout)["errands"]
        return said[0] if said else {}

    def state(self):
        return json.loads(
            (self.folder / "state/acme/public.json").read_text())

    def judge(self, authority, names=NAME, listener="pop"):
        """OpenSSL's opinion: a chain to the authority's root, for the
        name."""
        root = authority.root(self.folder / "root.pem")
        for name in names.split():
            said = subprocess.run(
                ["openssl", "s_client", "-connect",
                 f"127.0.0.1:{self.ports[listener]}", "-servername",
                 name.replace("*", "any"), "-CAfile", root,
                 "-verify_hostname", name.replace("*", "any"),
                 "-verify_return_error", "-brief"], input="", text=True,
                capture_output=True, timeout=30, check=False)
            assert "Verification: OK" in said.stderr, said.stderr

    def stop(self):
        super().stop()
        for one in self.authorities:
            one.close()


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    one.stop()


# --- three kinds of proof ------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_http(site, shape):
    """Strict, and with more than half of all nonces refused."""
    a = site.authority(nonces=60)
    site.acme(a, f"{NAME} pop.example.test", server=shape).start()
    # From the first moment on there is a stand-in, so TLS works at once.
    assert b"" != site.fingerprint()
    site.obtained()
    site.live()
    site.judge(a, f"{NAME} pop.example.test")
    said = site.ctl("cert", "show", "public").stdout
    assert "source       acme\n" in said and "next attempt 20" in said
    assert "state        good" in said, said
    assert not list((site.folder / "state/acme/http").iterdir())
    assert "sandbox.denied" not in site.log()


@pytest.mark.parametrize("shape", SHAPES)
def test_tls_alpn(site, shape):
    a = site.authority()
    site.acme(a, more='challenges = [ "tls-alpn-01" ];', server=shape).start()
    site.obtained()
    site.live()
    site.judge(a)


HOOK = r"""#!/bin/sh
# Publishes what the authority's name server says.
verb=set-txt body="{\"host\":\"$RECORD.\",\"value\":\"$VALUE\"}"
[ "$ACTION" = present ] || { verb=clear-txt; body="{\"host\":\"$RECORD.\"}"; }
echo "$ACTION $NAME by $(id -un), $(env | wc -l) variables"
exec curl -sS -f -d "$body" http://127.0.0.1:@port@/$verb
"""


def make_hook(site, authority, text=HOOK):
    path = site.folder / "hook"
    path.write_text(text.replace("@port@", str(authority.dns_admin)))
    path.chmod(0o755)
    return f'envoy: {{ hook = "{path}"; hook_timeout = "5s"; }};'


@pytest.mark.parametrize("shape", SHAPES)
def test_dns(site, shape):
    """A wildcard, too: nothing else can prove it."""
    a = site.authority()
    names = f"{NAME} *.example.test"
    site.acme(a, names, more='challenges = [ "dns-01" ];',
              top=make_hook(site, a), server=shape).start()
    site.obtained()
    site.live()
    site.judge(a, names)
    assert f'hook.says pid=' in site.log()
    assert f"present {NAME} by" in site.log()
    assert f"cleanup example.test by" in site.log()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_users(site, monkeypatch):
    """The envoy is server.user, the account's key warden_user's, and the hook
    is a third one."""
    for folder in (site.folder, *site.folder.parents[:2]):
        folder.chmod(0o755)
    # The build may lie where these users cannot go.
    shutil.copytree(PREFIX / "lib", site.folder / "lib", symlinks=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(site.folder / "lib"))
    a = site.authority()
    top = make_hook(site, a).replace("hook_timeout",
                                     'hook_user = "games"; hook_timeout')
    site.acme(a, more='challenges = [ "dns-01" ];', top=top,
              server='user = "nobody"; warden_user = "daemon";',
              module_path=site.folder / "lib/postern")
    (site.folder / "users").chmod(0o644)
    site.start()
    site.obtained()
    site.live()
    site.judge(a)
    assert f"present {NAME} by games" in site.log()
    state = site.folder / "state"
    owners = {path: (state / path).owner() for path in (
        "acme", "acme/public.json", "acme/account.json",
        "certs/accounts/acme.key", "certs/public.key")}
    assert owners == {
        "acme": "nobody", "acme/public.json": "nobody",
        "acme/account.json": "nobody", "certs/accounts/acme.key": "daemon",
        "certs/public.key": "daemon"}


def test_several_kinds(site):
    """The first in the list that the authority offers, and that can be."""
    a = site.authority()
    site.acme(a, more='challenges = [ "dns-01", "tls-alpn-01", "http-01" ];'
              ).start()
    site.obtained()
    site.live()
    site.judge(a)


@pytest.mark.parametrize("provider", ["tls_wolfssl", "tls_openssl"])
def test_providers(site, monkeypatch, provider):
    """Keys, requests and proofs of either TLS library."""
    monkeypatch.setattr(test_reload, "TLS", provider)
    a = site.authority()
    site.acme(a, f"{NAME} pop.example.test", cert='key_type = "rsa2048";',
              more='challenges = [ "tls-alpn-01", "http-01" ];').start()
    site.obtained()
    site.live()
    site.judge(a, f"{NAME} pop.example.test")
    assert "2048 bit" in site.facts()


# --- what lasts ----------------------------------------------------------


def test_account_and_key_last(site):
    a = site.authority()
    site.acme(a).start()
    site.obtained()
    first = site.live()
    folder = site.folder / "state"
    key = folder / "certs/accounts/acme.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    text = key.read_text()
    account = json.loads((folder / "acme/account.json").read_text())
    subprocess.run(["openssl", "pkey", "-in", key, "-noout"], check=True)
    site.child.terminate()
    site.child.wait(20)
    site.start()
    wait_for(lambda: site.errand().get("next"), 20)
    assert site.fingerprint() == first
    assert "acme.begins" not in site.log()
    assert key.read_text() == text
    assert site.ctl("cert", "renew", "public").returncode == 0
    second = site.live(first)
    assert second != first
    assert json.loads((folder / "acme/account.json").read_text()) == account
    site.judge(a)


@pytest.mark.parametrize("reuse", [False, True])
def test_renewal(site, reuse):
    """It becomes live without dropping a session."""
    a = site.authority()
    site.acme(a, cert=f"reuse_key = {str(reuse).lower()};").start()
    site.obtained()
    first = site.live()
    session = Implicit(site)
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 0, done.stderr
    site.live(first)
    assert session.ask("NOOP").startswith((b"+OK", b"-ERR"))
    keys = [subprocess.run(
        ["openssl", "x509", "-noout", "-pubkey"], input=pem, text=True,
        capture_output=True, check=True).stdout for pem in
        (ssl.DER_cert_to_PEM_cert(first), site.seen())]
    assert (keys[0] == keys[1]) == reuse
    assert len(site.ctl("cert", "history", "public").stdout.splitlines()) > 2


@pytest.mark.parametrize("shape", SHAPES)
def test_reload_and_upgrade(site, shape):
    """Another name: what there is lacks it, so there is another certificate.
    Then another process of the whole server, which renews it."""
    a = site.authority()
    site.acme(a, server=shape).start()
    site.obtained()
    first = site.live()
    site.acme(a, f"{NAME} pop.example.test", server=shape)
    assert site.ctl("reload").returncode == 0
    site.obtained(2)
    second = site.live(first)
    site.judge(a, f"{NAME} pop.example.test")
    before = site.status()["server"]["pid"]
    os.kill(before, signal.SIGUSR2)
    wait_for(lambda: site.status()["server"]["pid"] != before, 30)
    wait_for(lambda: site.errand().get("next"), 30)
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 0, done.stderr + site.log()
    site.live(second)
    assert "sandbox.denied" not in site.log()
    os.kill(site.status()["server"]["pid"], signal.SIGTERM)
    wait_for(lambda: not running(site), 30, "somebody is left")


def running(site):
    """Command lines of all processes with this site's configuration."""
    said = subprocess.run(["ps", "-eo", "args"], capture_output=True,
                          text=True, check=True).stdout
    return [line for line in said.splitlines() if str(site.file) in line]


class Implicit:
    def __init__(self, site):
        import socket
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", site.ports["pop"]), 30)
        self.socket = context.wrap_socket(plain, server_hostname=NAME)
        self.socket.recv(4096)

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.socket.recv(4096)


def test_authority_forgets_the_account(site):
    """pebble keeps nothing over a restart: another account is made, once."""
    a = site.authority()
    site.acme(a).start()
    site.obtained()
    first = site.live()
    a.stop()
    a.start()
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 0, done.stderr + site.log()
    assert "acme.account-again" in site.log()
    site.live(first)
    site.judge(a)


# --- what goes wrong, in words -------------------------------------------


def test_nobody_answers(site):
    """The port that the authority looks at serves nothing."""
    a = site.authority(http=free_port())
    site.acme(a).start()
    said = site.problem()
    assert f"cannot reach port 80 of {NAME}" in said, said
    assert "firewall" in said
    shown = site.ctl("cert", "show", "public").stdout
    assert said in shown and "self-signed" in shown
    assert said in site.ctl("status").stdout
    # It waits with the next attempt, and says until when.
    state = site.state()
    assert state["failures"] == 1 and state["next"] >= time.time()
    assert site.errand()["next"] == state["next"]
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 1 and "cannot reach port 80" in done.stderr


def test_name_does_not_resolve(site):
    a = site.authority()
    a.tell_dns("set-servfail", host=NAME)
    site.acme(a).start()
    assert NAME in site.problem()


def test_wrong_hook(site):
    a = site.authority()
    more = 'challenges = [ "dns-01" ];'
    site.acme(a, more=more, top=make_hook(
        site, a, "#!/bin/sh\necho no zone file; exit 3\n")).start()
    assert "exit status 3" in site.problem()
    assert "no zone file" in site.log()
    make_hook(site, a, "#!/bin/sh\nsleep 100\n")
    done = site.ctl("cert", "renew", "public")
    assert "did not end within" in done.stderr, done.stderr


def test_deactivated_account(site):
    a = site.authority()
    site.acme(a).start()
    site.obtained()
    first = site.live()
    deactivate(site, a)
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 1
    assert "has closed the account" in done.stderr, done.stderr
    assert site.fingerprint() == first
    # As it says: another key is another account.
    (site.folder / "state/certs/accounts/acme.key").unlink()
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 0, done.stderr
    site.live(first)


def deactivate(site, a):
    """By hand, with OpenSSL (RFC 8555 section 7.3.6)."""
    import base64
    import urllib.request

    def b64(data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    context = ssl.create_default_context(cafile=a.cafile)
    kept = json.loads((site.folder / "state/acme/account.json").read_text())
    head = urllib.request.urlopen(f"https://127.0.0.1:{a.port}/nonce-plz",
                                  timeout=20, context=context)
    signing = b64({"alg": "ES256", "kid": kept["url"],
                   "nonce": head.headers["Replay-Nonce"],
                   "url": kept["url"]}) + "." + b64(
                       {"status": "deactivated"})
    der = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign",
         site.folder / "state/certs/accounts/acme.key"],
        input=signing.encode(), capture_output=True, check=True).stdout
    parts = subprocess.run(["openssl", "asn1parse", "-inform", "DER"],
                           input=der, capture_output=True,
                           check=True).stdout.decode()
    r, s = (int(line.rsplit(":", 1)[1], 16) for line in parts.splitlines()
            if "INTEGER" in line)
    body = dict(zip(("protected", "payload"), signing.split(".")),
                signature=b64(r.to_bytes(32, "big") + s.to_bytes(32, "big")))
    request = urllib.request.Request(
        kept["url"], json.dumps(body).encode(),
        {"Content-Type": "application/jose+json"})
    said = urllib.request.urlopen(request, timeout=20, context=context).read()
    assert b"deactivated" in said


def test_external_account(site):
    kid, key = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3M"
    key += "UAsUDkMTQ12W"
    a = site.authority(externalAccountBindingRequired=True,
                       externalAccountMACKeys={kid: key})
    site.acme(a).start()
    assert "external account binding" in site.problem()
    (site.folder / "eab").write_text(key + "\n")
    (site.folder / "eab").chmod(0o600)
    site.acme(a, more='eab_kid = "kid-1"; eab_key_file = "eab";')
    assert site.ctl("reload").returncode == 0
    wait_for(lambda: "acme.obtained" in site.log() or
             site.ctl("cert", "renew", "public").returncode == 0, 60,
             site.log())
    site.live()
    site.judge(a)


# --- an authority that means no good -------------------------------------


@pytest.fixture
def hostile(tmp_path):
    made = []

    def make(mode):
        made.append(Hostile(tmp_path / "hostile", mode))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("mode, words", [
    ("redirect", "HTTP 302"),
    ("garbage", "no ACME authority"),
    ("long", "1 MiB"),
    ("no nonce", "gives no nonce"),
    ("bad nonce", "each of its own nonces"),
    ("strange account", "names no account URL"),
    ("endless", "does not come to an end"),
    ("pending", "does not come to an end"),
    ("foreign", "was not asked for"),
    ("token", "challenge is malformed"),
    ("caa", "CAA record of mx.example.test forbids"),
    ("many", "more proofs than"),
])
def test_hostile(site, hostile, mode, words):
    """It is told what is wrong, and nothing else happens: the stand-in is
    served, the envoy ends, the next attempt is planned."""
    a = hostile(mode)
    site.acme(a, more="").start()
    said = site.problem()
    assert words in said, said
    assert all(" " <= c <= "~" for c in said)
    assert len(site.fingerprint()) > 100
    assert site.state()["failures"] == 1
    wait_for(lambda: all(p["role"] != "envoy"
                         for p in site.status()["processes"]), 20)
    folder = site.folder / "state/acme/http"
    assert not folder.exists() or not list(folder.iterdir())
    for bad in ("envoy.died", "envoy.ended", "sandbox.denied"):
        assert bad not in site.log()


def test_rate_limit(site, hostile):
    """However long it says: a week at the most. An operator can insist."""
    a = hostile("limit")
    site.acme(a).start()
    said = site.problem()
    assert "rate limit" in said and "until 20" in said
    assert "\x1b" not in said
    ends = site.state()["limited"]
    assert 6 * 86400 < ends - time.time() <= 7 * 86400
    assert site.errand()["next"] == ends
    asked = a.count
    done = site.ctl("cert", "renew", "public")
    assert done.returncode == 1 and "--force" in done.stderr
    assert a.count == asked
    site.child.terminate()
    site.child.wait(20)
    site.start()
    wait_for(lambda: site.errand().get("problem"), 20)
    assert a.count == asked
    done = site.ctl("cert", "renew", "--force", "public")
    assert done.returncode == 1 and a.count > asked
    text = site.ctl("metrics").stdout
    assert 'postern_certificate_obtain_failures{certificate="public"} 2' \
        in text


def test_envoy_at_work(site, hostile):
    """Who it is, in what sandbox; and it does not hold the server up."""
    a = hostile("slow")
    site.acme(a).start()
    def show():
        return json.loads(site.ctl("--json", "sandbox", "show").stdout)

    def envoys(said):
        return [p for p in said["processes"] if p["role"] == "envoy"]
    wait_for(lambda: envoys(site.status()), 20)
    envoy = wait_for(lambda: envoys(show()), 20)[0]
    shown = show()
    assert envoy["dumpable"] is False and envoy["no_new_privs"] is True
    if not SANITIZED:
        assert envoy["seccomp"] == "on"
    paths = {p["path"]: p["access"] for p in shown["paths"]
             if p["pid"] == envoy["pid"]}
    if envoy["landlock"] == "on":
        state = str(site.folder / "state")
        assert paths[state + "/acme"] == "read,write"
        assert not any(p.startswith(state + "/certs") or p == state
                       for p in paths)
        assert not any("write" in access for path, access in paths.items()
                       if not path.startswith(state + "/acme/")
                       and path not in (state + "/acme", "/dev/null"))
    os.kill(envoy["pid"], signal.SIGSEGV)
    site.wait_log("envoy.died")
    wait_for(lambda: any(p["role"] == "envoy" and p["pid"] != envoy["pid"]
                         for p in site.status()["processes"]), 30)
    began = time.monotonic()
    site.child.terminate()
    assert site.child.wait(20) == 0 and time.monotonic() - began < 15


def test_configuration(site):
    """What cannot work is said before anything is asked."""
    class Nowhere:
        url, cafile = "https://127.0.0.1:1/dir", "nowhere.pem"
    for more, words in (
            (dict(terms="false"), "set acme.terms = true"),
            (dict(names="*.example.test"), 'needs "dns-01"'),
            (dict(names="192.0.2.1"), "names of the DNS"),
            (dict(cert='cert_file = "x"; key_file = "x";'), "source"),
            (dict(more='challenges = [ "dns-02" ];'), "is none of http-01"),
            (dict(more='eab_kid = "x";'), "eab_key_file"),
            (dict(more='contact = [ "me" ];'), "is no mail address")):
        site.acme(Nowhere, **more)
        done = subprocess.run([site.program, "--check", "--config", site.file],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 78 and words in done.stderr, done.stderr


# --- an authority that is away -------------------------------------------


def test_away_for_a_day(site):
    """Nothing changes while it is away, and attempts become rare. Then the
    clock is a day later."""
    a = site.authority()
    a.stop()
    site.acme(a).start()
    said = site.problem()
    assert "127.0.0.1" in said, said
    stand_in = site.fingerprint()
    state = site.state()
    assert 50 <= state["next"] - state["last"] <= 70
    # As it is after ten failures: half a day between two of them.
    site.child.terminate()
    site.child.wait(20)
    state.update(failures=10, last=int(time.time()) - 86400,
                 next=int(time.time()) - 43200)
    (site.folder / "state/acme/public.json").write_text(json.dumps(state))
    a.start()
    site.start()
    site.obtained()
    site.live()
    assert site.fingerprint() != stand_in
    assert "problem" not in site.errand()


def test_clock_moves(site):
    """By two thirds of its life it is renewed, whatever else happens; the
    clock is that of libfaketime."""
    library = next(pathlib.Path("/usr/lib").glob(
        "*/faketime/libfaketime.so.1"), pathlib.Path("none"))
    if SANITIZED or not library.exists():
        pytest.skip("no libfaketime here")
    a = site.authority(certificateValidityPeriod=5 * 86400)
    site.acme(a, more="ari = false;").start()
    site.obtained()
    first = site.live()
    site.child.terminate()
    site.child.wait(20)
    shifted = {"LD_PRELOAD": str(library), "FAKETIME": "+4d",
               "FAKETIME_DONT_RESET": "1"}
    site.start(env=shifted)
    site.obtained()
    site.live(first)
