"""Where a password comes from, and that no error tells one."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as Absent

from daemon.config import Smtp
from daemon.errors import PasswordMissing
from daemon.mailbox.passwords import find_password, keep_password

SECRET = "hunter2 and more"


class InMemory(KeyringBackend):
    """A real backend of keyring's, whose keychain is a dictionary. Nobody gets it unasked."""

    priority = 1
    viable = False

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture(params=[InMemory])
def keychain(request: pytest.FixtureRequest) -> Iterator[KeyringBackend]:
    """The backend in use during the test; the one before comes back."""
    before = keyring.get_keyring()
    backend = request.param()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def server(**fields: str) -> Smtp:
    return Smtp(host="mail.example", user="ada", **fields)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("keychain", [Absent], indirect=True)
def test_a_system_without_a_keychain_says_so(keychain: Absent) -> None:
    """Reading and keeping alike."""
    assert refusal().source == "this system has no keychain"
    with pytest.raises(PasswordMissing) as raised:
        keep_password("work", "ada", SECRET)
    assert (raised.value.account, raised.value.source) == ("work", "this system has no keychain")


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
    with pytest.raises(PasswordMissing) as raised:
        keep_password("work", "ada", SECRET)
    assert SECRET not in told(raised.value)
