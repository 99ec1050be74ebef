"""What a server is shown, where it comes from, and that no error tells a secret."""

import json
import traceback
from pathlib import Path

import pytest
from keychains import InMemory, Locked
from keyring.backends.fail import Keyring as Absent

from daemon.config import Smtp
from daemon.errors import CommandFailed, KeychainMissing, PasswordMissing, SignInNeeded
from daemon.mailbox.auth.credentials import Credential, find_credential, keep_password

SECRET = "hunter2 and more"
TOKEN = "ya29.a0-token_~+/="


def server(**fields: str) -> Smtp:
    return Smtp(host="mail.example", user="ada", **fields)  # type: ignore[arg-type]


def find_password(account: str, of: Smtp) -> str:
    found = find_credential(account, of)
    assert (found.user, found.mechanism) == ("ada", "login")
    return found.secret


def refusal(**fields: str) -> PasswordMissing:
    with pytest.raises(PasswordMissing) as raised:
        find_password("work", server(**fields))
    return raised.value


def told(error: BaseException) -> str:
    """All that a traceback could print of an error and of its causes."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_a_password_in_the_config_comes_first() -> None:
    """Neither the command nor the environment is asked."""
    fields = {"password": SECRET, "password_command": "false", "password_env": "NOT_SET_HERE"}
    assert find_password("work", server(**fields)) == SECRET


@pytest.mark.parametrize(
    ("printed", "password"),
    [
        (f"{SECRET}\\n", SECRET),
        (SECRET, SECRET),
        (f"{SECRET}\\nlogin: ada\\n", SECRET),
        (f"{SECRET}\\r\\n", SECRET),
        (f" {SECRET} \\n", f" {SECRET} "),
        ("pass\\342\\200\\250word\\n", "pass\u2028word"),
        ("pass\\014word\\n", "pass\x0cword"),
    ],
)
def test_a_command_prints_it_on_its_first_line(printed: str, password: str) -> None:
    """Its line end is not of it; every other character is."""
    assert find_password("work", server(password_command=f"printf '{printed}'")) == password


def test_a_command_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is that of the config's fields."""
    monkeypatch.setenv("MAIL_PASSWORD", "from the environment")
    found = find_password("work", server(password_command="echo it", password_env="MAIL_PASSWORD"))
    assert found == "it"


def test_a_command_reads_nothing_of_what_the_user_types() -> None:
    """Its standard input is empty."""
    assert refusal(password_command="cat").source == "password_command printed nothing"


@pytest.mark.parametrize(
    ("command", "source"),
    [
        ("true", "password_command printed nothing"),
        ("printf '\\n'", "password_command printed nothing"),
        (f"sh -c 'echo {SECRET}; exit 1'", "password_command failed"),
        ("no-such-program-here", "password_command failed"),
        ("echo 'unclosed", "password_command failed"),
        ("printf '\\377'", "password_command failed"),
    ],
)
def test_a_command_that_fails_is_named(command: str, source: str) -> None:
    """Whether it ended badly, printed nothing, is not there, or is not text."""
    error = refusal(password_command=command)
    assert (error.account, error.source) == ("work", source)


