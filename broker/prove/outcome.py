"""What becomes of every field under one profile, and which of two outcomes shows more.

A plan, its profile and the kinds of observables -> an outcome for every field of every
sort of item.

Invariant: an outcome counts as showing no more than another only where that is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from broker.model.agreement import Profile
from broker.model.incident import Consent, PartyKind, Role
from broker.model.mapping import ObservableKind
from broker.model.sharing import KEPT, WITHHELD
from broker.redact.plan import Item, Plan, fits

# What tells the items of a list apart, in the order of a plan's keys.
TOLD_APART: Final[dict[str, tuple[str, ...]]] = {
    "victims": ("party", "consent", "minor"),
    "suspects": ("party", "minor"),
    "observables": ("kind", "role"),
}
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "role": tuple(Role),
    "party": tuple(PartyKind),
    "consent": tuple(Consent),
    "minor": (False, True),
}
_FINENESS: Final = ("month", "day", "hour")
# What a method does when its options are left out: the same as when they are written.
_USUAL: Final[dict[str, dict[str, Any]]] = {
    "coarsen_time": {"to": "day"},
    "truncate_ip": {"v4": 24, "v6": 48},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kept``, ``withheld`` or a method with its options, and who says so."""

    method: str
    options: tuple[tuple[str, Any], ...] = ()
    where: str = ""

    @property
    def is_withheld(self) -> bool:
        """Whether the recipient sees nothing of the field."""
        return self.method == WITHHELD

    def same_as(self, other: Outcome) -> bool:
        """Say whether two outcomes show the same, whichever line says so."""
        return (self.method, self.options) == (other.method, other.options)

    def __str__(self) -> str:
        options = ", ".join(f"{name} {value}" for name, value in self.options)
        return f"{self.method} ({options})" if options else self.method


NOT_THERE: Final = Outcome(WITHHELD)


def shows_more(old: Outcome, new: Outcome) -> bool:
    """Say whether the new outcome may show something that the old one did not."""
    if old.same_as(new) or new.is_withheld or old.method == KEPT:
        return False
    if old.method != new.method:
        # A mask shows that there is a value; so does a pseudonym.
        return (old.method, new.method) != ("pseudonym", "mask")
    was, now = dict(old.options), dict(new.options)
    if old.method == "coarsen_time":
        return _FINENESS.index(now["to"]) > _FINENESS.index(was["to"])
    if old.method == "truncate_ip":
        return any(now[each] > was[each] for each in now)
    return True


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of item: the list, and what tells it apart from the others."""

    part: str  # "victims"; "" is the incident itself
    told: tuple[Any, ...] = ()

    def item(self) -> dict[str, Any]:
        """Return what tells it apart, by name."""
        return dict(zip(TOLD_APART.get(self.part, ()), self.told, strict=True))


Outcomes = Mapping[Sort, Mapping[str, Outcome]]


def outcomes(
    plan: Plan, profile: Profile, kinds: Mapping[str, ObservableKind]
) -> Outcomes:
    """Return what becomes of every field of every sort of item."""
    found = {Sort(""): dict(_leaves(plan.top, profile, {}, None))}
    for part, variants in plan.lists.items():
        for told, item in variants.items.items():
            sort = Sort(part, told if isinstance(told, tuple) else (told,))
            facts = sort.item()
            kind = kinds.get(facts.get("kind", ""))
            found[sort] = dict(_leaves(item, profile, facts, kind))
    return found


def _leaves(
    item: Item,
    profile: Profile,
    facts: Mapping[str, Any],
    kind: ObservableKind | None,
) -> Iterator[tuple[str, Outcome]]:
    for leaf in item.leaves:
        path, method, where = leaf.mark
        rule = next(r for r in profile.fields[path] if fits(r.only, facts, kind))
        # What the plan says goes; the profile adds the options of the same method.
        given = rule.options if rule.method == method else {}
        options = {**_USUAL.get(method, {}), **given}
        yield path, Outcome(method, tuple(sorted(options.items())), where)
    for _, part in item.parts:
        yield from _leaves(part, profile, facts, kind)


def sorts(part: str, kinds: Mapping[str, ObservableKind]) -> Iterator[Sort]:
    """Yield every sort of item that a list can have."""
    values = {**VALUES, "kind": tuple(kinds)}
    for told in product(*(values[name] for name in TOLD_APART.get(part, ()))):
        yield Sort(part, told)
