"""The options of the blind test, `trimtab eval --blind`. Nothing else, as in `daemon.cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

Blind = Annotated[
    bool, typer.Option("--blind", help="Choose between drafts yourself, not knowing whose.")
]
Pairs = Annotated[int | None, typer.Option(min=1, max=1000, help="Of a blind test; 40.")]
Systems = Annotated[
    str | None, typer.Option(help='Of a blind test: of "A,B,C", A against each of the others.')
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Only print the blind test's address.")]


def run(
    account: str | None,
    pairs: int | None,
    systems: str | None,
    seed: int | None,
    *,
    no_open: bool,
    as_json: bool,
) -> Coroutine[Any, Any, None]:
    """The command's work; raises BadParameter for one system alone, or one named twice."""
    from daemon.blind.sitting import Wishes
    from daemon.commands.blind import blind as command

    named = tuple(name.strip() for name in (systems or "").split(",") if name.strip())
    if systems is not None and (len(named) < 2 or len(set(named)) < len(named)):
        raise typer.BadParameter("name at least two different systems, with a comma between")
    wishes = Wishes(pairs=pairs, systems=named, seed=seed)
    return command(account, wishes, browser=not no_open, as_json=as_json)
