# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Reloads of the whole configuration: what is touched and what is not, with
# clients connected all the time. What a reload that fails leaves behind:
# nothing.
import contextlib
import json
import os
import resource
import signal
import socket
import ssl
import threading
import time

import pytest
from conftest import STATIC, wait_for
from test_guard import modules  # noqa: F401 (a fixture)
from test_supervisor import TLS, House, Pop, free_port, make_pair


class Site(House):
    """A house whose listeners and modules are the test's. @name@ in them is
    a port, the same one for the same name."""

    def write(self, listeners="", server="", more="", single=False,
              load="pop3 smtp", module_path=None):
        names = [TLS, "vault", "passwd", *load.split()]
        path = f'module_path = "{module_path}";' if module_path else ""
        text = f"""
server: {{
  hostname = "mail.example.test"; domains = [ "example.test" ];
  state = "state"; drain_timeout = "2s"; {path} {server}
}};
load = [ {", ".join(f'"{name}"' for name in names)} ];
passwd: {{ users = "users"; }};
{more}
listeners: {{ {listeners} }};
"""
        for word in text.split("@")[1::2]:
            self.ports.setdefault(word, free_port())
        for name, port in self.ports.items():
            text = text.replace(f"@{name}@", str(port))
        self.file.write_text(text)
        return self

    def reload(self):
        """The exit status and what was said."""
        done = self.ctl("reload", "--json")
        return done.returncode, json.loads(done.stdout)

    def reloaded(self):
        status, said = self.reload()
        assert (status, said["outcome"]) == (0, "done"), said
        return {one["name"]: one["action"] for one in said["listeners"]}

    def workers(self, state="serving", group="main"):
        return [w["pid"] for w in self.status()["workers"]
                if w["state"] == state and w["group"] == group]

    def retired(self):
        return [w["pid"] for w in self.status()["workers"]
                if w["state"] == "retired"]


def pop(name="pop", more=""):
    return (f'{name}: {{ protocol = "pop3"; listen = [ "127.0.0.1:@{name}@" ];'
            f' tls: {{ mode = "explicit"; require = "never"; }}; {more} }};\n')


def smtp(port="smtp", more=""):
    return (f'mx: {{ protocol = "smtp"; listen = [ "127.0.0.1:@{port}@" ];'
            f' tls: {{ mode = "none"; }}; {more} }};\n')


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    one.stop()


def alive(session):
    return session.ask("NOOP").startswith((b"+OK", b"-ERR", b"250"))


def blind_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Knocker(threading.Thread):
    """Connects to a port again and again; each time the server has to greet.
    `with Knocker(port):`; the end fails with what went wrong."""

    def __init__(self, port, ssl=False):
        super().__init__()
        self.port, self.ssl = port, ssl
        self.ended = threading.Event()
        self.count, self.wrong = 0, []

    def run(self):
        while not self.ended.is_set():
            try:
                self.knock()
                self.count += 1
            except OSError as error:
                self.wrong.append(repr(error))
            time.sleep(0.001)

    def knock(self):
        with socket.create_connection(("127.0.0.1", self.port), 20) as plain:
            with self.wrap(plain) as session:
                if not session.recv(100):
                    self.wrong.append("no greeting")

    def wrap(self, plain):
        if not self.ssl:
            return plain
        return blind_context().wrap_socket(plain, server_hostname="localhost")

    def __enter__(self):
        self.start()
        wait_for(lambda: self.count > 5 or self.wrong, 20)
        return self

    def __exit__(self, *exception):
        more = self.count + 5
        if exception[0] is None:
            wait_for(lambda: self.count > more or self.wrong, 20)
        self.ended.set()
        self.join()
        assert not self.wrong


# --- what changes --------------------------------------------------------


def test_nothing_has_changed(site):
    site.write(pop() + smtp()).start()
    before = site.workers()
    assert site.reloaded() == {"pop": "unchanged", "mx": "unchanged"}
    assert site.workers() == before


