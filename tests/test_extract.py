"""`trimtab extract`: the parts of any file, for programs and for people."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import sentence, trimtab

from daemon.commands.mail import extract

QUOTED = "Yes.\n\nOn Tue, 3 Mar 2026 at 09:30, Ben <ben@yard.example> wrote:\n> When?\n"
OwnText = Callable[..., str]
KEYS = ["own_text", "context", "signature", "forwarded", "cuts"]


def parts(*arguments: str | Path, stdin: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(trimtab("extract", *arguments, "--json", stdin=stdin).stdout)
    assert list(found) == KEYS
    return found


@pytest.fixture
def own_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> OwnText:
    """The own text of a file with this content, and that name."""

    def told(content: str | bytes, name: str = "body", *, body: bool = True) -> str:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        extract(file, body=body, as_json=True)
        return str(json.loads(capsys.readouterr().out)["own_text"])

    return told


def test_each_part_is_told_with_the_reason_of_its_cut(tmp_path: Path) -> None:
    """A body needs no headers; the context is structured."""
    file = tmp_path / "body.txt"
    file.write_text(QUOTED, "utf-8")
    assert parts(file, "--body") == {
        "own_text": "Yes.",
        "context": [
            {
                "author": {"name": "Ben", "address": "ben@yard.example"},
                "sent_at": "2026-03-03T09:30:00Z",
                "text": "When?",
            }
        ],
        "signature": "",
        "forwarded": "",
        "cuts": [{"what": "context", "why": "a line that introduces a quote", "line": 3}],
    }


def test_standard_input_is_a_file_too() -> None:
    """As a message, and as a body."""
    assert parts("-", stdin=f"Subject: x\n\n{QUOTED}")["own_text"] == "Yes."
    assert parts("-", "--body", stdin=QUOTED)["own_text"] == "Yes."
    assert parts("-", "--body", stdin="")["own_text"] == ""


@pytest.mark.parametrize(
    "page",
    [
        "<p>Yes.<br>Ada",
        "\n <!-- x --><div>Yes.</div><div>Ada</div>",
        "<!DOCTYPE html><html><body>Yes.<br>Ada</body></html>",
        "Yes.<br>Ada<br>",
        "Yes.<div>Ada</div>",
    ],
)
def test_a_page_is_known_by_its_tags(own_text: OwnText, page: str) -> None:
    """Closed or not, and though it begins with text."""
    assert own_text(page) == "Yes.\nAda"


@pytest.mark.parametrize(
    "text", ["<ben@yard.example> is right.", "Use the <br> tag.", "a <b and c> d", "<3", "x </p>"]
)
def test_a_text_with_angle_brackets_is_no_page(own_text: OwnText, text: str) -> None:
    """An address, a tag that is spoken of, a comparison, a heart."""
    assert own_text(text) == text


def test_the_files_name_says_what_it_is(own_text: OwnText) -> None:
    """Whatever it looks like."""
    assert own_text("<p>Yes.</p>", "body.txt") == "<p>Yes.</p>"
    assert own_text("Yes. &amp; no.", "body.html") == "Yes. & no."


def test_a_body_is_decoded_as_it_is(own_text: OwnText) -> None:
    """By its byte order mark, by what its page says, or by how it looks."""
    assert own_text("Grüße".encode("utf-8-sig")) == "Grüße"
    assert own_text("Grüße".encode("utf-16")) == "Grüße"
    assert own_text("Grüße".encode("latin-1")) == "Grüße"
    page = '<html><head><meta charset="windows-1251"></head><body>Привет</body></html>'
    assert own_text(page.encode("cp1251")) == "Привет"


@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff\xfe" * 500, b"\n\n\n", b"Yes."])
def test_any_bytes_are_a_mail(own_text: OwnText, content: bytes) -> None:
    """Nothing raises, with `--body` and without."""
    for body in (True, False):
        assert own_text(content, body=body) in {"", "Yes."} or b"\xff" in content


def test_people_see_who_wrote_what_and_no_terminal_is_steered(tmp_path: Path) -> None:
    """Only what is there is shown, without control characters and without markup."""
    file = tmp_path / "body.txt"
    file.write_text(f"\x1b[31m[bold]{QUOTED}", "utf-8")
    lines = [line.strip("─ ") for line in trimtab("extract", file, "--body").stdout.split("\n")]
    assert lines == [
        "own text",
        "[31m[bold]Yes.",
        "context: Ben, 2026-03-03 09:30",
        "When?",
        "cuts",
        "context: a line that introduces a quote (line 3)",
        "",
    ]


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A folder is no mail, and neither is a file that is not there."""
    assert "cannot be read as mail" in sentence(trimtab("extract", tmp_path, code=1))
    assert "cannot be read as mail" in sentence(trimtab("extract", tmp_path / "x", code=1))
