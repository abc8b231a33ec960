# SPDX-License-Identifier: LGPL-2.1-or-later
#
# testssl.sh, which knows the attacks on TLS and what browsers and auditors
# find wanting, on the listeners as they come: no policy, no TLS setting but
# the mode. The certificate is signed by an authority, by the way that an
# operator goes: the request is exported, the answer imported.
import concurrent.futures
import json
import os
import subprocess

import pytest

from conftest import Server, run

PROVIDERS = ["tls_wolfssl", "tls_openssl"]
LONG = bool(os.environ.get("POSTERN_LONG"))
LISTENERS = {"submission": "smtp", "smtps": None, "pop3": "pop3",
             "pop3s": None, "imap": "imap", "imaps": None}
# Findings of these severities fail. There are OK, INFO, LOW and DEBUG, too, and
# WARN for a check that the tool could not make this time.
SERIOUS = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
# Without it: also each cipher by itself, and simulated clients.
SHORT = [] if LONG else ["-p", "-s", "-f", "-S", "-P", "-U"]
AUTHORITY = """
[leaf]
subjectAltName = DNS:localhost
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://ca.example.test/crl
authorityInfoAccess = OCSP;URI:http://ca.example.test/ocsp
certificatePolicies = 2.23.140.1.2.1
"""


def sign(house, folder):
    """The certificate `default` of the house, by an authority of our own."""
    folder.joinpath("ca.conf").write_text(AUTHORITY)
    folder.joinpath("default.csr").write_text(
        house.ctl("cert", "csr", "default").stdout)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-keyout",
        "ca.key", "-out", "ca.crt", "-subj", "/CN=The test's authority",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)
    run("openssl", "x509", "-req", "-in", "default.csr", "-CA", "ca.crt",
        "-CAkey", "ca.key", "-CAcreateserial", "-days", "80", "-extfile",
        "ca.conf", "-extensions", "leaf", "-out", "leaf.crt", cwd=folder)
    house.ctl("cert", "import", "default", "--cert",
              str(folder / "leaf.crt"), "--chain", str(folder / "ca.crt"))
    house.ctl("reload")


def findings(house, folder, service):
    """What testssl.sh has to say: {id: (severity, text)}."""
    told = folder / f"{service}.json"
    starttls = LISTENERS[service]
    done = subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off",
         "--jsonfile", str(told), "--add-ca", str(folder / "ca.crt"),
         *SHORT, *(["--starttls", starttls] if starttls else []),
         f"localhost:{house.port(service)}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250,
        check=False)
    assert told.exists(), done.stdout + done.stderr
    return {one["id"]: (one["severity"], one["finding"])
            for one in json.loads(told.read_text())}


@pytest.fixture(scope="module", params=PROVIDERS if LONG else PROVIDERS[:1])
def house(request, tmp_path_factory):
    # The tool opens some hundred connections, many of which fail.
    one = Server(tmp_path_factory.mktemp(request.param), users=1,
                 tls=request.param,
                 config="limits: { connections_per_address = 1000; };")
    sign(one, one.folder)
    yield one
    one.down()


@pytest.mark.parametrize("services", [
    ("submission", "smtps"), ("pop3", "pop3s"), ("imap", "imaps")])
def test_nothing_above_low(house, tool, services):
    tool("testssl")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        told = dict(zip(services, pool.map(
            lambda service: findings(house, house.folder, service), services)))
    for service, found in told.items():
        # It has come to the end, and spoken TLS with the listener.
        assert found["TLS1_3"][0] == "OK", (service, found)
        assert found["cert_chain_of_trust"][0] == "OK", (service, found)
        assert found["LUCKY13"][0] == "OK", (service, found)
        wanting = {name: said for name, said in found.items()
                   if said[0] in SERIOUS}
        assert not wanting, (service, wanting)
