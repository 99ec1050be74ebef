"""The report: one page that loads nothing, each number of it explained by rows of the store."""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import report_home
from command import sentence, trimtab
from report_home import HOSTILE, PEOPLE, RUN
from selectolax.lexbor import LexborHTMLParser
from store_samples import NOW, opened

from daemon.commands import report as command
from daemon.report.collecting import collect
from daemon.report.drawn import Pictures, drawn
from daemon.report.explaining import explain
from daemon.report.html import marked
from daemon.report.numbers import numbers
from daemon.report.page import CSP, TRY, page
from daemon.report.records import Explanation, Material
from daemon.report.words import explained, with_interval
from daemon.research_errors import NumberUnknown
from daemon.store import evaluations, forgetting
from mlx_agent import codec
from mlx_agent.differences import normalise
from mlx_agent.errors import ExtraMissing
from mlx_agent.evaluate import drawing


@pytest.fixture(scope="module")
def store() -> Iterator[sqlite3.Connection]:
    """A filled store, which the tests of this module only read."""
    connection = opened()
    report_home.filled(connection)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def material(store: sqlite3.Connection) -> Material:
    return collect(store, PEOPLE, None, NOW)


@pytest.fixture(scope="module")
def pictures(material: Material) -> Pictures:
    return drawn(material)


@pytest.fixture(scope="module")
def html(material: Material, pictures: Pictures) -> str:
    return page(material, numbers(material), pictures).decode()


@pytest.fixture(scope="module")
def explanations(material: Material) -> dict[str, Explanation]:
    """Of every number that there is."""
    return {name: explain(material, name) for name in numbers(material)}


# --- the page ---------------------------------------------------------------------------------


def test_the_page_loads_and_runs_nothing(html: str) -> None:
    """No script, no handler, no address outside; hostile text stands there as text."""
    tree = LexborHTMLParser(html)
    assert not tree.css("script, img, iframe, link, object, embed, base, form")
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            assert not name.startswith("on"), (node.tag, name)
            if name.endswith("href") or name == "src":
                assert (value or "").startswith("#")
    assert "url(http" not in html
    assert "@import" not in html
    meta = tree.css_first("meta[http-equiv]")
    assert meta is not None
    assert meta.attributes["content"] == CSP
    assert tree.css_first("main") is not None
    assert HOSTILE in (tree.css_first("blockquote") or tree.root).text()  # type: ignore[union-attr]


def test_every_section_is_there(html: str, pictures: Pictures) -> None:
    """With its tables and pictures; ids are the page's own, and captions and scopes told."""
    tree = LexborHTMLParser(html)
    for place in TRY:
        section = tree.css_first(f"section#{place}")
        assert section is not None
        assert TRY[place].replace("`", "") not in section.text(), place
    assert len(tree.css("table")) == len(tree.css("table > caption"))
    assert all(node.attributes.get("scope") in ("row", "col") for node in tree.css("th"))
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    there = tree.css("figure > svg[role=img][aria-label]")
    assert len(there) == sum(map(len, pictures.values())) > 6


def test_sections_without_data_say_what_to_run() -> None:
    """Each in one sentence, and no number stands anywhere."""
    connection = opened()
    material = collect(connection, PEOPLE, None, NOW)
    tree = LexborHTMLParser(page(material, numbers(material), drawn(material)).decode())
    for place, said in TRY.items():
        assert said.replace("`", "") in tree.css_first(f"section#{place}").text()  # type: ignore[union-attr]
    assert not tree.css("[data-name], svg")
    connection.close()


