# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The log: its forms and where it goes, a level that is changed while the server
# runs, files that are opened anew, and that no secret is ever in it.
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import tempfile
import threading
import time

import pytest
from conftest import User, wait_for
from test_supervisor import PREFIX, House


@pytest.fixture
def make_house(tmp_path):
    made = []

    def make():
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(House(folder))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(params=[False, True], ids=["workers", "single"])
def single(request):
    return request.param


def ready(house, **more):
    """Waits; the log may not be where House looks for it."""
    house.popen(**more)

    def is_ready():
        try:
            house.connect().close()
        except OSError:
            return False
        return True

    wait_for(is_ready, 30, "it does not serve")


def begin(house, server, single):
    house.write(server=server, single=single)
    ready(house)
    session = house.connect()
    session.ask("USER nobody@example.test")
    session.ask("PASS such-a-secret-word")
    session.close()


def test_json_lines(make_house, single):
    house = make_house()
    begin(house, 'log_file = "own.log"; log_format = "json";', single)
    path = house.folder / "own.log"

    def events():
        return [json.loads(x) for x in path.read_text().splitlines()]

    wait_for(lambda: any(e["event"] == "session.closed" for e in events()))
    closed = [e for e in events() if e["event"] == "session.closed"][0]
    assert closed["level"] == "info"
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
                    closed["time"])
    assert isinstance(closed["in"], int) and closed["peer"] == "127.0.0.1"
    assert closed["process"].startswith("postern" if single else "worker-")
    assert "such-a-secret-word" not in path.read_text()


