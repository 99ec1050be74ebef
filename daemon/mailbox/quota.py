"""How much room a mailbox has, where its server tells (RFC 9208)."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.mailbox.connection import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Bytes."""

    used: int
    limit: int


def find_quota(link: Link) -> Quota | None:
    """The scarcest room of the inbox's; None where the server tells none. Raises as `command`."""
    if not link.has("QUOTA"):
        return None
    with link.command() as client:
        _, told = client.get_quota_root("INBOX")
    found = [
        Quota(used=one.usage * 1024, limit=one.limit * 1024)
        for one in told
        if one.resource.upper() == "STORAGE" and one.limit > 0
    ]
    return max(found, key=lambda quota: quota.used / quota.limit, default=None)
