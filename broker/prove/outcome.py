"""What becomes of every field under one profile.

A profile and the kinds of observables -> an outcome for every field of every sort of
item (a test compares them with what redaction does). Which of two shows more:
`broker.prove.order`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from broker.model.agreement import Profile
from broker.model.decision import ItemKey
from broker.model.incident import Consent, PartyKind, Role, declarations
from broker.model.mapping import ObservableKind
from broker.model.sharing import KEPT, WITHHELD
from broker.redact.plan import fits
from broker.strict_yaml import Document

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
_DECLARED: Final = declarations()
_VALUE: Final = "observables[].value"
_WITHHOLD: Final = ("withhold", "drop")
# What a method does when its options are left out: the same as when they are written.
USUAL: Final[dict[str, dict[str, Any]]] = {
    "age_band": {"bounds": (14, 16, 18, 25, 35, 45, 55, 65)},
    "amount_band": {
        "bounds": (1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000)
    },
    "coarsen_place": {"to": "municipality"},
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
        options = ", ".join(f"{name} {_said(value)}" for name, value in self.options)
        return f"{self.method} ({options})" if options else self.method


def _said(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


NOT_THERE: Final = Outcome(WITHHELD)


Answers = tuple[bool, ...]
"""Whether a value is listed: one answer for each rulebook that is looked at."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of item: the list, and what tells it apart from the others.

    ``listed`` is empty where nothing asks whether its values are on a list.
    """

    part: str  # "victims"; "" is the incident itself
    told: tuple[Any, ...] = ()
    listed: Answers = ()

    def keys(self, at: int) -> tuple[ItemKey, ...]:
        """Return what a decision of one of the rulebooks may call its items."""
        plain = (self.part, self.told)
        if not self.listed:
            return (plain,)
        return plain, (self.part, (*self.told, self.listed[at]))

    def item(self) -> dict[str, Any]:
        """Return what tells it apart, by name."""
        return dict(zip(TOLD_APART.get(self.part, ()), self.told, strict=True))


Outcomes = Mapping[Sort, Mapping[str, Outcome]]


def outcomes(
    profile: Profile, kinds: Mapping[str, ObservableKind], doc: Document
) -> Outcomes:
    """Return what becomes of every field of every sort of item.

    ``doc`` is the file that the profile was read from.
    """
    by_part: dict[str, list[str]] = {part: [] for part in ("", *TOLD_APART)}
    for path in _DECLARED:
        by_part[part_of(path)].append(path)
    found: dict[Sort, dict[str, Outcome]] = {}
    for part, paths in by_part.items():
        for sort in sorts(part, kinds):
            item = sort.item()
            kind = kinds.get(item.get("kind", ""))
            fields = {path: _outcome(profile, path, item, kind, doc) for path in paths}
            # An observable whose value is withheld is withheld as a whole.
            if part == "observables" and fields[_VALUE].is_withheld:
                fields = dict.fromkeys(paths, fields[_VALUE])
            found[sort] = fields
    return found


def part_of(path: str) -> str:
    """Return the list that a field is in, if its items are told apart; else ""."""
    part = path.partition("[]")[0]
    return part if part in TOLD_APART else ""


def lets_through(profile: Profile, path: str, except_as: Collection[str]) -> bool:
    """Say whether a profile has any line that lets a field through otherwise."""
    return any(
        rule.method not in _WITHHOLD and rule.method not in except_as
        for rule in profile.fields[path]
    )


def outcome_of(
    profile: Profile,
    path: str,
    sort: Sort,
    kinds: Mapping[str, ObservableKind],
    doc: Document,
) -> Outcome:
    """Return what becomes of one field of one sort of item; see `outcomes`."""
    item = sort.item()
    kind = kinds.get(item.get("kind", ""))
    if sort.part == "observables":
        value = _outcome(profile, _VALUE, item, kind, doc)
        if value.is_withheld:
            return value
    return _outcome(profile, path, item, kind, doc)


def _outcome(
    profile: Profile,
    path: str,
    item: Mapping[str, Any],
    kind: ObservableKind | None,
    doc: Document,
) -> Outcome:
    rules = profile.fields[path]
    index = next(n for n, rule in enumerate(rules) if fits(rule.only, item, kind))
    rule = rules[index]
    where = doc.where(("fields", path, index))
    if rule.method in _WITHHOLD:
        return Outcome(WITHHELD, where=where)
    written = {**USUAL.get(rule.method, {}), **rule.options}
    options = tuple((name, _frozen(written[name])) for name in sorted(written))
    return Outcome(KEPT if rule.method == "keep" else rule.method, options, where)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def sorts(part: str, kinds: Mapping[str, ObservableKind]) -> Iterator[Sort]:
    """Yield every sort of item that a list can have."""
    values = {**VALUES, "kind": tuple(kinds)}
    for told in product(*(values[name] for name in TOLD_APART.get(part, ()))):
        yield Sort(part, told)