def test_a_listener_moves(site):
    site.write(pop() + smtp()).start()
    old = Pop(site.ports["smtp"])
    session = site.connect("pop")
    before = site.workers()
    site.write(pop() + smtp("other"))
    with Knocker(site.ports["pop"]):
        assert site.reloaded() == {"pop": "unchanged", "mx": "rebind"}
    assert not site.is_open("smtp")
    assert Pop(site.ports["other"]).greeting.startswith(b"220")
    assert not set(site.workers()) & set(before)
    # Who was there before goes on, in the workers that were.
    assert alive(old) and alive(session)
    assert set(site.retired()) <= set(before)
    old.close()
    session.close()
    wait_for(lambda: not site.retired(), 20)


def test_a_listener_comes_and_goes(site):
    site.write(pop()).start()
    session = site.connect("pop")
    site.write(pop() + smtp())
    assert site.reloaded() == {"pop": "unchanged", "mx": "new"}
    guest = Pop(site.ports["smtp"])
    assert guest.greeting.startswith(b"220")
    site.write(pop())
    assert site.reloaded() == {"pop": "unchanged", "mx": "drain"}
    assert not site.is_open("smtp")
    assert alive(session) and alive(guest)
    assert [one["name"] for one in site.status()["listeners"]] == ["pop"]


def test_listeners_change_names_and_addresses(site):
    """The same port under another name, and from one address to all."""
    site.write(pop("pop")).start()
    session = site.connect("pop")
    site.ports["renamed"] = site.ports["pop"]
    site.write(pop("renamed"))
    with Knocker(site.ports["pop"]):
        assert site.reloaded() == {"renamed": "new", "pop": "drain"}
    site.write(pop("renamed").replace("127.0.0.1:", "*:"))
    assert site.reloaded() == {"renamed": "rebind"}
    assert site.connect("pop").greeting.startswith(b"+OK")
    assert alive(session)


def test_a_module_option(site):
    """Everybody is concerned by the store; by smtp's, who speaks it."""
    lab = smtp(more='group = "lab";')
    groups = "groups: { lab: { workers = 1; }; }; "
    site.write(pop() + lab, more=groups).start()
    guest, session = Pop(site.ports["smtp"]), site.connect("pop")
    before, labs = site.workers(), site.workers(group="lab")
    site.write(pop() + lab, more=groups + 'smtp: { inflight = "9M"; };')
    assert site.reloaded() == {"pop": "unchanged", "mx": "policy"}
    assert site.workers() == before
    assert site.workers(group="lab") != labs and site.retired() == labs
    site.write(pop() + lab, more=groups + 'vault: { commit_delay = "1ms"; };')
    assert site.reloaded() == {"pop": "policy", "mx": "policy"}
    assert not set(site.workers()) & set(before)
    assert alive(guest) and alive(session)


def test_workers_become_more_and_fewer(site):
    site.write(pop(), server="workers = 1;").start()
    session = site.connect("pop")
    with Knocker(site.ports["pop"]):
        for count in (3, 1, 2):
            site.write(pop(), server=f"workers = {count};")
            site.reloaded()
            assert len(site.workers()) == count
            # All sockets that there ever were are served.
            for _ in range(30):
                with contextlib.closing(site.connect("pop")) as one:
                    assert one.greeting.startswith(b"+OK")
    assert alive(session)


def test_reloads_in_a_row(site):
    """Each leaves a worker with a session behind."""
    site.write(pop(), server="workers = 1;").start()
    sessions = []
    for number in range(5):
        sessions.append(site.connect("pop"))
        site.write(pop(), server=f'workers = 1; lane_depth = {900 + number};')
        site.reloaded()
    assert len(site.retired()) == 5 and len(site.workers()) == 1
    assert all(alive(session) for session in sessions)
    sessions.pop(2).close()
    wait_for(lambda: len(site.retired()) == 4, 20)
    assert all(alive(session) for session in sessions)
    assert site.status()["server"]["generation"] == "6"


