"""What a comparison of two rulebooks looks like: as text, and as JSON.

`Comparison` -> lines for a terminal, in the order of what matters most, or plain data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from broker.cli import terminal
from broker.prove.compare import Comparison, FieldChange, Trial, VerdictChange
from broker.prove.order import unordered
from broker.prove.side import Tried
from broker.prove.terms import Term

if TYPE_CHECKING:
    from rich.console import Console

_MOST: Final = 6
_WIDER, _OTHER = "+", "-"


def show(found: Comparison, *, witnesses: bool) -> None:
    """Print a comparison for a person."""
    out = terminal.stdout()
    if found.is_empty:
        out.print(
            "Nothing changes: proved for every incident, recipient, field and day."
        )
        return
    recipients = dict.fromkeys(
        [
            *(each.recipient for each in found.verdicts),
            *(each.recipient for each in found.fields),
        ]
    )
    for recipient in recipients:
        out.print(f"To {recipient}", style="bold")
        told: set[str] = set()
        for change in found.verdicts:
            if change.recipient == recipient:
                _verdict(out, change, told, witnesses=witnesses)
        for field in found.fields:
            if field.recipient == recipient:
                _field(out, field, witnesses=witnesses)
        out.print()
    if found.verdicts:
        # The conditions leave out what is overruled anyway: they would be too long.
        out.print(
            "What a safeguard, a clearance, an embargo or a hold-back overrules both "
            "before and now does not change, also where the conditions above do not "
            "leave it out.\n",
            soft_wrap=True,
        )
    if found.terms:
        out.print("Around the clauses", style="bold")
        for term in found.terms:
            _line(out, term.widens, _term(term))
        out.print()
    wider = sum(each.widens for each in found.verdicts)
    wider += sum(each.widens for each in found.fields)
    wider += sum(each.widens for each in found.terms)
    if wider:
        out.print(
            f"{wider} of these may disclose more than before (marked {_WIDER}); "
            "a second person should agree.",
            soft_wrap=True,
        )
    else:
        out.print("Nothing is disclosed that was not disclosed before: proved.")


def _line(out: Console, widens: bool, text: str) -> None:
    sign = _WIDER if widens else _OTHER
    out.print(f"  {sign} {text}", style="red" if widens else None, soft_wrap=True)


def _verdict(
    out: Console, change: VerdictChange, told: set[str], *, witnesses: bool
) -> None:
    """Print which incidents change sides; ``told``: lists of fields named before."""
    _line(out, change.widens, f"{str(change.move).upper()}: incidents of")
    _alternatives(out, change.conditions)
    out.print(f"      on days {change.period}{_between(change)}", soft_wrap=True)
    if change.shadow:
        out.print(
            "      and held instead, before or after, where a safeguard, an embargo or "
            "a hold-back asks for a person",
            soft_wrap=True,
        )
    deciding = change.trial.new if change.widens else change.trial.old
    if deciding.clauses:
        by = ", ".join(
            f"{clause} ({where})" if where else clause
            for clause, where in zip(deciding.clauses, deciding.where, strict=False)
        )
        out.print(
            f"      {'now' if change.widens else 'before'} by {by}", soft_wrap=True
        )
    for method, paths in change.fields.items():
        listed = f"{method}: {', '.join(paths)}"
        shown = f"{method}: the {len(paths)} named above" if listed in told else listed
        told.add(listed)
        out.print(f"      of each, {shown}", soft_wrap=True)
    _example(out, change.trial, witnesses=witnesses)


def _between(change: VerdictChange | FieldChange) -> str:
    old, new = change.agreements
    return (
        f", agreement {new}" if old == new else f", agreement {old} before, {new} now"
    )


def _alternatives(out: Console, conditions: tuple[tuple[str, ...], ...]) -> None:
    for number, phrases in enumerate(conditions):
        if number == _MOST:
            more = len(conditions) - _MOST
            out.print(f"      or {more} more such sets (--json lists all)")
            break
        start = "or " if number else ""
        text = "; ".join(phrases) or "any incident"
        out.print(f"      {start}{text}", soft_wrap=True)


def _field(out: Console, change: FieldChange, *, witnesses: bool) -> None:
    fields = ", ".join(change.fields)
    _line(out, change.widens, f"{fields}: {change.old} -> {change.new}")
    if unordered(change.old, change.new):
        out.print(
            "      differs, and may widen: each shows something that the other does not"
        )
    items = [each for each in change.items if each]
    if items:
        text = ", or ".join(items[:_MOST])
        more = f", or {len(items) - _MOST} more" if len(items) > _MOST else ""
        out.print(f"      of items with {text}{more}", soft_wrap=True)
    if change.conditions:
        out.print("      in incidents of", soft_wrap=True)
        _alternatives(out, change.conditions)
    lines = [each.where for each in (change.old, change.new) if each.where]
    if lines:
        out.print(f"      {' -> '.join(dict.fromkeys(lines))}", soft_wrap=True)
    _example(out, change.trial, witnesses=witnesses)


def _example(out: Console, trial: Trial, *, witnesses: bool) -> None:
    for tried in (trial.old, trial.new):
        if tried.failure:
            out.print(f"      the path failed: {tried.failure}", soft_wrap=True)
    if trial.new.breaches:
        out.print(
            f"      the guard would hold the example: {trial.new.breaches[0]}",
            soft_wrap=True,
        )
    if witnesses:
        text = json.dumps(trial.witness.incident, ensure_ascii=False)
        out.print(
            f"      example, at {trial.witness.at:%Y-%m-%dT%H:%MZ} "
            f"({trial.old.effect} -> {trial.new.effect}): {text}",
            soft_wrap=True,
        )


def _term(term: Term) -> str:
    name = f" {term.name}" if term.name else ""
    return f"{term.about}{name}: {term.old} -> {term.new}"


def as_json(found: Comparison, old: str, new: str) -> dict[str, Any]:
    """Return a comparison as plain data; ``old`` and ``new`` are rulebook digests."""
    return {
        "old": old,
        "new": new,
        "unchanged": found.is_empty,
        "widens": found.widens,
        "verdicts": [_verdict_data(each) for each in found.verdicts],
        "fields": [_field_data(each) for each in found.fields],
        "terms": [
            {
                "about": each.about,
                "name": each.name,
                "old": each.old,
                "new": each.new,
                "widens": each.widens,
            }
            for each in found.terms
        ],
    }


def _verdict_data(change: VerdictChange) -> dict[str, Any]:
    return {
        "change": str(change.move),
        "widens": change.widens,
        "recipient": change.recipient,
        "agreements": list(change.agreements),
        "days": change.period,
        "conditions": _lists(change.conditions),
        "also_held_instead": change.shadow,
        "fields": {method: list(paths) for method, paths in change.fields.items()},
        "witness": _trial(change.trial),
    }


def _field_data(change: FieldChange) -> dict[str, Any]:
    return {
        "fields": list(change.fields),
        "items": list(change.items),
        "old": str(change.old),
        "new": str(change.new),
        "widens": change.widens,
        "unordered": unordered(change.old, change.new),
        "recipient": change.recipient,
        "agreements": list(change.agreements),
        "days": change.period,
        "conditions": _lists(change.conditions),
        "where": [change.old.where, change.new.where],
        "witness": _trial(change.trial),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "incident": trial.witness.incident,
        "at": f"{trial.witness.at:%Y-%m-%dT%H:%M:%SZ}",
        "old": _tried(trial.old),
        "new": _tried(trial.new),
    }


def _tried(tried: Tried) -> dict[str, Any]:
    return {
        "effect": str(tried.effect),
        "clauses": list(tried.clauses),
        "breaches": list(tried.breaches),
        "failure": tried.failure,
    }


def _lists(conditions: Iterable[Iterable[str]]) -> list[list[str]]:
    return [list(each) for each in conditions]
