"""The demo as a newcomer runs it: its table holds what it claims, and Ctrl-C leaves nothing."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from command import TRIMTAB, trimtab

pytestmark = pytest.mark.mlx


def test_the_agent_is_nearer_than_each_of_its_rivals(tmp_path: Path) -> None:
    """For every person and for all of them together; and nothing stays behind."""
    shown = json.loads(trimtab("demo", "--json", TMPDIR=str(tmp_path)).stdout)
    assert shown["writer"] == "offline stand-in, not a language model"
    assert [person["person"] for person in shown["people"]] == ["ada", "bruno", "cleo"]
    assert all(person["lessons"] >= 150 for person in shown["people"])
    for distances in shown["distances"].values():
        assert min(distances, key=distances.__getitem__) == "agent"
    by_rival = {one["rival"]: one for one in shown["comparisons"]}
    assert set(by_rival) == {"zero-shot", "style card", "another's agent"}
    for one in by_rival.values():
        assert one["mails"] >= 90
        assert one["low"] > 0.5  # even the lower end of the interval
        assert one["by"] > 0
    drafts = shown["drafts"]
    assert {draft["rung"] for draft in drafts} == {"adapter"}
    assert drafts[0]["text"] != drafts[1]["text"]
    assert drafts[0]["rules"] != drafts[1]["rules"]
    edit = shown["edit"]
    assert (edit["found_by"], edit["draft"]) == ("header", drafts[0]["text"])
    assert 0 < edit["distance"] < 1
    assert {"aspect": "sign-off", "instruction": 'sign off with "Cheers" and a comma'} in edit[
        "rules"
    ]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """In the middle of the work: no file, no process, exit code 130, no traceback."""
    demo = subprocess.Popen(
        [TRIMTAB, "demo"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = _workers_of(demo)
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=120)
    assert (demo.returncode, said) == (130, "")
    assert list(tmp_path.iterdir()) == []
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []


def _workers_of(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that the demo has started, once it has: it is training by then."""
    until = time.monotonic() + 600
    while time.monotonic() < until:
        children: list[psutil.Process] = psutil.Process(demo.pid).children(recursive=True)
        if children:
            return children
        time.sleep(0.05)
    raise AssertionError("the demo has started no worker in ten minutes")
