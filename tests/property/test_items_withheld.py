"""Items that a clause withholds: never more is seen, and the guard knows of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import pipeline, policy, redact
from broker.model.agreement import Clause, Items, Safeguards
from broker.model.decision import Effect
from broker.model.incident import Consent, Incident, PartyKind, Role
from broker.model.marking import DataClass
from broker.model.sharing import NO_HISTORY, State
from broker.policy import Rules
from broker.rulebook import Rulebook
from broker.strict_yaml import load, parse
from tests import world
from tests.strategies import KINDS, realistic, shared_markings

POLICE = "policies/agreements/kp-cybercrime.yaml"
SAFEGUARDS = "policies/safeguards.yaml"
_COMMON = policy.compile_safeguards(
    load(parse(SAFEGUARDS, world.files()[SAFEGUARDS]), Safeguards),
    parse(SAFEGUARDS, world.files()[SAFEGUARDS]),
    KINDS,
)
EVERYTHING = (Items(of="observables"), Items(of="victims"), Items(of="suspects"))


def _some(values: Any) -> st.SearchStrategy[frozenset[Any] | None]:
    return st.none() | st.frozensets(st.sampled_from(values), min_size=1, max_size=3)


def items() -> st.SearchStrategy[Items]:
    """Return any line of ``withhold_items``."""
    party, minor = _some(list(PartyKind)), st.none() | st.booleans()
    return (
        st.builds(
            Items,
            of=st.just("observables"),
            kind=_some(sorted(KINDS)),
            data_class=_some(list(DataClass)),
            role=_some(list(Role)),
            listed=st.none() | st.booleans(),
        )
        | st.builds(
            Items,
            of=st.just("victims"),
            party=party,
            minor=minor,
            consent=_some(list(Consent)),
        )
        | st.builds(Items, of=st.just("suspects"), party=party, minor=minor)
    )


lines = st.lists(items(), min_size=1, max_size=3).map(tuple)
shared = realistic(classification=st.just("fraud/phishing"), **shared_markings)


def rules(*clauses: Clause) -> Rules:
    """Return the rules of the police's agreement with these clauses."""
    route = world.route("kp-misp")
    agreement = route.agreement.model_copy(update={"clauses": clauses})
    return policy.compile_rules(
        agreement, route.recipient, _COMMON, route.document, KINDS
    )


def clause(name: str, withheld: tuple[Items, ...] = ()) -> Clause:
    """Return a clause that shares everything but these items."""
    return Clause(id=name, cites="art. 1", effect=Effect.SHARE, withhold_items=withheld)


@cache
def book(withheld: tuple[Items, ...]) -> Rulebook:
    """Return the shipped rulebook with the police alone, sharing all but items."""
    route = replace(
        world.route("kp-misp"), rules=rules(clause("all"), clause("some", withheld))
    )
    return replace(world.rulebook(), routes=(route,))


def projected(incident: Incident, withheld: tuple[Items, ...]) -> redact.Redacted:
    """Return what the police would see of an incident."""
    facts = policy.facts_of(incident, world.NOW)
    decision = policy.decide(facts, rules(clause("all", withheld)), world.NOW)
    route, key = world.route("kp-misp"), world.keys().recipients["kp-misp"]
    return redact.project(incident, route.plan, key, withheld=decision.withheld_items)


def values(view: Any) -> Iterator[str]:
    """Yield every text and number of a view."""
    if isinstance(view, Mapping):
        for inner in view.values():
            yield from values(inner)
    elif isinstance(view, list | tuple):
        for inner in view:
            yield from values(inner)
    else:
        yield str(view)


