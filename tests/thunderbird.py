"""A real Thunderbird, without a display, driven over Marionette, its own protocol for tests.

A profile and a home of its own; the extension is loaded from its folder, as Thunderbird loads one
for its developers. JavaScript runs in Thunderbird's parent process (`js`) or, over a frame script,
in the extension's small window (`window`).
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools import require

LIMIT_S = 60.0
"""For whatever is waited for; it takes seconds at the most."""
EXTENSION = "plugin@trimtab.local"
BUTTON = "plugin_trimtab_local-composeAction-toolbarbutton"
PREFS: dict[str, Any] = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "mail.accounthub.enabled": False,
    "mail.chat.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    # local folders, with identities on them
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server1",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1,id2",
    "mail.server.server1.type": "none",
    "mail.server.server1.hostname": "Local Folders",
    "mail.server.server1.name": "Local Folders",
    "mail.server.server1.userName": "nobody",
    "mail.smtpservers": "smtp1",
    "mail.smtp.defaultserver": "smtp1",
    "mail.smtpserver.smtp1.hostname": "127.0.0.1",
    "mail.smtpserver.smtp1.authMethod": 1,
    "mail.smtpserver.smtp1.try_ssl": 0,
    "mail.identity.id1.smtpServer": "smtp1",
    "mail.identity.id1.fullName": "Nora",
    "mail.identity.id1.useremail": "nora@falk.example",
    "mail.identity.id1.htmlSigText": "Nora Falk\nBoatyard",
    "mail.identity.id1.valid": True,
    "mail.identity.id1.doFcc": False,
    "mail.identity.id1.compose_html": True,
    "mail.identity.id1.reply_on_top": 1,
    "mail.identity.id1.sig_bottom": True,
    "mail.identity.id2.fullName": "Nora Falk",
    "mail.identity.id2.useremail": "n.falk@yard.example",
    "mail.identity.id2.smtpServer": "smtp1",
    "mail.identity.id2.valid": True,
    "mail.identity.id2.doFcc": False,
    "mail.identity.id1.drafts_folder_picker_mode": "0",
    "mail.identity.id1.draft_folder": "mailbox://nobody@Local%20Folders/Drafts",
}
IMAP: dict[str, Any] = {
    "mail.accountmanager.accounts": "account1,account2",
    "mail.account.account2.server": "server2",
    "mail.account.account2.identities": "id3",
    "mail.server.server2.type": "imap",
    "mail.server.server2.hostname": "127.0.0.1",
    "mail.server.server2.userName": "nora",
    "mail.server.server2.name": "On a server",
    "mail.server.server2.socketType": 0,
    "mail.server.server2.authMethod": 3,
    "mail.server.server2.login_at_startup": False,
    "mail.server.server2.check_new_mail": False,
    "mail.identity.id3.fullName": "Nora",
    "mail.identity.id3.useremail": "nora@falk.example",
    "mail.identity.id3.smtpServer": "smtp1",
    "mail.identity.id3.valid": True,
    "mail.identity.id3.compose_html": True,
    "mail.identity.id3.reply_on_top": 1,
    "mail.identity.id3.doFcc": True,
    "mail.identity.id3.fcc_folder_picker_mode": "0",
    "mail.identity.id3.fcc_folder": "imap://nora@127.0.0.1/Gesendet",
    "mail.identity.id3.drafts_folder_picker_mode": "0",
    "mail.identity.id3.draft_folder": "imap://nora@127.0.0.1/Drafts",
}
"""A second account, of the user nora of a Dovecot, with an identity of its own."""
STORED = """From - Mon Nov 23 00:00:00 2026
X-Mozilla-Status: 0000
X-Mozilla-Status2: 00000000
"""
"""What Thunderbird has before each mail of a local folder."""
SERVICES = (
    'const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");'
)
COMPOSE = "const w = Services.wm.getMostRecentWindow('msgcompose');"
PANE = """
    const pane = Services.wm.getMostRecentWindow("mail:3pane");
    const tab = pane?.document.getElementById("tabmail")?.currentAbout3Pane;
    return tab?.document.readyState == "complete";
"""
WINDOW = """
    const all = [...Services.wm.getEnumerator(null)];
    const small = all.find((w) => w.document.documentURI.includes("extensionPopup"));
    if (!small) throw new Error("there is no window");
    const b = small.document.querySelector("browser");
    const ready = b.currentURI?.spec.startsWith("moz-extension:");
    if (!ready || b.webProgress?.isLoadingDocument) throw new Error("it is loading");
