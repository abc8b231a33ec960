# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a module that misbehaves can do to the server, which is little, and what
# the log says of it. The module is tests/integration/misbehave; it lives in a
# folder with the others, made for these tests.
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import SANITIZED, wait_for
from test_supervisor import PREFIX, TLS, House, Pop, free_port

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD",
                                    TREE / ".build/default"))
MODULE = "tests/integration/misbehave/misbehave.la"
STATIC = not (PREFIX / "lib/libpostern.so").exists()
PROGRAM = "tests/integration/misbehave/posternd"


@pytest.fixture(scope="session")
def modules(tmp_path_factory, run):
    """A folder with all modules, and the one that misbehaves; of a static
    build, a folder that stands for nothing, as all is in the program."""
    if STATIC:
        run("make", "-C", BUILD, PROGRAM, timeout=300)
        return tmp_path_factory.mktemp("guard")
    run("make", "-C", BUILD, MODULE, timeout=300)
    folder = tmp_path_factory.mktemp("guard") / "modules"
    shutil.copytree(PREFIX / "lib/postern", folder)
    shutil.copy((BUILD / MODULE).parent / ".libs/misbehave.so", folder)
    return folder


class Lab(House):
    """A house with the module in it."""
    if STATIC:
        program = BUILD / PROGRAM

    def __init__(self, folder, modules):
        super().__init__(folder)
        self.modules = modules

    def write(self, listeners="", server="", more="", single=False):
        self.ports.setdefault("lab", free_port())
        super().write(server=f'module_path = "{self.modules}"; {server}',
                      more=more, single=single, listeners=f"""
  lab: {{ protocol = "misbehave"; listen = [ "127.0.0.1:@lab@" ];
         tls: {{ mode = "none"; }}; }};
  {listeners}""")
        text = self.file.read_text().replace('"pop3" ]',
                                             '"pop3", "misbehave" ]')
        self.file.write_text(text)
        return self

    def lab(self):
        return Pop(self.ports["lab"])

    def order(self, line):
        """Sends a command that has no answer."""
        session = self.lab()
        session.file.write(line.encode() + b"\r\n")
        session.file.flush()
        return session


@pytest.fixture
def lab(tmp_path, modules):
    one = Lab(tmp_path, modules)
    yield one
    one.stop()


def frames(line):
    """[(file, function or "")] of a back-trace in a log line."""
    found = re.findall(r' f\d+=(?:"([^"]*)"|(\S+))', line)
    return [(one.split("+")[0], one.partition(" ")[2])
            for one in (a or b for a, b in found)]


DEATHS = [("crash", signal.SIGSEGV), ("abort", signal.SIGABRT),
          ("overflow", signal.SIGSEGV)]


def check_report(line, act):
    assert " plugin=misbehave " in line, line
    trace = frames(line)
    place = "posternd" if STATIC else "misbehave.so"
    inside = [function for file, function in trace if file == place]
    assert inside, line
    name = inside[0].split(".")[0]  # a compiler may add ".cold"
    assert name in (f"misbehave_{act}", ""), line  # "": stripped


@pytest.mark.parametrize("act, number", DEATHS)
def test_a_crash_is_told_with_its_plugin_and_place(lab, act, number):
    lab.write().start()
    lab.order(act)
    line = lab.wait_log(
        rf"worker\.died worker=\d .*signal={number:d} .*").group(0)
    check_report(line, act)
    lab.wait_log(r"worker\.replaced worker=\d")
    assert lab.lab().greeting.startswith(b"+OK")


@pytest.mark.parametrize("act, number", DEATHS)
def test_a_crash_on_a_lane_is_told_too(lab, act, number):
    lab.write().start()
    lab.order("later " + act)
    line = lab.wait_log(
        rf"worker\.died worker=\d .*signal={number:d} .*").group(0)
    check_report(line, act)


@pytest.mark.parametrize("act, number", DEATHS)
def test_a_single_process_tells_of_its_own_crash(lab, act, number):
    lab.write(single=True).start()
    lab.order(act)
    assert lab.child.wait(20) == -number
    line = re.search(rf"process\.died signal={number:d} .*",
                     lab.log()).group(0)
    check_report(line, act)


