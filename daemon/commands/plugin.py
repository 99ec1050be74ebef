"""`plugin install | uninstall | doctor | build`: what Thunderbird needs to reach the daemon.

The user's home is HOME's, as it is Thunderbird's. Files are whole or not there, the manifest is
written last, and a file of another program's stays as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import plugin
from daemon import config, plugin_files
from daemon.api.token import load_token, read_token
from daemon.commands.output import print_json, say
from daemon.errors import (
    ExtensionMissing,
    FileForeign,
    HomeInUse,
    PortMissing,
    TokenMissing,
    UserError,
)
from daemon.files import refusals, write_whole
from daemon.lock import HomeLock
from daemon.paths import Paths, find_paths, make_directories
from daemon.plugin_checks import Access, Check, Found, checks
from daemon.plugin_files import EXTENSION, Places, Start
from mlx_agent import codec
from plugin import native_host

FOLDER = Path(plugin.__file__).parent / "thunderbird"
"""The extension's files."""
HOST = Path(native_host.__file__)
HOST_S = 20.0
"""How long the host may take to answer the doctor."""
HOW_TO = (
    "In Thunderbird: Add-ons Manager, the gear, Install Add-on From File, and choose\n  {package}"
)


def install(
    *, http: bool, as_json: bool, folder: Path = FOLDER, platform: str = sys.platform
) -> None:
    """Write everything, the manifest last; nothing is written where something is in the way."""
    paths, where = _here(platform)
    package = packed(folder)
    access = _access(paths) if http else None
    _refuse_foreign(where, http=http)
    start = Start(python=Path(sys.executable).absolute(), host=HOST.absolute(), socket=paths.socket)
    written = {where.package: package, where.launcher: plugin_files.launcher(start).encode()}
    if access is not None:
        text = plugin_files.managed_storage(access.port, access.token or "")
        written |= dict.fromkeys(where.storage, text.encode())
    written[where.manifest] = plugin_files.host_manifest(where.launcher).encode()
    for path, content in written.items():
        write_whole(path, content, mode=0o700 if path == where.launcher else 0o600)
    if as_json:
        return print_json(_named(where, where.storage if http else ()))
    say(f"Thunderbird finds trimtab by {where.manifest}.")
    for path in where.storage if http else ():
        say(f"The port and the token for a Thunderbird in a sandbox are in {path}.")
    return say(HOW_TO.format(package=where.package))


def uninstall(*, as_json: bool, platform: str = sys.platform) -> None:
    """Remove what is ours; harmless where nothing is left."""
    removed, foreign = remove(platform)
    if as_json:
        return print_json({"removed": _texts(removed), "left": _texts(foreign)})
    for path in removed:
        say(f"Removed {path}.")
    for path in foreign:
        say(f"Left {path}, which is another program's.")
    if removed:
        say("The extension itself is removed in Thunderbird: Add-ons Manager, Remove.")
    elif not foreign:
        say("There was nothing to remove.")
    return None


def remove(platform: str = sys.platform) -> tuple[list[Path], list[Path]]:
    """Remove what is ours: what was removed, and what was left for it is another program's."""
    _, where = _here(platform)
    named = {where.manifest: plugin_files.is_our_manifest}
    named |= dict.fromkeys(where.storage, plugin_files.is_our_storage)
    foreign = [path for path, ours in named.items() if not _missing_or(ours, path)]
    gone = [path for path in (*named, where.launcher, where.package) if path not in foreign]
    removed = [path for path in gone if _remove(path)]
    with suppress(OSError):  # not there, or something of the user's is in it
        where.package.parent.rmdir()
    return removed, foreign


def build(to: Path | None, *, as_json: bool, folder: Path = FOLDER) -> None:
    """Write the .xpi alone."""
    path = _here(sys.platform)[1].package if to is None else to.absolute()
    write_whole(path, packed(folder))
    if as_json:
        return print_json({"package": str(path)})
    return say(f"Built {path}.")


def doctor(*, as_json: bool, folder: Path = FOLDER, platform: str = sys.platform) -> None:
    """Print a line for each piece; exit code 1 where one is wrong."""
    paths, where = _here(platform)
    found = _look(where, folder)
    said = list(checks(found, where, paths.socket, _access_now(paths)))
    if as_json:
        print_json([codec.to_data(check) for check in said])
    else:
        for line in lines(said):
            say(line)
    if any(check.state == "wrong" for check in said):
        sys.exit(1)


def examined() -> list[Check] | None:
    """The same for `trimtab doctor`; None where nothing was ever installed."""
    paths, where = _here(sys.platform)
    if not any(os.path.lexists(path) for path in (where.manifest, where.launcher, where.package)):
        return None
    return list(checks(_look(where, FOLDER), where, paths.socket, _access_now(paths)))


