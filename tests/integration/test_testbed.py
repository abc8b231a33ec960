# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The testbed keeps its word: what env says is so, restart keeps the ports and
# the mail, kill and down leave no process.
import os

from conftest import User
from mailtest import deliver, messages, token


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_restart_kill_and_down(servers):
    server = servers(workers=2, config='server: { domains = '
                     '[ "example.test", "other.test" ]; };')
    user, mark = User(1), token()
    deliver(server, user, mark)
    before = dict(server.env)
    server.restart()
    assert {k: v for k, v in before.items() if not k.startswith("PID")} == \
        {k: v for k, v in server.env.items() if not k.startswith("PID")}
    assert not any(alive(pid) for pid in before["PIDS"].split())
    assert all(alive(pid) for pid in server.pids)
    assert len(server.pids) >= 3
    assert mark in messages(server, user)[0]
    server.kill()
    assert not any(alive(pid) for pid in server.pids)
    server.restart()
    assert mark in messages(server, user)[0]
    server.down()
    assert not any(alive(pid) for pid in server.pids)


def test_single_process(servers):
    server = servers(single=True)
    assert len(server.pids) == 1
    user, mark = User(1), token()
    deliver(server, user, mark)
    assert mark in messages(server, user)[0]


def test_env_names_files_that_are_there(server):
    for key in ("CAFILE", "CONFIG", "LOG", "STATE", "PREFIX"):
        assert os.path.exists(server.env[key])
