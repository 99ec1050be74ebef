"""`models list | download | remove`: the bases that agents are trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from daemon import config
from daemon.commands.output import console, print_json, progress_console, say
from daemon.errors import ConfigInvalid, ConfigMissing
from mlx_agent import adapters, bases, codec, hub, offers, pocket
from mlx_agent.errors import AdapterDamaged, AdapterNotFound, BaseInUse, HubRefused
from mlx_agent.offers import Offer
from mlx_agent.room import Machine, look, weights
from mlx_agent.train.memory import Shape, shape_of

GB = 1_000_000_000
NOTE = (
    "Sizes of models that are not here, memory and speed are estimates: from a model's shape, and "
    "from the memory's bandwidth as its maker states it."
)


def list_models(*, as_json: bool) -> None:
    """A line for each model: those trimtab knows, and what else is in the cache."""
    found, auto = list(_offers(look())), bases.named(bases.AUTO)
    if as_json:
        return print_json(
            [codec.to_data(one) | {"auto": one.model == auto} for one in found],
        )
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    for name in ("disk", "answering", "training", "speed"):
        table.add_column(name, justify="right")
    table.add_column("here")
    for one in found:
        table.add_row(*_cells(one, auto))
    console.print(table)
    say(f'\n* is what train.base = "auto" means on this machine. {NOTE}')
    return None


def download(name: str, *, as_json: bool) -> None:
    """Fetch a model and check it; raises what `hub.download` does."""
    model = _full(name)
    if model == bases.POCKET:
        raise HubRefused(model, "it ships with trimtab")
    with _bar(model) as report:
        path = hub.download(model, report)
    size = sum(file.stat().st_size for file in path.iterdir())
    if as_json:
        return print_json({"model": model, "path": str(path), "bytes": size})
    return say(f"{model} is here ({_gb(size)}), and is what the hub says it is.")


def remove(name: str, *, force: bool, as_json: bool) -> None:
    """Remove a model; raises BaseInUse for one that is needed, and BaseNotFound."""
    model = _full(name)
    if not force and (by := _needed_by(model)):
        raise BaseInUse(model, by)
    size = hub.remove(model)
    if as_json:
        return print_json({"model": model, "bytes": size})
    return say(f"Removed {model}; {_gb(size)} are free again.")


# --- what there is -------------------------------------------------------------------------------


def _offers(machine: Machine) -> Iterator[Offer]:
    bandwidth = offers.bandwidth_of(offers.chip())
    for model, shape in offers.KNOWN.items():
        at = bases.cached(model)
        size = weights(at) if at else None
        yield offers.offer(model, shape, machine, bandwidth, size=size)
    for model, path in _others():
        if (found := _shape(path)) is not None:
            yield offers.offer(model, found, machine, bandwidth, size=weights(path))


def _others() -> Iterator[tuple[str, Path]]:
    """The pocket base, and what the cache holds besides the models that trimtab knows."""
    yield bases.POCKET, pocket.path()
    for path in sorted(bases.hub_cache().glob("models--*--*")):
        model = path.name.removeprefix("models--").replace("--", "/", 1)
        at = bases.cached(model)
        if at and model not in offers.KNOWN and weights(at):
            yield model, at


def _shape(path: Path) -> Shape | None:
    """None where it is none that mlx-lm trains: a model for pictures, say."""
    try:
        return shape_of(json.loads((path / "config.json").read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _full(name: str) -> str:
    """A model's whole name by what the user says."""
    if name == bases.AUTO:
        return bases.named(name)
    known = {model.partition("/")[2].lower(): model for model in offers.KNOWN}
    return known.get(name.lower(), name)


def _needed_by(model: str) -> str | None:
    """What needs a model: the config, or an agent in use."""
    paths = config.find_paths()
    try:
        settings = config.load(paths.config)
    except (ConfigMissing, ConfigInvalid):
        return None
    if bases.named(settings.train.base) == model and bases.cached(model):
        return f"the train.base of the config ({settings.train.base!r})"
    for account in settings.accounts:
        with suppress(AdapterNotFound, AdapterDamaged):
            current = adapters.current(paths.adapters, account)
            if current and adapters.verify(paths.adapters, current).base == model:
                return f"the base of the agent of account {account!r}"
    return None


# --- how it is shown -----------------------------------------------------------------------------


def _cells(one: Offer, auto: str) -> tuple[str, ...]:
    short = one.model.rpartition("/")[2] if one.model in offers.KNOWN else one.model
    speed = "unknown" if one.tokens_s is None else f"~{one.tokens_s:.0f} tokens/s"
    return (
        short + (" *" if one.model == auto else ""),
        ("" if one.here else "~") + _gb(one.size),
        _gb(one.answering) if one.fits else f"{_gb(one.answering)}, too much",
        _gb(one.training) if one.trains else f"{_gb(one.training)}, too much",
        speed,
        "yes" if one.here else "no",
    )


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / 1e6:.0f} MB"


@contextmanager
def _bar(model: str) -> Iterator[Callable[[str, int, int], None]]:
    """A live bar on standard error, on a terminal only."""
    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=32),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    silent = not progress_console.is_terminal
    if not silent:
        progress_console.print(model, markup=False, highlight=False)
    with Progress(*columns, console=progress_console, disable=silent) as bars:
        task = bars.add_task("Fetching", total=None)

        def show(step: str, done: int, whole: int) -> None:
            bars.update(task, description=step.capitalize(), completed=done, total=whole)

        yield show
