"""The Thunderbird extension as files: what it asks for, what it says, and its pure functions.

What it does is shown in the real Thunderbird elsewhere.
"""

import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running_daemon import ask, running
from tools import require

import daemon.ladder
from daemon.api.errors import code_of
from mlx_agent.errors import TrimtabError

EXTENSION = Path(__file__).parents[1] / "plugin" / "thunderbird"
SHIPPED = sorted(
    path for path in EXTENSION.rglob("*") if path.is_file() and "tests" not in path.parts
)
SCRIPTS = [path for path in SHIPPED if path.suffix == ".js"]
PAGES = [path for path in SHIPPED if path.suffix == ".html"]
CODE = "\n".join(path.read_text("utf-8") for path in SCRIPTS)

USED_FOR = {
    "accountsRead": r"browser\.identities\.",
    "compose": r"browser\.compose\.",
    "messagesRead": r"browser\.messages\.",
    "nativeMessaging": r"browser\.runtime\.connectNative\(",
    "scripting": r"browser\.scripting\.executeScript\(",
    "storage": r"browser\.storage\.",
}
"""What the code has to call for a permission to be used."""


def manifest() -> dict[str, Any]:
    return dict(json.loads((EXTENSION / "manifest.json").read_text("utf-8")))


def messages(language: str) -> dict[str, Any]:
    return dict(
        json.loads((EXTENSION / "_locales" / language / "messages.json").read_text("utf-8"))
    )


def test_the_pure_functions_do_what_their_own_tests_say(tmp_path: Path) -> None:
    """Under node, without a browser; one before 20.19 takes a file for a module if it is told."""
    node = require("node", "nodejs")
    copy = tmp_path / "thunderbird"
    shutil.copytree(EXTENSION, copy)
    (copy / "package.json").write_text('{"type": "module"}')
    tests = sorted(map(str, (copy / "tests").glob("*.test.mjs")))
    assert tests
    ran = subprocess.run(
        [node, "--test", *tests], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_script_is_one_that_a_browser_can_read() -> None:
    """A module is checked as a module."""
    node = require("node", "nodejs")
    for script in SCRIPTS:
        told = ["--input-type=module", "--check"]
        ran = subprocess.run(
            [node, *told], input=script.read_bytes(), capture_output=True, check=False
        )
        assert ran.returncode == 0, (script, ran.stderr.decode())


def test_it_is_the_extension_that_the_host_lets_in() -> None:
    """With the id of the host's manifest, from Thunderbird 140 on, without experiments."""
    stated = manifest()
    gecko = stated["browser_specific_settings"]["gecko"]
    assert stated["manifest_version"] == 3
    assert gecko == {"id": "plugin@trimtab.local", "strict_min_version": "140.0"}
    assert "experiment_apis" not in stated


def test_no_permission_is_asked_for_that_is_not_used() -> None:
    """And none is used that is not asked for; HTTP goes to this machine alone."""
    stated = manifest()
    assert set(stated["permissions"]) == set(USED_FOR)
    for permission, call in USED_FOR.items():
        assert re.search(call, CODE), permission
    assert stated["host_permissions"] == ["http://127.0.0.1/*"]
    assert set(re.findall(r"https?://[^\s\"'`)]*", CODE)) == {"http://127.0.0.1:${port}"}


def test_every_reason_of_the_daemon_is_said_in_both_languages() -> None:
    """Why no higher rung of the ladder answered, in the words of the ladder."""
    ladder = inspect.getsource(daemon.ladder)
    reasons = {*daemon.ladder._WHY.values(), *re.findall(r"Missed\(why=\"([^\"]+)\"\)", ladder)}
    told = (EXTENSION / "pure" / "provenance.js").read_text("utf-8")
    known = dict(re.findall(r"^  \"([^\"]+)\": \"(why_\w+)\",$", told, re.MULTILINE))
    assert reasons == known.keys()
    assert set(known.values()) <= messages("en").keys()


def test_both_languages_say_everything() -> None:
    """The same messages with the same places, and no message that the code does not say."""
    english, german = messages("en"), messages("de")
    troubles = {key for key in german if key.startswith("trouble_")}
    assert english.keys() == german.keys() - troubles
    for key, said in english.items():
        places = [sorted(re.findall(r"\$\d", one[key]["message"])) for one in (english, german)]
        assert places[0] == places[1], key
        assert said["message"].strip()
        assert german[key]["message"].strip()


def descendants(kind: type[TrimtabError]) -> set[type[TrimtabError]]:
    """All errors below one."""
    return {each for child in kind.__subclasses__() for each in {child} | descendants(child)}


def test_what_the_daemon_says_of_trouble_has_german_words() -> None:
    """Each for an error of that code that there is, with what to do; English is the daemon's."""
    codes = {code_of(kind.__new__(kind)) for kind in descendants(TrimtabError)}
    german = messages("de")
    troubles = {key.removeprefix("trouble_") for key in german if key.startswith("trouble_")}
    assert len(troubles) > 10
    assert troubles - codes == {"daemon_not_running"}  # which its host says in its place
    assert not {key for key in messages("en") if key.startswith("trouble_")}
    assert all(";" in german[f"trouble_{code}"]["message"] for code in troubles)


def test_every_message_that_is_named_is_there_and_the_other_way_round() -> None:
    """In scripts, pages and the manifest; those whose names are put together are known by sight."""
    everything = CODE + "\n".join(path.read_text("utf-8") for path in PAGES)
    named = set(re.findall(r"(?:getMessage|say)\(\"(\w+)\"", everything))
    named |= set(re.findall(r"data-i18n=\"(\w+)\"", everything))
    named |= set(re.findall(r"key: \"(\w+)\"", everything))
    named |= set(re.findall(r"__MSG_(\w+)__", (EXTENSION / "manifest.json").read_text("utf-8")))
    made = {
        key for key in messages("en") if re.match(r"aspect_|noticed|why_|asking$|writing$", key)
    }
    assert named - made <= messages("en").keys()
    assert messages("en").keys() <= named | made


@pytest.mark.parametrize(
    "forbidden",
    [
        "innerHTML",
        "insertAdjacentHTML",
        r"document\.write",
        r"\beval\(",
        r"new Function",
        r"import\(",
    ],
)
def test_what_mail_says_stays_text(forbidden: str) -> None:
    """Nothing is made code or markup of but the draft, which is escaped before."""
    assert not re.search(forbidden, CODE)


def test_no_page_holds_code_or_comes_from_elsewhere() -> None:
    """Scripts and styles are files of the extension."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for source in re.findall(r"(?:src|href)=\"([^\"]*)\"", text):
            assert (page.parent / source).is_file(), source
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|<style", text)


def test_every_field_has_a_label() -> None:
    """For those who hear the window."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for field in re.findall(r"<(?:input|textarea|select)\b[^>]*\bid=\"(\w+)\"", text):
            assert f'for="{field}"' in text or f'<label><input id="{field}"' in text, field


def test_an_account_says_its_addresses() -> None:
    """By which the extension knows whose mail it is."""
    with running(tcp=False) as started:
        answer = ask(started, b"GET /v1/status", tcp=False)
    (row,) = json.loads(answer.partition(b"\r\n\r\n")[2])["accounts"]
    assert (row["account"], row["addresses"]) == ("work", ["ada@field.example"])
