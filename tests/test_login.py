"""`trimtab login`: from the config to a sign-in in the keychain that opens a mailbox."""

import json
import os
import signal
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import TRIMTAB, sentence, trimtab
from conftest import account_toml
from dovecot_server import PASSWORD, Dovecot
from keychains import InMemory
from oauth_server import CLIENT_SECRET, Provider, browse, running_provider, told
from scripted_imap import Folder, ScriptedImap
from typer.testing import CliRunner, Result

from daemon.cli import app
from daemon.config import Config, Paths
from daemon.errors import CommandFailed, LoginRefused, ServerUnreachable, SignInFailed
from daemon.mailbox.auth import oauth

WriteConfig = Callable[[str], Config]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def settings(provider: Provider, /, port: int = 1, auth: str = "xoauth2", **oauth: str) -> str:
    """An account whose server is on this machine, as the user would write it."""
    table = "".join(f'{key} = "{value}"\n' for key, value in provider.settings(**oauth).items())
    return f"""
[accounts.work]
addresses = ["ada@field.example"]
[accounts.work.imap]
host = "127.0.0.1"
port = {port}
security = "plain"
user = "ada@field.example"
auth = "{auth}"
[accounts.work.oauth]
{table}"""


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses that the system's browser was opened with; it signs in at once."""
    opened: list[str] = []
    threads: list[threading.Thread] = []

    def visit(address: str) -> bool:
        opened.append(address)
        threads.append(threading.Thread(target=browse, args=(address,)))
        threads[-1].start()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    yield opened
    for thread in threads:
        thread.join()


def login(*options: str, typed: str = f"{CLIENT_SECRET}\n") -> Result:
    return CliRunner().invoke(app, ["login", *options], input=typed)


