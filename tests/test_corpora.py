"""Corpora as streams of texts by person: each format, its broken rows, and the wrong file."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from corpus_files import (
    ARTICLE_COLUMNS,
    article_row,
    article_table,
    enron_mail,
    enron_table,
    enron_tree,
    panza_file,
    reasons,
    sentence,
    table,
    texts,
    user,
    user_file,
)
from hypothesis import given
from hypothesis import strategies as st

from daemon.corpora import articles, enron, panza, reviews, tables
from daemon.corpora.messages import message
from daemon.corpora.people import COPY, OTHER_SENDER, account_name, chosen, survey, wanted
from daemon.corpora.records import Corpus
from daemon.mailbox.parse import parse
from daemon.research_errors import CorpusUnreadable, PeopleMissing
from mlx_agent.records import Address

PEOPLE = {"falk-n": "nora.falk@enron.com", "aster-k": "kim.aster@enron.com"}
NEW_YORKER = articles.articles()


def bodies(corpus: Corpus, path: Path) -> list[str]:
    """The texts as they come out of their messages."""
    made = [one.message() for one in texts(corpus.read([path]))]
    return [(parse(one.raw, one.received_at).plain or "").strip() for one in made]


# --- Enron ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [enron_tree, enron_table])
def test_enron_gives_what_each_person_sent(form: object, tmp_path: Path) -> None:
    """From the archive's tree and from the table alike, copies once, assistants' mails not."""
    path = form(tmp_path / "enron", PEOPLE)  # type: ignore[operator]
    found = survey(enron.ENRON, enron.ENRON.read([path]))
    assert sorted(found.people) == ["aster-k", "falk-n"]
    nora = found.people["falk-n"]
    assert (nora.addresses, nora.name) == (("nora.falk@enron.com",), "Nora K Falk")
    assert nora.texts == 8  # six, a reply and a forward
    assert found.skipped[COPY] == 2
    assert found.skipped[OTHER_SENDER] == 1
    assert (found.skipped.get(enron.NOT_SENT, 0) == 2) == path.is_file()


def test_a_persons_folder_alone_is_read_too(tmp_path: Path) -> None:
    """Named by the folder that was given."""
    path = enron_tree(tmp_path, PEOPLE) / "maildir" / "falk-n"
    assert {one.person for one in texts(enron.ENRON.read([path]))} == {"falk-n"}


def test_addresses_with_the_surname_are_the_persons() -> None:
    """Where none has it, the commonest is."""
    sent = {"phillip.allen@enron.com": 5, "k..allen@enron.com": 3, "ina.rangel@enron.com": 9}
    assert enron.own_addresses("allen-p", sent) == (
        "k..allen@enron.com",
        "phillip.allen@enron.com",
    )
    assert enron.own_addresses("zufferli-j", sent) == ("ina.rangel@enron.com",)


def test_a_mail_without_an_address_is_counted(tmp_path: Path) -> None:
    """The config would take no account with it."""
    path = tmp_path / "falk-n" / "sent"
    path.mkdir(parents=True)
    (path / "1.").write_bytes(enron_mail("Falk", "The keel."))
    (path / "2.").write_bytes(b"no mail at all")
    (path / "3.").write_bytes(enron_mail("Nora.Falk@ENRON.com", "The keel."))
    found = list(enron.ENRON.read([tmp_path]))
    assert reasons(found) == [enron.NO_SENDER] * 2
    assert [one.address for one in texts(found)] == ["nora.falk@enron.com"]


def test_a_folder_called_presentations_is_no_sent_mail(tmp_path: Path) -> None:
    """The word stands alone or between underscores."""
    file = tmp_path / "maildir" / "falk-n" / "presentations" / "1."
    file.parent.mkdir(parents=True)
    file.write_bytes(enron_mail("nora.falk@enron.com", "The keel."))
    with pytest.raises(CorpusUnreadable, match="no folder of sent mail"):
        list(enron.ENRON.read([tmp_path]))


# --- articles -------------------------------------------------------------------------------


def test_articles_are_by_their_authors(tmp_path: Path) -> None:
    """Of one publication, by one author each, with a date; the text comes out as it went in."""
    rows = [
        article_row("Ada Weld", 1),
        article_row("By Ada Weld", 2),
        article_row("Ada Weld", 3, publication="Vox"),
        article_row("Ada Weld and Bo Carr", 4),
        article_row("", 5),
        article_row("Bo Carr", 6, article=" "),
        article_row("Bo Carr", 7, date="soon"),
        article_row("Bo Carr", 8, date="2019-03-01", title="Café\nPier"),
    ]
    path = article_table(tmp_path / "news.csv", rows)
    found = list(NEW_YORKER.read([path]))
    assert [one.person for one in texts(found)] == ["Ada Weld", "Ada Weld", "Bo Carr"]
    assert reasons(found) == [
        articles.ELSEWHERE,
        articles.SEVERAL,
        articles.NOBODY,
        articles.EMPTY,
        articles.NO_DATE,
    ]
    whole = dict(zip(ARTICLE_COLUMNS, rows[0], strict=True))["article"]
    assert bodies(NEW_YORKER, path)[0] == whole
    last = texts(found)[-1].message()
    assert parse(last.raw, last.received_at).subject == "Café Pier"


def test_another_publication_can_be_named(tmp_path: Path) -> None:
    """However its name is written."""
    path = article_table(tmp_path / "n.csv", [article_row("Ada Weld", 3, publication="Vox")])
    assert len(texts(articles.articles("vox").read([path]))) == 1


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """The documented header, without the row numbers in front."""
    path = table(tmp_path / "n.csv", ARTICLE_COLUMNS[2:], [article_row("Ada Weld", 1)[2:]])
    assert [one.person for one in texts(NEW_YORKER.read([path]))] == ["Ada Weld"]


fields = st.text(max_size=30)


@given(st.lists(st.tuples(fields, fields, fields, fields), max_size=4))
def test_no_row_stops_the_reader_of_articles(rows: list[tuple[str, str, str, str]]) -> None:
    """Whatever its fields hold; and each text makes a message of its author's."""
    told = [
        article_row(author, 1, title=title, article=article, date=date)
        for author, title, article, date in [("Ada Weld", "", "The keel.", "2019-03-01"), *rows]
    ]
    with NamedTemporaryFile(suffix=".csv") as file:
        path = article_table(Path(file.name), told)
        assert texts(NEW_YORKER.read([path]))
        for one in texts(NEW_YORKER.read([path])):
            made = one.message()
            parsed = parse(made.raw, made.received_at)
            assert parsed.sender.address == one.address
            assert (parsed.plain or "").strip()


