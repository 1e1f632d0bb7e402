"""In each of 50 shipped rulebooks with one seeded widening, compare finds it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

import pytest

from broker import redact
from broker.canonical import dumps
from broker.errors import RulebookError
from broker.model.decision import Effect
from broker.model.incident import Incident
from broker.model.rsit import RSIT_TYPES
from broker.policy import Facts, decide, facts_of
from broker.prove.compare import compare
from broker.prove.moves import EFFECTS
from broker.prove.side import Side, side_of
from tests import world

WANTED: Final = 50
OF_CLAUSES: Final = 30
NOW: Final = world.NOW
SHIPPED: Final = side_of(world.files(), world.rulebook())
_RANK: Final = {Effect.WITHHOLD: 0, Effect.REVIEW: 1, Effect.SHARE: 2}


@dataclass(frozen=True)
class Mutation:
    """One change of one file, found at random."""

    file: str
    text: str

    def side(self) -> Side | None:
        """Return the rulebook with it, if it is one at all."""
        files = {**world.files(), self.file: self.text.encode()}
        try:
            return side_of(files)
        except RulebookError:
            return None


_CLAUSE_EDITS: Final = (
    (r"severity_at_least: (medium|high|critical)", "severity_at_least: low"),
    (r"tlp_at_most: (clear|green|amber)\b", "tlp_at_most: amber"),
    (r"effect: review", "effect: share"),
    (r"effect: withhold", "effect: review"),
    (r"effect: withhold", "effect: share"),
    (r"financial_loss: true, ?", ""),
    (r"\n +financial_loss: true(?=\n)", ""),
    (r"tlp_at_least: (amber\+strict|red)", "tlp_at_least: red"),
    (r"has_observable_kind_in: \[", "has_observable_kind_in: [ipv4, url, "),
    (
        r"classification_in:\n( +)- ",
        r"classification_in:\n\1- availability/outage\n\1- ",
    ),
    (r"category_in: \[fraud\]", "category_in: [fraud, vulnerable, availability]"),
    (r"until: 2028-12-31", "until: 2031-12-31"),
    (r"from: 2026-01-01", "from: 2024-01-01"),
    (r"minor_involved: true", "minor_involved: false"),
    (r"victim_consent_in: \[refused\]", "victim_consent_in: [no-victim]"),
)
_CLAUSE_FILES: Final = (
    "policies/agreements/fiu.yaml",
    "policies/agreements/kp-cybercrime.yaml",
    "policies/agreements/special-prosecution.yaml",
    "policies/safeguards.yaml",
)
_PROFILES: Final = ("financial", "investigation", "prosecution")


def of_clauses(rng: random.Random) -> Iterator[Mutation]:
    """Yield changes of clauses and safeguards, each at one random place."""
    while True:
        file = rng.choice(_CLAUSE_FILES)
        text = world.files()[file].decode()
        if "\nnever:" in text:
            # Statements are not what is seeded here: they would only refuse it.
            text = text[: text.index("\nnever:")] + "\n"
        pattern, replacement = rng.choice(_CLAUSE_EDITS)
        places = list(re.finditer(pattern, text))
        if places:
            place = rng.choice(places)
            new = place.expand(replacement)
            yield Mutation(file, text[: place.start()] + new + text[place.end() :])


def of_profiles(rng: random.Random) -> Iterator[Mutation]:
    """Yield profiles in which one field, or one sort of item, is kept."""
    while True:
        file = f"policies/profiles/{rng.choice(_PROFILES)}.yaml"
        text = world.files()[file].decode()
        pattern = (
            r"(?<=: )withhold(?=\n)|(?<=method: )(withhold|pseudonym|mask)(?=[,}])"
        )
        place = rng.choice(list(re.finditer(pattern, text)))
        yield Mutation(file, f"{text[: place.start()]}keep{text[place.end() :]}")


@cache
def grid() -> tuple[Facts, ...]:
    """Return the facts of many incidents, put together from the ways there are."""
    extras: tuple[dict[str, Any], ...] = (
        {},
        {"financial_loss": {"amount": "100.00"}},
        {"victims": [{"kind": "person", "consent": "refused"}]},
        {"victims": [{"kind": "person", "consent": "given", "minor": True}]},
        {"observables": [{"kind": "url", "value": "http://a.example/"}]},
        {"observables": [{"kind": "btc", "value": "1A", "role": "attacker"}]},
    )
    made: list[Facts] = []
    for name, severity, tlp, urgency, extra in product(
        RSIT_TYPES,
        ("low", "medium", "high"),
        ("amber", "amber+strict", "red"),
        ("normal", "threat-to-life"),
        extras,
    ):
        fields = {
            "uid": "GRID-1",
            "revision": 1,
            "revised_at": "2026-06-14T09:00:00Z",
            "title": "A title",
            "classification": name,
            "severity": severity,
            "tlp": tlp,
            "urgency": urgency,
            **extra,
        }
        made.append(facts_of(Incident.model_validate_json(dumps(fields)), NOW))
    return tuple(made)


MOMENTS: Final = (NOW, NOW.replace(year=2025), NOW.replace(year=2030))


def effects(side: Side) -> list[list[int]]:
    """Return how open every agreement is for every incident of the grid."""
    return [
        [
            _RANK[decide(facts, route.rules, at).effect]
            for route in side.routes
            for at in MOMENTS
        ]
        for facts in grid()
    ]


@cache
def shipped_effects() -> list[list[int]]:
    return effects(SHIPPED)


def widened(side: Side) -> set[str]:
    """Return the recipients to whom the grid says that more is shared or held."""
    names = [r.recipient.recipient for r in SHIPPED.routes for _ in MOMENTS]
    return {
        name
        for was, now in zip(shipped_effects(), effects(side), strict=True)
        for name, before, after in zip(names, was, now, strict=True)
        if after > before
    }


def kept(side: Side) -> set[tuple[str, str]]:
    """Return the fields of a full incident that each recipient sees as they are."""
    incident = Incident.model_validate_json(world.raw(world.incident()))
    return {
        (recipient, entry.field)
        for recipient in world.RECIPIENTS
        for route in side.to(recipient)
        for entry in redact.project(
            incident, route.plan, world.keys().recipients[recipient]
        ).ledger()
        if entry.outcome == "kept"
    }


@cache
def seeded() -> tuple[tuple[Side, set[str]], ...]:
    """Return rulebooks of which it is known, without compare, that they widen."""
    rng = random.Random(20261122)
    found: list[tuple[Side, set[str]]] = []
    seen: set[Mutation] = set()
    for mutation in of_clauses(rng):
        side = None if mutation in seen else mutation.side()
        seen.add(mutation)
        recipients = widened(side) if side else set()
        if side and recipients:
            found.append((side, recipients))
        if len(found) == OF_CLAUSES:
            break
    for mutation in of_profiles(rng):
        side = None if mutation in seen else mutation.side()
        seen.add(mutation)
        if side and kept(side) - kept(SHIPPED):
            found.append((side, set()))
        if len(found) == WANTED:
            return tuple(found)
    raise AssertionError("random choices do not end")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(WANTED))
def test_a_seeded_widening_is_found(number: int) -> None:
    """Compare reports it, to every recipient concerned, and its witness shows it."""
    side, recipients = seeded()[number]
    found = compare(SHIPPED, side)

    assert found.widens
    assert recipients <= {each.recipient for each in found.verdicts if each.widens}
    for change in found.verdicts:
        pair = change.trial.old.effect, change.trial.new.effect
        assert EFFECTS[change.move] == pair, change
    if not recipients:
        [first, *_] = [each for each in found.fields if each.widens]
        field = first.fields[0].replace("[]", "[0]", 1)
        names = {first.fields[0], field}
        shown = {became for name, became in first.trial.new.outcomes if name in names}
        assert {"kept"} == shown
