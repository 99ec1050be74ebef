"""The models: the large ones' keys and servers, the base, memory for it, and what runs it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from daemon.config import OFFLINE, Large, Train
from daemon.doctor.findings import Finding, Look, Scene, of_error, ok, skipped, warn, wrong
from daemon.jobs.worker import Worker
from daemon.large_models import find_key
from mlx_agent import bases, wholeness
from mlx_agent.errors import BaseNotFound, KeyMissing, TrimtabError
from mlx_agent.room import ANSWERING, Machine, look, weights
from mlx_agent.train import memory

ANTHROPIC = "https://api.anthropic.com"
ANSWER_S = 20.0
ASTRAY, FAR_ASTRAY = timedelta(minutes=5), timedelta(days=1)
GB = 1_000_000_000


# --- large models --------------------------------------------------------------------------------


def looks(scene: Scene, *, offline: bool) -> Iterator[tuple[str, Look]]:
    """A check for each large model that some role names."""
    if scene.settings is None:
        return
    for name in dict.fromkeys(name for _, name in scene.settings.models if name):
        if name == OFFLINE:
            continue
        yield f"large/{name}", partial(_look_at, name, scene.settings.large[name], offline)


def _look_at(name: str, chosen: Large, offline: bool, scene: Scene) -> Iterator[Finding]:
    check = f"large/{name}"
    if chosen.provider == "local":
        yield _local(check, chosen)
        return
    try:
        key = find_key(name, chosen)
    except KeyMissing as error:
        yield of_error(check, error)
        return
    if offline:
        yield skipped(check, "There is what it needs; its server was not asked (--offline).")
        return
    yield from _ask(name, chosen, key, scene.now)


def _local(check: str, chosen: Large) -> Finding:
    try:
        faults = list(wholeness.faults(bases.find(chosen.model)))
    except BaseNotFound as error:
        return of_error(check, error)
    if faults:
        return wrong(check, f"Its files are damaged: {faults[0]}.", "Download the model again.")
    return ok(check, "Its files are here.")


def _ask(name: str, chosen: Large, key: str, now: datetime) -> Iterator[Finding]:
    """The server's list of models, which costs nothing anywhere."""
    url, headers = request_of(chosen, key)
    try:
        answer = httpx.get(url, headers=headers, timeout=ANSWER_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        late = isinstance(error, httpx.TimeoutException)
        what = f"Its server cannot be reached ({'no answer in time' if late else 'no connection'})."
        mend = f"Look at the network, and at large.{name}.base_url in the config."
        yield wrong(f"large/{name}", what, mend)
        return
    yield judge_answer(name, chosen.model, answer.status_code, _listed(answer))
    yield from judge_clock(answer.headers.get("date"), now)


def request_of(chosen: Large, key: str) -> tuple[str, dict[str, str]]:
    """The address of a server's list of models, and what it is shown. Pure."""
    if chosen.provider == "anthropic":
        base = (chosen.base_url or ANTHROPIC).rstrip("/")
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        return f"{base}/v1/models?limit=1000", headers
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return f"{chosen.base_url.rstrip('/')}/models", headers


def _listed(answer: httpx.Response) -> frozenset[str] | None:
    """The names in a list of models; None where it is none."""
    try:
        return frozenset(str(one["id"]) for one in answer.json()["data"])
    except (ValueError, KeyError, TypeError):
        return None


def judge_answer(name: str, model: str, status: int, listed: frozenset[str] | None) -> Finding:
    """What a server's answer says of key, address and model. Pure."""
    check, url = f"large/{name}", f"large.{name}.base_url"
    if status in {401, 403}:
        mend = f"Look at your account there, or store another key with `trimtab key {name}`."
        return wrong(check, f"Its server refused the key ({status}).", mend)
    if status == 429 or status >= 500:
        return warn(check, f"Its server is busy ({status}).", "Try again in a while.")
    if status != 200 or listed is None:
        what = f"Its server gives no list of models ({status})."
        return warn(check, what, f"Check {url} in the config (most end in /v1).")
    if not any(one == model or one.startswith(f"{model}-2") for one in listed):
        what = "Its server's list of models lacks it."
        return warn(check, what, f"Check large.{name}.model in the config.")
    return ok(check, "Its server takes the key and has the model; nothing was spent.")


def judge_clock(date: str | None, now: datetime) -> Iterator[Finding]:
    """What a server's Date says of this machine's clock; nothing where they agree. Pure."""
    try:
        theirs = parsedate_to_datetime(date or "")
        astray = abs(now - theirs)
    except (ValueError, TypeError):
        return
    minutes = int(astray.total_seconds() // 60)
    what = f"This machine's clock is {minutes} min from a server's."
    mend = "Have the system set its clock by the network: mails and runs are dated by it."
    if astray >= FAR_ASTRAY:
        yield wrong("clock", what, mend)
    elif astray >= ASTRAY:
        yield warn("clock", what, mend)


# --- the base ------------------------------------------------------------------------------------


def look_at_base(scene: Scene) -> Iterator[Finding]:
    """Whether the base is there and whole, and fits the machine."""
    if scene.settings is None:
        yield skipped("base", "It needs a config.")
        return
    name = bases.named(scene.settings.train.base)
    try:
        path = bases.find(name)
    except BaseNotFound as error:
        yield of_error("base", error)
        return
    if faults := list(wholeness.faults(path)):
        yield wrong("base", f"{name} is damaged: {'; '.join(faults[:3])}.", _again(name))
        return
    yield ok("base", f"{name} is here ({weights(path) / 1e6:.0f} MB).")
    yield from judge_memory(weights(path), shape(path), scene.settings.train, look())


def look_at_weights(scene: Scene) -> Iterator[Finding]:
    """Whether the base's weights are what the hub said, where that is known; reads all of them."""
    try:
        path = bases.find(scene.settings.train.base) if scene.settings else None
    except BaseNotFound:
        return
    if path is None or not wholeness.is_checkable(path):
        return
    if wrong_ones := list(wholeness.altered(path)):
        name = bases.named(scene.settings.train.base) if scene.settings else ""
        yield wrong("base", f"{wrong_ones[0]} of {name} was altered.", _again(name))
    else:
        yield ok("base", "Its weights are what the hub has, to the bit.")


def _again(name: str) -> str:
    if name == bases.POCKET:
        return "It ships with trimtab: install trimtab again."
    hub = name.count("/") == 1 and not name.startswith(("/", "~", "."))
    return f"Run `trimtab models download {name}`." if hub else "Download or convert it again."


def shape(base: Path) -> memory.Shape | None:
    """None where it is none that is known."""
    try:
        return memory.shape_of(json.loads((base / "config.json").read_text("utf-8")))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def judge_memory(
    size: int, base: memory.Shape | None, train: Train, machine: Machine
) -> Iterator[Finding]:
    """Whether a base of so many bytes can answer and be trained on this machine. Pure."""
    smaller = "Choose a smaller train.base (`trimtab models list` shows what fits)."
    whole = Machine(total=machine.total, available=machine.total)
    if size * ANSWERING > whole.spare:
        have = f"{machine.total / GB:.0f} GB"
        yield wrong("memory", f"The base is too large for this machine's {have}.", smaller)
        return
    if base is not None:
        plan = memory.plan(
            base,
            memory=machine.total,
            trained=min(train.layers, base.layers) or base.layers,
            rank=train.rank,
            batch_tokens=train.batch_tokens,
            longest=train.max_tokens,
        )
        if not plan.fits:
            what = f"Training would take {plan.needs / GB:.1f} GB, more than it may here."
            yield wrong("memory", what, smaller)
            return
    if machine.pressed or size * ANSWERING > machine.spare:
        mend = (
            "Close other programs, unless it is a training: until then your style card stands in."
        )
        yield warn("memory", "Most of the memory is in use now.", mend)
        return
    yield ok("memory", f"{machine.total / GB:.0f} GB are enough for the base.")


# --- what runs it --------------------------------------------------------------------------------


def look_at_worker(scene: Scene) -> Iterator[Finding]:
    """Whether the process that loads MLX starts, and on what it computes."""
    del scene
    with tempfile.TemporaryDirectory(prefix="tt") as place:
        try:
            said = asyncio.run(_hello(Path(place)))
        except TrimtabError:
            mend = "Install trimtab again; MLX needs macOS 14 on Apple silicon, or Linux."
            yield wrong("mlx", "The process that loads MLX ends before it answers.", mend)
            return
    yield judge_device(said, sys.platform)


async def _hello(place: Path) -> dict[str, Any]:
    worker = Worker(place / "worker.log", scratch=place)
    try:
        return await worker.hello()
    finally:
        await worker.close()


def judge_device(said: dict[str, Any], platform: str) -> Finding:
    """Of the worker's greeting: a Mac has to compute on its GPU. Pure."""
    what = f"MLX {said['mlx']} computes on {said['device']}."
    if platform == "darwin" and "gpu" not in said["device"]:
        return wrong("mlx", what, "Install trimtab with a Python that is built for arm64.")
    return ok("mlx", what)
