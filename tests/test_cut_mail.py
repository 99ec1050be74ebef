"""What is stored of a cut: no word of another's among the own text, and doubt is told."""

from datetime import UTC, datetime

from daemon.mailbox.parse import build, parse
from mlx_agent.records import Mail

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def stored(body: str) -> Mail:
    raw = f"From: ada@yard.example\nTo: ben@yard.example\n\n{body}".encode()
    return build("work", parse(raw, NOW)).mail


def test_a_cited_passage_is_no_own_text() -> None:
    """It is another's, though no line introduces it; it stays in the context."""
    mail = stored("> When can you come?\n\nOn Tuesday, with the new rope.\n\nAda\n")
    assert mail.own_text == "On Tuesday, with the new rope.\n\nAda"
    assert [message.text for message in mail.context] == ["When can you come?"]
    assert "unsure" not in mail.flags


def test_a_mail_whose_quote_has_lost_its_marks_is_unsure() -> None:
    """Nobody can tell what of it its sender wrote, so it does not teach."""
    told = "On Tue, 3 Mar 2026 at 09:30, Ben <ben@yard.example> wrote:"
    mail = stored(f"{told}\nWhen can you come?\n\nOn Tuesday.\n\nAda\n")
    assert mail.own_text.endswith("Ada")
    assert "unsure" in mail.flags


def test_a_forward_with_a_word_is_no_bare_forward() -> None:
    """The flag says that there is nothing of one's own."""
    forward = "---------- Forwarded message ----------\nFrom: Ben <ben@yard.example>\n\nRope.\n"
    assert "forward" in stored(forward).flags
    assert "forward" not in stored(f"See below.\n\n{forward}").flags
