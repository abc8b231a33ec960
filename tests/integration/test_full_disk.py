# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first start on a disk that is too small for an empty store: whatever
# does not fit any more, the server says so and ends; no process dies.
import os
import subprocess
import time

import pytest

from test_supervisor import House, free_port

CONFIG = """
server: {{
  hostname = "mail.example.test"; domains = [ "example.test" ];
  state = "state"; drain_timeout = "2s"; {shape}
}};
load = [ "vault", "passwd", "pop3" ];
passwd: {{ users = "users"; }};
listeners: {{
  plain: {{ protocol = "pop3"; listen = [ "127.0.0.1:{port}" ];
           tls: {{ mode = "none"; }}; }};
}};
"""


def mount(folder, kibibytes):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", folder],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs: {done.stderr.strip()}")


def first_start(house, kibibytes):
    """Whether it serves, or its exit status, and what it says."""
    state = house.folder / "state"
    (house.folder / "log").write_text("")
    mount(state, kibibytes)
    try:
        house.popen()
        until = time.monotonic() + 60
        while time.monotonic() < until and house.child.poll() is None \
                and "server.ready" not in house.log():
            time.sleep(0.05)
        status = house.child.poll()
        house.stop()
        return status, house.log()
    finally:
        subprocess.run(["umount", "-l", state], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a tmpfs")
@pytest.mark.parametrize("shape", ["workers = 1;", 'processes = "single";'])
def test_first_start(tmp_path, shape):
    house = House(tmp_path)
    house.file.write_text(CONFIG.format(shape=shape, port=free_port()))
    refused = 0
    for pages in (*range(2, 36, 3), 40, 60):
        status, log = first_start(house, 4 * pages)
        assert "signal" not in log, (pages, log)
        if status is None:
            continue
        refused += 1
        assert status == 1, (pages, status, log)
        assert "No space left on device" in log, (pages, log)
    assert refused > 2
    status, log = first_start(house, 16384)
    assert status is None, log