def test_a_sign_in_is_kept_and_opens_the_mailbox(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """Its tokens are in the keychain as one entry, and neither on the screen nor on the disk."""
    with ScriptedImap({"Outbox": Folder(flags=r"\Sent")}, tokens=["access-2"]) as server:
        write_config(settings(provider, server.port))
        done = login()
        assert done.exit_code == 0, done.output
        assert "The connection works; your sent mail is in 'Outbox'." in done.output
        assert len(server.seen("AUTHENTICATE XOAUTH2")) == 1
    assert browser[0] in done.output  # whole, to be copied
    assert list(keychain.kept) == [("trimtab", "work")]
    entry = json.loads(keychain.kept["trimtab", "work"])
    assert (entry["access_token"], entry["refresh_token"]) == ("access-2", "refresh-2")
    assert entry["client_secret"] == CLIENT_SECRET
    for secret in ("access-2", "refresh-2", CLIENT_SECRET):
        assert secret not in done.output


def test_nothing_secret_is_written_to_the_disk(
    home: Paths,
    write_config: WriteConfig,
    provider: Provider,
    keychain: InMemory,
    browser: list[str],
) -> None:
    """In no file of the home's."""
    write_config(settings(provider, auth="password"))
    assert login().exit_code == 0
    for path in home.config.parent.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not any(s.encode() in text for s in ("access-2", "refresh-2", CLIENT_SECRET))


def test_a_sign_in_that_nothing_uses_says_so(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """An account that logs in by password keeps doing so."""
    write_config(settings(provider, auth="password"))
    done = login()
    assert done.exit_code == 0, done.output
    assert 'To use it, set auth = "xoauth2" in accounts.work.imap' in " ".join(done.output.split())


def test_another_user_than_the_configs_is_found_out(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """The mail server refuses the token; renewing it is no help, and is not tried."""
    with ScriptedImap(tokens=["access-of-another"]) as server:
        write_config(settings(provider, server.port))
        done = login()
        assert isinstance(done.exception, LoginRefused)
        assert len(provider.asked) == 1


def test_the_secret_comes_by_a_command(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """Then nothing is asked for."""
    command = f"echo {CLIENT_SECRET}"
    write_config(settings(provider, auth="password", client_secret_command=command))
    done = login(typed="")
    assert done.exit_code == 0, done.output
    assert "secret" not in done.output


def test_a_command_without_a_secret_is_named(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """Before any browser is bothered."""
    write_config(settings(provider, client_secret_command="true"))
    done = login(typed="")
    assert isinstance(done.exception, CommandFailed)
    assert done.exception.setting == "client_secret_command"
    assert browser == []


def test_a_second_sign_in_keeps_the_secret(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """An empty answer means the one before; the tokens are the new ones."""
    write_config(settings(provider, auth="password"))
    assert login().exit_code == 0
    done = login(typed="\n")
    assert done.exit_code == 0, done.output
    kept = oauth.kept_tokens("work")
    assert kept is not None
    assert (kept.client_secret, kept.refresh_token) == (CLIENT_SECRET, "refresh-4")


def test_a_damaged_sign_in_is_replaced(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """The cure for it must not stumble over it."""
    keychain.kept["trimtab", "work"] = "{"
    write_config(settings(provider, auth="password"))
    assert login().exit_code == 0
    assert oauth.kept_tokens("work") is not None


def test_a_client_without_a_secret_signs_in(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """Microsoft's have none, and its users are not asked."""
    provider.secret = ""
    write_config(settings(provider, auth="password", provider="microsoft"))
    done = login(typed="")
    assert done.exit_code == 0, done.output


def test_a_sign_in_that_fails_leaves_the_one_before(
    write_config: WriteConfig, provider: Provider, keychain: InMemory, browser: list[str]
) -> None:
    """Until there is a better one."""
    write_config(settings(provider, auth="password"))
    assert login().exit_code == 0
    before = dict(keychain.kept)
    provider.next.append(told(502, {}))
    assert isinstance(login().exception, ServerUnreachable)
    assert keychain.kept == before


def test_for_ssh_no_browser_is_opened(
    write_config: WriteConfig,
    provider: Provider,
    keychain: InMemory,
    browser: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address is printed, and how to bring its answer to this machine."""
    write_config(settings(provider, auth="password"))
    monkeypatch.setattr("daemon.mailbox.auth.sign_in.WAIT_S", 0)
    done = login("--no-browser")
    assert isinstance(done.exception, SignInFailed)
    assert f"{provider.url}/authorize?response_type=code&client_id=" in done.output
    assert "ssh -L " in done.output
    assert browser == []


def test_an_account_without_a_provider_says_what_is_missing(write_config: WriteConfig) -> None:
    """One sentence, exit code 1."""
    write_config('[accounts.work]\naddresses = ["ada@field.example"]\n')
    assert sentence(trimtab("login", code=1)) == (
        "Account 'work' names no OAuth provider; add the table accounts.work.oauth with provider "
        "and client_id to the config."
    )


@pytest.mark.dovecot
@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_a_commands_token_opens_a_real_mailbox(
    dovecot: Dovecot, user: str, write_config: WriteConfig, auth: str
) -> None:
    """No sign-in is needed then; a token that is refused is told as one."""
    dovecot.append(user, [b"From: ada@field.example\r\nSubject: Plan\r\n\r\nTuesday suits.\r\n"])
    table = account_toml("work", "ada@field.example", dovecot.port, user, auth=auth)
    write_config(f'{table}token_command = "echo {PASSWORD}"\n')
    assert "work: 1 new mails" in trimtab("sync").stdout
    write_config(f'{table}token_command = "echo wrong"\n')
    assert "refused the OAuth token of account 'work'" in sentence(trimtab("sync", code=1))


# --- as a process of its own ----------------------------------------------------------------------


def surroundings(tmp_path: Path, visit: str) -> dict[str, str]:
    """A keychain in a file, and a browser that does what `visit` says with `address`."""
    script = tmp_path / "browser.py"
    script.write_text(
        f"import sys\nfrom urllib.request import urlopen\naddress = sys.argv[1]\n{visit}\n"
    )
    return {
        "BROWSER": f"{sys.executable} {script} %s",
        "PYTHON_KEYRING_BACKEND": "keychains.InFile",
        "PYTHONPATH": str(Path(__file__).parent),
        "TEST_KEYCHAIN": str(tmp_path / "keychain.json"),
    }


def test_the_command_signs_in_by_the_users_browser(
    write_config: WriteConfig, provider: Provider, tmp_path: Path
) -> None:
    """The one that $BROWSER names; the next command finds the sign-in."""
    with ScriptedImap(tokens=["access-2"]) as server:
        command = f"echo {CLIENT_SECRET}"
        write_config(settings(provider, server.port, client_secret_command=command))
        done = trimtab("login", **surroundings(tmp_path, "urlopen(address, timeout=60).read()"))
        assert "The connection works; your sent mail is in 'Sent'." in done.stdout
        assert "access-2" not in done.stdout + done.stderr
        assert "code-1" not in done.stdout + done.stderr
    kept = json.loads((tmp_path / "keychain.json").read_text())
    assert list(kept) == ["trimtab:work"]


def test_ctrl_c_ends_it_cleanly(
    write_config: WriteConfig, provider: Provider, tmp_path: Path
) -> None:
    """At once, without a traceback, and with nothing kept."""
    write_config(settings(provider, client_secret_command=f"echo {CLIENT_SECRET}"))
    environment: dict[str, Any] = surroundings(tmp_path, "")
    with subprocess.Popen(
        [TRIMTAB, "login", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        text=True,
    ) as running:
        assert running.stdout is not None
        while not running.stdout.readline().startswith("It leads back to port"):
            pass
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert not (tmp_path / "keychain.json").exists()


def test_without_a_keychain_one_sentence_says_so(
    write_config: WriteConfig, provider: Provider, tmp_path: Path
) -> None:
    """Before the user is sent to a browser."""
    write_config(settings(provider))
    environment = surroundings(tmp_path, "")
    environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    assert sentence(trimtab("login", code=1, **environment)).startswith(
        "The keychain cannot be used for account 'work' (this system has no keychain); "
    )
    assert provider.seen == []
