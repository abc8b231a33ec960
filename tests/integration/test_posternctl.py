# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The admin tool: that its help, its manual page and its completion all tell of
# every command and option; exit statuses; sessions; modules; the TLS report.
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess

import pytest
from conftest import TREE, User, wait_for

PREFIX = pathlib.Path(os.environ["POSTERN_PREFIX"])
TOOL = PREFIX / "bin/posternctl"
GLOBAL = {"config", "json", "version", "help"}


def run(*words, **more):
    return subprocess.run([TOOL, *words], capture_output=True, text=True,
                          timeout=60, check=False, **more)


def section(text, title):
    """The lines of one section of --help, without their indent."""
    match = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.M)
    return [line[2:] for line in match[1].splitlines()] if match else []


def commands(*group):
    """Every command below a group: (words, its --help)."""
    text = run(*group, "--help").stdout
    for line in section(text, "Commands"):
        if line.startswith(" "):
            continue
        word = line.split()[0]
        below = run(*group, word, "--help").stdout
        if section(below, "Commands"):
            yield from commands(*group, word)
        else:
            yield (*group, word), below


ALL = list(commands())


def options(text):
    return [line.split()[0][2:] for line in section(text, "Options")
            if line.startswith("--")]


def test_there_are_commands():
    assert len(ALL) > 20
    assert ("sessions", "kick") in [words for words, _ in ALL]


@pytest.mark.parametrize("words,text", ALL, ids=[" ".join(w) for w, _ in ALL])
def test_help(words, text):
    name = " ".join(words)
    assert text.startswith(f"Usage: posternctl {name}")
    assert f"\n{name}: " in text
    assert section(text, "Exit status")[0].split() == ["0", "done"]
    assert name in "\n".join(section(text, "Example"))
    for option in options(text):
        assert f"[--{option}" in text.split("\n\n")[0]


def items(page):
    """The manual page's entries: their words, and the source of each."""
    for part in re.split(r"^\.It ", page, flags=re.M)[1:]:
        head = re.sub(r"^Xo\n", "", part)
        match = re.match(r"\.?(?:Cm|Ic) ([a-z-]+(?: [a-z-]+)?)", head)
        if match:
            yield match[1], re.split(r"^\.(?:El|S[hs])", part, flags=re.M)[0]


def test_manual_page():
    page = TREE.joinpath("core/posternctl/posternctl.8").read_text()
    told = dict(items(page))
    for words, text in ALL:
        name = " ".join(words)
        assert name in told, f"posternctl.8 does not tell of {name}"
        for option in options(text):
            assert re.search(rf"Fl -{option}\b", told[name]), \
                f"posternctl.8: {name} lacks --{option}"
    listed = {" ".join(words) for words, _ in ALL} | {"complete"}
    for name in told:
        assert name in listed, f"posternctl.8 tells of {name}, which is not"
    for option in GLOBAL:
        assert f"-{option}" in page


def test_manual_page_is_well_formed(tool):
    done = subprocess.run(
        [tool("mandoc"), "-T", "lint", "-W", "warning",
         TREE / "core/posternctl/posternctl.8"],
        capture_output=True, text=True, check=False)
    assert "ERROR" not in done.stdout


# --- completion ------------------------------------------------------------


