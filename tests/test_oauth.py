"""OAuth: the request for a sign-in, tokens for a code, and their renewal, by a real endpoint."""

import dataclasses
import json
import logging
import re
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from keychains import InMemory
from keyring.backends.fail import Keyring as Absent
from oauth_server import CLIENT_ID, CLIENT_SECRET, Provider, Told, browse, running_provider, told
from tools import free_port

from daemon.config import Imap, Oauth, Smtp
from daemon.errors import (
    ClientRefused,
    KeychainMissing,
    ServerBusy,
    ServerUnreachable,
    SignInFailed,
    SignInNeeded,
)
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.credentials import find_credential
from daemon.mailbox.auth.oauth import Attempt, TokenSet

HOUR = 3600.0
GOOGLE_ENDED = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
MICROSOFT_ENDED = {
    "error": "invalid_grant",
    "error_description": "AADSTS700082: The refresh token has expired due to inactivity.\r\n",
    "error_codes": [700082],
    "timestamp": "2026-03-03 09:31:00Z",
    "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
    "correlation_id": "fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7",
    "error_uri": "https://login.microsoftonline.com/error?code=700082",
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def a_set(provider: Provider | None = None, **changes: Any) -> TokenSet:
    """A sign-in of half an hour ago, in force for as long again."""
    url = f"{provider.url}/token" if provider else "https://provider.example/token"
    now = time.time()
    tokens = TokenSet(
        token_url=url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        access_token="access-0",
        refresh_token="refresh-0",
        issued_at=now - HOUR / 2,
        expires_at=now + HOUR / 2,
    )
    return dataclasses.replace(tokens, **changes)


def signed_in(provider: Provider, account: str = "work", **changes: Any) -> TokenSet:
    """The account has this sign-in, which the provider knows."""
    tokens = a_set(provider, **changes)
    provider.valid.add(tokens.refresh_token)
    oauth.keep_tokens(account, tokens)
    return tokens


def expired(provider: Provider, account: str = "work", **changes: Any) -> TokenSet:
    """The same, but its access token is out of force."""
    past = {"issued_at": time.time() - 2 * HOUR, "expires_at": time.time() - HOUR}
    return signed_in(provider, account, **past, **changes)


def words(error: BaseException) -> str:
    """All that a traceback could print of an error and of its causes."""
    return "".join(traceback.format_exception(error)) + repr(error)


# --- the request --------------------------------------------------------------------------------


def query(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    attempt = Attempt(
        redirect_uri="http://127.0.0.1:1",
        state="xyz",
        verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    )
    client = Oauth(provider="google", client_id="c")
    asked = query(oauth.sign_in_url(client, attempt, "ada"))
    assert asked["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert asked["code_challenge_method"] == "S256"


def test_an_attempt_cannot_be_guessed() -> None:
    """Each has a state and a verifier of its own, of allowed characters, and tells neither."""
    one, other = oauth.begin("http://127.0.0.1:1"), oauth.begin("http://127.0.0.1:1")
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", one.verifier)
    assert len(one.state) >= 43
    assert len({one.verifier, other.verifier, one.state, other.state}) == 4
    assert repr(one) == "Attempt(redirect_uri='http://127.0.0.1:1')"


def test_google_is_asked_for_mail_and_for_a_lasting_sign_in() -> None:
    """Without consent anew, a second sign-in would bring no refresh token."""
    attempt = oauth.begin("http://127.0.0.1:1")
    client = Oauth(provider="google", client_id="c.apps.googleusercontent.com")
    url = oauth.sign_in_url(client, attempt, "ada@field.example")
    asked = query(url)
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    del asked["code_challenge"]
    assert asked == {
        "response_type": "code",
        "client_id": "c.apps.googleusercontent.com",
        "redirect_uri": "http://127.0.0.1:1",
        "scope": "https://mail.google.com/",
        "state": attempt.state,
        "code_challenge_method": "S256",
        "login_hint": "ada@field.example",
        "access_type": "offline",
        "prompt": "consent",
    }
    assert attempt.verifier not in url


def test_microsoft_is_asked_for_imap_and_smtp() -> None:
    """One sign-in for both; a tenant's own addresses can take the place of the common ones."""
    tenant = "https://login.microsoftonline.com/field.example/oauth2/v2.0/authorize"
    common, own = (
        Oauth(provider="microsoft", client_id="c", authorize_url=url) for url in ("", tenant)
    )
    attempt = oauth.begin("http://localhost:1")
    asked = query(oauth.sign_in_url(common, attempt, "ada"))
    assert asked["scope"].split() == [
        "offline_access",
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
    ]
    assert oauth.sign_in_url(common, attempt, "ada").startswith(
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?"
    )
    assert oauth.sign_in_url(own, attempt, "ada").startswith(f"{tenant}?")
    assert oauth.provider_of(own).token_url.endswith("/common/oauth2/v2.0/token")


def test_an_address_that_has_a_query_keeps_it() -> None:
    """As RFC 6749 has it in section 3.1."""
    client = Oauth(client_id="c", authorize_url="https://a.example/in?x=1", token_url="https://a.example", scope="s")  # fmt: skip  # noqa: E501
    asked = query(oauth.sign_in_url(client, oauth.begin("http://127.0.0.1:1"), "ada"))
    assert (asked["x"], asked["client_id"]) == ("1", "c")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("imap.gmail.com", "google"),
        ("IMAP.GMAIL.COM", "google"),
        ("outlook.office365.com", "microsoft"),
        ("imap-mail.outlook.com", "microsoft"),
        ("imap.notgmail.com", ""),
        ("gmail.com.field.example", ""),
    ],
)
def test_a_mail_server_tells_its_provider(host: str, name: str) -> None:
    """By its domain."""
    assert oauth.provider_at(host) == name


# --- tokens for a code --------------------------------------------------------------------------


def code_for(provider: Provider, client: Oauth, attempt: Attempt) -> str:
    """What a browser would be sent back with."""
    with pytest.raises(OSError, match="refused"):  # nothing listens there
        browse(oauth.sign_in_url(client, attempt, "ada"))
    return next(code for code, asked in provider.codes.items() if asked["state"] == attempt.state)


def an_attempt(provider: Provider) -> tuple[Oauth, Attempt, str]:
    client = Oauth(**provider.settings())  # type: ignore[arg-type]
    attempt = oauth.begin(f"http://127.0.0.1:{free_port()}")
    return client, attempt, code_for(provider, client, attempt)


def test_a_code_is_traded_for_tokens(provider: Provider) -> None:
    """With the verifier, the redirect and the client; how long they hold is counted from before."""
    client, attempt, code = an_attempt(provider)
    before = time.time()
    tokens = oauth.redeem("work", client, CLIENT_SECRET, attempt, code)
    assert (tokens.access_token, tokens.refresh_token) == ("access-2", "refresh-2")
    assert (tokens.client_id, tokens.client_secret) == (CLIENT_ID, CLIENT_SECRET)
    assert before <= tokens.issued_at <= time.time()
    assert tokens.expires_at - tokens.issued_at == pytest.approx(3599)
    assert provider.asked == [
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "code_verifier": attempt.verifier,
        }
    ]


