"""The blind test's page over real HTTP: who gets in, what is shown, and what is kept."""

import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from blind_examples import RUN, SYSTEMS, a_client, a_trial, evaluated, trials
from store_samples import NOW

from daemon.blind.serving import Served, serve_page
from daemon.blind.sitting import Sitting, Wishes, sit_down
from daemon.research_errors import BlindTestUnready
from daemon.store import blind as blind_store
from daemon.store import evaluations, forgetting
from daemon.store.database import Database
from mlx_agent.evaluate import blind

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A client that went in by the link, and who it visits."""

    http: httpx.AsyncClient
    page: Served
    sitting: Sitting

    @property
    def origin(self) -> str:
        return self.page.link.rpartition("/")[0]

    async def get(self, path: str) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def choose(self, index: int, choice: str) -> Any:
        answer = await self.http.post(f"blind/pairs/{index}", json={"choice": choice})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A store with an evaluation of 6 mails."""
    database = await Database.open(tmp_path / "trimtab.db")
    await database.write(evaluated, trials(6))
    yield database
    await database.close()


@asynccontextmanager
async def visiting(database: Database, wishes: Wishes | None = None) -> AsyncIterator[Visit]:
    sitting = await sit_down(database, "work", wishes or Wishes())
    async with serve_page(sitting) as page, a_client() as http:
        first = await http.get(page.link)
        assert first.status_code == 303
        http.base_url = httpx.URL(page.link).join(first.headers["location"])
        yield Visit(http=http, page=page, sitting=sitting)


async def test_the_link_opens_once_for_a_cookie_that_no_script_sees(database: Database) -> None:
    """It leads to an address without it; a second use is told what to do."""
    sitting = await sit_down(database, "work", Wishes())
    async with serve_page(sitting) as page, a_client() as http:
        assert len(page.link.rpartition("/")[2]) == 43  # 32 bytes
        first = await http.get(page.link)
        assert first.status_code == 303
        cookie = first.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
        path = first.headers["location"]
        assert page.link.rpartition("/")[2] not in path
        assert f"Path={path}" in cookie
        clean = await http.get(httpx.URL(page.link).join(path))
        assert (clean.status_code, clean.headers["content-type"]) == (
            200,
            "text/html; charset=utf-8",
        )
        again = await http.get(page.link)
        assert again.status_code == 403
        assert again.text == (
            "This link was used before, or is not the one that trimtab printed; run `trimtab eval "
            "--blind` again for another one."
        )


@pytest.mark.parametrize("cookie", ["", "trimtab=", "trimtab=guess", "other=COOKIE", "COOKIE"])
async def test_nothing_is_shown_without_the_cookie(database: Database, cookie: str) -> None:
    """Not to one who knows the path, not to a wrong one; others beside it do no harm."""
    async with visiting(database) as visit:
        (value,) = visit.http.cookies.values()
        for path in ("", "page.js", "blind/place", "blind/pairs/0"):
            shown = cookie.replace("COOKIE", value)
            async with a_client(shown) as other:
                answer = await other.get(visit.http.base_url.join(path))
                assert (answer.status_code, answer.text[:9]) == (403, "This link")
        async with a_client(f"a=b; trimtab={value}") as own:
            assert (await own.get(visit.http.base_url)).status_code == 200


async def test_looking_at_the_link_without_opening_it_does_not_spend_it(database: Database) -> None:
    """As programs do that preview links, by HEAD; nor does a wrong guess."""
    sitting = await sit_down(database, "work", Wishes())
    async with serve_page(sitting) as page, a_client() as http:
        assert (await http.head(page.link)).status_code == 415
        assert (await http.get(page.link[:-1])).status_code == 403
        assert (await http.post(page.link, json={})).status_code == 403
        assert (await http.get(page.link)).status_code == 303


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "localhost:PORT"}, "host_refused"),
        ({"Host": "127.0.0.1"}, "host_refused"),
        ({"Host": "evil.example:PORT"}, "host_refused"),
        ({"Origin": "http://evil.example"}, "origin_refused"),
        ({"Origin": "null"}, "origin_refused"),
        ({"Origin": "http://127.0.0.1:1"}, "origin_refused"),
        ({"Origin": "moz-extension://00000000-0000-0000-0000-000000000000"}, "origin_refused"),
        ({"Content-Type": "text/plain"}, "not_json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "not_json"),
        ({f"X-{number}": "x" for number in range(450)}, "head_too_large"),
    ],
)
async def test_the_socket_s_rules_hold(
    database: Database, headers: dict[str, str], code: str
) -> None:
    """Even with the cookie; and nothing is stored."""
    async with visiting(database) as visit:
        port = str(visit.http.base_url.port)
        sent = JSON | {name: value.replace("PORT", port) for name, value in headers.items()}
        body = json.dumps({"choice": "tie"})
        answer = await visit.http.post("blind/pairs/0", content=body, headers=sent)
        assert answer.json()["error"]["code"] == code
        assert visit.sitting.place().answered == 0
        sent = JSON | {"Origin": visit.origin}
        answer = await visit.http.post("blind/pairs/0", content=body, headers=sent)
        assert (answer.status_code, visit.sitting.place().answered) == (200, 1)