def test_many_ask_at_once(site):
    site.write(pop()).start()
    answers = []
    site.write(pop() + smtp())

    def ask():
        answers.append(site.reload())

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for one in askers:
        one.start()
    for _ in range(10):
        site.child.send_signal(signal.SIGHUP)
    for one in askers:
        one.join()
    assert [status for status, _ in answers] == [0] * 6
    assert any(said["listeners"][-1]["action"] == "new"
               for _, said in answers) or site.is_open("smtp")
    assert site.is_open("smtp")


def test_hup_is_a_reload(site):
    site.write(pop()).start()
    session = site.connect("pop")
    site.write(pop() + smtp())
    site.child.send_signal(signal.SIGHUP)
    site.wait_log(r"server\.reloaded refused=0 generation=2")
    assert site.is_open("smtp") and alive(session)


def test_a_plan_changes_nothing(site):
    site.write(pop()).start()
    before = site.workers()
    site.write(pop() + smtp())
    said = json.loads(site.ctl("reload", "--plan", "--json").stdout)
    assert [one["action"] for one in said["listeners"]] == ["unchanged", "new"]
    assert site.workers() == before and not site.is_open("smtp")
    assert site.reloaded()["mx"] == "new"


# --- what does not work --------------------------------------------------


def unchanged(site, before, session):
    assert site.workers() == before and not site.retired()
    assert alive(session)
    assert site.connect("pop").greeting.startswith(b"+OK")


def test_a_wrong_configuration(site):
    """All of its mistakes are told, also those that only modules know."""
    site.write(pop()).start()
    before, session = site.workers(), site.connect("pop")
    site.write(pop(more='autologuot = "30m";') + smtp(more='group = "lap";'),
               more='groups: { lab: { workers = 1; }; };')
    done = site.ctl("reload")
    assert done.returncode == 78
    assert 'did you mean "autologout"?' in done.stdout + done.stderr
    assert 'there is no group "lap"; did you mean "lab"?' in \
        done.stdout + done.stderr
    site.wait_log(r"config\.note .*autologuot")
    site.wait_log(r"server\.not-reloaded")
    unchanged(site, before, session)
    site.file.write_text("server: {")
    assert site.ctl("reload").returncode == 78
    site.child.send_signal(signal.SIGHUP)
    wait_for(lambda: site.log().count("server.not-reloaded") == 2, 20)
    site.write(pop())
    unchanged(site, before, session)
    site.file.unlink()
    site.child.send_signal(signal.SIGHUP)
    wait_for(lambda: site.log().count("server.not-reloaded") == 3, 20)
    site.write(pop())
    unchanged(site, before, session)
    site.reloaded()


def test_what_needs_a_restart(site):
    site.write(pop()).start()
    before, session = site.workers(), site.connect("pop")
    site.write(pop() + smtp(), server='pid_file = "pid";')
    status, said = site.reload()
    assert status == 78 and said["outcome"] == "refused"
    assert "restart" in said["text"]
    assert [one["path"] for one in said["refused"]] == ["server.pid_file"]
    unchanged(site, before, session)
    assert not site.is_open("smtp")


def test_a_port_that_another_has(site):
    site.write(pop()).start()
    before, session = site.workers(), site.connect("pop")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        site.ports["smtp"] = other.getsockname()[1]
        site.write(pop() + smtp())
        status, said = site.reload()
        assert status == 1 and said["outcome"] == "failed"
        assert "another server has it" in said["text"]
        assert "listeners.mx" in said["text"]
        unchanged(site, before, session)
    site.reloaded()
    assert site.is_open("smtp")


