"""How the machine stands: what the systems' commands print, read; and a look at this machine."""

import pytest

from daemon.power import Power, logind_idle, look, macos_idle, macos_low_power

PMSET = """System-wide power settings:
Currently in use:
 standby              1
 Sleep On Power Button 1
 hibernatefile        /var/vm/sleepimage
 powernap             1
 networkoversleep     0
 disksleep            10
 sleep                1 (sleep prevented by powerd)
 hibernatemode        3
 ttyskeepawake        1
 displaysleep         10
 tcpkeepalive         1
 lowpowermode         {}
 womp                 1
"""
"""As macOS 14 prints it on a laptop."""
IOREG = """+-o IOHIDSystem  <class IOHIDSystem, id 0x1000002b3, registered, matched, active, busy 0>
  | {
  |   "IOClass" = "IOHIDSystem"
  |   "HIDIdleTime" = 125000000500
  |   "HIDParameters" = {"HIDClickTime"=500000000}
  | }
"""
NOW = 1_772_500_000.0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (PMSET.format(1), True),
        (PMSET.format(0), False),
        (PMSET.replace("lowpowermode", "powermode").format(1), True),
        (PMSET.replace("lowpowermode", "powermode").format(2), False),  # high power
        (PMSET.replace("lowpowermode", "gpuswitch").format(1), None),  # a Mac that has no such mode
        ("", None),
    ],
)
def test_macos_tells_of_low_power_mode(said: str, expected: bool | None) -> None:
    """`pmset -g`, of laptops and of desktops."""
    assert macos_low_power(said) is expected


def test_macos_counts_nanoseconds_since_the_last_input() -> None:
    """`ioreg -c IOHIDSystem`."""
    assert macos_idle(IOREG) == pytest.approx(125.0)
    assert macos_idle("") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("IdleHint=no\nIdleSinceHint=1772499000000000\n", 0.0),
        ("IdleHint=yes\nIdleSinceHint=1772499400000000\n", 600.0),
        ("IdleHint=yes\nIdleSinceHint=1772500009000000\n", 0.0),  # the clock was set back
        ("IdleHint=yes\n", None),
        ("", None),
    ],
)
def test_logind_tells_since_when_all_sessions_are_idle(said: str, expected: float | None) -> None:
    """`loginctl show-session`; nothing where there is no logind."""
    assert logind_idle(said, NOW) == (None if expected is None else pytest.approx(expected))


def test_this_machine_can_be_looked_at() -> None:
    """Whatever it has: what it does not tell is None, and nothing is raised."""
    found = look()
    assert isinstance(found, Power)
    assert found.mains in {True, False, None}
    assert found.idle_s is None or found.idle_s >= 0
