"""What teaching a number of mails would cost, before any mail is there. Pure.

A mail of ordinary length stands for each: about 60 words of one's own, in answer to 70.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mlx_agent.records import Address, ContextMessage, Mail, Price
from mlx_agent.teach.cost import Estimate, estimate, foresee
from mlx_agent.teach.lessons import Recipe, TeachItem

_OWN = (
    "Hi Tim,\n\nthank you for the plan. Thursday works for me, but not before ten: the oak only "
    "comes in at nine, and I want to see it before we cut. I bring three samples and the new "
    "prices. Could you ask Mara whether she needs the drawings as well? If so, I print them "
    "tomorrow.\n\nBest,\nNora"
)
_ANSWERED = (
    "Hello Nora,\n\nattached is the plan for the staircase, with the changes that we talked about "
    "last week. The client would like to see samples before he decides on the wood, and he asks "
    "whether we keep the price for oak. Can you come to the workshop on Thursday? Then we go "
    "through the drawings together and settle the dates for the delivery.\n\nRegards\nTim Oduya"
)
_WHEN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def price_ahead(mails: int, recipe: Recipe, price: Price | None, *, batch: bool) -> Estimate:
    """An estimate for so many mails of ordinary length; its cost is None for an unknown price."""
    one = estimate(foresee([_item()], recipe, {}), price, batch=batch)
    return replace(
        one,
        mails=mails,
        calls=one.calls * mails,
        input_tokens=one.input_tokens * mails,
        output_tokens=one.output_tokens * mails,
        cost_usd=None if one.cost_usd is None else one.cost_usd * mails,
    )


def _item() -> TeachItem:
    nora = Address(name="Nora Falk", address="nora@falk.example")
    tim = Address(name="Tim Oduya", address="tim@oduya.example")
    mail = Mail(
        id="ordinary",
        account="",
        message_id="",
        in_reply_to="",
        references=(),
        sender=nora,
        to=(tim,),
        cc=(),
        subject="Re: The plan",
        sent_at=_WHEN,
        own_text=_OWN,
        context=(ContextMessage(author=tim, sent_at=_WHEN, text=_ANSWERED),),
        signature="",
        forwarded="",
        flags=frozenset(),
    )
    return TeachItem(mail=mail, recipient=None)
