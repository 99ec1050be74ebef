"""In which language a text is, and in which one a draft has to be. Pure.

Told by the commonest small words of each language, which any two sentences hold. What is short, or
mixed, or in another language has none: nobody is better served by a guess. Languages are ISO 639-1
codes.

The rule for a draft: the language that the instruction names; else that of the message being
answered; else that of the bullets. So bullets in English below a German message make a German
answer, for notes are in whatever language comes to mind, and a reader is answered in his own.
"""

from __future__ import annotations

import re

from mlx_agent.characters import folded
from mlx_agent.records import X

NAMES = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
    "nl": "Dutch", "pt": "Portuguese", "da": "Danish", "sv": "Swedish", "pl": "Polish",
    "ja": "Japanese", "zh": "Chinese", "ko": "Korean", "ru": "Russian", "el": "Greek",
    "tr": "Turkish", "fi": "Finnish", "cs": "Czech", "hu": "Hungarian", "no": "Norwegian",
}  # fmt: skip
"""What a language is called in English."""

_CALLED = {
    "de": "german|deutsch|allemand|aleman|tedesco|duits",
    "en": "english|englisch|anglais|ingles|inglese|engels",
    "es": "spanish|spanisch|espagnol|espanol|spagnolo|spaans",
    "fr": "french|franzosisch|francais|frances|francese|frans",
    "it": "italian|italienisch|italien|italiano|italiaans",
    "nl": "dutch|niederlandisch|hollandisch|neerlandais|holandes|olandese|nederlands",
    "pt": "portuguese|portugiesisch|portugais|portugues|portoghese|portugees",
    "da": "danish|danisch|danois|dansk",
    "sv": "swedish|schwedisch|suedois|svenska",
    "pl": "polish|polnisch|polonais|polski",
    "ja": "japanese|japanisch|japonais",
    "zh": "chinese|mandarin|chinesisch|chinois",
    "ko": "korean|koreanisch|coreen",
    "ru": "russian|russisch|russe",
    "el": "greek|griechisch|grec",
    "tr": "turkish|turkisch|turc",
    "fi": "finnish|finnisch|finnois",
    "cs": "czech|tschechisch|tcheque",
    "hu": "hungarian|ungarisch|hongrois",
    "no": "norwegian|norwegisch|norvegien|norsk",
}
_INTO = r"\b(?:in|into|to|auf|ins|en|em|al|op|po)(?: (?:the|plain|simple|good|british|american))?"
_NAMED = re.compile(
    "|".join(
        rf"(?P<{code}>{_INTO} (?:{names})\b|^\W*(?:{names})(?:,? (?:please|bitte|version))?\W*$)"
        for code, names in _CALLED.items()
    )
)
_WORD = re.compile(r"[^\W\d_]+")

SMALL_WORDS = {
    "en": "the and of to in is that it for you with this have are on be at not will would we our "
    "your from can could if please was i my me as but so or do there what when which let "
    "know",
    "de": "der die das und ich ist nicht sie ein eine einen zu den mit es auf für dem des im wir "
    "auch sich von bei haben habe kann noch wie dass uns mir mich ihr ihnen ihre aber oder "
    "wenn bitte sind wird hat am um zum zur nach vielen danke wäre",
    "fr": "le la les de des et je vous est pas que une un pour dans ce il nous en sur avec au du "
    "ne qui votre notre mais ou si sont avons être par plus cette mon ma merci bonjour ai "
    "êtes aux",
    "es": "el los las de y que en un una por con para no se su es lo como más pero sus le ya si "
    "del al este esta muy usted gracias me mi nos hola está son estoy puede",
    "it": "il di e che la un una per con non sono è le dei del della si da come più ma mi ho hai "
    "ci al alla questo questa gli anche grazie ciao se nel lo siamo può",
    "nl": "de het een en van ik je niet is dat op te zijn met voor er aan maar om ook als bij nog "
    "naar we wij u uw kan heb hebben wordt dit deze mijn jij bedankt graag kunnen",
    "pt": "o os as de e que em um uma para com não se por mais do da no na mas ao como eu você "
    "meu minha é são está obrigado obrigada muito isso este esta nos pode",
    "da": "og i at det er en den til på som jeg ikke med for der de har af vi om du kan et men så "
    "skal være fra hvis også mig tak",
    "sv": "och i att det är en den till på som jag inte med för av har vi om du kan ett men så "
    "ska vara från också mig tack vill när",
    "pl": "i w na z się nie to że do jest jak co po ale za czy dla są tak jestem był może proszę "
    "mnie będzie przez tym już",
}  # fmt: skip
"""The small words by which a language is told, and which say nothing by themselves."""
STOP_WORDS = {code: frozenset(map(folded, words.split())) for code, words in SMALL_WORDS.items()}

FEWEST = 3
"""So many small words a text must hold; fewer are chance."""
LEAD = 1.4
"""By how many times they must be more than those of the next language."""
LEAST_SHARE = 0.15
"""And their share of all words."""
_LONGEST = 4000


def language(text: str, fewest: int = FEWEST) -> str:
    """The language of a text, empty where it cannot be told. Only its beginning is looked at.

    With less than FEWEST small words to go by it is a guess.
    """
    words = [folded(word) for word in _WORD.findall(text[:_LONGEST])]
    counts = {code: sum(word in stop for word in words) for code, stop in STOP_WORDS.items()}
    (best, most), (_, next_most) = sorted(counts.items(), key=lambda one: -one[1])[:2]
    sure = most >= max(fewest, LEAD * next_most) and most >= LEAST_SHARE * len(words)
    return best if sure else ""


def named(instruction: str) -> str:
    """The language that an instruction asks for (`in German`, `auf Deutsch`), empty if none."""
    match = _NAMED.search(folded(instruction))
    return str(match.lastgroup) if match else ""


def wanted(x: X, instruction: str = "") -> str:
    """The language that a draft for x has to be in, empty where nothing tells.

    Of the context the nearest message that says anything counts, and no other.
    """
    nearest = next((m.text for m in x.context if m.text.strip()), "")
    return named(instruction) or language(nearest) or language("\n".join(x.intent))
