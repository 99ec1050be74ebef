"""What a sync should do, decided from snapshots. Pure: no I/O, no clock.

Folders, UIDs and body sections are chosen here; `imap` fetches, `sync` commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal
from unicodedata import normalize

from daemon.records import FolderView

BATCH = 1000
"""Messages in a batch."""
COMMAND_BYTES = 8000
"""Bytes of UIDs in one command; servers refuse lines much longer."""
MAX_PART_BYTES = 262_144
"""Bytes fetched of one text part."""
MAX_BATCH_BYTES = 8_388_608
"""Bytes of text asked for by one command."""

Role = Literal["sent", "drafts"]

_CLOSED = frozenset({"\\noselect", "\\nonexistent"})
"""Flags of names that hold other folders and no mail."""
_FLAGS = {"sent": "\\sent", "drafts": "\\drafts"}
_NAMES = {
    "sent": (
        "sent", "sent mail", "sent items", "sent messages", "sent-mail", "gesendet",
        "gesendete elemente", "gesendete objekte", "gesendete nachrichten", "envoyés",
        "messages envoyés", "éléments envoyés", "courrier envoyé", "enviados", "enviadas",
        "elementos enviados", "itens enviados", "correo enviado", "posta inviata", "inviati",
        "inviata", "verzonden", "verzonden items", "verzonden berichten",
        "skickat", "skickade objekt", "skickade", "sendt", "sendte elementer", "sendte",
        "sendt post", "lähetetyt", "lähetetyt viestit", "wysłane", "elementy wysłane", "odeslané",
        "odeslaná pošta", "odoslané", "elküldött", "elküldött elemek", "trimise", "poslano",
        "gönderilmiş", "gönderilmiş öğeler", "gönderilenler", "enviats", "bidalitakoak",
        "отправленные", "надіслані", "изпратени", "απεσταλμένα", "נשלחו", "المرسلة", "ส่งแล้ว",
        "đã gửi", "terkirim", "送信済み", "送信済みアイテム", "已发送", "已发送邮件", "寄件備份",
        "보낸편지함", "보낸 편지함",
    ),
    "drafts": (
        "drafts", "draft", "entwürfe", "brouillons", "borradores", "bozze", "rascunhos",
        "concepten", "utkast", "kladder", "luonnokset", "wersje robocze", "szkice", "koncepty",
        "rozepsané", "rozpísané", "piszkozatok", "ciorne", "skice", "taslaklar", "esborranys",
        "zirriborroak", "черновики", "чернетки", "чернови", "πρόχειρα", "טיוטות", "مسودات",
        "ร่าง", "thư nháp", "draf", "下書き", "草稿", "草稿箱", "임시보관함", "임시 보관함",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder as LIST gives it."""

    name: str
    flags: tuple[str, ...]
    delimiter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A text leaf to fetch: its section number (`1.2`) and how to decode it."""

    number: str
    subtype: str
    encoding: str
    charset: str
    flowed: bool
    octets: int
    delsp: bool = False
    alone: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a BODYSTRUCTURE says: the sections to fetch, and the types of all leaves.

    `spare` are other forms of the same text, for the case that those sections say nothing.
    """

    sections: tuple[Section, ...]
    types: tuple[str, ...]
    spare: tuple[Section, ...] = ()


def choose_folder(folders: Sequence[Folder], role: Role, configured: str) -> str | None:
    """The folder's name: the configured one, else by SPECIAL-USE, else by a known name."""
    if configured:
        return next((f.name for f in folders if f.name == configured), None)
    folders = [f for f in folders if _CLOSED.isdisjoint(flag.lower() for flag in f.flags)]
    for folder in folders:
        if _FLAGS[role] in {flag.lower() for flag in folder.flags}:
            return folder.name
    for wanted in _NAMES[role]:
        for folder in folders:
            last = folder.name.split(folder.delimiter)[-1] if folder.delimiter else folder.name
            if normalize("NFC", last).casefold() == wanted:
                return folder.name
    return None


def is_gapless(before: FolderView | None, now: FolderView, known: int) -> bool:
    """Whether all that the folder held was known, so that its count tells what has changed.

    UIDs only ascend (RFC 9051, 2.3.1.1): then what it holds now is of the `known` ones or above.
    """
    return before is not None and before.messages == known and before.uidnext <= now.uidnext


