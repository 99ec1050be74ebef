"""The command: help, usage, and each thing that can be wrong as one sentence with exit code 1."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import format_datetime, localtime
from pathlib import Path

import pytest
from anthropic_server import KEY, process
from command import sentence, trimtab
from conftest import account_toml
from dovecot_server import Dovecot
from tools import absent, free_port

from daemon import sample
from daemon.config import Config, Paths, find_paths
from daemon.lock import HomeLock

ADA = sample.people()[0]
RAW = list(sample.load("ada"))
OFFLINE = f'[accounts.work]\nname = "Ada Lindqvist"\naddresses = ["{ADA.address.address}"]\n'
SUBCOMMANDS = {
    "init", "run", "status", "sync", "import", "extract", "teach", "train", "adapters", "draft",
    "eval", "demo", "login", "key", "ledger", "logs", "rules", "edits", "plugin", "doctor",
    "models", "service", "forget", "export", "backup", "restore", "uninstall", "corpus", "report",
}  # fmt: skip
FULL = "is full; make room and try again"
WriteConfig = Callable[[str], Config]


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """Sixty of Ada's mails as a directory of .eml files."""
    directory = tmp_path / "mails"
    directory.mkdir()
    for number, raw in enumerate(RAW[:60]):
        (directory / f"{number:03}.eml").write_bytes(raw)
    return directory


# --- help and usage --------------------------------------------------------------------------


def test_the_help_names_every_subcommand() -> None:
    """And says what each is for."""
    listed = re.findall(r"^  (\w+)  +\w", trimtab("--help").stdout, re.MULTILINE)
    assert set(listed) == SUBCOMMANDS