async def test_a_link_is_not_spent_by_who_is_refused(database: Database) -> None:
    """A rebound name does not even learn whether it is one."""
    sitting = await sit_down(database, "work", Wishes())
    async with serve_page(sitting) as page, a_client() as http:
        answer = await http.get(page.link, headers={"Host": "evil.example"})
        assert answer.json()["error"]["code"] == "host_refused"
        assert (await http.get(page.link)).status_code == 303


async def test_every_answer_keeps_the_page_to_itself(database: Database) -> None:
    """The page, its parts, its data, refusals: one policy, no copy, no referrer, no CORS."""
    async with visiting(database) as visit:
        answers = [
            await visit.http.get(path)
            for path in ("", "page.css", "page.js", "blind/place", "nothing", visit.page.link)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 422, 403]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
            assert "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert not any(name.startswith("access-control") for name in answer.headers)


async def test_before_the_end_nothing_tells_the_systems(database: Database) -> None:
    """Not the page, not a pair, not an answer, byte for byte; the texts alone differ."""
    seen = []

    async def keep(answer: httpx.Response) -> None:
        await answer.aread()
        seen.append(str(answer.headers).encode() + answer.content)

    async with visiting(database) as visit:
        visit.http.event_hooks = {"response": [keep]}
        for path in ("", "page.js", "page.css", "blind/place"):
            await visit.http.get(path)
        for index in range(len(visit.sitting.pairs)):
            pair = await visit.get(f"blind/pairs/{index}")
            assert set(pair) == {
                *("index", "pairs", "answered", "back"),
                *("intent", "own_text", "left", "right", "choice"),
            }
            await visit.choose(index, "tie")
        names = [name.encode() for name in (*SYSTEMS, "training-1", "offline", "agent", "R3")]
        assert len(seen) == 4 + 2 * 12
        assert not [name for name in names for answer in seen if name in answer]
        result = await visit.http.post("blind/result", json={})
        assert all(name in result.text for name in SYSTEMS)


async def test_a_pair_holds_the_mail_and_what_was_to_be_said(database: Database) -> None:
    """And the two drafts for it, as they are."""
    async with visiting(database, Wishes(pairs=3)) as visit:
        pair = await visit.get("blind/pairs/1")
        number = pair["own_text"].partition("mail ")[2].partition(".")[0]
        assert pair["own_text"] == f"Tuesday suits me, mail {number}.\n\nAda"
        assert pair["intent"] == [f"I come on Tuesday {number}", "the drawings are ready"]
        stored = visit.sitting.pairs[1]
        by_id = {one.id: one.text for one in trials(6)}
        assert (pair["left"], pair["right"]) == (by_id[stored.left], by_id[stored.right])
        assert (pair["index"], pair["pairs"], pair["back"], pair["choice"]) == (1, 3, 0, None)


async def test_a_choice_is_kept_at_once_and_can_be_changed(database: Database) -> None:
    """Another sitting goes on after it, under another link."""
    async with visiting(database) as visit:
        assert await visit.choose(0, "left") == {"pairs": 12, "answered": 1, "next": 1, "back": 0}
        await visit.choose(1, "right")
        await visit.choose(0, "tie")
        old = visit.page.link
    kept = await database.read(blind_store.latest, "work")
    assert [pair.choice for pair in kept[:3]] == ["tie", "right", None]
    assert kept[0].chosen_at is not None
    async with visiting(database) as visit:
        assert visit.page.link != old
        assert await visit.get("blind/place") == {"pairs": 12, "answered": 2, "next": 2, "back": 1}
        assert (await visit.get("blind/pairs/1"))["choice"] == "right"
        assert visit.sitting.pairs[0].session == kept[0].session


async def test_the_result_comes_at_the_end_and_ends_it(database: Database) -> None:
    """Not before; and what was chosen in the dark stays as it is."""
    async with visiting(database, Wishes(pairs=2)) as visit:
        early = await visit.http.post("blind/result", json={})
        assert (early.status_code, visit.page.over.is_set()) == (409, False)
        await visit.choose(0, "left")
        await visit.choose(1, "left")
        told = (await visit.http.post("blind/result", json={})).json()
        assert len(told["rows"][0]) == len(told["columns"])
        late = await visit.http.post("blind/pairs/0", json={"choice": "right"})
        assert late.status_code == 409
        assert [pair.choice for pair in visit.sitting.pairs] == ["left", "left"]
        await visit.page.over.wait()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("blind/pairs/12", {"choice": "tie"}, 404),
        ("blind/pairs/-1", {"choice": "tie"}, 422),
        ("blind/pairs/x", {"choice": "tie"}, 422),
        ("blind/pairs/0", {"choice": "agent R3"}, 422),
        ("blind/pairs/0", {"choice": "tie", "more": 1}, 422),
        ("blind/pairs/0", {"choice": "tie" * 1000}, 413),
    ],
)
async def test_what_is_no_choice_is_refused(
    database: Database, path: str, body: dict[str, Any], status: int
) -> None:
    """With a status, and nothing is stored."""
    async with visiting(database) as visit:
        answer = await visit.http.post(path, json=body)
        assert (answer.status_code, visit.sitting.place().answered) == (status, 0)


