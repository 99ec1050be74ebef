"""What a sync decides: which folder, which UIDs in which batches, which body sections."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mailbox.parsing.fetch_answers import read_rows
from daemon.mailbox.plan import (
    COMMAND_BYTES,
    MAX_BATCH_BYTES,
    MAX_PART_BYTES,
    Folder,
    Pace,
    Role,
    Section,
    Structure,
    by_sections,
    choose_folder,
    is_gapless,
    newest_first,
    read_structure,
    take_batch,
)
from daemon.records import FolderView

SECTION = Section(
    number="1",
    subtype="plain",
    encoding="quoted-printable",
    charset="utf-8",
    flowed=False,
    octets=912,
)


def folder(name: str, *flags: str, delimiter: str | None = "/") -> Folder:
    return Folder(name=name, flags=flags, delimiter=delimiter)


# --- folders ----------------------------------------------------------------------------------


def test_a_configured_folder_is_taken_or_nothing_is() -> None:
    """A name in the config beats every flag, and a wrong one is not replaced by a guess."""
    folders = [folder("Sent", "\\Sent"), folder("Outgoing")]
    assert choose_folder(folders, "sent", "Outgoing") == "Outgoing"
    assert choose_folder(folders, "sent", "outgoing") is None


def test_a_name_may_be_written_in_two_ways() -> None:
    """Accents are composed on some servers and not on others."""
    for name in ("Envoyés", "Envoye\u0301s"):
        assert choose_folder([folder(name)], "sent", "") == name


@pytest.mark.parametrize("flag", ["\\Sent", "\\SENT", "\\sent"])
def test_special_use_beats_a_name(flag: str) -> None:
    """What the server marks is believed, however it spells the mark."""
    folders = [folder("Sent"), folder("Gesendet", "\\HasNoChildren", flag)]
    assert choose_folder(folders, "sent", "") == "Gesendet"


@pytest.mark.parametrize(
    ("role", "name", "delimiter"),
    [
        ("sent", "Sent", "/"),
        ("sent", "INBOX.Sent", "."),
        ("sent", "[Gmail]/Sent Mail", "/"),
        ("sent", "Sent Messages", None),
        ("sent", "ENVOYÉS", "/"),
        ("sent", "Отправленные", "/"),
        ("drafts", "INBOX/Entwürfe", "/"),
        ("drafts", "下書き", "/"),
    ],
)
def test_a_known_name_is_found_without_a_mark(role: Role, name: str, delimiter: str | None) -> None:
    """In many languages, below any parent, in any case."""
    folders = [folder("INBOX", delimiter=delimiter), folder(name, delimiter=delimiter)]
    assert choose_folder(folders, role, "") == name


def test_the_better_known_name_wins() -> None:
    """Whatever the order in which the server lists them."""
    assert choose_folder([folder("Sent Items"), folder("Sent")], "sent", "") == "Sent"


def test_a_name_that_only_holds_folders_is_passed_over() -> None:
    """A parent that cannot be opened has no mail in it."""
    folders = [folder("Sent", "\\Noselect"), folder("Sent/Sent Items")]
    assert choose_folder(folders, "sent", "") == "Sent/Sent Items"


def test_no_folder_of_the_role_is_none() -> None:
    """Not even one whose name holds the word."""
    folders = [folder("INBOX"), folder("Sent 2019"), folder("Drafts", "\\Drafts")]
    assert choose_folder(folders, "sent", "") is None


# --- UIDs -------------------------------------------------------------------------------------

UIDS = st.integers(min_value=1, max_value=2**32 - 1)


def view(messages: int, uidnext: int) -> FolderView:
    return FolderView(uidvalidity=7, uidnext=uidnext, messages=messages)


@pytest.mark.parametrize(
    ("before", "known", "gapless"),
    [
        (None, 0, False),  # it was never read to its end
        (view(8, 11), 8, True),
        (view(8, 11), 7, False),  # something is missing, or was marked as deleted
        (view(8, 30), 8, False),  # a UIDNEXT that went down (the server was restored)
    ],
)
def test_a_count_tells_what_changed_only_without_gaps(
    before: FolderView | None, known: int, gapless: bool
) -> None:
    """Else the folder must be listed."""
    assert is_gapless(before, view(9, 12), known) is gapless


@given(st.sets(UIDS))
def test_the_newest_come_first(uids: set[int]) -> None:
    """Each once, in descending order."""
    assert newest_first(uids) == sorted(uids)[::-1]


@given(st.lists(UIDS, min_size=1, max_size=3000), st.integers(min_value=1, max_value=3000))
def test_a_batch_fits_into_a_command(uids: list[int], count: int) -> None:
    """The first ones, at least one and at most so many as were asked for."""
    batch = take_batch(uids, count)
    assert list(batch) == uids[: len(batch)]
    assert 1 <= len(batch) <= count
    assert len(",".join(map(str, batch))) <= COMMAND_BYTES
    if len(batch) < min(count, len(uids)):
        assert len(",".join(map(str, uids[: len(batch) + 1]))) >= COMMAND_BYTES


def test_batches_shrink_when_the_connection_breaks_and_grow_again() -> None:
    """At one message that breaks it twice there is no hope; one success forgives."""
    pace = Pace()
    sizes = []
    while not pace.is_hopeless:
        sizes.append(pace.size)
        pace = pace.lost()
    assert sizes == [1000, 250, 62, 15, 3, 1, 1]
    grown = [(pace := pace.won()).size for _ in range(11)]
    assert grown == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000]


def of(*octets: int) -> Structure:
    """A message with so many bytes in sections 1, 2, ..."""
    sections = tuple(
        replace(SECTION, number=str(i), octets=size) for i, size in enumerate(octets, 1)
    )
    return Structure(sections=sections, types=())


def test_messages_are_grouped_by_where_their_text_lies() -> None:
    """One command for each set of sections; a message without text needs none."""
    groups = by_sections({1: of(9), 2: of(9, 9), 3: of(), 4: of(5)})
    assert list(groups) == [(("1",), (1, 4)), (("1", "2"), (2,))]


@given(st.lists(st.integers(min_value=0, max_value=10**10), max_size=200))
def test_no_command_brings_more_than_it_may(sizes: list[int]) -> None:
    """By what the server says of each part, and what is fetched of it at most."""
    groups = list(by_sections({uid: of(size) for uid, size in enumerate(sizes)}))
    assert [uid for _, uids in groups for uid in uids] == list(range(len(sizes)))
    for _, uids in groups:
        total = sum(min(sizes[uid], MAX_PART_BYTES) for uid in uids)
        assert total <= MAX_BATCH_BYTES or len(uids) == 1


# --- structures -------------------------------------------------------------------------------

PLAIN = b'("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "QUOTED-PRINTABLE" 912 1 NIL NIL NIL NIL)'
HTML = b'("text" "html" ("charset" "utf-8") NIL NIL "base64" 90 3 NIL NIL NIL NIL)'
PDF = b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 900 NIL ("attachment" NIL) NIL NIL)'
ATTACHED = b'("text" "plain" NIL NIL NIL "7bit" 9 1 NIL ("ATTACHMENT" ("filename" "a")) NIL NIL)'
INLINE = b'("text" "plain" NIL NIL NIL "7bit" 9 1 NIL ("inline" NIL) NIL NIL)'
ALTERNATIVE = b"(" + PLAIN + HTML + b' "alternative" ("boundary" "b") NIL NIL NIL)'


def answered(structure: bytes) -> Any:
    """A BODYSTRUCTURE as it is read from an answer."""
    rows, _ = read_rows([b"1 (UID 7 BODYSTRUCTURE " + structure + b")"])
    return rows[7][b"BODYSTRUCTURE"]


def numbers(structure: bytes) -> list[tuple[str, str]]:
    return [(s.number, s.subtype) for s in read_structure(answered(structure)).sections]


def test_a_single_part_is_section_1() -> None:
    """With all that is needed to decode it, in small letters."""
    assert read_structure(answered(PLAIN)) == Structure(sections=(SECTION,), types=("text/plain",))


def test_of_alternatives_the_plain_one_is_fetched() -> None:
    """It is the one that is read; the other is there for the case that it says nothing."""
    found = read_structure(answered(ALTERNATIVE))
    assert [(s.number, s.subtype) for s in found.sections] == [("1", "plain")]
    assert [(s.number, s.subtype) for s in found.spare] == [("2", "html")]
    assert found.types == ("multipart/alternative", "text/plain", "text/html")


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (b"(" + ALTERNATIVE + PDF + b' "mixed")', [("1.1", "plain")]),
        (b"(" + PDF + ALTERNATIVE + b' "mixed")', [("2.1", "plain")]),
        (b"((" + ALTERNATIVE + PDF + b' "related")' + PDF + b' "mixed")', [("1.1.1", "plain")]),
        (b"(" + PDF + HTML + b' "mixed")', [("2", "html")]),
        (b"(" + PLAIN + HTML + b' "mixed")', [("1", "plain"), ("2", "html")]),
        (b"(" + PLAIN + ATTACHED + INLINE + b' "mixed")', [("1", "plain"), ("3", "plain")]),
        (PDF, []),
        (ATTACHED, []),
    ],
)
def test_sections_are_numbered_as_the_protocol_does(
    structure: bytes, expected: list[tuple[str, str]]
) -> None:
    """By place at each depth; attachments count and are not fetched."""
    assert numbers(structure) == expected


def test_a_message_within_a_message_is_an_attachment() -> None:
    """Somebody else's text is not fetched."""
    envelope = b'(NIL "subject" NIL NIL NIL NIL NIL NIL NIL NIL)'
    inner = b'("message" "rfc822" NIL NIL NIL "7bit" 99 ' + envelope + PLAIN + b" 3 NIL NIL NIL)"
    found = read_structure(answered(b"(" + PLAIN + inner + b' "mixed")'))
    assert [section.number for section in found.sections] == ["1"]
    assert found.types == ("multipart/mixed", "text/plain", "message/rfc822")