def test_the_help_loads_nothing_heavy() -> None:
    """That is how it answers at once; no module of ours beyond the command's own is needed."""
    code = (
        "import sys; sys.argv = ['trimtab', '--help']\n"
        "from daemon.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    heavy = {"asyncio", "pydantic", "fastapi", "uvicorn", "httpx", "rich", "imapclient", "mlx"}
    assert heavy & loaded == set()
    assert {name for name in loaded if name.startswith(("daemon", "mlx_agent"))} == {
        "daemon",
        "daemon.cli",
        "daemon.cli_blind",
        "daemon.cli_corpora",
        "daemon.cli_evaluate",
        "daemon.cli_experiments",
        "daemon.cli_home",
        "daemon.cli_init",
        "daemon.cli_models",
        "daemon.cli_report",
    }


def test_wrong_usage_is_exit_code_two() -> None:
    """As everywhere."""
    assert "No such option" in trimtab("sync", "--fast", code=2).stderr
    assert "No such command" in trimtab("synch", code=2).stderr


# --- what can be wrong -----------------------------------------------------------------------


def test_without_a_config_it_says_how_to_make_one(home: Paths) -> None:
    """Every command that needs one."""
    for command in ("sync", "teach", "train", "status", "run"):
        said = sentence(trimtab(command, code=1))
        assert said == f"There is no config at {home.config} yet; make one with `trimtab init`."


def test_three_mistakes_in_the_config_are_told_at_once(home: Paths) -> None:
    """Each with its place."""
    home.config.write_text(
        '[accounts.work]\naddresses = ["ada"]\n[train]\nepochs = 0\nspeed = 9\n', "utf-8"
    )
    said = trimtab("sync", code=1).stderr
    assert said == (
        f"{home.config} has 3 problems; correct and try again:\n"
        "  accounts.work.addresses: an address has exactly one @\n"
        "  train.epochs: Input should be greater than or equal to 1\n"
        "  train.speed: is not a setting of trimtab\n"
    )


@pytest.mark.dovecot
def test_a_wrong_password(dovecot: Dovecot, user: str, write_config: WriteConfig) -> None:
    """The sentence names the server and the account, and never the password."""
    write_config(account_toml("work", "a@b.example", dovecot.port, user, password="hunter2"))
    assert sentence(trimtab("sync", code=1)) == (
        "127.0.0.1 refused the user name or password of account 'work'; check them (many providers "
        "want an app password here), then try again."
    )


def test_an_unreachable_server(write_config: WriteConfig) -> None:
    """Nothing is lost, and it says so."""
    port = free_port()
    write_config(account_toml("work", "a@b.example", port, "ada"))
    assert sentence(trimtab("sync", code=1)) == (
        f"127.0.0.1:{port} of account 'work' cannot be reached (the connection was refused); check "
        "host, port and network. Nothing was changed, and trimtab goes on where it stopped."
    )


@pytest.mark.dovecot
def test_an_empty_sent_folder(dovecot: Dovecot, user: str, write_config: WriteConfig) -> None:
    """There is nothing to learn from: where else to look is said."""
    write_config(account_toml("work", "a@b.example", dovecot.port, user))
    done = trimtab("sync", code=1)
    assert done.stdout == "work: 0 new mails, 0 known, 0 edits of drafts found.\n"
    assert done.stderr == (
        "The Sent folder of account 'work' is empty, so there is nothing to learn from; name "
        "another one as accounts.work.imap.sent_folder in the config, or take older mail from "
        "files with `trimtab import`.\n"
    )


def test_an_account_without_a_server(write_config: WriteConfig) -> None:
    """It cannot be synced; mail comes from files."""
    write_config(OFFLINE)
    said = sentence(trimtab("sync", code=1))
    assert said.startswith("Account 'work' has no IMAP server; add the table accounts.work.imap")


def test_an_account_must_be_named_where_there_are_two(write_config: WriteConfig) -> None:
    """A guess might teach one account with another's mail."""
    write_config(OFFLINE + OFFLINE.replace("work", "home"))
    assert sentence(trimtab("teach", code=1)) == (
        "Say which account with --account (known: work, home)."
    )
    assert sentence(trimtab("teach", "-a", "play", code=1)) == (
        "There is no account 'play' in the config (known: work, home)."
    )


def test_a_second_daemon_on_the_same_home(write_config: WriteConfig, home: Paths) -> None:
    """One home has one owner."""
    write_config(OFFLINE)
    with HomeLock(home.lock):
        said = sentence(trimtab("run", code=1))
    assert said == (
        f"Another trimtab is running on {home.run}; stop it first, or use that one "
        "(`trimtab status`)."
    )


@pytest.mark.parametrize("command", ["teach", "train", "eval"])
def test_nothing_to_work_on(write_config: WriteConfig, command: str) -> None:
    """Each step names the one before it."""
    write_config(OFFLINE)
    said = sentence(trimtab(command, code=1))
    assert {"teach": "`trimtab import`", "train": "`trimtab teach`", "eval": "`trimtab train`"}[
        command
    ] in said


def test_a_model_that_the_config_does_not_know(write_config: WriteConfig) -> None:
    """Before anything is read or sent."""
    write_config(OFFLINE + "[large.claude]\nprovider = 'anthropic'\nmodel = 'claude-opus-5-5'\n")
    assert sentence(trimtab("key", "gpt", code=1)) == (
        "There is no large model 'gpt' in the config (known: claude)."
    )


CLAUDE = """
[large.claude]
provider = "anthropic"
model = "claude-sonnet-5-5"
[models]
teacher = "claude"
"""


def test_mail_does_not_leave_unless_the_config_says_so(
    write_config: WriteConfig, mails: Path
) -> None:
    """The sentence names the setting; nothing was asked for a key yet, and nothing was sent."""
    write_config(OFFLINE + CLAUDE)
    trimtab("import", mails)
    assert sentence(trimtab("teach", code=1)) == (
        "Account 'work' lets no mail leave this machine for that, and 'claude' is elsewhere; set "
        "accounts.work.cloud = 'all' in the config, or use a model on this machine."
    )
    assert trimtab("ledger").stdout == "Nothing has left this machine in 30 days.\n"


def test_a_key_that_is_nowhere_is_said_with_its_source(
    write_config: WriteConfig, mails: Path
) -> None:
    """Before any mail is read for it."""
    allowed = OFFLINE.replace("[accounts.work]", '[accounts.work]\ncloud = "all"')
    write_config(allowed + CLAUDE.replace("[models]", 'key_env = "NO_SUCH_KEY"\n[models]'))
    trimtab("import", mails)
    assert sentence(trimtab("teach", code=1)) == (
        "There is no key for the large model 'claude' (the variable NO_SUCH_KEY is not set); store "
        "it with `trimtab key claude`, or name key_command or key_env for it in the config."
    )


def test_claude_teaches_in_batches_and_all_that_left_is_on_record(
    write_config: WriteConfig, mails: Path, home: Paths
) -> None:
    """Teach, what it cost, and the ledger, as a user sees them; a repeat sends nothing."""
    with process() as url:
        allowed = OFFLINE.replace("[accounts.work]", '[accounts.work]\ncloud = "all"')
        model = f'base_url = "{url}"\nkey_command = "echo {KEY}"\n[models]'
        write_config(allowed + CLAUDE.replace("[models]", model) + "[teach]\nlimit = 20\n")
        trimtab("import", mails)
        first = json.loads(trimtab("teach", "--json").stdout)
        assert (first["lessons"], first["set_aside"], first["waiting"]) == (20, 0, 0)
        entries = json.loads(trimtab("ledger", "--json").stdout)
        assert Counter(entry["event"] for entry in entries) == {"sent": 60, "answered": 60}
        assert {entry["note"] for entry in entries} == {"teach, batch"}
        assert {entry["host"] for entry in entries} == {"127.0.0.1"}
        again = json.loads(trimtab("teach", "--json").stdout)
        assert (again["lessons"], again["known"]) == (0, 20)
        assert len(json.loads(trimtab("ledger", "--json").stdout)) == 120
        status = json.loads(trimtab("status", "--json").stdout)["budget"]
        cost = sum(entry["cost_usd"] for entry in entries if entry["event"] == "answered")
        assert status["night_usd"] == pytest.approx(cost)
        assert status["night_left_usd"] == pytest.approx(5 - cost)
        assert "Large models: " in trimtab("status", "--once").stdout
        shown = trimtab("ledger", "--limit", "1").stdout
        assert "claude-sonnet-5-5 at" in " ".join(shown.split())
    log = "".join(path.read_text("utf-8") for path in home.logs.glob("*"))
    assert KEY not in log


def test_the_dry_run_shows_what_would_leave(
    write_config: WriteConfig, mails: Path, home: Paths
) -> None:
    """How much, to whom, at what price, and every prompt in a file of the user's alone."""
    write_config(OFFLINE + CLAUDE)
    trimtab("import", mails)
    said = trimtab("teach", "--dry-run").stdout
    assert said.startswith("work: 60 of 60 mails are to be taught; 180 calls of 'claude', about ")
    assert "in batches, about 0." in said
    assert "go to api.anthropic.com, as they are." in said
    assert 'accounts.work.cloud = "never" does not allow it yet; "all" would.' in said
    prompts = home.database.parent / "dry-run-work.txt"
    assert str(prompts) in said
    assert prompts.stat().st_mode & 0o777 == 0o600
    assert prompts.read_text("utf-8").count(", to api.anthropic.com =====\n[system]\n") == 180
    data = json.loads(trimtab("teach", "--dry-run", "--live", "--json").stdout)
    batch = json.loads(trimtab("teach", "--dry-run", "--json").stdout)
    assert data["cost_usd"] == pytest.approx(2 * batch["cost_usd"])
    assert data["leaves_this_machine"] is True


class SmallDisk:
    """A file system of its own in memory, as a home with little room."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def mount(self) -> bool:
        """Whether that can be done here: it takes root, and Linux."""
        command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", self.home]
        return shutil.which("mount") is not None and not subprocess.call(
            command, stderr=subprocess.DEVNULL
        )

    def leave(self, kib: int) -> None:
        """Room for so much more, and nothing beyond."""
        used = subprocess.check_output(["df", "--output=used", self.home], text=True).split()[-1]
        self._resize(f"{int(used) + kib}k")

    def make_room(self) -> None:
        """Plenty of it."""
        self._resize("64m")

    def _resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.home], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A home on a small disk, with an account."""
    (tmp_path / "small").mkdir()
    small = SmallDisk(tmp_path / "small")
    if not small.mount():
        absent("a small file system to fill (mount -t tmpfs, as root on Linux)")
    (small.home / "config.toml").write_text(OFFLINE, "utf-8")
    yield small
    subprocess.run(["umount", "--lazy", small.home], check=True)


def test_a_full_disk_at_commit(disk: SmallDisk, mails: Path) -> None:
    """One sentence, the store as it was, and with room the same again succeeds."""
    disk.leave(248)
    full = sentence(trimtab("import", mails, home=disk.home, code=1))
    assert full == (
        f"The disk that holds {disk.home / 'trimtab.db'} is full; make room and try again. What "
        "was stored is safe, and the step that failed left nothing half-done."
    )
    disk.make_room()
    again = json.loads(trimtab("import", mails, "--json", home=disk.home).stdout)
    assert (again["added"], again["known"]) == (60, 0)


def test_a_full_disk_ends_what_works_through_the_daemon(disk: SmallDisk, mails: Path) -> None:
    """A user who waits is told; the lessons that were made stay, and the rest is made later."""
    trimtab("import", mails, home=disk.home)
    trimtab("status", "--once", home=disk.home)
    disk.leave(400)
    assert FULL in sentence(trimtab("teach", home=disk.home, code=1))
    disk.make_room()
    again = json.loads(trimtab("teach", "--json", home=disk.home).stdout)
    assert again["lessons"] + again["known"] == 60
    status = json.loads(trimtab("status", "--json", home=disk.home).stdout)
    assert status["accounts"][0]["lessons"] == 60
    assert status["jobs"][-1]["state"] in {"failed", "interrupted"}


def test_a_full_disk_leaves_no_half_data_set(disk: SmallDisk, mails: Path) -> None:
    """What has no manifest is none; with room it is written anew."""
    trimtab("import", mails, home=disk.home)
    trimtab("teach", home=disk.home)
    disk.leave(24)
    assert FULL in sentence(trimtab("train", home=disk.home, code=1))
    assert not list((disk.home / "datasets").glob("*/manifest.json"))


def test_a_source_that_is_no_mail(write_config: WriteConfig, tmp_path: Path) -> None:
    """What can be given instead is said."""
    write_config(OFFLINE)
    said = sentence(trimtab("import", tmp_path / "nowhere", code=1))
    assert said.endswith("give an mbox file, a Maildir, an .eml file or a directory of them.")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["status", "--once"], "none yet"),
        (["adapters", "list"], "adapter"),
        (["teach", "--dry-run"], "work: 0 of 0 mails"),
    ],
)
def test_the_first_command_may_be_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], said: str
) -> None:
    """With nothing there but a config in the system's own place."""
    monkeypatch.delenv("TRIMTAB_HOME", raising=False)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = find_paths()
    paths.config.parent.mkdir(parents=True)
    paths.config.write_text(OFFLINE, "utf-8")
    assert said in trimtab(*command).stdout


