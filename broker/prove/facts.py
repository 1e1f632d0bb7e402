"""What each condition asks about: where a new condition states its domain.

A condition names a fact; a fact has values. Numbers and free words have endlessly many,
but the bounds and words that stand in two rulebooks tell only a few apart, so that one
value for each that can be told apart stands for all others.

Invariants: every condition of `broker.policy.conditions` stands in `ASKS` (a test holds
this); whether a condition holds is asked of the very check that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, Final

from broker.model.agreement import ConsentFact, SourceFact, When
from broker.model.incident import PartyKind, Role, Status, Urgency
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import RSIT_TYPES, rsit_category
from broker.policy.conditions import CONDITIONS
from broker.policy.facts import Loss

# The first day that an incident's times may have (see `broker.model.incident.Time`).
_FIRST_DAY: Final = date(1980, 1, 1)
_LARGEST_LOSS: Final = 10**17 - 1  # in hundredths: fifteen digits before the point


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a rulebook asks about one fact."""

    fact: str
    name: str
    about: Hashable
    holds: Callable[[Any], bool] = field(compare=False)
    bound: Any = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that is asked about: its values, and what a check sees of one.

    ``values`` takes the bounds that are asked for. A fact with ``many`` is a set, and
    its values are the elements.
    """

    values: Callable[[Collection[Question]], tuple[Any, ...]]
    seen: Callable[[Any], dict[str, Any]] | None = None
    many: bool = False


def _fixed(*values: Any) -> Callable[[Collection[Question]], tuple[Any, ...]]:
    return lambda _: values


def _words(*others: str) -> Callable[[Collection[Question]], tuple[Any, ...]]:
    """Return the words that are asked for, and one that is not."""

    def values(asked: Collection[Question]) -> tuple[Any, ...]:
        named = {word for question in asked for word in question.bound}
        other = next(word for word in others if word not in named)
        return (*sorted(named), other)

    return values


def _countries(asked: Collection[Question]) -> tuple[Any, ...]:
    named = {country for question in asked for country in question.bound}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    every = (f"{one}{two}" for one in "XABCDEFGHIJKLMNOPQRSTUVWYZ" for two in letters)
    return (*sorted(named), next(each for each in every if each not in named))


def _ages(asked: Collection[Question]) -> tuple[Any, ...]:
    oldest = (date(2100, 1, 1) - _FIRST_DAY).days
    around = {
        age
        for question in asked
        for age in (question.bound - 1, question.bound, question.bound + 1)
    }
    return (None, *sorted({0} | {age for age in around if 0 <= age <= oldest}))


def _losses(asked: Collection[Question]) -> tuple[Any, ...]:
    bounds: dict[str, set[int]] = {"EUR": {100_00}}
    for question in asked:
        if isinstance(question.bound, Mapping):
            for currency, whole in question.bound.items():
                around = {whole * 100 + step for step in (-1, 0, 1)}
                bounds.setdefault(currency, set()).update(around)
    # One of a currency that no bound names.
    other = next(c for c in ("CHF", *_MADE_UP) if c not in bounds)
    bounds[other] = {100_00}
    return (
        None,
        *(
            Loss(currency, amount)
            for currency, amounts in bounds.items()
            for amount in sorted(amounts)
            if 0 <= amount <= _LARGEST_LOSS
        ),
    )


_MADE_UP: Final = tuple(f"X{a}{b}" for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ")


def _days(asked: Collection[Question]) -> tuple[Any, ...]:
    """Return the first day of every period in which nothing changes."""
    firsts = {_FIRST_DAY + timedelta(days=366 * 40)}
    for question in asked:
        start, until = question.bound
        firsts |= {start, until + timedelta(days=1)}
        if start > date.min:
            firsts.add(start - timedelta(days=1))
    return tuple(sorted(firsts))


FACTS: Final[dict[str, Fact]] = {
    "day": Fact(_days),
    "classification": Fact(
        _fixed(*RSIT_TYPES),
        lambda each: {"classification": each, "category": rsit_category(each)},
    ),
    "severity": Fact(_fixed(*Severity)),
    "urgency": Fact(_fixed(*Urgency)),
    "tlp": Fact(_fixed(*Tlp)),
    "pap": Fact(_fixed(*Pap)),
    "confidence": Fact(_fixed(None, *range(101))),
    "status": Fact(_fixed(*Status)),
    "source": Fact(_fixed(*SourceFact)),
    "minor_involved": Fact(_fixed(False, True)),
    "victim_consent": Fact(_fixed(*reversed(ConsentFact))),
    "victim_kinds": Fact(_fixed(*PartyKind), many=True),
    "victim_sectors": Fact(_words("other", "other-1", *_MADE_UP), many=True),
    "victim_countries": Fact(_countries, many=True),
    "loss": Fact(
        _losses, lambda each: {"loss": each, "financial_loss": each is not None}
    ),
    "observable_kinds": Fact(_fixed(), many=True),  # those of the mapping table
    "observable_roles": Fact(_fixed(*Role), many=True),
    "age_days": Fact(_ages),
    "embargoed": Fact(_fixed(False, True)),
    # Which optional fields there are; the elements are the paths that are asked for.
    "fields": Fact(_fixed(), many=True),
}

ASKS: Final[dict[str, str]] = {
    "classification_in": "classification",
    "category_in": "classification",
    "severity_at_least": "severity",
    "confidence_at_least": "confidence",
    "confidence_at_most": "confidence",
    "tlp_at_most": "tlp",
    "tlp_at_least": "tlp",
    "pap_at_most": "pap",
    "pap_at_least": "pap",
    "urgency_in": "urgency",
    "status_in": "status",
    "source_in": "source",
    "victim_consent_in": "victim_consent",
    "victim_kind_in": "victim_kinds",
    "victim_sector_in": "victim_sectors",
    "victim_country_in": "victim_countries",
    "minor_involved": "minor_involved",
    "financial_loss": "loss",
    "loss_at_least": "loss",
    "loss_at_most": "loss",
    "has_observable_kind_in": "observable_kinds",
    "has_observable_role_in": "observable_roles",
    "has_field_in": "fields",
    "has_no_field_in": "fields",
    "age_days_at_least": "age_days",
    "age_days_at_most": "age_days",
}


def questions(when: When) -> Iterator[Question]:
    """Yield what a clause's conditions ask.

    Raises:
        KeyError: a condition has no domain here; the programmer forgot it.
    """
    for name, check in CONDITIONS.items():
        bound = getattr(when, name)
        if bound is not None:
            about = frozenset(bound.items()) if isinstance(bound, dict) else bound
            yield Question(ASKS[name], name, about, check(bound), bound)


def seen(fact: str, value: Any) -> SimpleNamespace:
    """Return what a check sees of a fact; of a set, the set with this one element."""
    stated = FACTS[fact]
    if stated.many:
        return SimpleNamespace(**{fact: frozenset({value})})
    return SimpleNamespace(**(stated.seen(value) if stated.seen else {fact: value}))
