"""`trimtab init`: what it asks, what it checks, and the config that it writes."""

import json
import tomllib
from pathlib import Path

import pytest
from command import trimtab
from dovecot_server import PASSWORD, Dovecot
from keychains import InMemory
from keyring.backends.fail import Keyring as NoKeychain
from tools import free_port
from typer.testing import CliRunner, Result

from daemon import config
from daemon.cli import app
from daemon.commands.init_models import base_sentence, teaching_price
from daemon.config import Config, Large, Models, Paths
from daemon.price_ahead import price_ahead
from mlx_agent.records import Price
from mlx_agent.teach.lessons import Recipe

KEY = "sk-not-to-be-seen"
MINE = """# mine alone
[accounts.work]     # the firm's
addresses = ["a@x.example"]
name = "Ada"
[teach]
strategy = "R1" # direct
"""


def answer(*lines: object, options: tuple[str, ...] = ()) -> Result:
    """`trimtab init` with these lines typed in, and the defaults taken after them."""
    typed = "".join(f"{line}\n" for line in lines) + "\n" * 8
    return CliRunner().invoke(app, ["init", *options], input=typed)


def told(result: Result) -> str:
    """What was printed, without its line ends."""
    return " ".join(result.output.split())


def server(dovecot: Dovecot, user: str) -> tuple[object, ...]:
    """Answers for a server that no table knows: yes, it, port, security, user, and no SMTP."""
    return ("y", "127.0.0.1", dovecot.port, "", user, "n")


