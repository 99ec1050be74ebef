"""Attacks on one real daemon: none gets in, none stops it, and none is logged with content."""

import resource
import sys
from collections.abc import Callable, Iterator

import pytest
from attacks import ATTACKS, CONFIG, SECRETS
from running_daemon import Running, ask, running, status_of

MADE: set[str] = set()


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    with running(CONFIG) as daemon:
        if sys.platform == "linux":  # as few files as macOS lets a process open
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        yield daemon


def make(attack: Callable[[Running], None], daemon: Running) -> None:
    """Afterwards the daemon serves its user as before, on both sockets."""
    attack(daemon)
    assert daemon.process.poll() is None
    assert status_of(ask(daemon, b"GET /v1/status")) == 200
    assert status_of(ask(daemon, b"GET /v1/status", tcp=False)) == 200
    MADE.add(attack.__name__)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_attack_gets_in(attack: Callable[[Running], None], daemon: Running) -> None:
    """Each says itself what it tries."""
    make(attack, daemon)


def test_thunderbirds_extension_comes_in_with_the_token(daemon: Running) -> None:
    """On 127.0.0.1, where a sandboxed Thunderbird can reach nothing else; no page can read it."""
    origin = "Origin: moz-extension://6f1e0f2c-8f0f-4c61-9f1b-3c5d2a7b9e10"
    answer = ask(daemon, b"GET /v1/health", origin)
    assert status_of(answer) == 200
    assert b"access-control" not in answer.lower()


def test_nothing_private_is_logged(daemon: Running) -> None:
    """After all of them, in no log and in nothing that was said aloud; no bug came up either."""
    for attack in ATTACKS:
        if attack.__name__ not in MADE:
            make(attack, daemon)
    token = daemon.token
    daemon.end()
    logs = [path for path in daemon.paths.logs.rglob("*") if path.is_file()]
    assert daemon.paths.logs / "trimtab.log" in logs
    for path in (*logs, daemon.said):
        text = path.read_text("utf-8", errors="replace")
        for what, secret in {**SECRETS, "token": token}.items():
            assert secret not in text, f"a {what} is in {path.name}"
        assert "Traceback" not in text
        assert "internal error" not in text