def test_a_damaged_store(write_config: WriteConfig, home: Paths) -> None:
    """It is left as it is, for a backup may be at hand, or somebody who can mend it."""
    write_config(OFFLINE)
    home.database.write_text("no database", "utf-8")
    assert sentence(trimtab("status", "--once", code=1)).startswith(
        f"{home.database} is damaged; nothing was changed in it. Put a backup in its place, or move"
    )
    assert home.database.read_text("utf-8") == "no database"


def test_a_recipient_that_is_no_address(write_config: WriteConfig) -> None:
    """Told before anything is written; the value is not repeated."""
    write_config(OFFLINE)
    assert sentence(trimtab("draft", "--to", "Robin", stdin="- yes\n", code=1)) == (
        "--to takes a mail address, such as 'Robin Hale <robin@hale.example>'."
    )


# --- what goes well --------------------------------------------------------------------------


def test_mail_from_files_becomes_lessons_and_a_draft(
    write_config: WriteConfig, mails: Path
) -> None:
    """Import, the dry run, teach, a draft by few-shot rules; a repeat of each adds nothing."""
    write_config(OFFLINE)
    assert trimtab("import", mails).stdout == "work: 60 mails imported, 0 known, 0 unreadable.\n"
    dry = json.loads(trimtab("teach", "--dry-run", "--json").stdout)
    assert (dry["mails"], dry["calls"], dry["cost_usd"]) == (60, 180, 0.0)
    assert dry["leaves_this_machine"] is False
    first = json.loads(trimtab("teach", "--limit", "25", "--json").stdout)
    assert (first["lessons"], first["left_out"]) == (25, {"beyond the limit": 35})
    rest = trimtab("teach").stdout
    assert rest == "work: 35 new lessons, 25 known, 0 set aside.\n"
    done = trimtab("draft", "--to", "Robin Hale <r@hale.example>", stdin="- The plan is ready\n")
    assert "the plan is ready" in done.stdout
    assert "(few-shot: no agent yet" in done.stderr