def test_a_client_without_a_secret_sends_none(provider: Provider) -> None:
    """Microsoft's desktop apps have none, and an empty one is refused."""
    provider.secret = ""
    client, attempt, code = an_attempt(provider)
    oauth.redeem("work", client, "", attempt, code)
    assert "client_secret" not in provider.asked[0]


def test_a_code_without_its_verifier_is_worth_nothing(provider: Provider) -> None:
    """What another program of this machine may catch."""
    client, attempt, code = an_attempt(provider)
    other = dataclasses.replace(oauth.begin(attempt.redirect_uri), state=attempt.state)
    with pytest.raises(SignInNeeded) as raised:
        oauth.redeem("work", client, CLIENT_SECRET, other, code)
    assert raised.value.reason == "the provider answered invalid_grant"


def test_a_wrong_secret_of_the_client_is_told(provider: Provider) -> None:
    """The error names the provider and its word for it, and no secret."""
    client, attempt, code = an_attempt(provider)
    with pytest.raises(ClientRefused) as raised:
        oauth.redeem("work", client, provider.secret[::-1], attempt, code)
    assert dataclasses.astuple(raised.value) == ("work", "127.0.0.1", "invalid_client")  # type: ignore[call-overload]
    assert CLIENT_SECRET[::-1] not in words(raised.value)


