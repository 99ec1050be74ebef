"""The worker's protocol: one JSON object a line, requests in and answers out. Pure.

    {"v": 2, "id": 7, "op": "rules", "params": {...}}       a request
    {"id": 7, "event": {...}}                                any number of events, then one of
    {"id": 7, "result": ...}
    {"id": 7, "error": {"type": "BaseNotFound", "fields": {"base": "x"}}}

`cancel` names another request's id, works at any time, and has no answer of its own. A line that is
no request is answered RequestMalformed, with its id where it has one, and null where not; one of
another version ProtocolRefused.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from mlx_agent import codec
from mlx_agent.errors import ProtocolRefused, TrimtabError
from mlx_agent.records import Message, RenderSettings, Rule, X

VERSION = 2

Op = Literal["hello", "rules", "warm", "loss", "write", "chat", "train", "cancel"]


class RequestMalformed(Exception):
    """A line that is no request."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of standard input, validated."""

    v: Literal[2]
    id: int
    op: Op
    params: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def cancels(self) -> int:
        """The id that `cancel` names; raises pydantic.ValidationError."""
        return codec.from_data(int, self.params.get("id"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom the agent's requests ask: a base and, unless None, an adapter's directory.

    `prefixes` is a private directory for what prompts begin with, None to keep nothing.
    """

    base: str
    adapter: Path | None
    render: RenderSettings
    prefixes: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RulesParams(Asked):
    """`rules`: the xs to answer; `hints` are rule lists of the user's, the likeliest first.

    Its events are `{"index": 0, "rule": {...}}` for each rule of a single x as it is decoded, and
    `{"index": 0, "answer": {...}}` for each x.
    """

    xs: tuple[X, ...]
    hints: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WarmParams(Asked):
    """`warm`: what is known of an x whose rules will be asked for."""

    x: X


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LossParams(Asked):
    """`loss`: lists of rules, one for each of the xs, and the tokens that a lesson may have.

    Its result is the loss of each.
    """

    xs: tuple[X, ...]
    lists: tuple[tuple[Rule, ...], ...]
    max_tokens: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WriteParams(Asked):
    """`write`: the mails for the xs by the small model itself, of so many tokens at the most.

    Its result is the text of each.
    """

    xs: tuple[X, ...]
    max_tokens: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatParams:
    """`chat`: what a large model of this machine is asked. Its events are `{"text": ...}`."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    thinking: bool


def request_of(line: bytes) -> Request:
    """The request of a line; raises RequestMalformed and ProtocolRefused."""
    try:
        return codec.loads(Request, line)
    except ValidationError:  # never in the log: it quotes the line
        said = _field(line, "v")
        if said is not None and said != VERSION:
            raise ProtocolRefused(said, VERSION) from None
        raise RequestMalformed from None


def id_of(line: bytes) -> int | None:
    """The id of a line that is no request, None where it has none."""
    return _field(line, "id")


def described(error: Exception) -> dict[str, Any]:
    """What ends a request by an error: its class, and of ours the fields too."""
    ours = isinstance(error, TrimtabError) and dataclasses.is_dataclass(error)
    fields = dataclasses.asdict(error) if ours else {}  # type: ignore[call-overload]  # an instance
    return {"error": {"type": type(error).__name__, "fields": fields}}


def _field(line: bytes, name: str) -> int | None:
    try:
        found = json.loads(line)[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, int) else None
