"""Dates as they stand in the lines above a quote, in the main languages. Pure and total.

A quote rarely tells its zone: where no offset is written, the time is read as if in UTC. Where day
and month are numbers with strokes between them, the month is first if the clock has two halves, as
in American English, and the day else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_STEMS = """
1 jan gen ene jän jaan ian янв січ led sty oca tammi siječ ιαν ינו ינואר يناير ม.ค มกราคม
2 feb fév fev veebr феб фев лют úno lut şub helmi velj φεβ פבר فبراير ก.พ กุมภา
3 mar mär mrz mrt maa març már mac märts мар бер bře břez ožu μαρ μάρ מרץ مارس มี.ค มีนาคม
4 apr avr abr ápr апр кві dub kwi nis huhti tra απρ אפר أبريل เม.ย เมษา
5 mai may mag maj maio máj mei май мая тра трав kvě touko svi μαΐ μαι μάι מאי مايو พ.ค พฤษภา
6 jun juin giu iun jún jūn juuni июн юни чер черв čer čvn cze haz kesä lipanj lipnja ιουν יונ
6 يونيو มิ.ย มิถุนา
7 jul juil lug iul júl jūl juuli июл юли лип červenc čvc lip tem heinä srpanj srpnja ιουλ יול
7 يوليو ก.ค กรกฎา
8 aug aoû ago авг сер srp sie ağu elo kol αυγ אוג أغسطس ส.ค สิงหา
9 sep set szep сен вер zář wrz eyl syys ruj σεπ ספט سبتمبر ก.ย กันยา
10 oct okt ott out окт жов říj paź eki loka οκτ אוק أكتوبر ต.ค ตุลา
11 nov noi ноя ное лис lis kas marras stu νοε νοέ נוב نوفمبر พ.ย พฤศจิกา
12 dec déc dez dic des dets дек гру pro gru ara joulu δεκ דצמ ديسمبر ธ.ค ธันวา
"""
_MONTHS = {
    stem: int(month)
    for month, *stems in map(str.split, _STEMS.strip().split("\n"))
    for stem in stems
}
"""How the names of the months begin."""
_WORD = r"(?P<name>[^\W\d_][^\s\d,;:]{1,11})"
_YEAR = r"(?P<y>\d{4})(?!\d)"
_NTH, _OF = "(?:st|nd|rd|th|er|[.ºª])", "(?:de |d['’]|of |ב)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<y>\d{4}) ?[-/.年년] ?(?P<m>\d{1,2}) ?[-/.月월] ?(?P<d>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<a>\d{1,2})(?P<sep>[-/]|\. ?)(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})(?!\d)",
        rf"(?<!\d)(?P<d>\d{{1,2}}){_NTH}?[\s\-]+{_OF}?{_WORD},?[\s\-]+(?:del? )?{_YEAR}",
        rf"(?<!\w){_WORD}[\s\-]+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}",
        rf"(?<!\d)(?P<y>\d{{4}})\.?\s+{_WORD}\s+(?P<d>\d{{1,2}})(?!\d)",
        r"(?<!\d)(?P<d>\d{1,2}),? (?:thg|tháng) (?P<m>\d{1,2}),? (?:năm )?(?P<y>\d{4})(?!\d)",
    )
)
_TIME = re.compile(
    r"(?<![\d+])(?<! -)(?<!T-)(?P<h>\d{1,2})(?:[:.]|[時时点點시h] ?)(?P<min>\d{2})(?:[:.]\d{2})?"
    r"(?!\d)(?P<rest>.{0,32})"
)
_MORNING = re.compile(r"\ba\.? ?m\b|vorm|上午|午前|오전|π\.? ?μ|凌晨", re.IGNORECASE)
_EVENING = re.compile(r"\bp\.? ?m\b|nachm|下午|午後|晚上|오후|μ\.? ?μ", re.IGNORECASE)
_OFFSET = re.compile(
    r"^\W{0,2}(?:[AP]M)?\W{0,2}(?:GMT|UTC)?(?P<sign>[+\-−])(?P<h>\d{1,2}):?(?P<m>\d{2})?\b"
)
_LONGEST = 300


def read_date(told: str) -> datetime | None:
    """The date and time told in a line; midnight where no time is told."""
    told = told[:_LONGEST]
    for pattern in _DATES:
        for match in pattern.finditer(told):
            around = f"{told[: match.start()]} ; {told[match.end() :]}"
            found = _dated(match.groupdict(), around)
            if found is not None:
                return found
    return None


def _dated(parts: dict[str, str | None], around: str) -> datetime | None:
    hour, minute, zone = _time(around)
    american = bool(_MORNING.search(around) or _EVENING.search(around))
    day, month = _day_and_month(parts, american=american)
    year = int(parts["y"] or 0)
    year += (1900 if year >= 70 else 2000) if year < 100 else 0
    if not 1970 <= year < 2100:
        return None
    try:
        return datetime(year, month, day, hour, minute, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day_and_month(parts: dict[str, str | None], *, american: bool) -> tuple[int, int]:
    """Day and month, 0 for what is none."""
    if parts.get("sep"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        month_first = second > 12 or (american and first <= 12 and parts["sep"] == "/")
        return (second, first) if month_first else (first, second)
    if parts.get("m"):
        return int(parts["d"] or 0), int(parts["m"] or 0)
    return int(parts["d"] or 0), _month(parts.get("name") or "")


def _month(name: str) -> int:
    """The month whose stem begins this word, the longest stem first."""
    name = name.lower().rstrip(".")
    lengths = range(min(len(name), 9), 1, -1)
    return next((_MONTHS[name[:n]] for n in lengths if name[:n] in _MONTHS), 0)


def _time(around: str) -> tuple[int, int, timezone]:
    match = _TIME.search(around.rpartition(";")[2]) or _TIME.search(around)
    if match is None or int(match["h"]) > 24 or int(match["min"]) > 59:
        return 0, 0, UTC
    hour = int(match["h"])
    if _EVENING.search(around) and hour < 12:
        hour += 12
    elif _MORNING.search(around) and hour == 12:
        hour = 0
    return hour % 24, int(match["min"]), _zone(match["rest"])


def _zone(rest: str) -> timezone:
    match = _OFFSET.match(rest)
    if match is None:
        return UTC
    offset = timedelta(hours=int(match["h"]), minutes=int(match["m"] or 0))
    if offset >= timedelta(hours=15):
        return UTC
    return timezone(-offset if match["sign"] != "+" else offset)
