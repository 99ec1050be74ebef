"""`trimtab sync` as its user sees it: what came, what is forgotten, and the question in between."""

from collections.abc import Callable

import pytest
from command import sentence, trimtab
from conftest import account_toml
from dovecot_server import Dovecot
from sync_examples import ADDRESS, message

from daemon.config import Config, Paths

pytestmark = pytest.mark.dovecot


def test_lost_mails_are_asked_about_and_the_answer_is_kept_to(
    dovecot: Dovecot, user: str, home: Paths, write_config: Callable[[str], Config]
) -> None:
    """Half a folder gone ends in one sentence with both ways out; `forget` takes one of them."""
    write_config(account_toml("work", ADDRESS, dovecot.port, user))
    dovecot.append(user, [message(number) for number in range(10)])
    assert "10 new mails" in trimtab("sync", home=home.run.parent).stdout
    link = dovecot.connect(user)
    link.select(dovecot.sent)
    link.store("1:5", "+FLAGS", r"\Deleted")
    link.expunge()
    link.logout()
    asked = sentence(trimtab("sync", home=home.run.parent, code=1))
    assert "5 of the 10 mails of account 'work' are gone" in asked
    assert "--deleted forget" in asked
    assert "--deleted keep" in asked
    told = trimtab("sync", "--deleted", "forget", home=home.run.parent).stdout
    assert "0 new mails, 0 known, 5 forgotten" in told
    assert "0 new mails, 0 known, 0 edits" in trimtab("sync", home=home.run.parent).stdout


def test_another_answer_is_wrong_usage(home: Paths) -> None:
    """There are two."""
    trimtab("sync", "--deleted", "perhaps", home=home.run.parent, code=2)
