"""`uninstall`: trimtab leaves, and nothing of it stays: no service, plugin, secret or file.

The keychain comes first, for only the config knows what is in it, and the home comes last.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import typer

from daemon import config, ownership
from daemon import service as units
from daemon.commands import plugin, service
from daemon.commands.output import say
from daemon.errors import ConfigInvalid, ConfigMissing, HomeInUse
from daemon.files import refusals
from daemon.lock import HomeLock
from daemon.mailbox.auth import keychain
from daemon.paths import Paths, find_paths

END_S, LOOK_S = 30.0, 0.1
"""How long the daemon that runs may take to end, and how often it is looked for."""


def uninstall(*, yes: bool) -> None:
    """Say what goes, ask, and remove it. Raises HomeInUse, KeychainMissing and FileRefused."""
    paths = find_paths()
    unit = units.installed()
    for line in _told(paths, unit):
        say(line)
    if not yes:
        typer.confirm("Remove all of it for good?", abort=True)
    _remove_secrets(paths)
    if unit is not None:
        service.remove(paths, units.here())
    _end(paths)
    _, foreign = plugin.remove()
    for path in foreign:
        say(f"Left {path}, which is another program's.")
    left = _remove_home(paths)
    _remove_empty(paths)
    for path in left:
        say(f"Left {path}, for there is more in it than trimtab's.")
    say("trimtab is gone; the program itself goes with `pip uninstall trimtab`.")


def _told(paths: Paths, unit: units.Installed | None) -> list[str]:
    """What goes: for a question that can be answered."""
    found = [path for place in ownership.places(paths) for path in ownership.beside(place)]
    lines = ["What trimtab knows of you goes, and its secrets in the keychain; your mailbox stays."]
    lines += [f"  {path}" for path in dict.fromkeys(found)]
    return lines + ([f"  {unit.file} (the service)"] if unit else [])


def _remove_secrets(paths: Paths) -> None:
    try:
        settings = config.load(paths.config)
    except ConfigMissing:
        return
    except ConfigInvalid:
        say("The config cannot be read, so look for 'trimtab' in your keychain yourself.")
        return
    for name, entry in ownership.secrets(settings):
        keychain.remove(name, entry)


def _end(paths: Paths) -> None:
    """End the daemon that holds the home, as Ctrl-C does; raises HomeInUse if it does not."""
    until = time.monotonic() + END_S
    asked = False
    while paths.lock.exists():
        try:
            with HomeLock(paths.lock):
                return
        except HomeInUse:
            if time.monotonic() > until:
                raise
        if not asked:
            say("Ending the trimtab that runs...")
            asked = _ask_to_end(paths.lock)
        time.sleep(LOOK_S)


def _ask_to_end(lock: Path) -> bool:
    """The lock is held, so the number in it is its holder's, or about to be."""
    with suppress(OSError, ValueError):
        os.kill(int(lock.read_text("ascii")), signal.SIGTERM)
        return True
    return False


def _remove_home(paths: Paths) -> list[Path]:
    """Remove every place; the directories that hold something else."""
    for place in ownership.places(paths):
        for path in list(ownership.beside(place)):
            _remove(path)
    roots = dict.fromkeys((paths.config.parent, paths.database.parent))
    for root in roots:
        with suppress(OSError):
            root.rmdir()
    return [root for root in roots if root.is_dir()]


def _remove(path: Path) -> None:
    with refusals(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_empty(paths: Paths) -> None:
    """Directories above ours that nobody uses, up to the user's own."""
    home = Path.home()
    found = plugin.where()
    files = (units.here().file, found.manifest, *found.storage)
    for path in (paths.config.parent, paths.database.parent, paths.logs, *files):
        for above in path.parents:
            if above == home or home not in above.parents:
                break
            try:
                above.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                break
