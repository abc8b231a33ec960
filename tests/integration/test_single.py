# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `processes = "single"`: reloads of the whole configuration, where another
# process of the same program takes over. test_reload.py has the same for
# workers.
import json
import os
import signal
import socket

import pytest

import test_reload
from conftest import wait_for
from test_reload import Knocker, alive, pop, smtp
from test_supervisor import Pop, free_port, make_pair
from test_upgrade import is_alive


class Site(test_reload.Site):
    def write(self, listeners="", server="", **more):
        return super().write(
            listeners, 'processes = "single"; ' + server, **more)

    def pid(self):
        return self.status()["server"]["pid"]

    def stop(self):
        try:
            os.kill(self.pid(), signal.SIGTERM)
        except (OSError, ValueError, KeyError):
            pass
        super().stop()


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    one.stop()


def test_nothing_has_changed(site):
    site.write(pop() + smtp()).start()
    before = site.pid()
    assert site.reloaded() == {"pop": "unchanged", "mx": "unchanged"}
    # Written otherwise, and meant the same.
    site.write(pop(more="# nothing\n") + smtp())
    assert site.reloaded() == {"pop": "unchanged", "mx": "unchanged"}
    assert site.pid() == before


def test_a_listener_moves(site):
    site.write(pop() + smtp()).start()
    first = site.pid()
    old, session = Pop(site.ports["smtp"]), site.connect("pop")
    site.write(pop() + smtp("other"))
    with Knocker(site.ports["pop"]):
        assert site.reloaded() == {"pop": "unchanged", "mx": "rebind"}
    wait_for(lambda: not site.is_open("smtp"), 20)
    assert Pop(site.ports["other"]).greeting.startswith(b"220")
    assert site.pid() != first
    assert alive(old) and alive(session) and is_alive(first)
    old.close()
    session.close()
    wait_for(lambda: not is_alive(first), 20)


def test_listeners_and_modules(site):
    site.write(pop()).start()
    session = site.connect("pop")
    site.write(pop() + smtp())
    assert site.reloaded() == {"pop": "unchanged", "mx": "new"}
    guest = Pop(site.ports["smtp"])
    site.write(pop() + smtp(), more='smtp: { inflight = "9M"; };')
    assert site.reloaded() == {"pop": "unchanged", "mx": "policy"}
    site.write(pop(), more='vault: { commit_delay = "1ms"; };')
    assert site.reloaded() == {"pop": "policy", "mx": "drain"}
    assert alive(session) and alive(guest)
    assert site.connect("pop").greeting.startswith(b"+OK")
    # Three processes wait for their last sessions.
    assert site.log().count("server.reloaded") == 3


def test_hup_and_plan(site):
    site.write(pop()).start()
    before = site.pid()
    site.write(pop() + smtp())
    said = json.loads(site.ctl("reload", "--plan", "--json").stdout)
    assert [one["action"] for one in said["listeners"]] == ["unchanged", "new"]
    assert site.pid() == before and not site.is_open("smtp")
    site.child.send_signal(signal.SIGHUP)
    wait_for(lambda: site.is_open("smtp"), 20)
    assert site.pid() != before


def test_a_value_that_workers_would_not_notice(site):
    """With one process it takes another one as well."""
    site.write(pop()).start()
    before, session = site.pid(), site.connect("pop")
    site.write(pop(), server='reload_timeout = "1s";')
    done = site.ctl("reload")
    assert done.returncode == 0 and "reload_timeout" in done.stdout, done
    assert site.pid() != before
    assert alive(session)  # its own deadline is still an hour
    second, later = site.pid(), site.connect("pop")
    site.write(pop())
    site.reloaded()
    wait_for(lambda: not is_alive(second), 30)
    later.close()
    assert alive(session)


def unchanged(site, before, session):
    assert site.pid() == before
    assert alive(session)
    assert site.connect("pop").greeting.startswith(b"+OK")


