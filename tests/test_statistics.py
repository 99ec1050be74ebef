"""What texts there are, in numbers: by kind, by person, by length; and the command that tells."""

import json
from dataclasses import replace
from pathlib import Path

from command import trimtab
from corpus_files import article_row, article_table, enron_tree, sentence
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, QUESTION, TIM, a_mail

from mlx_agent import bases
from mlx_agent.evaluate.statistics import (
    EDGES,
    Bar,
    Measured,
    Named,
    by_kind,
    counter,
    measured,
    words,
)
from mlx_agent.records import ContextMessage


def a_text(tokens: int, person: str = "nora", receiver: str = "", context: int = 0) -> Measured:
    return Measured(person=person, kind="email", receiver=receiver, tokens=tokens, context=context)


def test_a_persons_mails_are_measured() -> None:
    """Own text and all of the context apart; what has no own text is no text."""
    older = ContextMessage(author=KIM, text="And the mast?")
    mails = [
        replace(a_mail(1), own_text="It is ready.", to=(TIM, KIM), context=()),
        replace(a_mail(2), own_text=" \n", context=(QUESTION,)),
        replace(a_mail(3), own_text="On Friday", to=(), context=(QUESTION, older)),
    ]
    assert measured(mails, "nora", "email", words) == [
        a_text(3, receiver=TIM.address),
        a_text(2, context=len(QUESTION.text.split()) + 3),
    ]


def test_figures_are_by_kind() -> None:
    """Averages over all texts of a kind, over people; the context's over those that have one."""
    texts = [
        a_text(10, "nora", "tim@x.example", context=30),
        a_text(20, "nora", "tim@x.example"),
        a_text(60, "kim", "ada@x.example", context=50),
        replace(a_text(900, "ada"), kind="article"),
    ]
    article, email = by_kind(texts)
    assert (article.kind, article.texts, article.people, article.tokens) == ("article", 1, 1, 900)
    assert (article.context, article.receivers) == (None, ())
    assert (email.texts, email.people, email.tokens) == (3, 2, 30)
    assert (email.answering, email.context) == (2, 40)
    assert email.writers == (Named(name="nora", texts=2), Named(name="kim", texts=1))
    assert email.receivers[0] == Named(name="tim@x.example", texts=2)
    lengths = email.lengths
    assert (lengths.lower, lengths.median, lengths.upper, lengths.longest) == (15, 20, 40, 60)
    assert [bar for bar in lengths.bars if bar.texts] == [
        Bar(start=0, end=16, texts=1),
        Bar(start=16, end=32, texts=1),
        Bar(start=32, end=64, texts=1),
    ]


@given(st.lists(st.integers(0, 9000), min_size=1))
def test_every_text_is_in_one_bar(tokens: list[int]) -> None:
    """The first begins at none, the last has no end."""
    found = by_kind([a_text(one) for one in tokens])[0]
    assert sum(bar.texts for bar in found.lengths.bars) == len(tokens)
    assert found.lengths.bars[-1].texts == sum(one >= EDGES[-1] for one in tokens)
    assert found.lengths.lower <= found.lengths.median <= found.lengths.upper


def test_tokens_are_those_of_the_base() -> None:
    """Its tokenizer alone is read; the marks of the base's own around a text are no part of it."""
    unit, count = counter(bases.POCKET)
    assert unit == "tokens of pocket"
    several = count(["", "ready", "the boat is ready on Friday", "half \ud800 a character"])
    assert several[0] == 0
    assert several[1] < several[2] < 30
    assert several[3] > 0
    assert count(["a " * 5000])[0] >= 5000  # nothing is cut to what a model can take


def test_without_a_tokenizer_words_are_counted(tmp_path: Path) -> None:
    """Where the base is not here, or has none of that form."""
    assert counter(str(tmp_path / "none")) == ("words", words)
    (tmp_path / "config.json").write_text("{}", "utf-8")
    assert counter(str(tmp_path)) == ("words", words)


def test_the_command_tells_of_all_accounts(tmp_path: Path) -> None:
    """Of a home with two kinds, in tokens of the base; a random split's leaks with the lessons."""
    home = tmp_path / "home"
    tree = enron_tree(tmp_path / "enron", {"falk-n": "nora.falk@enron.com"})
    rows = [article_row("Ada Weld", n) for n in range(5)]
    news = article_table(tmp_path / "news.csv", rows)
    for corpus, path in (("enron", tree), ("articles", news)):
        trimtab("corpus", "load", corpus, path, "--least", "2", home=home)
    trimtab("teach", "--account", "falk-n", home=home)
    found = json.loads(trimtab("corpus", "stats", "--json", home=home).stdout)
    assert found["unit"] == "tokens of pocket"
    article, email = found["kinds"]
    assert (article["texts"], article["people"], article["answering"]) == (5, 1, 0)
    assert (email["texts"], email["people"], email["answering"]) == (7, 1, 1)
    assert email["receivers"] == [{"name": "tim@oduya.example", "texts": 7}]
    assert article["tokens"] > 4 * len(sentence(1).split())
    assert found["leaks"] == {"test": 1, "threads": 0, "texts": 0, "either": 0}
    said = trimtab("corpus", "stats", home=home).stdout
    assert "Texts, in tokens of pocket" in said
    assert "A random split as the paper's would leak 0 of 1 test lessons" in said


def test_an_empty_home_says_so(tmp_path: Path) -> None:
    """And how to fill it."""
    (tmp_path / "config.toml").write_text("", "utf-8")
    said = trimtab("corpus", "stats", home=tmp_path).stdout
    assert said.startswith("There is no text in this home yet")
