"""The blind test in a real Chromium: by keys alone, on a phone's width, with hostile mail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from blind_examples import evaluated, trials
from chromium import Tab, browsing

from daemon.blind.serving import serve_page
from daemon.blind.sitting import Sitting, Wishes, sit_down
from daemon.store.database import Database

HOSTILE = (
    "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>\n"
    "</div></main><iframe srcdoc='<script>parent.hit = 1</script>'></iframe>\n"
    "<a href='javascript:window.hit = 1'>press 1</a> <style>body { display: none }</style>\n"
    "\u202e\u2066reversed from here\n"
    + "n\u0334\u0353\u0310" * 40
    + "\n"
    + "unbroken" * 60
    + "\x00\x1b[2J\n"
)


@asynccontextmanager
async def opened(file: Path, tab: Tab, wishes: Wishes) -> AsyncIterator[Sitting]:
    """The page of a sitting, in the tab, at its first pair."""
    database = await Database.open(file)
    try:
        sitting = await sit_down(database, "work", wishes)
        async with serve_page(sitting) as page:
            await tab.open(page.link)
            await tab.until("document.querySelector('#count')?.textContent")
            assert page.link.rpartition("/")[2] not in await tab.value("location.href")
            yield sitting
    finally:
        await database.close()


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """A store with an evaluation of 6 mails."""
    return await filled(tmp_path / "trimtab.db")


async def filled(file: Path, text: str = "") -> Path:
    database = await Database.open(file)
    some = [replace(one, text=f"{text}{one.text}") for one in trials(6)]
    await database.write(evaluated, some, own_text=f"{text}Tuesday suits me")
    await database.close()
    return file


async def test_it_is_done_by_keys_and_goes_on_after_it_was_closed(store: Path) -> None:
    """1, 2, 0, back to change one; another browser, another link; the result with its interval."""
    wishes = Wishes(pairs=5)
    async with browsing() as tab, opened(store, tab, wishes) as sitting:
        for key, count in (("1", "2 of 5"), ("2", "3 of 5"), ("0", "4 of 5")):
            await tab.press(key)
            await tab.until(f"count.textContent === '{count}'")
        assert [pair.choice for pair in sitting.pairs[:3]] == ["left", "right", "tie"]
        await tab.press("Backspace")
        await tab.until("count.textContent === '3 of 5'")
        assert await tab.text("[aria-pressed=true]") == "0 No difference"
        await tab.press("ArrowLeft")
        await tab.until("count.textContent === '2 of 5'")
        assert await tab.value("live.textContent") == "Pair 2 of 5."
        await tab.press("1")
        await tab.until("count.textContent === '4 of 5'")
        assert [pair.choice for pair in sitting.pairs[:3]] == ["left", "left", "tie"]
    async with browsing() as tab, opened(store, tab, wishes) as sitting:
        assert await tab.text("#count") == "4 of 5"
        assert await tab.value("bar.value") == 3
        assert sitting.shown(3).left == await tab.value("left.textContent")
        for key in ("2", "0"):
            count = await tab.text("#count")
            await tab.press(key)
            await tab.until(f"count.textContent !== '{count}'")
        assert await tab.text("#count") == "5 of 5 answered"
        await tab.press("Enter")  # the button for the result has the focus
        await tab.until("!result.hidden")
        assert [pair.choice for pair in sitting.pairs] == ["left", "left", "tie", "right", "tie"]
        assert await tab.text("#title") == "What you chose"
        said = await tab.text("#sentences")
        assert "agent R3's win rate is " in said
        assert "This rests on 5 mails" in said
        cell = await tab.text("#rows tr:first-child td:last-child")
        assert cell.endswith(" %)")
        assert " to " in cell


async def test_a_key_that_is_held_answers_one_pair(store: Path) -> None:
    """And one with Control is the browser's."""
    async with browsing() as tab, opened(store, tab, Wishes()) as sitting:
        await tab.press("1", modifiers=2)
        await tab.press("1", repeat=True)
        await tab.until("!busy")
        assert sitting.place().answered == 0
        await tab.press("1")
        await tab.until("count.textContent === '2 of 12'")
        assert sitting.place().answered == 1


async def test_buttons_do_the_same_and_the_focus_is_seen(store: Path) -> None:
    """Tab reaches each in its order, Enter presses it, and it keeps the focus."""
    async with browsing() as tab, opened(store, tab, Wishes()) as sitting:
        names = []
        for _ in range(3):
            await tab.press("Tab")
            names.append(await tab.value("document.activeElement.id"))
            width = "getComputedStyle(document.activeElement).outlineWidth"
            assert await tab.value(width) == "3px"
        assert names == ["choose-left", "choose-tie", "choose-right"]
        await tab.press("Enter")
        await tab.until("count.textContent === '2 of 12'")
        assert sitting.pairs[0].choice == "right"
        assert await tab.value("document.activeElement.id") == "choose-right"
        await tab.press("Tab")
        await tab.press("Enter")
        await tab.until("count.textContent === '1 of 12'")


async def test_hostile_mail_is_text_and_stays_within_a_phone(tmp_path: Path) -> None:
    """Nothing of it runs, no mark takes effect, and no word makes the page wider."""
    store = await filled(tmp_path / "trimtab.db", HOSTILE)
    async with browsing() as tab:
        await tab.size(360, 740)
        async with opened(store, tab, Wishes(pairs=1)) as sitting:
            shown = sitting.shown(0)
            for part, text in (("left", shown.left), ("own", shown.own_text)):
                assert await tab.value(f"{part}.textContent") == text
                assert await tab.value(f"{part}.childElementCount") == 0
            assert await tab.value("window.hit") is None
            await fits(tab)
            one, two = [
                await tab.value(f"{side}.getBoundingClientRect().top") for side in ("left", "right")
            ]
            assert one < two
            await tab.press("1")
            await tab.until("!end.hidden")
            await fits(tab)
            await tab.press("Enter")
            await tab.until("!result.hidden")
            await fits(tab)


async def fits(tab: Tab) -> None:
    """Whether nothing is to be scrolled to the side."""
    assert await tab.value("document.documentElement.scrollWidth") == 360


async def test_the_policy_stops_a_script_that_came_in(store: Path) -> None:
    """Were mail ever set as HTML: neither as a script, nor as a handler, nor by a string."""
    async with browsing() as tab, opened(store, tab, Wishes()):
        await tab.value(
            "(() => { const made = document.createElement('script');"
            "made.append('window.hit = 1'); document.body.append(made); })()"
        )
        refused = "(() => { try { own.innerHTML = '<b>x</b>' } catch (e) { return e.name } })()"
        assert await tab.value(refused) == "TypeError"
        assert await tab.value("window.hit") is None
        outside = "fetch('http://127.0.0.1:1/').then(() => 'sent', (e) => e.name)"
        assert await tab.value(outside) == "TypeError"
        assert await tab.value("document.cookie") == ""


async def test_after_its_end_the_page_says_so(store: Path) -> None:
    """What was chosen before is kept."""
    async with browsing() as tab:
        async with opened(store, tab, Wishes()):
            pass
        await tab.press("1")
        await tab.until("!trouble.hidden")
        assert "run `trimtab eval --blind` to go on" in await tab.text("#trouble")
