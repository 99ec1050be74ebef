"""Which language a text is in, and which one a draft has to be in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, TIM

from mlx_agent.language import NAMES, SMALL_WORDS, language, named, wanted
from mlx_agent.records import ContextMessage, Metadata, X

SAID = {
    "en": "Could you tell me if the boat will be ready for us on Friday, and what it costs?",
    "de": "Können Sie mir bitte sagen, ob das Boot am Freitag fertig ist und was es kostet?",
    "fr": "Pouvez-vous me dire si le bateau est prêt pour vendredi et ce que cela va coûter ?",
    "es": "¿Puede decirme si el barco está listo para el viernes y lo que cuesta con la vela?",
    "it": "Mi può dire se la barca è pronta per venerdì e quanto costa con la vela nuova?",
    "nl": "Kunt u mij zeggen of de boot op vrijdag klaar is en wat het kost met een nieuw zeil?",
    "pt": "Você pode me dizer se o barco está pronto para sexta-feira e quanto é com a vela?",
    "da": "Kan du sige mig om båden er klar på fredag, og hvad det koster med et nyt sejl?",
    "sv": "Kan du säga mig om båten är klar på fredag och vad det kostar med ett nytt segel?",
    "pl": "Czy może mi Pan powiedzieć, czy łódka jest gotowa na piątek i ile to będzie?",
}


@pytest.mark.parametrize(("code", "text"), SAID.items())
def test_a_sentence_shows_its_language(code: str, text: str) -> None:
    """By its small words."""
    assert language(text) == code


def test_every_language_that_is_told_has_a_sentence_here_and_a_name() -> None:
    """None is there for show."""
    assert set(SMALL_WORDS) == set(SAID) <= set(NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ok!",
        "Friday 5pm?",
        "Danke",
        "Tim, 3 boats",
        "будет готова лодка",
        "船は金曜日に準備できます",
    ],
)
def test_of_little_nothing_is_told(text: str) -> None:
    """Nor of a language that is not known."""
    assert language(text) == ""


def test_of_two_halves_neither_is_told() -> None:
    """A text in two languages has none."""
    assert language("the and of to das und ist nicht") == ""


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        ("in German, please", "de"),
        ("shorter, auf Deutsch", "de"),
        ("en français", "fr"),
        ("translate it into Spanish", "es"),
        ("English", "en"),
        ("write in plain English", "en"),
        ("in Japanese", "ja"),
        ("shorter", ""),
        ("as the Germans do", ""),
        ("mention the German invoice", ""),
        ("", ""),
    ],
)
def test_an_instruction_may_name_a_language(instruction: str, code: str) -> None:
    """Also one that is not told by its words."""
    assert named(instruction) == code


def an_x(points: str, *context: str) -> X:
    said = tuple(ContextMessage(author=TIM, text=text) for text in context)
    return X(intent=(points,), metadata=Metadata(sender=NORA, to=(TIM,)), context=said)


def test_the_instruction_goes_before_the_thread_and_that_before_the_bullets() -> None:
    """Notes are in whatever language comes to mind; a reader is answered in his own."""
    x = an_x(SAID["en"], "  ", SAID["de"], SAID["fr"])
    assert wanted(x) == "de"
    assert wanted(x, "in French") == "fr"
    assert wanted(an_x(SAID["en"])) == "en"
    assert wanted(an_x(SAID["en"], "Ok?", SAID["de"])) == "en"
    assert wanted(an_x("Friday 5pm", "Ok?")) == ""


@given(st.text())
def test_any_text_has_a_known_language_or_none(text: str) -> None:
    """Whatever it is."""
    assert language(text) in {"", *SMALL_WORDS}
    assert named(text) in {"", *NAMES}
