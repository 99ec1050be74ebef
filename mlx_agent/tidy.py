"""What a large model adds to a mail, taken off: talk around it, and an ending said twice. Pure.

Cut are a preamble (`Here is the draft:`), a subject line, a code fence or quotes around the whole,
a remark to whoever asked (`Let me know if you want changes`), a second sign-off and name, and the
account's signature block, which the mail program appends. In English, German and French.

A mail may well say any of this to its reader, so that each is cut only where no mail has it: before
a greeting, after the end, around everything, or of words that no bullet asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mlx_agent.anatomy import SIGN_OFF_WORDS, is_signature
from mlx_agent.characters import folded
from mlx_agent.records import Address, X

_GREETING = (
    r"(?:dear|hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|hallo|liebe[rs]?"
    r"|sehr geehrte|guten (?:tag|morgen|abend)"
    r"|moin|servus|bonjour|bonsoir|salut|ch[eè]re?s?|coucou|madame"
    r"|monsieur|hola|estimad[oa]s?|buenos|ciao|gentile|buongiorno|beste|geachte|ol[aá])\b"
)
_WILLING = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|got it|no problem|happy to help"
    r"|gerne?|nat[üu]rlich|klar|selbstverst[äa]ndlich|bien s[ûu]r|certainement|avec plaisir"
    r"|volontiers)"
)
_THING = (
    r"(?:draft|e-?mail|mail|message|reply|response|letter|version|rewrite|revision|text|entwurf"
    r"|nachricht|antwort|fassung|schreiben|brouillon|projet|courriel|r[ée]ponse|texte)"
)
_HERE = (
    r"(?:here(?:['’]s| is| are)|below is|i(?:['’]ve| have)? (?:written|drafted|prepared)"
    r"|hier (?:ist|kommt|sind)|anbei|unten (?:ist|steht)|voici|voil[àa]|ci-dessous)"
)
_PREAMBLE = re.compile(
    rf"(?:{_WILLING}\b[^\n\w]{{0,4}})?{_HERE}\b[^\n]{{0,120}}?\b{_THING}\b[^\n:]{{0,80}}",
    re.IGNORECASE,
)
_BARE_WILLING = re.compile(rf"{_WILLING}[!.,: ]*", re.IGNORECASE)
_SUBJECT = re.compile(
    r"\W{0,4}(?:subject|betreff|objet|oggetto|asunto|onderwerp)\W{0,3}:.{0,300}", re.IGNORECASE
)
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,}|={3,})\s*")
_FENCE = re.compile(r"\s*(?:```|~~~)\w*\s*")
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "'": "'"}

_CHANGE = (
    r"(?:chang|adjust|tweak|revis|edit|modif|refin|version|ton[e]?\b|short|long|formal|draft|wording"
    r"|[äa]nder|anpass|angepasst|k[üu]rz|umformulier|entwurf|fassung|ajust|adapt|brouillon|court)"
)
_REMARK = re.compile(
    r"(?:(?:please )?let me know (?:if|whether|should)\b|(?:would|do) you (?:like|want) me to\b"
    r"|feel free to (?=adjust|edit|tweak|modify|change|customi|personali|adapt)"
    r"|i(?:['’]ve| have)? (?:kept|tried to keep|aimed)\b|(?:please )?note\b"
    r"|i hope this (?=draft|version)|hope this (?=draft|version)"
    r"|(?:bitte )?(?:sag|gib|lass)(?:e|en sie)? mi(?:r|ch)\b"
    r"|(?:geben|sagen|lassen) sie mi(?:r|ch)\b"
    r"|(?:m[öo]chtest du|m[öo]chten sie|soll ich)\b"
    r"|n['’]h[ée]site[sz]? pas\b|(?:dis|dites|faites|fais)-moi\b|(?:souhaitez|voulez)-vous\b"
    rf"|veux-tu\b)[^\n]{{0,200}}?{_CHANGE}[^\n]{{0,200}}",
    re.IGNORECASE,
)
_ABOUT_DRAFT = re.compile(
    r"\b(?:draft|version|tone|wording|entwurf|fassung|tonfall|brouillon|ton)\b", re.IGNORECASE
)
_SIGN_OFF = re.compile(
    rf"(?P<word>{SIGN_OFF_WORDS}|(?:mit )?(?:viele|liebe|beste|freundlichen?|herzlichen?|sch[öo]ne)"
    r" gr(?:ü|ue|u)(?:ß|ss)en?|gru(?:ß|ss)|mfg|lg|vg|(?:bien )?cordialement|bien [àa] (?:vous|toi)"
    r"|amicalement|sinc[èe]rement|bises|salutations|[àa] bient[ôo]t) *[,.!]*",
    re.IGNORECASE,
)

_ROUNDS = 3
"""A fence may stand in quotes below a preamble, and a remark below all that."""


def tidied(text: str, x: X, signature: str = "") -> str:
    """The mail alone, of what a large model answered for x.

    `signature` is the block that the account's mail program appends.
    """
    asked = folded("\n".join(x.intent))
    steps: tuple[Callable[[str], str], ...] = (
        lambda said: _without_preamble(said, asked),
        lambda said: _without_subject(said, asked),
        lambda said: _without_remark(said, asked, x.metadata.sender),
        _unfenced,
        _unquoted,
    )
    for step in steps * _ROUNDS:
        text = step(text).strip("\n ")
    text = _without_block(text, signature)
    return _signed_once(text, x.metadata.sender)


def _first(text: str) -> tuple[str, str]:
    """The first line, and the rest without blank lines before it."""
    line, _, rest = text.partition("\n")
    return line.strip(), rest.lstrip("\n ")


def _without_preamble(text: str, asked: str) -> str:
    line, rest = _first(text)
    match = _PREAMBLE.match(line)
    if match and line[match.end() : match.end() + 1] == ":":
        inline = line[match.end() + 1 :].lstrip(" *")
        if inline and re.match(_GREETING, inline, re.IGNORECASE):
            return text[text.index(inline) :]
    if not rest or re.match(_GREETING, line, re.IGNORECASE):
        return text
    bare = line.strip("*_ ")
    whole = _PREAMBLE.fullmatch(bare.rstrip(":!. "))
    if _begins(rest):
        cut = bool(whole or _BARE_WILLING.fullmatch(bare))
    else:
        unasked = not any(thing in asked for thing in re.findall(_THING, folded(bare)))
        cut = bool(whole) and bare.endswith(":") and unasked
    return _after_rule(rest) if cut else text


def _begins(text: str) -> bool:
    """Whether a mail begins here: with its greeting or its subject, be it fenced or quoted."""
    line, rest = _first(text)
    if rest and (_RULE.fullmatch(line) or _FENCE.fullmatch(line)):
        line = _first(rest)[0]
    bare = line.lstrip('*_"“„«')
    return bool(re.match(_GREETING, bare, re.IGNORECASE) or _SUBJECT.fullmatch(line))


def _after_rule(text: str) -> str:
    line, rest = _first(text)
    return rest if _RULE.fullmatch(line) else text


def _without_subject(text: str, asked: str) -> str:
    line, rest = _first(text)
    match = _SUBJECT.fullmatch(line)
    word = folded(line).strip("*_ ").partition(":")[0].strip("*_ ")
    unasked = bool(asked) and f"{word}:" not in asked
    begins = re.match(_GREETING, rest, re.IGNORECASE)
    return rest if match and rest and (unasked or begins) else text


def _without_remark(text: str, asked: str, sender: Address) -> str:
    """Without what is said to the user below the mail."""
    above, _, last = text.rpartition("\n")
    last = last.strip("*_() \t")
    if not above.strip() or not _REMARK.fullmatch(last):
        return text
    above = above.rstrip("\n ")
    end = above.rpartition("\n")[2].strip()
    if _RULE.fullmatch(end) or _FENCE.fullmatch(end):
        return above[: -len(end)] if _RULE.fullmatch(end) else above
    ended = _SIGN_OFF.fullmatch(end) or (len(end) > 1 and is_signature(end, sender))
    told = _ABOUT_DRAFT.search(last) and not any(
        word in asked for word in _ABOUT_DRAFT.findall(folded(last))
    )
    own_paragraph = text[: -len(text.rpartition("\n")[2])].endswith("\n\n")
    return above if ended or (told and own_paragraph) else text


def _unfenced(text: str) -> str:
    line, rest = _first(text)
    inner, _, last = rest.rpartition("\n")
    around = _FENCE.fullmatch(line) and _FENCE.fullmatch(last) and "```" not in inner
    return inner if around and inner else text


def _unquoted(text: str) -> str:
    """Without quotes around the whole, where there are no others inside."""
    close = _QUOTES.get(text[:1])
    if close is None or len(text) < 2 or text[-1] != close:
        return text
    inner = text[1:-1]
    return text if text[0] in inner or (close in inner and close != "'") else inner


def _without_block(text: str, signature: str) -> str:
    """Without the account's signature block, of at least two lines, at the end."""
    block = [" ".join(line.split()).casefold() for line in signature.splitlines() if line.strip()]
    block = [line for line in block if line.strip("-_ ")]
    lines = text.split("\n")
    end = len(lines)
    for wanted in reversed(block):
        while end and not lines[end - 1].strip():
            end -= 1
        if not end or " ".join(lines[end - 1].split()).casefold() != wanted:
            return text
        end -= 1
    kept = "\n".join(lines[:end]).rstrip("\n ")
    if len(block) < 2 or not kept:
        return text
    return re.sub(r"\n+-- ?$", "", kept).rstrip("\n ")


