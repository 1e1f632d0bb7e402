"""Cells are said in words that are true of all of their incidents."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.agreement import When
from broker.prove import words
from broker.prove.domain import Domain
from broker.prove.facts import questions
from broker.prove.outcome import Sort
from tests import world

KINDS = world.rulebook().tables.kinds


def said(*whens: dict[str, Any], but: dict[str, Any] | None = None) -> tuple[Any, ...]:
    """Say where all conditions hold, or where all but the last one do."""
    asked = [list(questions(When(**when))) for when in whens]
    others = list(questions(When(**but))) if but else []
    domain = Domain([*(q for some in asked for q in some), *others], KINDS)
    space = domain.space
    target = space.all_of(domain.all_hold(some) for some in asked)
    if others:
        target = space.but_not(target, domain.all_hold(others))
    return words.alternatives(domain, space.cover(target, domain.possible))


@pytest.mark.parametrize(
    ("when", "phrase"),
    [
        ({"severity_at_least": "high"}, "severity high or more"),
        ({"severity_at_least": "critical"}, "severity critical"),
        ({"tlp_at_most": "green"}, "TLP green or less"),
        ({"confidence_at_least": 50}, "confidence 50 or more"),
        ({"confidence_at_most": 50}, "confidence up to 50 or not stated"),
        ({"age_days_at_least": 7}, "age in days 7 or more"),
        ({"age_days_at_most": 7}, "age in days up to 7"),
        ({"financial_loss": True}, "a loss is stated"),
        ({"financial_loss": False}, "no loss is stated"),
        ({"loss_at_least": {"EUR": 50}}, "a loss of 50.00 EUR or more"),
        ({"loss_at_most": {"EUR": 50}}, "a loss of up to 50.00 EUR"),
        ({"minor_involved": True}, "a minor is involved"),
        ({"urgency_in": frozenset({"threat-to-life"})}, "a life is in danger"),
        ({"status_in": frozenset({"open", "closed"})}, "status not withdrawn"),
        ({"category_in": frozenset({"fraud"})}, "type fraud (all)"),
        (
            {"classification_in": frozenset({"fraud/phishing", "fraud/masquerade"})},
            "type fraud/masquerade|phishing",
        ),
        (
            {"has_observable_kind_in": frozenset({"btc", "iban"})},
            "an observable of the kind btc or iban",
        ),
        ({"victim_country_in": frozenset({"XK"})}, "a victim of the country XK"),
        ({"has_field_in": frozenset({"description"})}, "the field description"),
        ({"has_no_field_in": frozenset({"description"})}, "not the field description"),
    ],
)
def test_one_condition_is_one_phrase(when: dict[str, Any], phrase: str) -> None:
    """The cells of a condition are said as a person would say the condition."""
    assert ((phrase,),) == said(when)


def test_what_is_between_two_bounds() -> None:
    """What differs between two thresholds is named by its ends."""
    low, high = {"confidence_at_least": 30}, {"confidence_at_least": 60}

    assert (("confidence 30 to 59",),) == said(low, but=high)


def test_alternatives_are_put_together() -> None:
    """Kinds that different clauses name are one list where nothing else differs."""
    first = {"has_observable_kind_in": frozenset({"btc"})}
    second = {"has_observable_kind_in": frozenset({"iban"})}
    asked = [list(questions(When(**when))) for when in (first, second)]
    domain = Domain([q for some in asked for q in some], KINDS)
    space = domain.space
    either = space.any_of(domain.all_hold(some) for some in asked)
    boxes = space.cover(either, domain.possible)

    assert (("an observable of the kind btc or iban",),) == words.alternatives(
        domain, boxes
    )


def test_sorts_of_items() -> None:
    """Sorts are named by what they have in common; all of them need no word."""
    everybody = [
        Sort("suspects", (party, minor))
        for party in ("person", "organisation")
        for minor in (False, True)
    ]

    assert ("",) == words.sorts(everybody, KINDS)
    assert ("a minor",) == words.sorts([s for s in everybody if s.told[1]], KINDS)
    assert ("",) == words.sorts([Sort("")], KINDS)
    money = [
        Sort("observables", (kind, role))
        for kind, row in KINDS.items()
        if row.data_class == "financial"
        for role in ("attacker", "victim", "infrastructure", "unknown")
    ]
    assert ("data class financial",) == words.sorts(money, KINDS)