def test_without_matplotlib_the_page_says_so(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else of it is there; a folder of pictures is refused before the experiment begins."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    content, note = command.made(material)
    assert "matplotlib" in note
    tree = LexborHTMLParser(content.decode())
    assert not tree.css("svg")
    assert len(tree.css("[data-name]")) > 50
    assert "There are no pictures." in tree.text()
    with pytest.raises(ExtraMissing):
        drawing.needed()


def test_only_one_account(store: sqlite3.Connection) -> None:
    """Its drafts, its cost and its examples; a run that it took part in stays whole."""
    material = collect(store, PEOPLE, "work", NOW)
    assert [one.name for one in material.accounts] == ["work"]
    assert {one.person for one in material.examples} == {"work"}
    whole = collect(store, PEOPLE, None, NOW)
    assert 0 < sum(one.usd for one in material.costs) < sum(one.usd for one in whole.costs)
    assert [one.run.id for one in material.runs] == [RUN.id]


def test_what_differs_is_marked_and_nothing_is_lost() -> None:
    """The draft is what is left without the underlined, the real mail without the struck."""
    draft, real = "Dear Ben, I can <come> on Tuesday", "Hi Ben, I come on Tuesday & stay"
    tree = LexborHTMLParser(f"<p>{marked(draft, real)}</p>")
    for tag, text in (("ins", draft), ("del", real)):
        paragraph = LexborHTMLParser(tree.html or "").css_first("p")
        assert paragraph is not None
        for node in paragraph.css(tag):
            node.decompose()
        assert normalise(paragraph.text()) == text
    assert marked(real, real).count("<") == 0


# --- every number -----------------------------------------------------------------------------


def test_every_number_of_the_page_is_explained_and_agrees(
    html: str, material: Material, explanations: dict[str, Explanation]
) -> None:
    """Each marked number, as it stands in the page, follows from rows of the store."""
    tree = LexborHTMLParser(html)
    known = numbers(material)
    shown = {str(node.attributes["data-name"]): node for node in tree.css("[data-name]")}
    kinds = {name.split("/")[0] for name in shown}
    assert kinds == {"voice", "use", "loss", "rules", "cost", "all", "trial"}
    for name, node in shown.items():
        assert node.text() == with_interval(known[name]), name
        assert name in (node.attributes["title"] or "")
        found = explanations[name]
        assert found.agrees, name
        assert found.rows, name
        assert not found.lost


def test_names_that_the_page_does_not_show_are_explained_too(
    material: Material, explanations: dict[str, Explanation]
) -> None:
    """All figures of a run, also by their bare names."""
    assert all(found.agrees for found in explanations.values())
    bare = explain(material, "win/agent R3/zero-shot/all")
    assert bare == explanations["all/win/agent R3/zero-shot/all"]
    assert {row.person for row in bare.rows} == set(PEOPLE)
    assert all(row.against and row.values == (row.adds, 1 - row.adds) for row in bare.rows)
    assert [row.adds for row in bare.rows] != [0.5] * len(bare.rows)


def test_a_wrong_figure_is_told() -> None:
    """One that its trials do not give, in value or interval; and what a ledger does not hold."""
    connection = opened()
    report_home.filled(connection)
    figures = evaluations.figures(connection, RUN.id)
    wrong = "distance/agent R3/all"
    for change in ({"value": 0.123}, {"low": 0.001}, {"high": 0.999}):
        planted = [replace(f, **change) if f.name == wrong else f for f in figures]
        evaluations.end(connection, RUN.id, planted, NOW)
        material = collect(connection, PEOPLE, None, NOW)
        found = explain(material, wrong)
        assert not found.agrees
        assert "DISAGREES" in "".join(explained(found))
        assert explain(material, "distance/zero-shot/all").agrees
    costs = tuple(replace(one, usd=one.usd + 0.01) for one in material.costs)
    name = f"cost/{costs[0].month}/{costs[0].role}"
    assert explain(material, name).agrees
    assert not explain(replace(material, costs=costs), name).agrees
    connection.close()


def test_what_was_forgotten_is_told() -> None:
    """The figure stays, the trials are gone: it cannot be confirmed, and says which are missing."""
    connection = opened()
    report_home.filled(connection)
    forgetting.forget(connection, forgetting.Choice(mail="work-1"), [], NOW)
    material = collect(connection, PEOPLE, None, NOW)
    found = explain(material, "distance/agent R3/work")
    assert not found.agrees
    assert len(found.lost) == 1
    assert all(row.mail != "work-1" for row in found.rows)
    assert "there no more" in "".join(explained(found))
    connection.close()


def test_explanations_hold_no_text(explanations: dict[str, Explanation]) -> None:
    """Ids and numbers only, also of rules and of what stands in a mail."""
    lines = "\n".join(line for found in explanations.values() for line in explained(found))
    lines += codec.dumps(tuple(explanations.values()))
    assert "script" not in lines
    assert "Tuesday" not in lines
    assert "evil" not in lines


def test_an_unknown_name_is_an_error(material: Material) -> None:
    """Nothing near it is guessed."""
    with pytest.raises(NumberUnknown):
        explain(material, "win/agent R9/all")


# --- the command ------------------------------------------------------------------------------


async def test_the_command_writes_explains_and_lists(tmp_path: Path) -> None:
    """A file for its user only, told to be private; names, explanations, both as JSON too."""
    await report_home.fill(tmp_path)
    out = tmp_path / "page" / "mine.html"
    said = trimtab("report", "--out", out, home=tmp_path).stdout
    assert "private" in said
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_bytes().startswith(b"<!DOCTYPE html>")
    listed = json.loads(trimtab("report", "--names", "--json", home=tmp_path).stdout)
    name = "all/nearer/agent R3/zero-shot/all"
    assert name in listed
    done = trimtab("report", "--explain", name, home=tmp_path).stdout
    assert "which agrees" in done
    data = json.loads(trimtab("report", "--explain", name, "--json", home=tmp_path).stdout)
    assert data["agrees"] is True
    assert data["again"] == pytest.approx(listed[name])
    assert len(data["rows"]) == 2 * report_home.MAILS
    unknown = sentence(trimtab("report", "--explain", "no/such", home=tmp_path, code=1))
    assert "--names" in unknown
    assert "gone" in sentence(trimtab("report", "-a", "gone", home=tmp_path, code=1))


async def test_pictures_that_cannot_be_drawn_are_told_before_an_experiment(tmp_path: Path) -> None:
    """Not after hours of work; the report does without them."""
    await report_home.fill(tmp_path)
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('gone')", "utf-8")
    places = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    asked = ("eval", "swap", "--out", tmp_path / "out")
    done = trimtab(*asked, home=tmp_path, code=1, PYTHONPATH=places)
    assert "matplotlib" in sentence(done)
    assert not (tmp_path / "out").exists()
    out = tmp_path / "report.html"
    said = trimtab("report", "--out", out, home=tmp_path, PYTHONPATH=places).stdout
    assert "There are no pictures." in said
    assert b"<svg" not in out.read_bytes()
