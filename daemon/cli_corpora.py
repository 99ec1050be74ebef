"""`trimtab corpus`: options, and nothing else, as in `daemon.cli`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

corpus_app = typer.Typer(
    no_args_is_help=True, help="Other people's texts, in a home for research of its own."
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Corpora(StrEnum):
    """The corpora that can be read."""

    ENRON = "enron"
    ARTICLES = "articles"
    REVIEWS = "reviews"
    PANZA = "panza"


@corpus_app.command(name="load")
def load(
    corpus: Annotated[Corpora, typer.Argument(help="Which corpus it is.", show_default=False)],
    paths: Annotated[list[Path], typer.Argument(help="Its files, or for Enron its folder.")],
    *,
    people: Annotated[
        str, typer.Option(help="How many to draw, or their names with commas between.")
    ] = "15",
    seed: Annotated[int, typer.Option(help="By which people and texts are drawn.")] = 1,
    per_person: Annotated[
        int | None, typer.Option(min=1, help="At most so many texts of each, drawn; else all.")
    ] = None,
    least: Annotated[
        int | None,
        typer.Option(
            min=1, help="Who has fewer is not drawn: 100 mails of Enron's, 20 articles, 40 reviews."
        ),
    ] = None,
    publication: Annotated[
        str, typer.Option(help="Whose articles, of All the News.")
    ] = "The New Yorker",
    only_list: Annotated[
        bool, typer.Option("--list", help="Say who is in it, and load nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make each chosen person an account, with their texts in the store."""
    if not people.strip(" ,"):
        raise typer.BadParameter("say how many, or whom", param_hint="--people")
    from daemon.commands.corpus import LoadOptions
    from daemon.commands.corpus import load as command
    from daemon.commands.loop import run

    options = LoadOptions(
        corpus=corpus.value,
        paths=tuple(paths),
        people=people,
        seed=seed,
        per_person=per_person,
        least=least,
        publication=publication,
        only_list=only_list,
    )
    run(command(options, as_json=as_json))


@corpus_app.command(name="stats")
def stats(*, as_json: Json = False) -> None:
    """Count the texts of this home's accounts: how many, how long, by whom and to whom."""
    from daemon.commands.corpus_stats import stats as command
    from daemon.commands.loop import run

    run(command(as_json=as_json))
