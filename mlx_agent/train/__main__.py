"""A training by itself: `python -m mlx_agent.train REQUEST.json`, alone or on several machines.

    mlx.launch --hosts one,other -- python -m mlx_agent.train REQUEST.json

Each machine needs the base and the request with its data set at the same paths. The first one tells
the steps, one JSON object a line, and writes the adapter; the last line is its record or the error.
With `--parent PID` it ends when that process does, and mlx.launch then ends the others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from mlx_agent import codec
from mlx_agent.protocol import described
from mlx_agent.train.machines import Machines
from mlx_agent.train.records import TrainEvent, TrainRequest
from mlx_agent.train.run import train

LOOK_S = 2.0


def main() -> None:
    """Train as the request says; exit code 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m mlx_agent.train")
    parser.add_argument("request", type=Path)
    parser.add_argument("--parent", type=int)
    asked = parser.parse_args()
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no answer
    is_first = Machines().rank == 0

    def tell(line: dict[str, Any]) -> None:
        if is_first:
            said.write(json.dumps(line) + "\n")
            said.flush()

    def on_event(event: TrainEvent) -> None:
        tell({"event": codec.to_data(event)})

    if asked.parent and is_first:
        threading.Thread(target=_end_with, args=(asked.parent,), daemon=True).start()
    try:
        request = codec.loads(TrainRequest, asked.request.read_text("utf-8"))
        tell({"adapter": codec.to_data(train(request, on_event))})
    except Exception as error:  # noqa: BLE001  # the class alone: a text may quote mail
        tell(described(error))
        sys.exit(1)


def _end_with(parent: int) -> None:
    while psutil.pid_exists(parent):
        time.sleep(LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    main()
