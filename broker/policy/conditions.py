"""The closed set of conditions: each is a set or a bound over a finite domain.

One line of a clause's ``when`` -> a check over `Facts`. There are no expressions, no
regular expressions and no code in policies, so every check ends and can be compared.

Invariant: every field of `When` has a condition here (a test holds this).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from broker.policy.facts import Facts

Check = Callable[[Facts], bool]


def _at_least(name: str) -> Callable[[Any], Check]:
    def condition(bound: Any) -> Check:
        rank = bound.rank
        return lambda facts: getattr(facts, name).rank >= rank

    return condition


def _at_most(name: str) -> Callable[[Any], Check]:
    def condition(bound: Any) -> Check:
        rank = bound.rank
        return lambda facts: getattr(facts, name).rank <= rank

    return condition


def _one_of(name: str) -> Callable[[Any], Check]:
    return lambda allowed: lambda facts: getattr(facts, name) in allowed


def _any_of(name: str) -> Callable[[Any], Check]:
    return lambda wanted: lambda facts: not wanted.isdisjoint(getattr(facts, name))


def _is(name: str) -> Callable[[Any], Check]:
    return lambda expected: lambda facts: getattr(facts, name) is expected


def _confidence_at_least(bound: int) -> Check:
    # An incident without a stated confidence never reaches a bound: unknown is low.
    return lambda facts: facts.confidence is not None and facts.confidence >= bound


CONDITIONS: Final[dict[str, Callable[[Any], Check]]] = {
    "classification_in": _one_of("classification"),
    "category_in": _one_of("category"),
    "severity_at_least": _at_least("severity"),
    "confidence_at_least": _confidence_at_least,
    "tlp_at_most": _at_most("tlp"),
    "tlp_at_least": _at_least("tlp"),
    "pap_at_most": _at_most("pap"),
    "urgency_in": _one_of("urgency"),
    "status_in": _one_of("status"),
    "victim_consent_in": _one_of("victim_consent"),
    "victim_kind_in": _any_of("victim_kinds"),
    "minor_involved": _is("minor_involved"),
    "financial_loss": _is("financial_loss"),
    "has_observable_kind_in": _any_of("observable_kinds"),
    "has_observable_role_in": _any_of("observable_roles"),
}
