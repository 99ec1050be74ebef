"""Migrations: from every schema that there was, atomically, and never from a newer one.

No version of trimtab was released yet, so there is no store that a released one made. What stands
for them is a dump of the store at each number of the schema, made by its migrations, with invented
rows.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import (
    A_BATCH,
    A_FOLDER,
    AN_ANSWER,
    AN_ENTRY,
    NOW,
    a_draft,
    a_lesson,
    a_mail,
    a_source,
    a_verdict,
    an_adapter,
    an_edit,
    an_event,
)

from daemon.errors import StoreTooNew
from daemon.records import Delivery
from daemon.store import (
    adapters,
    answers,
    batches,
    deliveries,
    drafts,
    edits,
    evaluations,
    excluded,
    forgetting,
    jobs,
    ledger,
    lessons,
    mail,
    nights,
    schema,
    tombstones,
    trainings,
)
from daemon.store.database import Database

RELEASED = sorted((Path(__file__).parent / "data").glob("store_v*.sql"))
"""A dump of the store of every released schema, with the rows of `store_samples` in it."""


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def objects(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Every table, index and trigger, with its definition without the white space."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name, "".join(sql.split())) for kind, name, sql in rows}


def contents(path: Path) -> bytes:
    return path.read_bytes()


def load(dump: Path, path: Path) -> None:
    old = sqlite3.connect(path)
    old.executescript(dump.read_text("utf-8"))
    old.close()


def test_every_released_schema_has_its_dump() -> None:
    """A new migration comes with the dump of a store that it made."""
    assert [path.stem for path in RELEASED] == [f"store_v{n + 1}" for n in range(schema.KNOWN)]


@pytest.mark.parametrize("number", range(1, schema.KNOWN + 1))
def test_a_released_migration_is_never_changed(number: int, connection: sqlite3.Connection) -> None:
    """The migrations still make what they made when they were released."""
    released = sqlite3.connect(":memory:")
    released.executescript(RELEASED[number - 1].read_text("utf-8"))
    schema.migrate(connection, number)
    assert objects(connection) == objects(released)
    released.close()


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
async def test_a_store_of_every_released_schema_opens_with_all_it_held(
    dump: Path, tmp_path: Path
) -> None:
    """After the upgrade the schema is that of a new store, and every record reads as written."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    fresh = await Database.open(tmp_path / "fresh.db")
    try:
        assert await database.read(schema.version) == schema.KNOWN
        assert await database.read(objects) == await fresh.read(objects)
        assert await database.read(mail.mails, "work") == [a_mail(1)]
        assert await database.read(mail.outdated, "work", -1, 9) == [(a_mail(1), a_source(1))]
        assert await database.read(lessons.lessons, "work") == [a_lesson(1)]
        assert await database.read(drafts.drafts, "work") == [a_draft(1)]
        assert await database.read(edits.edits, "work") == [an_edit(1)]
        assert await database.read(adapters.adapters, "work") == [an_adapter(1)]
        assert await database.read(adapters.verdicts, "work") == [a_verdict(1)]
        (job,) = await database.read(jobs.history, 10)
        assert (job.kind, job.state, job.requested_at) == ("sync", "done", NOW)
    finally:
        await database.close()
        await fresh.close()


