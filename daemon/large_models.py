"""The large models of the config, opened, and where their keys come from."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator, Mapping
from functools import partial

from daemon.config import OFFLINE, Config, Large
from daemon.errors import KeychainMissing
from daemon.mailbox.auth import keychain
from daemon.mailbox.auth.credentials import first_line
from mlx_agent.errors import KeyMissing
from mlx_agent.large import LargeModel
from mlx_agent.large.local import Chat
from mlx_agent.large.offline import Offline
from mlx_agent.large.patient import Patient
from mlx_agent.large.prices import FREE, known_price
from mlx_agent.large.registry import open_model
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Price

ATTEMPTS = 6
LONGEST_S = 120.0
"""A provider that asks to wait longer ends the job, which is tried again another time.

Both are for work that nobody waits for. A draft has `Patient`'s own bounds for what is streamed:
two attempts, the second within 8 s, and then the stand-in or one clear error.
"""


class Models(Mapping[str, LargeModel]):
    """The large models that some role names, each opened when it is first asked for.

    An SDK takes a second to load and tens of megabytes, which an idle daemon can do without.
    """

    def __init__(self, config: Config, chat: Chat) -> None:
        """`chat` is the worker's."""
        self._config = config
        self._chat = chat
        self._names = dict.fromkeys(name for _, name in config.models if name)
        self._opened: dict[str, LargeModel] = {}
        self._opening = threading.Lock()  # for whoever warms up opens one beside the loop

    def __getitem__(self, name: str) -> LargeModel:
        with self._opening:
            if name not in self._opened and name in self._names:
                self._opened[name] = _opened(self._config, name, self._chat)
            return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    async def close(self) -> None:
        """Close those that were opened."""
        for model in self._opened.values():
            await model.close()


def find_key(name: str, chosen: Large) -> str:
    """The key of a large model, from the first source that the config names. Blocking.

    Empty for a server of one's own where no source is named. Raises KeyMissing.
    """
    if chosen.key:
        return chosen.key
    if chosen.key_command:
        if not (printed := (first_line(chosen.key_command) or "").strip()):
            raise KeyMissing(name, "key_command printed none")
        return printed
    if chosen.key_env:
        if not (found := os.environ.get(chosen.key_env, "")):
            raise KeyMissing(name, f"the variable {chosen.key_env} is not set")
        return found
    if not chosen.leaves and chosen.provider != "anthropic":
        return ""
    try:
        kept = keychain.read(name, entry(name))
    except KeychainMissing as error:
        raise KeyMissing(name, error.reason) from error
    if kept is None:
        raise KeyMissing(name, "the keychain has no entry for it")
    return kept


def entry(name: str) -> str:
    """A large model's name in the keychain."""
    return f"large/{name}"


def settings_of(chosen: Large) -> ModelSettings:
    """A large model's settings for its client."""
    price = None
    if chosen.price_input is not None and chosen.price_output is not None:
        price = Price(input=chosen.price_input, output=chosen.price_output)
    return ModelSettings(
        model=chosen.model,
        base_url=chosen.base_url,
        remote=chosen.leaves,
        max_tokens=chosen.max_tokens,
        thinking=chosen.thinking,
        timeout_s=chosen.timeout_s,
        price=price,
    )


def list_price(config: Config, name: str, model: LargeModel) -> Price | None:
    """What the config says, else the provider's list; nothing on this machine, None if unknown."""
    chosen = config.large.get(name)
    stated = settings_of(chosen).price if chosen else None
    return stated or (known_price(model.name) if model.remote else FREE)


def _opened(config: Config, name: str, chat: Chat) -> LargeModel:
    if name == OFFLINE:
        return Offline()
    chosen = config.large[name]
    key = partial(asyncio.to_thread, find_key, name, chosen)
    client = open_model(chosen.provider, settings_of(chosen), key, chat)
    return Patient(client, attempts=ATTEMPTS, longest_s=LONGEST_S)
