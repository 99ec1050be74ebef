"""Who is at the other end of a connection on 127.0.0.1, as Linux lists it.

A link that is handed to a browser stands among that program's arguments, where every user of the
machine can read it, and be faster. So the kernel is asked whose connection it is. Fails closed: one
that is not listed is nobody's. Other systems list none, and macOS hands links over out of sight.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"

Address = tuple[str, int]
"""An IPv4 address, and a port."""


def is_own_connection(client: Address, server: Address) -> bool:
    """Whether the client's end belongs to the user we run as; true where no system can say."""
    if sys.platform != "linux":
        return True
    try:
        lines = [line for table in _TABLES if table.exists() for line in _read(table)]
    except OSError:
        return False
    return owner(lines, client, server) == os.geteuid()


def owner(lines: Iterable[str], client: Address, server: Address) -> int | None:
    """The uid at the client's end, of lines of proc_pid_net(5); None where it is not listed.

    A connection of IPv6's kind to an IPv4 address ends in the same digits.
    """
    wanted = _listed(client), _listed(server)
    for line in lines:
        parts = line.split()
        if len(parts) > 7 and parts[3] == _ESTABLISHED:
            local, remote = parts[1], parts[2]
            if local.endswith(wanted[0]) and remote.endswith(wanted[1]):
                return int(parts[7])
    return None


def _listed(address: Address) -> str:
    host, port = address
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"


def _read(table: Path) -> list[str]:
    return table.read_text("ascii").splitlines()[1:]