def test_what_does_not_work(site):
    site.write(pop()).start()
    before, session = site.pid(), site.connect("pop")
    site.write(pop(more='autologuot = "30m";') + smtp(more="rol = 1;"))
    done = site.ctl("reload")
    assert done.returncode == 78
    assert 'did you mean "autologout"?' in done.stderr
    assert 'did you mean "role"?' in done.stderr
    unchanged(site, before, session)
    # What needs a restart.
    site.write(pop() + smtp(), server='pid_file = "pid";')
    status, said = site.reload()
    assert status == 78 and said["outcome"] == "refused"
    assert [one["path"] for one in said["refused"]] == ["server.pid_file"]
    unchanged(site, before, session)
    # A port that another has; the new process finds out.
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        site.ports["smtp"] = other.getsockname()[1]
        site.write(pop() + smtp())
        status, said = site.reload()
        assert status == 1 and "another server has it" in said["text"], said
        unchanged(site, before, session)
    site.file.write_text("server: {")
    assert site.ctl("reload").returncode == 78
    site.write(pop())
    unchanged(site, before, session)
    # And then what does.
    site.ports["smtp"] = free_port()
    site.write(pop() + smtp())
    assert site.reloaded() == {"pop": "unchanged", "mx": "new"}


def test_certificates(site):
    make_pair(site.folder, "a", "mail.example.test")
    config = ('certificates: { default: { cert_file = "a.crt"; '
              'key_file = "a.key"; }; };')
    site.write(pop("tls").replace('"explicit"; require = "never"',
                                  '"implicit"'), more=config).start()
    before, shown = site.pid(), site.shown()
    make_pair(site.folder, "a", "mail.example.test")
    assert site.reloaded() == {"tls": "certificate"}
    assert site.pid() == before and site.shown() != shown
    shown = site.shown()
    (site.folder / "a.crt").write_text("nothing")
    status, said = site.reload()
    assert status == 1 and "refused" in said["text"], said
    assert site.pid() == before and site.shown() == shown


def test_a_broken_certificate_closes_no_listener(site):
    """Neither by a reload nor by an upgrade: test_reload.py has the same."""
    site.write(pop()).start()
    before, session = site.pid(), site.connect("pop")
    (site.folder / "own.crt").write_text("garbage")
    make_pair(site.folder, "other", "mail.example.test")
    certs = ('certificates: { own: { cert_file = "own.crt"; '
             'key_file = "other.key"; }; };')
    own = 'mode = "explicit"; certificates = [ "own" ];'
    site.write(pop().replace('mode = "explicit";', own), more=certs)
    status, said = site.reload()
    assert (status, said["outcome"]) == (1, "failed"), said
    assert "own.crt" in said["text"]
    assert "listener pop would be closed" in said["text"]
    assert "everything is as it was" in said["text"]
    unchanged(site, before, session)
    done = site.ctl("upgrade")
    assert done.returncode == 1, done
    assert "listener pop would be closed" in done.stdout + done.stderr
    unchanged(site, before, session)
    both = own.replace('"own"', '"default", "own"')
    site.write(pop().replace('mode = "explicit";', both), more=certs)
    status, said = site.reload()
    assert status == 1 and "1 certificate(s) were refused" in said["text"]
    assert site.pid() != before
    assert site.is_open("pop") and alive(session)


def test_reloads_in_a_row(site):
    site.write(pop()).start()
    sessions, pids = [], []
    for number in range(4):
        sessions.append(site.connect("pop"))
        pids.append(site.pid())
        site.write(pop(), server=f"lane_depth = {900 + number};")
        site.reloaded()
    assert len(set(pids)) == 4 and all(is_alive(pid) for pid in pids)
    assert all(alive(session) for session in sessions)
    sessions.pop(1).close()
    wait_for(lambda: not is_alive(pids[1]), 20)
    assert all(alive(session) for session in sessions)
    # Stopping the last one ends them all.
    assert site.ctl("stop").returncode == 0
    wait_for(lambda: not any(is_alive(pid) for pid in pids), 40)
