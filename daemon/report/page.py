"""The report as one HTML page that loads nothing and runs nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from daemon.report.drawn import Picture, Pictures
from daemon.report.grids import grids
from daemon.report.html import Numbers, marked, number, paragraph, picture, table
from daemon.report.numbers import rule_name
from daemon.report.records import AccountMaterial, Evaluated, Material, Shown
from daemon.report.style import CSS
from daemon.use import by_week
from mlx_agent.records import Rule

RULES = 10
"""Of the most used ones, and of the least used."""
CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TRY = {
    "voice": "No agent has been judged yet; run `trimtab train`.",
    "use": "No draft has been made yet; run `trimtab draft`.",
    "loss": "No training has left its losses; run `trimtab train`.",
    "lengths": "Nothing was sent and nothing evaluated; run `trimtab eval table`.",
    "runs": "No experiment has been run; run `trimtab eval table`.",
    "examples": "No held-out mail has drafts to show; run `trimtab eval table`.",
    "rules": "No draft was written by rules yet; run `trimtab draft`.",
    "cost": "No request has left for a large model yet; run `trimtab teach`.",
}


def page(material: Material, numbers: Numbers, pictures: Pictures, note: str = "") -> bytes:
    """The whole page, in UTF-8. `note` says why there are no pictures, if there are none."""
    body = "\n".join(_sections(material, numbers, pictures))
    day = f"{material.made_at:%Y-%m-%d %H:%M} UTC"
    about = ", ".join(account.name for account in material.accounts)
    head = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>trimtab: does it sound like you?</title>\n<style>{CSS}</style>\n</head>\n"
    )
    intro = (
        paragraph(f"Of {about}, made {day}. This page holds private text.", kind="note"),
        paragraph(
            "Every number has a name, which it shows when pointed at; `trimtab report --names` "
            "lists them all, and `--explain NAME` tells what one was computed from. In brackets "
            "stands the 95 % interval.",
        ),
        paragraph(note, kind="note") if note else "",
    )
    return (
        f"{head}<body>\n<main>\n<h1>Does it sound like you?</h1>\n{''.join(intro)}\n{body}\n"
        "</main>\n</body>\n</html>\n"
    ).encode()


def _sections(material: Material, numbers: Numbers, pictures: Pictures) -> Iterator[str]:
    accounts = material.accounts
    voice = [_voice(one, numbers, pictures) for one in accounts]
    yield _section("Voice over time", "voice", voice)
    yield _section("In use", "use", [_use(one, numbers) for one in accounts])
    losses = [_losses(one, numbers, pictures) for one in accounts]
    yield _section("Losses", "loss", losses)
    lengths = "".join(map(picture, pictures.get("lengths", ())))
    yield _section("Lengths", "lengths", [lengths])
    runs = [_run(one, numbers, pictures) for one in material.runs]
    yield _section("Experiments", "runs", runs)
    examples = [_example(one, numbers) for one in material.examples]
    yield _section("Side by side", "examples", [_legend(), *examples] if examples else [])
    yield _section("Rules", "rules", [_rules(one, numbers) for one in accounts])
    yield _section("Cost", "cost", [_cost(material, numbers)])


def _section(title: str, place: str, parts: list[str]) -> str:
    body = "\n".join(part for part in parts if part) or paragraph(TRY[place])
    return f'<section id="{place}">\n<h2>{escape(title)}</h2>\n{body}\n</section>'


# --- an account -------------------------------------------------------------------------------


def _voice(account: AccountMaterial, numbers: Numbers, pictures: Pictures) -> str:
    if not account.verdicts:
        return ""
    made = {one.id: one for one in account.adapters}
    beside = {(b.name, b.writer): None for v in account.verdicts for b in v.beside}
    rows = []
    for count, one in enumerate(account.verdicts, 1):
        place = f"voice/{account.name}/{one.adapter_id}"
        names = ["distance", "zero-shot", *(f"beside/{name}/{writer}" for name, writer in beside)]
        rows.append(
            [
                f"{count}: <code>{escape(one.adapter_id)}</code>",
                f'<span class="n">{made[one.adapter_id].created_at:%Y-%m-%d}</span>',
                "in use" if one.promoted else "held back",
                *(number(numbers, f"{place}/{name}") for name in names),
            ]
        )
    header = ["agent", "made", "the gate", "style distance", "zero-shot's"]
    header += [f"nearer than {name} ({writer}) by" for name, writer in beside]
    return _titled(account, pictures.get(f"voice/{account.name}", ())) + table(
        f"Agents of {account.name}, by their drafts of held-out mails",
        header,
        rows,
        note="Below 0 the rival is nearer; an interval that holds 0 shows no difference.",
    )


def _use(account: AccountMaterial, numbers: Numbers) -> str:
    if not account.outcomes:
        return ""
    names = ("drafts", "sent", "unchanged", "share", "distance")
    places = {"all": f"use/{account.name}"}
    for week in by_week(account.outcomes):
        place = f"use/{account.name}/{week.week}/{week.made_by}"
        places[f"{week.week}, {week.made_by}"] = place
    rows = [
        [escape(said), *(number(numbers, f"{place}/{name}") for name in names)]
        for said, place in places.items()
    ]
    header = ("week, rules by", "made", "sent", "sent unchanged", "of those sent", "median edit")
    return table(f"Drafts of {account.name}", header, rows)


def _losses(account: AccountMaterial, numbers: Numbers, pictures: Pictures) -> str:
    rows = [
        [
            f"{count}: <code>{escape(one.id)}</code>",
            *(number(numbers, f"loss/{account.name}/{one.id}/{name}") for name in _ENDS),
        ]
        for count, one in enumerate(account.adapters, 1)
        if account.curves.get(one.id)
    ]
    if not rows:
        return ""
    return _titled(account, pictures.get(f"loss/{account.name}", ())) + table(
        f"Losses of the agents of {account.name}, in nats a token",
        ("agent", "training, at the end", "validation, at its least"),
        rows,
    )


def _titled(account: AccountMaterial, some: Sequence[Picture]) -> str:
    return f"<h3>{escape(account.name)}</h3>" + "".join(map(picture, some))


_ENDS = ("train", "valid")


def _rules(account: AccountMaterial, numbers: Numbers) -> str:
    by_name = {rule_name(account.name, r): r for d in account.drafts for r in d.rules}
    ranked = sorted(by_name.items(), key=lambda pair: (-numbers[pair[0]].value, pair[0]))
    if not ranked:
        return ""
    most, rest = ranked[:RULES], ranked[RULES:]
    out = table(f"Rules used most, {account.name}", _RULE, _ruled(most, numbers))
    if rest:
        least = rest[-RULES:][::-1]
        out += table(f"Rules used least, {account.name}", _RULE, _ruled(least, numbers))
    return out


_RULE = ("rule", "drafts")


def _ruled(some: list[tuple[str, Rule]], numbers: Numbers) -> list[list[str]]:
    return [
        [escape(f"{rule.aspect}: {rule.instruction}"), number(numbers, name)] for name, rule in some
    ]


# --- all of them ------------------------------------------------------------------------------


def _run(evaluated: Evaluated, numbers: Numbers, pictures: Pictures) -> str:
    run = evaluated.run
    settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
    said = f"Run {run.id} of {run.started_at:%Y-%m-%d}, seed {run.seed}: {settings}."
    parts = [f"<h3>{escape(run.experiment)}</h3>", paragraph(said, kind="note")]
    parts += map(picture, pictures.get(f"run/{run.experiment}", ()))
    for grid in grids(evaluated):
        rows = [
            [escape(label), *(number(numbers, name) for name in names)]
            for label, names in grid.rows
        ]
        parts.append(table(grid.title, grid.header, rows, note=grid.note))
    return "\n".join(parts)


def _legend() -> str:
    return (
        "<p>Of each person up to three mails: the one whose draft is nearest in style, the one in "
        "the middle, and the one farthest off. <del>Struck</del>: the draft has it, and the real "
        "mail has not. <ins>Underlined</ins>: the real mail has it instead. Line breaks are left "
        "out.</p>"
    )


def _example(shown: Shown, numbers: Numbers) -> str:
    sides = "".join(
        f"<div><h4>{escape(trial.system)}, distance "
        f"{number(numbers, f'trial/{trial.id}/distance')}</h4>"
        f"<p>{marked(trial.text, shown.real)}</p></div>"
        for trial in (shown.agent, shown.zero_shot)
    )
    return (
        f"<article><h3>{escape(shown.person)}: {escape(shown.why)}</h3>"
        f"<h4>The real mail</h4><blockquote>{escape(shown.real)}</blockquote>"
        f'<div class="sides">{sides}</div></article>'
    )


def _cost(material: Material, numbers: Numbers) -> str:
    rows = [
        [
            f"{cost.month}, {cost.role}",
            number(numbers, f"cost/{cost.month}/{cost.role}"),
            number(numbers, f"cost/{cost.month}/{cost.role}/requests"),
        ]
        for cost in material.costs
    ]
    header = ("month (UTC), role", "cost", "requests")
    return table("What left for large models, and what it cost", header, rows) if rows else ""
