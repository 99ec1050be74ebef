"""A real headless Chromium, driven as a user would: over the DevTools protocol, by keys and clicks.

https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from tools import require

SECONDS = 120.0
"""How long anything may take, on however slow a machine."""
CODES = {"Backspace": 8, "Tab": 9, "Enter": 13, "ArrowLeft": 37}
TYPED = {"Enter": "\r"}


class Tab:
    """The browser's one tab. Made by `browsing`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A method of the protocol; events are passed over."""
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": parameters})
        async with asyncio.timeout(SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._calls:
                    assert "error" not in message, message
                    return dict(message["result"])

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        """Of an expression in the page; promises are awaited."""
        got = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression holds; a page that is being left holds nothing."""
        async with asyncio.timeout(SECONDS):
            while not await self.value(f"Boolean({expression})"):  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.05)

    async def text(self, selector: str) -> str:
        return str(await self.value(f"document.querySelector({selector!r}).innerText"))

    async def press(self, key: str, *, modifiers: int = 0, repeat: bool = False) -> None:
        """A key, down and up; `modifiers` as the protocol has them (2 is Control)."""
        typed = TYPED.get(key, key if len(key) == 1 else "")
        code = CODES.get(key, ord(key[0]))
        how = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        down = "keyDown" if typed and not modifiers else "rawKeyDown"
        text = {"text": typed} if down == "keyDown" else {}
        await self.call("Input.dispatchKeyEvent", type=down, autoRepeat=repeat, **text, **how)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **how)

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, file: Path) -> None:
        got = await self.call("Page.captureScreenshot", captureBeyondViewport=False)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(got["data"]))


@asynccontextmanager
async def browsing() -> AsyncIterator[Tab]:
    """A browser with a profile of its own, and its tab; skips the test where there is none."""
    program = require("chromium", "chromium")
    with tempfile.TemporaryDirectory(prefix="tt", ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            program,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", "--disable-dev-shm-usage"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort", browser)
            async with aiohttp.ClientSession() as http:
                address = await _tab(http, port)
                async with http.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            browser.terminate()
            await asyncio.wait_for(browser.wait(), SECONDS)


async def _port(file: Path, browser: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(SECONDS):
        while not (lines := _lines(file)):
            assert browser.returncode is None, "the browser ended"
            await asyncio.sleep(0.05)
    return int(lines[0])


def _lines(file: Path) -> list[str]:
    """Of a file that is written whole; none before."""
    text = file.read_text("ascii") if file.exists() else ""
    return text.splitlines() if text.count("\n") else []


async def _tab(http: aiohttp.ClientSession, port: int) -> str:
    async with asyncio.timeout(SECONDS):
        while True:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                for target in await answer.json():
                    if target["type"] == "page":
                        return str(target["webSocketDebuggerUrl"])
            await asyncio.sleep(0.05)