@given(shared, lines)
def test_nothing_more_is_seen(raw: dict[str, Any], withheld: tuple[Items, ...]) -> None:
    """Withholding items shows no value that would not be seen without it."""
    incident = world.receive(raw).incident
    before, after = projected(incident, ()), projected(incident, withheld)

    for part in ("victims", "suspects", "observables"):
        assert len(after.view.get(part, ())) <= len(before.view.get(part, ()))
    for part in ("victims", "suspects"):
        assert all(each in before.view[part] for each in after.view.get(part, ()))
    seen = {
        (each["kind"], each["value"]) for each in before.view.get("observables", ())
    }
    left = {(each["kind"], each["value"]) for each in after.view.get("observables", ())}
    assert left <= seen
    others = set(before.view) - {"victims", "suspects", "observables"}
    assert {name: before.view[name] for name in others} == {
        name: after.view[name] for name in others
    }


@given(shared, lines)
def test_the_ledger_names_the_clause(
    raw: dict[str, Any], withheld: tuple[Items, ...]
) -> None:
    """Every field stands in the ledger as often as without; a withheld item is said."""
    incident = world.receive(raw).incident
    before, after = projected(incident, ()), projected(incident, withheld)

    assert [e.field for e in before.ledger()] == [e.field for e in after.ledger()]
    for old, new in zip(before.ledger(), after.ledger(), strict=True):
        if old != new:
            assert "withheld" == new.outcome
            assert new.where.startswith(POLICE)


@given(shared, lines, lines)
def test_another_clause_brings_no_item_back(
    raw: dict[str, Any], one: tuple[Items, ...], two: tuple[Items, ...]
) -> None:
    """The items of all clauses are added up, in whatever order they stand."""
    facts = policy.facts_of(world.receive(raw).incident, world.NOW)
    first, second = clause("one", one), clause("two", two)

    alone = policy.decide(facts, rules(first), world.NOW).withheld_items
    both = policy.decide(facts, rules(first, second), world.NOW).withheld_items
    turned = policy.decide(facts, rules(second, first), world.NOW).withheld_items

    assert set(alone) <= set(both)
    assert set(both) == set(turned)


@given(shared, lines)
def test_no_share_holds_what_its_items_withhold(
    raw: dict[str, Any], withheld: tuple[Items, ...]
) -> None:
    """What leaves holds no value of an item that stays, or is held by the guard."""
    received = world.receive(raw)
    made = book(withheld)
    [share] = pipeline.disclose(
        received, rulebook=made, keys=world.keys(), history=NO_HISTORY, now=world.NOW
    ).shares

    assert share.state in (State.QUEUED, State.HELD)
    if share.sealed is None:
        return
    assert share.redacted is not None
    gone = {
        received.incident.observables[int(entry.field[12:].partition("]")[0])].value
        for entry in share.redacted.ledger()
        if entry.field.startswith("observables[")
        and entry.field.endswith("].value")
        and entry.where.startswith(POLICE)
    }
    attributes = json.loads(share.sealed.body)["Event"]["Attribute"]
    assert not gone & {attribute["value"] for attribute in attributes}


# By kind: values on the shipped lists, among them some that are in many documents.
LISTED = {
    "ipv4": ("8.8.8.8", "1.1.1.1", "10.0.0.7", "127.0.0.1", "0.0.0.1", "10.0.0.0/16"),
    "ipv6": ("::1", "fe80::1", "2001:4860:4860::8888"),
    "domain": ("dns.google", "duty.kos-cert.example", "kos-cert.example", "a.local"),
    "url": ("http://10.0.0.7/gate", "http://[::1]:8080/"),
    "md5": ("d41d8cd98f00b204e9800998ecf8427e",),
}
pairs = st.sampled_from(sorted(LISTED)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.sampled_from(LISTED[kind]), st.sampled_from(LISTED[kind])
    )
)


