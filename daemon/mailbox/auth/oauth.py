"""OAuth 2.0 as mail needs it: the token set, how it is got by PKCE, and when it is renewed.

RFC 6749 (the framework), 7636 (PKCE), 8252 (native apps). The addresses are from the providers' own
documentation. A token set is one entry of the keychain and is read anew each time, so a sign-in
holds at once, in a running daemon too. No error holds a token or a word of the provider's beyond
its error code. Blocking, and not to be called within an event loop.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from daemon.config import LOOPBACK, Oauth, ProviderName
from daemon.errors import (
    ClientRefused,
    ServerBusy,
    ServerUnreachable,
    SignInFailed,
    SignInNeeded,
)
from daemon.mailbox.auth import keychain

if TYPE_CHECKING:
    import httpx

TOKEN = r"[\x21-\x7e]+"  # noqa: S105  # the characters of one
ANSWER_S = 30
"""For a whole answer of the provider, however it drips."""
RENEW_AHEAD_S = 300
SETTLED_S = 60
"""A refused token that is younger is not renewed: another one would be refused as well."""
_LIFETIME_S = 3600
"""Of a token whose provider does not say."""
_BUSY_S, _LONGEST_BUSY_S = 60.0, 3600.0
_ENDED = {"invalid_grant", "interaction_required", "login_required", "consent_required"}
_PASSING = {"temporarily_unavailable", "server_error", "slow_down"}
_locks: dict[str, threading.Lock] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where a sign-in goes. `redirect_host` is how the provider knows this machine."""

    authorize_url: str
    token_url: str
    scope: str
    redirect_host: str = "127.0.0.1"
    mail_domains: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


PROVIDERS: Mapping[ProviderName, Provider] = {
    "": Provider(authorize_url="", token_url="", scope=""),  # the config tells
    "google": Provider(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
        scope="https://mail.google.com/",
        mail_domains=("gmail.com", "googlemail.com"),
        extra=(("access_type", "offline"), ("prompt", "consent")),  # else no refresh token twice
    ),
    "microsoft": Provider(
        authorize_url="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106
        scope=(
            "offline_access https://outlook.office.com/IMAP.AccessAsUser.All "
            "https://outlook.office.com/SMTP.Send"
        ),
        mail_domains=("outlook.com", "office365.com"),
        redirect_host="localhost",  # the one host of which it ignores the port
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """A sign-in, with the client that it was given to. Times are seconds since the epoch."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: float
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one sign-in keeps to itself until its answer comes."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class _Answer(BaseModel):
    """A token endpoint's answer, RFC 6749 section 5.1."""

    access_token: Annotated[str, Field(pattern=f"^{TOKEN}$")]
    token_type: Annotated[str, Field(pattern="^(?i:bearer)$")] = "Bearer"  # noqa: S105
    refresh_token: str = ""
    expires_in: Annotated[float, Field(gt=0, allow_inf_nan=False)] = _LIFETIME_S


# --- signing in ---------------------------------------------------------------------------------


def provider_of(client: Oauth) -> Provider:
    """The client's provider, with the config's own addresses in place of the known ones."""
    known = PROVIDERS[client.provider]
    return dataclasses.replace(
        known,
        authorize_url=client.authorize_url or known.authorize_url,
        token_url=client.token_url or known.token_url,
        scope=client.scope or known.scope,
    )


def provider_at(mail_host: str) -> ProviderName:
    """Whose that mail server is, if a provider's that is known here."""
    for name, provider in PROVIDERS.items():
        if any(mail_host.lower().endswith(f".{domain}") for domain in provider.mail_domains):
            return name
    return ""


def begin(redirect_uri: str) -> Attempt:
    """A new attempt, which nobody can guess."""
    return Attempt(
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),  # 86 of the 43 to 128 characters that are allowed
    )


def sign_in_url(client: Oauth, attempt: Attempt, user: str) -> str:
    """Where the user's browser is to go. The provider is told whom to expect."""
    provider = provider_of(client)
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": attempt.redirect_uri,
        "scope": provider.scope,
        "state": attempt.state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": user,
        **dict(provider.extra),
    }
    joint = "&" if urlsplit(provider.authorize_url).query else "?"
    return f"{provider.authorize_url}{joint}{urlencode(parameters)}"


def redeem(account: str, client: Oauth, secret: str, attempt: Attempt, code: str) -> TokenSet:
    """Trade the code that the browser brought for tokens.

    Raises SignInFailed where there is no refresh token among them, and what `renew` raises.
    """
    token_url = provider_of(client).token_url
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "client_id": client.client_id,
        "code_verifier": attempt.verifier,
    }
    now = time.time()
    answer = _ask(account, token_url, form, secret)
    if not answer.refresh_token:
        raise SignInFailed(account, "the provider gave no token to renew the sign-in with")
    return TokenSet(
        token_url=token_url,
        client_id=client.client_id,
        client_secret=secret,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        issued_at=now,
        expires_at=now + answer.expires_in,
    )