@pytest.mark.parametrize("dump", RELEASED[5:], ids=lambda path: path.stem)
async def test_a_pause_and_the_nights_are_known_after_every_upgrade(
    dump: Path, tmp_path: Path
) -> None:
    """Or nights that the user has paused would come again, and a mail be sent twice."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        assert await database.read(nights.is_paused)
        row = await database.read(nights.last)
        assert row is not None
        assert (row.night.date, row.waits) == ("2026-03-03", ("battery",))
        assert await database.read(nights.reports, row.night.date) == {"work": "done"}
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED[7:], ids=lambda path: path.stem)
async def test_evaluations_are_known_after_every_upgrade(dump: Path, tmp_path: Path) -> None:
    """With what was written, measured and judged for them."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        (run,) = await database.read(evaluations.runs)
        trials = [one.id for one in await database.read(evaluations.trials_of, run.id)]
        assert trials == ["trial-1", "trial-2"]
        assert (await database.read(evaluations.measures, trials))["trial-1"] == {"distance": 0.25}
        assert len(await database.read(evaluations.judgements, trials)) == 1
        assert len(await database.read(evaluations.figures, run.id)) == 1
        assert list(await database.read(evaluations.trainings, ["work"])) == ["training-1"]
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED[1:], ids=lambda path: path.stem)
async def test_what_has_left_is_known_after_every_upgrade(dump: Path, tmp_path: Path) -> None:
    """Or it would leave a second time."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        found = await database.read(deliveries.delivery, "draft-1", "save")
        assert found == Delivery(
            draft_id="draft-1", kind="save", state="done", attempts=1, begun_at=NOW, ended_at=NOW
        )
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED[2:], ids=lambda path: path.stem)
async def test_what_was_asked_and_paid_is_known_after_every_upgrade(
    dump: Path, tmp_path: Path
) -> None:
    """Or it would be asked, and paid, a second time."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        entries = await database.read(ledger.entries, account=None, since=NOW, limit=9)
        assert entries == [AN_ENTRY]
        assert await database.read(batches.open_batches) == [A_BATCH]
        assert await database.read(answers.answers, "work", "lesson-2") == (AN_ANSWER,)
        assert await database.read(excluded.message_ids, "work") == {"<9@yard.example>"}
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED[3:], ids=lambda path: path.stem)
async def test_the_curve_of_an_adapter_is_known_after_every_upgrade(
    dump: Path, tmp_path: Path
) -> None:
    """As its training reported it."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        found = await database.read(trainings.curve, "adapter-1")
        assert found == (an_event(1), an_event(2))
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
async def test_every_row_of_every_release_is_there_after_the_upgrade(
    dump: Path, tmp_path: Path
) -> None:
    """Of each table that there was, as many; and no key points nowhere."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    old = sqlite3.connect(path)
    before = rows_of(old)
    old.close()
    database = await Database.open(path)
    try:
        after = await database.read(rows_of)
        assert {name: after[name] for name in before} == before
        assert await database.read(broken_keys) == []
    finally:
        await database.close()


def rows_of(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has, but for that of the migrations themselves."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'lesson_text_%'"
    ).fetchall()
    return {
        name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        for (name,) in map(tuple, names)
        if name not in {"migration", "sqlite_sequence"}
    }


def broken_keys(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute("PRAGMA foreign_key_check")]


@pytest.mark.parametrize("dump", RELEASED[6:], ids=lambda path: path.stem)
async def test_what_was_forgotten_is_known_after_every_upgrade(dump: Path, tmp_path: Path) -> None:
    """Or it would come back, and be learned from."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        assert await database.read(tombstones.is_forgotten, "work", "sha256:0008")
        assert await database.read(tombstones.passed_uids, A_FOLDER) == {8}
        assert await database.read(forgetting.marked, "work") == {"adapter-1"}
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED[4:], ids=lambda path: path.stem)
async def test_what_was_taken_back_is_known_after_every_upgrade(dump: Path, tmp_path: Path) -> None:
    """Or it would be learned from again."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        assert await database.read(edits.taken_back_mails, "work") == {"sha256:0001"}
        assert await database.read(edits.standing, "work") == []
    finally:
        await database.close()


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
async def test_lessons_of_every_release_are_found_by_their_topic(
    dump: Path, tmp_path: Path
) -> None:
    """The index of a store that had none is made of what it holds."""
    path = tmp_path / "trimtab.db"
    load(dump, path)
    database = await Database.open(path)
    try:
        query = "SELECT lesson_id FROM lesson_text WHERE lesson_text MATCH ?"

        def found(connection: sqlite3.Connection, words: str) -> list[str]:
            return [row[0] for row in connection.execute(query, (words,))]

        assert await database.read(found, "topic:drawings") == ["lesson-1"]
        assert await database.read(found, "recipient:ben") == ["lesson-1"]
    finally:
        await database.close()


async def test_a_store_of_a_newer_trimtab_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """An older program would lose what it does not know."""
    path = tmp_path / "trimtab.db"
    database = await Database.open(path)
    await database.write(lambda c: c.execute("INSERT INTO migration VALUES (99, 'later')").close())
    await database.close()
    before = contents(path)
    with pytest.raises(StoreTooNew) as raised:
        await Database.open(path)
    assert (raised.value.found, raised.value.known) == (99, schema.KNOWN)
    assert contents(path) == before


def test_a_migration_that_fails_midway_leaves_nothing(connection: sqlite3.Connection) -> None:
    """Its tables and its version row come together or not at all."""
    connection.execute("CREATE TABLE job (in_the_way)")
    with pytest.raises(sqlite3.OperationalError, match="table job already exists"):
        schema.migrate(connection)
    assert schema.version(connection) == 0
    assert {name for _, name, _ in objects(connection)} == {"job"}
    assert not connection.in_transaction


def test_migrating_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    """Every start migrates."""
    schema.migrate(connection)
    before = objects(connection)
    schema.migrate(connection)
    assert objects(connection) == before
    assert connection.execute("SELECT count(*) FROM migration").fetchone() == (schema.KNOWN,)
