"""Ways of saying the same: contractions, shorthand, requests, dropped subjects. Pure.

Each pair of functions goes both ways, so that a text can be made neutral (for the intent) and be
given a manner again (by the stand-in for the writer). Quoted spelling is English.
"""

from __future__ import annotations

import re

_CONTRACTIONS = {
    "I am": "I'm", "I have": "I've", "I will": "I'll", "I would": "I'd",
    "you are": "you're", "you have": "you've", "you will": "you'll",
    "we are": "we're", "we have": "we've", "we will": "we'll",
    "they are": "they're", "they will": "they'll",
    "it is": "it's", "it will": "it'll", "that is": "that's", "there is": "there's",
    "what is": "what's", "he is": "he's", "she is": "she's", "let us": "let's",
    "do not": "don't", "does not": "doesn't", "did not": "didn't",
    "is not": "isn't", "are not": "aren't", "was not": "wasn't", "were not": "weren't",
    "have not": "haven't", "has not": "hasn't", "had not": "hadn't",
    "will not": "won't", "would not": "wouldn't", "could not": "couldn't",
    "should not": "shouldn't", "cannot": "can't",
}  # fmt: skip
_EXPANSIONS = {short: long for long, short in _CONTRACTIONS.items()}
SHORTHAND = {
    "please": "pls", "thanks": "thx", "you": "u", "your": "ur", "tomorrow": "tmrw",
    "because": "bc", "about": "abt", "with": "w/", "and": "&", "as soon as possible": "asap",
    "message": "msg", "by the way": "btw",
}  # fmt: skip
"""What may be shortened, and how."""
_LONGHAND = {short: long for long, short in SHORTHAND.items()}


def _pattern(words: dict[str, str], but: str = "(?!)") -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    body = "|".join(re.escape(word).replace("'", "['’]") for word in longest_first)
    return re.compile(rf"(?<![\w'’@/.&-])(?!{but})(?:{body})(?![\w'’@/&-])", re.IGNORECASE)


_OWNED = (
    r"(?:I|you|we) have (?:an?|the|to|no|nothing|some|any|much|many|few|more|it|this|that|these"
    r"|those|my|your|his|her|our|their|all|two|three|on|in|for|with|from|at|of|\d+)\b"
)
"""Where `have` is the verb itself: nobody writes `I've to go`."""

_LONG_FORMS = _pattern(
    _CONTRACTIONS, rf"let us (?:know|have)\b|\w+ (?:have|will|would) not\b|{_OWNED}"
)
_SHORT_FORMS = _pattern(_EXPANSIONS)
_SHORTHAND_FORMS = _pattern(_LONGHAND, r"(?-i:BC)\b")
_LONGHAND_FORMS = _pattern(SHORTHAND)
_HAS = re.compile(
    r"\b(it|that|there|what|he|she)['’]s (?=(?:\w+ly )?(?:been|become|got|had)\b)", re.IGNORECASE
)
_HAD = re.compile(r"\b(I)['’]d (?=(?:better|been|had)\b)", re.IGNORECASE)

VERBS = frozenset(
    "add advise announce answer arrange ask attach book bring buy call cancel change check choose "
    "clean clear close collect come compare complete confirm consider contact copy count cover "
    "create deliver discuss draft drop email ensure explain fax file fill find finish fix follow "
    "forward get give go handle have help hold include inform invite join keep leave let list look "
    "mail make mark measure meet move note open order organise organize pack pass pay phone pick "
    "plan post prepare print provide put read record remind remove repair reply report reserve "
    "return review ring run save schedule see sell send set share show sign sort speak start stop "
    "submit take talk tell test think try turn update use wait watch work write".split()
)
"""Verbs that a request begins with."""

