"""`trimtab init`: what it asks, what it checks, and the config that it writes."""

import json
import tomllib

import pytest
from command import trimtab
from dovecot_server import PASSWORD, Dovecot
from keychains import InMemory
from keyring.backends.fail import Keyring as NoKeychain
from tools import free_port
from typer.testing import CliRunner, Result

from daemon import config
from daemon.cli import app
from daemon.config import Paths


def answer(*lines: object) -> Result:
    """`trimtab init` with these lines typed in, and the defaults taken after them."""
    typed = "".join(f"{line}\n" for line in lines) + "\n" * 3
    return CliRunner().invoke(app, ["init"], input=typed)


@pytest.mark.dovecot
def test_an_account_is_asked_for_checked_and_written(
    home: Paths, dovecot: Dovecot, user: str, keychain: InMemory
) -> None:
    """The password goes into the keychain, and no secret into the file."""
    told = answer(
        "work", "Ada Lindqvist", "ada@x.example, a@x.example", "y",
        "127.0.0.1", dovecot.port, "", user, PASSWORD,
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "The connection works; your sent mail is in 'Gesendet'." in told.output
    assert PASSWORD not in told.output
    written = home.config.read_text("utf-8")
    assert PASSWORD not in written
    assert home.config.stat().st_mode & 0o777 == 0o600
    assert keychain.kept == {("trimtab", f"work/{user}"): PASSWORD}
    account = config.load(home.config).account("work")
    assert account.addresses == ("ada@x.example", "a@x.example")
    assert account.imap is not None
    assert (account.imap.security, account.imap.user) == ("plain", user)


@pytest.mark.dovecot
@pytest.mark.parametrize("keychain", [NoKeychain], indirect=True)
def test_where_there_is_no_keychain_a_command_is_named(
    home: Paths, dovecot: Dovecot, user: str, keychain: NoKeychain
) -> None:
    """Or a variable; the account then works."""
    told = answer(
        "work", "Ada", "ada@x.example", "y", "127.0.0.1", dovecot.port, "plain", user,
        "not-kept", f"echo {PASSWORD}",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "The password cannot be kept: this system has no keychain." in told.output
    assert "not-kept" not in home.config.read_text("utf-8")
    trimtab("sync", code=1)  # an empty folder, but reached
    row = json.loads(trimtab("status", "--json").stdout)["accounts"][0]
    assert row["last_sync"] is not None


def test_a_server_that_does_not_answer_is_told_before_anything_is_written(
    home: Paths, keychain: InMemory
) -> None:
    """The user decides; the default is not to write."""
    port = free_port()
    told = answer("work", "Ada", "ada@x.example", "y", "127.0.0.1", port, "", "", "pw", "")
    assert told.exit_code == 1
    assert f"127.0.0.1:{port} of account 'work' cannot be reached" in " ".join(told.output.split())
    assert not home.config.exists()


@pytest.mark.parametrize(("typed", "cloud"), [("", "never"), ("drafts", "drafts"), ("all", "all")])
def test_what_may_leave_is_asked(home: Paths, typed: str, cloud: str) -> None:
    """Nothing, unless the user says so; a mistyped word is asked for again."""
    told = answer("work", "Ada", "ada@x.example", "n", *(["everything"] if typed else []), typed)
    assert told.exit_code == 0, told.output
    assert config.load(home.config).account("work").cloud == cloud


def test_a_second_account_keeps_the_first(home: Paths) -> None:
    """And whatever else the config holds."""
    home.config.write_text(
        '[accounts.work]\naddresses = ["a@x.example"]\n[teach]\nstrategy = "R1"\n', "utf-8"
    )
    told = answer("home", "Ada", "ada@home.example", "n")
    assert told.exit_code == 0, told.output
    assert tomllib.loads(home.config.read_text("utf-8")) == {
        "accounts": {
            "work": {"addresses": ["a@x.example"]},
            "home": {"name": "Ada", "addresses": ["ada@home.example"], "cloud": "never"},
        },
        "teach": {"strategy": "R1"},
    }


def test_an_answer_that_cannot_be_is_one_sentence(home: Paths) -> None:
    """And nothing is written."""
    done = trimtab("init", stdin="work\nAda\nno address\nn\n\n", code=1)
    assert "accounts.work.addresses: an address has exactly one @" in done.stderr
    assert not home.config.exists()


@pytest.mark.parametrize(
    ("host", "said", "provider"),
    [
        ("imap.gmail.com", "y", "google"),
        ("outlook.office365.com", "", "microsoft"),
        ("imap-mail.outlook.com", "", "microsoft"),
    ],
)
def test_a_known_provider_is_signed_in_to_by_oauth(
    home: Paths, host: str, said: str, provider: str
) -> None:
    """No password is asked for; the next step is named. Microsoft's takes no passwords anyway."""
    told = answer(
        "work", "Ada", "ada@x.example", "y", host, 993, "", "", said, "client-1234"
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "Next: `trimtab login --account work`, then" in " ".join(told.output.split())
    account = config.load(home.config).account("work")
    assert account.imap is not None
    assert account.oauth is not None
    assert account.imap.auth == "xoauth2"
    assert (account.oauth.provider, account.oauth.client_id) == (provider, "client-1234")
