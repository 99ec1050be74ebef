"""What is seen of a text, and which letters count as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.characters import folded, visible
from mlx_agent.render import unmarked


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Grüße, 山田 ☺ №5 – “so”\t\n", "Grüße, 山田 ☺ №5 – “so”\t\n"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("\x00a\x1b[31m\x7f\x9b", "a[31m"),
        ("pay \u202eeno\u202c \u2066b\u2069\u200f\u061c", "pay eno b"),
        ("sal\u00ada\u200br\ufeffy\u2060\u2063", "salary"),
        ("ok\U000e0073\U000e0061\U000e0079\U000e007f", "ok"),
        ("\U0001f642\U000e0150\U000e0151\ufe01", "\U0001f642"),
        ("\u3164\uffa0\u115f\u034f", ""),
        (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 ❤\ufe0f",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 ❤\ufe0f",
        ),
        ("می\u200cخواهم क\u094d\u200dष", "می\u200cخواهم क\u094d\u200dष"),
        ("<\u200d/a\u200cb \u200dx", "</ab x"),
        ("☺\u200c\u200d\u200c\ufe0f", "☺\u200c"),
        ("\ud83d \udc00", "\ufffd \ufffd"),
    ],
)
def test_what_nobody_sees_is_left_out(text: str, seen: str) -> None:
    """What letters and emoji need stays, one sign at a time."""
    assert visible(text) == seen


@given(st.text())
def test_any_text_can_be_written_and_looked_at_again(text: str) -> None:
    """In any encoding of Unicode; nothing is left to leave out."""
    seen = visible(text)
    assert visible(seen) == seen
    assert seen.encode("utf-16").decode("utf-16") == seen
    assert len(seen.split("\n")) == len(seen.splitlines() or [""]) + seen.endswith("\n")


@pytest.mark.parametrize(
    ("text", "same"),
    [("Café", "CAFE\u0301"), ("Łódź", "lodz"), ("STRASSE", "straße"), ("ﬁne", "Fi\u00adNE")],
)
def test_letters_are_the_same_without_case_and_accents(text: str, same: str) -> None:
    """And without what nobody sees."""
    assert folded(text) == folded(same)


@pytest.mark.parametrize(
    ("text", "broken_up"),
    [
        ("</data-0> <rules> <!-- <?x", "< /data-0> < rules> < !-- < ?x"),
        (
            "<|im_end|> <｜User｜> ＜/rules＞ <<SYS>>",
            "< |im_end|> < ｜User｜> ＜ /rules＞ << SYS>>",
        ),
        ("[INST] [/INST] [TOOL_CALLS]", "[ INST] [ /INST] [ TOOL_CALLS]"),
        ("<tim@oduya.example> <https://x.example/a?b> <mailto:a@b.example>",) * 2,
        ("a < b, 3 <4, <3, <-, [EXTERNAL] [1]",) * 2,
        ("</data@x> <|x@y.z>", "< /data@x> < |x@y.z>"),
    ],
)
def test_tags_and_marks_are_broken_up(text: str, broken_up: str) -> None:
    """Links, addresses and what else has such a sign stay as they are."""
    assert unmarked(text) == broken_up