# --- renewing -----------------------------------------------------------------------------------


def access_token(account: str, *, refused: bool = False) -> str:
    """The account's access token, renewed first if it is due, or if it was `refused`.

    Callers of one account wait for each other, so that one renewal serves them all. Raises
    SignInNeeded, KeychainMissing, and what `renew` raises.
    """
    with _locks.setdefault(account, threading.Lock()):
        tokens = kept_tokens(account)
        if tokens is None:
            raise SignInNeeded(account, "the keychain has no sign-in for it")
        if is_due(tokens, time.time(), refused=refused):
            tokens = renew(account, tokens)
            keep_tokens(account, tokens)
        return tokens.access_token


def is_due(tokens: TokenSet, now: float, *, refused: bool) -> bool:
    """Whether to renew. A set from the future tells of a clock set back, and is not trusted."""
    age = now - tokens.issued_at
    if refused:
        return not 0 <= age < SETTLED_S
    lifetime = tokens.expires_at - tokens.issued_at
    return not 0 <= age < lifetime - min(RENEW_AHEAD_S, lifetime / 2)


def renew(account: str, tokens: TokenSet) -> TokenSet:
    """A new access token, and a new refresh token where the provider changes it.

    Raises SignInNeeded where the provider has ended the sign-in, ClientRefused, ServerBusy, and
    ServerUnreachable also for an answer that is not that of a token endpoint.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh_token,
        "client_id": tokens.client_id,
    }
    now = time.time()
    answer = _ask(account, tokens.token_url, form, tokens.client_secret)
    return dataclasses.replace(
        tokens,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or tokens.refresh_token,
        issued_at=now,
        expires_at=now + answer.expires_in,
    )


def kept_tokens(account: str) -> TokenSet | None:
    """The account's entry in the keychain; a damaged one is none. Raises KeychainMissing."""
    entry = keychain.read(account, account)
    try:
        return TypeAdapter(TokenSet).validate_json(entry) if entry else None
    except ValidationError:
        return None


def keep_tokens(account: str, tokens: TokenSet) -> None:
    """Store a sign-in. No password's entry has this name, for theirs hold a slash."""
    keychain.keep(account, account, json.dumps(dataclasses.asdict(tokens)))


# --- the token endpoint -------------------------------------------------------------------------


def _ask(account: str, url: str, form: dict[str, str], secret: str) -> _Answer:
    import httpx

    host, port = _place(url)
    secrets_too = form | ({"client_secret": secret} if secret else {})
    try:
        response = asyncio.run(_post(url, secrets_too))
    except (TimeoutError, httpx.TimeoutException) as error:
        raise ServerUnreachable(account, host, port, "no answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ServerUnreachable(account, host, port, "the connection failed") from error
    wait = response.headers.get("Retry-After", "")
    return _read(account, url, response.status_code, response.content, wait)


async def _post(url: str, form: dict[str, str]) -> httpx.Response:
    import httpx

    local = urlsplit(url).hostname in LOOPBACK  # no proxy leads there
    accept = {"Accept": "application/json"}
    async with (
        asyncio.timeout(ANSWER_S),
        httpx.AsyncClient(timeout=ANSWER_S, trust_env=not local) as client,
    ):
        return await client.post(url, data=form, headers=accept)


def _read(account: str, url: str, status: int, body: bytes, wait: str) -> _Answer:
    host, port = _place(url)
    if status == 429 or (status == 503 and wait):
        delay_s = float(wait) if re.fullmatch(r"\d{1,9}", wait) else _BUSY_S
        raise ServerBusy(account, host, min(delay_s, _LONGEST_BUSY_S))
    code = _told_error(body)
    if code in _ENDED:
        raise SignInNeeded(account, f"the provider answered {code}")
    if status >= 500 or code in _PASSING:
        raise ServerUnreachable(account, host, port, f"it answered {code or status}")
    if code:
        raise ClientRefused(account, host, code)
    try:
        if status == 200:
            return _Answer.model_validate_json(body)
    except ValidationError:
        pass  # raised anew below, without what the answer holds
    reason = f"its answer ({status}) is not that of a token endpoint"
    raise ServerUnreachable(account, host, port, reason)


def error_code(told: object) -> str:
    """A provider's error code, which the user is shown, if it looks like one."""
    known = isinstance(told, str) and re.fullmatch(r"[a-z_]{1,40}", told)
    return str(told) if known else "unknown_error"


def _told_error(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return error_code(told["error"]) if isinstance(told, dict) and "error" in told else ""


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
