"""The numbers of the report by their names, each with the rows that it came of. Pure.

A number is worked out the way the rest of the program does (`daemon.use`, the ledger's sums, an
experiment's stored figures), and its rows are gathered apart from that, so that to compute it again
from them is a test of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from daemon.report.records import AccountMaterial, By, Evaluated, Material, Number, Row, Unit
from daemon.use import Use, by_week, use_of, week_of
from mlx_agent.evaluate.figures import BESIDE, CONTRADICTED, CONTROLLED, NEARER, TIED, WIN
from mlx_agent.evaluate.gallery import by_rank, by_target
from mlx_agent.evaluate.records import Figure, Training
from mlx_agent.records import Draft, Edit, Rule
from mlx_agent.train.records import Adapter, Verdict

SHARES = frozenset(("attributed", "raw", "verified", "machine", "to owner", *BESIDE))
ABOUT = {
    NEARER: "the share of the mails on which it is nearer in style than the rival, ties half",
    WIN: "what it wins of the pairs before the judge, in both orders, ties half",
    TIED: "the share of the pairs that the judge found alike, or one by one order each",
    CONTRADICTED: "the share of the pairs of which the judge named another draft in each order",
    CONTROLLED: "what it wins before the judge at equal lengths, by a logistic model",
}


def numbers(material: Material) -> dict[str, Number]:
    """All of them, those that the page shows and a run's other figures."""
    found = [number for account in material.accounts for number in _of_account(account)]
    found += _costs(material)
    found += [number for evaluated in material.runs for number in _of_run(evaluated)]
    found += _examples(material)
    return {one.name: one for one in found}


def rule_name(account: str, rule: Rule) -> str:
    """The name of a rule's number: its hash, for a rule's words may be of a mail."""
    said = f"{rule.aspect}\x00{rule.instruction}".casefold()
    return f"rules/{account}/{hashlib.sha256(said.encode()).hexdigest()[:10]}"


# --- accounts ---------------------------------------------------------------------------------


def _of_account(account: AccountMaterial) -> Iterator[Number]:
    for verdict in account.verdicts:
        yield from _of_verdict(account.name, verdict)
    for adapter in account.adapters:
        yield from _of_curve(account, adapter)
    yield from _use(f"use/{account.name}", use_of(account.outcomes), account.drafts, account.edits)
    for week in by_week(account.outcomes):
        key = week.week, week.made_by
        some = [d for d in account.drafts if (week_of(d.created_at), made_by(d)) == key]
        there = {draft.id for draft in some}
        stood = [edit for edit in account.edits if edit.draft_id in there]
        yield from _use(f"use/{account.name}/{week.week}/{week.made_by}", week.use, some, stood)
    yield from _rules(account)


def made_by(draft: Draft) -> str:
    """The adapter that wrote a draft's rules, else the rung of the ladder."""
    return draft.provenance.adapter or draft.provenance.rung


def _of_verdict(account: str, verdict: Verdict) -> Iterator[Number]:
    place = f"voice/{account}/{verdict.adapter_id}"

    def of(name: str, how: str, values: Sequence[float], by: By = "row") -> Number:
        row = Row(kind="verdict", id=verdict.adapter_id, adds=values[0], values=tuple(values[1:]))
        return _number(f"{place}/{name}", values[0], "distance", how, by, rows=[row])

    mean = "mean style distance from the real mails, by the offline writer, at the gate"
    yield of("distance", f"the agent's {mean}", [verdict.candidate])
    yield of("zero-shot", f"the {mean}, of drafts without rules", [verdict.zero_shot])
    for one in verdict.beside:
        how = (
            f"how much nearer the agent is than {one.name} on {one.mails} mails written by "
            f"{one.writer}: the rival's mean distance less the agent's, with the gate's interval"
        )
        values = [one.nearer, one.rival, one.candidate]
        found = of(f"beside/{one.name}/{one.writer}", how, values, "less")
        yield replace(found, low=one.low, high=one.high)


def _of_curve(account: AccountMaterial, adapter: Adapter) -> Iterator[Number]:
    events = account.curves.get(adapter.id, ())
    place = f"loss/{account.name}/{adapter.id}"
    train = [Row(kind="step", id=str(one.step), adds=one.loss) for one in events]
    valid = [
        Row(kind="step", id=str(one.step), adds=one.valid_loss)
        for one in events
        if one.valid_loss is not None
    ]
    if train:
        how = "the loss on the training lessons at the last step that was kept, nats a token"
        yield _number(f"{place}/train", events[-1].loss, "loss", how, "last", rows=train)
    if valid:
        how = "the least loss on the validation lessons, nats a token"
        least = min(one.adds for one in valid)
        yield _number(f"{place}/valid", least, "loss", how, "least", rows=valid)


