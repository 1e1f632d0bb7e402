"""What is worked out beforehand for a type of incident says what asking would say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from broker.model.agreement import Clause, Items
from broker.model.decision import Effect, Finding
from broker.policy import Facts, Rules, decide
from broker.policy.conditions import CONDITIONS
from broker.policy.items import without_sense
from tests.unit.given import NOW
from tests.unit.policy.test_policy_lanes import LANE
from tests.unit.policy.test_policy_lanes import clause as fast_clause
from tests.unit.policy.test_policy_lanes import rules as fast_rules

FactsOf = Callable[..., Facts]
RulesOf = Callable[..., Rules]
ClauseOf = Callable[..., Clause]
OTHER = {"classification_in": {"intrusions/burglary"}}
"""Of which no incident of these tests is."""


def said(made: Rules, facts: Facts) -> tuple[tuple[str, bool, str], ...]:
    """Return what was found, without lines."""
    findings: tuple[Finding, ...] = decide(facts, made, NOW).findings
    return tuple((each.clause, each.matched, each.because) for each in findings)


def asked_one_by_one(made: Rules) -> Rules:
    """Return the same rules without any decision that is ready beforehand."""
    normal = made.normal._replace(denied={})
    return replace(made, normal=normal, fast=made.fast._replace(denied={}))


def test_a_decision_that_was_ready_is_the_one_that_asking_gives(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """Of a type that no clause is about, the trace is whole, whatever else is so."""
    guards = (
        (),
        (clause("one", "withhold", tlp_at_least="red"),),
        (clause("two", "review", category_in={"fraud"}, severity_at_least="high"),),
        (clause("all", "review"),),
        (clause("both", "review", minor_involved=True, tlp_at_least="red"),),
    )
    incidents = (
        facts(),
        facts(severity="low"),
        facts(severity="critical", tlp="red"),
        facts(victims=[{"kind": "person", "minor": True}]),
        facts(status="withdrawn"),
        facts(urgency="threat-to-life"),
    )
    for safeguards, suspended in product(guards, (False, True)):
        made = rules(
            clause("c", "share", **OTHER), safeguards=safeguards, suspended=suspended
        )
        for each in incidents:
            expected = decide(each, asked_one_by_one(made), NOW)
            assert expected == decide(each, made, NOW)


def test_a_ready_decision_hides_no_precondition(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """That a recipient is suspended is said even where no clause is about the type."""
    made = rules(clause("c", "share", **OTHER), suspended=True)

    assert ("suspended",) == decide(facts(), made, NOW).clauses


def test_a_ready_decision_hides_no_safeguard(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """A safeguard that matches is said even where no clause is about the type."""
    made = rules(
        clause("c", "share", **OTHER),
        safeguards=(clause("look", "review", severity_at_least="high"),),
    )

    matched = [
        name for name, matched, _ in said(made, facts(severity="high")) if matched
    ]
    assert ["safeguard:look"] == matched
    assert not any(matched for _, matched, _ in said(made, facts(severity="low")))


def test_the_condition_that_fails_is_named_beforehand_too(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """Of two conditions of a safeguard, the one that fails is named."""
    two = clause("two", "review", severity_at_least="high", minor_involved=True)
    made = rules(clause("c", "share", **OTHER), safeguards=(two,))

    [(_, _, high), _] = said(made, facts(severity="high"))
    [(_, _, low), _] = said(made, facts(severity="low"))

    assert ("minor_involved does not hold", "severity_at_least does not hold") == (
        high,
        low,
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("classification_in", "fraud/phishing"), ("category_in", "fraud")],
)
def test_a_condition_on_the_type_means_what_it_says(
    name: str, wanted: str, facts: FactsOf
) -> None:
    """The proofs ask the conditions on the type, which decisions know beforehand."""
    one = facts(classification="fraud/phishing")

    assert CONDITIONS[name](frozenset({wanted}))(one) is True
    assert CONDITIONS[name](frozenset({"other"}))(one) is False


@pytest.mark.parametrize(
    ("effect", "allowed", "urgency", "replaces"),
    [
        ("review", True, "threat-to-life", True),
        ("review", True, "normal", False),
        ("share", True, "threat-to-life", False),
        ("review", False, "threat-to-life", False),
    ],
)
def test_the_trace_says_that_the_fast_lane_replaces_a_review(
    effect: str, allowed: bool, urgency: str, replaces: bool, facts: FactsOf
) -> None:
    """Whoever is told instead of asked can read it in the trace."""
    made = fast_rules(fast_clause("look", effect, fast_lane=allowed), **LANE)

    [because] = [
        why for name, _, why in said(made, facts(urgency=urgency)) if name == "look"
    ]

    assert replaces is because.endswith("; the fast lane replaces the review")
    notified = decide(facts(urgency=urgency), made, NOW).notifies
    assert replaces is notified


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({"of": "observables"}, []),
        ({"of": "observables", "kind": ["ipv4"], "role": ["victim"]}, []),
        ({"of": "observables", "data_class": ["financial"]}, []),
        ({"of": "observables", "party": ["person"], "minor": True}, ["party", "minor"]),
        ({"of": "victims", "party": ["person"], "consent": ["given"]}, []),
        ({"of": "victims", "minor": False, "kind": ["ipv4"]}, ["kind"]),
        ({"of": "victims", "data_class": ["financial"]}, ["data_class"]),
        ({"of": "suspects", "minor": True, "consent": ["given"]}, ["consent"]),
    ],
    ids=str,
)
def test_words_that_tell_no_items_apart(
    items: dict[str, Any], expected: list[str]
) -> None:
    """What is written of items that are not told apart by it is named."""
    assert sorted(expected) == sorted(without_sense(Items.model_validate(items)))


def test_withheld_items_travel_with_the_decision_only_where_a_clause_has_some(
    facts: FactsOf,
) -> None:
    """Of two clauses that apply, the items of the one that names them stay."""
    made = fast_rules(
        fast_clause("all", "share"),
        fast_clause("mine", "share", withhold_items=[Items(of="suspects")]),
    )

    withheld = decide(facts(), made, NOW).withheld_items

    assert {"suspects"} == {of for of, _ in withheld}
    assert Effect.SHARE is decide(facts(), made, NOW).effect


@pytest.mark.parametrize(
    ("urgency", "expected"),
    [("normal", Effect.REVIEW), ("threat-to-life", Effect.SHARE)],
)
def test_a_safeguard_waits_for_a_person_when_nobody_is_in_danger(
    urgency: str, expected: Effect, facts: FactsOf
) -> None:
    """A safeguard that allows the fast lane asks a person in the normal one."""
    made = fast_rules(
        fast_clause("all", "share"),
        safeguards=(fast_clause("look", "review", fast_lane=True),),
        **LANE,
    )

    assert expected is decide(facts(urgency=urgency), made, NOW).effect
