"""Law 4: the guard finds what redaction let through, in whatever way it is written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import event, given, settings

from broker import redact
from broker.canonical import dumps
from broker.guard import Known, inspect
from broker.guard.texts import fold
from broker.model.agreement import FieldRule
from broker.model.decision import Effect
from broker.model.incident import Incident
from broker.model.marking import DataClass
from broker.model.sharing import Breach, Draft, Redacted, Share, State
from broker.rulebook import Rulebook
from tests import world
from tests.encodings import ENCODINGS
from tests.profiles import DECLARED, Place, places, plan_of, unkept, value_at
from tests.strategies import realistic, shared_markings

DEEP = os.environ.get("BESA_HYPOTHESIS") == "deep"
# Words of closed lists, flags, times and counts: the same in thousands of incidents,
# so that the guard does not look for them. Their fields are checked by their shape.
UNTELLING = {"code", "flag", "time"}


def telling(place: Place) -> bool:
    """Say whether a value of this field tells anything, found by itself."""
    declared = DECLARED[place.path]
    if declared.shape == "number":
        return declared.data_class is DataClass.FINANCIAL
    return declared.shape not in UNTELLING


def canaries(recipient: str) -> list[tuple[str, str]]:
    """Return every withheld value of the full incident, with its field."""
    found: list[tuple[str, str]] = []
    for place in unkept(world.profile_of(recipient), world.FULL):
        value = value_at(world.FULL, place.steps)
        if telling(place):
            found += [
                (place.path, str(one))
                for one in (value if isinstance(value, list) else [value])
            ]
    return found


def texts(value: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every text in a document."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from texts(inner, (*steps, key))
        case list():
            for index, inner in enumerate(value):
                yield from texts(inner, (*steps, index))
        case str():
            yield steps


def generic(steps: tuple[Any, ...]) -> str:
    """Return a place as a guardrail writes it, without numbers."""
    return ".".join("[]" if isinstance(step, int) else step for step in steps)


def with_text(body: bytes, steps: tuple[Any, ...], text: str) -> bytes:
    """Return a document with a text added to the one that stands at a place."""
    document = json.loads(body)
    inner = value_at(document, steps[:-1])
    inner[steps[-1]] = f"{inner[steps[-1]]}; {text}"
    return dumps(document)


@cache
def sealed(recipient: str) -> bytes:
    """Return the full incident as one recipient gets it."""
    share = world.share(world.FULL, recipient)
    assert share.sealed
    return share.sealed.body


def looked_at(recipient: str, body: bytes) -> tuple[Breach, ...]:
    """Return what the guard alone says to a document about the full incident."""
    route = world.route(recipient)
    incident = world.receive(world.FULL).incident
    return inspect(Draft(recipient, route.wire, body), incident, route.guard)


@cache
def free_places(recipient: str) -> tuple[tuple[Any, ...], ...]:
    """Return one place for each path where the guardrail lets any text through."""
    by_path: dict[str, tuple[Any, ...]] = {}
    for steps in texts(json.loads(sealed(recipient))):
        by_path[generic(steps)] = steps  # the last: the first tags are the marking
    return tuple(
        steps
        for steps in by_path.values()
        if not looked_at(recipient, with_text(sealed(recipient), steps, "harmless"))
    )


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_there_are_places_and_canaries(recipient: str) -> None:
    """Canaries can be planted in the title, comments, values, tags and reports."""
    paths = {generic(steps) for steps in free_places(recipient)}

    assert {
        "Event.info",
        "Event.Attribute.[].value",
        "Event.Attribute.[].comment",
        "Event.Object.[].Attribute.[].value",
        "Event.EventReport.[].content",
        "Event.Tag.[].name",
    } <= paths
    assert len(canaries(recipient)) >= 20


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_a_planted_value_is_found(recipient: str, encoding: str) -> None:
    """Every withheld value, written this way, is found wherever text is allowed."""
    free = free_places(recipient)
    missed = []
    for number, (field, value) in enumerate(canaries(recipient)):
        # Every place for one in eight values; with BESA_HYPOTHESIS=deep, for all.
        chosen = free if DEEP else (free[number % len(free)],)
        for steps in chosen:
            planted = with_text(sealed(recipient), steps, ENCODINGS[encoding](value))
            if not withheld_values(looked_at(recipient, planted)):
                missed.append((field, generic(steps)))

    assert [] == missed


def withheld_values(breaches: tuple[Breach, ...]) -> set[str]:
    """Return the fields whose values were found."""
    return {each.about for each in breaches if each.rule == "withheld-value"}


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_the_breach_names_the_field(recipient: str) -> None:
    """A value that stands in one field only is reported as that field's."""
    for field, value in canaries(recipient):
        found = looked_at(
            recipient, with_text(sealed(recipient), ("Event", "info"), value)
        )

        assert field in withheld_values(found)


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_a_value_split_over_two_attributes_is_found(recipient: str) -> None:
    """Half a name in one attribute and half in the next is the name."""
    document = json.loads(sealed(recipient))
    words = [
        (field, value)
        for field, value in canaries(recipient)
        if sum(c.isalpha() for c in value) >= 8
    ]
    for field, value in words:
        first, second = document["Event"]["Attribute"][:2]
        half = len(value) // 2
        first["value"], second["value"] = value[:half], value[half:]
        first["comment"], second["comment"] = "attacker", "someone else"

        assert field in withheld_values(looked_at(recipient, dumps(document)))


