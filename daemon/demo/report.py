"""What the demo shows: bars while it works, and at the end tables, two drafts and an edit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon import sample
from daemon.commands.evaluate import AGENT, often
from daemon.commands.output import progress_bar
from daemon.demo.stage import BULLETS, Drafted, Edited, Learned, OnProgress
from mlx_agent import codec
from mlx_agent.evaluate.compare import Measured, compare
from mlx_agent.rules import format_rules

STAND_IN = (
    "The large model in this demo is the offline stand-in: plain code that obeys rules, not a "
    "language model. The small model is real: a tiny Llama that this machine has just fine-tuned "
    "with MLX, once for each person."
)
NEXT = (
    "Next: `trimtab init` asks for your account and writes the config; or import mail from files "
    "with `trimtab import PATH`. Then `trimtab teach`, `trimtab train`, `trimtab draft`."
)


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Bars on the terminal, one for each person and step."""
    with progress_bar() as show:

        def on_progress(who: str, at: dict[str, Any]) -> None:
            show(at | {"step": f"{at['step']} {who}" if who != "all" else at["step"]})

        yield on_progress


def parts(
    learned: list[Learned],
    scores: dict[str, list[Measured]],
    drafts: list[Drafted],
    edit: Edited,
) -> Iterator[RenderableType]:
    """Everything that is printed at the end, in order."""
    yield Text(f"\n{STAND_IN}\n")
    yield _people(learned)
    yield _scores(scores)
    yield Text("\nThe same bullets, to the same stranger, by two people's agents:\n")
    yield Text("\n".join(f"  - {bullet}" for bullet in BULLETS) + "\n", style="dim")
    yield _side_by_side(drafts)
    yield _edit(edit)
    yield Text(f"\n{NEXT}")


def data(
    learned: list[Learned],
    scores: dict[str, list[Measured]],
    drafts: list[Drafted],
    edit: Edited,
) -> dict[str, Any]:
    """The same for programs."""
    return {
        "writer": "offline stand-in, not a language model",
        "people": [codec.to_data(one) for one in learned],
        "distances": {key: {one.name: one.mean for one in rows} for key, rows in scores.items()},
        "comparisons": [codec.to_data(one) for one in _comparisons(scores["all"])],
        "drafts": [codec.to_data(one) for one in drafts],
        "edit": codec.to_data(edit),
    }


def _people(learned: list[Learned]) -> Table:
    table = Table("person", "manner", "mails", "lessons", "left out", title="What was learned")
    manners = {person.key: person.manner for person in sample.people()}
    for one in learned:
        left_out = ", ".join(f"{count} {reason}" for reason, count in one.left_out.items())
        table.add_row(one.person, manners[one.person], str(one.mails), str(one.lessons), left_out)
    return table


def _scores(scores: dict[str, list[Measured]]) -> Table:
    """Distances from the real mails for each person, and how often the agent is nearer."""
    mails = len(scores["all"][0].distances)
    table = Table(
        title=f"Drafts for {mails} held-out mails: distance from what the person really wrote",
        caption="0 is the same manner. In brackets a bootstrap 95 % interval.",
    )
    table.add_column("drafts by")
    for key in scores:
        table.add_column(key, justify="right")
    table.add_column("the agent is nearer", justify="right")
    against = {one.rival: one for one in _comparisons(scores["all"])}
    for position, row in enumerate(scores["all"]):
        cells = [f"{rows[position].mean:.3f}" for rows in scores.values()]
        style = "bold" if row.name == AGENT else ""
        table.add_row(row.name, *cells, often(against.get(row.name)), style=style)
    return table


def _comparisons(rows: list[Measured]) -> list[Any]:
    agent = next(row for row in rows if row.name == AGENT)
    return [compare(agent, row) for row in rows if row.name != AGENT]


def _side_by_side(drafts: list[Drafted]) -> Table:
    grid = Table.grid(expand=True)
    for _ in drafts:
        grid.add_column(ratio=1)
    grid.add_row(*map(_draft, drafts))
    return grid


def _draft(one: Drafted) -> Panel:
    rules = Text(format_rules(one.rules), style="dim")
    return Panel(
        Group(Text(one.text), Text("\nunder these rules:", style="dim"), rules), title=one.person
    )


def _edit(edit: Edited) -> Panel:
    said = (
        f"An edit came back. What was sent differs from the draft in {edit.distance:.0%} of the "
        f"words (draft found by its {edit.found_by}), and became a lesson:\n"
    )
    return Panel(Group(Text(said), Text(format_rules(edit.rules))), title="Learning from an edit")
