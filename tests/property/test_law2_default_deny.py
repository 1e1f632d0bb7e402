"""Law 2: what nobody allowed is not shared, neither an incident nor a field."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import policy, redact
from broker.errors import RulebookError
from broker.model.agreement import (
    Agreement,
    Clause,
    Profile,
    Recipient,
    Safeguards,
    When,
)
from broker.model.decision import Decision, Effect
from broker.model.incident import Status
from broker.model.marking import Pap, Tlp
from broker.model.sharing import KEPT
from broker.policy import Facts, Loss
from broker.redact.methods.mask import MASK
from broker.strict_yaml import Document, load, parse
from tests import world
from tests.profiles import (
    DECLARED,
    document,
    places,
    plan_of,
    profiles,
    rule_of,
    value_at,
)
from tests.strategies import KINDS, conditions, days, facts, incidents

OPEN = Recipient(
    recipient="r",
    authority="An authority",
    kind="misp",
    url="https://misp.example",
    credential="r",
    clearance={"tlp": "red", "pap": "red"},
)
_EFFECTS = st.sampled_from(Effect)
_TIMES = st.datetimes(timezones=st.just(world.NOW.tzinfo))


def file(name: str) -> Document:
    """Return a policy file to which findings can point."""
    return parse(f"policies/{name}.yaml", b"valid: {}\nclauses: []\n")


@st.composite
def clauses(draw: st.DrawFn, effects: Any = _EFFECTS, most: int = 6) -> Any:
    """Return clauses with different names."""
    drawn = draw(st.lists(st.tuples(effects, conditions()), max_size=most))
    return tuple(
        Clause(id=f"c{number}", cites="art. 1", effect=effect, when=when)
        for number, (effect, when) in enumerate(drawn)
    )


def agreement(of: tuple[Clause, ...]) -> Agreement:
    """Return an agreement with these clauses, in force all through the tests."""
    shipped = world.route("kp-misp").agreement
    return shipped.model_copy(update={"clauses": of})


def decide(
    given_facts: Facts,
    of: tuple[Clause, ...],
    safeguards: tuple[Clause, ...] = (),
    recipient: Recipient = OPEN,
    now: datetime = world.NOW,
) -> Decision:
    """Return the decision of an agreement with these clauses and safeguards."""
    rules = policy.compile_rules(
        agreement(of),
        recipient,
        policy.compile_safeguards(Safeguards(safeguards=safeguards), file("s"), KINDS),
        file("a"),
        KINDS,
    )
    return policy.decide(given_facts, rules, now)


def loses(
    bounds: Mapping[str, int] | None,
    loss: Loss | None,
    compare: Callable[[Any, Any], bool],
) -> bool:
    """Say whether a loss in a currency with a bound stands so to it."""
    if not bounds or loss is None or loss.currency not in bounds:
        return False
    return compare(Decimal(loss.hundredths) / 100, bounds[loss.currency])


def holds(when: When, of: Facts) -> bool:
    """Say whether all conditions hold: the oracle, one plain line per condition."""
    ranks: list[tuple[Any, bool]] = [
        (when.severity_at_least, when.severity_at_least is not None
         and list(type(of.severity)).index(of.severity)
         >= list(type(of.severity)).index(when.severity_at_least)),
        (when.tlp_at_most, when.tlp_at_most is not None
         and list(Tlp).index(of.tlp) <= list(Tlp).index(when.tlp_at_most)),
        (when.tlp_at_least, when.tlp_at_least is not None
         and list(Tlp).index(of.tlp) >= list(Tlp).index(when.tlp_at_least)),
        (when.pap_at_most, when.pap_at_most is not None
         and list(Pap).index(of.pap) <= list(Pap).index(when.pap_at_most)),
        (when.pap_at_least, when.pap_at_least is not None
         and list(Pap).index(of.pap) >= list(Pap).index(when.pap_at_least)),
        (when.confidence_at_most, of.confidence is None
         or (when.confidence_at_most is not None
         and of.confidence <= when.confidence_at_most)),
        (when.age_days_at_least, of.age_days is not None
         and when.age_days_at_least is not None
         and of.age_days >= when.age_days_at_least),
        (when.age_days_at_most, of.age_days is not None
         and when.age_days_at_most is not None
         and of.age_days <= when.age_days_at_most),
        (when.loss_at_least, loses(when.loss_at_least, of.loss, operator.ge)),
        (when.loss_at_most, loses(when.loss_at_most, of.loss, operator.le)),
        (when.has_no_field_in, when.has_no_field_in is not None
         and not when.has_no_field_in & of.fields),
    ]  # fmt: skip
    sets: list[tuple[frozenset[Any] | None, set[Any]]] = [
        (when.classification_in, {of.classification}),
        (when.category_in, {of.classification.partition("/")[0]}),
        (when.urgency_in, {of.urgency}),
        (when.status_in, {of.status}),
        (when.source_in, {of.source}),
        (when.victim_sector_in, set(of.victim_sectors)),
        (when.victim_country_in, set(of.victim_countries)),
        (when.has_field_in, set(of.fields)),
        (when.victim_consent_in, {of.victim_consent}),
        (when.victim_kind_in, set(of.victim_kinds)),
        (when.has_observable_kind_in, set(of.observable_kinds)),
        (when.has_observable_role_in, set(of.observable_roles)),
    ]
    sure = when.confidence_at_least
    return (
        all(held for bound, held in ranks if bound is not None)
        and all(wanted & had for wanted, had in sets if wanted is not None)
        and (sure is None or (of.confidence is not None and of.confidence >= sure))
        and when.minor_involved in (None, of.minor_involved)
        and when.financial_loss in (None, of.financial_loss)
    )


@given(facts(), clauses())
def test_effect_is_that_of_the_strictest_clause_that_holds(
    some: Facts, of: tuple[Clause, ...]
) -> None:
    """Withhold beats review beats share; without a clause that holds, withhold."""
    expected = max(
        (clause.effect for clause in of if holds(clause.when, some)),
        key=["share", "review", "withhold"].index,
        default=Effect.WITHHOLD,
    )
    if some.status is Status.WITHDRAWN:
        expected = Effect.WITHHOLD
    elif some.embargo_until and some.embargo_until > world.NOW:
        expected = max(expected, Effect.REVIEW, key=lambda each: each.rank)

    assert expected == decide(some, of).effect


@given(facts(), clauses(), clauses(st.sampled_from([Effect.REVIEW, Effect.WITHHOLD])))
def test_safeguards_only_make_stricter(
    some: Facts, of: tuple[Clause, ...], safeguards: tuple[Clause, ...]
) -> None:
    """No safeguard lets through what the agreement alone would not."""
    assert decide(some, of, safeguards).effect.rank >= decide(some, of).effect.rank


@given(facts(), clauses(), conditions())
def test_another_withholding_clause_never_widens(
    some: Facts, of: tuple[Clause, ...], when: When
) -> None:
    """Adding a clause that withholds never makes a verdict milder."""
    more = Clause(id="more", cites="art. 2", effect=Effect.WITHHOLD, when=when)

    assert decide(some, (*of, more)).effect.rank >= decide(some, of).effect.rank


@given(st.data(), facts(), clauses())
def test_order_of_clauses_does_not_matter(
    data: Any, some: Facts, of: tuple[Clause, ...]
) -> None:
    """The verdict and what each clause said are the same in any order."""
    other = tuple(data.draw(st.permutations(of)))
    one, two = decide(some, of), decide(some, other)

    assert one.effect == two.effect
    said = [
        {(each.clause, each.effect, each.matched, each.because) for each in d.findings}
        for d in (one, two)
    ]
    assert said[0] == said[1]
    assert set(one.clauses) == set(two.clauses)


@given(facts(), clauses(), st.booleans(), st.sampled_from(Tlp), st.sampled_from(Pap),
       days, days, _TIMES)  # fmt: skip
def test_outside_its_limits_an_agreement_shares_nothing(
    some: Facts,
    of: tuple[Clause, ...],
    suspended: bool,
    tlp: Tlp,
    pap: Pap,
    start: Any,
    until: Any,
    now: datetime,
) -> None:
    """Dates, suspension, clearance and withdrawal withhold, whatever clauses say."""
    recipient = OPEN.model_copy(
        update={
            "suspended": suspended,
            "clearance": OPEN.clearance.model_copy(update={"tlp": tlp, "pap": pap}),
        }
    )
    shipped = agreement(of)
    valid = shipped.valid.model_copy(update={"start": start, "until": until})
    rules = policy.compile_rules(
        shipped.model_copy(update={"valid": valid}),
        recipient,
        policy.compile_safeguards(Safeguards(safeguards=()), file("s"), KINDS),
        file("a"),
        KINDS,
    )
    decision = policy.decide(some, rules, now)
    outside = (
        not start <= now.date() <= until
        or suspended
        or list(Tlp).index(some.tlp) > list(Tlp).index(tlp)
        or list(Pap).index(some.pap) > list(Pap).index(pap)
        or some.status is Status.WITHDRAWN
    )

    assert decision.effect in Effect
    if outside:
        assert Effect.WITHHOLD == decision.effect


@pytest.mark.parametrize("path", sorted(DECLARED))
def test_a_profile_that_forgets_a_field_is_refused(path: str) -> None:
    """For every field of an incident: without it a profile cannot be used."""
    whole = world.profile_of("kp-misp")
    fields = {name: rules for name, rules in whole.fields.items() if name != path}
    without = Profile(profile="p", title="P", fields=fields)

    with pytest.raises(RulebookError) as caught:
        redact.compile_plan(without, KINDS, document())
    assert f"forgets the field {path}" in str(caught.value)


@pytest.mark.parametrize(
    "key",
    [name for name, field in Agreement.model_fields.items() if field.is_required()],
)
def test_an_agreement_that_forgets_a_key_is_refused(key: str) -> None:
    """For everything that an agreement must say: without it, it cannot be used."""
    name = "policies/agreements/kp-cybercrime.yaml"
    whole = parse(name, world.files()[name])
    said = {each: value for each, value in whole.value.items() if each != key}

    with pytest.raises(RulebookError, match=f"`{key}` is missing"):
        load(replace(whole, value=said), Agreement)


def leaves(value: Any, steps: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Return every leaf of a view by its place; a list of plain values is one leaf."""
    if isinstance(value, Mapping):
        return {
            place: leaf
            for key, inner in value.items()
            for place, leaf in leaves(inner, (*steps, key)).items()
        }
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return {
            place: leaf
            for index, inner in enumerate(value)
            for place, leaf in leaves(inner, (*steps, index)).items()
        }
    return {steps: value}


