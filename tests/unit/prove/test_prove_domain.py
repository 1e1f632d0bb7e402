"""The finite domain tells apart what conditions tell apart, and knows what can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.model.agreement import When
from broker.model.incident import Incident
from broker.model.presence import OPTIONAL_FIELDS
from broker.policy import facts_of
from broker.policy.conditions import CONDITIONS
from broker.prove.diagram import EMPTY
from broker.prove.domain import Domain
from broker.prove.facts import ASKS, FACTS, questions
from broker.prove.verdict import asked_by
from broker.prove.witness import Wanted, can_have, witness
from tests import strategies, world
from tests.cells import cell
from tests.edited import side

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
KINDS = world.rulebook().tables.kinds


def test_every_condition_has_a_domain() -> None:
    """A condition that is added to the closed set must say what it asks about."""
    assert set(CONDITIONS) == set(ASKS)
    assert set(ASKS.values()) <= set(FACTS)


def facts(incident: dict[str, Any]) -> Any:
    """Return the facts of an incident, with its optional fields as a set."""
    found = facts_of(Incident.model_validate_json(world.raw(incident)), NOW)
    there = frozenset(path for path in OPTIONAL_FIELDS if path in found.fields)
    return replace(found, fields=there)


@given(
    strategies.incidents(),
    st.lists(strategies.conditions(), min_size=1, max_size=3),
)
@settings(deadline=None)
def test_an_incident_is_in_the_cells_of_its_conditions(
    incident: dict[str, Any], whens: list[When]
) -> None:
    """A condition holds of an incident exactly if its cell is where it holds."""
    found = facts(incident)
    asked = [question for when in whens for question in questions(when)]
    domain = Domain(asked, KINDS)
    where = cell(domain, found, NOW)

    assert domain.space.has(domain.possible, where)
    for question in asked:
        check = CONDITIONS[question.name](question.bound)
        assert check(found) == domain.space.has(domain.holds(question), where)


@given(st.lists(strategies.conditions(), min_size=1, max_size=3), st.randoms())
@settings(deadline=None)
def test_every_possible_cell_has_an_incident(whens: list[When], rng: Any) -> None:
    """The witness of a set is a real incident whose cell is in the set."""
    asked = [question for when in whens for question in questions(when)]
    domain = Domain(asked, KINDS)
    space = domain.space
    target = domain.possible
    for question in rng.sample(asked, rng.randint(0, len(asked))):
        node = domain.holds(question)
        smaller = space.both(target, rng.choice([node, space.inverse(node)]))
        target = smaller if smaller != EMPTY else target
    if target == EMPTY:
        return
    shown = witness(domain, target, KINDS)
    read = Incident.model_validate_json(world.raw(shown.incident))
    found = facts_of(read, shown.at)
    there = frozenset(path for path in OPTIONAL_FIELDS if path in found.fields)
    where = cell(domain, replace(found, fields=there), shown.at)

    assert space.has(target, where)


def test_what_cannot_be_is_not_possible() -> None:
    """Victims without consent, a name without a victim: no cell has them."""
    when = When(victim_consent_in=frozenset({"no-victim"}))
    other = When(has_field_in=frozenset({"victims[].name"}))
    asked = [*questions(when), *questions(other)]
    domain = Domain(asked, KINDS)

    assert EMPTY != domain.holds(asked[0])
    assert EMPTY != domain.holds(asked[1])
    assert EMPTY == domain.space.all_of([domain.possible, domain.all_hold(asked)])


@pytest.mark.parametrize(
    ("when", "path", "there"),
    [
        ({"age_days_at_least": 7}, "times.detected",
         {"times": {"detected": "2026-06-01T00:00:00Z"}}),
        ({"financial_loss": True}, "financial_loss.amount",
         {"financial_loss": {"amount": "50"}}),
        ({"confidence_at_least": 50}, "confidence", {"confidence": 70}),
        ({"victim_kind_in": {"person"}}, "victims[].name",
         {"victims": [{"kind": "organisation", "name": "A"}]}),
        ({"victim_sector_in": {"energy"}}, "victims[].sector",
         {"victims": [{"kind": "person", "sector": "banking"}]}),
        ({"has_observable_role_in": {"victim"}}, "observables[].comment",
         {"observables": [{"kind": "ipv4", "value": "192.0.2.1", "comment": "c"}]}),
        ({"source_in": {"csirt"}}, "reporter.kind", {"reporter": {"kind": "person"}}),
        ({"victim_consent_in": {"given"}}, "victims[].name",
         {"victims": [{"kind": "person", "name": "A"}]}),
    ],
    ids=str,
)  # fmt: skip
def test_a_field_is_only_where_facts_say_that_it_is(
    when: dict[str, Any], path: str, there: dict[str, Any]
) -> None:
    """An incident with a field is where it can be; one without all of that is not."""
    plain = {
        "uid": "D-1", "revision": 1, "revised_at": "2026-06-14T09:00:00Z",
        "title": "A", "classification": "fraud/phishing", "tlp": "green",
    }  # fmt: skip
    domain = Domain(questions(When(**when)), KINDS)
    can = can_have(domain, Wanted(path))

    assert domain.space.has(can, cell(domain, facts(plain | there), NOW))
    assert not domain.space.has(can, cell(domain, facts(plain), NOW))


def test_an_embargo_that_has_not_ended_stands_in_its_field() -> None:
    """Nobody is held for an embargo that is not written; one that ended is written."""
    [route, *_] = side().routes
    [there] = questions(When(has_field_in=frozenset({"embargo_until"})))
    domain = Domain([*asked_by(side().party(route)), there], KINDS)
    space = domain.space
    held = space.both(domain.possible, domain.some("embargoed", (True,)))

    assert EMPTY != held
    assert EMPTY == space.but_not(held, domain.holds(there))
    assert EMPTY != space.but_not(
        space.both(domain.possible, domain.holds(there)), held
    )
