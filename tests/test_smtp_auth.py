"""Logging in at an SMTP server: each mechanism, and what is said when it is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, auth_mechanism

from daemon.mailbox.auth.credentials import Credential, Mechanism
from daemon.mailbox.auth.smtp_auth import authenticate_smtp, oauthbearer, xoauth2

TOKEN = "ya29." + "t" * 200  # as long as Google's
LONG_TOKEN = "t" * 2500  # as long as Microsoft's
REFUSAL = {"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}


class LongLines(SMTP):
    """aiosmtpd as RFC 4954 wants it: a response may be longer than a command, which has 512."""

    line_length_limit = 12_288


@dataclass(slots=True, kw_only=True)
class Server:
    """A real SMTP server, whose token mechanisms speak as Google's do, and what it was given."""

    port: int = 0
    verdict: str = "535 5.7.8 Username and Password not accepted"
    attempts: list[tuple[str, Any]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    """What the client sent when it had seen the reason of a refusal."""
    exclude: frozenset[str] = frozenset()

    def check(self, *given: Any) -> AuthResult:
        mechanism: str = given[3]
        login: LoginPassword = given[4]
        self.attempts.append((mechanism, (login.login, login.password)))
        good = login.password == "pässword".encode()
        return AuthResult(success=good, handled=False, message=None if good else self.verdict)

    @auth_mechanism("XOAUTH2")
    async def auth_XOAUTH2(self, smtp: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._token(smtp, args, "user=ada@x.example\x01auth=Bearer {}\x01\x01")

    @auth_mechanism("OAUTHBEARER")
    async def auth_OAUTHBEARER(self, smtp: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._token(smtp, args, "n,a=ada@x.example,\x01auth=Bearer {}\x01\x01")

    async def _token(self, smtp: SMTP, args: list[str], response: str) -> AuthResult:
        if len(args) == 2:
            given = base64.b64decode(args[1], validate=True).decode()
        else:
            given = (await smtp.challenge_auth("")).decode()
        self.attempts.append((args[0], len(args)))
        if given in {response.format(TOKEN), response.format(LONG_TOKEN)}:
            return AuthResult(success=True)
        await smtp.push("334 " + base64.b64encode(json.dumps(REFUSAL).encode()).decode())
        line = await smtp._reader.readline()
        self.answers.append(line)
        return AuthResult(success=False, handled=False, message=self.verdict)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()
    listener = await asyncio.get_running_loop().create_server(
        lambda: LongLines(
            state,
            hostname="mail.example",
            authenticator=state.check,
            auth_require_tls=False,
            auth_exclude_mechanism=state.exclude,
        ),
        "127.0.0.1",
        0,
    )
    async with listener:
        state.port = listener.sockets[0].getsockname()[1]
        yield state


async def log_in(server: Server, mechanism: Mechanism, secret: str) -> None:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False, timeout=60)
    async with client:
        credential = Credential(user="ada@x.example", secret=secret, mechanism=mechanism)
        await authenticate_smtp(client, credential)
        assert (await client.noop()).code == 250  # in step with the server


async def refused(server: Server, mechanism: Mechanism, secret: str = "wrong") -> int:
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as raised:
        await log_in(server, mechanism, secret)
    return raised.value.code


async def test_a_password_is_given_once(server: Server) -> None:
    """By PLAIN, which needs one command, and in UTF-8."""
    await log_in(server, "login", "pässword")
    assert server.attempts == [("PLAIN", (b"ada@x.example", "pässword".encode()))]


async def test_a_server_without_plain_is_given_it_by_login(server: Server) -> None:
    """As Microsoft's are."""
    server.exclude = frozenset({"PLAIN"})
    await log_in(server, "login", "pässword")
    assert [mechanism for mechanism, _ in server.attempts] == ["LOGIN"]


async def test_a_wrong_password_is_not_given_twice(server: Server) -> None:
    """By another mechanism it would be wrong as well, and count again towards a lock-out."""
    assert await refused(server, "login") == 535
    assert [mechanism for mechanism, _ in server.attempts] == ["PLAIN"]


async def test_a_mechanism_that_the_server_does_not_do_after_all_is_passed_over(
    server: Server,
) -> None:
    """Some offer what they cannot do."""
    server.verdict = "504 5.5.4 Unrecognized authentication type"
    assert await refused(server, "login") == 504
    assert [mechanism for mechanism, _ in server.attempts] == ["PLAIN", "LOGIN"]


async def test_a_passing_failure_keeps_its_code(server: Server) -> None:
    """So that it is not taken for a wrong password."""
    server.verdict = "454 4.7.0 Temporary authentication failure"
    assert await refused(server, "login") == 454
    assert len(server.attempts) == 1


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize(("token", "words"), [(TOKEN, 2), (LONG_TOKEN, 1)])
async def test_a_token_is_given_by_its_mechanism(
    server: Server, mechanism: Mechanism, token: str, words: int
) -> None:
    """With the command, or on a line of its own if the command's would be too long."""
    await log_in(server, mechanism, token)
    assert server.attempts == [(mechanism.upper(), words)]
    assert server.answers == []


@pytest.mark.parametrize("secret", ["wrong", "wrong" * 500])
@pytest.mark.parametrize(
    ("mechanism", "answer"), [("xoauth2", b"\r\n"), ("oauthbearer", b"AQ==\r\n")]
)
async def test_a_token_that_is_refused_is_told_after_its_reason(
    server: Server, mechanism: Mechanism, answer: bytes, secret: str
) -> None:
    """The server gives the reason as a challenge, and its code when that is answered."""
    assert await refused(server, mechanism, secret) == 535
    assert server.answers == [answer]
    assert len(server.attempts) == 1


@pytest.mark.parametrize(
    ("mechanism", "excluded"),
    [
        ("xoauth2", {"XOAUTH2"}),
        ("oauthbearer", {"OAUTHBEARER"}),
        ("login", {"PLAIN", "LOGIN"}),
    ],
)
async def test_a_server_without_the_mechanism_is_given_nothing(
    server: Server, mechanism: Mechanism, excluded: set[str]
) -> None:
    """No secret leaves for a server that cannot take it."""
    server.exclude = frozenset(excluded)
    with pytest.raises(aiosmtplib.SMTPNotSupported):
        await log_in(server, mechanism, TOKEN)
    assert server.attempts == []


def test_the_responses_are_those_of_the_documents() -> None:
    """Google's example of XOAUTH2, and that of RFC 7628, which may leave out host and port."""
    google = Credential(
        user="someuser@example.com",
        secret="ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
        mechanism="xoauth2",
    )
    assert base64.b64encode(xoauth2(google)) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52"
        b"YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    standard = Credential(user="a=b,c@example.com", secret="vF9", mechanism="oauthbearer")
    assert oauthbearer(standard) == b"n,a=a=3Db=2Cc@example.com,\x01auth=Bearer vF9\x01\x01"