def complete(*words):
    """What bash proposes for the last word."""
    script = PREFIX / "share/bash-completion/completions/posternctl.bash"
    quoted = " ".join(f"'{w}'" for w in words)
    code = f"""
        . {script}
        COMP_WORDS=({TOOL} {quoted})
        COMP_CWORD={len(words)}
        _posternctl
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True,
                          text=True, timeout=60, check=True)
    assert not done.stderr
    return done.stdout.split()


def test_completion_knows_every_command_and_option():
    for words, text in ALL:
        assert words[-1] in complete(*words[:-1], "")
        for option in options(text):
            assert f"--{option}" in complete(*words, f"--{option[:2]}")


def test_completion(tmp_path):
    assert complete("sess") == ["sessions"]
    assert complete("sessions", "k") == ["kick"]
    assert complete("log", "level", "") == ["error", "warning", "info",
                                            "debug"]
    tmp_path.joinpath("my.conf").touch()
    assert complete("--config", f"{tmp_path}/m") == [f"{tmp_path}/my.conf"]
    assert complete("-c", "x.conf", "stat") == ["status"]
    assert complete("nonsense", "") == []


def test_completion_of_names(tmp_path):
    config = tmp_path / "postern.conf"
    config.write_text("""
        load = [ "tls_wolfssl", "smtp", "smtp_odd" ];
        server: { mistake = 1; };
        certificates: { default: {}; other: {}; };
        listeners: { mx: { protocol = "smtp"; }; mine: {}; lab: {}; };
    """)
    file = ["-c", config]
    assert complete(*file, "tls", "report", "") == ["mx", "mine", "lab"]
    assert complete(*file, "tls", "report", "m") == ["mx", "mine"]
    assert complete(*file, "tls", "report", "mx", "") == []
    assert complete("--config", "=", config, "sessions", "list", "--listener",
                    "l") == ["lab"]
    assert complete(*file, "cert", "show", "") == ["default", "other"]
    assert complete(*file, "cert", "bind", "other", "m") == ["mx", "mine"]
    assert complete(*file, "modules", "smtp") == ["smtp", "smtp_odd"]
    assert complete("-c", "/nowhere.conf", "tls", "report", "") == []


# --- exit statuses -----------------------------------------------------------


def test_usage():
    assert run().returncode == 2
    assert run("sessions").returncode == 2
    assert 'did you mean "metrics"?' in run("metric").stderr
    assert run("status", "--now").returncode == 2
    assert run("sessions", "kick").returncode == 2
    assert run("tls", "report", "a", "b").returncode == 2
    done = run("--config", "/nowhere/x.conf", "status")
    assert done.returncode == 78 and not done.stdout


def test_no_server(servers):
    one = servers(users=1)
    one.down()
    done = one.ctl("status", check=False)
    assert done.returncode == 69 and "no server answers" in done.stderr
    assert "start posternd" in done.stderr


# --- what a server tells -----------------------------------------------------


@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_json_of_everything(servers, single):
    one = servers(users=1, single=single)
    status = json.loads(one.ctl("--json", "status").stdout)
    assert status["server"]["pid"] == one.pids[0]
    assert {x["name"] for x in status["listeners"]} >= {"imap", "mx"}
    for words in (["listeners"], ["certificates"], ["workers"], ["modules"],
                  ["sessions", "list"], ["tls", "report"], ["metrics"],
                  ["log", "level"], ["user", "list"]):
        data = json.loads(one.ctl(*words, "--json").stdout)
        assert data or words == ["sessions", "list"]
        assert one.ctl(*words).stdout.strip()
    workers = json.loads(one.ctl("--json", "workers").stdout)
    assert all(w["memory"] > 1 << 20 and w["group"] == "main"
               for w in workers)


def test_modules(server):
    data = json.loads(server.ctl("--json", "modules").stdout)
    by_name = {m["name"]: m for m in data["modules"]}
    assert by_name["imap"]["needs"] == ["mail.store/1"]
    assert by_name["vault"]["provides"] == ["mail.store/1"]
    assert by_name["imap"]["license"] == "LGPL-2.1-or-later"
    assert by_name["imap"]["file"].endswith("/imap.so")
    uses = {u["listener"]: u for u in data["listeners"]}
    assert "vault" in uses["imap"]["modules"]
    assert "smtp" not in uses["imap"]["modules"]
    assert "tls" in uses["imaps"] and "tls" not in uses["lmtp"]
    one = json.loads(server.ctl("--json", "modules", "imap").stdout)
    assert one["modules"] == [by_name["imap"]]
    assert {u["listener"] for u in one["listeners"]} == {
        name for name, u in uses.items() if "imap" in u["modules"]}
    done = server.ctl("modules", "nix", check=False)
    assert done.returncode == 2 and not done.stdout


# --- sessions ----------------------------------------------------------------


def sessions(one, *words):
    return json.loads(one.ctl("--json", "sessions", "list", *words).stdout)


def login(one, user):
    client = one.context().wrap_socket(one.connect("imaps"),
                                       server_hostname="localhost")
    client.recv(4096)
    client.sendall(f"a LOGIN {user} {user.password}\r\n".encode())
    assert b"a OK" in client.recv(4096)
    return client


@pytest.mark.parametrize("single", [False, True], ids=["workers", "single"])
def test_sessions(servers, single):
    one = servers(users=3, single=single)
    mine, other = login(one, User(1)), login(one, User(2))
    plain = one.connect("pop3")
    assert plain.recv(100).startswith(b"+OK")
    all_of_them = sessions(one)
    assert len({s["id"] for s in all_of_them}) == len(all_of_them) == 3
    assert {s.get("user") for s in all_of_them} == {
        str(User(1)), str(User(2)), None}
    secure = sessions(one, "--user", str(User(1)))
    assert len(secure) == 1
    assert secure[0]["listener"] == "imaps"
    assert secure[0]["protocol"] == "imap"
    assert secure[0]["tls"].startswith("TLSv1.")
    assert secure[0]["phase"] == "open"
    assert secure[0]["memory"] > 0 and secure[0]["peer"] == "127.0.0.1"
    assert sessions(one, "--listener", "nothing") == []

    table = one.ctl("sessions", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["SESSION", "LISTENER"]
    assert len(table) == 4

    # Goodbye in each protocol's words.
    assert one.ctl("sessions", "kick", "--user",
                   str(User(1))).stdout == "1 session told to go\n"
    assert mine.recv(4096).startswith(b"* BYE")
    assert mine.recv(4096) == b""
    number = sessions(one, "--listener", "pop3")[0]["id"]
    kicked = json.loads(one.ctl("--json", "sessions", "kick", number).stdout)
    assert kicked == {"kicked": 1}
    assert plain.recv(100).startswith(b"-ERR")
    one.wait_log(rf"session\.closed session={number} .*reason=kicked")

    # The others stay; one that is hung up on hears nothing.
    other.sendall(b"b NOOP\r\n")
    assert b"b OK" in other.recv(4096)
    assert one.ctl("sessions", "kick", "--listener", "imaps",
                   "--now").returncode == 0
    assert other.recv(4096) == b""
    wait_for(lambda: sessions(one) == [])
    gone = one.ctl("sessions", "kick", number, check=False)
    assert gone.returncode == 1 and "no such session" in gone.stderr


def test_many_sessions_come_in_pages(servers):
    one = servers(users=1, workers=2)
    clients = [one.connect("imap") for _ in range(2500)]
    for client in clients:
        assert client.recv(4096)
    listed = sessions(one, "--listener", "imap")
    assert len(listed) == len({s["id"] for s in listed}) == 2500
    done = one.ctl("sessions", "kick", "--listener", "imap")
    assert done.stdout == "2500 sessions told to go\n"
    for client in clients:
        assert client.recv(4096).startswith(b"* BYE")
        client.close()
    wait_for(lambda: sessions(one) == [], 30)


# --- the TLS report ----------------------------------------------------------


def make_pair(folder, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         folder / f"{name}.key", "-out", folder / f"{name}.crt", "-days",
         "30", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


def sign_leaf(folder, name):
    """NAME.crt and .key by an authority of its own, root.crt."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True,
                       cwd=folder)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "root.key", "-out", "root.crt",
            "-subj", "/CN=Authority", "-days", "30")
    openssl("req", *curve, "-keyout", f"{name}.key", "-out", "leaf.csr",
            "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "root.crt", "-CAkey",
            "root.key", "-CAcreateserial", "-days", "30", "-out",
            f"{name}.crt")


