"""The mail servers: what is shown to them, the certificate, the folders, the room that is left.

One connection to each, beside the daemon's. Nothing is renewed: an access token that is
due is left to the daemon, and the server is then met without a login.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from daemon.config import Imap, Smtp
from daemon.doctor.findings import Finding, Look, Scene, of_error, ok, skipped, warn, wrong
from daemon.errors import (
    KeychainMissing,
    LoginRefused,
    SendingFailed,
    SendingRefused,
    ServerUnreachable,
    SignInNeeded,
)
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.credentials import Credential, find_credential
from daemon.mailbox.connection import meet, open_link
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.plan import Role
from daemon.mailbox.quota import Quota, find_quota
from daemon.mailbox.submission import knock
from mlx_agent.errors import TrimtabError

SOON = timedelta(days=14)
NEARLY_FULL = 0.95
_EXPIRED, _NOT_YET = 10, 9
_OTHER_HOST = frozenset({62, 64})
"""OpenSSL's verify codes: X509_V_ERR_CERT_HAS_EXPIRED and so on; for a name, and a number."""


def looks(scene: Scene, *, offline: bool) -> Iterator[tuple[str, Look]]:
    """A check for each account."""
    for name, account in scene.settings.accounts.items() if scene.settings else ():
        if account.imap is None:
            nothing = skipped(f"imap/{name}", "No server: its mail comes by `trimtab import`.")
            yield f"imap/{name}", partial(_say, nothing)
        else:
            yield f"imap/{name}", partial(_look_at, name, account.imap, offline)
        if account.smtp is not None:
            yield f"smtp/{name}", partial(_look_at_smtp, name, account.smtp, offline)


def _say(finding: Finding, scene: Scene) -> Iterator[Finding]:
    del scene
    yield finding


def _look_at(name: str, server: Imap, offline: bool, scene: Scene) -> Iterator[Finding]:
    credential: Credential | None = None
    try:
        credential = _credential(name, server)
    except TrimtabError as error:
        yield of_error(_credential_check(name, error), error)
    else:
        due = "is there; its token is due to be renewed, by the daemon"
        said = "is there" if credential else due
        yield ok(f"secret/{name}", f"What the mail server is shown {said}.")
    if offline:
        yield skipped(f"imap/{name}", "Not asked (--offline).")
        return
    try:
        yield from _ask(name, server, credential, scene.now)
    except LoginRefused as error:
        yield ok(f"tls/{name}", f"{server.host}:{server.port} can be reached.")
        yield of_error(f"login/{name}", error)
    except ServerUnreachable as error:
        yield _unreachable(name, error)


def _credential_check(name: str, error: TrimtabError) -> str:
    return f"keychain/{name}" if isinstance(error, KeychainMissing) else f"secret/{name}"


def _look_at_smtp(name: str, server: Smtp, offline: bool, scene: Scene) -> Iterator[Finding]:
    """The sending server: a login, and nothing handed in."""
    del scene
    check, at = f"smtp/{name}", f"{server.host}:{server.port}"
    try:
        credential = _credential(name, server)
    except TrimtabError as error:
        yield of_error(check, error)
        return
    if offline or credential is None:
        why = "--offline" if offline else "its token is due to be renewed, by the daemon"
        yield skipped(check, f"Not asked ({why}).")
        return
    try:
        asyncio.run(knock(name, server, credential))
    except LoginRefused as error:
        yield of_error(check, error)
    except (SendingFailed, SendingRefused) as error:
        mend = f"Check accounts.{name}.smtp in the config, and the network."
        yield wrong(check, f"{at} takes no mail: {error.reason}.", mend)
    else:
        yield ok(check, f"{at} takes the login.")


