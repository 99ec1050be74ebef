"""A training by itself: `python -m mlx_agent.train REQUEST.json`, alone or on several machines.

    mlx.launch --hosts one,other -- python -m mlx_agent.train REQUEST.json

Each machine needs the base and the request with its data set at the same paths. The first one tells
the steps, one JSON object a line, and writes the adapter; the last line is its record.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mlx_agent import codec
from mlx_agent.train.machines import Machines
from mlx_agent.train.records import TrainEvent, TrainRequest
from mlx_agent.train.run import train


def main() -> None:
    """Train as the request says."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no answer

    def tell(line: dict[str, Any]) -> None:
        said.write(json.dumps(line) + "\n")
        said.flush()

    def on_event(event: TrainEvent) -> None:
        tell({"event": codec.to_data(event)})

    request = codec.loads(TrainRequest, Path(sys.argv[1]).read_text("utf-8"))
    adapter = train(request, on_event)
    if Machines().rank == 0:
        tell({"adapter": codec.to_data(adapter)})


if __name__ == "__main__":
    main()