_DROPPABLE = frozenset(
    "will have had am was need think hope got saw would should want must could did do cannot can "
    "believe found sent spoke talked met am attached expect plan wanted guess just also".split()
)
_FINITE = frozenset(
    "is are was were has had will would can could should may might must does did".split()
)
_PERSON = frozenset("you we they he she it i there who".split())
_DETERMINER = frozenset("a an the this that these those my your our his her their".split())
_FUNCTION = frozenset(
    "after all and as at because before both but by each every everything for from here how if in "
    "many maybe most next no not nothing on or perhaps please so some then to what when where "
    "whether which why with yes".split()
)
_STARTED = {
    "would should must could was am": _PERSON | _DETERMINER,
    "will can": _PERSON | _DETERMINER | _FINITE,
    "have had do did": _PERSON - {"it"},
    "need think hope plan guess expect": _FINITE,
    "just also": _PERSON | _DETERMINER | _FUNCTION | (VERBS - _DROPPABLE),
    "attached": _FINITE | {"you", "please", "find", "to", "below", "here"},
}
_NO_VERB = {first: second for words, second in _STARTED.items() for first in words.split()}
"""After these words, what shows that they are no verb whose subject `I` was dropped."""

WISH = (
    r"have an? (?:\w+ly |very |really |most )?(?:nice|good|great|lovely|wonderful|fantastic|happy"
    r"|safe|pleasant|relaxing|restful|productive|merry|amazing|awesome|blessed|fun|super|beautiful"
    r"|excellent|splendid|brilliant|fabulous|enjoyable|peaceful|quiet|sunny|smooth)\b"
)
"""What a wish begins with, as a pattern: it is neither a request nor a statement about oneself."""

_FOR = r"(?:many )?(?P<thanks>thanks|thank you)(?: very much| so much| a lot)?(?: again)? for"
_HOPE = r"(?:I )?(?:do )?(?:hope|trust) (?:that )?"
_MAIL = r"(?:e-?mail|mail|message|note|letter)"
_WELL = r"(?: doing| keeping| going)?(?: very)? (?:well|fine|good|great)"
_FINE = r"(?: is|['’]s)? (?:works?|suits?|ok|okay|fine|alright|all right)(?: for| with)?(?: you)?"
_ANY = r"any(?:thing)?(?: else)?(?: (?:further |more |other )?(?:questions?|information|help))?"
_SHORT = {
    rf"{_HOPE}(?:this|my) {_MAIL}?\s*finds you (?:very )?well(?: and \w+)?": "hope you are well",
    rf"{_HOPE}you(?: are|['’]re){_WELL}": "hope you are well",
    rf"{_HOPE}(?:all|everything)(?: is|['’]s){_WELL}(?: with you)?": "hope all is well",
    rf"{_HOPE}(?:this|it) (?P<kind>helps|works)": "hope this {kind}",
    rf"{_FOR} (?:your|the) {_MAIL}": "{thanks} for writing",
    rf"{_FOR} getting in touch": "{thanks} for writing",
    rf"{_FOR} (?:your|the) (?:\w+ )?(?:reply|response|answer)": "{thanks} for replying",
    rf"{_FOR} (?:getting|coming) back to (?:me|us)(?: so quickly)?": "{thanks} for replying",
    rf"{_FOR} letting (?:me|us) know": "thanks for telling me",
    rf"{_FOR} (?:all )?(?:your|the) (?:\w+ )?(?:help|assistance)": "{thanks} for helping",
    rf"{_FOR} (?:all )?your (?:\w+ )?(?:time|support|understanding|patience|kindness)": "{thanks} "
    "very much",
    rf"{_FOR[:-4]} in advance for (?:your|the|any) \w+": "{thanks} in advance",
    r"(?:it (?:was|is) )?(?:so |very )?(?P<kind>good|great|nice|lovely) to hear from you"
    r"(?: again)?": "{kind} hearing from you",
    r"(?:I am |I['’]m |I )?(?:really |very much )?(?P<kind>look(?:ing)?) forward to"
    r" (?:hearing (?:back )?from you|(?:receiving )?your (?:reply|response|answer))"
    r"(?: soon| shortly)?": "{kind} forward to hearing",
    r"(?P<kind>please )?(?:just )?let (?:me|us) know"
    r" (?:what you think|your (?:thoughts|opinion|preference|view)s?|what (?:works|suits)(?: best)?"
    rf"(?: for)?(?: you)?|if (?:you (?:have|need|require)|there (?:is|are)) {_ANY}(?: from me)?"
    rf"|(?:if|whether) (?:that|this|it){_FINE})(?: (?:about|on) (?:it|this|that))?": "{kind}"
    "let me know",
    r"(?:please )?(?P<kind>do not|don['’]t) hesitate to (?:call|write|ask|contact|email|reach out)"
    rf"(?: to)?(?: me| us)?(?: if you have {_ANY}| with {_ANY})?": "please {kind} hesitate",
    r"(?:please )?feel free to (?P<kind>call|write|ask|contact|email)(?: me| us)?"
    rf"(?: if you have {_ANY}| with {_ANY}| at any time| any ?time)?": "feel free to {kind}",
}
_COURTESIES = [(re.compile(long, re.IGNORECASE), short) for long, short in _SHORT.items()]
"""Courtesies that say nothing but their kind, and the same in at most four words."""

