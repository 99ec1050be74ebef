"""What a number, a time, a date or an amount comes to, however it is written. Pure and linear.

`3pm`, `15:00`, `3 p.m.`, `15 Uhr` and `3 o'clock` can all be the same time; so can `two` and `2`,
`1,000` and `1.000`, `4 June`, `June 4th` and `4.6.`, `$40` and `40 dollars`. English, German and
French. A value is told by atoms: those that it gives to a text which holds it, and those that a
text must hold to hold it, in one of several ways, for `3:00` may be either and `6/4` in two months.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mlx_agent.characters import folded
from mlx_agent.value_words import (
    ARTICLES,
    DAYS,
    IMPLIED,
    NUMBERS,
    PARTS,
    POWERS,
    UNIT_OF,
    UNSURE_DAYS,
    UNSURE_NUMBERS,
)

ValueKind = Literal["number", "date", "time", "amount"]
Ways = tuple[frozenset[str], ...]

_NUMERAL = r"\d+(?:[.,'’]\d+)*(?!\d)"
_CLOCK_WORDS = r"half\ past|quarter\ past|quarter\ to|halb|viertel\ vor|viertel\ nach"
_TOKENS = re.compile(
    rf"""(?P<iso>(?<![\w.\-])\d{{4}}-\d{{2}}-\d{{2}}(?![\w\-]))
    |(?P<dotted>(?<![\w.,])\d{{1,2}}\.[ ]?\d{{1,2}}\.(?:[ ]?(?:\d{{4}}|\d{{2}})(?!\d))?)
    |(?P<slashed>(?<![\w./])\d{{1,2}}/\d{{1,2}}(?:/(?:\d{{4}}|\d{{2}}))?(?![\w/]))
    |(?P<clock>(?<![\w.,:])\d{{1,2}}[:.h]\d{{2}}(?:[ ]?(?:[ap]\.?m\b\.?|uhr\b|h\b))
        |(?<![\w.,:])\d{{1,2}}(?:[ ]?[ap]\.?m\b\.?|[ ]?uhr\b(?:[ ]\d{{2}}\b)?|[ ]?o['’]clock
            |[ ]?h[ ]?\d{{2}}\b|h\b)
        |(?<![\w.,:])\d{{1,2}}:\d{{2}}(?![\w:]|[.,]\d))
    |(?P<worded>\b(?:{_CLOCK_WORDS})[ ](?:\d{{1,2}}\b|[^\W\d_]+)
        |\b[^\W\d_]+[ ](?:o['’]clock|uhr)\b
        |\b(?:noon|midday|midnight|mittags?|mitternacht|midi|minuit)\b)
    |(?P<half>\b(?:half\ an\ hour|halben?\ stunde|demi-heure)\b)
    |(?P<sum>(?:[$€£]|\b(?:usd|eur|gbp|chf)\b)[ ]?{_NUMERAL}(?:k|m)?\b)
    |(?P<code>(?<![\w])(?=[\w.\-/]{{0,40}}\d)(?=[\w.\-/]{{0,40}}[^\W\d_])
        (?!\d+(?:st|nd|rd|th|er|e|k|m|km|kg|mins?|hrs?|eur|usd|chf|gbp)\b)
        (?!\d+(?:[.,:]\d+)*[-–]\d*(?:[ap]m|uhr|[^\W\d_]+)\b)[\w]+(?:[.\-/][\w]+)*)
    |(?P<number>{_NUMERAL}(?:(?:st|nd|rd|th|er)\b|k\b|m\b|km\b|kg\b)?)
    |(?P<word>[^\W\d_]+|[%€$£])""",
    re.VERBOSE | re.IGNORECASE,
)  # fmt: skip
_WRAPPED = re.compile(r"(?<!\n)\n(?!\n)")
_AT = re.compile(
    r"\b(?:at|by|until|till|til|from|before|after|around|about|to|or|and|um|ab|bis|gegen|vor|nach"
    r"|à|vers|dès|avant|après|around|between|zwischen"
    r"|\w+days?,?|\w+tag,?|\w+di,?|today,?|tomorrow,?|tonight,?|heute,?|morgen,?|demain,?)\s$"
    r"|[-–]\s?$|@\s?$",
    re.IGNORECASE,
)
_ON = re.compile(r"\s?[-–]\s?\d")
"""Before and after these a number may be a time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value and where it stands. `ways` is empty for what need not be supported."""

    kind: ValueKind
    start: int
    end: int
    gives: frozenset[str]
    ways: Ways

    def held(self, atoms: frozenset[str] | set[str]) -> bool:
        """Whether a text that gives these atoms holds it."""
        return not self.ways or any(way <= atoms for way in self.ways)


def values(text: str) -> tuple[Value, ...]:
    """The values of a text, in their order and without overlap."""
    return tuple(_Reader(_WRAPPED.sub(" ", text)).read())


def given(found: Iterable[Value]) -> frozenset[str]:
    """What these values give together."""
    return frozenset(atom for value in found for atom in value.gives)


def counted(number: int) -> frozenset[str]:
    """The atoms of whoever counts so many things."""
    return frozenset(f"n{n}" for n in range(2, number + 1))


class _Reader:
    """Reads one text, token by token; a number takes the unit, the power or the month beside it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._matches = list(_TOKENS.finditer(text))
        self._place = 0

    def read(self) -> Iterable[Value]:
        while self._place < len(self._matches):
            match = self._matches[self._place]
            self._place += 1
            value = self._value(match)
            if value is not None:
                yield value

    def _value(self, match: re.Match[str]) -> Value | None:
        said = folded(match.group())
        match match.lastgroup:
            case "iso" | "dotted" | "slashed":
                return _numeric_date(match)
            case "clock" | "worded":
                return _time(match)
            case "half" | "sum":
                return self._sum(match)
            case "code":
                return _made("number", match, [{f"c{said}"}])
            case "number":
                return self._number(match, _readings(said))
            case _:
                return self._word(match, said)

    def _word(self, match: re.Match[str], said: str) -> Value | None:
        if said in DAYS:
            return self._day(match, said)
        if said in NUMBERS:
            number = self._counted(NUMBERS[said])
            sure = said not in UNSURE_NUMBERS or self._end > match.end()
            return self._number(match, [str(number)], sure=sure)
        if said in ARTICLES:
            after = self._beside()
            unit = UNIT_OF.get(folded(after.group())) if after else None
            gives = frozenset({f"a1{unit}", f"u{unit}"})
            return _silent(match, gives) if unit else None
        if said in IMPLIED:
            return self._number(match, [str(IMPLIED[said])], sure=False)
        return None

    def _counted(self, number: int) -> int:
        """A number with the words that go on with it: `twenty-five`, `two hundred`."""
        while (after := self._beside()) is not None:
            word = folded(after.group())
            small = NUMBERS.get(word, 0)
            if number % 10 == 0 and 20 <= number < 100 and 0 < small < 10:
                number += small
            elif word in POWERS and len(word) > 1:
                number *= POWERS[word]
            else:
                break
            self._place += 1
        return number

    @property
    def _end(self) -> int:
        return self._matches[self._place - 1].end()

    def _beside(self) -> re.Match[str] | None:
        """The next token, where nothing but a blank or a hyphen stands before it."""
        if self._place == len(self._matches):
            return None
        after = self._matches[self._place]
        gap = self._text[self._end : after.start()]
        return after if gap in {"", " ", "-", "\u00a0", "\u202f"} else None

    def _sum(self, match: re.Match[str]) -> Value:
        """A sign of money and the number after it, or half an hour."""
        if match.lastgroup == "half":
            return _amount(match.start(), match.end(), ["30"], "minute")
        said = folded(match.group())
        numeral = re.search(rf"{_NUMERAL}[km]?", said)
        sign = said[: numeral.start()].strip() if numeral else ""
        numbers = self._powered(_readings(numeral.group() if numeral else ""))
        return _amount(match.start(), self._end, numbers, UNIT_OF.get(sign, "?"))

    def _powered(self, numbers: list[str]) -> list[str]:
        """The numbers times the word after them, as in `5 million`."""
        after = self._beside()
        word = folded(after.group()) if after else ""
        if word not in POWERS or len(word) == 1 or word == "cent":
            return numbers
        self._place += 1
        return [_plain(str(float(number) * POWERS[word])) for number in numbers]

    def _number(self, match: re.Match[str], numbers: list[str], *, sure: bool = True) -> Value:
        numbers = self._powered(numbers)
        after = self._beside()
        unit = UNIT_OF.get(folded(after.group())) if after else None
        if unit:
            self._place += 1
            return _amount(match.start(), self._end, numbers, unit)
        gives = {f"{mark}{number}" for number in numbers for mark in "nb"}
        before = self._text[max(0, match.start() - 14) : match.start()]
        if _AT.search(before) or _ON.match(self._text[self._end : self._end + 4]):
            gives |= {f"t{time}" for number in numbers for time in _hours(number)}
        ways = [frozenset({f"n{number}"}) for number in numbers]
        ways += [frozenset({f"t{time}"}) for number in numbers for time in _hours(number)]
        return Value(
            kind="number",
            start=match.start(),
            end=self._end,
            gives=frozenset(gives),
            ways=tuple(ways) if sure else (),
        )

    def _day(self, match: re.Match[str], said: str) -> Value:
        """A weekday or a month."""
        before, after = self._text[: match.start()], self._text[match.end() : match.end() + 4]
        inside = bool(re.search(r"[\w,;] $", before[-3:])) and match.group()[:1].isupper()
        dated = re.search(r"\d(?:st|nd|rd|th|er|\.)?(?: of)? $", before[-8:]) or re.match(
            r" \d", after
        )
        sure = said not in UNSURE_DAYS or inside or bool(dated)
        ways = (frozenset({DAYS[said]}),) if sure else ()
        return Value(
            kind="date",
            start=match.start(),
            end=match.end(),
            gives=frozenset({DAYS[said]}),
            ways=ways,
        )


def _silent(match: re.Match[str], gives: frozenset[str]) -> Value:
    """What supports and need not be supported."""
    return Value(kind="number", start=match.start(), end=match.end(), gives=gives, ways=())


def _made(kind: ValueKind, match: re.Match[str], ways: Iterable[Iterable[str]]) -> Value:
    all_ways = tuple(map(frozenset, ways))
    gives = frozenset(atom for way in all_ways for atom in way)
    return Value(kind=kind, start=match.start(), end=match.end(), gives=gives, ways=all_ways)


def _amount(start: int, end: int, numbers: list[str], unit: str) -> Value:
    """So much of something: the same of it, or a bare number where the unit is spoken of."""
    gives = {f"a{number}{unit}" for number in numbers} | {f"n{number}" for number in numbers}
    ways = [frozenset({f"a{number}{unit}"}) for number in numbers]
    ways += [frozenset({f"b{number}", f"u{unit}"}) for number in numbers]
    if unit in PARTS:
        part, times = PARTS[unit]
        parts = {f"a{_plain(str(float(number) * times))}{part}" for number in numbers}
        gives |= parts
        ways += [frozenset({one}) for one in parts]
    if unit == "hour":  # `15 heures` is a time of day
        clock = {f"t{time}" for number in numbers for time in _hours(number)}
        gives |= clock
        ways += [frozenset({time}) for time in clock]
    return Value(
        kind="amount",
        start=start,
        end=end,
        gives=frozenset({*gives, f"u{unit}"}),
        ways=tuple(ways),
    )


def _readings(numeral: str) -> list[str]:
    """What digits with points and commas in them may mean, `1.200` in English and in German."""
    digits = re.sub(r"(?:st|nd|rd|th|er|km|kg)$", "", numeral)
    times = POWERS.get(digits[-1:], 1)
    digits = digits.rstrip("km").replace("'", "").replace("’", "")
    marks = [mark for mark in digits if mark in ".,"]
    readings = []
    if not marks or re.fullmatch(r"\d{1,3}([.,])\d{3}(?:\1\d{3})*", digits):
        readings.append(re.sub(r"[.,]", "", digits))
    if marks and marks.count(marks[-1]) == 1:
        whole, _, part = digits.rpartition(marks[-1])
        readings.append(f"{re.sub('[.,]', '', whole)}.{part}")
    readings = readings or [re.sub(r"[.,]", "", digits)]
    return [_plain(str(float(one) * times)) if times > 1 else _plain(one) for one in readings]


def _plain(number: str) -> str:
    """A decimal number without zeros that mean nothing."""
    if "e" in number:
        return number
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def _hours(number: str, minutes: str = "00", half: str = "") -> list[str]:
    """The times of day that an hour may mean; `half` is `a` or `p` where it is said."""
    if not number.isdecimal() or len(number) > 2 or int(number) > 24:
        return []
    hour = int(number)
    if half:
        return [f"{hour % 12 + 12 * (half == 'p')}:{minutes}"]
    return [f"{h % 24}:{minutes}" for h in ((hour, hour + 12) if 0 < hour <= 12 else (hour,))]


_CLOCK = re.compile(r"(\d{1,2})(?:[:.h] ?(\d{2}))?[ ]?(?:([ap])\.?m|uhr(?: (\d{2}))?|h ?(\d{2})?)?")


def _time(match: re.Match[str]) -> Value | None:
    said = folded(match.group())
    clock = _CLOCK.match(said)
    if clock:
        hour, minutes, half, *others = clock.groups()
        minutes = minutes or next((other for other in others if other), "00")
        hours = _hours(str(int(hour)), minutes, half or "")
    else:
        hours = _worded(said)
    if not hours:
        return None
    value = _made("time", match, [{f"t{time}"} for time in hours])
    bare = {f"n{int(time.partition(':')[0])}" for time in hours if time.endswith(":00")}
    bare |= {f"n{int(clock[1])}"} if clock and value.ways and "00" in hours[0] else set()
    return Value(
        kind="time",
        start=value.start,
        end=value.end,
        gives=value.gives | bare,
        ways=value.ways,
    )


def _worded(said: str) -> list[str]:
    """The times that words mean, none where they are no time."""
    if said in {"noon", "midday", "mittag", "mittags", "midi"}:
        return ["12:00"]
    if said in {"midnight", "mitternacht", "minuit"}:
        return ["0:00"]
    if said.endswith(("clock", "uhr")):
        number = NUMBERS.get(said.split(maxsplit=1)[0])
        return _hours(str(number)) if number else []
    *how, last = said.split()
    number = int(last) if last.isdecimal() else NUMBERS.get(last, 0)
    if not number:
        return []
    shift = {"half past": (0, "30"), "quarter past": (0, "15"), "quarter to": (-1, "45")}
    shift |= {"halb": (-1, "30"), "viertel vor": (-1, "45"), "viertel nach": (0, "15")}
    hours, minutes = shift[" ".join(how)]
    return _hours(str((number + hours) or 12), minutes)


def _numeric_date(match: re.Match[str]) -> Value | None:
    """A date in digits: with points the day goes first, with strokes either may."""
    parts = [int(part) for part in re.findall(r"\d+", match.group())]
    if match.lastgroup == "iso":
        pairs = [(parts[2], parts[1])]
    elif match.lastgroup == "dotted":
        pairs = [(parts[0], parts[1])]
    else:
        pairs = [(parts[0], parts[1]), (parts[1], parts[0])]
    ways = [{f"n{day}", f"m{month}"} for day, month in pairs if 0 < day < 32 and 0 < month < 13]
    literal = {f"c{match.group()}"}
    value = _made("date", match, [*ways, literal])
    years = {f"n{year}" for year in parts if year > 31}
    return Value(
        kind="date",
        start=value.start,
        end=value.end,
        gives=value.gives | years,
        ways=value.ways,
    )
