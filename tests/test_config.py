"""The config: its example, its defaults, and every mistake at once."""

import tomllib
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from daemon import config
from daemon.errors import AccountUnknown, ConfigInvalid, ConfigMissing

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_the_example_equals_the_defaults() -> None:
    """The manual and the program agree on every default."""
    example = config.load(EXAMPLE)
    assert example.model_copy(update={"accounts": {}, "large": {}}) == config.Config()
    claude = example.large["claude"]
    assert claude == config.Large(provider="anthropic", model="claude-sonnet-5-5")
    work = example.accounts["work"]
    assert (work.cloud, work.exclude) == ("never", config.Exclude())
    imap = example.accounts["work"].imap
    assert imap == config.Imap(host="imap.field.example", user="ada@field.example")
    assert example.accounts["work"].smtp == config.Smtp(
        host="smtp.field.example", user="ada@field.example"
    )
    client_id = "1234-abcd.apps.googleusercontent.com"
    assert example.accounts["work"].oauth == config.Oauth(provider="google", client_id=client_id)


def test_the_example_names_every_setting() -> None:
    """No setting exists that the manual does not show."""
    data = tomllib.loads(EXAMPLE.read_text("utf-8"))
    for name in ("models", "budget", "teach", "train", "schedule"):
        section = config.Config.model_fields[name].annotation
        assert section is not None
        assert set(data[name]) == set(section.model_fields)
    work = data["accounts"]["work"]
    research = {"kind", "corpus"}  # no line of a config that holds the user's own mail
    assert set(work) | research == set(config.Account.model_fields)
    assert all(f"\n# {name} = " in EXAMPLE.read_text("utf-8") for name in research)
    assert set(work["imap"]) == set(config.Imap.model_fields)
    assert set(work["smtp"]) == set(config.Smtp.model_fields)
    assert set(work["oauth"]) == set(config.Oauth.model_fields)
    assert set(work["exclude"]) == set(config.Exclude.model_fields)
    unset = {"remote", "price_input", "price_output"}  # no value says what leaving them out does
    assert set(data["large"]["claude"]) | unset == set(config.Large.model_fields)
    assert all(f"\n# {name} = " in EXAMPLE.read_text("utf-8") for name in unset)


CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-5-5"}
OLLAMA = {"provider": "openai", "model": "llama3.3:70b", "base_url": "http://127.0.0.1:11434/v1"}
VLLM = {"provider": "openai", "model": "llama", "base_url": "https://models.example/v1"}
LLAMA = {"provider": "local", "model": "/models/llama-3-70b-4bit"}


@pytest.mark.parametrize(
    ("table", "leaves"),
    [
        (CLAUDE, True),
        (CLAUDE | {"base_url": "http://127.0.0.1:8080"}, True),  # it may pass on what it is sent
        (OLLAMA, False),
        (OLLAMA | {"remote": True}, True),
        (VLLM, True),
        (VLLM | {"remote": False}, False),
        (LLAMA, False),
    ],
)
def test_whether_mail_leaves_follows_from_the_address(table: dict[str, Any], leaves: bool) -> None:
    """Unless the user says so, who alone knows what stands behind it."""
    assert config.Large(**table).leaves == leaves


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('[models]\nteacher = "claude"', "file", "names no table under large"),
        (
            '[large.a]\nprovider = "openai"\nmodel = "m"',
            "large.a",
            "needs the base_url of a server",
        ),
        (
            '[large.a]\nprovider = "openai"\nmodel = "m"\nbase_url = "http://ai.example/v1"',
            "large.a.base_url",
            "must begin with https://",
        ),
        (
            '[large.a]\nprovider = "anthropic"\nmodel = "m"\nprice_input = 2',
            "large.a",
            "a price has two parts",
        ),
    ],
)
def test_a_large_models_table_is_looked_at(
    tmp_path: Path, text: str, where: str, what: str
) -> None:
    """A mistake is found when the config is read, not when the night's teaching begins."""
    with pytest.raises(ConfigInvalid) as caught:
        config.load(write(tmp_path / "config.toml", text))
    (problem,) = caught.value.problems
    assert problem.where == where
    assert what in problem.what


def test_all_mistakes_are_reported_at_once_with_their_place(tmp_path: Path) -> None:
    """Three mistakes make three problems, none of which quotes a value."""
    path = write(
        tmp_path / "config.toml",
        """
        [accounts.work]
        addresses = ["not-an-address"]
        [accounts.work.imap]
        host = "imap.example"
        user = "me"
        port = 99999
        passwrd = "hunter2"
        """,
    )
    with pytest.raises(ConfigInvalid) as raised:
        config.load(path)
    problems = {problem.where: problem.what for problem in raised.value.problems}
    assert problems == {
        "accounts.work.addresses": "an address has exactly one @",
        "accounts.work.imap.port": "Input should be less than or equal to 65535",
        "accounts.work.imap.passwrd": "is not a setting of trimtab",
    }


