"""Finding the servers of an address: real DNS packets, real HTTP."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from daemon import discovery
from daemon.discovery import PUBLIC, Places, discover, is_reserved, read_file
from daemon.providers import Endpoint

ADDRESS = "ada@field.example"
XML = """<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="field.example">
  <incomingServer type="pop3"><hostname>pop.field.example</hostname><port>995</port>
    <socketType>SSL</socketType><username>%EMAILADDRESS%</username></incomingServer>
  <incomingServer type="imap"><hostname>old.field.example</hostname><port>143</port>
    <socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username></incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port>
    <socketType>SSL</socketType><username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.field.example</hostname><port>587</port>
    <socketType>STARTTLS</socketType><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>
"""
NOTHING = "http://127.0.0.1:9/{domain}"


class Dns(asyncio.DatagramProtocol):
    """Answers from a zone in a zone file's words; what is not in it does not exist."""

    def __init__(self, zone: dict[tuple[str, str], list[str]]) -> None:
        self.zone = zone
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{question.name} {kind}")
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        found = self.zone.get((str(question.name).rstrip("."), kind))
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        else:
            return  # silence
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def a_zone(zone: dict[tuple[str, str], list[str]]) -> AsyncIterator[tuple[Places, Dns]]:
    """A DNS server on this machine, and nothing else to ask."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Dns(zone), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        yield (
            Places(nameservers=("127.0.0.1",), dns_port=port, own=(), database=NOTHING),
            server,
        )
    finally:
        transport.close()


class Files(BaseHTTPRequestHandler):
    """Files by path: a text, or another address to go to, or silence."""

    files: dict[str, str] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self.files.get(self.path.partition("?")[0])
        if found is None:
            self.send_error(404)
        elif found.startswith(("http://", "https://", "/")):
            self.send_response(302)
            self.send_header("Location", found)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(found.encode())))
            self.end_headers()
            self.wfile.write(found.encode())

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@contextmanager
def some_files(files: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server's address, and the paths that it is asked for."""
    handler = type("Handler", (Files,), {"files": files, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(discovery, "LIMIT_S", 60.0)


@pytest.fixture
async def empty() -> AsyncIterator[Places]:
    """A DNS server that knows no name."""
    async with a_zone({}) as (places, _):
        yield places


def with_files(places: Places, url: str) -> Places:
    return replace(
        places,
        own=(f"{url}/own/{{domain}}?emailaddress={{address}}", f"{url}/well-known/{{domain}}"),
        database=f"{url}/database/{{domain}}",
    )


# --- DNS ------------------------------------------------------------------------------------------


async def test_srv_records_name_the_servers() -> None:
    """The preferred host of the service that is encrypted from its first byte."""
    zone = {
        ("_imaps._tcp.field.example", "SRV"): [
            "20 0 993 spare.field.example.",
            "10 0 9993 mail.field.example.",
        ],
        ("_imap._tcp.field.example", "SRV"): ["0 0 143 mail.field.example."],
        ("_submission._tcp.field.example", "SRV"): ["0 1 587 out.field.example."],
    }
    async with a_zone(zone) as (places, _):
        found = await discover(ADDRESS, places)
    assert found is not None
    assert found.source == "the DNS of field.example"
    assert found.imap == Endpoint(
        host="mail.field.example", port=9993, security="tls", user=ADDRESS
    )
    assert found.smtp == Endpoint(
        host="out.field.example", port=587, security="starttls", user=ADDRESS
    )


async def test_a_service_that_is_not_offered_is_passed_over() -> None:
    """A target of `.` says so; STARTTLS is next (RFC 6186, 3.4)."""
    zone = {
        ("_imaps._tcp.field.example", "SRV"): ["0 0 0 ."],
        ("_imap._tcp.field.example", "SRV"): ["0 0 143 mail.field.example."],
    }
    async with a_zone(zone) as (places, _):
        found = await discover(ADDRESS, places)
    assert found is not None
    assert (found.imap.port, found.imap.security, found.smtp) == (143, "starttls", None)


async def test_ones_own_domain_at_a_provider_is_found_by_its_exchanger() -> None:
    """With how to sign in there, and what one should know."""
    zone = {("field.example", "MX"): ["10 aspmx3.googlemail.com.", "1 aspmx.l.google.com."]}
    async with a_zone(zone) as (places, _):
        found = await discover(ADDRESS, places)
    assert found is not None
    assert (found.source, found.imap.host, found.oauth) == ("Gmail", "imap.gmail.com", "google")
    assert found.imap.user == ADDRESS


async def test_a_silent_resolver_is_waited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the user is asked instead."""
    monkeypatch.setattr(discovery, "LIMIT_S", 2.0)
    zone: dict[tuple[str, str], list[str]] = {("_imaps._tcp.field.example", "SRV"): []}
    async with a_zone(zone) as (places, server):
        assert await discover(ADDRESS, places) is None
    assert server.asked


# --- configuration files --------------------------------------------------------------------------


async def test_the_domains_own_file_is_read_before_the_database(empty: Places) -> None:
    """It is told the address; the database is told the domain alone."""
    database = XML.replace("imap.%EMAILDOMAIN%", "other.example")
    with some_files({"/own/field.example": XML, "/database/field.example": database}) as (
        url,
        seen,
    ):
        found = await discover("a+b@field.example", with_files(empty, url))
    assert found is not None
    assert found.source == "field.example's own settings"
    assert found.imap == Endpoint(host="imap.field.example", port=993, security="tls", user="a+b")
    assert found.smtp == Endpoint(
        host="smtp.field.example", port=587, security="starttls", user="a+b@field.example"
    )
    assert "/own/field.example?emailaddress=a%2Bb%40field.example" in seen
    assert all(
        path in {"/database/field.example", "/well-known/field.example"}
        for path in seen
        if "emailaddress" not in path
    )


@pytest.mark.parametrize("where", ["well-known", "database"])
async def test_the_others_are_asked_too(empty: Places, where: str) -> None:
    """Over a redirect, if they give one."""
    files = {f"/{where}/field.example": "/moved.xml", "/moved.xml": XML}
    with some_files(files) as (url, _):
        found = await discover(ADDRESS, with_files(empty, url))
    assert found is not None
    assert found.imap.host == "imap.field.example"


async def test_a_redirect_to_another_scheme_is_not_followed(empty: Places) -> None:
    """What begins encrypted stays so, and the other way round for this test's sake."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(0.2)
        led = f"https://127.0.0.1:{other.getsockname()[1]}/x"
        with some_files({"/own/field.example": led}) as (url, _):
            assert await discover(ADDRESS, with_files(empty, url)) is None
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><body>Not found</body></html>",
        "<clientConfig><emailProvider>",
        XML.replace("SSL", "plain").replace("STARTTLS", "plain"),
        XML.replace("993", "99999").replace(">143<", ">x<"),
        XML.replace("imap.%EMAILDOMAIN%", "-bad host-").replace("old.field.example", "a b"),
        '<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + XML.partition("?>")[2],
        '<!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + XML.partition("?>")[2],
        '<?xml version="1.0" encoding="no-such"?><clientConfig/>',
        "<a>" * 50_000,
    ],
    ids=[
        "empty",
        "web page",
        "cut",
        "plain",
        "ports",
        "hosts",
        "entity",
        "file",
        "charset",
        "deep",
    ],
)
def test_a_file_that_names_no_server_is_none(text: str) -> None:
    """Nor is one with entities read."""
    assert read_file(text.encode(), ADDRESS, source="x") is None


