"""Facts about the fast lane, the hold-back and the items that a clause withholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.model.agreement import Agreement, Clause, Items, Recipient, Safeguards, When
from broker.model.decision import Decision, Effect
from broker.policy import Facts, Rules, compile_rules, compile_safeguards, decide
from tests.unit import given
from tests.unit.given import NOW
from tests.unit.policy.conftest import AGREEMENT, RECIPIENT

FactsOf = Callable[..., Facts]
SHARE, REVIEW, WITHHOLD = Effect
LANE = {"fast_lane": {"cites": "art. 7"}}


def rules(
    *clauses: Clause, safeguards: tuple[Clause, ...] = (), **changes: Any
) -> Rules:
    """Return the rules of an agreement with these clauses and changes."""
    agreement = Agreement.model_validate(AGREEMENT | changes)
    clearance = {"clearance": {"tlp": "red", "pap": "red"}}
    return compile_rules(
        agreement.model_copy(update={"clauses": clauses}),
        Recipient.model_validate(RECIPIENT | clearance),
        compile_safeguards(
            Safeguards(safeguards=safeguards),
            given.document("policies/safeguards.yaml"),
            given.kinds(),
        ),
        given.document("policies/agreements/kp.yaml"),
        given.kinds(),
    )


def clause(name: str, effect: str, **changes: Any) -> Clause:
    """Return a clause; what is not a field of it is a condition."""
    own = {
        key: changes.pop(key)
        for key in ("fast_lane", "withhold_items")
        if key in changes
    }
    return Clause(id=name, cites="art. 1", effect=effect, when=When(**changes), **own)


@pytest.mark.parametrize(
    ("lane", "allowed", "urgency", "expected"),
    [
        (LANE, True, "threat-to-life", SHARE),
        (LANE, True, "normal", REVIEW),
        (LANE, False, "threat-to-life", REVIEW),
        ({}, True, "threat-to-life", REVIEW),
    ],
)
def test_fast_lane_needs_life_agreement_and_clause(
    lane: dict[str, Any], allowed: bool, urgency: str, expected: Effect, facts: FactsOf
) -> None:
    """A review becomes a notification only where MoU, clause and danger meet."""
    made = rules(clause("look", "review", fast_lane=allowed), **lane)

    decision = decide(facts(urgency=urgency), made, NOW)

    assert expected is decision.effect
    assert (expected is SHARE) is decision.notifies
    assert (("notify", "look") if decision.notifies else ("look",)) == decision.clauses


@pytest.mark.parametrize("allowed", [True, False])
def test_fast_lane_of_a_safeguard(allowed: bool, facts: FactsOf) -> None:
    """A safeguard asks for its review in the fast lane too, unless it allows it."""
    made = rules(
        clause("all", "share"),
        safeguards=(clause("look", "review", fast_lane=allowed),),
        **LANE,
    )

    decision = decide(facts(urgency="threat-to-life"), made, NOW)

    assert (SHARE if allowed else REVIEW) is decision.effect
    assert allowed is decision.notifies


def test_fast_lane_of_a_safeguard_shares_nothing(facts: FactsOf) -> None:
    """A safeguard that steps back does not share what no clause shares."""
    look = clause("look", "review", fast_lane=True)
    ddos = clause("ddos", "share", classification_in={"availability/ddos"})
    urgent = facts(urgency="threat-to-life")

    assert WITHHOLD is decide(urgent, rules(safeguards=(look,), **LANE), NOW).effect
    made = rules(ddos, safeguards=(look,), **LANE)
    assert WITHHOLD is decide(urgent, made, NOW).effect


def test_fast_lane_does_not_beat_a_withhold(facts: FactsOf) -> None:
    """What is withheld stays so, and nobody is told of a sharing that was none."""
    made = rules(
        clause("look", "review", fast_lane=True), clause("never", "withhold"), **LANE
    )

    decision = decide(facts(urgency="threat-to-life"), made, NOW)

    assert (WITHHOLD, False) == (decision.effect, decision.notifies)


def test_fast_lane_honours_the_embargo(facts: FactsOf) -> None:
    """An embargo waits for a person whatever the urgency."""
    until = (NOW + timedelta(hours=1)).isoformat()
    made = rules(clause("look", "review", fast_lane=True), **LANE)

    decision = decide(facts(urgency="threat-to-life", embargo_until=until), made, NOW)

    assert (REVIEW, ("embargo",)) == (decision.effect, decision.clauses)


@pytest.mark.parametrize(
    ("age", "expected"), [(0, REVIEW), (2, REVIEW), (3, SHARE), (None, REVIEW)]
)
def test_hold_back_counts_days(
    age: int | None, expected: Effect, facts: FactsOf
) -> None:
    """What is newer than the agreement's hold-back, or of no stated time, waits."""
    made = rules(
        clause("all", "share"), embargo={"cites": "art. 5", "hold_back_days": 3}
    )

    decision = decide(replace(facts(), age_days=age), made, NOW)

    assert expected is decision.effect
    assert ("hold-back" in decision.clauses) is (expected is REVIEW)