def test_a_sign_in_that_cannot_be_renewed_is_none(provider: Provider) -> None:
    """It would end within the hour."""
    client, attempt, code = an_attempt(provider)
    provider.next.append(provider.tokens(with_refresh=False))
    with pytest.raises(SignInFailed, match="no token to renew"):
        oauth.redeem("work", client, CLIENT_SECRET, attempt, code)


# --- renewal ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "lifetime", "refused", "due"),
    [
        (0, HOUR, False, False),
        (HOUR - 301, HOUR, False, False),
        (HOUR - 300, HOUR, False, True),
        (2 * HOUR, HOUR, False, True),
        (99, 200, False, False),  # a short one lives half its life
        (100, 200, False, True),
        (-1, HOUR, False, True),  # the clock was set back
        (59, HOUR, True, False),
        (60, HOUR, True, True),
        (-1, HOUR, True, True),
    ],
)
def test_when_a_token_is_renewed(age: float, lifetime: float, refused: bool, due: bool) -> None:
    """Five minutes before its end, or when refused; but not twice within a minute."""
    tokens = a_set(issued_at=1e9, expires_at=1e9 + lifetime)
    assert oauth.is_due(tokens, 1e9 + age, refused=refused) is due


def test_without_a_sign_in_one_is_asked_for(keychain: InMemory) -> None:
    """The error says which account."""
    with pytest.raises(SignInNeeded) as raised:
        oauth.access_token("work")
    assert (raised.value.account, raised.value.reason) == (
        "work",
        "the keychain has no sign-in for it",
    )


@pytest.mark.parametrize("keychain", [Absent], indirect=True)
def test_without_a_keychain_there_is_no_sign_in(keychain: Absent) -> None:
    """Neither to be read nor to be kept; the error holds no token."""
    with pytest.raises(KeychainMissing):
        oauth.access_token("work")
    with pytest.raises(KeychainMissing) as raised:
        oauth.keep_tokens("work", a_set())
    assert "access-0" not in words(raised.value)


@pytest.mark.parametrize("entry", ["{", "[]", "{}", '{"access_token": "access-0"}'])
def test_a_damaged_entry_asks_for_a_sign_in(keychain: InMemory, entry: str) -> None:
    """And is not quoted."""
    keychain.kept["trimtab", "work"] = entry
    with pytest.raises(SignInNeeded) as raised:
        oauth.access_token("work")
    assert raised.value.reason == "the keychain has no sign-in for it"
    assert "access-0" not in words(raised.value)


def test_a_token_in_force_is_used_as_it_is(keychain: InMemory, provider: Provider) -> None:
    """The provider is not asked."""
    signed_in(provider)
    assert oauth.access_token("work") == "access-0"
    assert provider.asked == []


def test_a_token_is_renewed_before_it_ends(keychain: InMemory, provider: Provider) -> None:
    """Once; the next one is kept in the keychain, and the refresh token stays as it was."""
    before = signed_in(provider, expires_at=time.time() + 299)
    assert oauth.access_token("work") == "access-1"
    assert oauth.access_token("work") == "access-1"
    assert provider.asked == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
    ]
    kept = json.loads(keychain.kept["trimtab", "work"])
    assert (kept["access_token"], kept["refresh_token"]) == ("access-1", "refresh-0")
    assert kept["expires_at"] > before.expires_at
    assert list(keychain.kept) == [("trimtab", "work")]


def test_a_refresh_token_that_changes_is_kept(keychain: InMemory, provider: Provider) -> None:
    """Microsoft gives a new one each time; the old one may be worth nothing."""
    expired(provider)
    provider.rotates = True
    assert oauth.access_token("work") == "access-1"
    kept = oauth.kept_tokens("work")
    assert kept is not None
    assert kept.refresh_token == "refresh-1"
    expired(provider, refresh_token="refresh-1")
    assert oauth.access_token("work") == "access-2"


