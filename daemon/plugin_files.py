"""What Thunderbird needs of trimtab on the disk: where each file is, and what is in it. Pure.

    host manifest    where Thunderbird looks for it; names the launcher, and who may start it
    launcher         in trimtab's own directory; starts the native messaging host
    package          beside it: the extension, an .xpi that the user installs
    managed storage  only for Thunderbirds in a sandbox: the port and the token

Where Thunderbird looks: "Native manifests" of MDN, with the user's directory that Thunderbird has
on macOS (nsXREDirProvider.cpp), where Firefox has another. Tried on Linux, not yet on macOS.
"""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from daemon.paths import Paths

EXTENSION = "plugin@trimtab.local"
HOST = "trimtab"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_LEFT_OUT = frozenset({"tests", "node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is; `storage` is once for each home that a Thunderbird may see."""

    manifest: Path
    launcher: Path
    package: Path
    storage: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a launcher starts."""

    python: Path
    host: Path
    socket: Path


def places(paths: Paths, home: Path, platform: str, *, snap: bool = False) -> Places:
    """For the user's `home` and `sys.platform`; `snap`: Thunderbird's own home as a Snap, too."""
    if platform == "darwin":
        root = home / "Library" / "Mozilla"
        hosts, storage = root / "NativeMessagingHosts", [root / "ManagedStorage"]
    else:
        root = home / ".mozilla"
        hosts, storage = root / "native-messaging-hosts", [root / "managed-storage"]
        if snap:  # not tried: where a Snap's HOME leads
            storage.append(snap_home(home) / ".mozilla" / "managed-storage")
    return Places(
        manifest=hosts / f"{HOST}.json",
        launcher=paths.plugin / "native-host",
        package=paths.plugin / "trimtab.xpi",
        storage=tuple(directory / f"{EXTENSION}.json" for directory in storage),
    )


def snap_home(home: Path) -> Path:
    """What Ubuntu's Snap of Thunderbird has for its home."""
    return home / "snap" / "thunderbird" / "common"


def flatpak_homes(home: Path) -> tuple[Path, ...]:
    """Where Flathub's Thunderbird keeps its data; it has had two names."""
    names = ("org.mozilla.Thunderbird", "org.mozilla.thunderbird")
    return tuple(home / ".var" / "app" / name for name in names)


def host_manifest(launcher: Path) -> str:
    """The manifest that lets our extension, and no other, start the launcher."""
    return _json(
        {
            "name": HOST,
            "description": "Carries requests of trimtab's extension to its daemon.",
            "path": str(launcher),
            "type": "stdio",
            "allowed_extensions": [EXTENSION],
        }
    )


def managed_storage(port: int, token: str) -> str:
    """What the extension finds in `browser.storage.managed`, and no other extension does."""
    return _json(
        {
            "name": EXTENSION,
            "description": "Where trimtab's daemon answers, and what it wants to be shown.",
            "type": "storage",
            "data": {"port": port, "token": token},
        }
    )


def launcher(start: Start) -> str:
    """A script that becomes the host. A shell's, for a path in `#!` may hold no space.

    Every path is absolute: a program that was started by a desktop has hardly a PATH.
    """
    words = [str(start.python), "-I", "-S", str(start.host), "--socket", str(start.socket)]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'


def started_by(script: str) -> Start | None:
    """What a launcher of ours starts; None for another script."""
    try:
        words = shlex.split(script.removeprefix("#!/bin/sh\n"))
    except ValueError:
        return None
    match words:
        case ["exec", python, "-I", "-S", host, "--socket", socket, "$@"]:
            return Start(python=Path(python), host=Path(host), socket=Path(socket))
    return None


def is_our_manifest(text: str) -> bool:
    """Whether a host manifest may be replaced and removed by us."""
    data = object_in(text)
    return data.get("name") == HOST and allowed(data) == [EXTENSION]


def is_our_storage(text: str) -> bool:
    """Whether a managed storage may be replaced and removed by us."""
    data = object_in(text)
    return (data.get("name"), data.get("type")) == (EXTENSION, "storage")


def object_in(text: str) -> dict[str, Any]:
    """The JSON object that a text is; an empty one where it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def allowed(manifest: Mapping[str, Any]) -> list[str]:
    """The extensions that a host manifest allows."""
    found = manifest.get("allowed_extensions")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def belongs(path: PurePosixPath) -> bool:
    """Whether a file of the extension's directory is one that Thunderbird needs."""
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and not _LEFT_OUT.intersection(path.parts) and ".test." not in path.name


def archive(files: Mapping[PurePosixPath, bytes]) -> bytes:
    """The files as a zip, the same bytes for the same files wherever it is made.

    Stored, not deflated: two versions of zlib pack the same text into different bytes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(files, key=str):
            entry = zipfile.ZipInfo(str(path), _EPOCH)
            entry.create_system = 3  # Unix, wherever we are
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, files[path])
    return packed.getvalue()


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
