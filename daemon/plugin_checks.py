"""What `trimtab plugin doctor` thinks of what it found: one line for each piece. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from daemon.plugin_files import EXTENSION, HOST, Places, allowed, object_in, started_by

AGAIN = "run `trimtab plugin install`"
AGAIN_WITH_PORT = "run `trimtab plugin install --http`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is on the disk, and what the host said.

    `script`: the text of what the manifest names; `runs`: it may be executed. `python`: so may the
    interpreter that it names. `answer`: the host's message for a request of `GET /v1/health`.
    `package`: whether the .xpi is there and holds the extension as it is; None: there is none.
    """

    manifest: str | None = None
    script: str | None = None
    runs: bool = False
    python: bool = False
    answer: dict[str, Any] | None = None
    package: bool | None = None
    storage: dict[Path, str] = field(default_factory=dict)
    snap: bool = False
    flatpak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a client on 127.0.0.1 has to know now; port 0: there is none."""

    port: int
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A piece, whether it is right, and what to do if it is not. A `note` asks for nothing."""

    piece: str
    state: Literal["ok", "wrong", "note"]
    said: str


def checks(found: Found, places: Places, socket: Path, access: Access) -> Iterator[Check]:
    """A check for each piece; of what hangs on a piece that is wrong nothing is said."""
    yield (manifest := _manifest(found, places))
    if manifest.state == "ok":
        yield (extension := _extension(found, places))
        yield (launcher := _launcher(found, places, socket))
        if {extension.state, launcher.state} == {"ok"}:
            yield _host(found)
    yield _package(found, places)
    yield from _sandbox(found)
    for path, text in found.storage.items():
        yield _storage(path, text, access)


def _manifest(found: Found, places: Places) -> Check:
    path = places.manifest
    if found.manifest is None:
        return _wrong("manifest", f"{path} is not there; {AGAIN}.")
    data = object_in(found.manifest)
    if (data.get("name"), data.get("type")) != (HOST, "stdio"):
        return _wrong("manifest", f"{path} is not trimtab's; move it away, then {AGAIN}.")
    if not isinstance(data.get("path"), str):
        return _wrong("manifest", f"{path} names no program; move it away, then {AGAIN}.")
    return _ok("manifest", f"Thunderbird finds it at {path}.")


def _extension(found: Found, places: Places) -> Check:
    if EXTENSION in allowed(object_in(found.manifest or "")):
        return _ok("extension", f"{EXTENSION} may start the host.")
    said = f"{places.manifest} does not allow {EXTENSION}; move it away, then {AGAIN}."
    return _wrong("extension", said)


def _launcher(found: Found, places: Places, socket: Path) -> Check:
    path = object_in(found.manifest or "")["path"]
    if found.script is None:
        return _wrong("launcher", f"{path}, which the manifest names, is not there; {AGAIN}.")
    start = started_by(found.script)
    if start is None or not found.runs:
        return _wrong("launcher", f"{path} is not what it was when it was written; {AGAIN}.")
    if path != str(places.launcher) or start.socket != socket:
        return _wrong("launcher", f"{path} leads to another home of trimtab's; {AGAIN}.")
    if not found.python:
        return _wrong("launcher", f"Its Python, {start.python}, is gone; {AGAIN}.")
    return _ok("launcher", f"{path} starts the host with {start.python}.")


def _host(found: Found) -> Check:
    """Whether a request gets through the host and the socket to the daemon, and back."""
    if found.answer is None:
        return _wrong("daemon", f"The host ended without an answer; {AGAIN}.")
    data = found.answer.get("data")
    if found.answer.get("status") == 200 and isinstance(data, dict):
        said = "answers" if data.get("ready") else "is starting"
        return _ok("daemon", f"It {said}, asked through the host.")
    error = data.get("error", {}) if isinstance(data, dict) else {}
    return _wrong("daemon", str(error.get("message", "It gave no answer that can be understood.")))


def _package(found: Found, places: Places) -> Check:
    path = places.package
    if found.package is None:
        return _wrong("package", f"{path} is not there; {AGAIN}.")
    if not found.package:
        said = f"{path} is of another version; {AGAIN}, and install it in Thunderbird again."
        return _wrong("package", said)
    return _ok("package", f"{path} is there. (Whether Thunderbird has it, Thunderbird knows.)")


def _sandbox(found: Found) -> Iterator[Check]:
    """Not tried: what other extensions' users report of sandboxes (flatpak and snap)."""
    if found.flatpak:
        said = (
            "There is a Thunderbird from Flatpak, which starts no host; it needs `trimtab plugin "
            "install --http`, and leave to read what that writes (`flatpak override --user "
            "--filesystem=~/.mozilla/managed-storage:ro org.mozilla.Thunderbird`)."
        )
        yield Check(piece="sandbox", state="note", said=said)
    if found.snap:
        said = (
            "There is a Thunderbird from Snap; if it starts no host, `trimtab plugin install "
            "--http` lets it use a port."
        )
        yield Check(piece="sandbox", state="note", said=said)


def _storage(path: Path, text: str, access: Access) -> Check:
    data = object_in(text).get("data")
    held = data if isinstance(data, dict) else {}
    if not access.port:
        said = f"{path} names a port, but api.port in the config names none; set it, or remove it."
        return _wrong("storage", said)
    if (held.get("port"), held.get("token")) != (access.port, access.token):
        said = f"{path} holds another port or token than the daemon has; {AGAIN_WITH_PORT}."
        return _wrong("storage", said)
    return _ok("storage", f"{path} holds the daemon's port and token.")


def _ok(piece: str, said: str) -> Check:
    return Check(piece=piece, state="ok", said=said)


def _wrong(piece: str, said: str) -> Check:
    return Check(piece=piece, state="wrong", said=said)
