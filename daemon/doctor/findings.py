"""A finding, and the shell that collects them: whatever a check does, the others have their say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from daemon.config import Config
from daemon.explain import explain
from daemon.paths import Paths
from daemon.plugin_checks import Check as PluginCheck
from mlx_agent.errors import TrimtabError

State = Literal["ok", "warn", "wrong", "skipped"]
LIMIT_S = 60.0
"""How long all checks together may take; a server that says nothing is given up before."""
ORDER: tuple[State, ...] = ("wrong", "warn", "ok", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found, and what to do about it; a `warn` will be wrong, or may be."""

    check: str
    state: State
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What checks look at. `settings` is None where the config is missing or broken.

    `health` asks a daemon at its socket and raises OSError where none answers; `plugin` is None
    where Thunderbird was never told of trimtab; `synchronised`: whether the system sets its clock.
    """

    paths: Paths
    settings: Config | None
    problem: TrimtabError | None
    now: datetime
    health: Callable[[], dict[str, Any]]
    plugin: Callable[[], list[PluginCheck] | None]
    synchronised: Callable[[], bool | None]


Look = Callable[[Scene], Iterable[Finding]]


def ok(check: str, what: str) -> Finding:
    """All is well."""
    return Finding(check=check, state="ok", what=what)


def skipped(check: str, what: str) -> Finding:
    """There was nothing to look at."""
    return Finding(check=check, state="skipped", what=what)


def warn(check: str, what: str, mend: str) -> Finding:
    """Works, for now or in part."""
    return Finding(check=check, state="warn", what=what, mend=mend)


def wrong(check: str, what: str, mend: str) -> Finding:
    """Does not work."""
    return Finding(check=check, state="wrong", what=what, mend=mend)


def of_error(check: str, error: TrimtabError, state: State = "wrong") -> Finding:
    """An error of ours, whose sentence says what happened and, after that, what to do."""
    what, _, mend = explain(error).partition("; ")
    return Finding(
        check=check, state=state, what=what.rstrip(".") + ".", mend=mend[:1].upper() + mend[1:]
    )


def examine(looks: Mapping[str, Look], scene: Scene, limit_s: float = LIMIT_S) -> list[Finding]:
    """All checks' findings, in the order of `looks`; none waits for another, and none for ever.

    Threads that hang are left behind: they are daemons, and the process ends without them.
    """
    until = time.monotonic() + limit_s
    running = {name: _start(look, scene) for name, look in looks.items()}
    found: list[Finding] = []
    for name, future in running.items():
        try:
            found += future.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            mend = "Try again; if it stays so, report it (`trimtab doctor --report FILE`)."
            found.append(warn(name, f"No answer in {limit_s:.0f} s.", mend))
        except TrimtabError as error:
            found.append(of_error(name, error))
        except Exception as error:  # noqa: BLE001  # a bug in one check must not hide the others
            what = f"This check failed ({type(error).__name__}), by a bug of trimtab's."
            found.append(warn(name, what, "Please report it (`trimtab doctor --report FILE`)."))
    return found


def _start(look: Look, scene: Scene) -> Future[list[Finding]]:
    future: Future[list[Finding]] = Future()

    def work() -> None:
        try:
            future.set_result(list(look(scene)))
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future