@given(shared, pairs, st.sampled_from(Role))
def test_which_listed_value_is_withheld_changes_nothing(
    raw: dict[str, Any], pair: tuple[str, str, str], role: Role
) -> None:
    """What leaves is the same whichever listed value stays here, and if none is there.

    The guard has nothing more to say of it, however common the value is.
    """
    kind, *values_of_it = pair
    made = book((Items(of="observables", listed=True),))
    others = raw.get("observables", [])
    items = ([], *([{"kind": kind, "value": v, "role": role}] for v in values_of_it))
    without, one, other = (
        pipeline.disclose(
            world.receive({**raw, "observables": [*others, *item]}),
            rulebook=made,
            keys=world.keys(),
            history=NO_HISTORY,
            now=world.NOW,
        ).shares[0]
        for item in items
    )

    assert without.breaches == one.breaches == other.breaches
    assert without.state is one.state is other.state
    bodies = [
        (share.sealed or share.draft).body
        for share in (without, one, other)
        if share.sealed or share.draft
    ]
    assert 3 == len(bodies)
    assert 1 == len(set(bodies))


CANARIES = {
    "observables": {"kind": "ipv4", "value": "198.51.100.201", "role": "attacker"},
    "victims": {
        "kind": "organisation",
        "name": "Çmimi i Drejtë sh.p.k.",
        "consent": "given",
    },
    "suspects": {"kind": "person", "name": "Gazmend Dyshuari"},
}


@pytest.mark.parametrize("part", CANARIES)
def test_the_guard_finds_a_planted_item(part: str) -> None:
    """Where redaction forgets what a clause withholds, the guard holds the document."""
    incident = world.incident(
        **{**{name: [] for name in CANARIES}, part: [CANARIES[part]]}
    )
    received = world.receive(incident)
    of = book((Items.model_validate({"of": part}),))
    whole = redact.project

    def forgets(*arguments: Any, **_named: Any) -> redact.Redacted:
        return whole(*arguments[:4])

    def disclosed() -> Any:
        [share] = pipeline.disclose(
            received, rulebook=of, keys=world.keys(), history=NO_HISTORY, now=world.NOW
        ).shares
        return share

    right = disclosed()
    with patch("broker.redact.project", forgets):
        wrong = disclosed()

    assert (State.QUEUED, ()) == (right.state, right.breaches)
    assert State.HELD is wrong.state
    assert {"withheld-value"} == {breach.rule for breach in wrong.breaches}
    assert all(breach.about.startswith(part) for breach in wrong.breaches)


def test_the_guard_finds_a_planted_listed_value() -> None:
    """The guard looks values up itself: what is forgotten of listed ones, it holds."""
    resolver = {"kind": "ipv4", "value": "8.8.8.8", "role": "infrastructure"}
    received = world.receive(world.incident(observables=[resolver]))
    of = book((Items(of="observables", listed=True),))
    whole = redact.project

    def forgets(*arguments: Any, **_named: Any) -> redact.Redacted:
        return whole(*arguments[:4])

    with patch("broker.redact.project", forgets):
        [share] = pipeline.disclose(
            received,
            rulebook=of,
            keys=world.keys(),
            history=NO_HISTORY,
            now=world.NOW,
        ).shares

    assert State.HELD is share.state
    assert ["observables[].value"] == [breach.about for breach in share.breaches]


def test_a_value_in_two_roles_is_held() -> None:
    """What one line withholds and another shares is one value: a person decides."""
    address = {"kind": "ipv4", "value": "198.51.100.201"}
    incident = world.incident(
        observables=[{**address, "role": "attacker"}, {**address, "role": "victim"}]
    )
    of = book((Items(of="observables", role=frozenset({Role.VICTIM})),))

    [share] = pipeline.disclose(
        world.receive(incident),
        rulebook=of,
        keys=world.keys(),
        history=NO_HISTORY,
        now=world.NOW,
    ).shares

    assert State.HELD is share.state
    assert ["observables[].value"] == [breach.about for breach in share.breaches]


def test_everything_can_be_withheld() -> None:
    """An incident whose items all stay still leaves as a case."""
    [share] = pipeline.disclose(
        world.receive(world.incident()),
        rulebook=book(EVERYTHING),
        keys=world.keys(),
        history=NO_HISTORY,
        now=world.NOW,
    ).shares

    assert share.redacted is not None
    assert not {"victims", "suspects", "observables"} & set(share.redacted.view)
