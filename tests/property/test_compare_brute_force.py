"""Compare says of every incident what asking both rulebooks says of it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any, Final

import pytest

from broker.canonical import dumps
from broker.model.agreement import (
    Clause,
    Embargo,
    FastLane,
    Recipient,
    Safeguards,
    When,
)
from broker.model.decision import Effect
from broker.model.incident import Incident
from broker.model.presence import OPTIONAL_FIELDS
from broker.policy import (
    Facts,
    Rules,
    compile_rules,
    compile_safeguards,
    decide,
    facts_of,
)
from broker.prove.compare import shared_domain
from broker.prove.diagram import EMPTY, FULL
from broker.prove.domain import Domain
from broker.prove.moves import EFFECTS, Move, Moved, moved
from broker.prove.verdict import Party, Verdicts, verdicts
from broker.prove.witness import witness
from tests import world
from tests.cells import cell
from tests.unit import given

PAIRS: Final = 10_000
PARTS: Final = 20
FEW: Final = 10
NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
LATER: Final = datetime(2027, 6, 15, 12, tzinfo=UTC)
KINDS: Final = world.rulebook().tables.kinds
DOCUMENT: Final = given.document()

_BASE: Final[dict[str, Any]] = {
    "uid": "SMALL-1",
    "revision": 1,
    "revised_at": "2026-06-01T09:00:00Z",
    "title": "Small",
    "classification": "fraud/phishing",
    "tlp": "green",
    "pap": "green",
}
_PERSON, _FIRM = {"kind": "person"}, {"kind": "organisation"}


def _victims(*parties: dict[str, Any]) -> dict[str, Any]:
    return {"victims": list(parties)}


def _observables(*pairs: tuple[str, str]) -> dict[str, Any]:
    values = {"ipv4": "192.0.2.1", "iban": "XK099999000000000111", "url": "http://a.b/"}
    return {
        "observables": [
            {"kind": kind, "role": role, "value": values[kind]} for kind, role in pairs
        ]
    }


def _happened(days: int) -> dict[str, Any]:
    moment = NOW - timedelta(days=days)
    return {"times": {"detected": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}}


def _lost(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"financial_loss": {"amount": amount, "currency": currency}}


# What an incident of the small domain may have: for each side of it, the ways that
# there are, and the conditions that tell them apart.
SIDES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "classification": tuple(
        {"classification": each}
        for each in ("fraud/phishing", "fraud/copyright", "other/other", "test/test")
    ),
    "severity": tuple(
        {"severity": each} for each in ("low", "medium", "high", "critical")
    ),
    "tlp": tuple({"tlp": each} for each in ("clear", "amber", "amber+strict", "red")),
    "pap": tuple({"pap": each} for each in ("clear", "amber", "red")),
    "urgency": tuple({"urgency": each} for each in ("normal", "threat-to-life")),
    "status": tuple({"status": each} for each in ("open", "closed", "withdrawn")),
    "confidence": ({}, *({"confidence": each} for each in (0, 49, 50, 51, 100))),
    "victims": (
        {},
        _victims({**_PERSON, "consent": "given"}),
        _victims({**_FIRM, "consent": "unknown", "sector": "Banking"}),
        _victims({**_PERSON, "consent": "refused", "minor": True}),
        _victims(
            {**_PERSON, "consent": "given", "country": "XK"},
            {**_FIRM, "consent": "refused", "country": "AL", "name": "A"},
        ),
    ),
    "suspects": ({}, {"suspects": [{"kind": "person", "minor": True, "name": "B"}]}),
    "loss": ({}, _lost("49.99"), _lost("50"), _lost("50.01"), _lost("50", "ALL")),
    "observables": (
        {},
        _observables(("ipv4", "attacker")),
        _observables(("iban", "victim")),
        _observables(("ipv4", "victim"), ("url", "unknown")),
    ),
    "reporter": ({}, {"reporter": {}}, {"reporter": {"kind": "csirt", "name": "C"}}),
    "age": ({}, _happened(0), _happened(6), _happened(7), _happened(8)),
    "embargo": (
        {},
        {"embargo_until": "2020-01-01T00:00:00Z"},
        {"embargo_until": "2030-01-01T00:00:00Z"},
    ),
}

Choose = Callable[[random.Random], Any]


def _some(*values: Any) -> Choose:
    return lambda rng: frozenset(rng.sample(values, rng.randint(1, len(values))))


def _one(*values: Any) -> Choose:
    return lambda rng: rng.choice(values)


CONDITIONS: Final[dict[str, tuple[tuple[str, Choose], ...]]] = {
    "classification": (
        (
            "classification_in",
            _some("fraud/phishing", "other/other", "fraud/copyright"),
        ),
        ("category_in", _some("fraud", "other", "test")),
    ),
    "severity": (("severity_at_least", _one("low", "medium", "high", "critical")),),
    "tlp": (
        ("tlp_at_most", _one("clear", "green", "amber", "amber+strict", "red")),
        ("tlp_at_least", _one("clear", "green", "amber", "amber+strict", "red")),
    ),
    "pap": (
        ("pap_at_most", _one("clear", "green", "amber", "red")),
        ("pap_at_least", _one("clear", "green", "amber", "red")),
    ),
    "urgency": (("urgency_in", _some("normal", "threat-to-life")),),
    "status": (("status_in", _some("open", "closed", "withdrawn")),),
    "confidence": (
        ("confidence_at_least", _one(0, 50, 51, 100)),
        ("confidence_at_most", _one(0, 49, 50, 100)),
    ),
    "victims": (
        ("victim_consent_in", _some("refused", "unknown", "given", "no-victim")),
        ("victim_kind_in", _some("person", "organisation")),
        ("victim_sector_in", _some("banking", "energy")),
        ("victim_country_in", _some("XK", "AL", "RS")),
        ("minor_involved", _one(True, False)),
        ("has_field_in", _some("victims[]", "victims[].name", "victims[].sector")),
        ("has_no_field_in", _some("victims[]", "victims[].name")),
    ),
    "suspects": (
        ("minor_involved", _one(True, False)),
        ("has_field_in", _some("suspects[]", "suspects[].name", "victims[]")),
        ("has_no_field_in", _some("suspects[]", "suspects[].name")),
    ),
    "loss": (
        ("financial_loss", _one(True, False)),
        ("loss_at_least", _one({"EUR": 50}, {"EUR": 50, "ALL": 50}, {"ALL": 1})),
        ("loss_at_most", _one({"EUR": 50}, {"EUR": 0, "ALL": 50})),
        ("has_field_in", _some("financial_loss", "financial_loss.accounts[]")),
    ),
    "observables": (
        ("has_observable_kind_in", _some("ipv4", "iban", "domain")),
        ("has_observable_role_in", _some("attacker", "victim", "unknown")),
        ("has_field_in", _some("observables[]", "observables[].comment")),
    ),
    "reporter": (
        ("source_in", _some("own", "unknown", "csirt", "person")),
        ("has_field_in", _some("reporter", "reporter.kind", "reporter.name")),
    ),
    "age": (
        ("age_days_at_least", _one(0, 7, 8)),
        ("age_days_at_most", _one(0, 6, 7)),
        ("has_field_in", _some("times.detected", "times.reported")),
        ("has_no_field_in", _some("times.detected", "times.occurred_from")),
    ),
    "embargo": (("has_field_in", _some("embargo_until", "description")),),
}


def test_every_condition_is_drawn() -> None:
    """Each condition of the closed set occurs in the random rulebooks."""
    drawn = {name for some in CONDITIONS.values() for name, _ in some}

    assert set(When.model_fields) == drawn


def _merged(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    whole = dict(_BASE)
    for part in parts:
        whole |= part
    return whole


def _clauses(
    rng: random.Random, sides: list[str], most: int, effects: list[Effect]
) -> tuple[Clause, ...]:
    made: list[Clause] = []
    for number in range(rng.randint(0 if len(effects) == 2 else 1, most)):
        when: dict[str, Any] = {}
        for side in rng.sample(sides, rng.randint(0, len(sides))):
            name, choose = rng.choice(CONDITIONS[side])
            when[name] = choose(rng)
        made.append(
            Clause(
                id=f"c{number}",
                cites="art. 1",
                effect=rng.choice(effects),
                when=When(**when),
                fast_lane=rng.random() < 0.3,
            )
        )
    return tuple(made)


_WITHHOLD_OR_REVIEW = [Effect.REVIEW, Effect.WITHHOLD]
_MOSTLY_SHARE = [Effect.SHARE, Effect.SHARE, Effect.REVIEW, Effect.WITHHOLD]


def party(rng: random.Random, sides: list[str]) -> Party:
    """Return a random agreement about some sides of an incident."""
    shipped = world.route("kp-misp").agreement
    until = rng.choice([date(2026, 12, 31), date(2027, 12, 31)])
    agreement = shipped.model_copy(
        update={
            "valid": shipped.valid.model_copy(update={"until": until}),
            "clauses": _clauses(rng, sides, 4, _MOSTLY_SHARE),
            "fast_lane": FastLane(cites="art. 7") if rng.random() < 0.5 else None,
            "embargo": Embargo(cites="art. 8", hold_back_days=7)
            if rng.random() < 0.1
            else None,
        }
    )
    clearance = {"tlp": rng.choice(["amber", "amber+strict"]), "pap": "amber"}
    shown = world.route("kp-misp").recipient
    recipient = Recipient.model_validate(
        {
            **shown.model_dump(mode="python"),
            "clearance": clearance,
            "suspended": rng.random() < 0.03,
        }
    )
    return Party(agreement, recipient, _clauses(rng, sides, 2, _WITHHOLD_OR_REVIEW))


def altered(rng: random.Random, old: Party, sides: list[str]) -> Party:
    """Return an agreement that differs little, much or not at all."""
    new = party(rng, sides)
    if rng.random() < 0.4:
        return new
    if rng.random() < 0.15:
        return old
    clauses = list(old.agreement.clauses)
    clauses[rng.randrange(len(clauses))] = new.agreement.clauses[0]
    agreement = old.agreement.model_copy(update={"clauses": tuple(clauses)})
    return Party(agreement, old.recipient, old.safeguards)


@dataclass(frozen=True)
class Asked:
    """One incident of the small domain, at one moment."""

    facts: Facts
    at: datetime


@cache
def small(sides: tuple[str, ...], at: datetime) -> tuple[Asked, ...]:
    """Return every incident of the small domain that these sides make."""
    return tuple(
        _asked(Incident.model_validate_json(dumps(_merged(parts))), at)
        for parts in product(*(SIDES[side] for side in sides))
    )


def _asked(incident: Incident, at: datetime) -> Asked:
    facts = facts_of(incident, at)
    there = frozenset(path for path in OPTIONAL_FIELDS if path in facts.fields)
    return Asked(replace(facts, fields=there), at)


def rules_of(one: Party) -> Rules:
    """Return an agreement as the deciding code asks it."""
    safeguards = Safeguards(safeguards=one.safeguards)
    common = compile_safeguards(safeguards, DOCUMENT, KINDS)
    return compile_rules(one.agreement, one.recipient, common, DOCUMENT, KINDS)


def effect(rules: Rules, incident: Asked) -> Effect:
    """Return what the deciding code itself says of an incident."""
    return decide(incident.facts, rules, incident.at).effect


def check(seed: int) -> int:
    """Compare one random pair of agreements in both ways."""
    rng = random.Random(seed)
    sides = sorted(rng.sample(sorted(SIDES), rng.choice([2, 2, 2, 3])))
    old = party(rng, sides)
    new = altered(rng, old, sides)
    incidents = small(tuple(sides), NOW)
    if old.agreement.valid != new.agreement.valid:
        incidents += small(tuple(sides), LATER)
    domain = shared_domain([old, new], KINDS)
    space = domain.space
    both = verdicts(old, domain), verdicts(new, domain)
    found = {each.move: each for each in moved(domain, *both, FULL)}
    rules = rules_of(old), rules_of(new)
    differing = 0
    for incident in incidents:
        pair = effect(rules[0], incident), effect(rules[1], incident)
        where = cell(domain, incident.facts, incident.at)
        assert space.has(domain.possible, where), (seed, incident)
        said = {move for move, each in found.items() if space.has(each.cells, where)}
        true = {move for move, effects in EFFECTS.items() if effects == pair}
        differing += bool(true)
        if said != true:
            # Folded into the boxes of the verdict whose shadow it is.
            assert set() == said, (seed, incident, pair)
            assert any(
                each.shadow
                and space.has(space.any_of(map(space.box, each.boxes)), where)
                for each in found.values()
            ), (seed, incident, pair)
    for move, each in found.items():
        _confirm(seed, domain, rules, move, each.cells)
        _check_boxes(seed, domain, both, each)
    return differing


_SHADOWS: Final = {
    Move.NEWLY_DISCLOSED: Move.NEWLY_HELD,
    Move.NO_LONGER_DISCLOSED: Move.NO_LONGER_HELD,
}


def _check_boxes(
    seed: int, domain: Domain, both: tuple[Verdicts, Verdicts], each: Moved
) -> None:
    """Check that what is said of a move leaves out no incident that makes it.

    Of those that the clauses alone decide about, it says no other; and that the same
    are held is said where some are.
    """
    space, (old, new) = domain.space, both
    said = space.any_of(map(space.box, each.boxes))
    overruled = space.both(old.above, new.above)
    plainly = space.all_of([said, domain.possible, space.inverse(overruled)])
    assert EMPTY == space.but_not(each.cells, said), (seed, each.move)
    assert EMPTY == space.but_not(plainly, each.cells), (seed, each.move)
    held = EMPTY
    if each.move in _SHADOWS:
        was, now = EFFECTS[_SHADOWS[each.move]]
        held = space.all_of([old.of(was), new.of(now), overruled, domain.possible])
    assert each.shadow == (EMPTY != space.both(held, said)), (seed, each.move)


def _confirm(
    seed: int, domain: Domain, rules: tuple[Rules, Rules], move: Move, cells: int
) -> None:
    """Check that the witness of a move makes it, in the eyes of the deciding code."""
    assert cells != EMPTY
    shown = witness(domain, cells, KINDS)
    incident = _asked(Incident.model_validate_json(dumps(shown.incident)), shown.at)
    pair = effect(rules[0], incident), effect(rules[1], incident)
    assert EFFECTS[move] == pair, (seed, shown)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_compare_agrees_with_asking_both_rulebooks(part: int) -> None:
    """Of 10,000 random pairs, every incident and every witness are as compare says."""
    pairs = int(os.environ.get("BESA_TEST_PAIRS", PAIRS)) // PARTS
    totals = [check(part * pairs + number) for number in range(pairs)]

    # Something differs in many of them, or the test would say nothing.
    assert sum(1 for differing in totals if differing) > pairs // 8
    assert sum(1 for differing in totals if not differing) > pairs // 8


@pytest.mark.parametrize("part", range(PARTS))
def test_compare_agrees_of_a_few_pairs(part: int) -> None:
    """The same of a few other pairs: a quick look that tells of most mistakes."""
    for number in range(FEW):
        check(PAIRS + part * FEW + number)