def _credential(name: str, server: Imap | Smtp) -> Credential | None:
    """What to log in with; None where it would have to be renewed first."""
    if server.auth == "password" or server.token_command:
        return find_credential(name, server)
    tokens = oauth.kept_tokens(name)
    if tokens is None:
        raise SignInNeeded(name, "the keychain has no sign-in for it")
    if oauth.is_due(tokens, time.time(), refused=False):
        return None
    return Credential(user=server.user, secret=tokens.access_token, mechanism=server.auth)


def _ask(
    name: str, server: Imap, credential: Credential | None, now: datetime
) -> Iterator[Finding]:
    if credential is None:
        expires = meet(name, server)
        yield judge_certificate(f"tls/{name}", server, expires, now)
        yield skipped(f"folders/{name}", "Not looked at: there was no login.")
        return
    link = open_link(name, server, credential)
    mailbox = Mailbox(link)
    try:
        yield judge_certificate(f"tls/{name}", server, link.expires(), now)
        yield ok(f"login/{name}", f"{server.host} takes the login.")
        yield from _folders(name, server, mailbox)
        yield judge_quota(f"quota/{name}", find_quota(link))
    finally:
        mailbox.close()


def _folders(name: str, server: Imap, mailbox: Mailbox) -> Iterator[Finding]:
    named: dict[Role, str] = {"sent": server.sent_folder, "drafts": server.drafts_folder}
    for role, configured in named.items():
        try:
            folder = mailbox.find_folder(role, configured)
        except TrimtabError as error:
            yield of_error(f"folders/{name}", error)
        else:
            yield ok(f"folders/{name}", f"{role.capitalize()} is {folder!r}.")


def judge_certificate(check: str, server: Imap, expires: datetime | None, now: datetime) -> Finding:
    """Of a server that was reached, so that its certificate is valid today. Pure."""
    at = f"{server.host}:{server.port}"
    if server.security == "plain":
        return ok(check, f"{at} can be reached, without TLS, on this machine.")
    if expires is None:
        return ok(check, f"{at} can be reached; on this machine certificates are not verified.")
    day = f"{expires:%Y-%m-%d}"
    if expires - now < SOON:
        mend = "Its owner has to renew it; if that is you, do so now."
        return warn(check, f"The certificate of {at} ends on {day}.", mend)
    return ok(check, f"{at} can be reached; its certificate is valid until {day}.")


def judge_quota(check: str, quota: Quota | None) -> Finding:
    """Of the room in the mailbox. Pure."""
    if quota is None:
        return skipped(check, "The server tells no limit.")
    what = f"{quota.used / 1e6:.0f} of {quota.limit / 1e6:.0f} MB of the mailbox are used."
    if quota.used >= quota.limit:
        return wrong(check, what, "Make room in the mailbox: no draft can be saved in it.")
    if quota.used >= NEARLY_FULL * quota.limit:
        return warn(check, what, "Make room in the mailbox before no draft can be saved in it.")
    return ok(check, what)


def _unreachable(name: str, error: ServerUnreachable) -> Finding:
    """With OpenSSL's reason, where it is the certificate."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return of_error(f"tls/{name}", error)
    return judge_refusal(f"tls/{name}", f"{error.host}:{error.port}", cause.verify_code, name)


def judge_refusal(check: str, at: str, code: int, account: str) -> Finding:
    """Of a certificate that was not taken, by OpenSSL's verify code. Pure."""
    subject = f"The certificate of {at}"
    setting = f"accounts.{account}.imap.host"
    if code == _EXPIRED:
        mend = "Look at this machine's clock; if it is right, the server's owner has to renew it."
        return wrong(check, f"{subject} has expired.", mend)
    if code == _NOT_YET:
        mend = "Set this machine's clock."
        return wrong(check, f"{subject} is not valid yet.", mend)
    if code in _OTHER_HOST:
        mend = f"Correct {setting}: name the host as its provider does."
        return wrong(check, f"{subject} is for another host.", mend)
    mend = (
        f"Check {setting}; if the server is your own, have this system trust the authority that "
        "signed its certificate."
    )
    return wrong(check, f"{subject} is signed by nobody that this system trusts.", mend)
