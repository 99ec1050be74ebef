"""What a model adds to a mail goes, and what a mail may say stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, OWN_TEXTS, TIM

from mlx_agent.large.offline import write
from mlx_agent.records import Metadata, Rule, X
from mlx_agent.tidy import tidied

ABOUT = Metadata(sender=NORA, to=(TIM,))
AN_X = X(intent=("the boat is ready", "come on Friday"), metadata=ABOUT)
MAIL = "Hi Tim,\n\nthe boat is ready. Come on Friday.\n\nCheers,\nNora"
BLOCK = "Nora Falk\nFalk Boats"


@pytest.mark.parametrize(
    "above",
    [
        "Here is the draft:\n\n",
        "Here's the draft: ",
        "**Here is the draft:**\n\n",
        "Sure! Here's a draft of your email:\n\n---\n\n",
        "Okay, here is the email in your voice.\n\n",
        "I've drafted the reply below:\n\n",
        "Certainly!\n\n",
        "Subject: The boat\n\n",
        "**Subject:** Re: The boat\n",
        "Sure:\n\nSubject: The boat\n\n",
        "Hier ist der Entwurf:\n\n",
        "Gerne, hier ist dein E-Mail-Entwurf:\n\n",
        "Betreff: Das Boot\n\n",
        "Voici le brouillon :\n\n",
        "Bien sûr ! Voici votre e-mail :\n\n",
        "Objet : Le bateau\n\n",
    ],
)
def test_what_stands_before_the_greeting_goes(above: str) -> None:
    """No mail begins before it."""
    assert tidied(above + MAIL, AN_X) == MAIL


@pytest.mark.parametrize(
    "below",
    [
        "Let me know if you want changes to this draft.",
        "Let me know if you'd like it shorter!",
        "---\n\nLet me know if you'd like any changes!",
        "Feel free to adjust the wording as needed.",
        "(I've kept the tone casual and short.)",
        "Note: I left out the date to match the tone you asked for.",
        "Would you like me to make it shorter?",
        "Möchtest du, dass ich etwas anpasse?",
        "Sag mir Bescheid, wenn ich den Entwurf ändern soll.",
        "N'hésitez pas à me dire si vous souhaitez modifier le ton.",
    ],
)
def test_a_remark_below_the_mail_goes(below: str) -> None:
    """It is said to the user, after the end."""
    assert tidied(f"{MAIL}\n\n{below}", AN_X) == MAIL


def test_a_remark_on_the_draft_goes_even_where_no_name_ends_the_mail() -> None:
    """If no bullet speaks of one."""
    mail = "the boat is ready"
    said = f"{mail}\n\nLet me know if you'd like any changes to the draft."
    assert tidied(said, AN_X) == mail
    asked = X(intent=("he may want changes to the draft",), metadata=ABOUT)
    assert tidied(said, asked) == said


@pytest.mark.parametrize(
    "said",
    [
        f"```\n{MAIL}\n```",
        f"```text\nSubject: x\n\n{MAIL}\n```\n\nLet me know if you want me to adjust the tone.",
        f'"{MAIL}"',
        f"“{MAIL}”",
        f"Here is the mail:\n\n```\n{MAIL}\n```",
    ],
)
def test_what_is_put_around_the_whole_goes(said: str) -> None:
    """Fences and quotes, in each other and below a preamble."""
    assert tidied(said, AN_X) == MAIL


@pytest.mark.parametrize(
    "said",
    [
        f"{MAIL}\n\nCheers,\nNora",
        f"{MAIL}\nNora",
        f"{MAIL}\n\nnora",
        MAIL.replace("Cheers,", "Cheers,\n\nCheers,"),
        f"{MAIL}\n\nKind regards,\nNora Falk",
        f"{MAIL}\n\n-- \n{BLOCK}",
        f"{MAIL}\n\n{BLOCK}",
        f"{MAIL}\n\nnora  falk\n\nFalk Boats",
    ],
)
def test_a_mail_ends_once(said: str) -> None:
    """The mail program appends the signature's block."""
    assert tidied(said, AN_X, BLOCK) == MAIL


def test_a_german_ending_is_not_said_twice_either() -> None:
    """Nor a French one."""
    for off in ("Viele Grüße", "Mit freundlichen Grüßen", "LG", "Cordialement,", "Bises"):
        mail = f"Hallo Tim,\n\ndas Boot ist fertig.\n\n{off}\nNora"
        assert tidied(f"{mail}\n\n{off}\nNora", AN_X) == mail


@pytest.mark.parametrize(
    "mail",
    [
        "Here is the draft:\n\nhttps://sea.example/a",
        "Here is the draft of the contract.\n\nNora",
        "Hi Tim,\n\nhere is the draft. Let me know if you'd like any changes to this version.",
        "Hi Tim,\n\nhere's the text:\n\n```\nx = 1\n```\n\nCheers,\nNora",
        '"Ready" is what I said, and you said "no"',
        "Sure!\n\nNora",
        "Sure, come on Friday.",
        "Hi Tim,\n\nSure!\n\nNora",
        "Thanks,\n\nThanks for that",
        "Hi,\n\nThanks!\n\nThanks again,\nNora",
        "Hi\n\nSee you.\n\nNora\n\nPS: Nora is my name",
        "Let me know if you want changes.",
        "Cheers,\nNora",
        "Nora\nNora Falk",
        "Falk Boats",
    ],
)
def test_what_a_mail_may_say_stays(mail: str) -> None:
    """Its drafts and versions are the user's own."""
    x = X(intent=("here is the draft", "changes to the version?"), metadata=ABOUT)
    assert tidied(mail, x, BLOCK) == mail


@pytest.mark.parametrize("own_text", OWN_TEXTS)
def test_a_users_own_mail_stays_whole(own_text: str) -> None:
    """Whatever it was about."""
    assert tidied(own_text, AN_X) == own_text.strip("\n ")


def test_a_name_is_not_cut_for_a_block_of_one_line() -> None:
    """The user signs so."""
    assert tidied(MAIL, AN_X, "Nora") == MAIL


@given(st.text())
def test_any_answer_is_tidied_once_and_for_all(text: str) -> None:
    """What comes out is what went in, less something, and stays as it is."""
    tidy = tidied(text, AN_X, BLOCK)
    assert len(tidy) <= len(text)
    assert tidied(tidy, AN_X, BLOCK) == tidy


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_the_stand_ins_drafts_are_tidy(points: list[str]) -> None:
    """Whatever the bullets say, nothing of them is cut."""
    x = X(intent=tuple(points), metadata=ABOUT)
    rules = (Rule(aspect="greeting", instruction="use no greeting"),)
    mail = write(x, rules).strip("\n ")
    assert tidied(mail, x) == mail


@pytest.mark.parametrize("piece", ['"', "```\n", "Cheers,\n", "Nora\n", "---\n", "Sure!\n", "Hi "])
def test_a_long_answer_is_tidied_in_one_go(piece: str) -> None:
    """The pieces of which it is made would else be read over and over."""
    tidied(piece * (20_000 // len(piece)), AN_X, BLOCK)