def test_a_refused_token_is_renewed_once(keychain: InMemory, provider: Provider) -> None:
    """A server that refuses the new one as well does not make us ask for a third."""
    signed_in(provider)
    assert oauth.access_token("work", refused=True) == "access-1"
    assert oauth.access_token("work", refused=True) == "access-1"
    assert len(provider.asked) == 1


def test_a_servers_refusal_renews_by_way_of_the_credential(
    keychain: InMemory, provider: Provider
) -> None:
    """IMAP and SMTP share the renewed token."""
    signed_in(provider)
    imap = Imap(host="mail.example", user="ada", auth="xoauth2")
    smtp = Smtp(host="mail.example", user="ada", auth="oauthbearer")
    assert find_credential("work", imap).secret == "access-0"
    assert find_credential("work", imap, refused=True).secret == "access-1"
    assert find_credential("work", smtp).secret == "access-1"


def test_many_at_once_make_one_renewal(keychain: InMemory, provider: Provider) -> None:
    """They all get its token, those too whose token was refused."""
    expired(provider)
    with ThreadPoolExecutor(8) as pool:
        asking = [
            pool.submit(oauth.access_token, "work", refused=number % 2 == 0) for number in range(8)
        ]
    assert {one.result() for one in asking} == {"access-1"}
    assert len(provider.asked) == 1


def test_accounts_do_not_wait_for_each_other(keychain: InMemory, provider: Provider) -> None:
    """One provider that hangs holds up nobody else."""
    expired(provider, "slow")
    expired(provider, "quick", refresh_token="refresh-9")
    answer = provider.tokens(with_refresh=False)
    asked, go_on = threading.Event(), threading.Event()
    provider.next.append(dataclasses.replace(answer, begun=asked, until=go_on))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(oauth.access_token, "slow")
        assert asked.wait(60)
        assert oauth.access_token("quick") == "access-2"
        assert not slow.done()
        go_on.set()
        assert slow.result() == "access-1"


@pytest.mark.parametrize("answer", [GOOGLE_ENDED, MICROSOFT_ENDED, {"error": "consent_required"}])
def test_a_sign_in_that_has_ended_is_told(
    keychain: InMemory, provider: Provider, answer: dict[str, Any]
) -> None:
    """By a typed error that asks for another; what is kept stays, and nothing is asked twice."""
    before = expired(provider)
    provider.next.append(told(400, answer))
    with pytest.raises(SignInNeeded) as raised:
        oauth.access_token("work")
    assert raised.value.reason == f"the provider answered {answer['error']}"
    assert "AADSTS" not in words(raised.value)
    assert oauth.kept_tokens("work") == before
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, "invalid_client", "invalid_client"),
        (400, "unauthorized_client", "unauthorized_client"),
        (400, "invalid_scope", "invalid_scope"),
        (200, "invalid_request", "invalid_request"),  # some say so with a 200
        (400, "Ada <ada@field.example> is unknown", "unknown_error"),
        (400, {"message": "nested"}, "unknown_error"),
    ],
)
def test_a_client_that_is_refused_is_told(
    keychain: InMemory, provider: Provider, status: int, error: object, code: str
) -> None:
    """By the provider's code for it, and no other word of the provider's."""
    expired(provider)
    provider.next.append(told(status, {"error": error, "error_description": "for ada@field"}))
    with pytest.raises(ClientRefused) as raised:
        oauth.access_token("work")
    assert raised.value.code == code
    assert "ada@field" not in words(raised.value)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Told(status=500, body=b"<html>oops</html>"), "it answered 500"),
        (told(503, {"error": "temporarily_unavailable"}), "it answered temporarily_unavailable"),
        (told(400, {"error": "server_error"}), "it answered server_error"),
        (Told(body=b"<html>Log in to this hotel</html>"), "its answer (200) is not that of a"),
        (Told(body=b"[" * 100_000), "its answer (200) is not that of a"),
        (Told(body=b"\xff\xfe"), "its answer (200) is not that of a"),
        (Told(status=404), "its answer (404) is not that of a"),
        (told(302, {"access_token": "hush"}, Location="https://evil.example"), "its answer (302)"),
        (told(200, {}), "its answer (200) is not that of a"),
        (told(200, ["hush"]), "its answer (200) is not that of a"),
        (told(200, {"access_token": "hush\x01auth=hush"}), "its answer (200) is not that of a"),
        (told(200, {"access_token": "hush", "token_type": "mac"}), "its answer (200) is not"),
        (told(200, {"access_token": "hush", "expires_in": -1}), "its answer (200) is not"),
    ],
)
def test_an_answer_that_is_none_passes(
    keychain: InMemory, provider: Provider, answer: Told, reason: str
) -> None:
    """It may be better later: the error is a transient one, and the sign-in stays."""
    before = expired(provider)
    provider.next.append(answer)
    with pytest.raises(ServerUnreachable) as raised:
        oauth.access_token("work")
    assert raised.value.reason.startswith(reason)
    assert (raised.value.host, raised.value.port) == ("127.0.0.1", provider.port)
    assert "hush" not in words(raised.value)
    assert oauth.kept_tokens("work") == before
    assert oauth.access_token("work") == "access-1"


