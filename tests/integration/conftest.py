# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Servers for the integration tests, by tools/testbed. Most tests share one and
# take users of their own from it; a test that stops, kills or configures its
# server asks for one with the `servers` fixture. Both TLS providers: set
# POSTERN_TLS=tls_openssl to run everything with the other one.
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

# Run-time checkers are linked in (tools/test --sanitize).
SANITIZED = bool(os.environ.get("POSTERN_SANITIZE"))
# Modules are linked into the programs (tools/test --static).
STATIC = "POSTERN_PREFIX" in os.environ and not pathlib.Path(
    os.environ["POSTERN_PREFIX"], "lib/libpostern.so").exists()
TREE = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "secret"
SHARED_USERS = 400

# What tools/test runs with --long alone.
collect_ignore = [] if os.environ.get("POSTERN_LONG") else [
    "test_imap_oracle.py"]


class Server:
    """A running testbed. `env` holds what tools/testbed wrote to DIR/env."""

    def __init__(self, folder, config="", users=10, workers=2, single=False,
                 tls=None, closed=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        more = ["--users", str(users)]
        more += ["--single"] if single else ["--workers", str(workers)]
        if tls:
            more += ["--tls", tls]
        if closed:
            more += ["--closed", closed]
        if config:
            self.folder.joinpath("more.conf").write_text(config)
            more += ["--config", str(self.folder / "more.conf")]
        self.testbed("up", *more)

    def testbed(self, action, *more):
        done = subprocess.run(
            [TREE / "tools/testbed", action, self.folder, *more],
            capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        lines = self.folder.joinpath("env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines)

    def port(self, service):
        """port("imaps"), port("submission")..."""
        return int(self.env[f"{service.upper()}_PORT"])

    @property
    def host(self):
        return self.env["HOST"]

    @property
    def cafile(self):
        return self.env["CAFILE"]

    @property
    def pids(self):
        return [int(p) for p in self.env["PIDS"].split()]

    def context(self):
        """A client's TLS context that trusts this server and no other. Give
        server_hostname="localhost"."""
        return ssl.create_default_context(cafile=self.cafile)

    def connect(self, service):
        """A plain socket with a time limit."""
        return socket.create_connection((self.host, self.port(service)), 30)

    def log(self):
        return self.folder.joinpath("log").read_text(errors="replace")

    def wait_log(self, pattern, seconds=10):
        """The match, once the log has a line with it."""
        return wait_for(lambda: re.search(pattern, self.log()), seconds,
                        f"no {pattern!r} in the log")

    def ctl(self, *words, check=True, stdin=None):
        """posternctl of this server."""
        done = subprocess.run(
            [self.env["PREFIX"] + "/bin/posternctl", "--config",
             self.env["CONFIG"], *words], capture_output=True, text=True,
            timeout=60, check=False, input=stdin)
        assert not check or done.returncode == 0, done.stderr
        return done

    def workers(self):
        """The process numbers of its workers."""
        said = json.loads(self.ctl("--json", "status").stdout)
        return [w["pid"] for w in said["workers"] if w["pid"]]

    def warden(self):
        """Its child that is no worker; None: there is none just now."""
        pid, workers = int(self.env["PID"]), self.workers()
        tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return next((int(child) for child in tasks.split()
                     if int(child) not in workers), None)

    def signal(self, name):
        os.kill(int(self.env["PID"]), getattr(signal, name))

    def restart(self):
        self.testbed("restart")

    def kill(self):
        self.testbed("kill")

    def down(self):
        self.testbed("down")


def wait_for(what, seconds=10, why="it did not happen"):
    """Calls `what` until it says something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        said = what()
        if said:
            return said
        assert time.monotonic() < end, why
        time.sleep(0.02)


class User:
    def __init__(self, number):
        self.name = f"user{number}@example.test"
        self.local = f"user{number}"
        self.password = PASSWORD

    def __str__(self):
        return self.name


@pytest.fixture(scope="session", params=["workers", "single"])
def server(request, tmp_path_factory):
    """The server that most tests share. Leave it running as it is. There is
    one of workers and one of a single process, and what holds for one holds
    for the other."""
    one = Server(tmp_path_factory.mktemp("server"), users=SHARED_USERS,
                 single=request.param == "single")
    yield one
    one.down()


@pytest.fixture(scope="session")
def user_numbers(server):
    return itertools.count(1)


@pytest.fixture
def user(server, user_numbers):
    """A user of the shared server whom no other test has."""
    number = next(user_numbers)
    assert number <= SHARED_USERS, "SHARED_USERS is too small"
    return User(number)


@pytest.fixture
def users(server, user_numbers):
    """Two of them."""
    return User(next(user_numbers)), User(next(user_numbers))


@pytest.fixture
def servers(tmp_path):
    """servers(config="...", users=10, workers=2, single=False, tls=None,
    closed=None): a server for this test alone; nobody waits for the listener
    `closed`. Its users are User(1) and so on."""
    made = []

    def make(**options):
        one = Server(tmp_path / f"server{len(made)}", **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()


@pytest.fixture(scope="session")
def tool():
    """tool("swaks"): its path; the test is skipped where it is missing,
    except in CI, which has installed all of them."""
    def find(name):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if path is None and os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path
    return find


def run(*words, stdin="", timeout=60, env=None, cwd=None):
    """Runs a client to its end: its standard output. It must succeed."""
    done = subprocess.run([str(w) for w in words], input=stdin, text=True,
                          capture_output=True, timeout=timeout, check=False,
                          env={**os.environ, **(env or {})}, cwd=cwd)
    assert done.returncode == 0, \
        f"{words[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session", name="run")
def run_fixture():
    return run
