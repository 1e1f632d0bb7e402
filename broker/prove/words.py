"""Cells and sorts of items in the few words that a person can take in.

`Domain` + a box -> phrases such as "severity high or more". What a box leaves free is
not mentioned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from broker.model.agreement import ConsentFact, SourceFact
from broker.model.incident import Status, Urgency
from broker.model.mapping import ObservableKind
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category
from broker.prove.diagram import FULL, Box, Node, Space
from broker.prove.domain import Domain, Variable
from broker.prove.listing import Listing, answers_of
from broker.prove.outcome import TOLD_APART, VALUES, Sort

_SCALES: Final[dict[str, Sequence[Any]]] = {
    "severity": tuple(Severity),
    "tlp": tuple(Tlp),
    "pap": tuple(Pap),
}
_SUBJECTS: Final[dict[str, str]] = {
    "severity": "severity",
    "tlp": "TLP",
    "pap": "PAP",
    "urgency": "urgency",
    "status": "status",
    "source": "reported by",
    "victim_consent": "consent of all victims",
}
_CLOSED: Final[dict[str, int]] = {
    "urgency": len(Urgency),
    "status": len(Status),
    "source": len(SourceFact),
    "victim_consent": len(ConsentFact),
}
_ELEMENTS: Final[dict[str, str]] = {
    "victim_kinds": "a victim that is a",
    "victim_sectors": "a victim of the sector",
    "victim_countries": "a victim of the country",
    "observable_kinds": "an observable of the kind",
    "observable_roles": "an observable in the role",
    "fields": "the field",
}
# By whether the lists before and after hold it; of one rulebook, whether its lists do.
_LISTED: Final[dict[tuple[bool, ...], str]] = {
    (True,): "on a list",
    (False,): "on no list",
    (True, True): "on a list",
    (False, False): "on no list",
    (True, False): "on a list before, and not any more",
    (False, True): "on a list now, and not before",
}
_OTHERS: Final = {"victim_sectors": "another sector", "victim_countries": "another"}


def phrases(domain: Domain, box: Box) -> tuple[str, ...]:
    """Say which incidents are in a box: every phrase must hold."""
    said: list[str] = []
    for index in sorted(box):
        variable = domain.variables[index]
        if variable.members:
            continue
        values = [each for atom in sorted(box[index]) for each in variable.atoms[atom]]
        said.append(_scalar(variable, values))
    said += _elements(domain, box)
    return tuple(each for each in said if each)


def alternatives(domain: Domain, boxes: Iterable[Box]) -> tuple[tuple[str, ...], ...]:
    """Say which incidents are in some of the boxes, in as few alternatives as can be.

    Boxes that differ in nothing but which element a set has become one.
    """
    merged: dict[tuple[str, frozenset[tuple[int, frozenset[int]]]], list[Any]] = {}
    said: list[tuple[Box, list[Any]]] = []
    for box in boxes:
        there = [
            index
            for index in box
            if domain.variables[index].members and 1 in box[index]
        ]
        if len(there) != 1:
            said.append((box, []))
            continue
        variable = domain.variables[there[0]]
        rest = {index: atoms for index, atoms in box.items() if index != there[0]}
        key = (variable.fact, frozenset(rest.items()))
        if key not in merged:
            merged[key] = []
            said.append((rest, merged[key]))
            merged[key].append(variable.fact)
        merged[key] += variable.members
    return tuple(
        (
            *phrases(domain, box),
            *([_has(more[0], sorted(more[1:], key=str))] if more else []),
        )
        for box, more in said
    )


def _has(fact: str, members: Sequence[Any]) -> str:
    return f"{_ELEMENTS[fact]} {listed(members, most=8)}"


def _elements(domain: Domain, box: Box) -> Iterator[str]:
    """Say which elements sets have, and which they do not have."""
    for fact, thing in _ELEMENTS.items():
        there: list[str] = []
        missing: list[str] = []
        for index in sorted(box):
            variable = domain.variables[index]
            if variable.fact != fact or not variable.members:
                continue
            (atom,) = box[index]
            named = listed(variable.members, most=8)
            (there if atom else missing).append(named)
        if there:
            yield " and ".join(f"{thing} {named}" for named in there)
        if missing:
            yield f"{_no(thing)} {listed(missing)}"


def _no(thing: str) -> str:
    """Return "no victim of the sector" of "a victim of the sector"."""
    article, _, rest = thing.partition(" ")
    return f"not the {rest}" if article == "the" else f"no {rest}"


def _scalar(variable: Variable, values: list[Any]) -> str:
    fact = variable.fact
    if fact == "classification":
        return f"type {classes(values)}"
    if fact in _SCALES:
        return f"{_SUBJECTS[fact]} {_levels(_SCALES[fact], values)}"
    if fact == "confidence":
        return f"confidence {_numbers(values, 0, 100)}"
    if fact == "age_days":
        return f"age in days {_around(variable, values)}"
    if fact == "loss":
        return _loss(variable, values)
    if fact == "urgency":
        return (
            "no life is in danger"
            if Urgency.NORMAL in values
            else "a life is in danger"
        )
    if fact == "minor_involved":
        return "a minor is involved" if values == [True] else "no minor is involved"
    if fact == "embargoed":
        return "under embargo" if values == [True] else "no embargo"
    if fact == "day":
        return " and ".join(runs(variable, values))
    named = listed(values)
    left = _CLOSED.get(fact, 0) - len(values)
    if left and left < len(values):
        others = [v for atom in variable.atoms for v in atom if v not in values]
        return f"{_SUBJECTS[fact]} not {listed(others)}"
    return f"{_SUBJECTS[fact]} {named}"


def listed(values: Iterable[Any], most: int = 0) -> str:
    """List words, or the first few of them and how many more there are."""
    words = [str(value) for value in values]
    if most and len(words) > most:
        return f"{', '.join(words[:most])} or {len(words) - most} others"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def classes(values: Collection[str]) -> str:
    """Name RSIT types; a category that is there as a whole by its name alone."""
    if len(values) == len(RSIT_TYPES):
        return "any"
    missing = [each for each in RSIT_TYPES if each not in values]
    if len(missing) <= 3:
        return f"any but {listed(missing)}"
    named: list[str] = []
    for category in RSIT_CATEGORIES:
        every = [each for each in RSIT_TYPES if rsit_category(each) == category]
        inside = [each for each in every if each in values]
        if inside == every and len(every) > 1:
            named.append(f"{category} (all)")
        elif len(inside) > 1:
            types = "|".join(each.partition("/")[2] for each in inside)
            named.append(f"{category}/{types}")
        else:
            named += inside
    return listed(named)


def _levels(scale: Sequence[Any], values: Collection[Any]) -> str:
    """Name levels of a scale by a bound, where they are all above or below one."""
    at = sorted(scale.index(value) for value in values)
    if len(at) == 1:
        return str(scale[at[0]])
    if at == list(range(at[0], len(scale))):
        return f"{scale[at[0]]} or more"
    if at == list(range(at[-1] + 1)):
        return f"{scale[at[-1]]} or less"
    return listed(scale[each] for each in at)


def _numbers(values: Collection[int | None], least: int, most: int) -> str:
    numbers = sorted(value for value in values if value is not None)
    stated = "not stated" if None in values else ""
    said: list[str] = []
    for start, end in _ranges(numbers):
        if start == end:
            said.append(str(start))
        elif start == least:
            said.append(f"up to {end}")
        elif end == most:
            said.append(f"{start} or more")
        else:
            said.append(f"{start} to {end}")
    return listed([*said, *([stated] if stated else [])])


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = end = None
    for number in numbers:
        if end is not None and number == end + 1:
            end = number
            continue
        if start is not None and end is not None:
            yield start, end
        start = end = number
    if start is not None and end is not None:
        yield start, end


def _around(variable: Variable, values: Collection[int | None]) -> str:
    """Say a range of ages; only those on either side of a bound are known by number."""
    every = sorted(v for atom in variable.atoms for v in atom if v is not None)
    numbers = [v for v in every if v in values]
    said = ["not known"] if None in values else []
    if numbers == every and numbers:
        said.insert(0, "known")
    elif numbers:
        first, last = numbers[0], numbers[-1]
        if first == every[0]:
            said.insert(0, f"up to {last}")
        elif last == every[-1]:
            said.insert(0, f"{first} or more")
        else:
            said.insert(0, f"{first} to {last}")
    return listed(said)


def _loss(variable: Variable, values: Collection[Any]) -> str:
    if list(values) == [None]:
        return "no loss is stated"
    every = [v for atom in variable.atoms for v in atom]
    stated = [v for v in every if v is not None]
    chosen = [v for v in stated if v in values]
    start = "no loss is stated, or " if None in values else ""
    if chosen == stated:
        return "a loss is stated"
    said: list[str] = []
    for currency in dict.fromkeys(v.currency for v in stated):
        amounts = sorted(v.hundredths for v in stated if v.currency == currency)
        inside = sorted(v.hundredths for v in chosen if v.currency == currency)
        if not inside:
            continue
        low, high = inside[0] / 100, inside[-1] / 100
        if inside == amounts:
            said.append(
                f"any in {currency}" if len(amounts) > 1 else "another currency"
            )
        elif inside[-1] == amounts[-1]:
            said.append(f"{low:.2f} {currency} or more")
        elif inside[0] == amounts[0]:
            said.append(f"up to {high:.2f} {currency}")
        else:
            said.append(f"{low:.2f} to {high:.2f} {currency}")
    return f"{start}a loss of {listed(said)}"


def runs(variable: Variable, values: Collection[date]) -> tuple[str, ...]:
    """Name the periods of days that atoms of the variable ``day`` stand for."""
    firsts = sorted(each for atom in variable.atoms for each in atom)
    found: list[list[date | None]] = []
    for index, first in enumerate(firsts):
        if first not in values:
            continue
        last = (
            firsts[index + 1] - timedelta(days=1) if index + 1 < len(firsts) else None
        )
        end = found[-1][1] if found else None
        if found and end is not None and end + timedelta(days=1) == first:
            found[-1][1] = last
        else:
            found.append([first if index else None, last])
    return tuple(
        "always"
        if start is None and end is None
        else f"until {end}"
        if start is None
        else f"from {start}"
        if end is None
        else f"from {start} until {end}"
        for start, end in found
    )


def sorts(
    chosen: Collection[Sort],
    kinds: Mapping[str, ObservableKind],
    listing: Listing | None = None,
) -> tuple[str, ...]:
    """Say which items are meant; an empty phrase means all of the list.

    ``listing`` is what told some of them apart by the lists.
    """
    part = next(iter(chosen)).part
    names = TOLD_APART.get(part, ())
    if not names:
        return ("",)
    values = [tuple(kinds) if name == "kind" else VALUES[name] for name in names]
    care = FULL
    answers = max(len(each.listed) for each in chosen)
    if answers:
        names = (*names, "listed")
        values.append(answers_of(answers))
    space = Space([len(each) for each in values])
    if answers and listing:
        # Of a kind that no list can hold, it need not be said that it is on none.
        care = space.any_of(
            _box(space, values, (kind, None, each))
            for kind in kinds
            for each in listing.examples(kind)
        )
    target = space.any_of(
        _box(space, values, (*sort.told, *([sort.listed] if sort.listed else [])))
        for sort in chosen
        if all(told in values[n] for n, told in enumerate(sort.told))
    )
    return tuple(
        "; ".join(
            _told(names[n], [values[n][a] for a in sorted(box[n])], kinds)
            for n in sorted(box)
        )
        for box in space.boxes(target, care)
    )


def _box(space: Space, values: Sequence[Sequence[Any]], told: Sequence[Any]) -> Node:
    """Return the box of one sort of item; None stands for any value."""
    return space.box(
        {
            n: frozenset({values[n].index(one)})
            for n, one in enumerate(told)
            if one is not None
        }
    )


def _told(
    name: str, values: Collection[Any], kinds: Mapping[str, ObservableKind]
) -> str:
    if name == "kind" and len(values) > 1:
        classes_of = {kinds[value].data_class for value in values}
        every = [each for each in kinds if kinds[each].data_class in classes_of]
        if len(every) == len(values):
            return f"data class {listed(sorted(classes_of))}"
    if name == "listed":
        return listed([_LISTED[each] for each in values])
    if name == "minor":
        return "a minor" if True in values else "no minor"
    return f"{name} {listed(values)}"