def test_a_text_that_is_neither_plain_nor_html_is_only_named() -> None:
    """A calendar's answer is known by its type."""
    calendar = b'("text" "calendar" ("method" "REPLY") NIL NIL "7bit" 9 1 NIL NIL NIL NIL)'
    found = read_structure(answered(b"(" + PLAIN + calendar + b' "alternative")'))
    assert [section.number for section in found.sections] == ["1"]
    assert found.types[-1] == "text/calendar"


def test_an_attached_calendar_is_a_file() -> None:
    """It says nothing of the mail that carries it; inline, it is an answer to an invitation."""
    file = b'("text" "calendar" NIL NIL NIL "7bit" 9 1 NIL ("attachment" NIL) NIL NIL)'
    found = read_structure(answered(b"(" + PLAIN + file + b' "mixed")'))
    assert found.types == ("multipart/mixed", "text/plain", "application/ics")


@pytest.mark.parametrize(
    "named",
    [
        b'("text" "plain" ("name" "a.txt") NIL NIL "7bit" 9 1 NIL NIL NIL NIL)',
        b'("text" "plain" NIL NIL NIL "7bit" 9 1 NIL ("inline" ("filename" "a.txt")) NIL NIL)',
    ],
)
def test_a_named_text_below_the_first_is_a_file(named: bytes) -> None:
    """As the first it is the mail's own text, whatever its name."""
    assert numbers(b"(" + PLAIN + named + b' "mixed")') == [("1", "plain")]
    assert numbers(b"(" + named + PDF + b' "mixed")') == [("1", "plain")]


