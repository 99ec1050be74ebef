"""`config.toml` -> `Config`.

The model below is the manual's skeleton; `config.example.toml` is the manual, and a test proves
that it loads and equals these defaults. Unknown keys are errors. All problems are reported at once,
each with its TOML path; a problem never quotes a value, which may be a secret.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from daemon.errors import AccountUnknown, ConfigInvalid, ConfigMissing, ConfigProblem
from daemon.paths import Paths, find_paths, make_directories
from daemon.records import DeletedPolicy
from mlx_agent.records import Kind, Strategy

__all__ = ["Paths", "find_paths", "make_directories"]

Port = Annotated[int, Field(ge=1, le=65535)]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
ProviderName = Literal["", "google", "microsoft"]
NonEmpty = Annotated[str, Field(min_length=1)]
Cloud = Literal["never", "drafts", "all"]
CorpusName = Literal["", "enron", "articles", "reviews", "panza"]
AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]


OFFLINE = "offline"
"""The large model that is always there."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class _Server(_Section):
    """How to reach a server, and how to log in there.

    A password's source is asked in the order of the fields; so is a token's, the account's sign-in
    by `trimtab login` being the last one.
    """

    host: str = Field(min_length=1)
    port: Port
    security: Literal["tls", "starttls", "plain"] = "tls"
    user: str = Field(min_length=1)
    auth: Literal["password", "xoauth2", "oauthbearer"] = "password"
    password: str = ""
    password_command: str = ""
    password_env: str = ""
    token_command: str = ""

    @model_validator(mode="after")
    def _plain_is_for_loopback(self) -> Self:
        if self.security == "plain" and self.host not in LOOPBACK:
            raise ValueError('security = "plain" is for this machine only; use "tls" or "starttls"')
        return self

    @model_validator(mode="after")
    def _a_token_is_for_oauth(self) -> Self:
        if self.token_command and self.auth == "password":
            raise ValueError('token_command is for auth = "xoauth2" or "oauthbearer"')
        return self


class Imap(_Server):
    """The mailbox. An empty folder name means: found by SPECIAL-USE, then by name.

    `deleted`: whether mail that is deleted from the Sent folder is forgotten or kept.
    """

    port: Port = 993
    sent_folder: str = ""
    drafts_folder: str = ""
    deleted: DeletedPolicy = "forget"


class Smtp(_Server):
    """Where mail is handed in, on the user's explicit word only.

    `file_sent`: whether a copy goes into the Sent folder; "auto" leaves it to the servers that are
    known to file one themselves.
    """

    port: Port = 465
    file_sent: Literal["auto", "always", "never"] = "auto"


def _encrypted(url: str) -> str:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if url and not (local or (parts.scheme == "https" and parts.hostname)):
        raise ValueError("must begin with https://, or with http:// and be on this machine")
    _ = parts.port  # raises ValueError for one that is none
    return url


class Oauth(_Section):
    """The client that the user has registered with a provider, for `trimtab login`.

    What is left empty of the addresses and the scope is the provider's own, which `daemon.mailbox`
    knows. The client's secret, where there is one, is asked for at the sign-in or printed by the
    command, and has no place here.
    """

    provider: ProviderName = ""
    client_id: str = Field(min_length=1)
    client_secret_command: str = ""
    authorize_url: str = ""
    token_url: str = ""
    scope: str = ""

    @field_validator("authorize_url", "token_url")
    @classmethod
    def _is_encrypted(cls, url: str) -> str:
        return _encrypted(url)

    @model_validator(mode="after")
    def _names_where_to_sign_in(self) -> Self:
        if not self.provider and not (self.authorize_url and self.token_url and self.scope):
            raise ValueError(
                'needs provider = "google" or "microsoft", or else authorize_url, token_url and '
                "scope"
            )
        return self


class Exclude(_Section):
    """What never leaves this machine, whatever `cloud` allows.

    Addresses also stand for a whole domain, as in `@field.example`. A folder stands for the mails
    that lie in it, and for those of their threads; a label, or keyword, likewise.
    """

    addresses: tuple[NonEmpty, ...] = ()
    folders: tuple[NonEmpty, ...] = ()
    labels: tuple[NonEmpty, ...] = ()
    words: tuple[NonEmpty, ...] = ()

    @property
    def places(self) -> str:
        """The folders and labels as one text, equal for equal ones."""
        return json.dumps([sorted(self.folders), sorted(self.labels)])


