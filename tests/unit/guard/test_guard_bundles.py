"""Facts about the last look at bundles, in both dialects of STIX."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from broker import guard
from broker.canonical import dumps
from broker.errors import GuardError
from broker.model.sharing import Draft, Wire
from broker.rulebook import Rulebook, build
from tests import world

ADDRESS = "203.0.113.77"
INCIDENT = world.incident(
    observables=[
        {"kind": "ipv4", "value": ADDRESS, "role": "victim"},
        {"kind": "domain", "value": "one.example", "role": "attacker"},
        {"kind": "domain", "value": "two.example", "role": "attacker"},
    ]
)
RECIPIENT = """\
recipient: kp-misp
authority: Police
kind: taxii
url: http://127.0.0.1:9/csirt/
collection: 91a7b528-80eb-42ed-a74d-c6fbd5a26116
credential: kp-misp
clearance: {tlp: amber+strict, pap: red}
"""


@cache
def _book(guardrail: str) -> Rulebook:
    """Return the shipped rulebook, with the police taking STIX in one dialect."""
    files = dict(world.files())
    files["policies/recipients/kp-misp.yaml"] = RECIPIENT.encode()
    file = f"{guardrail}.yaml"
    own = world.ROOT / "tests" / "policies" / file
    files[f"policies/guardrails/{file}"] = own.read_bytes()
    name = "policies/agreements/kp-cybercrime.yaml"
    files[name] = files[name].replace(b"misp-police", guardrail.encode())
    return build(files)


Change = Callable[[list[dict[str, Any]]], Any]


def _found(guardrail: str, change: Change, **replaced: Any) -> list[tuple[str, str]]:
    """Return rules and fields of what is found in a changed bundle."""
    book = _book(guardrail)
    sealed = world.share(INCIDENT, book=book).sealed
    assert sealed is not None
    document = json.loads(sealed.body)
    change(document["objects"])
    draft = Draft("kp-misp", sealed.wire, dumps(document))
    looked_by = replace(world.route("kp-misp", book).guard, **replaced)
    incident = world.receive(INCIDENT, book).incident
    return [(one.rule, one.about) for one in guard.inspect(draft, incident, looked_by)]


def _of(objects: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [made for made in objects if made["type"] in kinds]


@pytest.mark.parametrize("guardrail", ["stix-police", "stix-misp-police"])
def test_honest_bundle_has_no_breach(guardrail: str) -> None:
    """A bundle that the path made has no breach in either dialect."""
    assert [] == _found(guardrail, lambda _: None)


def test_an_object_without_the_cases_marking_is_a_breach() -> None:
    """Each object carries every marking of the case, and none besides."""

    def change(objects: list[dict[str, Any]]) -> None:
        made = _of(objects, "domain-name")[0]
        made["object_marking_refs"] = made["object_marking_refs"][:1]

    assert [("tlp", "")] == _found("stix-police", change)


def test_halves_in_two_observables_are_found() -> None:
    """An address is found when one observable has its first half."""

    def change(objects: list[dict[str, Any]]) -> None:
        one, two = _of(objects, "domain-name")[:2]
        one["value"], two["value"] = ADDRESS[:6], ADDRESS[6:]

    assert ("withheld-value", "observables[].value") in _found("stix-police", change)


def test_halves_in_two_custom_objects_are_found() -> None:
    """An address is found in two attributes as MISP writes them into STIX."""

    def change(objects: list[dict[str, Any]]) -> None:
        made = [each for each in objects if "x_misp_value" in each]
        attributes = [
            each for one in objects for each in one.get("x_misp_attributes", ())
        ]
        assert made or attributes
        if len(attributes) > 1:
            one, two = attributes[:2]
            one["value"], two["value"] = ADDRESS[:6], ADDRESS[6:]
        else:
            one, two = made[:2]
            one["x_misp_value"], two["x_misp_value"] = ADDRESS[:6], ADDRESS[6:]

    found = _found("stix-misp-police", change)

    assert ("withheld-value", "observables[].value") in found


def _body() -> bytes:
    sealed = world.share(INCIDENT, book=_book("stix-police")).sealed
    assert sealed is not None
    return sealed.body


def test_a_document_may_be_as_large_as_the_guardrail_says() -> None:
    """One of exactly that size is looked into; a byte more is too much."""
    size = len(_body())

    assert [] == _found("stix-police", lambda _: None, max_bytes=size)
    assert [("too-large", "")] == _found(
        "stix-police", lambda _: None, max_bytes=size - 1
    )


def test_a_text_that_wears_the_guard_out_is_an_error() -> None:
    """Too many layers in a single draft are raised, and never passed over."""
    worn = "%26amp;%5c&#x5c;[.]xn--a-b \\x41=41 " * 1_700

    def change(objects: list[dict[str, Any]]) -> None:
        _of(objects, "report")[0]["name"] += worn

    with pytest.raises(GuardError):
        _found("stix-police", change)


def test_another_wire_of_the_same_bytes_is_a_breach() -> None:
    """What the draft says it is must be what the guardrail is for."""
    draft = Draft("kp-misp", Wire.STIX_MISP, _body())
    book = _book("stix-police")
    incident = world.receive(INCIDENT, book).incident
    found = guard.inspect(draft, incident, world.route("kp-misp", book).guard)

    assert ["wrong-wire"] == [breach.rule for breach in found]
