"""The daemon's branches of the error tree (root: `mlx_agent.errors`).

    UserError
    ├── ConfigMissing           there is no config.toml yet
    ├── ConfigInvalid           every problem of config.toml at once
    ├── AccountUnknown          no account of that name in the config
    ├── PasswordMissing         no password from the keychain, command or environment
    ├── CommandFailed           a command of the config that prints a token or secret gave none
    ├── KeychainMissing         the system has no keychain, or it is locked
    ├── ProviderMissing         the account has no table oauth in the config
    ├── SignInNeeded            there is no OAuth sign-in, or the provider has ended it
    ├── SignInFailed            a sign-in in the browser came to no good end
    ├── ClientRefused           the OAuth provider refused the user's client or its scope
    ├── LoginRefused            the server refused user name, password or token
    ├── ServerMissing           the account has no IMAP server in the config
    ├── FolderNotFound          no Sent or Drafts folder by config, SPECIAL-USE or name
    ├── FolderEmpty             there is nothing in the Sent folder to learn from
    ├── FolderShrunk            the folder lost much at once; the user must say
    ├── FolderUnstable          the server gives its folders no UIDVALIDITY, or ever new ones
    ├── MailboxFull             no room for a draft, or for a copy of what was sent
    ├── MessageTooBig           larger than the server takes
    ├── AppendRefused           the server takes no message into that folder
    ├── SendingRefused          no SMTP server, no recipient, or the server said no
    ├── SendingUnknown          the server had the whole mail; its answer was lost
    ├── NothingToTeach          no mail of the account teaches
    ├── LargeUnknown            no large model of that name in the config
    ├── CloudForbidden          the config lets no mail of the account leave for that
    ├── MailExcluded            the config excludes that mail from leaving
    ├── ExclusionsUnknown       no sync has looked into the excluded folders and labels yet
    ├── BudgetSpent             one more request could pass a cap of the budget
    ├── PriceUnknown            a cap cannot be kept for a model of unknown price
    ├── AgentMissing            the account has no agent in use
    ├── HomeInUse               another trimtab holds this home
    ├── StoreFull               the disk is full
    ├── StoreTooNew             the store was written by a newer trimtab
    ├── StoreDamaged            the store's file is no database, or a broken one
    ├── SinceUnreadable         a span of time given by the user is none
    ├── SourceUnreadable        a file or directory given by the user cannot be read as mail
    ├── DemoNotInstalled        the extra "demo" is missing
    ├── ExtensionMissing        the mail program's extension is not in this installation
    ├── FileForeign             another program's file is where one of ours belongs
    ├── FileRefused             a file of ours cannot be written or removed
    ├── ServiceUnreachable      the user's service manager does not answer here
    ├── ServiceRefused          it answered, and would not do it
    ├── FolderTaken             a folder that is to be filled has something in it
    ├── BackupUnreadable        a file is no backup, or a damaged one
    ├── MailNotFound            the user names a mail that is not kept
    ├── DateUnreadable          what should be a date is none
    ├── PortMissing             a client needs a port, and the config names none
    ├── TokenMissing            the daemon that runs has made no token yet
    ├── SocketPathTooLong       the home lies too deep for a Unix socket
    ├── PortTaken               the config's port cannot be had
    ├── TokenRefused            a client on 127.0.0.1 showed no token, or a wrong one
    ├── HostRefused             it asked for another host than 127.0.0.1 and the port
    ├── OriginRefused           a web page asked
    ├── NotJson                 a request's body is of another type
    ├── HeadTooLarge            a request's line and headers are
    ├── RequestMalformed        it is not HTTP/1.1
    ├── RequestTooSlow          it did not come whole in time
    ├── (daemon.research_errors)  those of corpora, of experiments and of the blind test
    ├── DraftNotFound
    ├── DraftCancelled          the user, or the client's hang-up, ended the work on it
    └── JobNotFound
    TransientError
    ├── ServerUnreachable       name, network, TLS or time-out
    ├── ServerBusy              the provider throttles; carries its delay
    ├── StoreLocked             another program holds the store's file
    ├── DaemonNotReady          it is starting, or ending
    ├── TooManyConnections      each of them is at work
    ├── TooManyDrafts           as many are being written as may be at once
    ├── SavingUnknown           the link died while a draft was on its way into Drafts
    ├── SendingFailed           no connection to the SMTP server; nothing was sent
    └── WriterUnavailable       the large model that writes drafts did not answer

Fields hold account names, host names and paths; never addresses, subjects, bodies or keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlx_agent.errors import TransientError, TrimtabError, UserError

__all__ = ["TransientError", "TrimtabError", "UserError"]


@dataclass(eq=False)
class ConfigMissing(UserError):
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One problem of the config: where (TOML path, such as `accounts.work.imap.port`) and what."""

    where: str
    what: str


@dataclass(eq=False)
class ConfigInvalid(UserError):
    path: Path
    problems: tuple[ConfigProblem, ...]


@dataclass(eq=False)
class AccountUnknown(UserError):
    account: str
    known: tuple[str, ...]


@dataclass(eq=False)
class PasswordMissing(UserError):
    account: str
    source: str


@dataclass(eq=False)
class CommandFailed(UserError):
    account: str
    setting: str
    reason: str


@dataclass(eq=False)
class KeychainMissing(UserError):
    account: str
    reason: str


@dataclass(eq=False)
class ProviderMissing(UserError):
    account: str


@dataclass(eq=False)
class SignInNeeded(UserError):
    account: str
    reason: str


@dataclass(eq=False)
class SignInFailed(UserError):
    account: str
    reason: str