class Account(_Section):
    """One mailbox of the user. Without `imap`, mail comes by `trimtab import` only.

    `cloud`: what a large model elsewhere may be sent: nothing, the drafts that the user asks for,
    or the own mails for teaching too. `kind`: of the texts; `corpus`: what `trimtab corpus load`
    took them from, empty for the user's own.
    """

    name: str = ""
    addresses: tuple[str, ...] = Field(min_length=1)
    cloud: Cloud = "never"
    kind: Kind = "email"
    corpus: CorpusName = ""
    exclude: Exclude = Exclude()
    imap: Imap | None = None
    smtp: Smtp | None = None
    oauth: Oauth | None = None

    @model_validator(mode="after")
    def _a_token_has_a_source(self) -> Self:
        for server in (self.imap, self.smtp):
            if server and server.auth != "password" and not (server.token_command or self.oauth):
                raise ValueError(
                    f'auth = "{server.auth}" needs token_command, or the table oauth for '
                    "`trimtab login`"
                )
        return self

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if any(address.count("@") != 1 for address in addresses):
            raise ValueError("an address has exactly one @")
        return tuple(address.lower() for address in addresses)


class Large(_Section):
    """A large model by a name of the user's.

    A key's source is asked in the order of the fields, the keychain (`trimtab key`) being the last
    one. `remote`: whether mail leaves this machine with it; found out by the address if not said.
    Prices are in USD per million tokens; without them the list price counts, where it is known.
    """

    provider: Literal["anthropic", "openai", "local"]
    model: str = Field(min_length=1)
    base_url: str = ""
    key: str = Field(default="", repr=False)
    key_command: str = ""
    key_env: str = ""
    remote: bool | None = None
    redact: bool = False
    batch: bool = True
    in_flight: int = Field(default=8, ge=1, le=1000)
    max_tokens: int = Field(default=4096, ge=256)
    thinking: bool = True
    timeout_s: float = Field(default=120.0, gt=0)
    price_input: float | None = Field(default=None, ge=0)
    price_output: float | None = Field(default=None, ge=0)

    @field_validator("base_url")
    @classmethod
    def _is_encrypted(cls, url: str) -> str:
        return _encrypted(url)

    @model_validator(mode="after")
    def _has_what_its_provider_needs(self) -> Self:
        if self.provider == "openai" and not self.base_url:
            raise ValueError('provider = "openai" needs the base_url of a server')
        if (self.price_input is None) != (self.price_output is None):
            raise ValueError("a price has two parts, price_input and price_output")
        return self

    @property
    def leaves(self) -> bool:
        """Whether mail leaves this machine when the model is asked."""
        if self.remote is not None:
            return self.remote
        local = urlsplit(self.base_url).hostname in LOOPBACK
        return self.provider == "anthropic" or (self.provider == "openai" and not local)


class Models(_Section):
    """Which large model plays which role: "offline", or the name of a table under `large`.

    `local_writer` writes drafts where the writer cannot be asked; empty for none.
    """

    teacher: str = "offline"
    writer: str = "offline"
    judge: str = "offline"
    local_writer: str = ""


class Budget(_Section):
    """What large models may cost at the most, in USD: from noon to noon, and a calendar month."""

    night_usd: float = Field(default=5.0, ge=0)
    month_usd: float = Field(default=20.0, ge=0)


class Teach(_Section):
    """Which mails teach, and how."""

    strategy: Strategy = "R3"
    limit: int = Field(default=1000, ge=1)
    min_words: int = Field(default=4, ge=1)
    max_words: int = Field(default=400, ge=10)
    seed: int = 1


