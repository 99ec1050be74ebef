"""The sample mailbox: seeded, varied, and with a truth to test the cutting against."""

import email
import email.policy
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from daemon import sample
from daemon.mailbox.parse import build, parse
from daemon.sample.generate import packed, truth
from daemon.sample.situations import MAILS
from mlx_agent.records import Mail

PEOPLE = sample.people()
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def mails(person: sample.SamplePerson) -> list[Mail]:
    return [build(person.key, parse(raw, NOW)).mail for raw in sample.load(person.key)]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_the_script_writes_the_shipped_bytes(person: sample.SamplePerson) -> None:
    """What ships can be made anew by anybody."""
    from importlib import resources

    shipped = (resources.files("daemon.sample") / f"{person.key}.mbox.gz").read_bytes()
    assert packed(person) == shipped


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_every_own_text_is_cut_exactly(person: sample.SamplePerson) -> None:
    """Quotes, signatures, HTML, wrapping and encodings all come off."""
    found = [" ".join(mail.own_text.split()) for mail in mails(person)[:MAILS]]
    assert found == [" ".join(text.split()) for text in truth(person)]


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_it_is_a_sent_folder_of_a_person(person: sample.SamplePerson) -> None:
    """At least 150 mails, in order of time, from one person to many, with threads and replies."""
    found = mails(person)[:MAILS]
    assert len(found) >= 150
    assert all(a.sent_at < b.sent_at for a, b in pairwise(found))
    assert {mail.sender.address for mail in found} == {person.address.address}
    assert len({mail.to[0].address for mail in found}) >= 15
    assert sum(bool(mail.in_reply_to) for mail in found) > 40
    assert sum(bool(mail.context) for mail in found) > 40
    assert sum(bool(mail.signature) for mail in found) > 15
    assert len({mail.message_id for mail in found}) == MAILS


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.key)
def test_messages_come_in_many_forms(person: sample.SamplePerson) -> None:
    """Plain, flowed, both and HTML alone; several encodings and charsets."""
    parsed = [
        email.message_from_bytes(raw, policy=email.policy.default)
        for raw in sample.load(person.key)
    ]
    leaves = [part for message in parsed for part in message.walk() if not part.is_multipart()]
    assert {"text/plain", "text/html", "application/pdf"} <= {p.get_content_type() for p in leaves}
    assert {p["Content-Transfer-Encoding"] for p in leaves} >= {
        "quoted-printable",
        "base64",
        "8bit",
    }
    assert {p.get_content_charset() for p in leaves} >= {"utf-8", "iso-8859-1"}
    assert any(p.get_param("format") == "flowed" for p in leaves)


def test_the_odd_ones_are_there() -> None:
    """A forward, an automatic answer, an empty mail, a calendar answer and a copy."""
    odd = mails(PEOPLE[0])[MAILS:]
    flags = [mail.flags for mail in odd]
    assert odd[0].id == mails(PEOPLE[0])[10].id
    assert flags[1:] == [
        frozenset({"forward"}),
        frozenset({"automatic"}),
        frozenset(),
        frozenset({"calendar"}),
    ]
    assert odd[3].own_text == ""


def test_own_texts_are_varied() -> None:
    """At most 2 % of a person's texts are like another one."""
    for person in PEOPLE:
        texts = [" ".join(text.split()) for text in truth(person)]
        assert len(set(texts)) >= 0.98 * len(texts)