def report(one, *words):
    done = one.ctl("--json", "tls", "report", *words, check=False)
    return done.returncode, json.loads(done.stdout)


def test_tls_report(servers):
    one = servers(users=1)
    code, data = report(one, "--online")
    assert code == 0, data
    listeners = {x["listener"]: x for x in data["listeners"]}
    assert listeners["imap"]["mode"] == "explicit"
    assert listeners["imaps"]["mode"] == "implicit"
    assert listeners["lmtp"]["mode"] == "none"
    assert listeners["imaps"]["min"] == "1.2"
    own = {x["listener"]: x for x in data["certificates"]}
    assert own["imaps"]["match"] == "yes" and own["imaps"]["self_signed"]
    assert "localhost" in own["imaps"]["names"]

    # Every listener with TLS was looked at, through its own protocol; OpenSSL
    # sees the same certificate.
    seen = {x["listener"]: x for x in data["online"]}
    assert set(seen) == set(own) == set(listeners) - {"lmtp"}
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(one.connect("imaps"),
                             server_hostname="localhost") as client:
        der = client.getpeercert(binary_form=True)
    text = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-fingerprint",
         "-sha256"], input=der, capture_output=True, check=True).stdout
    fingerprint = text.decode().split("=")[1].strip().replace(":", "").lower()
    assert all(x["same"] and x["fingerprint"] == fingerprint
               for x in seen.values())
    assert seen["mx"]["version"] == "TLSv1.3"
    code, data = report(one, "imap")
    assert code == 0 and len(data["listeners"]) == 1
    assert one.ctl("tls", "report", "nix", check=False).returncode == 2