@pytest.mark.skipif(STATIC, reason="a static build loads no plugins")
@pytest.mark.parametrize("how", ["fail", "crash"])
def test_new_workers_do_not_start(site, modules, how):
    lab = ('lab: { protocol = "misbehave"; listen = [ "127.0.0.1:@lab@" ];'
           ' tls: { mode = "none"; }; };')

    def write(listeners, start):
        return site.write(listeners, load="pop3 smtp misbehave",
                          module_path=modules,
                          more=f'misbehave: {{ start = "{start}"; }};')

    write(pop() + lab, "well").start()
    before, session = site.workers(), site.connect("pop")
    write(pop() + lab + smtp(), how)
    with Knocker(site.ports["pop"]):
        status, said = site.reload()
    assert status == 1 and said["outcome"] == "failed"
    assert ("it does not want to" if how == "fail" else "died") in said["text"]
    unchanged(site, before, session)
    assert not site.is_open("smtp")
    write(pop() + lab + smtp(), "well")
    site.reloaded()
    assert site.is_open("smtp") and alive(session)


def test_a_certificate_is_refused(site):
    make_pair(site.folder, "own", "mail.example.test")
    certs = ('certificates: { default: { cert_file = "own.crt"; '
             'key_file = "own.key"; }; };')
    site.write(pop(), more=certs).start()
    before, session = site.workers(), site.connect("pop")
    (site.folder / "own.crt").write_text("garbage")
    status, said = site.reload()
    assert status == 1 and "refused" in said["text"]
    unchanged(site, before, session)


def test_a_broken_certificate_closes_no_listener(site):
    """Named by a new configuration: a listener that serves is left as it is,
    one that has another certificate does without it, and both say so."""
    site.write(pop()).start()
    before, session = site.workers(), site.connect("pop")
    (site.folder / "own.crt").write_text("garbage")
    make_pair(site.folder, "other", "mail.example.test")
    certs = ('certificates: { own: { cert_file = "own.crt"; '
             'key_file = "other.key"; }; };')
    own = 'mode = "explicit"; certificates = [ "own" ];'
    site.write(pop().replace('mode = "explicit";', own), more=certs)
    status, said = site.reload()
    assert (status, said["outcome"]) == (1, "failed")
    assert "own.crt" in said["text"]
    assert "listener pop would be closed" in said["text"]
    unchanged(site, before, session)
    both = own.replace('"own"', '"default", "own"')
    site.write(pop().replace('mode = "explicit";', both), more=certs)
    status, said = site.reload()
    assert status == 1 and "1 certificate(s) were refused" in said["text"]
    assert site.is_open("pop") and alive(session)
    told = site.ctl("certificates").stdout
    assert "certificate own is not used: " in told and "own.crt" in told


# --- old workers ---------------------------------------------------------


def test_sessions_end_at_the_deadline(site):
    """Which can be changed while they wait."""
    site.write(pop()).start()
    session = site.connect("pop")
    site.write(pop() + smtp())
    site.reloaded()
    assert alive(session)
    site.write(pop() + smtp(), server='reload_timeout = "500ms";')
    assert set(site.reloaded().values()) == {"unchanged"}
    session.socket.settimeout(20)
    session.file.read()  # to its end
    wait_for(lambda: not site.retired(), 20)


def test_old_workers_are_not_replaced(site):
    site.write(pop(), server="workers = 1;").start()
    session = site.connect("pop")
    (old,) = site.workers()
    site.write(pop() + smtp(), server="workers = 1;")
    site.reloaded()
    assert site.retired() == [old] and alive(session)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: not site.retired(), 20)
    (new,) = site.workers()
    # One of the new generation is, by one that knows the new listener.
    os.kill(new, signal.SIGKILL)
    site.wait_log(r"worker\.replaced")
    wait_for(lambda: len(site.workers()) == 1, 20)
    assert Pop(site.ports["smtp"]).greeting.startswith(b"220")


def test_stop_ends_all_generations(site):
    site.write(pop()).start()
    sessions = [site.connect("pop")]
    site.write(pop() + smtp())
    site.reloaded()
    sessions.append(site.connect("pop"))
    site.child.terminate()
    assert site.child.wait(20) == 0
    for session in sessions:
        session.socket.settimeout(10)
        session.file.read()