def _signed_once(text: str, sender: Address) -> str:
    """With one sign-off and one name, where the same, or a whole ending, stands there twice."""
    lines = text.split("\n")
    tail = _tail(lines, sender)
    offs = [i for i in tail if _SIGN_OFF.fullmatch(lines[i].strip())]
    named = [i for i in tail if i not in offs]
    if len(offs) > 1:
        first, last = offs[0], offs[-1]
        same = _key(lines[first]) == _key(lines[last])
        between = [i for i in named if first < i < last]
        if same and not between and named and named[-1] > last:
            return "\n".join([*lines[:first], *lines[last:]])
        if same or (between and named[-1] > last):
            return "\n".join(lines[:last]).rstrip("\n ")
    if len(named) > 1 and _key(lines[named[0]]) == _key(lines[named[-1]]):
        return "\n".join(lines[: named[0] + 1])
    return text


def _tail(lines: list[str], sender: Address) -> list[int]:
    """The places of the last lines as far as they are sign-offs and the sender's name."""
    found: list[int] = []
    for place in reversed(range(1, len(lines))):
        line = lines[place].strip()
        if not line:
            continue
        if not _SIGN_OFF.fullmatch(line) and not (len(line) > 1 and is_signature(line, sender)):
            break
        found.insert(0, place)
    return found


def _key(line: str) -> str:
    return folded(line).strip(" ,.!-–—~")
