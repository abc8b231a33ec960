# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Under a service manager: sockets that it passes (LISTEN_FDS), those that are
# left in its care, and what it is told. The manager is a stand-in, since no
# systemd runs in the tests; systemd-socket-activate is the real one.
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

import test_supervisor
from conftest import wait_for
from test_supervisor import PREFIX, House, Pop, free_port, worker_pids

# Becomes the program with sockets at 3 and up, as its process.
WRAPPER = """
import fcntl, os, sys
names, fds, rest = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in fds if fd]
for at, fd in enumerate(high):
    os.dup2(fd, 3 + at, inheritable=True)
os.closerange(3 + len(high), 256)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(high))
os.environ["LISTEN_FDNAMES"] = names
if os.environ.pop("WATCHDOG_MINE", ""):
    os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(rest[0], rest)
"""


class Manager:
    """Hears what a service says, and keeps what it leaves."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0)
        self.said, self.store = [], []

    def hear(self):
        """All texts so far. What is stored, and removed, is kept account
        of."""
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self.socket, 4096, 64)
            except BlockingIOError:
                return self.said
            lines = text.decode().split("\n")
            self.said.append(text.decode())
            name = next((line[7:] for line in lines
                         if line.startswith("FDNAME=")), "")
            if "FDSTORE=1" in lines:
                self.store += [(name, fd) for fd in fds]
            elif "FDSTOREREMOVE=1" in lines:
                for entry in [e for e in self.store if e[0] == name]:
                    os.close(entry[1])
                    self.store.remove(entry)

    def wait(self, pattern, count=1, seconds=20):
        """The datagrams that match, once there are so many."""
        def look():
            found = [t for t in self.hear() if re.search(pattern, t)]
            return found if len(found) >= count else None
        return wait_for(look, seconds, f"never said: {pattern}")

    def close(self):
        for _, fd in self.store:
            os.close(fd)
        self.socket.close()


@pytest.fixture
def house(tmp_path):
    one = House(tmp_path)
    one.manager = Manager(tmp_path)
    yield one
    try:
        os.kill(one.status()["server"]["pid"], signal.SIGTERM)
    except (OSError, ValueError):
        pass
    one.stop()
    one.manager.close()


@pytest.fixture(params=[False, True], ids=["workers", "single"])
def single(request):
    return request.param


def bound(port=0, host="127.0.0.1", family=socket.AF_INET):
    """A listening socket of the manager."""
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((host, port))
    one.listen(16)
    return one


def launch(house, sockets=(), names="", env=None):
    """Starts the service as a manager does."""
    fds = [s if isinstance(s, int) else s.fileno() for s in sockets]
    log = open(house.folder / "log", "ab")
    house.child = subprocess.Popen(
        [sys.executable, "-c", WRAPPER, names, ",".join(map(str, fds)),
         PREFIX / "sbin/posternd", "--config", house.file],
        cwd=house.folder, stdin=subprocess.DEVNULL, stderr=log, pass_fds=fds,
        env={**os.environ, "NOTIFY_SOCKET": str(house.manager.path),
             **(env or {})})
    house.wait_log("server.ready")
    return house


def greets(house, name="plain"):
    session = house.connect(name)
    good = session.greeting.startswith(b"+OK")
    session.close()
    return good


# --- sockets of a socket unit --------------------------------------------


def test_sockets_by_address(house, single):
    house.write(single=single)
    plain = bound(house.ports["plain"])
    early = Pop.__new__(Pop)  # connects before the service is there
    early.socket = socket.create_connection(plain.getsockname(), 10)
    launch(house, [plain])
    assert early.socket.recv(100).startswith(b"+OK")
    for _ in range(20):
        assert greets(house)
    early.socket.close()
    # The service ends; the socket is the manager's, and still listens.
    house.child.terminate()
    assert house.child.wait(30) == 0
    late = socket.create_connection(plain.getsockname(), 10)
    (house.folder / "log").write_text("")
    house.manager.hear()
    launch(house, [plain, *(fd for _, fd in house.manager.store)],
           ":".join(["postern.socket",
                     *(name for name, _ in house.manager.store)]))
    assert late.recv(100).startswith(b"+OK")
    late.close()
    plain.close()


def test_sockets_by_name(house, single):
    """A socket that has a listener's name is served by it wherever it is
    bound; nobody binds what the file says then."""
    house.write(single=single)
    elsewhere = bound()
    launch(house, [elsewhere], names="plain")
    assert not house.is_open("plain")
    house.ports["plain"] = elsewhere.getsockname()[1]
    assert greets(house)
    elsewhere.close()


def test_sockets_that_nobody_wants(house, single):
    house.write(single=single)
    other, stranger = bound(), socket.socket(socket.AF_UNIX)
    launch(house, [other, stranger], names="postern.socket:x")
    assert house.log().count("socket.not-wanted") == 2
    assert greets(house)
    other.close()


def test_workers_share_a_socket_that_was_given(house):
    house.write(server="")
    plain = bound(house.ports["plain"])
    launch(house, [plain])
    sessions = [house.connect() for _ in range(40)]
    assert all(s.greeting.startswith(b"+OK") for s in sessions)
    # One that dies leaves it to the other.
    os.kill(worker_pids(house)[0], signal.SIGKILL)
    for _ in range(20):
        assert greets(house)
    plain.close()


def test_reload_keeps_a_socket_that_was_given(house, single):
    house.write(single=single)
    plain = bound(house.ports["plain"])
    launch(house, [plain])
    session = house.connect()
    text = house.file.read_text()
    house.file.write_text(text.replace(
        'mode = "explicit"; require = "never";',
        'mode = "explicit"; require = "auth";'))
    assert house.ctl("reload").returncode == 0
    assert session.ask("NOOP")
    assert greets(house)
    plain.close()


def test_the_real_socket_activation(house, single, tool):
    """systemd-socket-activate starts it with the first connection."""
    house.write(single=single)
    program = tool("systemd-socket-activate")
    house.child = subprocess.Popen(
        [program, "-l", f"127.0.0.1:{house.ports['plain']}",
         "--fdname=plain", PREFIX / "sbin/posternd", "--config", house.file],
        cwd=house.folder, stdin=subprocess.DEVNULL,
        stderr=open(house.folder / "log", "ab"))
    wait_for(lambda: house.is_open("plain"))
    session = house.connect()
    assert session.greeting.startswith(b"+OK")
    assert greets(house) and greets(house)
    assert house.shown("tls")


# --- sockets that are left -----------------------------------------------


def test_sockets_survive_a_restart(house, single):
    house.write(single=single)
    launch(house)
    manager = house.manager
    each = 1 if single else 2
    wait_for(lambda: manager.hear() and len(manager.store) == 2 * each)
    assert {name for name, _ in manager.store} == {
        f"@127.0.0.1.{house.ports[n]}" for n in ("plain", "tls")}
    assert house.ctl("stop").returncode == 0
    assert house.child.wait(30) == 0
    # Nobody serves; who connects now is served after the start.
    waiting = [socket.create_connection(
        ("127.0.0.1", house.ports["plain"]), 10) for _ in range(8)]
    (house.folder / "log").write_text("")
    kept = list(manager.store)
    launch(house, [fd for _, fd in kept],
           names=":".join(name for name, _ in kept))
    for one in waiting:
        assert one.recv(100).startswith(b"+OK")
        one.close()
    assert greets(house)
    manager.hear()
    assert manager.store == kept  # they are not stored twice
    # An address that is gone is taken back.
    assert house.ctl("stop").returncode == 0
    assert house.child.wait(30) == 0
    (house.folder / "log").write_text("")
    old, house.ports["plain"] = house.ports["plain"], free_port()
    house.write(single=single)
    launch(house, [fd for _, fd in kept],
           names=":".join(name for name, _ in kept))
    assert greets(house)
    manager.wait(f"FDSTOREREMOVE=1\nFDNAME=@127.0.0.1.{old}$")
    wait_for(lambda: manager.hear() and len(manager.store) == 2 * each)


def test_a_reload_stores_what_is_new(house, single):
    house.write(single=single)
    launch(house)
    old, house.ports["plain"] = house.ports["plain"], free_port()
    house.write(single=single)
    done = house.ctl("reload")
    assert done.returncode == 0, done
    assert greets(house)
    house.manager.wait(f"FDSTOREREMOVE=1\nFDNAME=@127.0.0.1.{old}$")
    names = {name for name, _ in house.manager.store}
    assert f"@127.0.0.1.{house.ports['plain']}" in names


# --- what is said --------------------------------------------------------


def test_start_reload_stop(house, single):
    house.write(single=single)
    launch(house)
    manager = house.manager
    assert "STATUS=" in manager.wait("^READY=1")[0]
    assert house.ctl("reload").returncode == 0
    manager.wait("^READY=1", 2)
    order = [t.split("\n")[0] for t in manager.said
             if re.match("READY|RELOADING|STOPPING", t)]
    assert order == ["READY=1", "RELOADING=1", "READY=1"]
    said = manager.wait("^RELOADING=1")[0]
    stamp = int(re.search(r"MONOTONIC_USEC=(\d+)", said)[1])
    assert 0 < time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - stamp \
        < 600_000_000
    house.child.terminate()
    manager.wait("^STOPPING=1")
    assert house.child.wait(30) == 0


def test_upgrade_tells_the_new_main_process(house, single):
    house.write(single=single)
    launch(house)
    before = house.status()["server"]["pid"]
    done = house.ctl("upgrade")
    assert done.returncode == 0, done
    after = house.status()["server"]["pid"]
    assert after != before
    house.manager.wait(f"^MAINPID={after}$")
    house.manager.wait("^READY=1", 2)
    said = [t for t in house.manager.said
            if t.startswith(("MAINPID", "READY"))]
    assert said[1] == f"MAINPID={after}"  # the old one says it, being main
    assert house.child.wait(30) == 0
    # The new one has the sockets of before in the manager's care.
    (house.folder / "log").write_text("")
    stored = len(house.manager.store)
    house.manager.hear()
    assert len(house.manager.store) == stored


def test_watchdog(house, single):
    """It is fed as long as all workers answer."""
    house.write(server="watchdog = \"0\";", single=single)
    launch(house, env={"WATCHDOG_USEC": "1000000", "WATCHDOG_MINE": "1"})
    manager = house.manager
    manager.wait("^WATCHDOG=1$", 4)
    pid = worker_pids(house)[0]
    os.kill(pid, signal.SIGSTOP)

    def count():
        return len([t for t in manager.hear() if t == "WATCHDOG=1"])

    def is_silent():
        """For three times as long as it may be, after what was under way."""
        before = count()
        time.sleep(1.5)
        return count() == before
    wait_for(is_silent, 30, "it is fed all the same")
    before = count()
    os.kill(pid, signal.SIGCONT)
    manager.wait("^WATCHDOG=1$", before + 2)


def test_watchdog_of_another(house, single):
    house.write(single=single)
    launch(house, env={"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    time.sleep(1)
    assert "WATCHDOG=1" not in house.manager.hear()


def test_the_units_are_right(tool, tmp_path):
    """The unit files that are installed, as systemd itself reads them."""
    units = PREFIX / "lib/systemd/system"
    for unit in ("postern.service", "postern.socket"):
        shutil.copy(units / unit, tmp_path)
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no",
         tmp_path / "postern.socket", tmp_path / "postern.service"],
        capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines()
            if "postern" in line and "Failed to create" not in line]
    assert done.returncode == 0 and said == [], done.stderr
