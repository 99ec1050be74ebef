"""Pictures: valid SVG, the same each time, readable without colour, with nothing from outside."""

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from store_samples import NOW

from daemon.evaluation import folder
from mlx_agent.evaluate import pictures
from mlx_agent.evaluate.curves import PARTS, mean_curve
from mlx_agent.evaluate.drawing import DASHES, MARKERS
from mlx_agent.evaluate.gallery import of_run
from mlx_agent.evaluate.pictures import Dot
from mlx_agent.evaluate.records import Figure, Run, Training

PEOPLE = ("ada", "ben <&>", "cleo")
SVG = "{http://www.w3.org/2000/svg}"


def a_figure(name: str, value: float, *, spread: float = 0.1) -> Figure:
    return Figure(
        run="r", name=name, value=value, low=value - spread, high=value + spread,
        measure="distance", of=("t",),
    )  # fmt: skip


def some_figures() -> list[Figure]:
    found = [
        a_figure(f"{measure}/agent R3/{rival}/all", 0.6)
        for measure in ("win", "nearer")
        for rival in ("zero-shot", "style card")
    ]
    found += [
        a_figure(f"swap/{measure}/{owner}/{who}", 0.1 * a + 0.25 * b + 0.03)
        for measure in ("distance", "attributed")
        for a, owner in enumerate(PEOPLE)
        for b, who in enumerate(PEOPLE)
    ]
    systems = ("agent R3 of 25 lessons", "agent R3 of 50 lessons", "agent R3 night 2", "agent R3")
    found += [a_figure(f"distance/{name}/all", 0.4) for name in systems]
    for who in PEOPLE:
        found += [a_figure(f"words/{name}/{who}", 50.0) for name in ("real mail", "agent R3")]
    return found


def some_trainings() -> dict[str, Training]:
    made = [
        Training(
            id=f"{person}-{rank}-{target}",
            person=person,
            rank=rank,
            target=target,
            steps=tuple(range(1, 41)),
            losses=tuple(3 / step for step in range(1, 41)),
            valid_losses=tuple(2.0 if step % 10 == 0 else None for step in range(1, 41)),
        )
        for person in PEOPLE
        for rank, target in ((4, "rules"), (16, "rules"), (16, "text"))
    ]
    return {one.id: one for one in made}


def texts(svg: bytes) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_run_has_every_picture_it_has_data_for() -> None:
    """Each is XML, twice the same, and refers to nothing outside itself."""
    found = of_run(some_figures(), some_trainings(), PEOPLE)
    assert sorted(found) == [
        *("lengths.svg", "losses-ranks.svg", "losses-targets.svg", "nightly.svg"),
        *("rivals.svg", "sizes.svg", "swap-attributed.svg", "swap-distance.svg"),
    ]
    assert found == of_run(some_figures(), some_trainings(), PEOPLE)
    for svg in found.values():
        root = ET.fromstring(svg)
        links = [v for one in root.iter() for key, v in one.attrib.items() if key.endswith("href")]
        assert all(link.startswith("#") for link in links)
        assert b"url(http" not in svg
        assert b"<metadata" not in svg


def test_a_run_without_data_has_no_picture() -> None:
    """Nothing is drawn of nothing."""
    assert of_run([], {}, PEOPLE) == {}


def test_a_heat_map_tells_its_numbers_in_words() -> None:
    """A text for each cell, and a frame for each of the diagonal."""
    cells = {(a, b): 0.25 if a == b else 0.5 for a in PEOPLE for b in PEOPLE}
    cells["ada", "cleo"] = math.nan
    svg = pictures.heat(cells, PEOPLE, title="t", percent=False)
    assert texts(svg).count("0.25") == 3
    assert texts(svg).count("0.50") == 5
    assert svg.count(b"stroke-width: 2.5") == 3
    assert "ben <&>" in texts(svg)
    assert "25%" in texts(pictures.heat(cells, PEOPLE, title="t", percent=True))


def test_lines_are_told_apart_without_colour() -> None:
    """No two lines share a dash or a marker, in the style and in what is drawn."""
    assert len(set(map(str, DASHES))) == len(set(MARKERS)) == 6
    curves = {name: mean_curve([[(1, 2.0, 2.0), (2, 1.0, 1.5)]]) for name in "abc"}
    svg = pictures.losses(curves).decode()
    assert len(set(re.findall(r"stroke-dasharray: ([\d. ,]+)", svg))) >= 2
    assert [name for name in texts(svg.encode()) if name in curves] == ["a", "b", "c"]


def test_whiskers_and_units_are_there() -> None:
    """Axes say what and in which unit; the line at 50 % stands; no whisker without an interval."""
    dots = [Dot(label="card", value=0.6, low=0.5, high=0.7), Dot(label="none", value=0.5)]
    svg = pictures.shares({"wins": dots}, label="share (% of the mails)")
    assert "share (% of the mails)" in texts(svg)
    assert "50" in texts(svg)
    assert dots[0].whiskers == pytest.approx((0.1, 0.1))
    assert dots[1].whiskers == (0.0, 0.0)


def test_pictures_can_be_png() -> None:
    """For programs that show no SVG."""
    dots = [Dot(label="1", value=0.6, low=0.5, high=0.7), Dot(label="2", value=0.5)]
    png = pictures.lines([({"d": dots}, "distance", True)], across="night", kind="png")
    assert png.startswith(b"\x89PNG")


def test_curves_of_unequal_length_are_averaged_by_their_share() -> None:
    """Ten steps and a hundred: each tells what it was at half of its way."""
    short = [(step, 2.0, None) for step in range(1, 11)]
    long = [(step, 4.0, 1.0 if step in (50, 100) else None) for step in range(1, 101)]
    curve = mean_curve([short, long])
    assert {loss for _, loss in curve.train} == {3.0}
    assert curve.train[-1][0] == 1.0
    assert curve.valid == ()
    alone = mean_curve([long])
    assert alone.valid[0] == (0.5, 1.0)
    assert len(alone.valid) == PARTS // 2 + 1
    assert mean_curve([]).train == ()


def test_a_folder_holds_the_pictures(tmp_path: Path) -> None:
    """Beside tables and figures, for their user only."""
    run = Run(id="r", experiment="all", seed=1, people=PEOPLE, started_at=NOW)
    files = folder.write(tmp_path / "out", run, some_figures(), [], some_trainings())
    assert {"tables.md", "figures.csv", "rivals.svg"} <= {path.name for path in files}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    few = folder.write(tmp_path / "out", replace(run, people=()), [], [], {})
    assert [path.name for path in few] == ["tables.md", "figures.csv"]