def test_an_old_session_starts_tls(site):
    """Its worker has the old certificate, whose key is in the old warden."""
    make_pair(site.folder, "own", "mail.example.test")

    def write(file):
        return site.write(pop(), more=f"""certificates: {{ default: {{
            cert_file = "{file}.crt"; key_file = "{file}.key"; }}; }};""")

    def shown(session):
        assert session.ask("STLS").startswith(b"+OK")
        with blind_context().wrap_socket(session.socket) as tls:
            return tls.getpeercert(binary_form=True)

    write("own").start()
    first = shown(site.connect("pop"))
    old = [site.connect("pop") for _ in range(4)]
    make_pair(site.folder, "next", "mail.example.test")
    write("next")
    site.reloaded()
    assert shown(site.connect("pop")) != first
    assert {shown(session) for session in old} == {first}
    wait_for(lambda: not site.retired(), 20)



# --- many sessions -------------------------------------------------------


class Idler:
    """An IMAP session over TLS that is in IDLE."""

    def __init__(self, port, context):
        plain = socket.create_connection(("127.0.0.1", port), 60)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.line(b"* OK")
        self.say(b"a LOGIN u@example.test secret")
        self.line(b"a OK")
        self.say(b"b SELECT INBOX")
        self.line(b"b OK")
        self.say(b"c IDLE")
        self.line(b"+ ")

    def say(self, line):
        self.socket.sendall(line + b"\r\n")

    def line(self, begins):
        seen = b""
        while not any(one.startswith(begins)
                      for one in seen.split(b"\r\n")[:-1]):
            more = self.socket.recv(4096)
            assert more, f"closed after {seen!r}"
            seen += more

    def still_there(self):
        self.say(b"DONE")
        self.line(b"c OK")
        self.say(b"d NOOP")
        self.line(b"d OK")


def connect_idlers(port, count, threads=8):
    context = blind_context()
    idlers, failed = [], []

    def connect(number):
        try:
            for _ in range(number):
                idlers.append(Idler(port, context))
        except (OSError, AssertionError) as error:
            failed.append(error)

    workers = [threading.Thread(target=connect, args=(count // threads,))
               for _ in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert not failed, failed
    return idlers


def test_two_thousand_sessions(site):
    """An SMTP listener moves, a POP3 certificate is another, an option of a
    module changes: 2,000 IMAP sessions notice nothing."""
    count = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * count:
        pytest.skip("too few open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    imap = ('imaps: { protocol = "imap"; listen = [ "127.0.0.1:@imaps@" ];'
            ' tls: { mode = "implicit"; }; };\n')
    pops = ('pops: { protocol = "pop3"; listen = [ "127.0.0.1:@pops@" ];'
            ' tls: { mode = "implicit"; certificates = [ "own" ]; }; };\n')

    def write(port, inflight):
        make_pair(site.folder, "own", "mail.example.test")
        return site.write(
            imap + pops + pop() + smtp(port), load="imap pop3 smtp",
            server="workers = 2;", more=f"""
certificates: {{ default: {{ }};
  own: {{ cert_file = "own.crt"; key_file = "own.key"; }}; }};
limits: {{ connections_per_address = 5000; }};
smtp: {{ inflight = "{inflight}"; }};
""")

    write("smtp", "64M").start()
    idlers = connect_idlers(site.ports["imaps"], count)
    assert len(idlers) == count
    guest = Pop(site.ports["smtp"])
    first = site.shown("pops")
    before = site.workers()
    write("other", "65M")
    with Knocker(site.ports["pop"]), Knocker(site.ports["imaps"], ssl=True):
        said = site.reloaded()
    assert said == {"imaps": "unchanged", "pops": "certificate",
                    "pop": "unchanged", "mx": "rebind"}
    assert site.shown("pops") != first
    assert not site.is_open("smtp") and site.is_open("other")
    assert set(site.retired()) == set(before)
    for idler in idlers:
        idler.still_there()
    assert alive(guest)
    for idler in idlers:
        idler.socket.close()
    guest.close()
    wait_for(lambda: not site.retired(), 60)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