def may_become(raw: Any, method: str, seen: Any) -> bool:
    """Say whether a method may have made this of a raw value."""
    if isinstance(raw, list) and method == "count_only":
        return bool(seen == [f"[{len(raw)} withheld]"])
    if isinstance(raw, list):
        return len(seen) <= len(raw) and all(
            any(may_become(one, method, each) for one in raw) for each in seen
        )
    match method:
        case "keep":
            return bool(raw == seen)
        case "mask":
            return bool(seen == MASK)
        case "pseudonym":
            return len(seen) == 18 and seen.startswith("p-")
        case "coarsen_time":
            return bool(seen == raw[:10] + "T00:00:00Z")
        case "pseudonym_ip":
            return "ip" in seen and seen.startswith("p-") and "." not in seen
        case "count_only":
            return bool(seen == "[1 withheld]")
        case "url_origin":
            return seen.partition("://")[2] in raw.lower() and "@" not in seen
        case "amount_band":
            low, _, high = seen.rstrip("+").partition("-")
            return int(low) <= int(raw.partition(".")[0]) <= int(high or 10**16)
        case "age_band":
            return raw.strip()[:1].isdigit()
        case "coarsen_place":
            return seen.replace(" ", "").isalpha() or "." in seen
        case "scrub_text":
            return raw == seen or " removed]" in seen or len(seen) < len(raw)
        case "domain_only":
            return seen in raw.lower() and "@" not in seen and "/" not in seen
    return method == "truncate_ip" and "/" in seen