"""
IN_FRAME = """
    const mm = b.messageManager, name = "test" + Math.random();
    return await new Promise((resolve, reject) => {
      mm.addMessageListener(name, function listener({ data }) {
        mm.removeMessageListener(name, listener);
        const told = JSON.parse(data);
        "error" in told ? reject(new Error(told.error)) : resolve(told.value);
      });
      const source = `{
        const sandbox = new Cu.Sandbox(content, {sandboxPrototype: content, wantXrays: false});
        sandbox.given = ${JSON.stringify(JSON.stringify(args.at(-1)))};
        const code = "(async (...args) => {" + ${JSON.stringify(args.at(-2))}
          + "})(...JSON.parse(given)).then((value) => JSON.stringify({value: value ?? null}),"
          + " (error) => JSON.stringify({error: String(error)}))";
        Cu.evalInSandbox(code, sandbox).then((told) => sendAsyncMessage("${name}", told));
      }`;
      const url = "data:application/javascript;charset=utf-8," + encodeURIComponent(source);
      mm.loadFrameScript(url, false);
    });
"""
BY_ID = "const at = (id) => document.getElementById(id);"


class Marionette:
    """The protocol: `[0, id, name, parameters]`, `[1, id, error, result]`, behind their length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self._read = self._socket.makefile("rb")
        self._number = 0
        self._answer()

    def call(self, name: str, **parameters: Any) -> Any:
        """The answer to a command; raises RuntimeError for an error."""
        self._number += 1
        content = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(content), content))
        _, _, error, result = self._answer()
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result.get("value", result) if isinstance(result, dict) else result

    def close(self) -> None:
        self._read.close()
        self._socket.close()

    def _answer(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._read.read(1)
            if not byte:
                raise EOFError("Thunderbird closed the connection")
            length += byte
        return json.loads(self._read.read(int(length[:-1])))


class Thunderbird:
    """A Thunderbird that runs. Made by `thunderbird`."""

    def __init__(self, marionette: Marionette) -> None:
        self._marionette = marionette
        marionette.call("WebDriver:NewSession", capabilities={})
        marionette.call("Marionette:SetContext", value="chrome")

    def js(self, body: str, *args: Any) -> Any:
        """What an async function of this body returns, with all rights; raises RuntimeError."""
        script = (
            "const args = Array.from(arguments), done = args.pop();"
            f"(async () => {{{body}}})().then((value) => done({{value: value ?? null}}),"
            "(error) => done({error: error + '\\n' + error?.stack}));"
        )
        told = self._marionette.call(
            "WebDriver:ExecuteAsyncScript",
            newSandbox=True,
            sandbox="system",
            args=list(args),
            script=script,
        )
        if "error" in told:
            raise RuntimeError(told["error"])
        return told["value"]

    def until(self, body: str, *args: Any) -> Any:
        """What it returns as soon as that is something."""
        return _until(lambda: self.js(body, *args), body)

    def window(self, body: str, *args: Any) -> Any:
        """The same in the extension's window, where `at(id)` is an element."""
        return self.js(WINDOW + IN_FRAME, BY_ID + body, list(args))

    def window_until(self, body: str, *args: Any) -> Any:
        """What it returns there as soon as that is something."""
        return _until(lambda: self.window(body, *args), body)

    def install(self, path: Path) -> None:
        """Load an extension for as long as Thunderbird runs."""
        self._marionette.call("Addon:Install", path=str(path), temporary=True)

    def picture(self, path: Path) -> None:
        """Keep a picture of the extension's window."""
        shown = self._marionette.call("WebDriver:GetWindowHandle")
        for handle in self._marionette.call("WebDriver:GetWindowHandles"):
            self._marionette.call("WebDriver:SwitchToWindow", handle=handle, focus=False)
            self._marionette.call("Marionette:SetContext", value="chrome")
            where = self.js("return document.documentURI")
            if "extensionPopup" in where:
                taken = self._marionette.call("WebDriver:TakeScreenshot", full=False)
                path.write_bytes(base64.b64decode(taken))
        self._marionette.call("WebDriver:SwitchToWindow", handle=shown, focus=False)
        self._marionette.call("Marionette:SetContext", value="chrome")

    # --- mails ----------------------------------------------------------------------------------

    def folder(self, name: str, eml: str) -> str:
        """A new local folder that holds a mail; its URI."""
        code = """
            const root = MailServices.accounts.localFoldersServer.rootFolder;
            const local = root.QueryInterface(Ci.nsIMsgLocalMailFolder);
            const made = local.createLocalSubfolder(args[0]);
            made.QueryInterface(Ci.nsIMsgLocalMailFolder).addMessage(args[1]);
            return made.URI;
        """
        return str(self.js(SERVICES + code, name, STORED + eml))

    def log_in(self, password: str) -> None:
        """Give the account on a server its password, and let it find its folders."""
        code = """
            const server = MailServices.accounts.getAccount("account2").incomingServer;
            server.password = args[0];
            server.performExpand(null);
        """
        self.js(SERVICES + code, password)

    def fetch(self, uri: str, message_id: str) -> None:
        """Look into a folder on a server until a mail is there."""
        code = """
            const {MailUtils} = ChromeUtils.importESModule("resource:///modules/MailUtils.sys.mjs");
            const folder = MailUtils.getExistingFolder(args[0]);
            if (!folder) return false;
            if ([...folder.messages].some((each) => each.messageId === args[1])) return true;
            folder.updateFolder(null);
            return false;
        """
        self.until(SERVICES + code, uri, message_id)

    def compose(self, kind: str, uri: str = "", *, html: bool = True, identity: int = 0) -> None:
        """Open a mail: `ReplyToSender` or `Draft` of the folder's first mail, or `New`."""
        code = """
            const {MailUtils} = ChromeUtils.importESModule("resource:///modules/MailUtils.sys.mjs");
            const [kind, uri, html, which] = args;
            const folder = uri && MailUtils.getOrCreateFolder(uri);
            const header = folder ? [...folder.messages][0] : null;
            const identity = MailServices.accounts.allIdentities[which];
            identity.composeHtml = html;
            const from = header ? folder.getUriForMsg(header) : null;
            const format = Ci.nsIMsgCompFormat.Default;
            MailServices.compose.OpenComposeWindow(
              null, header, from, Ci.nsIMsgCompType[kind], format, identity, null, null);
        """
        self.js(SERVICES + code, kind, uri, html, identity)
        self.until(COMPOSE + "return w?.composeEditorReady")

    def body(self) -> str:
        """The mail's body as it stands in the editor."""
        return str(self.js(COMPOSE + "return w.GetCurrentEditor().document.body.innerHTML"))

    def set_identity(self, name: str, value: object) -> None:
        """Change what the identity says, such as `replyOnTop`."""
        code = "MailServices.accounts.allIdentities[0][args[0]] = args[1];"
        self.js(SERVICES + code, name, value)

    def write(self, text: str) -> None:
        """Type into the mail where the caret is; a line feed is the Enter key."""
        code = """
            const editor = w.GetCurrentEditor();
            for (const [at, line] of args[0].split("\\n").entries()) {
              if (at) editor.QueryInterface(Ci.nsIEditor).insertLineBreak();
              if (line) editor.insertText(line);
            }
        """
        self.js(COMPOSE + code, text)

    def do(self, command: str) -> None:
        """A command of the compose window, such as `cmd_undo`."""
        self.js(COMPOSE + "w.goDoCommand(args[0]);", command)

    def press(self, key: str, *modifiers: str, window: str = WINDOW + "const w = small;") -> None:
        """A key of the keyboard, by its name, in the extension's window or where it is said."""
        code = """
            w.focus();
            const keyboard = Cc["@mozilla.org/text-input-processor;1"]
              .createInstance(Ci.nsITextInputProcessor);
            keyboard.beginInputTransactionForTests(w);
            const [key, held] = args, letter = key.toUpperCase();
            const modifiers = held.map((name) => new w.KeyboardEvent("", { key: name }));
            const more = { code: "Key" + letter, keyCode: letter.charCodeAt(0) };
            const event = new w.KeyboardEvent("", { key, ...(key.length === 1 ? more : {}) });
            modifiers.forEach((each) => keyboard.keydown(each));
            keyboard.keydown(event);
            keyboard.keyup(event);
            modifiers.forEach((each) => keyboard.keyup(each));
        """
        self.js(window + code, key, list(modifiers))

    @contextmanager
    def in_each_window(self, source: str) -> Iterator[None]:
        """This runs first in every page that opens meanwhile, with a page's rights and more.

        A page is `content`; what it hands to `sendAsyncMessage("told", value)` is `told()`.
        """
        code = """
            const pane = Services.wm.getMostRecentWindow("mail:3pane");
            pane.heard = ({ data }) => { pane.told = data; };
            Services.mm.addMessageListener("told", pane.heard);
            Services.mm.loadFrameScript(args[0], true);
        """
        url = "data:application/javascript;charset=utf-8," + quote(source)
        self.js(code, url)
        try:
            yield
        finally:
            self.js(
                """
                const pane = Services.wm.getMostRecentWindow("mail:3pane");
                Services.mm.removeDelayedFrameScript(args[0]);
                Services.mm.removeMessageListener("told", pane.heard);
                """,
                url,
            )

    def told(self) -> Any:
        """What a page told, once, waited for."""
        return self.until(
            """
            const pane = Services.wm.getMostRecentWindow("mail:3pane");
            const { told } = pane;
            pane.told = undefined;
            return told;
            """
        )

    def open_window(self) -> None:
        """Press the button, and wait until the window can be used."""
        self.js(COMPOSE + "w.focus(); w.document.getElementById(args[0]).click();", BUTTON)
        self.window_until("return at('draft')?.textContent && document.readyState == 'complete'")

    def close_window(self) -> None:
        """Close the extension's window, by whatever a user would."""
        self.js(WINDOW + "small.close();")
        self.until(
            "return ![...Services.wm.getEnumerator(null)]"
            ".some((w) => w.document.documentURI.includes('extensionPopup'))"
        )

    def send(self) -> None:
        """Send the mail, and wait until its window is gone."""
        self.do("cmd_sendNow")
        self.until("return !Services.wm.getMostRecentWindow('msgcompose')")

    def discard(self) -> None:
        """Close all mails that are being written, and the extension's windows."""
        self.js("""
            for (const w of [...Services.wm.getEnumerator("msgcompose")]) {
              w.gContentChanged = false;
              if (w.gMsgCompose) w.gMsgCompose.bodyModified = false;
              w.GetCurrentEditor()?.resetModificationCount();
              w.close();
            }
            for (const w of [...Services.wm.getEnumerator(null)]) {
              if (w.document.documentURI.includes("extensionPopup")) w.close();
            }
        """)
        self.until("return !Services.wm.getMostRecentWindow('msgcompose')")


@contextmanager
def thunderbird(
    directory: Path, home: Path, *, smtp_port: int = 0, imap_port: int = 0, **more: Any
) -> Iterator[Thunderbird]:
    """Thunderbird for the `with` block, with a profile in the directory; its identities are Nora's.

    The third is that of an account on a server; `log_in` before it is used. `more` are preferences,
    with `_` for the points in their names.
    """
    profile = directory / "profile"
    profile.mkdir(parents=True)
    ports = {"mail.smtpserver.smtp1.port": smtp_port, "mail.server.server2.port": imap_port}
    prefs = PREFS | IMAP | ports | {name.replace("_", "."): each for name, each in more.items()}
    lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in prefs.items()]
    (profile / "user.js").write_text("\n".join(lines), "utf-8")
    command = [require("thunderbird", "thunderbird"), "--profile", str(profile), "--no-remote"]
    with (directory / "thunderbird.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--marionette", "--remote-allow-system-access"],
            env=os.environ | {"HOME": str(home), "MOZ_HEADLESS": "1", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    marionette = None
    try:
        marionette = Marionette(_until(lambda: _port(profile), "a port for tests"))
        started = Thunderbird(marionette)
        started.until(PANE)
        yield started
    finally:
        if marionette is not None:
            marionette.close()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _port(profile: Path) -> int:
    with suppress(FileNotFoundError, ValueError):
        return int((profile / "MarionetteActivePort").read_text("ascii"))
    return 0


def _until(look: Any, what: str) -> Any:
    """What a look finds, as soon as that is something; its failures mean: not yet."""
    until, why = time.monotonic() + LIMIT_S, ""
    while time.monotonic() < until:
        try:
            if found := look():
                return found
        except RuntimeError as error:
            why = str(error)
        time.sleep(0.1)
    raise AssertionError(f"{what}\n{why}")
