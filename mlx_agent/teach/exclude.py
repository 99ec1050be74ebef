"""What the user has excluded from ever leaving this machine. Pure.

Exclusions are compared generously: what is left out by mistake costs a lesson, what is let through
by mistake cannot be called back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mlx_agent import task_texts
from mlx_agent.characters import SPACELESS, folded
from mlx_agent.records import Address, Mail, Task

Excluded = Literal["address", "folder or label", "word"]

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}+@[^\s<>()\[\],;:\"'@]++")
_BLANKS = r"[\W_]+"
_EDGE = re.compile(rf"[^\W_{SPACELESS}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """What must not leave.

    An entry of `addresses` is an address (`ann@bank.example`), a domain with all of its subdomains
    (`@bank.example`, or without the `@`), or a pattern in which each `*` stands for any characters
    (`*@bank.example` is that domain alone, `*@*.bank.example` its subdomains, `hr-*@*`). Capitals
    and accents do not matter; a domain is the same in its Unicode form and as `xn--`.

    An entry of `words` is a word or a phrase, found as a whole, whatever its case, its accents and
    the marks, blanks and line ends between its words; in scripts without blanks, found anywhere.

    `message_ids` are those of the mails in excluded folders or under excluded labels: they and
    whatever answers them or stands below them in a thread stay here.
    """

    addresses: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    message_ids: frozenset[str] = frozenset()
    compiled: _Filter = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", _Filter(self))


def excluded_mail(mail: Mail, exclusions: Exclusions) -> Excluded | None:
    """Why a mail must not leave, the first reason that applies; None if it may.

    Looked at are its sender, its recipients, the authors of what it answers, its thread, and its
    texts: subject, own text, context, and the names of its people, but no signature and no
    forwarded part, which never leave.
    """
    people = [mail.sender, *mail.to, *mail.cc, *(m.author for m in mail.context)]
    texts = [mail.subject, mail.own_text, *(m.text for m in mail.context)]
    thread = (mail.message_id, mail.in_reply_to, *mail.references)
    return exclusions.compiled.reason(people, thread, texts)


def excluded_task(
    task: Task, exclusions: Exclusions, thread: Iterable[str] = ()
) -> Excluded | None:
    """Why a task must not leave; `thread` are the Message-IDs that a draft goes below."""
    if not exclusions.compiled:
        return None
    return exclusions.compiled.reason(task_texts.people(task), thread, task_texts.texts(task))


class _Filter:
    """Exclusions made ready to be asked about many mails."""

    def __init__(self, exclusions: Exclusions) -> None:
        entries = [entry for entry in map(_address, exclusions.addresses) if entry.strip("@")]
        self._has_addresses = bool(entries)
        plain = [entry for entry in entries if "*" not in entry]
        self._whole = {entry for entry in plain if "@" in entry[1:]}
        self._domains = {entry.removeprefix("@") for entry in plain if "@" not in entry[1:]}
        globs = "|".join(map(_glob, (entry for entry in entries if "*" in entry)))
        self._globs = re.compile(globs or "(?!)")
        self._ids = frozenset(map(_id, exclusions.message_ids)) - {""}
        words = [words for words in (folded(entry).split() for entry in exclusions.words) if words]
        # a search for plain text is many times faster than one for a pattern
        self._words = [(max(words, key=len), re.compile(_phrase(words))) for words in words]

    def __bool__(self) -> bool:
        """Whether anything is excluded."""
        return bool(self._has_addresses or self._ids or self._words)

    def reason(
        self, people: Iterable[Address], thread: Iterable[str], texts: Iterable[str]
    ) -> Excluded | None:
        people = list(people)
        if self._has_addresses and any(map(self._has_address, people)):
            return "address"
        if self._ids and not self._ids.isdisjoint(map(_id, thread)):
            return "folder or label"
        if self._words and any(map(self._has_word, (*texts, *map(_shown, people)))):
            return "word"
        return None

    def _has_address(self, person: Address) -> bool:
        """A list's name for a member holds the member's own address now and then."""
        found = [person.address, *(_ADDRESS.findall(person.name) if "@" in person.name else ())]
        return any(map(self._is_excluded, map(_address, found)))

    def _is_excluded(self, address: str) -> bool:
        if address in self._whole or self._globs.fullmatch(address):
            return True
        labels = address.rpartition("@")[2].split(".")
        return any(".".join(labels[i:]) in self._domains for i in range(len(labels)))

    def _has_word(self, text: str) -> bool:
        text = folded(text)
        return any(word in text and pattern.search(text) for word, pattern in self._words)


def _shown(person: Address) -> str:
    return f"{person.name}\n{person.address.partition('@')[0]}"


def _id(message_id: str) -> str:
    return message_id.strip(" <>")


def _address(text: str) -> str:
    """An address or an entry in its compared form."""
    local, at, domain = text.strip(" <>").rpartition("@")
    labels = folded(domain.strip(".")).split(".")
    return folded(f"{local}{at}") + ".".join(map(_label, labels))


def _label(label: str) -> str:
    """A label of a domain in its Unicode form."""
    if not label.startswith("xn--"):
        return label
    try:
        return folded(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _glob(entry: str) -> str:
    pattern = ".*".join(map(re.escape, entry.split("*")))
    return pattern if "@" in entry[1:] else f".*{'' if entry[:1] == '@' else '@'}{pattern}"


def _phrase(words: list[str]) -> str:
    """A pattern for these words in this order, as a whole."""
    before = r"(?<![^\W_])" if _EDGE.match(words[0][0]) else ""
    after = r"(?![^\W_])" if _EDGE.match(words[-1][-1]) else ""
    return before + _BLANKS.join(map(re.escape, words)) + after