@dataclass(eq=False)
class ClientRefused(UserError):
    account: str
    host: str
    code: str
    """The provider's word for it by RFC 6749, such as `invalid_client`."""


@dataclass(eq=False)
class LoginRefused(UserError):
    account: str
    host: str
    mechanism: str = "login"


@dataclass(eq=False)
class ServerMissing(UserError):
    account: str


@dataclass(eq=False)
class FolderEmpty(UserError):
    account: str


@dataclass(eq=False)
class FolderNotFound(UserError):
    account: str
    folder: str | None
    role: Literal["sent", "drafts", "excluded"] = "sent"


@dataclass(eq=False)
class HostUnknown(UserError):
    """A machine of `train.hosts` has no address."""

    host: str


@dataclass(eq=False)
class FolderShrunk(UserError):
    account: str
    lost: int
    of: int


@dataclass(eq=False)
class FolderUnstable(UserError):
    account: str


@dataclass(eq=False)
class MailboxFull(UserError):
    account: str


@dataclass(eq=False)
class MessageTooBig(UserError):
    account: str


@dataclass(eq=False)
class AppendRefused(UserError):
    account: str
    folder: str


@dataclass(eq=False)
class SendingRefused(UserError):
    account: str
    reason: str


@dataclass(eq=False)
class SendingUnknown(UserError):
    account: str
    host: str


@dataclass(eq=False)
class NothingToTeach(UserError):
    account: str
    mails: int


@dataclass(eq=False)
class LargeUnknown(UserError):
    name: str
    known: tuple[str, ...]


@dataclass(eq=False)
class CloudForbidden(UserError):
    account: str
    model: str
    needs: Literal["drafts", "all"]


@dataclass(eq=False)
class MailExcluded(UserError):
    account: str
    by: str


@dataclass(eq=False)
class ExclusionsUnknown(UserError):
    account: str


@dataclass(eq=False)
class BudgetSpent(UserError):
    period: Literal["night", "month"]
    cap_usd: float


@dataclass(eq=False)
class PriceUnknown(UserError):
    model: str


@dataclass(eq=False)
class AgentMissing(UserError):
    account: str


@dataclass(eq=False)
class HomeInUse(UserError):
    home: Path


@dataclass(eq=False)
class StoreFull(UserError):
    path: Path


@dataclass(eq=False)
class StoreDamaged(UserError):
    path: Path


@dataclass(eq=False)
class StoreTooNew(UserError):
    path: Path
    found: int
    known: int


@dataclass(eq=False)
class SinceUnreadable(UserError):
    given: str


@dataclass(eq=False)
class SourceUnreadable(UserError):
    path: Path
    reason: str


@dataclass(eq=False)
class DraftNotFound(UserError):
    draft_id: str


@dataclass(eq=False)
class DraftCancelled(UserError):
    draft_id: str


@dataclass(eq=False)
class JobNotFound(UserError):
    job_id: int


@dataclass(eq=False)
class ExtensionMissing(UserError):
    folder: Path


@dataclass(eq=False)
class FileForeign(UserError):
    path: Path


@dataclass(eq=False)
class FileRefused(UserError):
    path: Path
    reason: str


@dataclass(eq=False)
class ServiceUnreachable(UserError):
    manager: str
    reason: str


@dataclass(eq=False)
class ServiceRefused(UserError):
    command: str
    reason: str


@dataclass(eq=False)
class FolderTaken(UserError):
    path: Path
    forcible: bool
    """Whether `--force` sets aside what is there."""


@dataclass(eq=False)
class BackupUnreadable(UserError):
    path: Path
    reason: str


@dataclass(eq=False)
class MailNotFound(UserError):
    pass


@dataclass(eq=False)
class DateUnreadable(UserError):
    text: str


@dataclass(eq=False)
class PortMissing(UserError):
    path: Path


@dataclass(eq=False)
class TokenMissing(UserError):
    path: Path


@dataclass(eq=False)
class SocketPathTooLong(UserError):
    socket: Path
    limit: int


@dataclass(eq=False)
class PortTaken(UserError):
    port: int
    reason: str


@dataclass(eq=False)
class TokenRefused(UserError):
    pass


@dataclass(eq=False)
class HostRefused(UserError):
    port: int


@dataclass(eq=False)
class OriginRefused(UserError):
    pass


@dataclass(eq=False)
class NotJson(UserError):
    pass


@dataclass(eq=False)
class HeadTooLarge(UserError):
    limit: int


@dataclass(eq=False)
class RequestMalformed(UserError):
    pass


@dataclass(eq=False)
class RequestTooSlow(UserError):
    seconds: float


@dataclass(eq=False)
class DaemonNotReady(TransientError):
    pass


@dataclass(eq=False)
class TooManyConnections(TransientError):
    limit: int


@dataclass(eq=False)
class TooManyDrafts(TransientError):
    limit: int


@dataclass(eq=False)
class ServerUnreachable(TransientError):
    account: str
    host: str
    port: int
    reason: str
    lost: bool = False


@dataclass(eq=False)
class StoreLocked(TransientError):
    path: Path


@dataclass(eq=False)
class ServerBusy(TransientError):
    account: str
    host: str
    delay_s: float


@dataclass(eq=False)
class SavingUnknown(TransientError):
    account: str
    host: str


@dataclass(eq=False)
class SendingFailed(TransientError):
    account: str
    host: str
    port: int
    reason: str


@dataclass(eq=False)
class WriterUnavailable(TransientError):
    model: str
    reason: str


@dataclass(eq=False)
class DemoNotInstalled(UserError):
    pass


def only_cause(error: BaseException) -> BaseException:
    """What a task group raised for a single failure is that failure."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
