"""Records to JSON and back: nothing is lost, and nothing of another form gets in."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from teaching_examples import NOON, NORA, a_lesson, a_mail

from mlx_agent import codec
from mlx_agent.records import (
    ASPECTS,
    Address,
    AgentAnswer,
    Call,
    ContextMessage,
    Lesson,
    Mail,
    Metadata,
    Recipient,
    Register,
    Rule,
    Strategy,
    Usage,
    X,
)

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds are naive by Hypothesis' rule
TEXTS = st.text(max_size=20)
MANY = 3


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=MANY).map(tuple)


ADDRESSES = st.builds(Address, name=TEXTS, address=TEXTS)
CONTEXT = tuples(st.builds(ContextMessage, author=ADDRESSES, sent_at=st.none() | TIMES, text=TEXTS))
MAILS = st.builds(
    Mail,
    id=TEXTS,
    account=TEXTS,
    message_id=TEXTS,
    in_reply_to=TEXTS,
    references=tuples(TEXTS),
    sender=ADDRESSES,
    to=tuples(ADDRESSES),
    cc=tuples(ADDRESSES),
    subject=TEXTS,
    sent_at=TIMES,
    own_text=TEXTS,
    context=CONTEXT,
    signature=TEXTS,
    forwarded=TEXTS,
    flags=st.frozensets(TEXTS, max_size=MANY),
    draft_id=st.none() | TEXTS,
)
RECIPIENTS = st.builds(
    Recipient,
    earlier_mails=st.integers(0, 10**6),
    same_domain=st.booleans(),
    greeting=st.none() | TEXTS,
    sign_off=st.none() | TEXTS,
    register=st.none() | st.sampled_from(get_args(Register)),
)
XS = st.builds(
    X,
    intent=tuples(TEXTS),
    metadata=st.builds(
        Metadata,
        sender=ADDRESSES,
        to=tuples(ADDRESSES),
        subject=TEXTS,
        reply=st.booleans(),
        recipient=st.none() | RECIPIENTS,
    ),
    context=CONTEXT,
)
CALLS = st.builds(
    Call,
    prompt=TEXTS,
    version=TEXTS,
    model=TEXTS,
    usage=st.builds(Usage, cost_usd=st.none() | st.floats(0, 1e6)),
)
LESSONS = st.builds(
    Lesson,
    id=TEXTS,
    sample_id=TEXTS,
    account=TEXTS,
    x=XS,
    rules=tuples(st.builds(Rule, aspect=st.sampled_from(ASPECTS), instruction=TEXTS)),
    own_text=TEXTS,
    baseline=st.none() | TEXTS,
    sent_at=TIMES,
    thread=TEXTS,
    strategy=st.sampled_from(get_args(Strategy)),
    calls=tuples(CALLS),
)


@given(MAILS | LESSONS | XS)
def test_a_record_survives_json(record: Any) -> None:
    """As text and as data, with its tuples, sets, times and empty fields."""
    assert codec.loads(type(record), codec.dumps(record)) == record
    assert codec.from_data(type(record), codec.to_data(record)) == record
    assert json.loads(codec.dumps(record)) == codec.to_data(record)


@given(MAILS)
def test_a_record_is_one_line(mail: Mail) -> None:
    """The worker's wire is one object a line."""
    assert "\n" not in codec.dumps(mail)


def test_keys_stand_in_the_order_of_the_fields() -> None:
    """Equal records have equal text."""
    assert codec.dumps(NORA) == '{"name":"Nora Falk","address":"nora@falk.example"}'


def test_times_stay_aware() -> None:
    """In UTC."""
    back = codec.loads(Mail, codec.dumps(a_mail(0)))
    assert back.sent_at == NOON
    assert back.sent_at.utcoffset() == NOON.utcoffset()


def test_a_tuple_of_records_is_read_by_its_type() -> None:
    """As the store keeps rules."""
    rules = a_lesson().rules
    assert codec.loads(tuple[Rule, ...], codec.dumps(rules)) == rules


@pytest.mark.parametrize(
    "changes",
    [{"valid": "perhaps"}, {"tokens": "many"}, {"rules": [{"aspect": "tone"}]}, {"text": None}],
    ids=["bool", "int", "missing field", "null"],
)
def test_data_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    """What comes from another process is validated at the border."""
    answer = AgentAnswer(rules=a_lesson().rules, text="x", valid=True, tokens=3, seconds=0.1)
    data = codec.to_data(answer)
    assert codec.from_data(AgentAnswer, data) == answer
    with pytest.raises(ValidationError):
        codec.from_data(AgentAnswer, data | changes)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 3}'])
def test_text_of_another_form_is_refused(text: str) -> None:
    """Broken JSON is no other case."""
    with pytest.raises(ValidationError):
        codec.loads(Address, text)


def test_a_word_outside_a_closed_set_is_refused() -> None:
    """A strategy that there is not."""
    data = codec.to_data(a_lesson()) | {"strategy": "R4"}
    with pytest.raises(ValidationError):
        codec.from_data(Lesson, data)