# --- tables ---------------------------------------------------------------------------------


def test_a_broken_row_is_counted_and_the_next_one_read(tmp_path: Path) -> None:
    """One with too few fields, and one whose field is beyond all bounds."""
    path = tmp_path / "t.csv"
    whole = "aster-k/sent/1.", enron_mail("kim.aster@enron.com", "The keel.").decode()
    too_long = "x" * (tables.FIELD + 1)
    table(path, ("file", "message"), [("short",), ("a/sent/1.", too_long), whole])
    found = list(enron.ENRON.read([path]))
    assert reasons(found) == [tables.SHORT, tables.BROKEN]
    assert [one.person for one in texts(found)] == ["aster-k"]


@given(st.binary(max_size=400))
def test_no_bytes_below_the_header_stop_a_table(below: bytes) -> None:
    """Every row gives a text or a reason, and every text a message."""
    with NamedTemporaryFile(suffix=".csv") as file:
        Path(file.name).write_bytes(b"file,message\n" + below)
        assert all(one.message().raw for one in texts(enron.ENRON.read([Path(file.name)])))


# --- reviews --------------------------------------------------------------------------------


def test_reviews_are_by_their_users(tmp_path: Path) -> None:
    """The profile's, with what each was rated, and the one that is asked about."""
    path = user_file(tmp_path / "train_questions.json", [user(310), user(311, reviews=2)])
    found = list(reviews.REVIEWS.read([path]))
    assert Counter(one.person for one in texts(found)) == {"user-310": 6, "user-311": 3}
    parsed = [parse(m.raw, m.received_at) for m in (one.message() for one in texts(found))]
    assert parsed[0].subject == "a product, rated 1 of 5"
    assert parsed[5].subject == "a product"
    assert parsed[5].plain == sentence(31099)
    assert [one.sent_at for one in parsed[:6]] == sorted(one.sent_at for one in parsed[:6])


