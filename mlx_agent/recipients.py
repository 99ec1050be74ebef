"""What the store knows of the recipient belongs to x: how it is worked out. Pure.

Teaching walks through an account's mails in the order of time and sees at each what was known then;
drafting asks the same of all mails so far. Both use one accumulator, so that use equals training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlx_agent import style
from mlx_agent.records import Address, ContextMessage, Mail, Metadata, Recipient


@dataclass(slots=True)
class Correspondence:
    """What earlier mails say of each recipient; fed oldest first.

    Only the number of mails and the latest one are kept: a mail is taken apart when somebody asks,
    so that feeding a whole mailbox for one draft is cheap.
    """

    _seen: dict[str, tuple[int, Mail]] = field(default_factory=dict)

    def add(self, mail: Mail) -> None:
        """Take note of a mail to its first recipient; one without own text says nothing."""
        if not mail.to or not mail.own_text.strip():
            return
        who = mail.to[0].address.lower()
        earlier = self._seen[who][0] if who in self._seen else 0
        self._seen[who] = (earlier + 1, mail)

    def recipient(
        self, sender: Address, to: Sequence[Address], context: Sequence[ContextMessage]
    ) -> Recipient | None:
        """What is known of the first of `to`; None where there is nobody."""
        if not to:
            return None
        earlier, last = self._seen.get(to[0].address.lower(), (0, None))
        return recipient(sender, to[0], earlier, last, context)


def recipient(
    sender: Address,
    to: Address,
    earlier: int,
    last: Mail | None,
    context: Sequence[ContextMessage],
) -> Recipient:
    """What is known of a first recipient after so many mails with own text, and the last one."""
    return Recipient(
        earlier_mails=earlier,
        same_domain=_domain(sender) == _domain(to),
        greeting=style.greeting_form(last.own_text, last.to) if last else None,
        sign_off=style.sign_off_form(last.own_text, last.sender) if last else None,
        register=style.register(context[0].text) if context and context[0].text else None,
    )


def walk(mails: Iterable[Mail]) -> Iterator[tuple[Mail, Recipient | None]]:
    """Each mail, oldest first, with what was known of its recipient before it was written."""
    known = Correspondence()
    for mail in mails:
        yield mail, known.recipient(mail.sender, mail.to, mail.context)
        known.add(mail)


def metadata_of(mail: Mail, known: Recipient | None) -> Metadata:
    """The metadata m of a mail."""
    return Metadata(
        sender=mail.sender,
        to=mail.to,
        cc=mail.cc,
        subject=mail.subject,
        reply=is_reply(mail.subject, mail.in_reply_to, has_context=bool(mail.context)),
        recipient=known,
    )


def is_reply(subject: str, in_reply_to: str, *, has_context: bool) -> bool:
    """Whether a mail answers another: by its header, its subject or its quote."""
    return bool(in_reply_to) or has_context or subject.lstrip().lower().startswith("re:")


def _domain(address: Address) -> str:
    return address.address.rpartition("@")[2].lower()
