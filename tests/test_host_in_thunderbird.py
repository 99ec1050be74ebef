"""The real Thunderbird finds the host by what `trimtab plugin install` wrote, and starts it.

A small extension stands in for ours: it does what it is told here, and reports over HTTP.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from draft_examples import body
from running_daemon import Running, running
from tools import require

from daemon.commands import plugin
from daemon.plugin_files import EXTENSION, archive

LIMIT_S = 120
"""For a Thunderbird that hangs; it takes some 5 s."""
CONFIG = '[accounts.home]\naddresses = ["nora@falk.example"]\n'
PREFS = {
    "extensions.autoDisableScopes": 0,
    "app.update.enabled": False,
    "mail.shell.checkDefaultClient": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "mail.accounthub.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "extensions.update.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}
SCRIPT = """
const heard = [];
let text = "";
const report = (end) => fetch("http://127.0.0.1:PORT/", {
  method: "POST", body: JSON.stringify({ end, heard }),
});
const port = browser.runtime.connectNative("trimtab");
port.onDisconnect.addListener((port) => report(String(port.error)));
port.onMessage.addListener(async (message) => {
  if ("part" in message) {
    text += message.part;
    if (!message.last) return;
    message = JSON.parse(text);
  }
  if (message.end) {
    const { port: number, token } = await browser.storage.managed.get();
    heard.push({ number, token: token.length });
    await report("done");
  } else heard.push(message);
});
for (const message of MESSAGES) port.postMessage(message);
"""


def an_extension(name: str, script: str) -> bytes:
    manifest = {
        "manifest_version": 3,
        "name": "stand-in",
        "version": "1",
        "browser_specific_settings": {"gecko": {"id": name, "strict_min_version": "128.0"}},
        "background": {"scripts": ["background.js"]},
        "permissions": ["nativeMessaging", "storage"],
        "host_permissions": ["http://127.0.0.1/*"],
    }
    files = {"manifest.json": json.dumps(manifest), "background.js": script}
    return archive({PurePosixPath(path): text.encode() for path, text in files.items()})


async def reported(profile: Path, home: Path, name: str, messages: list[Any]) -> dict[str, Any]:
    """What an extension of this name reports, from a Thunderbird of its own."""
    report: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        content = json.loads(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 204 Heard\r\nConnection: close\r\n\r\n")
        writer.close()
        if not report.done():
            report.set_result(content)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
    script = SCRIPT.replace("PORT", str(server.sockets[0].getsockname()[1]))
    script = script.replace("MESSAGES", json.dumps(messages))
    (profile / "extensions").mkdir(parents=True)
    (profile / "extensions" / f"{name}.xpi").write_bytes(an_extension(name, script))
    prefs = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in PREFS.items()]
    (profile / "user.js").write_text("\n".join(prefs), "utf-8")
    async with server, thunderbird(profile, home):
        return await asyncio.wait_for(report, LIMIT_S)


@asynccontextmanager
async def thunderbird(profile: Path, home: Path) -> AsyncIterator[None]:
    """Thunderbird for the `with` block, without a display, in a home of its own."""
    process = await asyncio.create_subprocess_exec(
        require("thunderbird", "thunderbird"),
        "--profile",
        str(profile),
        "--no-remote",
        env=os.environ | {"HOME": str(home), "MOZ_HEADLESS": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throwaway HOME."""
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def installed(daemon: Running, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plugin for this daemon, with any package."""
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    monkeypatch.setenv("TRIMTAB_HOME", str(daemon.paths.config.parent))
    plugin.install(http=True, as_json=False, folder=folder)


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac's Thunderbird needs a display")
async def test_thunderbird_starts_the_host_for_our_extension_alone(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole draft comes to it, longer than one message may be; its storage holds the port."""
    require("thunderbird", "thunderbird")
    thread = [{"author": body()["to"][0], "text": "Мы тоже.\n" * 32_000}]
    draft = body("in Thunderbird", context=thread)
    ask = {"id": "d", "method": "POST", "path": "/v1/drafts", "body": draft}
    with running(CONFIG) as daemon:
        installed(daemon, tmp_path / "folder", monkeypatch)
        ours = await reported(tmp_path / "ours", user, EXTENSION, [ask])
        foreign = await reported(tmp_path / "foreign", user, "other@elsewhere.example", [ask])
    *events, access = ours["heard"]
    assert ours["end"] == "done"
    assert [event["event"] for event in events][:: len(events) - 1] == ["rules", "done"]
    assert events[-1]["data"]["draft"]["x"]["context"][0]["text"] == thread[0]["text"]
    assert access == {"number": daemon.port, "token": 43}
    assert foreign["heard"] == []
    assert "No such native application trimtab" in foreign["end"]