class Train(_Section):
    """The agent's base and its training. The paper keeps alpha = rank, that is a scale of 1.0."""

    base: str = "auto"
    target: Literal["rules", "thinking"] = "rules"
    rank: int = Field(default=16, ge=1, le=256)
    layers: int = Field(default=0, ge=0)
    epochs: int = Field(default=4, ge=1, le=100)
    batch_tokens: int = Field(default=3072, ge=64)
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"
    max_tokens: int = Field(default=1024, ge=64)
    checkpointing: Literal["auto", "on", "off"] = "auto"
    start: Literal["base", "adapter"] = "base"
    replay: int = Field(default=3, ge=0)
    keep_gb: float = Field(default=4.0, ge=0)
    hosts: tuple[str, ...] = ()
    min_lessons: int = Field(default=20, ge=2)
    seed: int = 1


class Agent(_Section):
    """The small model when it is asked. What is idle for so long is unloaded."""

    idle_minutes: float = Field(default=15.0, gt=0)


class Schedule(_Section):
    """When the daemon works by itself, besides on the mail server's word. Times are local.

    `idle_minutes`: so long nobody has touched the machine when a night's work begins; 0: no matter.
    """

    sync_minutes: int = Field(default=15, ge=1)
    night_at: TimeOfDay = "02:30"
    ends_at: TimeOfDay = "06:00"
    only_on_mains: bool = True
    not_in_low_power: bool = True
    idle_minutes: int = Field(default=0, ge=0)
    report: bool = False

    @model_validator(mode="after")
    def _a_night_has_an_end(self) -> Self:
        if self.night_at == self.ends_at:
            raise ValueError("night_at and ends_at are the same, so the night would have no hours")
        return self


class Api(_Section):
    """The socket on 127.0.0.1, beside the Unix socket; port 0: there is none."""

    port: int = Field(default=0, ge=0, le=65535)


class Config(_Section):
    """Everything the user can set."""

    accounts: dict[AccountName, Account] = Field(default_factory=dict)
    large: dict[AccountName, Large] = Field(default_factory=dict)
    models: Models = Models()
    budget: Budget = Budget()
    teach: Teach = Teach()
    train: Train = Train()
    agent: Agent = Agent()
    schedule: Schedule = Schedule()
    api: Api = Api()

    @model_validator(mode="after")
    def _roles_name_models(self) -> Self:
        for role, name in self.models:
            none = role == "local_writer" and not name
            if not none and name != OFFLINE and name not in self.large:
                raise ValueError(f"models.{role} names no table under large, nor is it {OFFLINE!r}")
        local = self.large.get(self.models.local_writer)
        if local is not None and local.leaves:
            raise ValueError("models.local_writer must be a model on this machine")
        return self

    def account(self, name: str) -> Account:
        """The account of that name; raises AccountUnknown."""
        try:
            return self.accounts[name]
        except KeyError:
            raise AccountUnknown(name, tuple(self.accounts)) from None

    def kind_of(self, name: str) -> Kind:
        """The kind of the account's texts; that of mail where there is no such account."""
        found = self.accounts.get(name)
        return found.kind if found else "email"


def load(path: Path) -> Config:
    """Read and validate the config; raises ConfigMissing or ConfigInvalid."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigMissing(path) from None
    except UnicodeDecodeError as error:
        raise ConfigInvalid(path, (ConfigProblem(where="file", what="is not UTF-8"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(path, (ConfigProblem(where="file", what=str(error)),)) from error
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise ConfigInvalid(path, (ConfigProblem(where="file", what=what),)) from error
    return validate(data, path)


def validate(data: dict[str, Any], path: Path) -> Config:
    """A config from TOML data; `path` is where its problems are said to be: ConfigInvalid."""
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigInvalid(path, _problems(error)) from error


def _problems(error: ValidationError) -> tuple[ConfigProblem, ...]:
    return tuple(
        ConfigProblem(
            where=".".join(str(part) for part in detail["loc"] if part != "[key]") or "file",
            what=_what(detail["type"], detail["msg"]),
        )
        for detail in error.errors(include_url=False, include_input=False)
    )


def _what(kind: str, message: str) -> str:
    known = {"extra_forbidden": "is not a setting of trimtab", "missing": "is missing"}
    return known.get(kind, message.removeprefix("Value error, "))