@pytest.mark.dovecot
def test_an_account_is_asked_for_checked_and_written(
    home: Paths, dovecot: Dovecot, user: str, keychain: InMemory
) -> None:
    """The password goes into the keychain, and no secret into the file, which explains itself."""
    dovecot.append(user, [b"Subject: %d\r\n\r\nHello" % number for number in range(3)])
    done = answer(
        "ada@x.example", "", "Ada Lindqvist", "ada@x.example, A@x.example",
        *server(dovecot, user), PASSWORD,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "works; your sent mail is in 'Gesendet', your drafts in 'Drafts'." in told(done)
    assert "About 3 mails would be looked at for learning." in told(done)
    assert "With 'offline' nothing leaves this machine." in told(done)
    assert PASSWORD not in done.output
    written = home.config.read_text("utf-8")
    assert f'"{PASSWORD}"' not in written
    assert "# What may be sent to a large model that is not on this machine" in written
    assert home.config.stat().st_mode & 0o777 == 0o600
    assert keychain.kept == {("trimtab", f"work/{user}"): PASSWORD}
    account = config.load(home.config).account("work")
    assert (account.name, account.addresses) == ("Ada Lindqvist", ("ada@x.example", "a@x.example"))
    assert account.imap is not None
    assert (account.imap.security, account.imap.user) == ("plain", user)
    assert account.smtp is None


@pytest.mark.dovecot
@pytest.mark.parametrize("keychain", [NoKeychain], indirect=True)
def test_where_there_is_no_keychain_a_command_is_named(
    home: Paths, dovecot: Dovecot, user: str, keychain: NoKeychain
) -> None:
    """Once the password has been seen to work; the account then works."""
    done = answer(
        "ada@x.example", "", "Ada", "", *server(dovecot, user), PASSWORD, "offline",
        "echo 'secret'",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "The password cannot be kept: this system has no keychain." in told(done)
    trimtab("sync", code=1)  # an empty folder, but reached
    row = json.loads(trimtab("status", "--json").stdout)["accounts"][0]
    assert row["last_sync"] is not None


def test_a_server_that_does_not_answer_is_told_before_anything_is_written(
    home: Paths, keychain: InMemory
) -> None:
    """The user decides; the default is not to write, and the secret is not kept."""
    port = free_port()
    done = answer(
        "ada@x.example", "", "Ada", "", "y", "127.0.0.1", port, "", "", "", "pw", "perhaps", ""
    )
    assert done.exit_code == 1
    assert f"127.0.0.1:{port} of account 'work' cannot be reached" in told(done)
    assert "Say again, write or stop." in told(done)
    assert not home.config.exists()
    assert keychain.kept == {}


@pytest.mark.dovecot
def test_a_mistake_is_mended_and_tried_again(
    home: Paths, dovecot: Dovecot, user: str, keychain: InMemory
) -> None:
    """With what was typed as the default."""
    done = answer(
        "ada@x.example", "", "Ada", "", "y", "127.0.0.1", free_port(), "", user, "", PASSWORD,
        "again", "", "n", "", dovecot.port, "", "", "", PASSWORD,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "The connection works" in told(done)
    imap = config.load(home.config).account("work").imap
    assert imap is not None
    assert (imap.port, imap.user) == (dovecot.port, user)


def test_it_can_be_written_all_the_same(home: Paths, keychain: InMemory) -> None:
    """For a server that is down for now."""
    done = answer(
        "ada@x.example", "", "Ada", "", "y", "127.0.0.1", free_port(), "", "", "", "pw", "write"
    )
    assert done.exit_code == 0, done.output
    assert keychain.kept == {("trimtab", "work/ada@x.example"): "pw"}
    assert config.load(home.config).account("work").imap is not None


# --- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "cloud"), [("", "never"), ("drafts", "drafts"), ("all", "all")])
def test_what_may_leave_is_asked(home: Paths, keychain: InMemory, typed: str, cloud: str) -> None:
    """Nothing, unless the user says so, with the price; a mistyped word is asked for again."""
    wrong = ["everything"] if typed else []
    done = answer("ada@x.example", "", "Ada", "", "n", "claude", KEY, *wrong, typed)
    assert done.exit_code == 0, done.output
    assert "your sent mails too, for teaching: about " in told(done)
    assert "USD for each 100 mails (prices of " in told(done)
    settings = config.load(home.config)
    assert settings.account("work").cloud == cloud
    assert settings.models == Models(teacher="claude", writer="claude", judge="claude")
    assert keychain.kept == {("trimtab", "large/claude"): KEY}
    assert KEY not in done.output
    assert KEY not in home.config.read_text("utf-8")


def test_a_server_of_ones_own_is_a_model_too(home: Paths, keychain: InMemory) -> None:
    """On this machine nothing leaves it; an address in clear elsewhere is asked for again."""
    done = answer(
        "ada@x.example", "", "Ada", "", "n", "server", "http://models.example/v1", "", "llama3"
    )
    assert done.exit_code == 0, done.output
    assert "The address must begin with https://" in told(done)
    assert "With 'server' nothing leaves this machine." in told(done)
    large = config.load(home.config).large["server"]
    assert (large.base_url, large.model) == ("http://127.0.0.1:11434/v1", "llama3")
    assert keychain.kept == {}


@pytest.mark.parametrize(
    ("large", "said"),
    [
        (Large(provider="openai", model="x", base_url="https://m.example/v1"), "an unknown price "),
        (
            Large(provider="openai", model="x", base_url="https://m.example/v1",
                  price_input=0.0, price_output=0.0),
            "about 0.00 USD ",
        ),
    ],
)  # fmt: skip
def test_an_unknown_price_is_said_to_be_unknown(large: Large, said: str) -> None:
    """And counts for as many mails as teaching looks at."""
    roles = Models(teacher="m", writer="m", judge="m")
    settings = Config(large={"m": large}, models=roles)
    assert teaching_price(settings, 50_000).startswith(f"{said}for 1000 mails at the most")


def test_the_price_grows_with_the_mails_and_halves_in_batches() -> None:
    """It has the size of what the demo's mails cost: a cent or less each."""
    price = Price(input=2.0, output=10.0)
    one = price_ahead(1, Recipe(model="m"), price, batch=False)
    many = price_ahead(200, Recipe(model="m"), price, batch=True)
    assert one.cost_usd is not None
    assert many.cost_usd == pytest.approx(100 * one.cost_usd)
    assert 0.001 < one.cost_usd < 0.1


@pytest.mark.parametrize(
    ("fast", "auto", "there", "said"),
    [
        (True, True, True, "'B', for this machine has 16 GB of memory."),
        (True, True, False, "It is not on this machine yet"),
        (False, True, True, "for this machine is no Apple Silicon; it ships with trimtab."),
        (True, False, True, "'B', as your config says."),
    ],
)
def test_the_small_model_is_named_with_the_reason(
    *, fast: bool, auto: bool, there: bool, said: str
) -> None:
    """Which is the memory, where that counts."""
    assert said in base_sentence("B", 16 << 30, fast=fast, auto=auto, there=there)


# --- again ----------------------------------------------------------------------------------------


def test_again_with_all_defaults_leaves_every_byte(home: Paths) -> None:
    """However the user has laid it out."""
    home.config.write_text(MINE, "utf-8")
    done = answer()
    assert done.exit_code == 0, done.output
    assert home.config.read_text("utf-8") == MINE


def test_a_second_account_keeps_the_first(home: Paths) -> None:
    """Byte for byte, and below it stands the new one, explained."""
    home.config.write_text(MINE, "utf-8")
    done = answer("ada@home.example", "", "Ada", "", "n")
    assert done.exit_code == 0, done.output
    text = home.config.read_text("utf-8")
    assert text.startswith(MINE)
    accounts = config.load(home.config).accounts
    assert accounts["home"] == config.Account(name="Ada", addresses=("ada@home.example",))
    assert accounts["work"] == config.Account(name="Ada", addresses=("a@x.example",))


def test_only_what_is_answered_anew_is_changed(home: Paths) -> None:
    """One line of it."""
    home.config.write_text(MINE, "utf-8")
    done = answer("", "", "Ada Field")
    assert done.exit_code == 0, done.output
    assert home.config.read_text("utf-8") == MINE.replace('"Ada"', '"Ada Field"')


@pytest.mark.parametrize("answers", range(11))
def test_an_end_at_any_question_leaves_the_old_config(
    home: Paths, keychain: InMemory, answers: int
) -> None:
    """As Ctrl-C does, which ends a question in the same way."""
    home.config.write_text(MINE, "utf-8")
    lines = [
        "b@x.example", "second", "Ada", "", "y", "127.0.0.1", str(free_port()), "", "", "", "pw",
    ][:answers]  # fmt: skip
    done = CliRunner().invoke(app, ["init"], input="".join(f"{line}\n" for line in lines))
    assert done.exit_code == 1
    assert done.output.rstrip().endswith("Aborted!")
    assert home.config.read_text("utf-8") == MINE
    assert keychain.kept == {}


def test_a_config_that_is_broken_is_told_and_left(home: Paths) -> None:
    """It is for the user to mend."""
    home.config.write_text("[accounts.work\n", "utf-8")
    done = trimtab("init", code=1)
    assert "has 1 problem" in done.stderr
    assert home.config.read_text("utf-8") == "[accounts.work\n"


def test_an_answer_that_cannot_be_is_asked_for_again(home: Paths) -> None:
    """With what is wrong about it."""
    done = answer("no address", "ada@x.example", "My Work", "work", "Ada", "a@b@c", "", "n")
    assert done.exit_code == 0, done.output
    assert told(done).count("An address has exactly one @.") == 2
    assert "A name has small letters" in told(done)


# --- who is found ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "host", "said", "provider"),
    [
        ("ada@gmail.com", "imap.gmail.com", "y", "google"),
        ("ada@hotmail.com", "outlook.office365.com", "", "microsoft"),
    ],
)
def test_a_known_provider_is_signed_in_to_by_oauth(
    home: Paths, address: str, host: str, said: str, provider: str
) -> None:
    """Its servers are known; no password is asked for; the next step is named."""
    done = answer(address, "", "Ada", "", "y", "y", said, "client-1234")
    assert done.exit_code == 0, done.output
    assert f"mail is read at {host}:993 (tls) as {address}" in told(done)
    assert "Next: `trimtab login --account work`, then" in told(done)
    account = config.load(home.config).account("work")
    assert account.imap is not None
    assert account.smtp is not None
    assert account.oauth is not None
    assert account.imap.auth == account.smtp.auth == "xoauth2"
    assert (account.oauth.provider, account.oauth.client_id) == (provider, "client-1234")


def test_one_password_serves_both_servers(home: Paths, keychain: InMemory) -> None:
    """Under the one name that both look for; what one should know is said."""
    done = answer("ada@web.de", "", "Ada", "", "", "", "pw", options=("--no-check",))
    assert done.exit_code == 0, done.output
    assert "IMAP has to be switched on" in told(done)
    assert keychain.kept == {("trimtab", "work/ada@web.de"): "pw"}
    smtp = config.load(home.config).account("work").smtp
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.security) == ("smtp.web.de", 465, "tls")


# --- without questions ----------------------------------------------------------------------------


@pytest.mark.dovecot
@pytest.mark.parametrize("source", ["command", "env", "stdin"])
def test_with_flags_nothing_is_asked(
    home: Paths, dovecot: Dovecot, user: str, tmp_path: Path, source: str
) -> None:
    """And the account works."""
    environment = {
        "PYTHON_KEYRING_BACKEND": "keychains.InFile",
        "TEST_KEYCHAIN": str(tmp_path / "keychain"),
        "PYTHONPATH": f"{Path(__file__).parent.parent}:{Path(__file__).parent}",
        "MY_PASSWORD": PASSWORD,
    }
    named = {
        "command": ["--password-command", f"echo {PASSWORD}"],
        "env": ["--password-env", "MY_PASSWORD"],
        "stdin": ["--password-stdin"],
    }[source]
    done = trimtab(
        "init", "--yes", "--address", "ada@x.example", "--name", "Ada", "--cloud", "drafts",
        "--imap-host", f"127.0.0.1:{dovecot.port}", "--imap-user", user, *named,
        stdin=f"{PASSWORD}\n", **environment,
    )  # fmt: skip
    assert "The connection works" in done.stdout
    assert PASSWORD not in done.stdout
    account = config.load(home.config).account("work")
    assert account.cloud == "drafts"
    if source == "stdin":
        assert f'"{PASSWORD}"' not in home.config.read_text("utf-8")
    trimtab("sync", code=1, **environment)  # an empty folder, but reached
    row = json.loads(trimtab("status", "--json").stdout)["accounts"][0]
    assert row["last_sync"] is not None


def test_with_no_password_the_check_says_so(home: Paths) -> None:
    """And writes nothing; `--no-check` writes all the same."""
    flags = ["init", "--yes", "--address", "ada@web.de", "--name", "Ada"]
    backend = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = trimtab(*flags, code=1, **backend)
    assert "password" in done.stdout
    assert not home.config.exists()
    trimtab(*flags, "--no-check", **backend)
    imap = config.load(home.config).account("work").imap
    assert imap is not None
    assert imap.host == "imap.web.de"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--yes"], "--address"),
        (["--yes", "--address", "ada"], "An address has exactly one @"),
        (["--address", "a@x.example", "--account", "My Work"], "A name has small letters"),
        (["--password-env", "A", "--password-stdin"], "is enough"),
        (["--cloud", "some"], "some"),
    ],
)
def test_wrong_usage_is_told(home: Paths, options: list[str], said: str) -> None:
    """Exit code 2, and nothing written."""
    done = trimtab("init", *options, code=2)
    assert said in " ".join(done.stderr.split())
    assert not home.config.exists()


def test_the_config_written_is_toml_that_a_program_reads(home: Paths) -> None:
    """Whatever stands in a name."""
    done = answer("ada@x.example", "", 'Ada "Å" \\ Field # x', "", "n")
    assert done.exit_code == 0, done.output
    data = tomllib.loads(home.config.read_text("utf-8"))
    assert data["accounts"]["work"]["name"] == 'Ada "Å" \\ Field # x'