def test_format_flowed_is_known() -> None:
    """In any case of letters."""
    flowed = b'("text" "plain" ("format" "Flowed" "charset" "us-ascii") NIL NIL "7bit" 9 1)'
    (section,) = read_structure(answered(flowed)).sections
    assert (section.flowed, section.charset) == (True, "us-ascii")


@pytest.mark.parametrize("kind", [b'"text" ""', b'"garbage" ""', b'"text" NIL'])
def test_what_is_no_type_is_plain_text(kind: bytes) -> None:
    """As the standard says, and as the message is read when it comes from a file."""
    found = read_structure(answered(b"(" + kind + b' NIL NIL NIL "7bit" 9 1)'))
    assert [(s.number, s.subtype) for s in found.sections] == [("1", "plain")]
    assert found.types == ("text/plain",)


EMPTY = b'("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (b"(" + EMPTY + b' "mixed")', ["TEXT"]),
        (b"(" + EMPTY + EMPTY + b' "mixed")', ["TEXT"]),
        (b"(" + EMPTY + PDF + b' "mixed")', ["1"]),
        (EMPTY, ["1"]),
    ],
)
def test_a_multipart_without_parts_is_fetched_as_text(
    structure: bytes, expected: list[str]
) -> None:
    """Its boundary is missing or wrong: a server then shows one empty part."""
    assert [number for number, _ in numbers(structure)] == expected


def test_parameters_may_be_missing() -> None:
    """A server that knows no charset says NIL."""
    (section,) = read_structure(answered(b'("text" "plain" NIL NIL NIL NIL 9 1)')).sections
    assert (section.charset, section.encoding) == ("", "")


@pytest.mark.parametrize(
    "body", [None, 7, (), ("text",), ((None,), b"mixed"), ((7,), b"mixed"), ((),), ((b"a",),)]
)
def test_another_shape_is_a_value_error(body: Any) -> None:
    """The message is then fetched whole."""
    with pytest.raises(ValueError, match="a body structure of an unknown shape"):
        read_structure(body)


def test_a_structure_too_deep_is_a_value_error() -> None:
    """No mail program nests fifty parts."""
    body: Any = (b"text", b"plain", None, None, None, b"7bit", 1, 1)
    for _ in range(60):
        body = (body, b"mixed")
    with pytest.raises(ValueError, match="nested too deep"):
        read_structure(body)


TREES = st.recursive(
    st.none() | st.integers() | st.binary(max_size=9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9).map(tuple),
)


REFUSALS = {"a body structure of an unknown shape", "a body structure that is nested too deep"}


def outcome(body: Any) -> Structure | str:
    try:
        return read_structure(body)
    except ValueError as error:
        return str(error)


@given(TREES)
def test_any_answer_is_read_or_refused(body: Any) -> None:
    """A server can send what it likes: a structure, or the one kind of error."""
    found = outcome(body)
    assert isinstance(found, Structure) or found in REFUSALS
