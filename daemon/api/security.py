"""Who is at the other end of a Unix socket. The kernel says so; nothing the client sends counts.

The socket's file and directory already keep others out (0600 in 0700); this is the second lock, for
a home whose permissions were loosened. Fails closed: a peer that cannot be named is refused.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Protocol

_UCRED = struct.Struct("=iII")
"""Linux, unix(7): pid, uid, gid."""
_XUCRED = struct.Struct("=IIh")
"""macOS, sys/ucred.h: version, uid, number of groups; the groups follow."""
_XUCRED_SIZE = 76
_XUCRED_VERSION = 0
_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1
"""macOS, sys/un.h; Python has no names for them."""


class Peer(Protocol):
    """A connected Unix socket, as far as it is asked here."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """The option's value, at most `size` bytes."""
        ...


def is_own_user(peer: Peer) -> bool:
    """Whether the process that connected runs as the user we run as."""
    try:
        return peer_uid(peer) == os.geteuid()
    except (OSError, ValueError, struct.error):
        return False


def peer_uid(peer: Peer) -> int:
    """The effective uid of the process that connected, at the time it did.

    Raises OSError and ValueError where the kernel does not say.
    """
    if sys.platform == "darwin":
        return uid_of_xucred(peer.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_SIZE))
    return uid_of_ucred(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))


def uid_of_ucred(data: bytes) -> int:
    """The uid in Linux' `struct ucred`; raises struct.error."""
    return int(_UCRED.unpack(data)[1])


def uid_of_xucred(data: bytes) -> int:
    """The uid in macOS' `struct xucred`; raises struct.error, ValueError for another version."""
    version, uid, _ = _XUCRED.unpack_from(data)
    if version != _XUCRED_VERSION:
        raise ValueError("an unknown version of struct xucred")
    return int(uid)
