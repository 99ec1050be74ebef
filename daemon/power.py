"""How the machine stands: on mains or not, in low-power mode or not, in use or not.

`look` asks the system; the functions beside it read what the system printed. What cannot be known
is None, and holds nothing up: a machine without a battery is none without mains.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

_ASK_S = 10
"""How long a command of the system's may take."""
_LOW_POWER = re.compile(r"^\s*(?:lowpowermode|powermode)\s+(\d+)\s*$", re.MULTILINE)
_HID_IDLE = re.compile(r'"HIDIdleTime"\s*=\s*(\d+)')
_MACS_LOW = 1
"""Of `powermode`, where 0 is automatic and 2 is high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is known of the machine; `idle_s` is since the last key or movement, in seconds."""

    mains: bool | None = None
    low_power: bool | None = None
    idle_s: float | None = None


def look() -> Power:
    """How the machine stands now. Runs commands of the system's, so not for the event loop."""
    if sys.platform == "darwin":
        return Power(
            mains=_mains(),
            low_power=macos_low_power(_said("/usr/bin/pmset", "-g")),
            idle_s=macos_idle(_said("/usr/sbin/ioreg", "-c", "IOHIDSystem")),
        )
    hints = _said("loginctl", "show-session", "-p", "IdleHint", "-p", "IdleSinceHint")
    return Power(mains=_mains(), idle_s=logind_idle(hints, time.time()))


def macos_low_power(said: str) -> bool | None:
    """Whether `pmset -g` tells of low-power mode; None where it does not know of one."""
    found = _LOW_POWER.search(said)
    return int(found.group(1)) == _MACS_LOW if found else None


def macos_idle(said: str) -> float | None:
    """Seconds since the last input by `ioreg -c IOHIDSystem`, which counts nanoseconds."""
    found = _HID_IDLE.search(said)
    return int(found.group(1)) / 1e9 if found else None


def logind_idle(said: str, now: float) -> float | None:
    """Seconds that all sessions have been idle by `loginctl show-session`; 0.0 while one is not.

    `now` is seconds since 1970; logind counts microseconds since then.
    """
    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    if told.get("IdleHint") == "no":
        return 0.0
    since = told.get("IdleSinceHint", "")
    if told.get("IdleHint") != "yes" or not since.isdigit():
        return None
    return max(0.0, now - int(since) / 1e6)


def _mains() -> bool | None:
    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, ValueError):  # a system, or a battery, that psutil cannot read
        return None
    return None if battery is None else battery.power_plugged


def _said(*command: str) -> str:
    """What a command printed; nothing where there is none, or where it fails."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return ended.stdout
