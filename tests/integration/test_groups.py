# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Groups of workers: each has its own listeners, modules, limits and deaths.
# What modules that misbehave do to them is test_guard.py.
import os
import pathlib
import re
import signal
import ssl

import pytest
from conftest import SANITIZED, wait_for
from test_reload import Site, alive, pop, smtp
from test_supervisor import Pop

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="run-time checkers need more memory than a group gets")

LAB = "groups: { lab: { workers = 2; memory = \"64M\"; nice = 5; }; };\n"


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    one.write(pop() + smtp(more='group = "lab";'), more=LAB,
              server="workers = 1;")
    one.start()
    yield one
    one.stop()


def modules_of(pid):
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/postern/(\w+)\.so", maps))


def sockets_of(pid):
    """The ports on which a process could accept."""
    listening = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        listening[words[9]] = int(words[1].split(":")[1], 16)
    found = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
        except OSError:
            continue
        if inode and inode[1] in listening:
            found.add(listening[inode[1]])
    return found


def test_each_has_what_it_needs(site):
    (main,) = site.workers()
    labs = site.workers(group="lab")
    assert len(labs) == 2
    if modules_of(main):  # a static build has all in one
        assert "pop3" in modules_of(main) and "smtp" not in modules_of(main)
        assert all("smtp" in modules_of(pid) and "pop3" not in modules_of(pid)
                   for pid in labs)
    assert sockets_of(main) == {site.ports["pop"]}
    assert all(sockets_of(pid) == {site.ports["smtp"]} for pid in labs)


def test_limits(site):
    (main,) = site.workers()
    for pid in site.workers(group="lab"):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max data size +67108864 +67108864", limits)
        assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    limits = pathlib.Path(f"/proc/{main}/limits").read_text()
    assert re.search(r"Max data size +unlimited", limits)


def test_deaths_are_their_own(site):
    sessions = [site.connect("pop") for _ in range(20)]
    main = site.workers()
    for count in range(1, 6):
        for pid in site.workers(group="lab"):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda n=count: site.log().count("worker.replaced") == 2 * n,
                 20)
        wait_for(lambda: len(site.workers(group="lab")) == 2, 20)
        assert Pop(site.ports["smtp"]).greeting.startswith(b"220")
    assert site.workers() == main
    assert all(alive(session) for session in sessions)
    assert set(re.findall(r"worker\.died worker=\d+ group=(\w+)",
                          site.log())) == {"lab"}
    # The first two come at once; then each pause is longer.
    after = [int(ms) for ms in
             re.findall(r"worker\.replaced .*after_ms=(\d+)", site.log())]
    assert min(after) < max(after) and max(after[-2:]) >= 100


def test_a_listener_changes_its_group(site):
    guest, session = Pop(site.ports["smtp"]), site.connect("pop")
    labs = site.workers(group="lab")
    site.write(pop() + smtp(), more=LAB, server="workers = 1;")
    site.reloaded()
    assert site.workers(group="lab") == [] and len(site.workers()) == 1
    assert Pop(site.ports["smtp"]).greeting.startswith(b"220")
    assert alive(guest) and alive(session)
    assert set(site.retired()) & set(labs)
    site.write(pop(more='group = "lab";') + smtp(), more=LAB,
               server="workers = 1;")
    site.reloaded()
    assert len(site.workers(group="lab")) == 2
    assert site.connect("pop").greeting.startswith(b"+OK")
    assert alive(guest) and alive(session)
    guest.close()
    session.close()
    wait_for(lambda: not site.retired(), 20)


def test_a_changed_limit_concerns_its_group_alone(site):
    main, labs = site.workers(), site.workers(group="lab")
    site.write(pop() + smtp(more='group = "lab";'),
               more=LAB.replace("64M", "128M"), server="workers = 1;")
    site.reloaded()
    assert site.workers() == main
    assert not set(site.workers(group="lab")) & set(labs)


def test_tickets_are_the_groups_own(servers):
    """What a group's workers can open, they could open of others' clients."""
    one = servers(users=1, config=LAB + """
        listeners: { pop3s: { group = "lab"; }; };""")
    context = ssl.create_default_context(cafile=one.cafile)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # the ticket comes at once

    def resumes(service, session):
        with context.wrap_socket(one.connect(service),
                                 server_hostname="localhost",
                                 session=session) as s:
            s.recv(100)
            return s.session_reused, s.session

    _, main = resumes("imaps", None)
    _, lab = resumes("pop3s", None)
    for _ in range(4):  # all workers
        assert resumes("imaps", main)[0]
        assert resumes("pop3s", lab)[0]
        assert not resumes("pop3s", main)[0]
        assert not resumes("imaps", lab)[0]
        assert resumes("smtps", main)[0]  # of the same group
