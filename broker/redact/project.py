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
from broker.model.decision import NO_ITEMS, ItemKey
from broker.model.incident import Incident, Role, named_by_content
from broker.model.sharing import WITHHELD, Mark, Redacted
from broker.redact.item import Item, Leaf
from broker.redact.kept_back import line_of
from broker.redact.methods.pseudonym import Pseudonym
from broker.redact.plan import Plan

# Whose a thing is, if two say different things about it.
_ROLES = (Role.VICTIM, Role.UNKNOWN, Role.INFRASTRUCTURE, Role.ATTACKER)
_PSEUDONYM = Pseudonym()
Fields = Mapping[str, Any]
_Marks = list[tuple[int, tuple[Mark, ...]]]


def fields_of(incident: Incident) -> Fields:
    """Return what an incident has, as JSON values: the same for every recipient."""
    return incident.model_dump(mode="json", exclude_none=True, warnings=False)


def project(
    incident: Incident,
    plan: Plan,
    key: RecipientKey,
    fields: Fields | None = None,
    withheld: Mapping[ItemKey, str] = NO_ITEMS,
) -> Redacted:
    """Return what a recipient may see of an incident, with the ledger of every field.

    ``fields`` is what `fields_of` returns of the incident; whoever projects one for
    many recipients has it made only once. Items of the sorts in ``withheld`` stay here
    whatever the plan says; the ledger names the line that the decision gave for it.

    Raises:
        RedactionError: an item is of a kind that the plan does not know.
    """
    if fields is None:
        fields = fields_of(incident)
    if plan.scrubs:
        # With all that scrubs, of which most profiles need nothing.
        from broker.redact.within import key_within

        key = key_within(fields, plan, key, withheld)
    marks: _Marks = []
    view = _item(fields, plan.top, key, marks, -1)
    if view.get("uid") == incident.uid and named_by_content(incident.uid):
        _rename(view, marks, key)
    for name, variants in plan.lists.items():
        items = fields.get(name)
        if not items:
            continue
        seen: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            told = variants.told_apart(item)
            item_plan = variants.items.get(told)
            if item_plan is None:
                raise RedactionError(f"{name}[{index}] is of an unknown kind")
            before = len(marks)
            redacted = _item(item, item_plan, key, marks, index)
            where = line_of(withheld, plan, name, told, item) if withheld else None
            if where is not None:
                _withhold(marks, before, where)
            elif redacted:
                seen.append(redacted)
        if seen:
            view[name] = _without_repeats(seen) if name == "observables" else seen
    return Redacted(view, tuple(marks))


def _withhold(marks: _Marks, since: int, where: str) -> None:
    """Withhold every field of an item, by the line of a clause."""
    for number in range(since, len(marks)):
        index, said = marks[number]
        marks[number] = index, tuple([(path, WITHHELD, where) for path, _, _ in said])


def _rename(view: dict[str, Any], marks: _Marks, key: RecipientKey) -> None:
    """Put a pseudonym in the place of a uid that was computed from the message.

    Nobody gave the case that number, and whoever can guess what is withheld could
    compute it and see whether they guessed right.
    """
    view["uid"] = _PSEUDONYM.apply(view["uid"], key)
    index, top = marks[0]
    renamed = [
        (path, _PSEUDONYM.name if path == "uid" else outcome, at)
        for path, outcome, at in top
    ]
    marks[0] = (index, tuple(renamed))


def _item(
    fields: Fields, plan: Item, key: RecipientKey, marks: _Marks, index: int
) -> dict[str, Any]:
    """Build the view of one object from the fields that its plan lets through."""
    there = [name for name in fields if fields[name] != []] if plan.lists else fields
    choice = plan.choices[tuple(there)]
    said = choice.marks
    view = {name: fields[name] for name in choice.names}
    if choice.changed:
        for name, apply in choice.changed:
            view[name] = apply(view[name], key)
        if None in view.values():
            view, said = _without_nothing(view, choice.leaves, plan)
    if plan.about and view:
        view |= plan.about
    if said:
        marks.append((index, said))
    for name, part in plan.parts:
        inner = fields.get(name)
        if inner:
            seen = _item(inner, part, key, marks, index)
            if seen:
                view[name] = seen
    return view


def _without_nothing(
    view: dict[str, Any], leaves: tuple[Leaf, ...], plan: Item
) -> tuple[dict[str, Any], tuple[Mark, ...]]:
    """Withhold each field of which its method left nothing, and say so."""
    left = {name: value for name, value in view.items() if value is not None}
    if plan.about and "value" not in left:
        # Without its value, the rest of an observable would only tell that there was
        # one; what its rules kept goes with it, and the ledger must say so.
        left = {}
    marks = [leaf.mark if leaf.name in left else leaf.withheld for leaf in leaves]
    return left, tuple(marks)


def _without_repeats(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order observables by what is seen of them, each kind and value once.

    Two addresses cut to one network are one observable: how many there were, and in
    which order the CSIRT wrote them down, is withheld with them.
    """
    unique = {(item["kind"], item["value"]): item for item in seen}
    if len(unique) < len(seen):
        unique = {}
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
