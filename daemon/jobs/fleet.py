"""A training on several machines: `mlx.launch` starts the worker's program on each of them.

The first is this one, the others are reached by ssh. Each needs trimtab, the base, and the home of
trimtab at the same paths as here, as on a shared disk. The worker is free meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from daemon.errors import HostUnknown
from daemon.jobs.worker import Worker, error_of
from mlx_agent import codec
from mlx_agent.errors import WorkerDied
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest

LAUNCH = Path(sys.executable).parent / "mlx.launch"
LOCAL = "127.0.0.1"
"""What mlx.launch starts without ssh."""


async def train_on(
    hosts: Sequence[str],
    worker: Worker,
    request: TrainRequest,
    on_event: Callable[[TrainEvent], None],
) -> Adapter:
    """Train on these machines together; `hosts` are their names or addresses, this one's first.

    What is printed goes into the worker's log, what is in between into its scratch directory.
    Raises what `Worker.train` does, and HostUnknown. Cancelled, it ends all of them.
    """
    worker.scratch.mkdir(mode=0o700, exist_ok=True)
    asked = worker.scratch / "training.json"
    hostfile = worker.scratch / "hosts.json"
    asked.write_text(codec.dumps(request), "utf-8")
    hostfile.write_text(json.dumps(await _machines(hosts)), "utf-8")
    descriptor = os.open(worker.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            *[str(LAUNCH), "--backend", "ring", "--hostfile", str(hostfile), "--", sys.executable],
            *["-m", "mlx_agent.train", str(asked), "--parent", str(os.getpid())],
            stdin=asyncio.subprocess.PIPE,  # held open: at its end mlx.launch would look for ever
            stdout=asyncio.subprocess.PIPE,
            stderr=descriptor,
            env=os.environ | worker.environment(),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    try:
        return await _heard(process, on_event)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def _machines(hosts: Sequence[str]) -> list[dict[str, Any]]:
    """A hostfile of mlx.launch: how each is reached, and its address for the others."""
    found: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    for number, host in enumerate(hosts):
        try:
            (*_, (address, *_)), *_ = await loop.getaddrinfo(host, None, family=socket.AF_INET)
        except OSError as error:
            raise HostUnknown(host) from error
        found.append({"ssh": LOCAL if number == 0 else host, "ips": [address]})
    return found


async def _heard(
    process: asyncio.subprocess.Process, on_event: Callable[[TrainEvent], None]
) -> Adapter:
    assert process.stdout is not None
    async for line in process.stdout:
        said = _said(line)
        if "event" in said:
            on_event(codec.from_data(TrainEvent, said["event"]))
        elif "error" in said:
            raise error_of(said["error"])
        elif "adapter" in said:
            return codec.from_data(Adapter, said["adapter"])
    raise WorkerDied(await process.wait())


def _said(line: bytes) -> dict[str, Any]:
    """What the first machine says; nothing for what mlx.launch adds."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
