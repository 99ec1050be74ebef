"""Whose connection it is: a link that another user of the machine has read opens nothing."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from blind_examples import a_client, evaluated, trials

from daemon.blind.peer import is_own_connection, owner
from daemon.blind.serving import serve_page
from daemon.blind.sitting import Wishes, sit_down
from daemon.store.database import Database

NOBODY = 65534
CLIENT, SERVER = ("127.0.0.1", 0xC350), ("127.0.0.1", 0x1F90)
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists connections")
STRANGER = """
import socket, sys
host, port, link = sys.argv[1:]
kind = socket.AF_INET6 if ":" in host else socket.AF_INET
with socket.socket(kind) as connection:
    connection.settimeout(30)
    connection.connect((host, int(port)))
    head = f"GET /{link} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n"
    connection.sendall(head.encode())
    print(connection.recv(1000).decode())
"""


def a_line(local: str, remote: str, state: str = "01", uid: int = 1000) -> str:
    return f"   2: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  {uid}  0 4711 1"


@pytest.mark.skipif(sys.byteorder != "little", reason="addresses are listed in host order")
def test_the_client_s_end_is_looked_for() -> None:
    """Not the server's, whose owner we are; not one that ends, or another one by its ports."""
    ours = a_line("0100007F:1F90", "0100007F:C350", uid=1)
    ended = a_line("0100007F:C350", "0100007F:1F90", "06", uid=2)
    other = a_line("0200007F:C350", "0100007F:1F90", uid=3)
    theirs = a_line("0100007F:C350", "0100007F:1F90", uid=4)
    mapped = a_line(
        "0000000000000000FFFF00000100007F:C350", "0000000000000000FFFF00000100007F:1F90", uid=5
    )
    assert owner([ours, ended, other, "", "x"], CLIENT, SERVER) is None
    assert owner([ours, ended, other, theirs], CLIENT, SERVER) == 4
    assert owner([ours, mapped], CLIENT, SERVER) == 5


@linux
def test_our_own_connection_is_ours() -> None:
    """As the kernel has it; one that is not there is nobody's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            own = client.getsockname()
            assert is_own_connection(own, server.getsockname())
        assert not is_own_connection(("127.0.0.2", own[1]), server.getsockname())


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_another_user_s_link_opens_nothing(tmp_path: Path, host: str) -> None:
    """And is not spent by it."""
    database = await Database.open(tmp_path / "trimtab.db")
    await database.write(evaluated, trials(1))
    sitting = await sit_down(database, "work", Wishes())
    async with serve_page(sitting) as page, a_client() as http:
        link = httpx.URL(page.link)
        answer = await _as_nobody(host, str(link.port), link.path[1:])
        assert answer.startswith("HTTP/1.1 403 ")
        assert (await http.get(link)).status_code == 303
    await database.close()


async def _as_nobody(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("/usr/bin/env", "python3", "-c", STRANGER, *arguments),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        stdout=subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()