_IMPERSONAL = re.compile(
    r"^(?:was|(?:would|could|should|must|will) be) (?:\w+ly |very |so |really |also )?"
    rf"(?:great|nice|good|lovely|better|best|fine|helpful|ideal|useful|perfect|wonderful)\b|^{WISH}",
    re.IGNORECASE,
)
_NO_REQUEST = re.compile(
    r"^see you\b|^let us (?!know\b|have\b)|^\w+:(?!\S)|^\w+ and (?-i:[A-Z])"
    r"|^think (?!(?:about|of|again|twice|it over)\b)|^plan (?:to|on)\b"
    r"|^have (?!a(?:nother)? (?:look|think|word|go|seat|read|chat|try)\b|(?-i:[A-Z]))"
    rf"|^{WISH}|^\w+ (?:\S*\d\S* )?(?:{'|'.join(_FINITE)})\b"
    r"|^(?!find|see|think|speak|hear)\w+ (?:attached|enclosed|of)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"^(?:please,? (?:could|can|would) you |(?:could|would|can) you (?:please|pls|kindly) "
    r"|could you |would you mind |please |pls |kindly )(?P<rest>\w.*)$",
    re.IGNORECASE | re.DOTALL,
)


def contract(text: str) -> str:
    """Contract whatever can be; a question's `are not` and an ending `it is` stay as they are."""

    def short(match: re.Match[str]) -> str:
        end = text[match.end() : match.end() + 1]
        if end in ".,;!?:)" and match.group().lower() != "cannot":
            return match.group()
        return _like(match.group(), _lookup(_CONTRACTIONS, match.group()))

    return _LONG_FORMS.sub(short, text)


def expand(text: str) -> str:
    """Write contractions out; `it's been` is `it has been`."""
    straight = _HAD.sub(r"\1 had ", _HAS.sub(r"\1 has ", text)).replace("’", "'")
    return _SHORT_FORMS.sub(lambda m: _like(m.group(), _lookup(_EXPANSIONS, m.group())), straight)


def count_contractions(text: str) -> int:
    """How many contractions are used."""
    return len(_SHORT_FORMS.findall(text))


def count_expanded(text: str) -> int:
    """How many contractions are avoided, that is how many `contract` would make."""
    return len(_SHORT_FORMS.findall(contract(text))) - count_contractions(text)


def shorten(text: str, forms: tuple[str, ...]) -> str:
    """Use these forms of SHORTHAND wherever they fit."""

    def short(match: re.Match[str]) -> str:
        form = SHORTHAND[match.group().lower()]
        return form if form in forms else match.group()

    return _LONGHAND_FORMS.sub(short, text)


def lengthen(text: str) -> str:
    """Write shorthand out."""
    return _SHORTHAND_FORMS.sub(lambda m: _like(m.group(), _LONGHAND[m.group().lower()]), text)


def shorthand_used(text: str) -> tuple[str, ...]:
    """The forms of SHORTHAND that occur, in the table's order."""
    found = {match.lower() for match in _SHORTHAND_FORMS.findall(text)}
    return tuple(form for form in SHORTHAND.values() if form in found)


def bare_request(sentence: str) -> str | None:
    """`Could you send it?` as `Send it`, None if the sentence is no such request."""
    match = _REQUEST.match(sentence.strip())
    if not match:
        return None
    rest = match.group("rest").rstrip(".!? ")
    return capitalised(rest) if first_word(rest) in VERBS else None


def request_style(sentence: str) -> str | None:
    """How a request is put: `please`, `could you` or `bare`; None for what is no request."""
    text = sentence.strip().lower()
    if bare_request(sentence) is not None:
        return "please" if text.startswith(("please", "pls", "kindly")) else "could you"
    if first_word(text) not in VERBS or text.endswith("?"):
        return None
    return None if _NO_REQUEST.match(sentence.strip()) else "bare"


def dropped_subject(sentence: str) -> bool:
    """Whether a statement begins with its verb where `I` would stand."""
    words = sentence.split(maxsplit=2)
    if first_word(sentence) not in _DROPPABLE or sentence.rstrip().endswith("?"):
        return False
    request = request_style(sentence) == "bare"
    if request or not words[0].isalpha() or _IMPERSONAL.match(sentence.strip()):
        return False
    first, follows = words[0].lower(), words[1] if len(words) > 1 else ""
    named = first in {"will", "can"} and follows[:1].isupper()
    doing = first in {"just", "also"} and first_word(follows).endswith("ing")
    return not (named or doing or first_word(follows) in _NO_VERB.get(first, ()))


def has_subject(sentence: str) -> bool:
    """Whether a statement begins with an `I` that could be dropped."""
    words = sentence.split(maxsplit=2)
    return len(words) > 2 and words[0] == "I" and dropped_subject(" ".join(words[1:]))


def drop_subject(sentence: str) -> str:
    """`I will come` as `Will come`."""
    if not has_subject(sentence):
        return sentence
    rest = sentence.split(maxsplit=1)[1]
    return rest[:1].upper() + rest[1:]


def restore_subject(sentence: str) -> str:
    """`Will come` as `I will come`."""
    return f"I {sentence[:1].lower()}{sentence[1:]}" if dropped_subject(sentence) else sentence


def short_courtesy(sentence: str) -> str | None:
    """A courtesy of many words that says nothing of its own, in at most four; None for others.

    Its final mark and the case of its first letter are kept.
    """
    bare = sentence.rstrip(".,!?… ")
    for long, short in _COURTESIES:
        if match := long.fullmatch(bare):
            said = short.format_map({name: part or "" for name, part in match.groupdict().items()})
            said = f"{said.lower()}{sentence[len(bare) :]}"
            return capitalised(said) if bare[:1].isupper() else said
    return None


def capitalised(text: str) -> str:
    """The text with a capital, unless it begins with a link, an address or a name like `iPad`."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    odd = first.startswith("www.") or any(mark in first for mark in ("://", "@"))
    odd |= first[:1].islower() and first[1:2].isupper()
    return text if odd else text[:1].upper() + text[1:]


def joined_on(sentence: str) -> str:
    """A sentence as it goes on after a dash: a small letter, unless it may begin with a name."""
    first = first_word(sentence)
    verb = request_style(sentence) == "bare" or dropped_subject(sentence)
    common = first in _PERSON | _DETERMINER | _FUNCTION | (_FINITE - {"will", "may"}) or verb
    keep = first == "i" or sentence[1:2].isupper()
    return sentence[:1].lower() + sentence[1:] if common and not keep else sentence


def first_word(text: str) -> str:
    """The first word in small letters, without marks."""
    words = text.split(maxsplit=1)
    return words[0].strip(".,:;!?\"'()").lower() if words else ""


def _lookup(table: dict[str, str], found: str) -> str:
    folded = found.replace("’", "'").lower()
    return next(value for key, value in table.items() if key.lower() == folded)


def _like(found: str, replacement: str) -> str:
    """The replacement with the first letter's case of what was found."""
    if found[:1].isupper():
        return replacement[:1].upper() + replacement[1:]
    keep = replacement.startswith(("I ", "I'"))
    return replacement if keep else replacement[:1].lower() + replacement[1:]
