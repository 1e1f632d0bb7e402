"""Facts about the verdict: what decides, and what only makes it stricter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest
from hypothesis import given as given_examples
from hypothesis import settings
from hypothesis import strategies as st

from broker.model.agreement import Clause
from broker.model.decision import Decision, Effect
from broker.model.incident import PartyKind, Role, Status
from broker.model.marking import Pap, Tlp
from broker.policy import Facts, Rules, decide
from tests.strategies import facts as any_facts
from tests.unit import given
from tests.unit.given import NOW

FactsOf = Callable[..., Facts]
RulesOf = Callable[..., Rules]
ClauseOf = Callable[..., Clause]
SHARE, REVIEW, WITHHOLD = Effect


def _found(decision: Decision) -> set[str]:
    return {finding.clause for finding in decision.findings if finding.matched}


def test_without_a_clause_is_withheld(facts: FactsOf, rules: RulesOf) -> None:
    """An agreement without clauses shares nothing."""
    assert WITHHOLD is decide(facts(), rules(), NOW).effect


def test_without_a_match_is_withheld(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """An incident that no clause is about is withheld, and no clause is named."""
    made = rules(clause("ddos", "share", classification_in={"availability/ddos"}))

    decision = decide(facts(), made, NOW)

    assert WITHHOLD is decision.effect
    assert () == decision.clauses


def test_clause_without_conditions_matches(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """A clause without conditions is about every incident, and says so."""
    decision = decide(facts(), rules(clause("all", "share")), NOW)

    assert ("all",) == decision.clauses
    assert "it has no conditions" == decision.findings[0].because


@pytest.mark.parametrize("order", list(permutations(Effect)), ids=str)
def test_strictest_clause_wins(
    order: tuple[Effect, ...], facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """Withhold beats review beats share, in whatever order the clauses stand."""
    clauses = [clause(effect.value, effect) for effect in order]

    three = decide(facts(), rules(*clauses), NOW)
    two = decide(facts(), rules(*[c for c in clauses if c.effect < WITHHOLD]), NOW)

    assert (WITHHOLD, ("withhold",)) == (three.effect, three.clauses)
    assert (REVIEW, ("review",)) == (two.effect, two.clauses)


@pytest.mark.parametrize(("own", "guard"), list(product(Effect, [REVIEW, WITHHOLD])))
def test_safeguard_only_makes_stricter(
    own: Effect, guard: Effect, facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """The verdict with a safeguard is the stricter of the agreement's and its own."""
    made = rules(clause("own", own), safeguards=(clause("never", guard),))

    decision = decide(facts(), made, NOW)

    assert max(own.rank, guard.rank) == decision.effect.rank
    assert "safeguard:never" in _found(decision)


