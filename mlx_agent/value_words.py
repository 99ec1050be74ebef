"""Words of numbers, days, months and units in English, German and French, folded.

What each comes to: a number, a mark of the day (`w1` is Monday) or the month (`m6` is June), the
name of a unit.
"""

from __future__ import annotations

_SMALL = {
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen": 0,
    "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn "
    "funfzehn sechzehn siebzehn achtzehn neunzehn": 0,
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize": 0,
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth": 1,
}  # fmt: skip
_TENS = {
    "twenty thirty forty fifty sixty seventy eighty ninety": 2,
    "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig": 2,
    "vingt trente quarante cinquante soixante": 2,
}
NUMBERS = {
    word: first + place
    for words, first in _SMALL.items()
    for place, word in enumerate(words.split())
} | {
    word: 10 * (first + place)
    for words, first in _TENS.items()
    for place, word in enumerate(words.split())
}
POWERS = {"hundred": 100, "hundert": 100, "cent": 100, "thousand": 1000, "tausend": 1000}
POWERS |= {"mille": 1000, "k": 1000, "million": 10**6, "millions": 10**6, "m": 10**6}
IMPLIED = {"both": 2, "couple": 2, "pair": 2, "beide": 2, "beiden": 2, "deux": 2, "twice": 2}
IMPLIED |= {"dozen": 12, "dutzend": 12, "douzaine": 12, "once": 1, "single": 1, "paar": 2}
ARTICLES = frozenset("a an ein eine einen einem einer un une".split())
"""One, where a unit follows: `a week`."""
UNSURE_NUMBERS = frozenset(
    "zero null one eins un first second third fourth fifth sixth seventh eighth ninth tenth "
    "eleventh twelfth thirteenth fourteenth fifteenth acht elf neuf seize sept".split()
)
"""Words that mean something else as well: they support a number, and are none to be supported."""

_WEEKDAYS = (
    "monday mon montag lundi", "tuesday tues tue dienstag mardi",
    "wednesday wed mittwoch mercredi", "thursday thurs thur thu donnerstag jeudi",
    "friday fri freitag vendredi", "saturday sat samstag sonnabend samedi",
    "sunday sun sonntag dimanche",
)  # fmt: skip
_MONTHS = (
    "january jan januar janner janvier", "february feb februar fevrier", "march mar marz mars",
    "april apr avril", "may mai", "june jun juni juin", "july jul juli juillet",
    "august aug aout", "september sept sep septembre", "october oct oktober okt octobre",
    "november nov novembre", "december dec dezember dez decembre",
)  # fmt: skip
DAYS = {
    name: f"{mark}{place}"
    for mark, names in (("w", _WEEKDAYS), ("m", _MONTHS))
    for place, row in enumerate(names, 1)
    for name in row.split()
}
UNSURE_DAYS = frozenset("may mai mars march mon wed sat sun fri mar jan dec nov".split())
"""Words and names as well, unless a capital inside a sentence or a number beside them tells."""

_UNITS = {
    "dollar": "$ usd dollar dollars bucks", "euro": "€ eur euro euros",
    "pound": "£ gbp pound pounds", "franc": "chf franc francs franken", "cent": "cents",
    "percent": "% percent prozent", "hour": "hour hours hr hrs stunde stunden heure heures",
    "minute": "minute minutes min mins minuten", "day": "day days tag tage tagen jour jours",
    "week": "week weeks wk wks woche wochen semaine semaines",
    "month": "month months mth mths monat monate monaten mois",
    "year": "year years yr yrs jahr jahre jahren an ans annee annees",
    "person": "people person persons personen leute personne personnes", "kilo": "kg kilo kilos",
    "kilometre": "km kilometre kilometres kilometer", "mile": "mile miles",
}  # fmt: skip
PARTS = {"week": ("day", 7), "hour": ("minute", 60), "year": ("month", 12)}
"""Units that may as well be counted in smaller ones."""
UNIT_OF = {form: unit for unit, forms in _UNITS.items() for form in forms.split()}