def test_a_draft_answers_a_mail(write_config: WriteConfig, mails: Path, tmp_path: Path) -> None:
    """Recipient, subject, thread and context come from the file."""
    write_config(OFFLINE)
    trimtab("import", mails)
    theirs = tmp_path / "theirs.eml"
    theirs.write_text(
        "From: Robin Hale <robin@hale.example>\nSubject: Chairs\nMessage-ID: <b@hale.example>\n"
        "References: <a@hale.example>\n\nHow many do you need?\n",
        "utf-8",
    )
    done = trimtab("draft", "--reply-to", theirs, "--json", stdin="* 4 more chairs\n")
    draft = json.loads(done.stdout)["draft"]
    metadata = draft["x"]["metadata"]
    assert metadata["to"] == [{"name": "Robin Hale", "address": "robin@hale.example"}]
    assert (metadata["subject"], metadata["reply"]) == ("Re: Chairs", True)
    assert draft["in_reply_to"] == "<b@hale.example>"
    assert draft["references"] == ["<a@hale.example>", "<b@hale.example>"]
    assert draft["x"]["context"][0]["text"] == "How many do you need?"
    assert draft["x"]["intent"] == ["4 more chairs"]
    assert "4 more chairs" in draft["text"]


def test_a_draft_goes_by_the_users_word(write_config: WriteConfig, mails: Path) -> None:
    """Rules for good and for this draft alone, and a draft that is written anew."""
    write_config(OFFLINE)
    trimtab("import", mails)
    said = trimtab("rules", "--pin", 'Greeting: open with "Ahoy" and a comma', "--ban", "Closing")
    assert said.stdout == 'Greeting: open with "Ahoy" and a comma\nClosing: never a rule\n'
    draft = json.loads(drafted("--json").stdout)["draft"]
    assert draft["text"].startswith("Ahoy,\n")
    assert draft["x"]["metadata"]["cc"] == [{"name": "", "address": "kim@hale.example"}]
    rule = 'Sign-off: sign off with "Bye"'
    done = drafted("--off", "greeting", "--rule", rule, "--again", draft["id"], "--json")
    other = json.loads(done.stdout)["draft"]
    aspects = [one["aspect"] for one in other["rules"]]
    assert "greeting" not in aspects
    assert "closing" not in aspects
    assert "Bye" in other["text"]
    assert other["id"] != draft["id"]
    freed = json.loads(trimtab("rules", "--free", "greeting", "--json").stdout)
    assert freed == {"pinned": [], "banned": ["closing"]}