def newest_first(uids: Iterable[int]) -> list[int]:
    """UIDs in descending order: the newest mail teaches first."""
    return sorted(uids, reverse=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many messages a batch may have: fewer after a lost connection, more after a success."""

    size: int = BATCH
    tries: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether the connection broke at one and the same message twice."""
        return self.tries >= 2

    def lost(self) -> Pace:
        """After the connection broke in a batch."""
        return Pace(max(1, self.size // 4), self.tries + (self.size == 1))

    def won(self) -> Pace:
        """After a batch."""
        return Pace(min(BATCH, self.size * 2))


def take_batch(todo: Sequence[int], count: int) -> tuple[int, ...]:
    """The first UIDs, at most `count`, and no more than a command's line can hold."""
    length, batch = 0, 0
    for uid in todo[:count]:
        length += len(str(uid)) + 1
        if batch and length > COMMAND_BYTES:
            break
        batch += 1
    return tuple(todo[:batch])


def by_sections(
    structures: Mapping[int, Structure],
) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Messages whose text lies in the same sections, to be asked for by one command.

    No group brings more than MAX_BATCH_BYTES, by what the structures say, or is longer than a
    command's line can be.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for uid, structure in structures.items():
        numbers = tuple(section.number for section in structure.sections)
        if numbers:
            groups.setdefault(numbers, []).append(uid)
    for numbers, uids in groups.items():
        yield from ((numbers, cut) for cut in _cut_by_bytes(uids, structures))


def _cut_by_bytes(
    uids: Sequence[int], structures: Mapping[int, Structure]
) -> Iterator[tuple[int, ...]]:
    batch: list[int] = []
    total = 0
    for uid in uids:
        size = sum(min(s.octets, MAX_PART_BYTES) for s in structures[uid].sections)
        if batch and total + size > MAX_BATCH_BYTES:
            yield tuple(batch)
            batch, total = [], 0
        batch.append(uid)
        total += size
    if batch:
        yield tuple(batch)


def read_structure(body: Any) -> Structure:
    """Walk a BODYSTRUCTURE, a list of lists; raises ValueError where it has another shape."""
    sections: list[Section] = []
    types: list[str] = []
    try:
        _walk(body, "", sections, types, depth=0, alone=True)
    except (TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError("a body structure of an unknown shape") from error
    if _is_formless(sections, types):
        sections = [_SHAPELESS]
    forms = [section for section in sections if not section.alone]
    if not any(section.subtype == "plain" for section in forms):
        return Structure(sections=tuple(sections), types=tuple(types))
    spare = tuple(section for section in forms if section.subtype != "plain")
    read = tuple(section for section in sections if section not in spare)
    return Structure(sections=read, types=tuple(types), spare=spare)


_SHAPELESS = Section(
    number="TEXT", subtype="plain", encoding="", charset="", flowed=False, octets=MAX_PART_BYTES
)


def _is_formless(sections: Sequence[Section], types: Sequence[str]) -> bool:
    """A multipart whose parts cannot be told apart: a server shows empty parts, or none."""
    leaves = [kind for kind in types if not kind.startswith("multipart/")]
    empty = len(leaves) == len(sections) and not any(section.octets for section in sections)
    return empty and len(leaves) < len(types)


def _walk(
    body: Any,
    number: str,
    sections: list[Section],
    types: list[str],
    depth: int,
    *,
    alone: bool,
) -> None:
    if depth > 50:
        raise ValueError("a body structure that is nested too deep")
    if isinstance(body[0], tuple):
        children = tuple(takewhile(lambda part: isinstance(part, tuple), body))
        types.append(f"multipart/{_text(body[len(children)])}")
        alone = alone and types[-1] != "multipart/alternative"
        for position, child in enumerate(children, 1):
            place = f"{number}.{position}".lstrip(".")
            _walk(child, place, sections, types, depth + 1, alone=alone)
        return
    main, subtype = _text(body[0]), _text(body[1])
    if not subtype:  # `Content-Type: text` is no type, and so means plain text (RFC 2045, 5.2)
        main, subtype = "text", "plain"
    parameters = _parameters(body[2])
    attached = _is_attachment(body, named="name" in parameters, first=not sections)
    if attached and subtype == "calendar":  # a file of dates says nothing of its mail
        main, subtype = "application", "ics"
    types.append(f"{main}/{subtype}")
    if main == "text" and subtype in {"plain", "html"} and not attached:
        sections.append(
            Section(
                number=number or "1",
                subtype=subtype,
                encoding=_text(body[5]),
                charset=parameters.get("charset", ""),
                flowed=parameters.get("format", "") == "flowed",
                delsp=parameters.get("delsp", "") == "yes",
                alone=alone,
                octets=body[6] if isinstance(body[6], int) else MAX_PART_BYTES,
            )
        )


def _is_attachment(body: Any, *, named: bool, first: bool) -> bool:
    """Whether a leaf is a file: it is called one, or is `named` and not the first text.

    The disposition, which may name it too, is anywhere among the extension data.
    """
    extras = [item for item in body[7:] if isinstance(item, tuple) and item]
    for item in extras:
        if _text(item[0]) == "attachment":
            return True
        named = named or "filename" in _parameters(item[1] if len(item) > 1 else None)
    return named and not first


def _parameters(pairs: Any) -> dict[str, str]:
    if not isinstance(pairs, tuple):
        return {}
    flat = [_text(item) for item in pairs]
    return dict(zip(flat[::2], flat[1::2], strict=False))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").lower()
    return value.lower() if isinstance(value, str) else ""