def leaking(path: str, recipient: str) -> Rulebook:
    """Return the rulebook with a plan that keeps one field which it must not.

    The guard still knows the profile as it is written.
    """
    profile = world.profile_of(recipient)
    fields = {**profile.fields, path: (FieldRule(method="keep"),)}
    if path.startswith("observables[]."):
        fields["observables[].kind"] = (FieldRule(method="keep"),)
    plan = plan_of(profile.model_copy(update={"fields": fields}))
    routes = tuple(
        replace(each, plan=plan) if each.recipient.recipient == recipient else each
        for each in world.rulebook().routes
    )
    return replace(world.rulebook(), routes=routes)


@pytest.mark.parametrize("recipient", world.RECIPIENTS)
def test_one_leaking_field_is_held(recipient: str) -> None:
    """A field that redaction forgets is held when it reaches the wire."""
    reached = 0
    for path in sorted({field for field, _ in canaries(recipient)}):
        share = world.share(world.FULL, recipient, book=leaking(path, recipient))
        carried = share.sealed or share.draft
        assert carried is not None
        values = [fold(v) for field, v in canaries(recipient) if field == path]
        text = fold(json.dumps(json.loads(carried.body), ensure_ascii=False))
        if any(value in text for value in values):
            reached += 1
            assert State.HELD is share.state, path
    assert reached >= 8


def everything(incident: Incident, *_: Any) -> Redacted:
    """Redact nothing: the view is the incident."""
    view = incident.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    for seen in view["observables"]:
        seen["exact"] = True
    return Redacted({name: view[name] for name in view if view[name] != []}, ())