def test_safeguard_does_not_lift_the_default(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """A safeguard that asks for review leaves what no clause shares withheld."""
    made = rules(safeguards=(clause("look", "review"),))

    assert WITHHOLD is decide(facts(), made, NOW).effect


def test_finding_names_its_line(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """Every finding of a clause names the file and line where the clause stands."""
    text = "clauses:\n  - id: one\n  - id: two\n"
    made = rules(clause("one", "share"), clause("two", "share"), text=text)

    wheres = [finding.where for finding in decide(facts(), made, NOW).findings]

    lines = ["policies/agreements/kp.yaml:2", "policies/agreements/kp.yaml:3"]
    assert lines == wheres


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-12-31T23:59:59", WITHHOLD),
        ("2026-01-01T00:00:00", SHARE),
        ("2026-12-31T23:59:59", SHARE),
        ("2027-01-01T00:00:00", WITHHOLD),
    ],
)
def test_validity_includes_both_days(
    moment: str, expected: Effect, facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """An agreement is in force from its first day to the end of its last."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    decision = decide(facts(), rules(clause("all", "share")), now)

    assert expected is decision.effect
    assert (expected is WITHHOLD) == ("validity" in _found(decision))


def test_suspended_recipient_gets_nothing(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """A suspended recipient is sent nothing, and the trace says why."""
    decision = decide(facts(), rules(clause("all", "share"), suspended=True), NOW)

    assert WITHHOLD is decision.effect
    assert ("suspended",) == decision.clauses


@pytest.mark.parametrize(("tlp", "allowed"), list(product(Tlp, Tlp)), ids=str)
def test_tlp_above_clearance_is_withheld(
    tlp: Tlp, allowed: Tlp, facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """An incident is withheld exactly when its TLP stands above the clearance."""
    made = rules(clause("all", "share"), clearance=(allowed, "red"))

    decision = decide(facts(tlp=tlp), made, NOW)

    above = list(Tlp).index(tlp) > list(Tlp).index(allowed)
    assert (WITHHOLD if above else SHARE) is decision.effect


@pytest.mark.parametrize(("pap", "allowed"), list(product(Pap, Pap)), ids=str)
def test_pap_above_clearance_is_withheld(
    pap: Pap, allowed: Pap, facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """An incident is withheld exactly when its PAP stands above the clearance."""
    made = rules(clause("all", "share"), clearance=("red", allowed))

    decision = decide(facts(pap=pap), made, NOW)

    above = list(Pap).index(pap) > list(Pap).index(allowed)
    assert (WITHHOLD if above else SHARE) is decision.effect


def test_red_of_two_scales_are_two_ranks() -> None:
    """TLP:RED and PAP:RED are the same word with two ranks."""
    assert Tlp.RED.value == Pap.RED.value
    assert (4, 3) == (Tlp.RED.rank, Pap.RED.rank)


def test_withdrawn_is_withheld(
    facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """A withdrawn incident is withheld whatever the clauses say."""
    decision = decide(facts(status="withdrawn"), rules(clause("all", "share")), NOW)

    assert (WITHHOLD, ("withdrawn",)) == (decision.effect, decision.clauses)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, SHARE), (0, SHARE), (1, REVIEW)]
)
def test_embargo_waits_for_a_person(
    seconds: int, expected: Effect, facts: FactsOf, rules: RulesOf, clause: ClauseOf
) -> None:
    """Until its embargo has ended, an incident needs a person."""
    until = (NOW + timedelta(seconds=seconds)).isoformat()

    decision = decide(facts(embargo_until=until), rules(clause("all", "share")), NOW)

    assert expected is decision.effect


def test_embargo_does_not_lift_the_default(facts: FactsOf, rules: RulesOf) -> None:
    """What no clause shares stays withheld under an embargo."""
    until = (NOW + timedelta(days=1)).isoformat()

    assert WITHHOLD is decide(facts(embargo_until=until), rules(), NOW).effect


@pytest.mark.parametrize(
    ("given_by", "expected"),
    [
        ([], "no-victim"),
        (["given", "given"], "given"),
        (["given", "unknown"], "unknown"),
        (["given", "unknown", "refused"], "refused"),
        (["refused", "given"], "refused"),
    ],
    ids=str,
)
def test_worst_consent_counts_for_all(
    given_by: list[str], expected: str, facts: FactsOf
) -> None:
    """One refusal counts for all victims, then one unknown; no victim is no consent."""
    victims = [{"kind": "person", "consent": consent} for consent in given_by]

    assert expected == facts(victims=victims).victim_consent


def test_facts_are_those_of_the_incident(facts: FactsOf) -> None:
    """Facts hold the sets of kinds and roles, and not the values."""
    made = facts(
        victims=[{"kind": "person"}, {"kind": "person"}],
        observables=[
            {"kind": "ipv4", "value": "192.0.2.1", "role": "attacker"},
            {"kind": "ipv4", "value": "192.0.2.2", "role": "victim"},
        ],
    )

    assert frozenset({PartyKind.PERSON}) == made.victim_kinds
    assert frozenset({"ipv4"}) == made.observable_kinds
    assert frozenset({Role.ATTACKER, Role.VICTIM}) == made.observable_roles
    assert "fraud" == made.category
    assert made.financial_loss is False


def test_effect_of_nothing_is_withhold() -> None:
    """The strictest of no effects at all is withhold."""
    assert WITHHOLD is Effect.strictest([])


@given_examples(facts=any_facts(), now=st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_shipped_agreements_decide_everything(facts: Facts, now: datetime) -> None:
    """No combination of facts makes a shipped agreement stumble or share out of date.

    The verdict is also the strictest of what was found, or withhold without a clause.
    """
    for route in given.shipped().routes:
        decision = decide(facts, route.rules, now)
        valid = route.agreement.valid
        in_force = valid.start <= now.date() <= valid.until
        matched = [f.effect for f in decision.findings if f.matched]

        assert in_force or decision.effect is WITHHOLD
        assert facts.status is not Status.WITHDRAWN or decision.effect is WITHHOLD
        assert facts.tlp is not Tlp.RED or decision.effect is WITHHOLD
        assert decision.effect.rank >= max([e.rank for e in matched], default=2)
