"""What `trimtab draft` says of a draft."""

from daemon.commands.draft import findings
from mlx_agent import codec
from mlx_agent.findings import Checks, Uncovered, Unsupported, WrongLanguage


def test_findings_are_told_in_sentences() -> None:
    """Each once; bullets are counted from one."""
    fact = Unsupported(kind="time", text="4pm", start=3, end=6)
    checks = Checks(
        uncovered=(Uncovered(position=0), Uncovered(position=2, facts=("3pm", "Bo"))),
        unsupported=(fact, Unsupported(kind="time", text="4pm", start=9, end=12)),
        language=WrongLanguage(written="en", wanted="de"),
    )
    assert findings(codec.to_data(checks)) == [
        "Not in the draft: bullet 1.",
        "Not in the draft: bullet 3 (3pm, Bo).",
        "In neither bullets nor mail: 4pm (time).",
        "The draft is in English, not in German.",
    ]


def test_of_a_good_draft_nothing_is_said() -> None:
    """The provenance stands there alone."""
    assert findings(codec.to_data(Checks())) == []