def test_an_edit_is_shown_and_taken_back(
    write_config: WriteConfig, mails: Path, tmp_path: Path
) -> None:
    """By the draft's id, without its text; a draft that is none is told."""
    write_config(OFFLINE)
    trimtab("import", mails)
    draft = json.loads(drafted("--json").stdout)["draft"]
    assert trimtab("edits").stdout == "Nothing was learned from an edit yet.\n"
    sent = tmp_path / "sent.eml"
    sent.write_text(
        f"From: {ADA.address.address}\nTo: r@hale.example\nDate: {format_datetime(localtime())}\n"
        f"X-Trimtab-Draft: {draft['id']}\n\n{draft['text']}\nAnd one thing more.\n",
        "utf-8",
    )
    trimtab("import", sent)
    (shown,) = trimtab("edits").stdout.splitlines()
    assert re.search(rf"  work  draft {draft['id']}: \d+% of its words changed$", shown)
    (edit,) = json.loads(trimtab("edits", "--json").stdout)
    assert edit["matched_by"] == "header"
    assert json.loads(trimtab("edits", "--undo", draft["id"], "--json").stdout) == []
    assert sentence(trimtab("edits", "--undo", "none", code=1)) == "There is no draft 'none'."


def drafted(*options: str) -> subprocess.CompletedProcess[str]:
    to = ("--to", "r@hale.example", "--cc", "kim@hale.example")
    return trimtab("draft", *to, *options, stdin="- yes\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rules", "--ban", "Cheek"), "An aspect is one of greeting, "),
        (("rules", "--pin", "be brief"), "A rule is written 'Aspect: instruction' (a line "),
        (("draft", "--off", "x"), "An aspect is one of greeting, "),
        (("draft", "--again", "nowhere"), "There is no draft 'nowhere'."),
    ],
)
def test_a_word_that_is_not_understood_is_told(
    write_config: WriteConfig, arguments: tuple[str, ...], said: str
) -> None:
    """One sentence, and nothing is written."""
    write_config(OFFLINE)
    assert sentence(trimtab(*arguments, stdin="- yes\n", code=1)).startswith(said)
    assert json.loads(trimtab("rules", "--json").stdout) == {"pinned": [], "banned": []}