@pytest.mark.parametrize(
    ("status", "wait", "delay_s"),
    [
        (429, {"Retry-After": "7"}, 7),
        (429, {}, 60),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        (429, {"Retry-After": "99999999"}, 3600),
        (503, {"Retry-After": "120"}, 120),
    ],
)
def test_a_provider_that_throttles_is_waited_for(
    keychain: InMemory, provider: Provider, status: int, wait: dict[str, str], delay_s: float
) -> None:
    """As long as it says, within an hour."""
    expired(provider)
    provider.next.append(Told(status=status, headers=wait))
    with pytest.raises(ServerBusy) as raised:
        oauth.access_token("work")
    assert raised.value.delay_s == delay_s


@pytest.mark.parametrize("drips", [False, True])
def test_a_provider_that_does_not_answer_passes(
    keychain: InMemory, provider: Provider, monkeypatch: pytest.MonkeyPatch, drips: bool
) -> None:
    """The whole answer has its time, so that one which drips is not waited for either."""
    monkeypatch.setattr(oauth, "ANSWER_S", 0.2)
    expired(provider)
    never = threading.Event()
    provider.next.append(Told(until=never, drips=drips))
    with pytest.raises(ServerUnreachable) as raised:
        oauth.access_token("work")
    never.set()
    assert raised.value.reason == "no answer in time"


def test_a_provider_that_cannot_be_reached_passes(keychain: InMemory) -> None:
    """The error names where, and holds nothing of the request."""
    port = free_port()
    past = {"issued_at": 0.0, "expires_at": 1.0, "token_url": f"http://127.0.0.1:{port}/token"}
    oauth.keep_tokens("work", a_set(**past))
    with pytest.raises(ServerUnreachable) as raised:
        oauth.access_token("work")
    assert (raised.value.port, raised.value.reason) == (port, "the connection failed")
    assert "refresh-0" not in words(raised.value)
    assert CLIENT_SECRET not in words(raised.value)


def test_a_provider_that_does_not_say_how_long_is_trusted_for_an_hour(
    keychain: InMemory, provider: Provider
) -> None:
    """RFC 6749 lets it leave that out."""
    expired(provider)
    provider.next.append(told(200, {"access_token": "access-7", "token_type": "bearer"}))
    assert oauth.access_token("work") == "access-7"
    kept = oauth.kept_tokens("work")
    assert kept is not None
    assert kept.expires_at - kept.issued_at == pytest.approx(HOUR)


def test_no_log_tells_a_token(
    keychain: InMemory, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even those of the libraries, at their most talkative; nor does the set's own text."""
    caplog.set_level(logging.DEBUG)
    tokens = expired(provider)
    provider.rotates = True
    oauth.access_token("work")
    kept = oauth.kept_tokens("work")
    assert caplog.text
    for text in (caplog.text, repr(tokens), repr(kept)):
        for secret in ("access-0", "refresh-0", "access-1", "refresh-1", CLIENT_SECRET):
            assert secret not in text
