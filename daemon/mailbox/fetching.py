"""What a sync has to do, brought batch by batch over a connection that may be lost.

A batch in which the connection breaks is taken up again in smaller ones over a new connection; a
message at which it breaks time and again is set aside. What is known by its header is linked and
not fetched. A message that the server lists and does not hand out is asked for once more, then set
aside; one that is gone meanwhile is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from daemon.errors import ServerUnreachable
from daemon.mailbox import plan
from daemon.mailbox.imap import Head, Mailbox
from daemon.mailbox.parse import parse_parts
from daemon.mailbox.session import Session
from daemon.records import FetchedBatch, FolderState, Quarantined
from daemon.store import folders as folder_store
from daemon.store.database import Database


class Fetcher:
    """Brings the messages of `todo`, in that order; suspects and missing ones last."""

    def __init__(
        self, session: Session, database: Database, folder: FolderState, todo: Sequence[int]
    ) -> None:
        self.folder = folder
        self._session = session
        self._database = database
        self._todo = list(todo)
        self._missing: list[int] = []
        self._suspects: list[int] = []
        self._pace = plan.Pace()
        self._won = False

    async def next(self) -> FetchedBatch | None:
        """The next batch, None at the end.

        Raises ServerUnreachable where the connection is lost and cannot be made again or brings
        nothing, ServerBusy, and what the credential's source does.
        """
        while self._todo:
            batch = plan.take_batch(self._todo, self._pace.size)
            brought = await self._try(batch)
            if brought is not None:
                del self._todo[: len(batch)]
                self._missing += sorted(set(batch) - _uids(brought))
                return brought
        if self._suspects:
            return await self._try_alone(self._suspects.pop())
        if self._missing:
            missing, self._missing = self._missing, []
            return await self._look_again(missing)
        return None

    async def _try(self, batch: Sequence[int]) -> FetchedBatch | None:
        """A batch, or None if the connection broke in it and there is a new one.

        A message at which it broke twice is left for the end. If it breaks at the next one too, and
        nothing came in between, it is the connection that is bad, and its error is raised.
        """
        try:
            brought = await self._bring(batch, self._ahead(len(batch)))
        except ServerUnreachable as error:
            if not error.lost:
                raise
            self._pace = self._pace.lost()
            if self._pace.is_hopeless:
                if self._suspects and not self._won:
                    raise
                self._suspects += batch
                del self._todo[: len(batch)]
                self._won, self._pace = False, plan.Pace(size=1)
            await self._reopen(error)
            return None
        self._won, self._pace = True, self._pace.won()
        return brought

    async def _try_alone(self, uid: int) -> FetchedBatch:
        """A suspect once more, over a connection that is good; set aside if it breaks that too."""
        try:
            return await self._bring([uid])
        except ServerUnreachable as error:
            if not error.lost or not self._won:
                raise
            await self._reopen(error)
            aside = _aside([uid], "the connection breaks at it")
            return FetchedBatch(folder=self.folder, quarantined=aside)

    def _ahead(self, done: int) -> Sequence[int]:
        """The batch after this one; none while it is sought at which the connection breaks."""
        if self._pace.size < plan.BATCH:
            return ()
        return plan.take_batch(self._todo[done : done + plan.BATCH], plan.BATCH)

    async def _bring(self, batch: Sequence[int], ahead: Sequence[int] = ()) -> FetchedBatch:
        heads = await self._session.call(Mailbox.heads, batch, ahead)
        linked = await self._known(heads.heads)
        unknown = [head for head in heads.heads if head.uid not in linked]
        fetched = await self._session.call(Mailbox.texts, unknown)
        brought = heads.done + fetched
        return FetchedBatch(
            folder=self.folder,
            messages=brought.messages,
            linked=tuple(linked.items()),
            quarantined=brought.quarantined,
        )

    async def _known(self, heads: Sequence[Head]) -> dict[int, str]:
        """Which of these messages are stored already, under another UID or from a file."""
        if not await self._database.read(folder_store.has_mails, self.folder.account):
            return {}
        asked = [(head.uid, _message_id(head), head.header) for head in heads]
        return await self._database.read(folder_store.known_mails, self.folder.account, asked)

    async def _reopen(self, error: ServerUnreachable) -> None:
        """A new connection to the same folder, or the error of the old one if it is another."""
        await self._session.reopen()
        view = await self._session.call(Mailbox.examine, self.folder.folder)
        if view is None or view.uidvalidity != self.folder.uidvalidity:
            raise error

    async def _look_again(self, missing: Sequence[int]) -> FetchedBatch:
        """Messages that were listed and not handed out, asked for once more."""
        brought = await self._bring(missing)
        held = await self._session.call(Mailbox.holds, sorted(set(missing) - _uids(brought)))
        aside = _aside(sorted(held), "the server does not hand it out")
        return replace(brought, quarantined=brought.quarantined + aside)


def _message_id(head: Head) -> str:
    return parse_parts(head.header, [], [], head.received_at).message_id


def _aside(uids: Sequence[int], reason: str) -> tuple[Quarantined, ...]:
    return tuple(Quarantined(uid=uid, reason=reason) for uid in uids)


def _uids(brought: FetchedBatch) -> set[int]:
    """The messages of which something is known now."""
    found = {message.uid for message in brought.messages}
    return found | {item.uid for item in brought.quarantined} | {uid for uid, _ in brought.linked}
