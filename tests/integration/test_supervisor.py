# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The life of the server: start and what prevents it, workers that die,
# reload, drain, and what posternctl sees of all that. Each test starts
# posternd itself, with POP3 as the protocol.
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest

from conftest import wait_for

PREFIX = pathlib.Path(os.environ.get(
    "POSTERN_PREFIX",
    pathlib.Path(__file__).resolve().parents[2] / ".build/default/inst"))
TLS = os.environ.get("POSTERN_TLS", "tls_wolfssl")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_pair(folder, name, host):
    """A self-signed pair NAME.crt, NAME.key in the folder."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-keyout",
         folder / f"{name}.key", "-out", folder / f"{name}.crt"],
        check=True, capture_output=True)
    (folder / f"{name}.key").chmod(0o600)


class House:
    """posternd in a folder of its own."""
    program = PREFIX / "sbin/posternd"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.child = None
        self.ports = {}
        self.file = self.folder / "postern.conf"
        (self.folder / "users").write_text("u@example.test:{PLAIN}secret\n")

    def write(self, listeners="", server="", more="", single=False):
        """Listeners `plain` (explicit TLS) and `tls` (implicit), then what
        the test adds; @plain@ and the like stand for ports."""
        for name in ("plain", "tls", "extra"):
            self.ports.setdefault(name, free_port())
        shape = 'processes = "single";' if single else "workers = 2;"
        text = f"""
server: {{
  hostname = "mail.example.test"; domains = [ "example.test" ];
  state = "state"; drain_timeout = "2s"; {shape} {server}
}};
load = [ "{TLS}", "vault", "passwd", "pop3" ];
passwd: {{ users = "users"; }};
{more}
listeners: {{
  plain: {{ protocol = "pop3"; listen = [ "127.0.0.1:@plain@" ];
           tls: {{ mode = "explicit"; require = "never"; }}; }};
  tls: {{ protocol = "pop3"; listen = [ "127.0.0.1:@tls@" ];
         tls: {{ mode = "implicit"; }}; }};
  {listeners}
}};
"""
        for name, port in self.ports.items():
            text = text.replace(f"@{name}@", str(port))
        self.file.write_text(text)
        return self

    def popen(self, *words, env=None):
        self.child = subprocess.Popen(
            [self.program, "--config", self.file, *words],
            cwd=self.folder, stdin=subprocess.DEVNULL,
            stderr=open(self.folder / "log", "ab"),
            env={**os.environ, **(env or {})})
        return self

    def start(self, **more):
        (self.folder / "log").write_text("")
        self.popen(**more)
        self.wait_log("server.ready")
        return self

    def refuses(self):
        """It does not start: its exit status and what it says."""
        self.popen()
        return self.child.wait(20), self.log()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_log(self, pattern):
        def look():
            found = re.search(pattern, self.log())
            assert found or self.child.poll() is None, self.log()
            return found
        return wait_for(look, 20, f"no {pattern!r} in the log")

    def ctl(self, *words, stdin=None):
        return subprocess.run(
            [PREFIX / "bin/posternctl", "--config", self.file, *words],
            capture_output=True, text=True, timeout=60, check=False,
            input=stdin)

    def status(self):
        return json.loads(self.ctl("--json", "status").stdout)

    def connect(self, name="plain"):
        return Pop(self.ports[name])

    def shown(self, name="tls", server_name="mail.example.test"):
        """The certificate that a client sees, DER."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.ports[name]), 10) \
                as plain, context.wrap_socket(
                    plain, server_hostname=server_name) as tls:
            return tls.getpeercert(binary_form=True)

    def is_open(self, name):
        try:
            socket.create_connection(
                ("127.0.0.1", self.ports[name]), 5).close()
            return True
        except ConnectionRefusedError:
            return False

    def stop(self):
        if self.child and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                raise