@pytest.mark.parametrize("act", ["hang", "spin"])
def test_a_hung_worker_says_where(lab, act):
    lab.write(server='watchdog = "500ms";').start()
    lab.order(act)
    lab.wait_log(r"worker\.hangs worker=\d")
    line = lab.wait_log(r"worker\.died worker=\d .*signal=6 .*").group(0)
    check_report(line, act)
    lab.wait_log(r"worker\.replaced worker=\d")


def test_a_stripped_module_still_tells_its_name(lab, run):
    if STATIC:
        lab.program = lab.folder / "posternd"
        shutil.copy(Lab.program, lab.program)
        run("strip", lab.program)
    else:
        shutil.copytree(lab.modules, lab.folder / "modules")
        lab.modules = lab.folder / "modules"
        run("strip", lab.modules / "misbehave.so")
    lab.write().start()
    lab.order("crash")
    line = lab.wait_log(r"worker\.died worker=\d .*signal=11 .*").group(0)
    check_report(line, "crash")


# --- the sandbox ---------------------------------------------------------

needs_filter = pytest.mark.skipif(
    SANITIZED, reason="run-time checkers need what the filter forbids")

# (command, what the log calls it); @...@ stands for something of the test's.
FORBIDDEN = [
    ("fork", "clone"),
    ("exec /bin/true", "execve"),
    ("read /etc/hosts", "openat"),
    ("read @outside@", "openat"),
    ("write @outside@", "openat"),
    ("write @outside@.new", "openat"),
    ("remove @outside@", "unlink"),
    ("mkdir @outside@.folder", "mkdir"),
    ("chmod @outside@", "chmod"),
    ("tcp @port@", "socket inet"),
    ("udp @port@", "socket inet"),
    ("raw", "socket inet"),
    ("ptrace", "ptrace"),
    ("kill", "kill"),
    ("mprotect", "mprotect"),
]


class Outside:
    """A file that is none of the server's business, and a port."""

    def __init__(self, folder):
        self.file = folder / "file"
        self.file.write_text("a")
        self.file.chmod(0o666)
        self.listener = socket.create_server(("127.0.0.1", 0))

    def fill_in(self, line):
        port = self.listener.getsockname()[1]
        return line.replace("@outside@", str(self.file)).replace(
            "@port@", str(port))


@pytest.fixture
def outside(tmp_path_factory):
    one = Outside(tmp_path_factory.mktemp("outside"))
    yield one
    one.listener.close()


def denied(line, name, path=None):
    """A pattern of the line that tells of a refused act."""
    pattern = rf'sandbox\.denied .*plugin=misbehave tried="?{name}"?\b'
    return pattern + (rf".* path={re.escape(path)}" if path else "")


@needs_filter
@pytest.mark.parametrize("later", ["", "later "], ids=["loop", "lane"])
@pytest.mark.parametrize("act, name", FORBIDDEN)
def test_a_forbidden_act_is_stopped_and_logged(lab, outside, act, name,
                                               later):
    lab.write().start()
    session = lab.lab()
    line = outside.fill_in(act)
    assert re.match(rb"-ERR (1|13)\r\n", session.ask(later + line)), lab.log()
    found = lab.wait_log(denied(line, name)).string
    if "/" in line:
        assert re.search(denied(line, name, line.split()[1]), found)
    # The session goes on, and so does the worker.
    assert session.ask("nothing") == b"+OK nothing done\r\n"
    assert "worker.died" not in lab.log()
    assert outside.file.read_text() == "a"
    assert oct(outside.file.stat().st_mode)[-3:] == "666"


@pytest.mark.parametrize("act, name", FORBIDDEN)
def test_without_a_sandbox_it_succeeds(lab, outside, act, name):
    """Or the tests above would prove nothing."""
    lab.write(server='sandbox = "off";').start()
    lab.wait_log("warning supervisor sandbox.off")
    answer = lab.lab().ask(outside.fill_in(act))
    if act == "raw" and os.getuid() != 0:
        assert answer.startswith(b"-ERR 1")
    else:
        assert answer == b"+OK\r\n"
    assert "sandbox.denied" not in lab.log()


@needs_filter
@pytest.mark.parametrize("act, name", FORBIDDEN)
def test_a_single_process_is_in_a_sandbox_too(lab, outside, act, name):
    """It may fork, and begin its own program again, to be replaced. That
    Landlock has stopped a file is not known to it, and so not logged."""
    lab.write(single=True).start()
    line = outside.fill_in(act)
    answer = lab.lab().ask(line)
    if act == "fork":
        assert answer == b"+OK\r\n"
        return
    if act == "kill":
        return  # it only asks whether it could; Landlock says no, unlogged
    assert re.match(rb"-ERR (1|13)\r\n", answer), answer
    if name not in ("openat", "unlink", "mkdir"):
        lab.wait_log(denied(line, "connect" if act.startswith("tcp") else name))