def test_tls_report_finds_what_is_wrong(servers):
    one = servers(users=1)
    certs = pathlib.Path(one.env["STATE"]) / "certs"
    make_pair(certs, "other")
    shutil.copy(certs / "other.key", certs / "default.key")
    code, data = report(one, "imaps")
    assert code == 1
    assert data["certificates"][0]["match"] == "no"
    assert "match" in data["certificates"][0]["problem"]
    shown = one.ctl("tls", "report", "imaps", check=False)
    assert shown.returncode == 1
    assert "listener imaps, certificate default: " in shown.stdout
    # A leaf without who has signed it.
    sign_leaf(certs, "default")
    code, data = report(one, "imaps")
    assert code == 1
    assert data["certificates"][0]["chain"] == "incomplete"
    assert "intermediate" in data["certificates"][0]["problem"]
    # Both in the wrong order, and what is cut off.
    leaf = (certs / "default.crt").read_text()
    root = (certs / "root.crt").read_text()
    (certs / "default.crt").write_text(leaf + root)
    assert report(one, "imaps")[1]["certificates"][0]["chain"] == "complete"
    (certs / "default.crt").write_text(leaf + leaf)
    assert report(one, "imaps")[1]["certificates"][0]["chain"] == "disordered"
    (certs / "default.crt").write_text(leaf[:200])
    code, data = report(one, "imaps")
    assert code == 1 and data["certificates"][0]["problem"]
    one.down()
    code, data = report(one, "imaps", "--online")
    assert code == 1
    assert any("refused" in x.get("problem", "") for x in data["online"])


def test_reload_shows_what_is_meant(servers):
    one = servers(users=1)
    certs = pathlib.Path(one.env["STATE"]) / "certs"
    make_pair(certs, "default")
    one.ctl("reload")
    code, data = report(one, "imaps", "--online")
    assert code == 0 and data["online"][0]["same"], data


def test_config_show_hides_secrets_and_has_new_rows(server):
    shown = server.ctl("config", "show").stdout
    assert re.search(r'^server\.log_format = "text";  # default$', shown, re.M)
    assert "listeners.imap.tls.mode" in shown
    assert server.ctl("config", "check").returncode == 0


def test_config_show_as_json(server):
    config = server.env["CONFIG"]
    data = json.loads(server.ctl("--json", "config", "show").stdout)
    values = {x["path"]: x for x in data}
    assert len(values) == len(data) == len(
        server.ctl("config", "show").stdout.splitlines())
    assert values["server.log_format"] == {
        "path": "server.log_format", "value": "text", "default": True}
    mode = values["listeners.imaps.tls.mode"]
    assert mode["value"] == "implicit" and mode["file"] == config
    line = pathlib.Path(config).read_text().splitlines()[mode["line"] - 1]
    assert "implicit" in line and not mode["default"]
    assert values["listeners.imaps.tls.tickets"]["value"] is True
    assert values["listeners.imaps.limits.max_errors"]["value"] > 0
    assert isinstance(values["listeners.imaps.listen"]["value"], list)
    ciphers = values["listeners.imaps.tls.ciphers"]
    assert "ECDHE-RSA-AES128-GCM-SHA256" in ciphers["value"]
    assert ciphers["from"] == "policy intermediate"
    assert values["listeners.imaps.tls.client_ca"]["value"] is None