def test_the_split_by_time_tells_dates(tmp_path: Path) -> None:
    """They are kept; one that is none is not."""
    profile = [{"text": "Good rope.", "score": "5", "date": d} for d in ("2014-05-28", "soon")]
    path = user_file(tmp_path / "q.json", [user(1, profile=profile, input="What?")])
    made = [one.message() for one in texts(reviews.REVIEWS.read([path]))]
    years = [parse(one.raw, one.received_at).sent_at.year for one in made]
    assert years == [2014, 2000]


def test_what_is_no_user_is_counted(tmp_path: Path) -> None:
    """And so is a review without a text."""
    entries = [7, {"id": "1"}, user(2, profile=[{"text": ""}, "x", {"score": "5"}], input=None)]
    found = list(reviews.REVIEWS.read([user_file(tmp_path / "q.json", entries)]))
    assert Counter(reasons(found)) == {reviews.NO_USER: 2, reviews.NO_TEXT: 3}


def test_a_file_that_is_cut_off_gives_what_it_holds(tmp_path: Path) -> None:
    """Its rest is counted as one."""
    path = user_file(tmp_path / "q.json", [user(1), user(2)])
    path.write_bytes(path.read_bytes()[:-300])
    found = list(reviews.REVIEWS.read([path]))
    assert {one.person for one in texts(found)} == {"user-1"}
    assert reasons(found) == [reviews.CUT_OFF]


keys = st.sampled_from("id input profile text score date".split())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=12,
)


@given(st.lists(values | st.fixed_dictionaries({"id": st.text(), "profile": st.lists(values)})))
def test_no_entry_stops_the_reader_of_reviews(entries: list[object]) -> None:
    """Whatever is in the list; and each text makes a message of its user's."""
    with NamedTemporaryFile(suffix=".json") as file:
        path = user_file(Path(file.name), [user(1, reviews=1), *entries])
        for one in texts(reviews.REVIEWS.read([path])):
            made = one.message()
            assert parse(made.raw, made.received_at).sender.address == one.address


# --- Panza ----------------------------------------------------------------------------------


def test_panzas_lines_are_mails_to_whom_they_greet(tmp_path: Path) -> None:
    """The file names the person; a broken line is counted."""
    path = panza_file(tmp_path / "nora_clean.jsonl", mails=2)
    path.write_text(path.read_text("utf-8") + '{"email": 3}\n\n{"ema\n', "utf-8")
    found = list(panza.PANZA.read([path]))
    assert reasons(found) == [panza.NO_TEXT, panza.NO_JSON]
    first, second = (one.message() for one in texts(found))
    parsed = parse(first.raw, first.received_at)
    assert parsed.sender == Address(name="Nora", address="nora@panza.example")
    assert parsed.to == (Address(name="Tim Stone", address="tim@land.example"),)
    assert parsed.plain == f"Hi Tim,\n\n{sentence(0)}\n\nNora"
    assert parse(second.raw, second.received_at).to[0].name == "Aster Stone"


def test_a_date_is_kept(tmp_path: Path) -> None:
    """With its zone."""
    path = panza_file(tmp_path / "nora.jsonl", mails=1, date="2024-05-16T20:25:56+02:00")
    made = texts(panza.PANZA.read([path]))[0].message()
    assert parse(made.raw, made.received_at).sent_at.isoformat() == "2024-05-16T18:25:56+00:00"


@given(st.lists(st.text(max_size=60), max_size=5))
def test_no_line_stops_panzas_reader(lines: list[str]) -> None:
    """Any of them is a mail, or has a reason; only a file without any is refused."""
    text = "".join(f"{line}\n" for line in ['{"email": "Hi Tim"}', *lines])
    with NamedTemporaryFile(suffix=".jsonl") as file:
        Path(file.name).write_bytes(text.encode("utf-8", "replace"))
        assert texts(panza.PANZA.read([Path(file.name)]))


# --- all of them ----------------------------------------------------------------------------


