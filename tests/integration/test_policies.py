# SPDX-License-Identifier: LGPL-2.1-or-later
#
# TLS policies by name, with both providers: what OpenSSL's client can agree on
# is what the lists say, in their order, and nothing else. The exception for old
# clients, and what authorities are told who come for nothing.
import re
import subprocess
import time

import pytest
from conftest import wait_for
from test_guard import STATIC, modules  # noqa: F401 (a fixture)
from test_reload import Site

PROVIDERS = ["tls_wolfssl", "tls_openssl"]
SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
          "TLS_CHACHA20_POLY1305_SHA256"]
AEAD = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"]
SHA1 = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA"]
CBC = ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256", *SHA1[:2],
       "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", *SHA1[2:]]
OLD = "-tls1", "-tls1_1"


@pytest.fixture(params=PROVIDERS)
def site(request, tmp_path):
    one = Site(tmp_path)
    one.tls = request.param
    yield one
    one.stop()


def write(site, *listeners, more="", server=""):
    site.write(*listeners, more=more, server=server, load="pop3")
    text = site.file.read_text()
    site.file.write_text(re.sub(r'load = \[ "tls_\w+"',
                                f'load = [ "{site.tls}"', text))
    return site


def pop3s(name, tls, more=""):
    return (f'{name}: {{ protocol = "pop3"; listen = [ "127.0.0.1:@{name}@" ];'
            f' tls: {{ mode = "implicit"; {tls} }}; {more} }};\n')


def s_client(site, listener, *words, source=None):
    bind = ["-bind", f"{source}:0"] if source else []
    return subprocess.run(
        ["openssl", "s_client", "-connect",
         f"127.0.0.1:{site.ports[listener]}", *bind, *words],
        input="QUIT\r\n", text=True, capture_output=True, timeout=30,
        check=False)


def agreed(site, listener, *words, source=None):
    """Version and cipher suite, or None."""
    done = s_client(site, listener, *words, source=source)
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", done.stdout, re.M)
    if not found or found[2] == "(NONE)":
        return None
    version = re.search(r"^ *Protocol *: (\S+)$", done.stdout, re.M)
    return version[1] if version else found[1], found[2]


def suites(site, listener, version):
    """All that it agrees on, its favourite first: that is taken from the
    client's list, and the rest is tried again."""
    left = SUITES + ["TLS_AES_128_CCM_SHA256"]
    option = "-ciphersuites"
    if version != "-tls1_3":
        option = "-cipher"
        left = subprocess.run(
            ["openssl", "ciphers", "-s", version,
             "ALL:COMPLEMENTOFALL:!PSK:!SRP:@SECLEVEL=0"],
            capture_output=True, text=True, check=True).stdout.strip()
        left = left.split(":")
    found = []
    while left:
        names = ":".join(left)
        if option == "-cipher":
            names += ":@SECLEVEL=0"
        one = agreed(site, listener, version, option, names)
        if not one:
            break
        found.append(one[1])
        left.remove(one[1])
    return found


POLICIES = """
certificates: {
  ecdsa: { key_type = "p256"; }; rsa: { key_type = "rsa2048"; };
};
policies: { own: { based_on = "modern"; suites = "TLS_AES_256_GCM_SHA384"; }; };
"""
KEYS = "ecdsa", "rsa"


def of_key(listed, key):
    return [name for name in listed if key.upper() in name]


def test_lists(site):
    names = ["modern", "intermediate", "legacy", "own"]
    write(site, "".join(
        pop3s(f"{name}-{key}", f'certificates = [ "{key}" ];'
              + (f' policy = "{name}";' if name != "preset" else ""))
        for name in names + ["preset"] for key in KEYS), more=POLICIES).start()
    for key in KEYS:
        for name in names[:3] + ["preset"]:
            assert suites(site, f"{name}-{key}", "-tls1_3") == SUITES
        assert suites(site, f"own-{key}", "-tls1_3") == [SUITES[1]]
        for name in "intermediate", "preset":
            one = f"{name}-{key}"
            assert suites(site, one, "-tls1_2") == of_key(AEAD, key)
            assert not suites(site, one, "-tls1_1")
            assert not suites(site, one, "-tls1")
        for name in "modern", "own":
            for version in (*OLD, "-tls1_2"):
                assert not suites(site, f"{name}-{key}", version)
        one = f"legacy-{key}"
        assert suites(site, one, "-tls1_2") == of_key(AEAD + CBC, key)
        for version in OLD:
            assert suites(site, one, version) == of_key(SHA1, key)


def test_groups(site):
    names = ["modern", "intermediate", "legacy"]
    write(site, "".join(pop3s(n, f'policy = "{n}";') for n in names)).start()
    for group, good in (("X25519", True), ("P-256", True), ("P-384", True),
                        ("P-521", False), ("X448", False)):
        for name in names:
            assert bool(agreed(site, name, "-groups", group)) == good


def test_report(site):
    legacy = ('legacy: { versions = [ "TLSv1.1" ]; networks = [ "127.0.0.2" ];'
              ' until = "2999-01-31"; };')
    write(site, pop3s("a", 'policy = "modern";') + pop3s("b", legacy)).start()
    said = site.ctl("tls", "report").stdout
    assert re.search(r"^a +pop3 +implicit +- +1\.3 +1\.3 +modern ", said, re.M)
    assert re.search(r"^b +pop3 +implicit +- +1\.2 +1\.3 +intermediate ", said,
                     re.M)
    assert re.search(r"^b +TLSv1\.1 +127\.0\.0\.2 +2999-01-31 +yes", said,
                     re.M)
    shown = site.ctl("config", "show").stdout
    assert ('listeners.a.tls.min_version = "1.3";  # policy modern\n'
            in shown)
    status = site.ctl("status").stdout
    assert ("listener b speaks TLSv1.1 with 127.0.0.2, too, until 2999-01-31\n"
            in status)