def sandbox(lab):
    return json.loads(lab.ctl("--json", "sandbox", "show").stdout)


@needs_filter
def test_what_is_in_force_is_shown(lab):
    lab.write().start()
    shown = sandbox(lab)
    by_role = {one["role"]: one for one in shown["processes"]}
    assert set(by_role) == {"supervisor", "warden", "worker"}
    for one in shown["processes"]:
        facts = pathlib.Path(f"/proc/{one['pid']}/status").read_text()
        assert one["no_new_privs"] is True
        assert f"Seccomp_filters:\t{one['filters']}\n" in facts
        if not SANITIZED:
            assert one["seccomp"] == "on" and one["rules"] > 10
            assert one["filters"] >= 1
    assert by_role["warden"]["dumpable"] is False
    paths = {(by_pid, one["path"]): one["access"] for one in shown["paths"]
             for by_pid in [one["pid"]]}
    if by_role["worker"]["landlock"] == "on":
        worker, warden = by_role["worker"]["pid"], by_role["warden"]["pid"]
        state = str(lab.folder / "state")
        assert paths[worker, f"{state}/vault"] == "read,write"
        assert (worker, f"{state}/certs") not in paths
        assert paths[warden, f"{state}/certs"] == "read,write"
    table = lab.ctl("sandbox", "show").stdout
    assert table.startswith("ROLE ") and f"{lab.folder}/state/vault" in table


def test_a_replaced_worker_is_in_a_sandbox_as_well(lab):
    lab.write().start()
    before = {one["pid"] for one in sandbox(lab)["processes"]}
    lab.order("crash")
    lab.wait_log(r"worker\.replaced")
    after = sandbox(lab)["processes"]
    assert len(after) == len(before)
    fresh = [one for one in after if one["pid"] not in before]
    assert [one["role"] for one in fresh] == ["worker"]
    assert fresh[0]["no_new_privs"] is True


# --- groups --------------------------------------------------------------

IN_GROUP = """
groups: {{ lab: {{ workers = 1; memory = "{memory}"; }}; }};
limits: {{ login_timeout = "1h"; idle_timeout = "1h";
           connections = 1000; connections_per_address = 1000; }};
"""


class Lonely(Lab):
    """The module has a worker of its own."""

    def write(self, **more):
        super().write(server='watchdog = "1s";', more=IN_GROUP.format(
            memory="2G" if SANITIZED else "64M"), **more)
        self.file.write_text(self.file.read_text().replace(
            'protocol = "misbehave";',
            'protocol = "misbehave"; group = "lab";'))
        return self


@pytest.fixture
def lonely(tmp_path, modules):
    one = Lonely(tmp_path, modules)
    yield one
    one.stop()


@needs_filter  # and more memory than any group gets
def test_nothing_in_its_group_costs_a_session_in_another(lonely):
    """Crash, hang, leak and spin, one after the other, below 500 sessions."""
    lonely.write().start()
    sessions = [lonely.connect() for _ in range(500)]
    assert all(one.ask("CAPA").startswith(b"+OK") for one in sessions)
    for one in sessions:
        while one.file.readline() != b".\r\n":
            pass
    others = {w["pid"] for w in lonely.status()["workers"]}
    for count, act in enumerate(["crash", "hang", "leak", "spin"], 1):
        broken = lonely.order(act)
        line = wait_for(
            lambda n=count: re.findall(r"worker\.died .*", lonely.log())[n - 1:],
            60, f"no {act}")[0]
        assert " group=lab " in line
        if not SANITIZED:
            check_report(line, act)
        wait_for(lambda n=count: lonely.log().count("worker.replaced") == n,
                 30, "no replacement")
        assert lonely.lab().ask("nothing") == b"+OK nothing done\r\n"
        broken.close()
        # Each is asked; it is not logged in, so it may not, but it answers.
        assert {one.ask("STAT")[:4] for one in sessions} == {b"-ERR"}
    assert all(one.ask("QUIT").startswith(b"+OK") for one in sessions)
    after = {w["pid"] for w in lonely.status()["workers"]}
    assert len(others - after) == 1