@pytest.mark.parametrize("corpus", [enron.ENRON, NEW_YORKER, reviews.REVIEWS, panza.PANZA])
@pytest.mark.parametrize("content", [b"", b"Dear Tim,\n", b"a,b\n1,2\n", b'{"a": 1}', b"\x00\xff"])
def test_a_wrong_file_is_refused(corpus: Corpus, content: bytes, tmp_path: Path) -> None:
    """With the corpus, the file and the reason, and nothing of its text."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(CorpusUnreadable) as caught:
        list(corpus.read([path]))
    assert (caught.value.corpus, caught.value.path) == (corpus.name, path)
    assert "Dear" not in caught.value.reason


@pytest.mark.parametrize("corpus", [enron.ENRON, NEW_YORKER, reviews.REVIEWS, panza.PANZA])
def test_a_missing_file_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    """By what the system says of it."""
    with pytest.raises(CorpusUnreadable, match="No such file"):
        list(corpus.read([tmp_path / "none"]))


any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@given(name=any_text, subject=any_text, text=any_text)
def test_any_text_is_a_message(name: str, subject: str, text: str) -> None:
    """It parses, and what was written comes out of it, but for what no file can hold."""
    sender = Address(name=name, address="nora@falk.example")
    raw = message(
        sender=sender, to=None, subject=subject, sent_at=None, message_id="1@x", text=text
    )
    parsed = parse(raw, datetime.now(UTC))
    assert parsed.sender.address == sender.address
    said = text.encode("utf-8", "replace").decode("utf-8")
    assert "".join((parsed.plain or "").split()) == "".join(said.replace("\0", "").split())


# --- who is chosen --------------------------------------------------------------------------


def users(tmp_path: Path, count: int = 9) -> Path:
    return user_file(tmp_path / "q.json", [user(n, reviews=n) for n in range(count)])


def test_people_with_enough_texts_are_drawn_by_the_seed(tmp_path: Path) -> None:
    """The same seed draws the same ones; nobody with fewer is among them."""
    found = survey(reviews.REVIEWS, reviews.REVIEWS.read([users(tmp_path)])).people

    def drawn(seed: int) -> list[str]:
        people = chosen(reviews.REVIEWS, found, who=3, seed=seed, least=4)
        return [person.account for person in people]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(20)}) > 5
    assert all(found[name].texts >= 4 for seed in range(20) for name in drawn(seed))


def test_people_can_be_named(tmp_path: Path) -> None:
    """By their account's name or the corpus's own; whom it does not have is told."""
    found = survey(reviews.REVIEWS, reviews.REVIEWS.read([users(tmp_path)])).people
    people = chosen(reviews.REVIEWS, found, who=["user-1", "User 8"], seed=1, least=4)
    assert [person.account for person in people] == ["user-1", "user-8"]
    with pytest.raises(PeopleMissing):
        chosen(reviews.REVIEWS, found, who=["ada"], seed=1, least=4)
    with pytest.raises(PeopleMissing):
        chosen(reviews.REVIEWS, found, who=3, seed=1, least=400)


def test_so_many_texts_of_each_are_drawn(tmp_path: Path) -> None:
    """By the seed; who has fewer gives all."""
    corpus, path = reviews.REVIEWS, users(tmp_path)
    people = [survey(corpus, corpus.read([path])).people[name] for name in ("user-2", "user-8")]

    def taken(seed: int) -> list[bytes]:
        found = wanted(corpus.read([path]), people, seed=seed, most=4)
        return [text.message().raw for _, text in found]

    assert len(taken(1)) == 3 + 4
    assert taken(1) == taken(1)
    assert taken(1) != taken(2)


@given(st.text(max_size=60))
def test_everybody_can_have_an_account(person: str) -> None:
    """Its name is one that the config takes."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", account_name(person))


def test_alike_names_are_apart() -> None:
    """A mark sets those apart that small letters would make one."""
    assert account_name("Zoë Weld") == "zoe-weld"
    assert account_name("李娜") != account_name("王芳")


def test_the_csv_module_is_left_able_to_read_small_files() -> None:
    """The bound is raised for all of the process, never lowered."""
    assert next(csv.reader(io.StringIO("a,b"))) == ["a", "b"]
