"""The closed set of conditions: each is a set or a bound over a finite domain.

One line of a clause's ``when`` -> a check over `Facts`. There are no expressions, no
regular expressions and no code in policies, so every check ends and can be compared.

Invariant: every field of `When` has a condition here (a test holds this).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from broker.model.marking import Pap, Severity, Tlp
from broker.policy.facts import Facts

Check = Callable[[Facts], bool]
Level = TypeVar("Level", Severity, Tlp, Pap)


# By type, too: TLP:AMBER and PAP:AMBER are equal as texts, and stand on other scales.
@lru_cache(maxsize=None, typed=True)
def _from(bound: Level) -> frozenset[Level]:
    return frozenset(level for level in type(bound) if level.rank >= bound.rank)


@lru_cache(maxsize=None, typed=True)
def _up_to(bound: Level) -> frozenset[Level]:
    return frozenset(level for level in type(bound) if level.rank <= bound.rank)


def _severity_at_least(bound: Severity) -> Check:
    allowed = _from(bound)
    return lambda facts: facts.severity in allowed


def _tlp_at_most(bound: Tlp) -> Check:
    allowed = _up_to(bound)
    return lambda facts: facts.tlp in allowed


def _tlp_at_least(bound: Tlp) -> Check:
    allowed = _from(bound)
    return lambda facts: facts.tlp in allowed


def _pap_at_most(bound: Pap) -> Check:
    allowed = _up_to(bound)
    return lambda facts: facts.pap in allowed


def _pap_at_least(bound: Pap) -> Check:
    allowed = _from(bound)
    return lambda facts: facts.pap in allowed


def _confidence_at_least(bound: int) -> Check:
    # An incident without a stated confidence never reaches a bound: unknown is low.
    return lambda facts: facts.confidence is not None and facts.confidence >= bound


def _confidence_at_most(bound: int) -> Check:
    return lambda facts: facts.confidence is None or facts.confidence <= bound


# An incident of which nobody said when it was is neither young nor old.
def _age_days_at_least(bound: int) -> Check:
    return lambda facts: facts.age_days is not None and facts.age_days >= bound


def _age_days_at_most(bound: int) -> Check:
    return lambda facts: facts.age_days is not None and facts.age_days <= bound


# A loss in a currency that the clause does not name reaches no bound, on no side.
def _loss_at_least(bounds: Mapping[str, int]) -> Check:
    def check(facts: Facts) -> bool:
        loss = facts.loss
        if loss is None or loss.currency not in bounds:
            return False
        return loss.hundredths >= bounds[loss.currency] * 100

    return check


def _loss_at_most(bounds: Mapping[str, int]) -> Check:
    def check(facts: Facts) -> bool:
        loss = facts.loss
        if loss is None or loss.currency not in bounds:
            return False
        return loss.hundredths <= bounds[loss.currency] * 100

    return check


def _has_field_in(wanted: frozenset[str]) -> Check:
    return lambda facts: any(path in facts.fields for path in wanted)


def _has_no_field_in(unwanted: frozenset[str]) -> Check:
    return lambda facts: not any(path in facts.fields for path in unwanted)


# Each names its fact outright: looking it up by its name for every clause of every
# incident would cost more than the comparison.
CONDITIONS: Final[dict[str, Callable[[Any], Check]]] = {
    "classification_in": lambda allowed: lambda facts: facts.classification in allowed,
    "category_in": lambda allowed: lambda facts: facts.category in allowed,
    "severity_at_least": _severity_at_least,
    "confidence_at_least": _confidence_at_least,
    "confidence_at_most": _confidence_at_most,
    "tlp_at_most": _tlp_at_most,
    "tlp_at_least": _tlp_at_least,
    "pap_at_most": _pap_at_most,
    "pap_at_least": _pap_at_least,
    "urgency_in": lambda allowed: lambda facts: facts.urgency in allowed,
    "status_in": lambda allowed: lambda facts: facts.status in allowed,
    "source_in": lambda allowed: lambda facts: facts.source in allowed,
    "victim_consent_in": lambda allowed: lambda facts: facts.victim_consent in allowed,
    "victim_kind_in": lambda wanted: (
        lambda facts: not wanted.isdisjoint(facts.victim_kinds)
    ),
    "victim_sector_in": lambda wanted: (
        lambda facts: not wanted.isdisjoint(facts.victim_sectors)
    ),
    "victim_country_in": lambda wanted: (
        lambda facts: not wanted.isdisjoint(facts.victim_countries)
    ),
    "minor_involved": lambda is_so: lambda facts: facts.minor_involved is is_so,
    "financial_loss": lambda is_so: lambda facts: facts.financial_loss is is_so,
    "loss_at_least": _loss_at_least,
    "loss_at_most": _loss_at_most,
    "has_observable_kind_in": lambda wanted: (
        lambda facts: not wanted.isdisjoint(facts.observable_kinds)
    ),
    "has_observable_role_in": lambda wanted: (
        lambda facts: not wanted.isdisjoint(facts.observable_roles)
    ),
    "has_field_in": _has_field_in,
    "has_no_field_in": _has_no_field_in,
    "age_days_at_least": _age_days_at_least,
    "age_days_at_most": _age_days_at_most,
}