@pytest.mark.parametrize("book", [world.rulebook, world.stix_rulebook])
def test_without_redaction_nobody_gets_anything(
    book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With redaction replaced by one that keeps all, every recipient is held."""
    monkeypatch.setattr(redact, "project", everything)

    shares = world.disclose(world.FULL, book=book()).shares

    assert [State.HELD] * 3 == [share.state for share in shares]
    assert [""] * 3 == [share.failure for share in shares]
    assert all(share.breaches for share in shares)


@given(realistic(**shared_markings))
def test_without_redaction_no_sealed_byte_holds_a_withheld_value(
    incident: dict[str, Any],
) -> None:
    """Without redaction, what is sealed all the same holds nothing withheld."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redact, "project", everything)
        for share in world.disclose(incident).shares:
            if share.sealed:
                assert [] == leaked(incident, share)


def leaked(incident: dict[str, Any], share: Share) -> list[str]:
    """Return the fields of which a withheld value stands plainly in sealed bytes."""
    assert share.sealed
    profile = world.profile_of(share.decision.recipient)
    text = fold(share.sealed.body.decode())
    kept = kept_texts(incident, share.decision.recipient)
    return [
        place.path
        for place in unkept(profile, incident)
        if telling(place)
        for value in as_list(value_at(incident, place.steps))
        if len(value) > 4 and fold(value) in text and not said(value, kept)
    ]


def as_list(value: Any) -> list[str]:
    """Return one or more values as texts."""
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def kept_texts(incident: dict[str, Any], recipient: str) -> list[str]:
    """Return the folded texts that a recipient may see as they are."""
    hidden = {place.steps for place in unkept(world.profile_of(recipient), incident)}
    known = world.route(recipient).guard.known
    return [
        fold(text)
        for place in places(incident)
        if place.steps not in hidden
        for text in as_list(value_at(incident, place.steps))
    ] + [fold(text) for text in (*known.lines, *known.names)]


def _all(incident: dict[str, Any]) -> Iterator[Place]:
    from tests.profiles import places

    return places(incident)


def said(value: str, kept: list[str]) -> bool:
    """Say whether a value stands in a text that the recipient may see anyway."""
    return any(fold(value) in text for text in kept)


@settings(max_examples=settings().max_examples * 3)
@given(realistic(**shared_markings))
def test_every_alarm_has_a_reason(incident: dict[str, Any]) -> None:
    """With redaction in place, the guard only holds what repeats a withheld value."""
    for share in world.disclose(incident).shares:
        if share.state is State.WITHHELD or share.decision.effect is Effect.WITHHOLD:
            continue
        event("held by the guard" if share.breaches else "passed the guard")
        recipient = share.decision.recipient
        hidden = unkept(world.profile_of(recipient), incident)
        kept = kept_texts(incident, recipient)
        for breach in share.breaches:
            assert "withheld-value" == breach.rule
            repeated = [
                value
                for place in hidden
                if place.path == breach.about
                for value in as_list(value_at(incident, place.steps))
                if said(value, kept)
            ]
            assert repeated


@pytest.mark.timeout(30)
def test_a_text_that_wears_the_guard_out_is_held() -> None:
    """A text with layer upon layer of encodings is not looked into for ever."""
    worn = "%26amp;%5c&#x5c;[.]xn--a-b \\x41=41 " * 1_700
    agent = {"kind": "user-agent", "value": worn, "role": "attacker"}

    for share in world.disclose(world.incident(observables=[agent])).shares[1:]:
        assert State.HELD is share.state
        assert share.failure.startswith("guard: ")


def test_what_is_too_much_to_search_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """More values and text than can be searched in good time are held, not skipped."""
    monkeypatch.setattr(sys.modules["broker.guard.inspect"], "_MOST_WORK", 1_000)

    shares = world.disclose(world.FULL).shares

    assert [State.HELD] * 3 == [share.state for share in shares]
    assert all("split the incident" in share.failure for share in shares)


def test_guard_shares_no_code_with_redaction() -> None:
    """No module of the guard imports redaction or conversion."""
    for path in (world.ROOT / "broker/guard").glob("*.py"):
        text = path.read_text("utf-8")

        assert "broker.redact" not in text
        assert "broker.convert" not in text


def test_what_everybody_knows_is_no_alarm() -> None:
    """The CSIRT as its own reporter holds nothing up."""
    reporter = {
        "organisation": "KOS-CERT",
        "contacts": {"email": "duty@kos-cert.example"},
    }
    shares = world.disclose(world.incident(reporter=reporter)).shares

    assert [State.QUEUED] * 3 == [share.state for share in shares]


def test_without_that_knowledge_it_would_be_held() -> None:
    """It is the list of known lines and names that lets the CSIRT's name pass."""
    route = world.route("kp-misp")
    blind = replace(route.guard, known=Known())
    incident = world.incident(reporter={"organisation": "KOS-CERT"})
    share = world.share(incident)
    assert share.sealed

    found = inspect(
        Draft("kp-misp", route.wire, share.sealed.body),
        world.receive(incident).incident,
        blind,
    )
    assert {"reporter.organisation"} == withheld_values(found)
