"""Intents: the core of a mail as bullets, in one of three variants.

The paper draws the three at different temperatures (section 2.3, appendix H). Models that take none
are asked for three manners of note-taking instead.
"""

from __future__ import annotations

import hashlib

from mlx_agent.records import IntentTask, Kind, Mail, Metadata

VARIANTS = 3
TEMPERATURES = (0.7, 1.0, 1.2)


def variant(sample_id: str, seed: int) -> int:
    """Which of the three manners a sample gets: random, but the same on every run."""
    digest = hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()
    return digest[0] % VARIANTS


def intent_task(
    mail: Mail, metadata: Metadata, seed: int, *, sampled: bool, kind: Kind = "email"
) -> IntentTask:
    """The task that extracts a text's intent; `sampled`: by a model that takes a temperature."""
    drawn = variant(mail.id, seed)
    return IntentTask(
        own_text=mail.own_text,
        metadata=metadata,
        context=mail.context,
        variant=drawn,
        kind=kind,
        temperature=TEMPERATURES[drawn] if sampled else None,
    )
