"""Intents: the core of a mail as bullets, in one of three manners of note-taking."""

from __future__ import annotations

import hashlib

from mlx_agent.records import IntentTask, Mail, Metadata

VARIANTS = 3


def variant(sample_id: str, seed: int) -> int:
    """Which of the three manners a sample gets: random, but the same on every run."""
    digest = hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()
    return digest[0] % VARIANTS


def intent_task(mail: Mail, metadata: Metadata, seed: int) -> IntentTask:
    """The task that extracts a mail's intent."""
    return IntentTask(
        own_text=mail.own_text,
        metadata=metadata,
        context=mail.context,
        variant=variant(mail.id, seed),
    )
