"""What a profile says about every field of an incident, worked out apart from Besa.

Slow and plain on purpose: the oracle that redaction and guard are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.incident import Consent, PartyKind, Role, Shape, declarations
from broker.model.marking import DataClass
from broker.redact import Plan, compile_plan
from broker.redact.methods import METHODS
from broker.strict_yaml import Document, parse
from tests.strategies import KINDS

DECLARED = declarations()
_DEFAULTS = {
    "observables": {"role": "unknown"},
    "victims": {"consent": "unknown", "minor": False},
    "suspects": {"minor": False},
}
_LISTS = frozenset(path.partition("[].")[0] for path in DECLARED if "[]." in path)


@dataclass(frozen=True)
class Place:
    """One field of one incident: its path in a profile, and where it stands."""

    path: str
    steps: tuple[str | int, ...]
    item: Mapping[str, Any]


def _applies(only: Selector, owner: str, item: Mapping[str, Any]) -> bool:
    item = {**_DEFAULTS.get(owner, {}), **item}
    row = KINDS.get(item.get("kind", "")) if owner == "observables" else None
    asked: dict[str, Any] = {"role": item.get("role")}
    if owner == "observables":
        asked |= {"kind": item.get("kind"), "data_class": row and row.data_class}
    else:
        asked["party"] = item.get("kind")
    asked |= {"consent": item.get("consent"), "minor": item.get("minor")}
    for name, value in only:
        if value is None:
            continue
        if isinstance(value, bool):
            if value is not asked[name]:
                return False
        elif asked[name] not in value:
            return False
    return True


def rule_of(profile: Profile, path: str, item: Mapping[str, Any]) -> FieldRule:
    """Return the rule that a profile has for a field of an item."""
    owner = path.partition("[].")[0] if "[]." in path else ""
    rules = profile.fields[path]
    return next(rule for rule in rules if _applies(rule.only, owner, item))


def treatment(profile: Profile, owner: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what happens to each field of an item of a list."""
    return {
        path: rule_of(profile, path, item)
        for path in DECLARED
        if path.startswith(f"{owner}[].")
    }


def places(incident: Mapping[str, Any]) -> Iterator[Place]:
    """Yield every field that an incident has, as JSON, with the item it stands in."""
    for path in DECLARED:
        owner = path.partition("[].")[0] if "[]." in path else ""
        if owner in _LISTS:
            inner = path.removeprefix(f"{owner}[].")
            for index, item in enumerate(incident.get(owner, ())):
                yield from _within(path, inner, item, (owner, index), item)
        else:
            yield from _within(path, path, incident, (), incident)


def _within(
    path: str,
    inner: str,
    value: Any,
    steps: tuple[str | int, ...],
    item: Mapping[str, Any],
) -> Iterator[Place]:
    for step in inner.removesuffix("[]").split("."):
        if not isinstance(value, Mapping) or step not in value:
            return
        value, steps = value[step], (*steps, step)
    if value not in ([], None):
        yield Place(path, steps, item)


def value_at(incident: Any, steps: tuple[str | int, ...]) -> Any:
    """Return what stands at a place."""
    for step in steps:
        incident = incident[step]
    return incident


def withheld(profile: Profile, incident: Mapping[str, Any]) -> list[Place]:
    """Return the places of an incident that a profile withholds."""
    return [
        place
        for place in places(incident)
        if rule_of(profile, place.path, place.item).method == "withhold"
    ]


def unkept(profile: Profile, incident: Mapping[str, Any]) -> list[Place]:
    """Return the places of an incident that do not leave as they are."""
    return [
        place
        for place in places(incident)
        if rule_of(profile, place.path, place.item).method != "keep"
    ]


def document() -> Document:
    """Return a file for profiles that stand in none."""
    return parse("policies/profiles/random.yaml", b"fields: {}\n")


def plan_of(profile: Profile) -> Plan:
    """Return the plan of a profile."""
    return compile_plan(profile, KINDS, document())


_DOMAINS: dict[str, dict[str, tuple[Any, ...]]] = {
    "observables": {
        "kind": tuple(sorted(KINDS)),
        "data_class": tuple(each.value for each in DataClass),
        "role": tuple(Role),
    },
    "victims": {
        "party": tuple(PartyKind),
        "consent": tuple(Consent),
        "minor": (False, True),
    },
    "suspects": {"party": tuple(PartyKind), "minor": (False, True)},
}


def _shapes(path: str, owner: str, only: Selector) -> set[Shape]:
    if DECLARED[path].shape is not Shape.BY_KIND:
        return {DECLARED[path].shape}
    return {
        row.shape
        for row in KINDS.values()
        for role in Role
        if _applies(only, owner, {"kind": row.kind, "role": role})
    }


def _rule(chance: Random, path: str, *, last: bool) -> FieldRule:
    owner = path.partition("[].")[0] if "[]." in path else ""
    domains = {} if last else _DOMAINS.get(owner, {})
    chosen: dict[str, Any] = {}
    for name in chance.sample(sorted(domains), min(len(domains), chance.randint(0, 2))):
        values = domains[name]
        if name == "minor":
            chosen[name] = chance.choice(values)
        else:
            count = chance.randint(1, min(12, len(values)))
            chosen[name] = frozenset(chance.sample(values, count))
    only = Selector(**chosen)
    shapes = _shapes(path, owner, only)
    # What scrubbing leaves of a text depends on what is withheld elsewhere, so that it
    # is proved by itself: tests/property/test_redaction_everywhere.py.
    fitting = [
        name
        for name, method in METHODS.items()
        if shapes <= method.accepts and name != "scrub_text"
    ]
    # As often withheld as not.
    methods = ["withhold"] * len(fitting) + fitting
    return FieldRule(method=chance.choice(methods), only=only)


def profile_of_chance(seed: int) -> Profile:
    """Return a profile that can be compiled, the same for the same seed."""
    chance = Random(seed)
    fields: dict[str, tuple[FieldRule, ...]] = {}
    for path in DECLARED:
        if path in ("tlp", "pap", "observables[].kind"):
            fields[path] = (FieldRule(method="keep"),)
            continue
        before = [
            _rule(chance, path, last=False)
            for _ in range(chance.randint(0, 2) if "[]." in path else 0)
        ]
        fields[path] = (*before, _rule(chance, path, last=True))
    return Profile(profile="random", title="Random", fields=fields)


def profiles() -> st.SearchStrategy[Profile]:
    """Return any profile that can be compiled."""
    return st.integers(0, 2**32).map(profile_of_chance)
