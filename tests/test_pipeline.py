"""FETCH commands under way together: their answers in any order, and faults of one alone."""

import re
from collections.abc import Iterator

import pytest
from scripted_imap import Close, Command, Folder, ScriptedImap, Step, only
from sync_examples import account_at, linked, message, own_text, sync

from daemon.errors import ServerUnreachable
from daemon.mailbox import plan
from daemon.mailbox.pipeline import Pipeline
from daemon.store.database import Database

NINE = {n: own_text(n) for n in range(1, 10)}
FIRST, SECOND = ((3, 2), ("FLAGS",)), ((1,), ("FLAGS",))


class Wire:
    """imaplib's object as far as a pipeline uses it; each command's answer is what it is told."""

    def __init__(self, *answers: tuple[str, list[bytes]]) -> None:
        self.sent: list[str] = []
        self.untagged_responses: dict[str, list[bytes]] = {}
        self._answers = iter(answers)

    def _command(self, *words: str) -> bytes:
        self.sent.append(" ".join(words))
        return b"A%d" % len(self.sent)

    def _command_complete(self, _: str, __: bytes) -> tuple[str, list[bytes]]:
        kind, rows = next(self._answers)
        self.untagged_responses.setdefault("FETCH", []).extend(rows)
        return kind, [b"told"]


def row(uid: int) -> bytes:
    return b"9 (UID %d FLAGS ())" % uid


def test_a_command_that_was_asked_is_not_sent_again() -> None:
    """Nor is its answer waited for before the next is sent."""
    wire = Wire(("OK", [row(3), row(2)]), ("OK", [row(1)]))
    pipeline = Pipeline(wire)
    pipeline.ask([FIRST, SECOND])
    assert wire.sent == ["UID FETCH 3,2 (FLAGS)", "UID FETCH 1 (FLAGS)"]
    assert list(pipeline.fetch(FIRST)) == [3, 2]
    assert list(pipeline.fetch(SECOND)) == [1]
    assert len(wire.sent) == 2


def test_mixed_answers_are_told_apart() -> None:
    """A server may work at several commands at once; what nobody asked for is dropped."""
    pipeline = Pipeline(Wire(("OK", [row(1), row(2), row(7), row(3)]), ("OK", [])))
    pipeline.ask([FIRST, SECOND])
    assert list(pipeline.fetch(FIRST)) == [3, 2]
    assert list(pipeline.fetch(SECOND)) == [1]


@pytest.mark.parametrize(
    "answer", [("NO", [row(2)]), ("OK", [row(2), b"9 (UID 3 FLAGS (]"])], ids=["refused", "broken"]
)
def test_a_fault_of_one_is_not_the_others(answer: tuple[str, list[bytes]]) -> None:
    """And what came of it before is not taken for the answer to the next attempt."""
    pipeline = Pipeline(Wire(answer, ("OK", [row(1)]), ("OK", [row(3)])))
    pipeline.ask([FIRST, SECOND])
    with pytest.raises(Exception, match=r"refused|cannot be read"):
        pipeline.fetch(FIRST)
    assert list(pipeline.fetch(SECOND)) == [1]
    assert list(pipeline.fetch(FIRST)) == [3]


# --- a sync of several batches


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedImap]:
    """Nine mails in Sent, and a command's line holds three UIDs."""
    monkeypatch.setattr(plan, "COMMAND_BYTES", 6)
    folder = Folder(*[message(n) for n in NINE], flags=r"\Sent")
    with ScriptedImap({"Sent": folder}) as running:
        yield running


async def test_the_next_batch_is_asked_for_before_this_one_has_come(
    server: ScriptedImap, database: Database
) -> None:
    """Each message once: its header in the one command, its text in the other."""
    await sync(account_at(server.port), database)
    asked = [line.split()[2] for line in server.seen("UID FETCH")]
    assert asked == ["9,8,7", "6,5,4", "9,8,7", "3,2,1", "6,5,4", "3,2,1"]
    assert await linked(database) == NINE


@pytest.mark.parametrize("number", range(1, 7))
async def test_a_connection_that_breaks_among_them(
    server: ScriptedImap, database: Database, number: int
) -> None:
    """Nothing is lost, doubled or set aside, whichever command it was."""
    server.answers["UID FETCH"] = only(number, lambda c: [c.usual()[:200], Close()])
    try:
        await sync(account_at(server.port), database)
    except ServerUnreachable:
        await sync(account_at(server.port), database)
    assert await linked(database) == NINE


async def test_a_message_that_breaks_the_next_batch_is_found(
    server: ScriptedImap, database: Database
) -> None:
    """The batch before it is not blamed for it."""

    def broken(command: Command) -> Step:
        return Close() if b"(UID 5 " in command.usual() else command.usual()

    server.answers["UID FETCH"] = broken
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (8, 1)
    assert await linked(database) == {uid: text for uid, text in NINE.items() if uid != 5}


@pytest.mark.parametrize("number", range(1, 7))
async def test_a_refusal_among_them(server: ScriptedImap, database: Database, number: int) -> None:
    """After part of its answer; it is asked for again, in pieces, and the rest goes on."""

    def refused(command: Command) -> list[Step]:
        whole = command.usual()
        return [whole[: whole.rindex(b"* ")], command.no("internal error")]

    server.answers["UID FETCH"] = only(number, refused)
    result = await sync(account_at(server.port), database)
    assert (result.added, result.quarantined) == (9, 0)
    assert await linked(database) == NINE


async def test_answers_that_come_mixed(server: ScriptedImap, database: Database) -> None:
    """Rows of the next command before the end of this one."""
    kept: list[bytes] = []

    def mixed(command: Command) -> bytes:
        if command.number == 2:  # the second batch's headers are answered with the first's texts
            rows, done = re.split(rb"(?m)^(?=%s )" % command.tag.encode(), command.usual())
            kept.append(rows)
            return done
        return (kept.pop() if kept else b"") + command.usual()

    server.answers["UID FETCH"] = mixed
    await sync(account_at(server.port), database)
    assert await linked(database) == NINE
