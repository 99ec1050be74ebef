"""Which servers an address has, by a table of well-known providers. Pure.

The table is `providers.toml`, with each provider's servers as its own help pages give them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from daemon.config import ProviderName

Security = Literal["tls", "starttls", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a server listens, and the user name there."""

    host: str
    port: int
    security: Security
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The servers of an address; `source` says who told of them, `hint` what one should know."""

    source: str
    imap: Endpoint
    smtp: Endpoint | None = None
    oauth: ProviderName = ""
    hint: str = ""


def by_address(address: str) -> Servers | None:
    """The servers of an address at a well-known provider, by its domain or one above it."""
    domain = domain_of(address)
    for row in _table():
        if any(_is_within(domain, known) for known in row["domains"]):
            return _servers(row, address)
    return None


def by_exchanger(address: str, exchanger: str) -> Servers | None:
    """The same for an address whose own domain has its mail at a provider, by a host of its MX."""
    host = exchanger.rstrip(".").lower()
    for row in _table():
        if any(_is_within(host, known) for known in row.get("mx", ())):
            return _servers(row, address)
    return None


def domain_of(address: str) -> str:
    """What stands behind the @, in small letters and as DNS writes it."""
    domain = address.rpartition("@")[2].strip().lower()
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _is_within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _servers(row: Mapping[str, Any], address: str) -> Servers:
    user = address.rpartition("@")[0] if row.get("user") == "local" else address
    return Servers(
        source=row["name"],
        imap=_endpoint(row["imap"], user),
        smtp=_endpoint(row["smtp"], user),
        oauth=row.get("oauth", ""),
        hint=row.get("hint", ""),
    )


def _endpoint(row: Mapping[str, Any], user: str) -> Endpoint:
    return Endpoint(
        host=row["host"], port=row["port"], security=row.get("security", "tls"), user=user
    )


@cache
def _table() -> list[dict[str, Any]]:
    text = (resources.files("daemon") / "providers.toml").read_text("utf-8")
    return list(tomllib.loads(text)["provider"])