@given(profiles(), incidents())
def test_a_view_holds_exactly_what_the_profile_lets_through(
    profile: Profile, incident: dict[str, Any]
) -> None:
    """Every leaf of a view comes from a field by the method that the profile names."""
    key = world.keys().recipients["kp-misp"]
    redacted = redact.project(world.receive(incident).incident, plan_of(profile), key)
    incident = world.receive(incident).incident.model_dump(
        mode="json", exclude_none=True
    )
    allowed: dict[tuple[Any, ...], list[tuple[Any, str]]] = {}
    for place in places(incident):
        steps = tuple(step for step in place.steps if isinstance(step, str))
        rule = rule_of(profile, place.path, place.item)
        if rule.method != "withhold":
            allowed.setdefault(steps, []).append(
                (value_at(incident, place.steps), rule.method)
            )
    for place_steps, seen in leaves(redacted.view).items():
        steps = tuple(step for step in place_steps if isinstance(step, str))
        if steps in {("observables", "exact"), ("observables", "kind")}:
            continue  # said by the plan, of the value beside it
        assert any(
            may_become(raw, method, seen) for raw, method in allowed.get(steps, ())
        ), steps


@given(profiles(), incidents())
def test_the_ledger_names_every_field_once(
    profile: Profile, incident: dict[str, Any]
) -> None:
    """Every field of the incident has one line, and what is called kept is there."""
    key = world.keys().recipients["kp-misp"]
    received = world.receive(incident).incident
    redacted = redact.project(received, plan_of(profile), key)
    ledger = redacted.ledger()
    raw = received.model_dump(mode="json", exclude_none=True)
    named = sorted(
        ".".join(
            f"[{step}]" if isinstance(step, int) else step for step in place.steps
        ).replace(".[", "[")
        + ("[]" if place.path.endswith("[]") else "")
        for place in places(raw)
    )
    seen = {
        tuple(step for step in steps if isinstance(step, str))
        for steps in leaves(redacted.view)
    }

    assert named == sorted(entry.field for entry in ledger)
    for entry in ledger:
        steps = tuple(part.partition("[")[0] for part in entry.field.split(".") if part)
        if entry.outcome == KEPT:
            assert steps in seen
    assert len(ledger) == sum(redacted.counts().values())