def test_config_check_as_json(tmp_path):
    config = tmp_path / "postern.conf"
    config.write_text('server: {\n  hostnam = "a \\"b\\"";\n'
                      f'  state = "{tmp_path}/state";\n}};\n'
                      'listeners: { x: { protocol = "imap"; }; };\n')
    done = run("-c", config, "--json", "config", "check")
    notes = json.loads(done.stdout)
    assert done.returncode == 78 and not done.stderr
    assert {n["severity"] for n in notes} <= {"error", "warning"}
    wrong = [n for n in notes if n.get("line") == 2]
    assert len(wrong) == 1 and 'did you mean "hostname"?' in wrong[0]["text"]
    assert wrong[0]["severity"] == "error"
    assert wrong[0]["file"] == str(config)
    # Line by line what people are told.
    told = run("-c", config, "config", "check")
    assert told.returncode == 78 and not told.stdout
    assert told.stderr.splitlines() == [
        ":".join(str(n[k]) for k in ("file", "line") if k in n) + ": " +
        ("warning: " if n["severity"] == "warning" else "") + n["text"]
        for n in notes]


def test_config_check_of_a_good_file(server):
    done = server.ctl("--json", "config", "check")
    assert all(n["severity"] == "warning" for n in json.loads(done.stdout))


def test_reload_and_stop_as_json(servers):
    one = servers(users=1, config='limits: { max_errors = 7; };')
    data = json.loads(one.ctl("--json", "reload", "--plan").stdout)
    assert data["outcome"] == "done" and data["notes"] == []
    assert {x["action"] for x in data["listeners"]} == {"unchanged"}
    more = pathlib.Path(one.folder) / "more.conf"
    config = pathlib.Path(one.env["CONFIG"])
    holds = config if "max_errors = 7" in config.read_text() else more
    holds.write_text(holds.read_text().replace("max_errors = 7",
                                               "max_errors = -7"))
    done = one.ctl("--json", "reload", check=False)
    data = json.loads(done.stdout)
    assert done.returncode == 78 and data["outcome"] == "refused"
    note = data["notes"][0]
    assert note["severity"] == "error" and "max_errors" in note["text"]
    assert note["file"] == str(holds) and note["line"] > 0
    done = one.ctl("--json", "stop")
    assert done.stdout == "" and done.stderr == ""


def test_only_the_servers_user_may_ask(servers):
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    # Somebody who can read every file, so that it is the socket that refuses.
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              "--inh-caps=-all,+dac_read_search",
              "--ambient-caps=-all,+dac_read_search"]
    if subprocess.run([*nobody, "true"], capture_output=True,
                      check=False).returncode != 0:
        pytest.skip("setpriv cannot do that here")
    one = servers(users=1)
    path = pathlib.Path(one.env["STATE"]) / "run/control"
    assert path.stat().st_mode & 0o777 == 0o600
    for words in (["status"], ["sessions", "list"], ["--json", "reload"],
                  ["metrics"], ["log", "level", "debug"], ["stop"]):
        done = subprocess.run([*nobody, TOOL, "-c", one.env["CONFIG"], *words],
                              capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 77, (words, done.stderr)
        assert not done.stdout and str(path) in done.stderr
    # What needs no server they may do, and it is still there.
    assert subprocess.run([*nobody, TOOL, "-c", one.env["CONFIG"], "config",
                           "show"], capture_output=True,
                          check=False).returncode == 0
    assert one.ctl("log", "level").stdout.split()[-1] != "debug"
    assert one.ctl("status").returncode == 0
