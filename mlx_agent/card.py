"""The style card: an account's usual rule per aspect, measured from its own mails. No model. Pure.

A card is the named rival of the agent in every comparison, and what drafts fall back to before
there is an agent. It says of each aspect what most of the mails say, and is silent where most of
them are as the generic mail is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from mlx_agent.large.offline_rules import rules_for
from mlx_agent.large.offline_writer import baseline
from mlx_agent.records import ASPECTS, Rule, StyleCard, X
from mlx_agent.rules import most_telling


def style_card(samples: Sequence[tuple[X, str]]) -> StyleCard:
    """The card of (x, own text) pairs; without rules where there are none."""
    return majority([rules_for(x, own_text, baseline(x)) for x, own_text in samples])


def majority(lists: Sequence[Iterable[Rule]]) -> StyleCard:
    """For each aspect the commonest instruction, silence included; the first in order of a tie.

    A card is a list of rules like others, with the most telling of them.
    """
    said = [{rule.aspect: rule.instruction for rule in rules} for rules in lists]
    rules = []
    for aspect in ASPECTS:
        counted = Counter(one.get(aspect, "") for one in said)
        best = max(sorted(counted), key=counted.__getitem__) if counted else ""
        if best:
            rules.append(Rule(aspect=aspect, instruction=best))
    return StyleCard(rules=most_telling(rules), mails=len(lists))