def exception(until, networks="127.0.0.2"):
    return (f'legacy: {{ versions = [ "TLSv1.0", "TLSv1.1" ];'
            f' networks = [ "{networks}" ]; until = "{until}"; }};')


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() + seconds))


@pytest.mark.parametrize("processes", ["workers", "single"])
def test_exception(site, processes):
    """For some, and for a time."""
    weak = ("-cipher", "DEFAULT@SECLEVEL=0")
    write(site, pop3s("a", exception("2999-01-31"))
          + pop3s("b", exception(in_seconds(6))),
          server=f'processes = "{processes}";').start()
    for version, name in (("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1")):
        assert agreed(site, "a", version, *weak) is None
        assert agreed(site, "a", version, *weak, source="127.0.0.3") is None
        found = agreed(site, "a", version, *weak, source="127.0.0.2")
        assert found and found[0] == name and found[1] in SHA1
    # Those get the newest as well, and others what they always got.
    for source in "127.0.0.1", "127.0.0.2":
        assert agreed(site, "a", source=source)[0] == "TLSv1.3"
        assert agreed(site, "a", "-tls1_2", source=source)[1] == AEAD[0]
    assert agreed(site, "a", "-tls1_2", "-cipher", SHA1[0]) is None
    log = site.wait_log(r"tls\.handshake.*version=TLSv1 .*legacy=yes")
    assert log
    # The other one ends by itself, without a reload.
    site.wait_log(r"tls\.legacy-ends listener=b")
    site.wait_log(r"tls\.legacy-ended listener=b")
    wait_for(lambda: agreed(site, "b", "-tls1", *weak,
                            source="127.0.0.2") is None, 20)
    assert agreed(site, "b", source="127.0.0.2")[0] == "TLSv1.3"
    assert agreed(site, "a", "-tls1", *weak, source="127.0.0.2")
    assert "until" in site.ctl("status").stdout
    assert "that is over" in site.ctl("status").stdout


def test_authorities_who_come_for_nothing(site):
    """RFC 8737 section 3. Nobody has asked for a certificate of that name."""
    if not (site.program.parent.parent / "lib/postern/acme.so").exists():
        pytest.skip("this build has no plugins/acme")
    write(site, pop3s("a", 'certificates = [ "public" ];'), more="""
certificates: { public: { names = [ "mx.example.test" ]; source = "acme"; }; };
acme: { directory = "https://127.0.0.1:1/"; terms = true; };
""")
    text = site.file.read_text()
    site.file.write_text(text.replace('"pop3" ]', '"pop3", "acme" ]'))
    site.start()
    name = "-servername", "mx.example.test"
    done = s_client(site, "a", *name, "-alpn", "acme-tls/1")
    assert "no application protocol" in done.stderr
    done = s_client(site, "a", "-alpn", "acme-tls/1")
    assert "no application protocol" in done.stderr
    # Others, and those who offer more, are served.
    assert agreed(site, "a", *name)
    assert agreed(site, "a", *name, "-alpn", "pop3")
    assert agreed(site, "a", *name, "-alpn", "pop3,acme-tls/1")


@pytest.mark.skipif(STATIC, reason="a static build loads no plugins")
def test_authorities_who_come_for_something(site, modules):  # noqa: F811
    """The same, with a proof that is shown: OpenSSL looks at it."""
    processes = "workers" if site.tls == PROVIDERS[0] else "single"
    write(site, pop3s("a", 'certificates = [ "public" ];'),
          server=f'processes = "{processes}"; module_path = "{modules}";',
          more="""
certificates: {
  public: { names = [ "mx.example.test" ]; source = "misbehave"; };
};
""")
    text = site.file.read_text()
    site.file.write_text(text.replace('"pop3" ]', '"pop3", "misbehave" ]'))
    site.start()
    site.wait_log("misbehave.shows")
    name = "-servername", "mx.example.test"
    for version in "-tls1_2", "-tls1_3":
        done = s_client(site, "a", *name, version, "-alpn", "acme-tls/1")
        assert "ALPN protocol: acme-tls/1" in done.stdout
        assert "+OK" not in done.stdout  # and nothing else is said
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-text"], input=done.stdout,
            text=True, capture_output=True, check=True).stdout
        assert "DNS:mx.example.test\n" in shown
        assert re.search(r"1\.3\.6\.1\.5\.5\.7\.1\.31: critical", shown)
    for words in ((), name, (*name, "-alpn", "acme-tls/1,pop3")):
        assert "1.3.6.1.5.5.7.1.31" not in s_client(site, "a", *words).stdout
        assert agreed(site, "a", *words)
    other = s_client(site, "a", "-servername", "other.example.test", "-alpn",
                     "acme-tls/1")
    assert "no application protocol" in other.stderr
    site.wait_log("misbehave.hides")
    done = s_client(site, "a", *name, "-alpn", "acme-tls/1")
    assert "no application protocol" in done.stderr
    site.wait_log(r"tls\.handshake.*certificate=\(challenge\).*challenge")
    assert "session.closed" in site.log() and "reason=challenge" in site.log()
