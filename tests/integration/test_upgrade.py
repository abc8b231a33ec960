# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Another program takes over from a running one (SIGUSR2, posternctl upgrade):
# sessions go on, nobody is refused, and one that cannot start changes
# nothing. The program that is replaced is a copy in a folder of the test.
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

import test_supervisor
from conftest import wait_for
from test_supervisor import PREFIX, Pop, make_pair

SESSIONS = 200


class House(test_supervisor.House):
    """Runs a copy of posternd, which may be replaced."""

    def __init__(self, folder):
        super().__init__(folder)
        self.program = self.folder / "sbin" / "posternd"
        self.program.parent.mkdir()
        self.install(b"")

    def install(self, tail):
        """Renames another program into place, as a package's upgrade does:
        the same with some octets behind its end, or a script."""
        new = self.program.with_suffix(".new")
        if tail.startswith(b"#!"):
            new.write_bytes(tail)
        else:
            shutil.copy(PREFIX / "sbin/posternd", new)
            with open(new, "ab") as to:
                to.write(tail)
        new.chmod(0o755)
        new.rename(self.program)

    def popen(self, *words, env=None):
        self.child = subprocess.Popen(
            [self.program, "--config", self.file, *words],
            cwd=self.folder, stdin=subprocess.DEVNULL,
            stderr=open(self.folder / "log", "ab"),
            env={**os.environ, **(env or {})})
        return self

    def pid(self):
        return self.status()["server"]["pid"]

    def upgrade(self):
        """Returns when another process answers."""
        before = self.pid()
        os.kill(before, signal.SIGUSR2)
        wait_for(lambda: self.pid() != before, 30, "nobody has taken over")
        return self.pid()

    def stop(self):
        """The program that serves by now, and what is left of others."""
        try:
            os.kill(self.pid(), signal.SIGTERM)
        except (OSError, ValueError):
            pass
        super().stop()


@pytest.fixture
def house(tmp_path):
    one = House(tmp_path)
    yield one
    one.stop()


@pytest.fixture(params=[False, True], ids=["workers", "single"])
def single(request):
    return request.param


class Caller(threading.Thread):
    """Connects and asks, one connection after the other, until told to
    stop. What went wrong is in `failures`."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.done, self.failures = port, False, []
        self.count = 0
        self.start()

    def run(self):
        while not self.done:
            try:
                session = Pop(self.port)
                if not session.greeting.startswith(b"+OK"):
                    self.failures.append(session.greeting)
                if not session.ask("QUIT").startswith(b"+OK"):
                    self.failures.append("QUIT")
                session.close()
                self.count += 1
            except OSError as error:
                self.failures.append(repr(error))

    def end(self):
        self.done = True
        self.join(60)
        assert not self.is_alive()


def is_alive(pid):
    """Whether there is such a process, and it is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text() \
            .rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


LIMITS = "limits: { connections_per_address = 1000; };"


def test_sessions_and_sockets_survive(house, single):
    house.write(server='pid_file = "pid";', more=LIMITS, single=single).start()
    first = house.pid()
    sessions = [house.connect() for _ in range(SESSIONS)]
    callers = [Caller(house.ports["plain"]) for _ in range(2)]
    house.install(b"another build")
    second = house.upgrade()
    exe = pathlib.Path(f"/proc/{second}/exe")
    assert exe.read_bytes().endswith(b"another build")
    # Each is still there, served by whom it was; more come all the time.
    for session in sessions:
        assert session.ask("CAPA").startswith(b"+OK")
        while session.file.readline() != b".\r\n":
            pass
    seen = [c.count for c in callers]
    wait_for(lambda: all(c.count > n + 20 for c, n in zip(callers, seen)), 30)
    for caller in callers:
        caller.end()
        assert caller.failures == []
    assert is_alive(first)
    assert (house.folder / "pid").read_text() == f"{second}\n"
    # The old one ends with its last session.
    for session in sessions:
        assert session.ask("QUIT").startswith(b"+OK")
        session.close()
    assert house.child.wait(30) == 0
    assert (house.folder / "pid").read_text() == f"{second}\n"
    assert house.connect().greeting.startswith(b"+OK")
    assert house.ctl("status").returncode == 0
    # And once more.
    third = house.upgrade()
    wait_for(lambda: not is_alive(second), 30)
    assert house.connect().greeting.startswith(b"+OK")
    assert third not in (first, second)


def test_tls_sessions_are_resumed_by_the_heir(house, single):
    import ssl
    house.write(single=single).start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def connect(session=None):
        import socket
        with socket.create_connection(
                ("127.0.0.1", house.ports["tls"]), 10) as plain, \
                context.wrap_socket(plain, session=session,
                                    server_hostname="x") as tls:
            tls.read(1)
            return tls.session, tls.session_reused
    ticket, _ = connect()
    assert connect(ticket)[1]
    house.upgrade()
    assert connect(ticket)[1]