def test_plain_text_is_refused_beyond_this_machine(tmp_path: Path) -> None:
    """A password never crosses a network unencrypted."""
    path = write(
        tmp_path / "config.toml",
        """
        [accounts.work]
        addresses = ["me@example.org"]
        imap = { host = "mail.example.org", user = "me", security = "plain" }
        """,
    )
    with pytest.raises(ConfigInvalid) as raised:
        config.load(path)
    assert [problem.where for problem in raised.value.problems] == ["accounts.work.imap"]


PROVIDER = (
    'authorize_url = "https://a.example/in"\n'
    'token_url = "https://a.example/token"\n'
    'scope = "mail"\n'
)


@pytest.mark.parametrize(
    ("where", "text", "what"),
    [
        (
            "",
            'imap = { host = "h", user = "u", auth = "xoauth2" }',
            'auth = "xoauth2" needs token_',
        ),
        (".imap", 'imap = { host = "h", user = "u", token_command = "t" }', "token_command is for"),
        (".imap.auth", 'imap = { host = "h", user = "u", auth = "oauth" }', "Input should be"),
        (".oauth", 'oauth = { client_id = "c" }', 'needs provider = "google" or "microsoft", or'),
        (".oauth.client_id", 'oauth = { provider = "google" }', "is missing"),
        (
            ".oauth.authorize_url",
            f"[accounts.work.oauth]\nclient_id = 'c'\n{PROVIDER.replace('https', 'http')}",
            "must begin with https://",
        ),
        (
            ".oauth.token_url",
            'oauth = { client_id = "c", provider = "google", token_url = "http://localhost.me" }',
            "must begin with https://",
        ),
        (
            ".oauth.token_url",
            'oauth = { client_id = "c", provider = "google", token_url = "https://a.example:x" }',
            "Port could not be cast",
        ),
    ],
)
def test_a_mistake_about_oauth_is_named(tmp_path: Path, where: str, text: str, what: str) -> None:
    """A token needs a source, a sign-in needs to know where, and both need encryption."""
    path = write(
        tmp_path / "config.toml", f'[accounts.work]\naddresses = ["me@example.org"]\n{text}\n'
    )
    with pytest.raises(ConfigInvalid) as raised:
        config.load(path)
    problems = {problem.where: problem.what for problem in raised.value.problems}
    assert problems[f"accounts.work{where}"].startswith(what)


@pytest.mark.parametrize(
    "oauth",
    [
        f'client_id = "c"\n{PROVIDER}',
        f'client_id = "c"\n{PROVIDER.replace("https://a.example", "http://127.0.0.1:8080")}',
        'client_id = "c"\nprovider = "microsoft"\nauthorize_url = "https://a.example/tenant"',
    ],
)
def test_any_provider_can_be_named(tmp_path: Path, oauth: str) -> None:
    """By its addresses, all of them, or some in place of the known ones."""
    path = write(
        tmp_path / "config.toml",
        f"""
        [accounts.work]
        addresses = ["me@example.org"]
        imap = {{ host = "mail.example.org", user = "me", auth = "xoauth2" }}
        smtp = {{ host = "mail.example.org", user = "me", auth = "oauthbearer" }}
        [accounts.work.oauth]
        {oauth}
        """,
    )
    assert config.load(path).account("work").oauth is not None


@pytest.mark.parametrize("text", ["[models\n", "\x00"])
def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path, text: str) -> None:
    """A syntax error names the file, not a setting."""
    with pytest.raises(ConfigInvalid) as raised:
        config.load(write(tmp_path / "config.toml", text))
    assert [problem.where for problem in raised.value.problems] == ["file"]


def test_a_missing_config_is_its_own_error(tmp_path: Path) -> None:
    """So that the command can say how to make one."""
    with pytest.raises(ConfigMissing):
        config.load(tmp_path / "config.toml")


def test_an_unknown_account_names_the_known_ones() -> None:
    """The sentence can then offer them."""
    known = config.Config(accounts={"work": config.Account(addresses=("a@b.example",))})
    with pytest.raises(AccountUnknown) as raised:
        known.account("home")
    assert raised.value.known == ("work",)


def test_home_puts_everything_under_one_directory(tmp_path: Path) -> None:
    """TRIMTAB_HOME is all that tests and the demo need."""
    paths = config.find_paths(str(tmp_path))
    config.make_directories(paths)
    assert paths.config == tmp_path / "config.toml"
    assert paths.socket == tmp_path / "run" / "trimtab.sock"
    assert paths.run.stat().st_mode & 0o777 == 0o700


def test_without_a_home_the_systems_own_places_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket lies with the data, whatever the session's runtime directory is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("TRIMTAB_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths = config.find_paths()
    assert paths.database == Path(platformdirs.user_data_dir("trimtab")) / "trimtab.db"
    assert paths.socket == paths.database.parent / "run" / "trimtab.sock"
    assert paths.config.is_relative_to(tmp_path)


def test_a_config_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """A directory in its place, say."""
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigInvalid) as raised:
        config.load(tmp_path / "config.toml")
    (problem,) = raised.value.problems
    assert (problem.where, problem.what) == ("file", "cannot be read (Is a directory)")
