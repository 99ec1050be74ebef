"""The config's text: what is changed is changed, and the rest stays byte for byte."""

import tomllib
from pathlib import Path

import pytest

from daemon import config
from daemon.config_text import LayoutUnknown, changed, fresh, with_account

EXAMPLE = (Path(__file__).parent.parent / "config.example.toml").read_text("utf-8")
MINE = """# mine
[accounts.work]   # the firm's
addresses = [ "a@x.example" ]  # both of them

  [accounts.work.imap]
  host    = "imap.x.example"   # theirs
  port    = 993
  user    = "a"

[teach]
limit = 50 # enough
"""


def test_a_first_config_is_the_example_with_what_is_not_used_as_remarks() -> None:
    """Every setting stays explained; every name is the account's own."""
    text = fresh("home", frozenset({"imap"}))
    data = tomllib.loads(text)
    assert set(data["accounts"]) == {"home"}
    assert set(data["accounts"]["home"]) == {"name", "addresses", "cloud", "exclude", "imap"}
    assert "# [accounts.home.smtp]" in text
    assert '"home/ada@field.example"' in text
    assert "accounts.home.oauth below" in text
    assert "accounts.work" not in text
    assert len(text.splitlines()) == len(EXAMPLE.splitlines())
    config.validate(data, Path("config.toml"))


def test_with_all_in_use_the_example_stays_as_it_is() -> None:
    """Byte for byte."""
    assert fresh("work", frozenset({"imap", "smtp", "oauth"})) == EXAMPLE


@pytest.mark.parametrize("tables", [frozenset(), frozenset({"imap", "smtp"})])
def test_one_more_account_is_added_below(tables: frozenset[str]) -> None:
    """With the example's remarks."""
    text = with_account(MINE, "home", tables)
    assert text.startswith(MINE)
    assert "# What may be sent to a large model" in text
    accounts = tomllib.loads(text)["accounts"]
    assert accounts["work"] == tomllib.loads(MINE)["accounts"]["work"]
    assert set(accounts["home"]) == {"name", "addresses", "cloud", "exclude", *tables}


def test_a_change_touches_its_own_line() -> None:
    """Remarks and spacing of that line too stay."""
    text = changed(
        MINE,
        {
            ("accounts", "work", "imap", "host"): "mail.x.example",
            ("accounts", "work", "imap", "port"): 993,
            ("accounts", "work", "addresses"): ["a@x.example"],
        },
    )
    assert text == MINE.replace('"imap.x.example"', '"mail.x.example"')


def test_what_is_not_there_is_added() -> None:
    """A value in its table; a table at the end."""
    text = changed(
        MINE,
        {
            ("accounts", "work", "cloud"): "drafts",
            ("accounts", "work", "smtp", "host"): "smtp.x.example",
            ("accounts", "work", "smtp", "port"): 465,
        },
    )
    data = tomllib.loads(text)
    assert data["accounts"]["work"] == {
        "addresses": ["a@x.example"],
        "cloud": "drafts",
        "imap": {"host": "imap.x.example", "port": 993, "user": "a"},
        "smtp": {"host": "smtp.x.example", "port": 465},
    }
    assert text.endswith('[accounts.work.smtp]\nhost = "smtp.x.example"\nport = 465\n')
    assert "limit = 50 # enough" in text


@pytest.mark.parametrize(
    "text",
    [
        'accounts = {work = {addresses = ["a@x.example"]}}\n',
        'accounts.work.addresses = ["a@x.example"]\n',
        '[accounts]\nwork = {addresses = ["a@x.example"]}\n[teach]\nlimit = 5\n',
        (
            '[accounts.work]\naddresses = ["a@x.example"]\n[teach]\nlimit = 5\n'
            '[accounts.home]\naddresses = ["b@x.example"]\n'
        ),
        (
            '[teach]\nlimit = 5\n[accounts.home]\naddresses = ["b@x.example"]\n[train]\nseed = 2\n'
            '[accounts.work]\naddresses = ["a@x.example"]\n[agent]\nidle_minutes = 1.0\n'
            '[accounts.work.exclude]\nwords = ["no"]\n'
        ),
    ],
    ids=["inline", "dotted", "half inline", "apart", "far apart"],
)
def test_however_it_is_laid_out_it_is_changed_rightly_or_refused(text: str) -> None:
    """Never into another config."""
    changes = {
        ("accounts", "work", "cloud"): "all",
        ("accounts", "work", "imap", "host"): "h.example",
        ("accounts", "work", "imap", "user"): "u",
    }
    before = tomllib.loads(text)
    try:
        data = tomllib.loads(changed(text, changes))
    except LayoutUnknown:
        return
    before["accounts"]["work"] |= {"cloud": "all", "imap": {"host": "h.example", "user": "u"}}
    assert data == before


def test_a_value_where_a_table_should_be_is_refused() -> None:
    """It is not written over."""
    with pytest.raises(LayoutUnknown):
        changed("accounts = 3\n", {("accounts", "work", "cloud"): "all"})