async def test_nothing_of_the_mail_is_in_the_log(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the link; of a refusal there is the class."""
    with caplog.at_level(logging.DEBUG):
        async with visiting(database) as visit:
            await visit.get("blind/pairs/0")
            await visit.choose(0, "left")
            await visit.http.get(visit.page.link)
    said = [record for record in caplog.records if not record.name.startswith(("httpx", "httpc"))]
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in said)
    assert "LinkSpent" in text
    assert not any(one in text for one in ("Tuesday", visit.page.link[-43:], "Ada"))


async def test_a_sitting_goes_on_only_as_wished(database: Database) -> None:
    """Other wishes begin another session; the same ones, or none, go on with the last."""
    small = await sit_down(database, "work", Wishes(pairs=2))
    assert (await sit_down(database, "work", Wishes())).pairs == small.pairs
    assert (await sit_down(database, "work", Wishes(pairs=2))).pairs == small.pairs
    named = Wishes(systems=("style card", "zero-shot"))
    other = await sit_down(database, "work", named)
    assert len(other.pairs) == 6
    sides = {side.partition("/")[2] for pair in other.pairs for side in (pair.left, pair.right)}
    assert sides == {"style card", "zero-shot"}
    assert (await sit_down(database, "work", Wishes())).pairs == other.pairs


async def test_after_the_end_another_session_begins(database: Database) -> None:
    """The one before stays in the store."""
    first = await sit_down(database, "work", Wishes(pairs=1))
    await first.choose(0, "left")
    second = await sit_down(database, "work", Wishes(pairs=1, seed=2))
    assert second.pairs[0].session > first.pairs[0].session
    assert second.place().answered == 0


async def test_forgotten_mail_leaves_its_session(database: Database) -> None:
    """The rest goes on, with its numbers as they were."""
    before = await sit_down(database, "work", Wishes())
    await before.choose(0, "left")
    gone = before.pairs[0].left[:2]
    choice = forgetting.Choice(mail=f"sha256:00{gone}", account="work")
    await database.write(forgetting.forget, choice, [], NOW)
    after = await sit_down(database, "work", Wishes())
    left = [pair for pair in before.pairs if pair.left[:2] != gone]
    assert list(after.pairs) == left
    assert after.place().answered == 0
    assert all(after.shown(index).own_text for index in range(len(left)))


def take_lesson(connection: sqlite3.Connection, id_: str) -> None:
    connection.execute("DELETE FROM lesson WHERE id = ?", (id_,))


async def test_a_mail_whose_lesson_is_gone_is_not_shown(database: Database) -> None:
    """As after it was cut anew; the rest goes on, and what was chosen stays stored."""
    before = await sit_down(database, "work", Wishes())
    await before.choose(0, "left")
    gone = before.pairs[0].left[:2]
    await database.write(take_lesson, f"lesson-{int(gone)}")
    after = await sit_down(database, "work", Wishes())
    assert list(after.pairs) == [pair for pair in before.pairs if pair.left[:2] != gone]
    await after.choose(0, "right")
    stored = await database.read(blind_store.latest, "work")
    chosen = {pair.number: pair.choice for pair in stored if pair.choice}
    assert chosen == {0: "left", after.pairs[0].number: "right"}


def add_runs(connection: sqlite3.Connection) -> None:
    """Later evaluations that do not do: not ended, of others, or of one system alone."""
    some = [a_trial(1, "agent R3", id="later"), a_trial(1, "style card", id="later card")]
    later = replace(RUN, id="unended", started_at=NOW.replace(year=2027))
    evaluations.begin(connection, later)
    evaluations.add_trials(connection, later.id, some)
    other = replace(later, id="others", people=("home",))
    evaluations.begin(connection, other)
    evaluations.add_trials(connection, other.id, [replace(one, person="home") for one in some])
    evaluations.end(connection, other.id, [], NOW)
    alone = replace(later, id="alone")
    evaluations.begin(connection, alone)
    evaluations.add_trials(connection, alone.id, some[:1])
    evaluations.end(connection, alone.id, [], NOW)


async def test_the_latest_evaluation_that_does_is_taken(database: Database) -> None:
    """One that has ended, of this account, with two systems."""
    await database.write(add_runs)
    sitting = await sit_down(database, "work", Wishes())
    assert len(sitting.pairs) == 12


async def test_without_an_evaluation_it_says_what_to_do(database: Database) -> None:
    """And stores nothing."""
    with pytest.raises(BlindTestUnready):
        await sit_down(database, "home", Wishes())
    with pytest.raises(BlindTestUnready) as refused:
        await sit_down(database, "work", Wishes(systems=("agent R3", "hand-written")))
    assert refused.value.systems == ("agent R3", "hand-written")
    assert blind.following(await database.read(blind_store.latest, "work")) is None
