"""Facts about what a hearing tells of agreements that have nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.model.agreement import Clause
from broker.model.incident import Status, Urgency
from broker.model.marking import Pap, Tlp
from broker.policy import Facts, Hearing, Rules, Topic, decide
from tests.unit.given import NOW
from tests.unit.policy.test_policy_lanes import clause
from tests.unit.policy.test_policy_lanes import rules as with_changes

FactsOf = Callable[..., Facts]
RulesOf = Callable[..., Rules]


def ddos(effect: str = "share") -> Clause:
    """Return a clause that no incident of these tests is about."""
    return clause("ddos", effect, classification_in={"availability/ddos"})


def test_the_topic_is_what_counts_for_all(facts: FactsOf) -> None:
    """Day, type, urgency and both markings are the topic."""
    asked = replace(
        facts(), tlp=Tlp.GREEN, pap=Pap.AMBER, urgency=Urgency.THREAT_TO_LIFE
    )

    topic = Hearing(asked, NOW).topic

    assert topic == Topic(NOW.date(), asked.classification, True, Tlp.GREEN, Pap.AMBER)


@pytest.mark.parametrize(
    ("changed", "is_asked"),
    [
        ({}, False),
        ({"status": Status.CLOSED}, False),
        ({"status": Status.WITHDRAWN}, True),
        ({"embargo_until": NOW - timedelta(seconds=1)}, False),
        ({"embargo_until": NOW}, False),
        ({"embargo_until": NOW + timedelta(seconds=1)}, True),
    ],
    ids=str,
)
def test_an_incident_that_waits_or_was_taken_back_has_none(
    facts: FactsOf, changed: dict[str, Any], is_asked: bool
) -> None:
    """Of an incident that is withdrawn or under embargo every agreement is asked."""
    hearing = Hearing(replace(facts(), **changed), NOW)

    assert is_asked == (hearing.topic is None)


def test_an_agreement_without_a_clause_for_the_type_denies(
    facts: FactsOf, rules: RulesOf
) -> None:
    """What is said beforehand is what the agreement decides."""
    made = rules(ddos())

    denied = Hearing(facts(), NOW).denied(made)

    assert denied is not None
    assert decide(facts(), made, NOW) == denied


def test_an_agreement_with_a_clause_for_the_type_is_asked(
    facts: FactsOf, rules: RulesOf
) -> None:
    """Where a clause may apply, nothing is said beforehand."""
    made = rules(clause("severe", "share", severity_at_least="critical"))

    assert Hearing(facts(), NOW).denied(made) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"embargo": {"cites": "art. 5", "hold_back_days": 3}},
        {"valid": {"from": "2027-01-01", "until": "2027-12-31"}},
    ],
    ids=str,
)
def test_what_else_speaks_against_it_is_asked(
    facts: FactsOf, changes: dict[str, Any]
) -> None:
    """An agreement that holds back, or is not in force, says why by itself."""
    made = with_changes(ddos(), **changes)

    assert Hearing(facts(), NOW).denied(made) is None


def test_above_the_clearance_is_asked(facts: FactsOf, rules: RulesOf) -> None:
    """A marking above what the recipient may see is a finding of its own."""
    made = rules(ddos(), clearance=("clear", "clear"))

    assert Hearing(facts(tlp="amber", pap="amber"), NOW).denied(made) is None


@pytest.mark.parametrize(("severity", "speaks"), [("critical", True), ("low", False)])
def test_a_safeguard_speaks_up_when_it_applies(
    facts: FactsOf, rules: RulesOf, severity: str, speaks: bool
) -> None:
    """Safeguards are asked of each incident, whatever the topic."""
    guard = clause("severe", "review", severity_at_least="critical")
    hearing = Hearing(facts(severity=severity), NOW)

    asked = hearing.safeguards_of(rules(ddos(), safeguards=(guard,)))

    assert speaks is hearing.speaks_up(asked)


def test_a_safeguard_about_other_types_is_silent(
    facts: FactsOf, rules: RulesOf
) -> None:
    """A safeguard that the type rules out does not apply, and nothing waits for it."""
    guard = clause("ddos", "review", classification_in={"availability/ddos"})
    hearing = Hearing(facts(), NOW)

    asked = hearing.safeguards_of(rules(ddos(), safeguards=(guard,)))

    assert not hearing.speaks_up(asked)


def test_the_fast_lane_has_its_own_safeguards(facts: FactsOf) -> None:
    """In danger to life the safeguards of that lane are asked."""
    guard = clause("look", "review", fast_lane=True)
    made = with_changes(ddos(), safeguards=(guard,), fast_lane={"cites": "art. 7"})

    assert made.fast.safeguards is not made.normal.safeguards
    for urgent, lane in ((True, made.fast), (False, made.normal)):
        urgency = Urgency.THREAT_TO_LIFE if urgent else Urgency.NORMAL
        hearing = Hearing(replace(facts(), urgency=urgency), NOW)
        kind = facts().classification

        assert lane.safeguards[kind] is hearing.safeguards_of(made)