class Sink:
    """A socket in place of syslog's or journald's. It is read from the
    beginning: the kernel holds ten lines, and the server waits for nobody."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        os.chmod(path, 0o666)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                self.lines.put(self.socket.recv(65536))
            except OSError:
                return

    def until(self, pattern):
        seen = []
        end = time.monotonic() + 20
        while time.monotonic() < end:
            seen.append(self.lines.get(timeout=20))
            if re.search(pattern, seen[-1]):
                return seen
        raise AssertionError(seen)


def test_syslog(make_house, single):
    house = make_house()
    sink = Sink(house.folder / "syslog")
    begin(house, 'log_to = "syslog"; log_socket = "syslog"; '
          'log_facility = "mail";', single)
    lines = sink.until(rb"session\.closed")
    assert re.match(rb"<22>postern\[\d+\]: \S+ session\.closed session=",
                    lines[-1])
    assert all(line.startswith((b"<22>", b"<20>", b"<19>")) for line in lines)


def test_journald(make_house, single):
    house = make_house()
    sink = Sink(house.folder / "journal")
    begin(house, 'log_to = "journald"; log_socket = "journal";', single)
    entry = sink.until(rb"session\.closed")[-1]
    assert b"PRIORITY=6\n" in entry
    assert b"SYSLOG_IDENTIFIER=postern\n" in entry
    # KEY, line end, length in 64 bits, value (journald's native protocol).
    assert b"POSTERN_EVENT\n\x0e" + b"\0" * 7 + b"session.closed\n" in entry
    assert b"POSTERN_LISTENER\n\x05" + b"\0" * 7 + b"plain\n" in entry


def test_daemon_that_comes_later(make_house, single):
    house = make_house()
    begin(house, 'log_to = "syslog"; log_socket = "syslog";', single)
    sink = Sink(house.folder / "syslog")
    house.connect().close()
    lines = sink.until(rb"log\.lost lines=\d+")
    assert any(b"session." in line for line in lines)


def test_keys_that_mean_nothing(make_house):
    house = make_house()
    house.write(server='log_to = "syslog"; log_file = "x";')
    done = house.ctl("config", "check")
    assert done.returncode == 78
    assert "server.log_file: means nothing with this log_to" in done.stderr


# --- level -------------------------------------------------------------------


def test_level_of_all_processes(make_house, single):
    house = make_house()
    house.write(server='log_level = "error";', single=single)
    ready(house)
    house.connect().close()
    assert house.ctl("log", "level").stdout == "error\n"
    assert "session.closed" not in house.log()
    assert house.ctl("log", "level", "info").stdout == "info\n"
    for _ in range(4):
        house.connect().close()
    house.wait_log(r"session\.closed")
    # A worker that is replaced has it, too.
    if not single:
        worker = house.status()["workers"][0]["pid"]
        os.kill(worker, signal.SIGKILL)
        house.wait_log(r"worker\.replaced")
        assert house.ctl("log", "level").stdout == "info\n"
    assert json.loads(house.ctl("--json", "log", "level", "warning").stdout) \
        == {"level": "warning"}
    wrong = house.ctl("log", "level", "loud")
    assert wrong.returncode == 1 and "is not a level" in wrong.stderr


# --- files -------------------------------------------------------------------


def children(pid):
    found = [pid]
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def holders(pids, inode):
    """Those that have the file open."""
    found = []
    for pid in pids:
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                if fd.stat().st_ino == inode:
                    found.append(pid)
            except OSError:
                pass
    return found


@pytest.mark.parametrize("how", ["signal", "command"])
def test_reopen(make_house, single, how):
    house = make_house()
    begin(house, 'log_file = "own.log";', single)
    path = house.folder / "own.log"
    pids = children(house.child.pid)
    assert single or len(pids) >= 3  # warden, workers
    old = path.stat().st_ino
    assert set(holders(pids, old)) == set(pids)
    path.rename(house.folder / "old.log")
    if how == "signal":
        os.kill(house.child.pid, signal.SIGUSR1)
    else:
        assert house.ctl("log", "reopen").returncode == 0
    wait_for(lambda: not holders(pids, old), 20,
             "a process writes to the old file")
    assert set(holders(pids, path.stat().st_ino)) == set(pids)
    for _ in range(4):
        house.connect().close()
    wait_for(lambda: "session.closed" in path.read_text())


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give up rights")
def test_reopen_for_those_who_may_not_open():
    """Workers are another user than the one who owns the log."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-test-"))
    folder.chmod(0o755)
    house = House(folder)
    (folder / "users").chmod(0o644)
    try:
        # The build may lie where that user cannot go.
        shutil.copytree(PREFIX / "lib", folder / "lib", symlinks=True)
        house.write(server='user = "nobody"; log_file = "own.log"; '
                    f'module_path = "{folder}/lib/postern";')
        ready(house, env={"LD_LIBRARY_PATH": str(folder / "lib")})
        path = folder / "own.log"
        path.rename(folder / "old.log")
        os.kill(house.child.pid, signal.SIGUSR1)
        wait_for(path.exists)
        assert path.stat().st_uid == 0
        assert path.stat().st_mode & 0o777 == 0o640

        def logged():
            house.connect().close()
            return "session.closed" in path.read_text()

        wait_for(logged, 20)
    finally:
        house.stop()
        shutil.rmtree(folder)


# --- secrets -----------------------------------------------------------------


def test_no_secret_at_any_level(servers):
    one = servers(users=2)
    one.ctl("log", "level", "debug")
    user = User(1)
    one.ctl("user", "password", str(user), stdin="unmistakable-1234\n")

    def login():
        client = one.context().wrap_socket(one.connect("imaps"),
                                           server_hostname="localhost")
        client.recv(4096)
        client.sendall(f"a LOGIN {user} unmistakable-1234\r\n".encode())
        said = client.recv(4096)
        client.close()
        return b"a OK" in said

    wait_for(login, 20)
    client = one.connect("pop3")
    client.recv(1000)
    client.sendall(b"PASS unmistakable-5678\r\nUSER x\r\n")
    client.recv(1000)
    client.close()
    one.wait_log("session.closed")
    assert "unmistakable" not in one.log()
    assert "level=debug" in one.log()


def test_handshakes_are_explained(servers):
    one = servers(users=1)
    client = one.context().wrap_socket(one.connect("imaps"),
                                       server_hostname="localhost")
    client.close()
    line = one.wait_log(r"tls\.handshake .*outcome=ok.*").group(0)
    for key in ("session=", "listener=imaps", "peer=127.0.0.1", "outcome=ok",
                "sni=localhost", "version=TLSv1.", "cipher=TLS_"):
        assert key in line, line
