"""Law 3: what is withheld from a recipient changes nothing in what they get."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker import convert, redact, render
from broker.model.agreement import Profile
from broker.model.sharing import Share, State, Wire
from tests import world
from tests.profiles import (
    plan_of,
    profiles,
    rule_of,
    treatment,
    value_at,
    withheld,
)
from tests.strategies import (
    evidence,
    incidents,
    lines,
    names,
    observables,
    personal_numbers,
    realistic,
    shared_markings,
    texts,
    times,
    uids,
    urls,
)

# What stands for an incident at a recipient, withheld or not: its edition carries the
# time, and everything's id is derived from the uid.
IDENTITY = {"uid", "revision", "revised_at"}
# Where a value can be replaced without breaking the model's rules for it.
_OTHER: dict[str, st.SearchStrategy[Any]] = {
    "reporter.name": names,
    "reporter.organisation": names,
    "description": texts,
    "title": lines,
    "embargo_until": st.sampled_from(["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]),
    "case_reference": lines,
    "origin.format": st.sampled_from(["rtir", "idea0"]),
    "origin.sha256": st.text("0123456789abcdef", min_size=64, max_size=64),
    "relations[].uid": uids,
    "references[]": st.lists(urls, min_size=1, max_size=4),
    "handling_caveats[]": st.lists(lines, min_size=1, max_size=3),
    "observables[].comment": texts,
    "observables[].to_ids": st.booleans(),
    "observables[].first_seen": st.just("1990-01-01T00:00:00Z"),
    "observables[].last_seen": st.just("2026-11-20T00:00:00Z"),
    "victims[].consent": st.sampled_from(["given", "unknown", "refused"]),
    "victims[].minor": st.booleans(),
    "suspects[].minor": st.booleans(),
    "evidence[].sha256": st.text("0123456789abcdef", min_size=64, max_size=64),
    "evidence[].size": st.integers(0, 2**40),
    "financial_loss.amount": st.integers(1, 10**6).map(str),
    "financial_loss.currency": st.sampled_from(["EUR", "USD"]),
    "confidence": st.integers(0, 100),
    "language": st.sampled_from(["en", "sq", "mk"]),
    "status": st.sampled_from(["open", "closed"]),
    "severity": st.sampled_from(["low", "high"]),
    "urgency": st.sampled_from(["normal", "threat-to-life"]),
}
_CODES = {"kind", "role", "country", "classification"}


@st.composite
def _replaced(draw: st.DrawFn, first: dict[str, Any], profile: Profile) -> Any:
    """Return the incident with other values wherever the profile withholds."""
    other = deepcopy(first)
    for place in withheld(profile, first):
        name = str(place.steps[-1])
        owner = str(place.steps[0])
        if place.path in IDENTITY or name in _CODES or owner == "times":
            continue
        if place.path in _OTHER:
            value = draw(_OTHER[place.path])
        elif name in {"collected_at"}:
            value = draw(times)
        elif name == "personal_number":
            value = draw(personal_numbers)
        elif place.path == "observables[].value":
            continue  # the whole item is replaced below
        elif place.path.endswith("[]"):
            value = draw(st.lists(lines, min_size=1, max_size=3))
        else:
            value = draw(lines)
        item = value_at(other, place.steps[:-1])
        before = deepcopy(item[name])
        item[name] = value
        # Consent and age may choose how other fields are treated: that is not withheld.
        if name in {"consent", "minor"}:
            old, new = (value_at(each, place.steps[:-1]) for each in (first, other))
            if treatment(profile, owner, old) != treatment(profile, owner, new):
                item[name] = before
    other["observables"] = draw(_observables(first.get("observables", []), profile))
    for owner in ("evidence", "relations"):
        if all(
            rule.method == "withhold" for rule in treatment(profile, owner, {}).values()
        ):
            made = {
                "evidence": evidence(lines, names),
                "relations": st.fixed_dictionaries({"uid": st.just("OTHER-1")}),
            }[owner]
            other[owner] = draw(st.lists(made, max_size=3))
    return other


@st.composite
def _observables(draw: st.DrawFn, first: list[Any], profile: Profile) -> Any:
    """Return other unseen observables, and the seen ones in another order."""

    def seen(item: dict[str, Any]) -> bool:
        return rule_of(profile, "observables[].value", item).method != "withhold"

    kept = [item for item in first if seen(item)]
    for item in kept:
        for name, value in (("comment", draw(texts)), ("to_ids", draw(st.booleans()))):
            rule = rule_of(profile, f"observables[].{name}", item)
            if rule.method == "withhold":
                item = {**item, name: value}
    unseen = [
        item
        for item in draw(st.lists(observables(texts), max_size=4))
        if not seen(item)
    ]
    return draw(st.permutations(kept + unseen))


def _shares(first: Any, other: Any, recipient: str) -> tuple[Share, Share]:
    return world.share(first, recipient), world.share(other, recipient)


def _body(share: Share) -> bytes:
    carried = share.sealed or share.draft
    assert carried is not None
    return carried.body


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
@given(data=st.data())
def test_what_is_withheld_does_not_change_a_byte(recipient: str, data: Any) -> None:
    """Two incidents that differ only in what R may not see give R the same bytes."""
    some = st.sampled_from([incidents, realistic])
    first = data.draw(some.flatmap(lambda make: make(**shared_markings)))
    profile = world.profile_of(recipient)
    other = data.draw(_replaced(first, profile))
    one, two = _shares(first, other, recipient)
    assume(one.decision.effect == two.decision.effect)

    assert one.failure == two.failure == ""
    if one.state is State.WITHHELD:
        assert two.state is State.WITHHELD
        return
    assert one.redacted is not None
    assert two.redacted is not None
    assert one.redacted.view == two.redacted.view
    assert one.edition == two.edition
    assert _body(one) == _body(two)
    if one.sealed and two.sealed:
        assert one.sealed == two.sealed


def _bytes(incident: Any, profile: Profile, wire: Wire) -> tuple[Any, bytes]:
    received = world.receive(incident).incident
    route, plan = world.route("kp-misp"), plan_of(profile)
    key = world.keys().recipients["kp-misp"]
    redacted = redact.project(received, plan, key)
    edition = world.share(world.FULL, "kp-misp").edition
    assert edition is not None
    bundle = convert.to_stix(
        redacted, route.frame, convert.Case(received.uid, key.ids, edition)
    )
    if wire is Wire.STIX_BUNDLE:
        return redacted.view, render.stix_bundle(bundle)
    return redacted.view, render.misp_event(bundle, route.event_frame)


@pytest.mark.parametrize("wire", list(Wire))
@given(data=st.data())
def test_the_same_holds_for_any_profile(wire: Wire, data: Any) -> None:
    """Whatever a profile withholds, it changes no byte of either wire."""
    profile = data.draw(profiles())
    first = data.draw(incidents(**shared_markings))
    other = data.draw(_replaced(first, profile))

    assert _bytes(first, profile, wire) == _bytes(other, profile, wire)