def test_the_environment_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that the config names, as it is."""
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    assert find_password("work", server(password_env="MAIL_PASSWORD")) == SECRET


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """An empty one is as good as none."""
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("MAIL_PASSWORD", value)
    error = refusal(password_env="MAIL_PASSWORD")
    assert error.source == "the variable MAIL_PASSWORD is not set"


def test_the_keychain_is_the_last_source(keychain: InMemory) -> None:
    """What was kept for an account and user is found for them, and for no others."""
    keep_password("work", "ada", SECRET)
    assert keychain.kept == {("trimtab", "work/ada"): SECRET}
    assert find_password("work", server()) == SECRET
    with pytest.raises(PasswordMissing) as raised:
        find_password("home", server())
    assert raised.value.source == "the keychain has no entry for it"


@pytest.mark.parametrize(
    ("keychain", "reason"),
    [(Absent, "this system has no keychain"), (Locked, "the keychain is locked")],
    indirect=["keychain"],
)
def test_a_keychain_that_cannot_be_used_says_why(keychain: object, reason: str) -> None:
    """Reading and keeping alike."""
    with pytest.raises(KeychainMissing) as reading:
        find_password("work", server())
    with pytest.raises(KeychainMissing) as keeping:
        keep_password("work", "ada", SECRET)
    assert (reading.value.account, reading.value.reason) == ("work", reason)
    assert (keeping.value.account, keeping.value.reason) == ("work", reason)


@pytest.mark.parametrize("after", [b"; exit 1", b"; printf '\\377'"])
def test_no_error_tells_what_a_command_printed(tmp_path: Path, after: bytes) -> None:
    """Neither its fields nor the traceback of its causes hold the secret."""
    script = tmp_path / "password"
    script.write_bytes(f"printf '{SECRET}'".encode() + after)
    error = refusal(password_command=f"sh {script}")
    assert error.source == "password_command failed"
    assert SECRET not in told(error)


@pytest.mark.parametrize("keychain", [Absent], indirect=True)
def test_no_error_tells_what_was_to_be_kept(keychain: Absent) -> None:
    """A password that cannot be kept is in no field and no traceback."""
    with pytest.raises(KeychainMissing) as raised:
        keep_password("work", "ada", SECRET)
    assert SECRET not in told(raised.value)


def test_a_credential_shows_no_secret() -> None:
    """Neither a password nor a token is in its words."""
    found = Credential(user="ada", secret=SECRET, mechanism="xoauth2")
    assert repr(found) == "Credential(user='ada', mechanism='xoauth2')"


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("printed", [TOKEN, f"{TOKEN}\\n", f" {TOKEN}\\r\\nexpires: never\\n"])
def test_a_command_prints_a_token_on_its_first_line(auth: str, printed: str) -> None:
    """White space around it is not of it; the mechanism is the config's."""
    found = find_credential("work", server(auth=auth, token_command=f"printf '{printed}'"))
    assert found == Credential(user="ada", secret=TOKEN, mechanism=auth)  # type: ignore[arg-type]


def test_a_command_is_run_anew_after_a_refusal(tmp_path: Path) -> None:
    """And at every connection: what it prints is not remembered."""
    runs = tmp_path / "runs"
    command = f"sh -c 'echo x >> {runs}; wc -l < {runs}'"
    source = server(auth="xoauth2", token_command=command)
    assert find_credential("work", source).secret == "1"
    assert find_credential("work", source, refused=True).secret == "2"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("false", "failed"),
        ("no-such-program-here", "failed"),
        ("true", "printed no token"),
        ("echo hush hush", "printed no token"),
        ("printf 'hush\\001hush'", "printed no token"),
        ("printf 'hush\\303\\266'", "printed no token"),
    ],
)
def test_a_command_without_a_token_is_named(command: str, reason: str) -> None:
    """What could break out of the line that the server is sent is no token."""
    with pytest.raises(CommandFailed) as raised:
        find_credential("work", server(auth="xoauth2", token_command=command))
    error = raised.value
    assert (error.account, error.setting, error.reason) == ("work", "token_command", reason)
    assert "hush" not in told(error)


def test_without_a_command_the_sign_in_is_the_source(keychain: InMemory) -> None:
    """It is the account's: imap and smtp share it, and no password is looked for."""
    with pytest.raises(SignInNeeded) as raised:
        find_credential("work", server(auth="xoauth2", password=SECRET))
    assert raised.value.account == "work"
    entry = {
        "token_url": "https://provider.example/token",
        "client_id": "client",
        "client_secret": "",
        "access_token": TOKEN,
        "refresh_token": "refresh",
        "issued_at": 0.0,
        "expires_at": 1e12,
    }
    keychain.kept["trimtab", "work"] = json.dumps(entry)
    found = find_credential("work", server(auth="oauthbearer"))
    assert found == Credential(user="ada", secret=TOKEN, mechanism="oauthbearer")