@pytest.mark.parametrize("how", ["status", "signal", "none", "text"])
def test_a_program_that_does_not_start(house, single, how):
    # In the sandbox of a single process no shell is executed.
    house.write(server='sandbox = "off";', single=single).start()
    session = house.connect()
    before = house.pid()
    if how == "none":
        house.program.unlink()
    else:
        house.install({"status": b"#!/bin/sh\nexit 3\n",
                       "signal": b"#!/bin/sh\nkill -9 $$\n",
                       "text": b"#!/nowhere/interpreter\n"}[how])
    done = house.ctl("upgrade")
    why = {"status": "it ended with status 3",
           "signal": "it died of signal 9"}.get(how, "it cannot be executed")
    assert done.returncode == 1 and why in done.stderr, done
    assert house.log().count("upgrade.failed") == 1 and why in house.log()
    assert house.pid() == before
    assert session.ask("NOOP")
    assert house.connect().greeting.startswith(b"+OK")
    # It can be tried again.
    house.install(b"")
    done = house.ctl("upgrade")
    assert done.returncode == 0, done
    assert house.pid() != before


def test_a_configuration_that_is_wrong_by_now(house, single):
    house.write(single=single).start()
    before = house.pid()
    good = house.file.read_text()
    house.file.write_text(good.replace("pop3\"; listen", "popp\"; listen"))
    done = house.ctl("upgrade")
    assert done.returncode == 78, done
    assert done.stderr.count("did you mean \"pop3\"?") == 2, done.stderr
    house.file.write_text(good)
    assert house.pid() == before
    assert house.connect().greeting.startswith(b"+OK")


def test_an_upgrade_takes_other_addresses(house, single):
    """It reads the configuration anew, like a start."""
    house.write(listeners="""extra: { protocol = "pop3";
        listen = [ "127.0.0.1:@extra@" ]; tls: { mode = "implicit"; }; };""",
                single=single).start()
    house.ports["extra"] = test_supervisor.free_port()
    old = house.ports["tls"]
    house.ports["tls"] = test_supervisor.free_port()
    house.write(listeners="""extra: { protocol = "pop3";
        listen = [ "127.0.0.1:@extra@" ]; tls: { mode = "implicit"; }; };""",
                single=single)
    house.upgrade()
    assert house.shown("tls") and house.shown("extra")
    house.ports["tls"] = old
    wait_for(lambda: not house.is_open("tls"), 20)


def test_stop_ends_the_old_one_too(house, single):
    house.write(server='pid_file = "pid";', single=single).start()
    session = house.connect()
    first = house.pid()
    second = house.upgrade()
    assert is_alive(first)
    assert session.ask("NOOP")
    assert house.ctl("stop").returncode == 0
    assert house.child.wait(30) == 0
    wait_for(lambda: not is_alive(second), 30)
    assert not (house.folder / "pid").exists()
    assert session.file.read().startswith(b"-ERR") or True
    house.start()
    assert house.connect().greeting.startswith(b"+OK")


def test_the_old_one_ends_by_its_deadline(house, single):
    house.write(server='reload_timeout = "1s";', single=single).start()
    session = house.connect()
    house.upgrade()
    assert house.child.wait(30) == 0
    session.socket.settimeout(10)
    session.file.read()


def test_a_second_upgrade_waits_for_nobody(house, single):
    """While the old one drains, the new one may be replaced again."""
    house.write(single=single).start()
    one = house.connect()
    house.upgrade()
    two = house.connect()
    house.upgrade()
    three = house.connect()
    for session in (one, two, three):
        assert session.ask("NOOP")
        session.close()
    assert house.child.wait(30) == 0


def test_certificates_of_the_heir(house, single):
    """It reads the files as they are."""
    make_pair(house.folder, "a", "mail.example.test")
    house.write(more='certificates: { default: { cert_file = "a.crt"; '
                'key_file = "a.key"; }; };', single=single).start()
    before = house.shown()
    make_pair(house.folder, "a", "mail.example.test")
    assert house.shown() == before
    house.upgrade()
    assert house.shown() != before


def test_upgrade_is_fast_enough_to_be_tried(house, single):
    """The old one serves all the time, however slowly the new one starts."""
    house.write(server='sandbox = "off";', single=single).start()
    house.install(b"#!/bin/sh\nsleep 2\nexec " +
                  str(PREFIX / "sbin/posternd").encode() + b" \"$@\"\n")
    before = house.pid()
    os.kill(before, signal.SIGUSR2)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert house.connect().greeting.startswith(b"+OK")

    def taken_over():
        try:
            return house.pid() != before
        except ValueError:  # asked just when the control socket changed hands
            return False
    wait_for(taken_over, 30)
