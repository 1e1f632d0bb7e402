"""Compare says of every field of every item what redacting under both profiles says."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import pytest

from broker import redact
from broker.canonical import dumps
from broker.model.agreement import Items, Profile, Safeguards
from broker.model.decision import Effect
from broker.model.incident import Incident
from broker.model.known_good import KnownGood, Listed
from broker.policy import compile_rules, compile_safeguards, decide, facts_of
from broker.prove.compare import shared_domain
from broker.prove.listing import Listing
from broker.prove.outcome import Answers, Sort, outcomes
from broker.prove.shown import Difference, Seen, differences
from broker.prove.verdict import Party, verdicts, withheld_items
from broker.prove.witness import Wanted, witness
from broker.redact import compile_plan
from tests import world
from tests.cells import cell
from tests.property.test_compare_brute_force import party
from tests.unit import given

PAIRS: Final = 400
PARTS: Final = 10
FEW: Final = 4
NOW: Final = datetime(2026, 6, 15, 12, tzinfo=UTC)
KINDS: Final = {
    kind: world.rulebook().tables.kinds[kind]
    for kind in ("ipv4", "iban", "url", "email", "domain", "text", "pseudonym")
    if kind in world.rulebook().tables.kinds
}
DOCUMENT: Final = given.document()
KEY: Final = given.key()

RULES: Final[dict[str, tuple[Any, ...]]] = {
    "title": ("keep", "withhold", "mask"),
    "victims[].name": (
        {"method": "pseudonym", "only": {"consent": ["unknown", "refused"]}},
        {"method": "withhold", "only": {"minor": True}},
        {"method": "keep", "only": {"party": ["organisation"]}},
        {"method": "keep", "only": {"consent": ["given"]}},
    ),
    "victims[].contacts.email": (
        {"method": "domain_only", "only": {"consent": ["given"]}},
        {"method": "mask", "only": {"party": ["person"]}},
    ),
    "suspects[].name": (
        {"method": "pseudonym", "only": {"minor": True}},
        {"method": "keep", "only": {"party": ["person"]}},
    ),
    "observables[].value": (
        {"method": "keep", "only": {"role": ["attacker"]}},
        {"method": "keep", "only": {"kind": ["iban"]}},
        {"method": "withhold", "only": {"role": ["victim"]}},
        {"method": "keep", "only": {"data_class": ["technical"]}},
    ),
    "observables[].comment": ({"method": "keep", "only": {"kind": ["ipv4"]}},),
    "financial_loss.amount": ("keep", "withhold"),
    "times.detected": (
        "keep",
        {"method": "coarsen_time", "options": {"to": "day"}},
        {"method": "coarsen_time", "options": {"to": "hour"}},
    ),
    "reporter.name": ("keep", "pseudonym", "withhold"),
}
SIDES: Final = ("observables", "severity", "suspects", "victims", "loss", "reporter")
ITEMS: Final = (
    {"of": "observables", "role": ["victim"]},
    {"of": "observables", "kind": ["iban"]},
    {"of": "observables", "listed": True},
    {"of": "observables", "listed": False, "role": ["victim", "unknown"]},
    {"of": "observables", "listed": True, "kind": ["ipv4", "domain"]},
    {"of": "victims", "consent": ["refused"]},
    {"of": "victims", "minor": True},
    {"of": "suspects"},
)


def _lists(*networks: str, names: tuple[str, ...] = ()) -> Listed:
    return Listed([KnownGood(list="a", title="A", networks=networks, names=names)])


# Of two rulebooks, the lists are mostly the same; what tells them apart must show, too.
LISTS: Final = (
    _lists("192.0.2.0/24", "2001:db8::/32", names=(".example",)),
    _lists("192.0.2.1", "8.8.8.8", names=("verify.example", "a.example")),
)


def profile(rng: random.Random) -> Profile:
    """Return a random profile: a few fields, told apart in random ways."""
    rules: dict[str, Any] = {}
    for path, some in RULES.items():
        last = rng.choice(["keep", "withhold"])
        if isinstance(some[0], str):
            rules[path] = rng.choice(some)
        else:
            rules[path] = [*rng.sample(some, rng.randint(0, min(2, len(some)))), last]
    return given.profile(rules)


def with_items(rng: random.Random, one: Party) -> Party:
    """Return an agreement of which some clauses withhold single items."""
    clauses = tuple(
        clause.model_copy(
            update={"withhold_items": (Items.model_validate(rng.choice(ITEMS)),)}
        )
        if rng.random() < 0.4
        else clause
        for clause in one.agreement.clauses
    )
    agreement = one.agreement.model_copy(update={"clauses": clauses})
    return Party(agreement, one.recipient, one.safeguards)


@cache
def incidents() -> tuple[Incident, ...]:
    """Return incidents with many sorts of items, some of them without others."""
    rng = random.Random(7)
    full = world.incident(embargo_until=None)
    full["observables"] = [
        {"kind": kind, "value": value, "role": role, "comment": f"about {kind}"}
        for kind, value in (
            ("ipv4", "192.0.2.1"),
            ("iban", "XK099999000000000111"),
            ("email", "a@b.example"),
            ("ipv4", "192.0.2.99"),
            ("ipv4", "8.8.8.8"),
            ("domain", "a.example"),
            ("domain", "a.test"),
            ("url", "http://192.0.2.1/"),
        )
        for role in ("attacker", "victim", "unknown")
    ]
    full["victims"] = [
        {
            "kind": kind,
            "consent": consent,
            "minor": minor,
            "name": f"N {kind} {consent} {minor}",
            "contacts": {"email": "v@w.example"},
        }
        for kind in ("person", "organisation")
        for consent in ("given", "unknown", "refused")
        for minor in (False, True)
    ]
    full["suspects"] = [
        {"kind": "person", "name": "S", "minor": minor} for minor in (False, True)
    ]
    made: list[Incident] = []
    for number in range(60):
        one = deepcopy(full)
        for name in ("observables", "victims", "suspects"):
            one[name] = rng.sample(one[name], rng.randint(0, min(3, len(one[name]))))
        for name in ("financial_loss", "reporter", "times"):
            if rng.random() < 0.4:
                del one[name]
        one["severity"] = rng.choice(["low", "high"])
        one["tlp"] = rng.choice(["clear", "amber"])
        one["uid"] = f"F-{number}"
        made.append(Incident.model_validate_json(dumps(one)))
    return tuple(made)


_INDEX: Final = re.compile(r"^(\w+)\[(\d+)\]")


class Real:
    """One agreement with its profile, as the path itself asks and redacts."""

    def __init__(self, one: Party, seen: Profile, lists: tuple[Listed, ...]) -> None:
        guards = Safeguards(safeguards=one.safeguards)
        common = compile_safeguards(guards, DOCUMENT, KINDS)
        self._rules = compile_rules(
            one.agreement, one.recipient, common, DOCUMENT, KINDS
        )
        self._plan = compile_plan(seen, KINDS, DOCUMENT)
        self._lists = lists

    def with_lists(self, listed: Listed) -> Real:
        """Return the same with the lists of its own rulebook."""
        self._plan = replace(self._plan, listed=listed)
        return self

    def shown(
        self, incident: Incident, at: datetime = NOW
    ) -> dict[tuple[str, Sort], str] | None:
        """Return what becomes of each field and sort of item, if it may leave."""
        decision = decide(facts_of(incident, at), self._rules, at)
        if decision.effect is Effect.WITHHOLD:
            return None
        found: dict[tuple[str, Sort], str] = {}
        seen = redact.project(
            incident, self._plan, KEY, withheld=decision.withheld_items
        )
        for entry in seen.ledger():
            sort = _sort(incident, entry.field, self._lists)
            path = _INDEX.sub(r"\1[]", entry.field)
            assert found.setdefault((path, sort), entry.outcome) == entry.outcome
        return found


def _sort(incident: Incident, field: str, lists: tuple[Listed, ...]) -> Sort:
    found = _INDEX.match(field)
    if found is None:
        return Sort("")
    part, index = found[1], int(found[2])
    item = getattr(incident, part)[index]
    match part:
        case "victims":
            return Sort(part, (item.kind, item.consent, item.minor))
        case "suspects":
            return Sort(part, (item.kind, item.minor))
        case "observables":
            return Sort(part, (item.kind, item.role), _answers(item, lists))
    return Sort("")


def _answers(item: Any, lists: tuple[Listed, ...]) -> Answers:
    shape = KINDS[item.kind].shape
    return tuple(each.holds(shape, item.value) is True for each in lists)


def check(seed: int) -> int:
    """Compare one random pair of agreements and profiles in both ways."""
    rng = random.Random(seed)
    sides = sorted(rng.sample(SIDES, 2))
    old, new = (with_items(rng, party(rng, sides)) for _ in range(2))
    if rng.random() < 0.5:
        new = old
    was, now = profile(rng), profile(rng)
    lists = rng.choice(LISTS), rng.choice(LISTS)
    listing = Listing(lists, KINDS)
    domain = shared_domain([old, new], KINDS)
    space = domain.space
    held = [verdicts(each, domain).withhold for each in (old, new)]
    reach = space.but_not(domain.possible, space.either(*held))
    seen = [
        Seen(outcomes(one, KINDS, DOCUMENT), withheld_items(each, domain, KINDS), at)
        for at, (one, each) in enumerate(((was, old), (now, new)))
    ]
    found = list(differences(domain, seen[0], seen[1], reach, listing))
    real = (
        Real(old, was, lists).with_lists(lists[0]),
        Real(new, now, lists).with_lists(lists[1]),
    )
    differing = 0
    for incident in incidents():
        before, after = real[0].shown(incident), real[1].shown(incident)
        if before is None or after is None:
            continue
        where = cell(domain, facts_of(incident, NOW), NOW)
        true = {
            (path, sort, outcome, after[path, sort])
            for (path, sort), outcome in before.items()
            if outcome != after[path, sort]
        }
        differing += len(true)
        said = {
            (each.path, sort, each.old.method, each.new.method)
            for each in found
            if each.old.method != each.new.method and space.has(each.cells, where)
            for sort in _meant(each, before)
        }
        assert true == said, (seed, incident.uid)
    for each in rng.sample(found, min(len(found), 5)):
        _confirm(seed, domain, real, each, listing)
    return differing


def _meant(each: Difference, shown: dict[tuple[str, Sort], str]) -> Iterator[Sort]:
    """Yield the sorts of items there that a difference is about."""
    for path, sort in shown:
        plain = replace(sort, listed=()) if not each.sort.listed else sort
        if path == each.path and plain == each.sort:
            yield sort


def _confirm(
    seed: int,
    domain: Any,
    real: tuple[Real, Real],
    each: Difference,
    listing: Listing,
) -> None:
    """Check that the witness of a difference has the field, and shows it."""
    wanted = Wanted(each.path, each.sort.item(), listing.value(each.sort))
    made = witness(domain, each.cells, KINDS, wanted)
    incident = Incident.model_validate_json(dumps(made.incident))
    for one, outcome in zip(real, (each.old, each.new), strict=True):
        shown = one.shown(incident, made.at)

        assert shown is not None, (seed, each)
        seen = {shown[each.path, sort] for sort in _meant(each, shown)}
        assert {outcome.method} == seen, (seed, each)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_fields_are_seen_as_compare_says(part: int) -> None:
    """Of random profiles, each field differs exactly where compare says."""
    totals = [check(part * PAIRS // PARTS + n) for n in range(PAIRS // PARTS)]

    assert sum(1 for differing in totals if differing) > PAIRS // PARTS // 20


@pytest.mark.parametrize("part", range(PARTS))
def test_a_few_fields_are_seen_as_compare_says(part: int) -> None:
    """The same of a few other profiles: a quick look that tells of most mistakes."""
    for number in range(FEW):
        check(PAIRS + part * FEW + number)