def test_a_draft_of_nothing_is_refused(write_config: WriteConfig) -> None:
    """Bullets come on standard input."""
    write_config(OFFLINE)
    said = sentence(trimtab("draft", stdin="\n - \n", code=1))
    assert said == "There is nothing to write: give one bullet a line on standard input."


def test_extract_says_what_was_cut_and_why(tmp_path: Path) -> None:
    """The parts of one mail as JSON; no home is needed."""
    file = tmp_path / "mail.eml"
    file.write_text("Subject: x\n\nYes.\n\n-- \nAda\n\nOn 1 May 2026, Bo wrote:\n> No?\n", "utf-8")
    parts = json.loads(trimtab("extract", file, "--json").stdout)
    assert parts["own_text"] == "Yes."
    assert parts["context"][0]["text"] == "No?"
    assert {(cut["what"], cut["line"]) for cut in parts["cuts"]} == {
        ("context", 6),
        ("signature", 3),
    }


def test_status_is_for_people_and_for_programs(write_config: WriteConfig, mails: Path) -> None:
    """Both say the same, with no daemon running."""
    write_config(OFFLINE)
    trimtab("import", mails)
    row = json.loads(trimtab("status", "--json").stdout)["accounts"][0]
    assert (row["account"], row["mails"], row["adapter"]) == ("work", 60, None)
    assert re.search(r"work +60 .*none yet +never", trimtab("status", "--once").stdout)


def test_no_file_is_readable_by_others(write_config: WriteConfig, mails: Path, home: Paths) -> None:
    """Mail is private, and so is what was learned from it."""
    write_config(OFFLINE)
    trimtab("import", mails)
    trimtab("teach")
    files = [path for path in home.database.parent.rglob("*") if path.is_file()]
    ours = [path for path in files if mails not in path.parents and path != home.config]
    assert home.database in ours
    assert {path.name for path in ours if path.stat().st_mode & 0o077} == set()


def test_no_log_holds_mail(write_config: WriteConfig, mails: Path, home: Paths) -> None:
    """No body, address or subject of anything that went through."""
    write_config(OFFLINE)
    trimtab("import", mails)
    trimtab("teach")
    trimtab("sync", code=1)
    trimtab("draft", "--to", "robin@hale.example", stdin="the secret plan\n")
    logs = "".join(path.read_text("utf-8") for path in home.logs.iterdir())
    assert "failed" in logs
    assert not re.search(r"@|secret plan|Lindqvist", logs)
