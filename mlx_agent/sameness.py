"""Whether two words say the same: endings, irregular forms, near synonyms of mail. Pure.

It serves to tell a paraphrase from an omission, where a word too many costs less than one too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlx_agent.characters import folded

PREFIX = 5
"""Words that begin alike for so long, and for most of their length, are of one family."""
ALIKE = 0.55

_IRREGULAR = {
    "sent": "send", "met": "meet", "paid": "pay", "bought": "buy", "came": "come", "went": "go",
    "gone": "go", "got": "get", "told": "tell", "said": "say", "left": "leave", "made": "make",
    "took": "take", "taken": "take", "gave": "give", "given": "give", "found": "find",
    "wrote": "write", "written": "write", "spoke": "speak", "spoken": "speak", "thought": "think",
    "kept": "keep", "held": "hold", "brought": "bring", "ran": "run", "began": "begin",
    "begun": "begin", "done": "do", "saw": "see", "seen": "see", "knew": "know", "known": "know",
    "broke": "break", "broken": "break", "chose": "choose", "chosen": "choose", "lost": "lose",
    "sold": "sell", "felt": "feel", "heard": "hear", "children": "child", "people": "person",
    "better": "good", "best": "good", "later": "late", "won": "win", "built": "build",
}  # fmt: skip
_GROUPS = (
    "send mail email forward pass; call phone ring telephone; buy purchase get; help assist "
    "support hand; begin start; finish complete done end; tell inform say mention; receive get; "
    "fix repair mend; talk speak discuss chat; think believe guess feel; big large huge; small "
    "little; fast quick soon; picture photo image; ask request; need require must; want like "
    "wish; ok okay fine good great alright; maybe perhaps; job work position role; late delay; "
    "cancel drop; move postpone shift reschedule push; sorry apologise apology regret apologize; "
    "glad happy pleased; attach attachment enclose; check look see view verify review; answer "
    "reply respond response; arrange organise organize plan; cost price; meet meeting see; come "
    "join attend arrive; show present; happen occur; whole all entire; wait hold; try attempt; "
    "choose pick select; agree accept; unable cannot; boss manager; document file paper; holiday "
    "vacation leave; ill sick unwell; quick brief short; great wonderful nice lovely; partner "
    "colleague; place location venue; hotel accommodation; yearly annual; free available; hurry "
    "rush; idea suggestion suggest propose proposal; problem issue trouble; ready done finish; "
    "money payment pay; let allow; car vehicle; flat apartment; many lot several; now currently"
).split("; ")
"""Words of one meaning, or near enough for the same bullet."""


def stems(words: Iterable[str]) -> Sequence[str]:
    """The stems of words, each once, in their order."""
    return list(dict.fromkeys(map(stem, words)))


def stem(word: str) -> str:
    """A word without case, accents and common endings; a contraction by its first part."""
    bare = folded(re.split(r"['’]", word)[0])
    bare = _IRREGULAR.get(bare, bare)
    for ending, instead in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("ly", "")):
        if bare.endswith(ending) and len(bare) - len(ending) > 2:
            bare = bare[: -len(ending)] + instead
            bare = bare[:-1] if len(bare) > 3 and bare[-1:] == bare[-2:-1] != "l" else bare
            break
    bare = bare[:-1] if len(bare) > 3 and bare.endswith("s") and not bare.endswith("ss") else bare
    return bare[:-1] if len(bare) > 3 and bare.endswith("e") else bare


_MEANS: dict[str, set[int]] = {}
for _number, _group in enumerate(_GROUPS):
    for _word in _group.split():
        _MEANS.setdefault(stem(_word), set()).add(_number)


class Vocabulary:
    """The stems of a text, and whether it says a word, or one of its family or meaning."""

    def __init__(self, its_stems: Iterable[str]) -> None:
        found = frozenset(its_stems)
        # what is done again is done, and whether it is denied is another question
        bare = [re.sub(r"^(?:re|un|dis)", "", one) for one in found if len(one) > PREFIX]
        self._stems = found | {_IRREGULAR.get(one, one) for one in bare}
        self._families: dict[str, list[str]] = {}
        for one in self._stems:
            self._families.setdefault(one[:PREFIX], []).append(one)
        self._meanings = {number for one in self._stems for number in _MEANS.get(one, ())}

    def holds(self, one: str) -> bool:
        """Whether the text says what the stem says."""
        if one in self._stems or not self._meanings.isdisjoint(_MEANS.get(one, ())):
            return True
        if len(one) < PREFIX or not one.isalpha():
            return False
        return any(_alike(one, other) for other in self._families.get(one[:PREFIX], ()))


def _alike(one: str, other: str) -> bool:
    same = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return same >= ALIKE * max(len(one), len(other))
