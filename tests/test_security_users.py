"""Another user of the machine, in a process that runs as one: by files and by both sockets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from running_daemon import Running, ask, running, status_of

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs a second user's Python"),
]
NOBODY = 65534
STRANGER = """
import json, os, socket, sys
home, port = sys.argv[1], int(sys.argv[2])
read, listed = [], []
for place, directories, files in os.walk(home):
    listed.append(place)
    for name in files:
        try:
            with open(os.path.join(place, name), "rb"):
                read.append(name)
        except OSError:
            pass
def ask(family, address):
    with socket.socket(family) as connection:
        connection.settimeout(30)
        try:
            connection.connect(address)
            host = b"Host: 127.0.0.1:%d" % port
            connection.sendall(b"GET /v1/status HTTP/1.1\\r\\n" + host + b"\\r\\n\\r\\n")
            return connection.recv(1000).decode()
        except PermissionError:
            return "not permitted"
        except (BrokenPipeError, ConnectionResetError):
            return ""
print(json.dumps({
    "read": read,
    "listed": listed,
    "unix": ask(socket.AF_UNIX, home + "/run/trimtab.sock"),
    "tcp": ask(socket.AF_INET, ("127.0.0.1", port)),
}))
"""


@pytest.fixture
def daemon() -> Iterator[Running]:
    with running() as daemon:
        home = daemon.paths.config.parent
        home.chmod(0o755)  # a home's own directory is the user's business
        daemon.paths.config.chmod(0o600)
        daemon.said.chmod(0o600)  # the test's
        yield daemon


def what_a_stranger_gets(daemon: Running) -> dict[str, Any]:
    home = daemon.paths.config.parent
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", STRANGER, str(home), str(daemon.port)],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def test_permissions_keep_another_user_out(daemon: Running) -> None:
    """Of the home nothing can be read, the socket not be reached, and the port wants a token."""
    got = what_a_stranger_gets(daemon)
    home = daemon.paths.config.parent
    assert (got["read"], got["listed"], got["unix"]) == ([], [str(home)], "not permitted")
    assert status_of(got["tcp"].encode()) == 401
    assert status_of(ask(daemon, b"GET /v1/status", tcp=False)) == 200


def test_with_loosened_permissions_the_kernel_still_tells_who_asks(daemon: Running) -> None:
    """The second lock: the connection is cut before a byte is read, and the log says so."""
    daemon.paths.run.chmod(0o777)
    daemon.paths.socket.chmod(0o666)
    got = what_a_stranger_gets(daemon)
    assert got["unix"] == ""
    assert got["read"] == []  # the files in the directory have permissions of their own
    assert status_of(ask(daemon, b"GET /v1/status", tcp=False)) == 200
    log = (daemon.paths.logs / "trimtab.log").read_text("utf-8")
    assert log.count("refused a connection of another user") == 1


def test_every_file_of_the_home_is_the_users_alone(daemon: Running) -> None:
    """0600, and the directories 0700."""
    home = daemon.paths.config.parent
    made = [path for path in home.rglob("*") if path != daemon.said]
    assert {daemon.paths.token, daemon.paths.socket, daemon.paths.lock} <= set(made)
    for path in made:
        loose = path.stat().st_mode & 0o077
        assert not loose, f"{path.relative_to(home)}: {oct(path.stat().st_mode)}"