def lines(said: Iterable[Check]) -> Iterator[str]:
    """A line for each check, for people."""
    for check in said:
        yield f"{check.state:<6} {check.piece:<10} {check.said}"


def packed(folder: Path) -> bytes:
    """The extension in a folder as an .xpi; raises ExtensionMissing."""
    if not (folder / "manifest.json").is_file():
        raise ExtensionMissing(folder)
    found = {PurePosixPath(path.relative_to(folder)): path for path in folder.rglob("*")}
    return plugin_files.archive(
        {
            name: path.read_bytes()
            for name, path in found.items()
            if plugin_files.belongs(name) and path.is_file()
        }
    )


def where() -> Places:
    """The plugin's files for this user."""
    return _here(sys.platform)[1]


def _here(platform: str) -> tuple[Paths, Places]:
    paths, home = find_paths(), Path.home()
    snap = plugin_files.snap_home(home).is_dir()
    return paths, plugin_files.places(paths, home, platform, snap=snap)


# --- the port and the token ----------------------------------------------------------------------


def _access(paths: Paths) -> Access:
    """What a client on 127.0.0.1 needs; raises PortMissing and TokenMissing."""
    port = config.load(paths.config).api.port
    if not port:
        raise PortMissing(paths.config)
    make_directories(paths)
    try:
        with HomeLock(paths.lock):
            return Access(port=port, token=load_token(paths.token))
    except HomeInUse:
        token = read_token(paths.token)
    if token is None:
        raise TokenMissing(paths.token)
    return Access(port=port, token=token)


def _access_now(paths: Paths) -> Access:
    """The same as it is, with nothing made."""
    try:
        port = config.load(paths.config).api.port
    except UserError:
        port = 0
    return Access(port=port, token=read_token(paths.token))


# --- what is there -------------------------------------------------------------------------------


def _look(where: Places, folder: Path) -> Found:
    manifest = _text(where.manifest)
    named = plugin_files.object_in(manifest or "").get("path")
    program = Path(named) if isinstance(named, str) else where.launcher
    script = _text(program)
    start = plugin_files.started_by(script or "")
    runs = os.access(program, os.X_OK)
    stored = {path: _text(path) for path in where.storage}
    home = Path.home()
    return Found(
        manifest=manifest,
        script=script,
        runs=runs,
        python=start is not None and os.access(start.python, os.X_OK),
        answer=_health(program, where.manifest) if start is not None and runs else None,
        package=_is_current(where.package, folder),
        storage={path: text for path, text in stored.items() if text is not None},
        snap=plugin_files.snap_home(home).is_dir(),
        flatpak=any(path.is_dir() for path in plugin_files.flatpak_homes(home)),
    )


def _is_current(package: Path, folder: Path) -> bool | None:
    try:
        return package.read_bytes() == packed(folder)
    except (OSError, ExtensionMissing):
        return None


def _health(program: Path, manifest: Path) -> dict[str, Any] | None:
    """The message for a request through the host, started as Thunderbird does; None for none."""
    ask = {"id": "doctor", "method": "GET", "path": "/v1/health"}
    try:
        process = subprocess.Popen(
            [program, manifest, EXTENSION],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    limit = threading.Timer(HOST_S, process.kill)
    limit.start()
    try:
        with suppress(BrokenPipeError), process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"".join(native_host.frames(ask)))
            process.stdin.flush()
            with suppress(native_host.Unusable):
                content = native_host.read_message(process.stdout)
                return (
                    None
                    if content is None
                    else plugin_files.object_in(content.decode(errors="replace"))
                )
    finally:
        limit.cancel()
    return None


def _text(path: Path) -> str | None:
    """A file's text; None where there is none to be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


# --- writing -------------------------------------------------------------------------------------


def _refuse_foreign(where: Places, *, http: bool) -> None:
    if not _missing_or(plugin_files.is_our_manifest, where.manifest):
        raise FileForeign(where.manifest)
    for path in where.storage if http else ():
        if not _missing_or(plugin_files.is_our_storage, path):
            raise FileForeign(path)


def _missing_or(ours: Any, path: Path) -> bool:
    """Whether a file is not there, or is one of ours."""
    if not path.is_symlink() and not path.exists():
        return True
    text = _text(path)
    return text is not None and bool(ours(text))


def _remove(path: Path) -> bool:
    """Whether it was there; raises FileRefused."""
    with refusals(path):
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


def _named(where: Places, storage: Iterable[Path]) -> dict[str, Any]:
    return {
        "manifest": str(where.manifest),
        "launcher": str(where.launcher),
        "package": str(where.package),
        "storage": _texts(storage),
    }


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