def _use(place: str, use: Use, drafts: Sequence[Draft], edits: Sequence[Edit]) -> Iterator[Number]:
    made = [Row(kind="draft", id=one.id, adds=1) for one in drafts]
    sent = [Row(kind="edit", id=one.draft_id, mail=one.mail_id or "", adds=1) for one in edits]
    kept = [
        Row(kind="edit", id=one.draft_id, mail=one.mail_id or "", adds=float(one.unchanged))
        for one in edits
    ]
    far = [
        Row(kind="edit", id=one.draft_id, mail=one.mail_id or "", adds=one.distance)
        for one in edits
    ]
    yield _number(
        f"{place}/drafts", use.drafts, "count", "drafts that were made", "count", rows=made
    )
    if use.sent:
        how = "drafts known to have been sent, by the edit of each that stands"
        yield _number(f"{place}/sent", use.sent, "count", how, "count", rows=sent)
        how = "drafts that were sent as they were"
        yield _number(f"{place}/unchanged", use.unchanged, "count", how, "sum", rows=kept)
    if use.share is not None and use.distance is not None:
        how = "the share sent as they were, of those sent"
        yield _number(f"{place}/share", use.share, "share", how, "mean", rows=kept)
        how = "the median edit distance of what was sent: words changed of all words"
        yield _number(f"{place}/distance", use.distance, "distance", how, "median", rows=far)


def _rules(account: AccountMaterial) -> Iterator[Number]:
    used = [(rule_name(account.name, rule), one.id) for one in account.drafts for rule in one.rules]
    used = sorted(set(used))
    for name, group in groupby(used, key=lambda pair: pair[0]):
        rows = [Row(kind="draft", id=draft, adds=1) for _, draft in group]
        yield _number(
            name, len(rows), "count", "drafts that were written by it", "count", rows=rows
        )


def _costs(material: Material) -> Iterator[Number]:
    for cost in material.costs:
        some = [p for p in material.priced if (p.month, p.role) == (cost.month, cost.role)]
        ids = {one.row: f"{one.row}-{one.end}" if one.end else str(one.row) for one in some}
        usd = [Row(kind="request", id=ids[p.row], adds=p.usd) for p in some if p.usd is not None]
        place = f"cost/{cost.month}/{cost.role}"
        how = "USD of the ledger's requests sent in that month, those of unknown end at the most"
        yield _number(place, cost.usd, "usd", how, "sum", rows=usd)
        every = [Row(kind="request", id=ids[one.row], adds=1) for one in some]
        how = "requests that were sent, those of unknown price among them"
        yield _number(f"{place}/requests", cost.requests, "count", how, "count", rows=every)


# --- runs -------------------------------------------------------------------------------------


def _of_run(evaluated: Evaluated) -> Iterator[Number]:
    for figure in evaluated.figures:
        yield Number(
            name=f"{evaluated.run.experiment}/{figure.name}",
            value=figure.value,
            low=figure.low,
            high=figure.high,
            unit=_unit(figure),
            how=_how(figure),
            by="figure",
            figure=figure,
            run=evaluated.run.id,
        )
    groups = {**by_rank(evaluated.trainings), **by_target(evaluated.trainings)}
    for label, some in groups.items():
        yield from _of_trainings(f"{evaluated.run.experiment}/training/{label}", some)


def _unit(figure: Figure) -> Unit:
    kind = figure.measure.rsplit(" ", 1)[0] if _hashed(figure.measure) else figure.measure
    if kind in SHARES:
        return "share"
    return "words" if kind == "words" else "distance"


def _hashed(measure: str) -> bool:
    """Whether it ends with the name of a classifier."""
    kind, _, rest = measure.rpartition(" ")
    return kind in SHARES and len(rest) == 8


def _how(figure: Figure) -> str:
    about = ABOUT.get(figure.measure, f"the mean of the measure {figure.measure!r} of its drafts")
    return f"{about}; with a bootstrap 95 % interval over mails"


def _of_trainings(place: str, some: Sequence[Training]) -> Iterator[Number]:
    last = [Row(kind="training", id=t.id, person=t.person, adds=t.losses[-1]) for t in some]
    how = "the mean over these trainings of the last training loss, nats a token"
    mean = sum(one.losses[-1] for one in some) / len(some)
    yield _number(f"{place}/loss", mean, "loss", how, "mean", rows=last)
    best = {t.id: min(v) for t in some if (v := [x for x in t.valid_losses if x is not None])}
    rows = [
        Row(kind="training", id=one.id, person=one.person, adds=best[one.id])
        for one in some
        if one.id in best
    ]
    if rows:
        how = "the mean over these trainings of the least validation loss, nats a token"
        mean = sum(best.values()) / len(best)
        yield _number(f"{place}/valid", mean, "loss", how, "mean", rows=rows)


def _examples(material: Material) -> Iterator[Number]:
    values = {key: value for one in material.runs for key, value in one.values.items()}
    for shown in material.examples:
        for trial in (shown.agent, shown.zero_shot):
            distance = values.get(trial.id, {}).get("distance")
            if distance is not None:
                row = Row(
                    kind="trial",
                    id=trial.id,
                    adds=distance,
                    person=trial.person,
                    mail=trial.mail,
                    system=trial.system,
                )
                how = "the draft's style distance from the real mail, names masked"
                name = f"trial/{trial.id}/distance"
                yield _number(name, distance, "distance", how, "row", rows=[row])


def _number(
    name: str, value: float, unit: Unit, how: str, by: By, *, rows: Sequence[Row]
) -> Number:
    return Number(name=name, value=value, unit=unit, how=how, by=by, rows=tuple(rows))