def withheld(decision: Decision, of: str) -> set[Any]:
    """Return the sorts of items of a list that stay here."""
    return {told for name, told in decision.withheld_items if name == of}


@pytest.mark.parametrize(
    ("items", "sort", "stays"),
    [
        ({"of": "observables", "role": ["victim"]}, ("ipv4", "victim"), True),
        ({"of": "observables", "role": ["victim"]}, ("ipv4", "attacker"), False),
        ({"of": "observables", "kind": ["iban"]}, ("iban", "unknown"), True),
        ({"of": "observables", "kind": ["iban"]}, ("ipv4", "unknown"), False),
        ({"of": "observables", "data_class": ["financial"]}, ("iban", "victim"), True),
        ({"of": "observables", "data_class": ["financial"]}, ("ipv4", "victim"), False),
        ({"of": "victims"}, ("person", "given", False), True),
        (
            {"of": "victims", "party": ["person"]},
            ("organisation", "given", False),
            False,
        ),
        ({"of": "victims", "consent": ["refused"]}, ("person", "refused", True), True),
        ({"of": "victims", "minor": False}, ("person", "given", True), False),
        ({"of": "suspects", "minor": True}, ("person", True), True),
        ({"of": "suspects", "minor": True}, ("person", False), False),
    ],
    ids=str,
)
def test_items_are_withheld_by_their_sort(
    items: dict[str, Any], sort: tuple[Any, ...], stays: bool, facts: FactsOf
) -> None:
    """An item stays here exactly when all that the line says holds for it."""
    one = Items.model_validate(items)
    made = rules(clause("some", "share", withhold_items=(one,)))

    decision = decide(facts(), made, NOW)

    assert SHARE is decision.effect
    assert stays is (sort in withheld(decision, items["of"]))


def test_items_of_every_matching_clause_are_withheld(facts: FactsOf) -> None:
    """The strictest of all matching clauses counts for each item."""
    victims, iban = Items(of="victims"), Items(of="observables", kind={"iban"})
    made = rules(
        clause("plain", "share"),
        clause("one", "share", withhold_items=(victims,)),
        clause("two", "review", withhold_items=(iban,)),
        clause(
            "no",
            "share",
            withhold_items=(Items(of="suspects"),),
            severity_at_least="critical",
        ),
    )

    decision = decide(facts(severity="high"), made, NOW)

    assert {"victims", "observables"} == {of for of, _ in decision.withheld_items}
    assert {"iban"} == {kind for kind, _ in withheld(decision, "observables")}


def test_items_name_the_line_that_withholds_them(facts: FactsOf) -> None:
    """The register can say which line of the agreement kept an item back."""
    text = (
        "clauses:\n  - id: one\n    withhold_items:\n      - of: victims\n"
        "      - of: suspects\n"
    )
    both = (Items(of="victims"), Items(of="suspects"))
    made = compile_rules(
        Agreement.model_validate(AGREEMENT).model_copy(
            update={"clauses": (clause("one", "share", withhold_items=both),)}
        ),
        Recipient.model_validate(RECIPIENT),
        compile_safeguards(
            Safeguards(safeguards=()),
            given.document("policies/safeguards.yaml"),
            given.kinds(),
        ),
        given.document("policies/agreements/kp.yaml", text),
        given.kinds(),
    )

    lines = {
        of: where
        for (of, _), where in decide(facts(), made, NOW).withheld_items.items()
    }

    expected = {
        "victims": "policies/agreements/kp.yaml:4",
        "suspects": "policies/agreements/kp.yaml:5",
    }
    assert expected == lines


def test_a_withheld_incident_has_no_items(facts: FactsOf) -> None:
    """Where nothing leaves, nothing is withheld item by item."""
    made = rules(
        clause("one", "share", withhold_items=(Items(of="victims"),)),
        clause("no", "withhold"),
    )

    assert {} == dict(decide(facts(), made, NOW).withheld_items)