async def test_too_long_a_file_is_not_read(empty: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it goes on."""
    monkeypatch.setattr(discovery, "MAX_BYTES", 1000)
    with some_files({"/own/field.example": XML + " " * 1000}) as (url, _):
        assert await discover(ADDRESS, with_files(empty, url)) is None


async def test_with_no_network_nothing_is_found(empty: Places) -> None:
    """Within a moment: nothing listens there."""
    assert await discover(ADDRESS, with_files(empty, "http://127.0.0.1:9")) is None


@pytest.mark.parametrize(
    "address", ["ada", "ada@", "ada@field", "ada@fi eld.example", "a@b/../c.d"]
)
async def test_what_is_no_domain_is_not_asked_about(empty: Places, address: str) -> None:
    """Not at all."""
    with some_files({}) as (url, seen):
        assert await discover(address, with_files(empty, url)) is None
    assert seen == []


def test_domains_that_nobody_has_are_known() -> None:
    """So that none of these tests, and no example, asks the network."""
    assert all(is_reserved(name) for name in ("field.example", "host", "a.local", "b.test"))
    assert not is_reserved("field.org")


def test_what_is_asked_in_public_is_encrypted() -> None:
    """The address goes to its own domain alone."""
    assert all(url.startswith("https://") for url in (*PUBLIC.own, PUBLIC.database))
    assert all("{domain}/" in url for url in PUBLIC.own)
    assert "{address}" not in PUBLIC.database
