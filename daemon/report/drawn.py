"""The report's pictures, as SVG to stand in the page. ExtraMissing without matplotlib."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from daemon.config import OFFLINE
from daemon.report.records import AccountMaterial, Evaluated, Material
from daemon.report.style import colour
from mlx_agent.evaluate import pictures, systems
from mlx_agent.evaluate.curves import mean_curve
from mlx_agent.evaluate.drawing import COLOURS, INK
from mlx_agent.evaluate.gallery import of_run
from mlx_agent.evaluate.pictures import Dot

CURVES = 6
"""Adapters whose losses are drawn: as many as there are dashes and markers."""
_IDS = re.compile(r'\bid="|url\(#|href="#')


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An `<svg>` element, and what it shows in words."""

    svg: str
    said: str


Pictures = Mapping[str, tuple[Picture, ...]]
"""By the section's place: `voice/<account>`, `loss/<account>`, `lengths`, `run/<experiment>`."""

RUN = {
    "rivals.svg": "The agent against each rival: dots with 95 % intervals, a line at 50 %.",
    "swap-distance.svg": "Style distance of each agent on everybody's mails; own ones framed.",
    "swap-attributed.svg": "How often a draft is attributed to the mail's author; own framed.",
    "swap-to-owner.svg": "How often a draft is attributed to the agent's owner; own framed.",
    "losses-ranks.svg": "Mean losses over people, a line for each rank.",
    "losses-targets.svg": "Mean losses over people, a line for each thing that is learned.",
    "sizes.svg": "By how many lessons the agent learned from, with 95 % intervals.",
    "nightly.svg": "By night of the retraining, with 95 % intervals.",
}
"""What stands below the pictures of a run; that of its lengths has a section of its own."""


def drawn(material: Material) -> Pictures:
    """Every picture that there is data for."""
    found: dict[str, tuple[Picture, ...]] = {}
    for account in material.accounts:
        found[f"voice/{account.name}"] = _voice(account)
        found[f"loss/{account.name}"] = _losses(account)
    for one in material.runs:
        made = of_run(one.figures, one.trainings, one.run.people)
        found[f"run/{one.run.experiment}"] = tuple(
            _picture(made[name], said) for name, said in RUN.items() if name in made
        )
    found["lengths"] = _lengths(material)
    return {place: _numbered(place, some) for place, some in found.items() if some}


def _voice(account: AccountMaterial) -> tuple[Picture, ...]:
    """Adapter by adapter: distances, and how much nearer it is than each rival, with intervals."""
    if not account.verdicts:
        return ()
    distances: dict[str, list[Dot]] = {"agent": [], systems.ZERO_SHOT: []}
    nearer: dict[str, list[Dot]] = {}
    for number, one in enumerate(account.verdicts, 1):
        label = str(number)
        distances["agent"].append(Dot(label=label, value=one.candidate))
        distances[systems.ZERO_SHOT].append(Dot(label=label, value=one.zero_shot))
        for rival in one.beside:
            offline = rival.writer == OFFLINE
            name = rival.name if offline else f"{rival.name}, {rival.writer}"
            dot = Dot(label=label, value=rival.nearer, low=rival.low, high=rival.high)
            nearer.setdefault(name, []).append(dot)
            if offline and rival.name != systems.ZERO_SHOT:
                dots = distances.setdefault(rival.name, [])
                dots.append(Dot(label=label, value=rival.rival))
    panels = [(distances, "style distance (0: alike)", False)]
    if nearer:
        panels.append((nearer, "nearer than the rival by", True))
    svg = pictures.lines(panels, across="agent, by the number in the table")
    return (
        _picture(
            svg, "Style distance, agent by agent; below, how much nearer, with 95 % intervals."
        ),
    )


def _losses(account: AccountMaterial) -> tuple[Picture, ...]:
    curves = {
        str(number): mean_curve([[(e.step, e.loss, e.valid_loss) for e in events]])
        for number, one in enumerate(account.adapters, 1)
        if (events := account.curves.get(one.id))
    }
    latest = {f"agent {name}": curves[name] for name in list(curves)[-CURVES:]}
    if not latest:
        return ()
    return (_picture(pictures.losses(latest), "Losses of the latest agents, a line for each."),)


def _lengths(material: Material) -> tuple[Picture, ...]:
    """Of the latest run with the real mails among its trials; else of what was sent."""
    for evaluated in reversed(material.runs):
        pairs = _words(evaluated)
        if pairs:
            said = "Words of the drafts against those of the real mails, a dot for each mail."
            return (_picture(pictures.lengths(pairs), said),)
    sent = [
        (float(len(edit.final_text.split())), float(len(edit.draft_text.split())))
        for account in material.accounts
        for edit in account.edits
    ]
    if not sent:
        return ()
    svg = pictures.lengths({"drafts that were sent": sent})
    return (_picture(svg, "Words of the drafts against those of the mails that they became."),)


def _words(evaluated: Evaluated) -> dict[str, list[tuple[float, float]]]:
    def of(system: str) -> dict[tuple[str, str], float]:
        return {
            (one.person, one.mail): evaluated.values[one.id]["words"]
            for one in evaluated.trials.values()
            if one.system == system
            and one.agent_of in (None, one.person)
            and "words" in evaluated.values.get(one.id, {})
        }

    real = of(systems.REAL)
    found = {}
    for system in (systems.AGENT, systems.STYLE_CARD, systems.ZERO_SHOT):
        pairs = [(real[mail], words) for mail, words in of(system).items() if mail in real]
        if pairs:
            found[system] = pairs
    return found


def _picture(svg: bytes, said: str) -> Picture:
    """In the page's own ink and colours, so that it can be read on a dark page too."""
    text = svg.decode()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    for number, one in enumerate(COLOURS):
        text = text.replace(one, f"var({colour(number)})")
    return Picture(svg=text, said=said)


def _numbered(place: str, some: tuple[Picture, ...]) -> tuple[Picture, ...]:
    """Their ids made the page's: each picture refers to its own parts only."""
    slug = re.sub(r"\W+", "-", place)
    found = []
    for number, picture in enumerate(some):
        own = rf"\g<0>{slug}-{number}-"
        found.append(Picture(svg=_IDS.sub(own, picture.svg), said=picture.said))
    return tuple(found)
