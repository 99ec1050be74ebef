"""Which servers an address has, as its domain and the network tell: SRV, autoconfig, MX.

RFC 6186 and 8314 (SRV records of a mail domain), and the configuration files of Thunderbird
(https://wiki.mozilla.org/Thunderbird:Autoconfiguration). A domain is told the whole address, for it
is its own; Thunderbird's database is told the domain alone. All are asked at once, each for a few
seconds at the most, and one that fails is as one that knows nothing. Only encrypted servers count,
and only encrypted answers are read; DNS is not, so what it says is for the user to confirm.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from daemon.mailbox.auth.oauth import provider_at
from daemon.providers import Endpoint, Security, Servers, by_exchanger, domain_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import httpx

LIMIT_S = 3.0
"""For each question."""
MAX_BYTES = 262_144
"""Read of a configuration file; one has a few thousand."""
_RESERVED = ("example", "test", "invalid", "localhost", "local")
"""Top domains that nobody has (RFC 2606, 6761, 6762), apart from `localhost`'s own machine."""
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+"
)
_SOCKETS: dict[str, Security] = {"SSL": "tls", "STARTTLS": "starttls"}
_IMAP: tuple[tuple[str, Security], ...] = (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls"))
_SMTP: tuple[tuple[str, Security], ...] = (
    ("_submissions._tcp", "tls"),
    ("_submission._tcp", "starttls"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Whom to ask: DNS servers (empty: the system's), and addresses of configuration files.

    In those, {domain} and {address} stand for the user's; `own` are the domain's.
    """

    nameservers: tuple[str, ...] = ()
    dns_port: int = 53
    own: tuple[str, ...] = (
        "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
        "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )
    database: str = "https://autoconfig.thunderbird.net/v1.1/{domain}"


PUBLIC = Places()


def is_reserved(domain: str) -> bool:
    """Whether no server can know of such a domain, so that none is asked."""
    labels = domain.split(".")
    return len(labels) < 2 or labels[-1] in _RESERVED


async def discover(address: str, places: Places = PUBLIC) -> Servers | None:
    """The first that is known, in the order of how near to the domain its source is."""
    domain = domain_of(address)
    if not _HOST.fullmatch(domain):
        return None
    urls = [url.format(domain=domain, address=quote(address)) for url in places.own]
    database = places.database.format(domain=domain)
    async with _client(database.partition(":")[0]) as client:
        return await _first(
            _by_srv(address, domain, places),
            *(_by_file(client, address, url, source=f"{domain}'s own settings") for url in urls),
            _by_mx(address, domain, places),
            _by_file(client, address, database, source="Thunderbird's database"),
        )


async def _first(*asked: Awaitable[Servers | None]) -> Servers | None:
    """The first in this order that knows something; those after it are not waited for."""
    tasks = [asyncio.create_task(_within_limit(one)) for one in asked]
    try:
        for task in tasks:
            if found := await task:
                return found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return None


async def _within_limit(asked: Awaitable[Servers | None]) -> Servers | None:
    try:
        return await asyncio.wait_for(asked, LIMIT_S)
    except Exception:  # noqa: BLE001  # whatever fails here: the user is asked instead
        return None


# --- DNS ------------------------------------------------------------------------------------------


async def _by_srv(address: str, domain: str, places: Places) -> Servers | None:
    names = [f"{service}.{domain}" for service, _ in (*_IMAP, *_SMTP)]
    answers = await asyncio.gather(*(_records(name, "SRV", places) for name in names))
    imap = _best(answers[: len(_IMAP)], _IMAP, address)
    smtp = _best(answers[len(_IMAP) :], _SMTP, address)
    if imap is None:
        return None
    oauth = provider_at(imap.host)
    return Servers(source=f"the DNS of {domain}", imap=imap, smtp=smtp, oauth=oauth)


async def _by_mx(address: str, domain: str, places: Places) -> Servers | None:
    records = await _records(domain, "MX", places)
    hosts = [str(record.exchange) for record in sorted(records, key=lambda r: int(r.preference))]
    known = (by_exchanger(address, host) for host in hosts)
    return next((one for one in known if one is not None), None)


def _best(
    answers: Iterable[list[Any]], services: Iterable[tuple[str, Security]], user: str
) -> Endpoint | None:
    """The first service that is offered, at its preferred host; a target of `.` offers none."""
    for records, (_, security) in zip(answers, services, strict=True):
        for record in sorted(records, key=lambda r: (r.priority, -r.weight)):
            host, port = str(record.target).rstrip("."), int(record.port)
            if found := _endpoint(host, port, security, user):
                return found
    return None


async def _records(name: str, kind: str, places: Places) -> list[Any]:
    """The records of a name; empty for none, and for whatever goes wrong."""
    import dns.asyncresolver
    import dns.exception

    try:
        resolver = dns.asyncresolver.Resolver(configure=not places.nameservers)
        if places.nameservers:
            resolver.nameservers = list(places.nameservers)
            resolver.port = places.dns_port
        resolver.lifetime = LIMIT_S
        return list(await resolver.resolve(name, kind, search=False))
    except (dns.exception.DNSException, OSError):
        return []


# --- configuration files --------------------------------------------------------------------------


def _client(scheme: str) -> httpx.AsyncClient:
    """One that follows redirects, and is not led from one scheme to another."""
    import httpx

    async def is_allowed(request: httpx.Request) -> None:
        if request.url.scheme != scheme:
            raise httpx.UnsupportedProtocol("led elsewhere", request=request)

    return httpx.AsyncClient(
        follow_redirects=True,
        max_redirects=3,
        timeout=LIMIT_S,
        event_hooks={"request": [is_allowed]},
    )


async def _by_file(
    client: httpx.AsyncClient, address: str, url: str, *, source: str
) -> Servers | None:
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        content = b""
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                return None
    return read_file(content, address, source=source)


def read_file(content: bytes, address: str, *, source: str) -> Servers | None:
    """The servers that a configuration file names; None if it is none or names none. Pure."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    imap = _server(root, "incomingServer", "imap", address)
    smtp = _server(root, "outgoingServer", "smtp", address)
    if imap is None:
        return None
    return Servers(source=source, imap=imap, smtp=smtp, oauth=provider_at(imap.host))


def _server(root: Element, tag: str, kind: str, address: str) -> Endpoint | None:
    """The first server of that kind that is encrypted from its first byte, else by STARTTLS."""
    found = [_of_element(one, address) for one in root.iter(tag) if one.get("type") == kind]
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: one.security != "tls", default=None)


def _of_element(element: Element, address: str) -> Endpoint | None:
    def text(tag: str) -> str:
        return _filled((element.findtext(tag) or "").strip(), address)

    security, port = _SOCKETS.get(text("socketType")), text("port")
    if security is None or not (port.isascii() and port.isdecimal() and len(port) <= 5):
        return None
    return _endpoint(text("hostname"), int(port), security, text("username") or address)


def _filled(text: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    for name, value in (("ADDRESS", address), ("LOCALPART", local), ("DOMAIN", domain)):
        text = text.replace(f"%EMAIL{name}%", value)
    return text


def _endpoint(host: str, port: int, security: Security, user: str) -> Endpoint | None:
    """What can be a server; the user name is one line."""
    host = host.lower()
    if not _HOST.fullmatch(host) or not 1 <= port <= 65535 or not user.isprintable():
        return None
    return Endpoint(host=host, port=port, security=security, user=user)
