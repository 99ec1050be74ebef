"""An IMAP server in this process, for the demo: pymap with its mailboxes in memory.

It listens on 127.0.0.1 on a free port, forgets everything at its end, and comes from the extra
`demo`. It is a real server: the demo's sync speaks IMAP to it as to any other.
"""

from __future__ import annotations

import asyncio
import socket
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daemon.errors import DemoNotInstalled

SENT = "Sent"
_DEFAULTS = {
    "cert": None,
    "debug": False,
    "demo_data": False,
    "demo_password": "",
    "demo_user": "",
    "host": "127.0.0.1",
    "key": None,
    "passlib_cfg": None,
    "port": 0,
    "proxy_protocol": None,
    "tls": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedImap:
    """The running server: its port, and the door by which mail gets into a Sent folder."""

    port: int
    _folders: dict[str, Any]

    async def deliver(self, user: str, messages: Iterable[bytes]) -> None:
        """Put raw messages into a user's Sent folder, as their mail program would."""
        from pymap.parsing.message import AppendMessage

        for raw in messages:
            await self._folders[user].append(AppendMessage(raw, datetime.now(UTC), frozenset()))


@asynccontextmanager
async def embedded_imap(users: Mapping[str, str]) -> AsyncIterator[EmbeddedImap]:
    """A server with these users (name: password), each with an empty Sent folder."""
    try:
        from proxyprotocol.reader import ProxyProtocolReader
        from pymap.backend.dict import Config, Login
        from pymap.backend.dict.filter import FilterSet
        from pymap.backend.dict.mailbox import MailboxSet
        from pymap.imap import IMAPServer
        from pymap.user import Passwords, UserMetadata
    except ImportError as error:
        raise DemoNotInstalled from error
    config = Config.from_args(Namespace(**_DEFAULTS))
    login = Login(config)
    config.apply_context()
    folders = {}
    for name, password in users.items():
        hashed = await Passwords(config).hash_password(password)
        login.users_dict[name] = UserMetadata(config, name, password=hashed)
        mailboxes = MailboxSet()
        await mailboxes.add_mailbox(SENT)
        config.set_cache[name] = (mailboxes, FilterSet())
        folders[name] = await mailboxes.get_mailbox(SENT)
    reader = ProxyProtocolReader(config.proxy_protocol)
    answer = reader.get_callback(IMAPServer(login, config))

    async def at_once(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        """Without Nagle's delay: it holds each small answer back for 40 ms."""
        link = outgoing.get_extra_info("socket")
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await answer(incoming, outgoing)

    server = await asyncio.start_server(at_once, host="127.0.0.1", port=0)
    try:
        yield EmbeddedImap(port=server.sockets[0].getsockname()[1], _folders=folders)
    finally:
        server.close()
