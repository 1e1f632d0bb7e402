"""Project an incident onto what one recipient may see.

`Incident` + `Plan` + the recipient's key -> `Redacted`. An allow-list: the view is
built from the fields that the plan names, never by deleting from a copy.

Invariants: every field that the incident has stands in the ledger once; the view holds
nothing that no rule let through; order and number of what is seen depend on what is
seen alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.canonical import dumps
from broker.errors import RedactionError
from broker.keys import RecipientKey
from broker.model.incident import Incident, Role, named_by_content
from broker.model.sharing import WITHHELD, Redacted
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.plan import Item, Plan

# Whose a thing is, if two say different things about it.
_ROLES = (Role.VICTIM, Role.UNKNOWN, Role.INFRASTRUCTURE, Role.ATTACKER)
_PSEUDONYM = Pseudonym()
_Mark = tuple[int, tuple[str, str, str]]


def project(incident: Incident, plan: Plan, key: RecipientKey) -> Redacted:
    """Return what a recipient may see of an incident, with the ledger of every field.

    Raises:
        RedactionError: an item is of a kind that the plan does not know.
    """
    marks: list[_Mark] = []
    fields = incident.__dict__
    view = _item(fields, plan.top, key, marks, -1)
    if view.get("uid") == incident.uid and named_by_content(incident.uid):
        _rename(view, marks, key)
    for name, variants in plan.lists.items():
        items = fields[name]
        if not items:
            continue
        seen: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            inner = item.__dict__
            item_plan = variants.items.get(variants.told_apart(inner))
            if item_plan is None:
                raise RedactionError(f"{name}[{index}] is of an unknown kind")
            before = len(marks)
            redacted = _item(inner, item_plan, key, marks, index)
            if name == "observables":
                redacted = _observable(redacted, item_plan)
                if not redacted:
                    # What its rules kept goes with it, and the ledger must say so.
                    marks[before:] = _all_withheld(marks[before:])
            if redacted:
                seen.append(redacted)
        if seen:
            view[name] = _without_repeats(seen) if name == "observables" else seen
    return Redacted(view, tuple(marks))


def _rename(view: dict[str, Any], marks: list[_Mark], key: RecipientKey) -> None:
    """Put a pseudonym in the place of a uid that was computed from the message.

    Nobody gave the case that number, and whoever can guess what is withheld could
    compute it and see whether they guessed right.
    """
    view["uid"] = _PSEUDONYM.apply(view["uid"], key)
    marks[:] = [
        (index, (path, _PSEUDONYM.name, at) if path == "uid" else (path, outcome, at))
        for index, (path, outcome, at) in marks
    ]


def _item(
    fields: Mapping[str, Any],
    plan: Item,
    key: RecipientKey,
    marks: list[_Mark],
    index: int,
) -> dict[str, Any]:
    """Build the view of one object from the fields that its plan lets through."""
    view: dict[str, Any] = {}
    for name, as_it_is, apply, mark, withheld in plan.leaves:
        value = fields[name]
        if not value and (value is None or value == ()):
            continue
        if not as_it_is:
            value = None if apply is None else apply(value, key)
            if value is None:
                marks.append((index, withheld))
                continue
        marks.append((index, mark))
        view[name] = value
    for name, part in plan.parts:
        inner = fields[name]
        if inner is not None:
            seen = _item(inner.__dict__, part, key, marks, index)
            if seen:
                view[name] = seen
    return view


def _observable(redacted: dict[str, Any], plan: Item) -> dict[str, Any]:
    # Without its value, the rest of an observable would only tell that there was one.
    if "value" not in redacted:
        return {}
    redacted["kind"] = plan.kind_after
    redacted["exact"] = plan.exact
    return redacted


def _all_withheld(marks: list[_Mark]) -> list[_Mark]:
    return [(index, (path, WITHHELD, at)) for index, (path, _, at) in marks]


def _without_repeats(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order observables by what is seen of them, each kind and value once.

    Two addresses cut to one network are one observable: how many there were, and in
    which order the CSIRT wrote them down, is withheld with them.
    """
    unique: dict[tuple[str, str], dict[str, Any]] = {}
    for item in seen:
        name = (item["kind"], item["value"])
        other = unique.get(name)
        unique[name] = item if other is None else _merged(item, other)
    return [unique[name] for name in sorted(unique)]


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return one of two that read alike, whichever came first.

    What is also a victim's is a victim's, and is never matched automatically.
    """
    first, second = sorted((one, other), key=lambda item: (_rank(item), dumps(item)))
    # Where the profile withholds the wish to match, there is none to take away.
    if _rank(first) != _rank(second) and "to_ids" in first:
        first = {**first, "to_ids": False}
    return first


def _rank(item: dict[str, Any]) -> int:
    return _ROLES.index(item["role"]) if "role" in item else len(_ROLES)