class Pop:
    """A POP3 client that keeps its connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rwb")
        self.greeting = self.file.readline()

    def ask(self, line):
        self.file.write(line.encode() + b"\r\n")
        self.file.flush()
        return self.file.readline()

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def house(tmp_path):
    one = House(tmp_path)
    yield one
    one.stop()


@pytest.fixture(params=[False, True], ids=["workers", "single"])
def single(request):
    return request.param


def worker_pids(house):
    return [w["pid"] for w in house.status()["workers"]]


# --- workers -------------------------------------------------------------


def warden_pid(house):
    """The child of the supervisor that is no worker."""
    tasks = f"/proc/{house.child.pid}/task/{house.child.pid}/children"
    children = pathlib.Path(tasks).read_text().split()
    return (set(map(int, children)) - set(worker_pids(house))).pop()


def test_worker_is_replaced(house):
    house.write().start()
    sessions = [house.connect() for _ in range(20)]
    before = worker_pids(house)
    os.kill(before[0], signal.SIGKILL)
    house.wait_log(r"worker\.died worker=0 .*signal=9")
    house.wait_log(r"worker\.replaced worker=0")
    after = worker_pids(house)
    assert after[0] != before[0] and after[1] == before[1]
    assert house.status()["workers"][0]["restarts"] == 1
    # The other worker's sessions have not noticed.
    alive = 0
    for session in sessions:
        try:
            alive += session.ask("CAPA").startswith(b"+OK")
        except OSError:
            pass
    assert 0 < alive < len(sessions)
    for _ in range(20):
        assert house.connect().greeting.startswith(b"+OK")


def test_worker_that_ends_by_term_is_replaced(house):
    house.write().start()
    before = worker_pids(house)
    os.kill(before[1], signal.SIGTERM)
    house.wait_log(r"worker\.ended worker=1 .*status=0")
    house.wait_log(r"worker\.replaced worker=1")


def test_worker_that_hangs_is_replaced(house):
    house.write(server='watchdog = "500ms";').start()
    before = worker_pids(house)
    os.kill(before[1], signal.SIGSTOP)
    house.wait_log(r"worker\.hangs worker=1 .*silent_ms=\d+")
    house.wait_log(r"worker\.replaced worker=1")
    time.sleep(1)
    assert worker_pids(house)[0] == before[0]  # it answers
    assert house.log().count("worker.hangs") == 1


def test_workers_die_with_their_supervisor(house):
    house.write().start()
    pids = worker_pids(house)
    house.child.kill()
    house.child.wait()
    for pid in pids:
        wait_for(lambda p=pid: not os.path.exists(f"/proc/{p}"))
    house.start()  # ports and the control socket are free again


def test_worker_option_overrides_the_file(house):
    house.write().popen("--workers", "3")
    house.wait_log(r"server\.ready .*workers=3")
    assert len(worker_pids(house)) == 3


def test_a_restarted_worker_keeps_the_configuration(house):
    """The file may be half-edited when a worker dies."""
    house.write().start()
    house.file.write_text("nonsense")
    pid = json.loads(subprocess.run(
        [PREFIX / "bin/posternctl", "--config", write_copy(house),
         "--json", "status"], capture_output=True, text=True, check=True)
        .stdout)["workers"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    house.wait_log(r"worker\.replaced worker=0")
    assert house.connect().greeting.startswith(b"+OK")


def write_copy(house):
    """A configuration that only says where the control socket is."""
    copy = house.folder / "copy.conf"
    copy.write_text(f'server: {{ state = "{house.folder}/state"; }};\n')
    return copy


# --- stop ----------------------------------------------------------------


def test_term_drains(house, single):
    house.write(single=single).start()
    session = house.connect()
    house.child.send_signal(signal.SIGTERM)
    house.wait_log("server.stopping")
    wait_for(lambda: not house.is_open("plain"))
    assert house.child.wait(20) == 0
    assert "server.stopped" in house.log()
    session.close()
    assert not (house.folder / "state/run/control").exists()


def test_ctl_stops(house, single):
    house.write(single=single).start()
    done = house.ctl("stop")
    assert done.returncode == 0, done.stderr
    assert house.child.wait(5) == 0
    gone = house.ctl("status")
    assert gone.returncode == 69
    assert "no server answers" in gone.stderr


# --- certificates --------------------------------------------------------

OWN = 'certificates: { default: { cert_file = "own.crt"; ' \
      'key_file = "own.key"; }; };'


def test_hup_swaps_the_certificate(house, single):
    make_pair(house.folder, "own", "mail.example.test")
    house.write(more=OWN, single=single).start()
    session = house.connect()
    first = house.shown()
    make_pair(house.folder, "own", "mail.example.test")
    house.child.send_signal(signal.SIGHUP)
    house.wait_log(r"server\.reloaded refused=0")
    seen = {house.shown() for _ in range(10)}  # by all workers
    assert first not in seen and len(seen) == 1
    assert session.ask("CAPA").startswith(b"+OK")


@pytest.mark.parametrize("damage", ["garbage", "other-key", "missing",
                                    "readable-key"])
def test_a_bad_certificate_changes_nothing(house, damage):
    make_pair(house.folder, "own", "mail.example.test")
    house.write(more=OWN).start()
    first = house.shown()
    if damage == "garbage":
        (house.folder / "own.crt").write_text("garbage")
    elif damage == "missing":
        (house.folder / "own.crt").unlink()
    elif damage == "other-key":
        make_pair(house.folder, "other", "mail.example.test")
        shutil.copy(house.folder / "other.crt", house.folder / "own.crt")
    else:
        make_pair(house.folder, "own", "mail.example.test")
        (house.folder / "own.key").chmod(0o644)
    done = house.ctl("reload")
    assert done.returncode == 1
    assert "refused" in done.stderr
    line = house.wait_log(r"certificate\.refused .*").group(0)
    assert "certificates.default" in line and "postern.conf" in line
    assert {house.shown() for _ in range(10)} == {first}
    assert all(one["state"] == "ready" for one in house.status()["listeners"])


def test_fails_closed_and_opens_when_mended(house, single):
    house.write(
        more='certificates: { late: { cert_file = "late.crt"; '
             'key_file = "late.key"; }; };',
        listeners='extra: { protocol = "pop3"; listen = '
                  '[ "127.0.0.1:@extra@" ]; tls: { mode = "implicit"; '
                  'certificates = [ "late" ]; }; };',
        single=single).start()
    assert house.is_open("plain") and house.is_open("tls")
    assert not house.is_open("extra")
    closed = [one for one in house.status()["listeners"]
              if one["state"] == "closed"]
    assert [one["name"] for one in closed] == ["extra"]
    assert re.search(r"postern\.conf:\d+: certificates\.late: .*late\.crt "
                     r"cannot be read", closed[0]["problem"])
    assert "is closed" in house.ctl("listeners").stdout
    make_pair(house.folder, "late", "late.example.test")
    assert house.ctl("reload").returncode == 0
    assert house.is_open("extra") and house.shown("extra")
    assert house.status()["listeners"][2]["state"] == "ready"


def test_a_replaced_worker_does_not_serve_without_certificate(house):
    """Its predecessor listened; the file has vanished since. As long as the
    warden lives, it has what it has read; a new one has nothing."""
    make_pair(house.folder, "own", "mail.example.test")
    house.write(more=OWN).start()
    first = house.shown()
    (house.folder / "own.key").unlink()
    for pid in worker_pids(house):
        os.kill(pid, signal.SIGKILL)
    house.wait_log(r"worker\.replaced worker=0")
    house.wait_log(r"worker\.replaced worker=1")
    assert house.shown() == first
    os.kill(warden_pid(house), signal.SIGKILL)
    house.wait_log(r"warden\.replaced")
    (house.folder / "log").write_text("")
    for pid in worker_pids(house):
        os.kill(pid, signal.SIGKILL)
    house.wait_log(r"worker\.replaced worker=0")
    house.wait_log(r"worker\.replaced worker=1")
    wait_for(lambda: not house.is_open("tls"))
    assert not house.is_open("plain")


def test_self_signed_is_made_once_and_private(house):
    house.write().start()
    first = house.shown()
    certs = house.folder / "state/certs"
    assert certs.stat().st_mode & 0o777 == 0o700
    assert (certs / "default.key").stat().st_mode & 0o777 == 0o600
    house.stop()
    house.start()
    assert house.shown() == first


# --- what prevents the start ---------------------------------------------


def test_port_in_use(house, single):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        house.ports["plain"] = other.getsockname()[1]
        code, said = house.write(single=single).refuses()
    assert code == 1
    assert re.search(r"postern\.conf:\d+: listeners\.plain: cannot open "
                     rf"127\.0\.0\.1:{house.ports['plain']}", said)
    assert "another server has it" in said
    assert not house.is_open("tls")


def test_a_second_server_is_refused(house, tmp_path):
    house.write().start()
    other = House(house.folder)
    other.ports = {n: free_port() for n in ("plain", "tls", "extra")}
    other.file = tmp_path / "other.conf"
    code, said = other.write().refuses()
    assert code == 78
    assert "a server with this state folder is running" in said
    assert house.connect().greeting.startswith(b"+OK")


def test_state_folder_that_cannot_be(house, single):
    (house.folder / "state").write_text("a file")
    code, said = house.write(single=single).refuses()
    assert code == 78
    assert re.search(r"postern\.conf:2: server\.state: .*cannot be written",
                     said)
    assert not house.is_open("plain")


def test_user_that_is_not_there(house, single):
    code, said = house.write(server='user = "no-such-user";',
                             single=single).refuses()
    assert code == 78
    assert re.search(r'postern\.conf:2: server\.user: there is no user '
                     r'"no-such-user"', said)
    checked = house.ctl("config", "check")
    assert checked.returncode == 0
    assert "warning: server.user: there is no user" in checked.stderr


def test_files_that_cannot_be(house, single):
    for key in ("log_file", "pid_file"):
        house.write(server=f'{key} = "/nowhere/at/all";', single=single)
        code, said = house.refuses()
        assert code == 1
        assert re.search(rf"postern\.conf:2: server\.{key}: .*"
                         "No such file or directory", said)


def test_all_errors_before_any_port(house):
    house.write(listeners='extra: { protocol = "pop4"; tls: { mod = "x"; }; '
                          '};', server="hostnam = 5;")
    code, said = house.refuses()
    assert code == 78
    assert 'server.hostnam: unknown key; did you mean "hostname"?' in said
    assert 'there is no protocol "pop4"; did you mean "pop3"?' in said
    assert 'listeners.extra.tls.mode: is required' in said
    assert not (house.folder / "state").exists()


def test_check(house):
    house.write()
    words = [PREFIX / "sbin/posternd", "--check", "--config", house.file]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert not (house.folder / "state").exists()
    house.write(more='certificates: { default: { cert_file = "no.crt"; '
                     'key_file = "no.key"; }; };')
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert re.search(r"postern\.conf:\d+: certificates\.default: .*no\.crt "
                     r"cannot be read", done.stderr)
    # One mistake hides no other, in whatever part of the server it is.
    house.write(server="hostnam = 5;",
                listeners='odd: { protocol = "pop3"; foo = 1; '
                          'tls: { mode = "none"; }; };',
                more='vault: { segment_size = "0"; }; pop3: { foo = 1; }; '
                     'certificates: { default: { cert_file = "no.crt"; '
                     'key_file = "no.key"; }; };')
    (house.folder / "state").write_text("a file")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    for wrong in ("server.hostnam: ", "vault.segment_size: ", "pop3.foo: ",
                  "listeners.odd.foo: ", "server.state: ",
                  "certificates.default: "):
        assert wrong in done.stderr, done.stderr


def test_command_line():
    def posternd(*words):
        done = subprocess.run([PREFIX / "sbin/posternd", *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
    assert posternd("--version")[1].startswith("posternd (Postern) ")
    assert "--check" in posternd("--help")[1]
    assert posternd("--wrong")[0] == 2
    assert posternd("--workers", "many")[0] == 2
    assert posternd("word")[0] == 2
    code, _, said = posternd("--config", "/nowhere/postern.conf")
    assert code == 78 and "cannot read the configuration" in said
    done = subprocess.run([PREFIX / "bin/posternctl", "--config",
                           "/nowhere/postern.conf", "status"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 78
    done = subprocess.run([PREFIX / "bin/posternctl", "user", "ad"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'did you mean "add"?' in done.stderr


# --- around it -----------------------------------------------------------


def test_pid_file_and_log_file(house, single):
    house.write(server='pid_file = "pid"; log_file = "own.log";',
                single=single).popen()
    log = house.folder / "own.log"
    wait_for(lambda: log.exists() and "server.ready" in log.read_text())
    assert int((house.folder / "pid").read_text()) == house.child.pid
    log.rename(house.folder / "old.log")
    house.child.send_signal(signal.SIGHUP)
    wait_for(lambda: log.exists() and "server.reloaded" in log.read_text())
    house.connect().close()
    wait_for(lambda: "session.closed" in log.read_text())
    house.stop()
    assert not (house.folder / "pid").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_becomes_another_user(single):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-test-"))
    folder.chmod(0o755)
    one = House(folder)
    (folder / "users").chmod(0o644)
    try:
        # The build may lie where that user cannot go.
        shutil.copytree(PREFIX / "lib", folder / "lib", symlinks=True)
        modules = f'module_path = "{folder}/lib/postern";'
        one.write(server='user = "nobody"; ' + modules, single=single)
        one.file.write_text(one.file.read_text().replace(
            'passwd: { users = "users"; };', ""))
        # Root makes the account; the server's user reads it.
        assert one.ctl("user", "add", "u@example.test",
                       stdin="secret\n").returncode == 0
        one.start(env={"LD_LIBRARY_PATH": str(folder / "lib")})
        for worker in one.status()["workers"]:
            facts = pathlib.Path(f"/proc/{worker['pid']}/status").read_text()
            assert re.search(r"Uid:\s+65534\s+65534\s+65534\s+65534", facts)
            assert "NoNewPrivs:\t1" in facts
        assert (folder / "state/certs/default.key").stat().st_uid == 65534
        session = one.connect()
        session.ask("USER u@example.test")
        assert session.ask("PASS secret").startswith(b"+OK")
        assert one.ctl("reload").returncode == 0
        one.stop()
        # A key that root may read and the server's user may not.
        make_pair(folder, "own", "mail.example.test")
        one.write(server='user = "nobody";', single=single, more=OWN)
        checked = one.ctl("config", "check")
        assert checked.returncode == 78
        assert "own.key cannot be read: user nobody may not" \
            in checked.stderr
    finally:
        one.stop()
        shutil.rmtree(folder)


# --- posternctl ----------------------------------------------------------


def test_status_tables(house):
    house.write().start()
    house.connect()
    tables = house.ctl("status").stdout
    assert re.search(rf"^plain +pop3 +127\.0\.0\.1:{house.ports['plain']} "
                     r"+explicit +default +ready$", tables, re.M)
    assert re.search(r"^default +20\d\d-\d\d-\d\d +39[67] .* yes +"
                     r"mail\.example\.test$", tables, re.M)
    assert re.search(r"^0 +main +serving +\d+ +\S+ +0 +\S+ +\d+ +\d+$",
                     tables, re.M)
    whole = house.status()
    assert whole["server"]["pid"] == house.child.pid
    assert whole["listeners"][1]["tls"] == "implicit"
    assert whole["certificates"][0]["names"] == ["mail.example.test"]
    assert sum(w["total"] for w in whole["workers"]) >= 1


def test_accounts(house):
    house.write().start()
    assert house.ctl("user", "add", "new@example.test", "--quota", "1G",
                     stdin="first secret\n").returncode == 0
    again = house.ctl("user", "add", "new@example.test", stdin="x\n")
    assert again.returncode == 1 and "exists" in again.stderr
    assert re.search(r"^new@example\.test +1G$",
                     house.ctl("user", "list").stdout, re.M)

    def login(password):
        session = house.connect()
        session.ask("USER new@example.test")
        answer = session.ask(f"PASS {password}")
        session.close()
        return answer.startswith(b"+OK")

    wait_for(lambda: login("first secret"), 20)  # the server notices
    assert house.ctl("user", "password", "new@example.test",
                     stdin="second\n").returncode == 0
    # Each worker notices by itself.
    wait_for(lambda: not any(login("first secret") for _ in range(8)), 20)
    assert login("second")
    assert house.ctl("user", "quota", "new@example.test", "5x").returncode == 2
    assert house.ctl("user", "delete", "new@example.test").returncode == 0
    assert house.ctl("user", "delete", "new@example.test").returncode == 1
    assert house.ctl("user", "add", "empty@example.test",
                     stdin="").returncode == 2


def test_account_before_the_first_start(house):
    (house.folder / "users").unlink()
    house.write()
    house.file.write_text(house.file.read_text().replace(
        'passwd: { users = "users"; };', ""))
    assert house.ctl("user", "add", "u@example.test",
                     stdin="secret\n").returncode == 0
    house.start()
    session = house.connect()
    session.ask("USER u@example.test")
    assert session.ask("PASS secret").startswith(b"+OK")


def test_config_show_and_check(house):
    house.write()
    shown = house.ctl("config", "show")
    assert shown.returncode == 0
    assert re.search(r'^server\.drain_timeout = "2s";  # .*postern\.conf:4$',
                     shown.stdout, re.M)
    assert 'listeners.tls.tls.min_version = "1.2";  # policy intermediate' in shown.stdout
    assert house.ctl("config", "check").returncode == 0
    house.write(server="worker = 1;")
    done = house.ctl("config", "check")
    assert done.returncode == 78 and 'did you mean "workers"?' in done.stderr


def test_usage():
    def ctl(*words):
        done = subprocess.run([PREFIX / "bin/posternctl", *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    assert ctl("--help")[0] == 0 and "user ..." in ctl("--help")[1]
    assert "password USER" in ctl("user", "--help")[1]
    assert ctl()[0] == 2
    assert ctl("statsu")[0] == 2
    assert ctl("user", "add")[0] == 2
    assert ctl("status", "more")[0] == 2


def test_a_silent_client_of_the_control_socket(house, single):
    house.write(single=single).start()
    path = str(house.folder / "state/run/control")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(path)
        start = time.monotonic()
        assert house.ctl("status").returncode == 0
        assert time.monotonic() - start < 5
    with socket.socket(socket.AF_UNIX) as wrong:
        wrong.connect(path)
        wrong.sendall(b"nonsense\n")
        assert wrong.recv(1000).startswith(b"error\ttext=")
