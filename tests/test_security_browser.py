"""A page in a real browser, against a real daemon: it gets nothing done, and sees nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attacks import SECRETS, secret_draft
from running_daemon import Running, running
from web_page import NAME, Site, attacked_by_a_page, serving

from daemon.store import drafts as draft_store
from daemon.store.database import Database

CONFIG = '[accounts.home]\naddresses = ["nora@falk.example"]\n'


@pytest.fixture
def daemon() -> Iterator[Running]:
    with running(CONFIG) as daemon:
        yield daemon


@pytest.mark.parametrize("name", ["127.0.0.1", NAME])
async def test_a_page_gets_nothing_done_and_sees_nothing(daemon: Running, name: str) -> None:
    """By a form, by fetch with and without CORS, by a beacon, by an image; nor by another name."""
    site = attacked_by_a_page(daemon.port, secret_draft("page"), name)
    for what, got in site.report.items():
        assert got == ("opaque 0 0" if "no-cors" in what else "failed"), (what, got)
    async with daemon.client() as client:
        assert await client.jobs() == []
    said = (daemon.paths.logs / "trimtab.log").read_text("utf-8") + daemon.said.read_text("utf-8")
    daemon.end()
    database = await Database.open(daemon.paths.database)
    assert await database.read(draft_store.drafts, "home") == []
    await database.close()
    assert not any(secret in said for secret in SECRETS.values())


def test_the_page_does_what_it_says() -> None:
    """At a server that lets everybody in, what it sends arrives: a draft as JSON in plain text."""
    victim = Site()
    with serving(victim):
        attacked_by_a_page(victim.port, secret_draft("page"))
    arrived = [hit for hit in victim.hits if hit[:2] == ("POST", "/v1/drafts")]
    assert len(arrived) >= 4
    assert any(by_a_form(headers, body) for _, _, headers, body in arrived)
    assert any(
        json.loads(body) == secret_draft("page")
        for _, _, _, body in arrived
        if body[-2:] != b"\r\n"
    )
    assert {path for _, path, _, _ in victim.hits} >= {"/v1/status", "/v1/jobs/train"}
    assert all("origin" in headers for _, _, headers, _ in arrived)


def by_a_form(headers: dict[str, str], body: bytes) -> bool:
    """A form's body is JSON, too, if the page is clever."""
    return headers["content-type"] == "text/plain" and "bullets" in dict[str, Any](json.loads(body))
