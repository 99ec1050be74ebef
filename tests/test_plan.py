"""What a sync decides: which folder, which UIDs in which batches, which body sections."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_parser import parse_fetch_response

from daemon.mailbox.plan import (
    COMMAND_BYTES,
    Folder,
    Role,
    Section,
    Structure,
    batches,
    choose_folder,
    is_known,
    new_uids,
    read_structure,
)
from daemon.records import FolderState


def folder(name: str, *flags: str, delimiter: str | None = "/") -> Folder:
    return Folder(name=name, flags=flags, delimiter=delimiter)


# --- folders ----------------------------------------------------------------------------------


def test_a_configured_folder_is_taken_or_nothing_is() -> None:
    """A name in the config beats every flag, and a wrong one is not replaced by a guess."""
    folders = [folder("Sent", "\\Sent"), folder("Outgoing")]
    assert choose_folder(folders, "sent", "Outgoing") == "Outgoing"
    assert choose_folder(folders, "sent", "outgoing") is None


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


@pytest.mark.parametrize(
    ("stored", "now", "known"),
    [(None, 7, False), (7, 7, True), (7, 8, False), (8, 7, False), (4_000_000_777, 1, False)],
)
def test_a_folder_is_known_by_its_uidvalidity(stored: int | None, now: int, known: bool) -> None:
    """Any other value, a lower one too, is another folder."""
    state = stored and FolderState(account="work", folder="Sent", uidvalidity=stored, last_uid=3)
    assert is_known(state or None, now) is known


UIDS = st.integers(min_value=1, max_value=2**32 - 1)


@given(st.lists(UIDS), UIDS)
def test_new_uids_are_those_above_ascending(found: list[int], after: int) -> None:
    """Each once, in order, none that is stored, none left out."""
    new = new_uids(found, after)
    assert list(new) == sorted(set(new))
    assert set(new) == {uid for uid in found if uid > after}


def test_a_search_that_names_the_last_message_brings_nothing_new() -> None:
    """`UID 41:*` matches message 40 where there is no later one."""
    assert new_uids([40], 40) == ()


@given(st.lists(UIDS, max_size=300), st.integers(min_value=1, max_value=50))
def test_batches_keep_every_uid_in_order(uids: list[int], count: int) -> None:
    """Joined again they are what was cut; none is empty or above its count."""
    cut = list(batches(uids, count))
    assert [uid for batch in cut for uid in batch] == uids
    assert all(1 <= len(batch) <= count for batch in cut)
    assert all(len(batch) == count for batch in cut[:-1])


@given(UIDS, st.integers(min_value=1, max_value=5000))
def test_a_command_is_never_too_long(first: int, number: int) -> None:
    """However many are asked for at once, a batch's UIDs fit into one command."""
    uids = list(range(first, first + number))
    cut = list(batches(uids, count=number))
    assert all(len(",".join(map(str, batch))) <= COMMAND_BYTES for batch in cut)
    assert [uid for batch in cut for uid in batch] == uids


# --- structures -------------------------------------------------------------------------------

PLAIN = b'("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "QUOTED-PRINTABLE" 12 1 NIL NIL NIL NIL)'
HTML = b'("text" "html" ("charset" "utf-8") NIL NIL "base64" 90 3 NIL NIL NIL NIL)'
PDF = b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 900 NIL ("attachment" NIL) NIL NIL)'
ATTACHED = b'("text" "plain" NIL NIL NIL "7bit" 9 1 NIL ("ATTACHMENT" ("filename" "a")) NIL NIL)'
INLINE = b'("text" "plain" NIL NIL NIL "7bit" 9 1 NIL ("inline" NIL) NIL NIL)'
ALTERNATIVE = b"(" + PLAIN + HTML + b' "alternative" ("boundary" "b") NIL NIL NIL)'


def answered(structure: bytes) -> Any:
    """A BODYSTRUCTURE as imapclient gives it."""
    line = b"1 (UID 7 BODYSTRUCTURE " + structure + b")"
    return parse_fetch_response([line])[7][b"BODYSTRUCTURE"]


def numbers(structure: bytes) -> list[tuple[str, str]]:
    return [(s.number, s.subtype) for s in read_structure(answered(structure)).sections]


def test_a_single_part_is_section_1() -> None:
    """With all that is needed to decode it, in small letters."""
    section = Section(
        number="1", subtype="plain", encoding="quoted-printable", charset="utf-8", flowed=False
    )
    assert read_structure(answered(PLAIN)) == Structure(sections=(section,), types=("text/plain",))


def test_the_parts_of_a_multipart_are_numbered() -> None:
    """Both texts are fetched, and every type is told, the outer one first."""
    found = read_structure(answered(ALTERNATIVE))
    assert [(s.number, s.subtype) for s in found.sections] == [("1", "plain"), ("2", "html")]
    assert found.types == ("multipart/alternative", "text/plain", "text/html")


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (b"(" + ALTERNATIVE + PDF + b' "mixed")', [("1.1", "plain"), ("1.2", "html")]),
        (b"(" + PDF + ALTERNATIVE + b' "mixed")', [("2.1", "plain"), ("2.2", "html")]),
        (
            b"((" + ALTERNATIVE + PDF + b' "related")' + PDF + b' "mixed")',
            [("1.1.1", "plain"), ("1.1.2", "html")],
        ),
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


def test_format_flowed_is_known() -> None:
    """In any case of letters."""
    flowed = b'("text" "plain" ("format" "Flowed" "charset" "us-ascii") NIL NIL "7bit" 9 1)'
    (section,) = read_structure(answered(flowed)).sections
    assert (section.flowed, section.charset) == (True, "us-ascii")


def test_parameters_may_be_missing() -> None:
    """A server that knows no charset says NIL."""
    (section,) = read_structure(answered(b'("text" "plain" NIL NIL NIL NIL 9 1)')).sections
    assert (section.charset, section.encoding) == ("", "")


@pytest.mark.parametrize(
    "body", [None, 7, (), ("text",), ([None], b"mixed"), ([7], b"mixed"), ([],)]
)
def test_another_shape_is_a_value_error(body: Any) -> None:
    """The message is then fetched whole."""
    with pytest.raises(ValueError, match="a body structure of an unknown shape"):
        read_structure(body)


def test_a_structure_too_deep_is_a_value_error() -> None:
    """No mail program nests fifty parts."""
    body: Any = (b"text", b"plain", None, None, None, b"7bit", 1, 1)
    for _ in range(60):
        body = ([body], b"mixed")
    with pytest.raises(ValueError, match="nested too deep"):
        read_structure(body)


TREES = st.recursive(
    st.none() | st.integers() | st.binary(max_size=9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=9).map(tuple),
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
