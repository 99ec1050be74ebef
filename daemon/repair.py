"""The one silent repair: a draft in which something was found is mended by its own writer.

It is asked for once, by the same errand as the draft, so that the cloud's rules, the ledger and the
costs are the same. The user waits for it with a text before the eyes: it has REPAIR_SECONDS, and a
request that fails leaves the draft as it was, with its findings.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Literal

from daemon.errors import TrimtabError
from mlx_agent.checks import check
from mlx_agent.findings import Checks
from mlx_agent.large import LargeModel
from mlx_agent.large.answers import parse_mail
from mlx_agent.large.prices import added
from mlx_agent.records import DraftTask, RedraftTask, Usage

REPAIR_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A draft's text, what was found in it, what it has used, and what a repair came to."""

    text: str
    checks: Checks
    usage: Usage
    repair: Literal["", "used", "no better", "failed"] = ""


def to_be_mended(checks: Checks) -> bool:
    """Whether the writer is to be asked again."""
    return checks.findings > 0


def better(first: Checked, second: Checked) -> Checked:
    """The text with fewer findings, of equal ones the first; both were paid for."""
    used = added(first.usage, second.usage)
    if second.checks.findings < first.checks.findings:
        return replace(second, usage=used, repair="used")
    return replace(first, usage=used, repair="no better")


async def mended(
    writer: LargeModel,
    task: DraftTask,
    first: Checked,
    *,
    signature: str = "",
    seconds: float = REPAIR_SECONDS,
) -> Checked:
    """The draft, mended if something was found in it and the writer can. Raises nothing of its own.

    `signature` is as for `parse_mail`.
    """
    if not to_be_mended(first.checks):
        return first
    asked = RedraftTask(task=task, text=first.text, checks=first.checks)
    try:
        async with asyncio.timeout(seconds):
            answer = await writer.complete(asked)
        text = parse_mail(answer.text, task.x, signature)
    except (TrimtabError, OSError) as error:  # the timeout's error is an OSError
        log.info("a draft was not mended: %s", type(error).__name__)
        return replace(first, repair="failed")
    return better(first, await looked_at(text, task, answer.usage))


async def looked_at(text: str, task: DraftTask, usage: Usage) -> Checked:
    """A draft and what is found in it; in a thread, for a long thread of mails takes a while."""
    return Checked(text=text, checks=await asyncio.to_thread(check, text, task), usage=usage)
