"""Facts about the last look at a draft, with drafts that somebody tampered with."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from broker import guard
from broker.canonical import dumps
from broker.model.incident import Incident
from broker.model.sharing import Draft, Wire
from tests.unit import given

SECRET = "Shpresa Kallëzuesja"
FIELDS: dict[str, Any] = {
    "reporter": {
        "name": SECRET,
        "organisation": "Vera Petrović",
        "contacts": {"email": "shpresa@koop.example"},
    },
    "observables": [
        {"kind": "ipv4", "value": "198.51.100.201", "role": "attacker"},
        {"kind": "ipv4", "value": "203.0.113.77", "role": "victim"},
    ],
}


def _incident() -> Incident:
    return given.received(**FIELDS).incident


def _event() -> dict[str, Any]:
    sealed = given.share_of(given.disclose(**FIELDS)).sealed
    assert sealed is not None
    event: dict[str, Any] = json.loads(sealed.body)
    return event


def _inspect(document: Any, wire: Wire = Wire.MISP_EVENT) -> list[tuple[str, str, str]]:
    body = document if isinstance(document, bytes) else dumps(document)
    breaches = guard.inspect(
        Draft("kp-misp", wire, body), _incident(), given.route().guard
    )
    return [(breach.rule, breach.path, breach.about) for breach in breaches]


def _changed(change: Callable[[dict[str, Any]], Any]) -> list[tuple[str, str, str]]:
    document = _event()
    change(document["Event"])
    return _inspect(document)


def test_honest_draft_has_no_breach() -> None:
    """A draft that the path made has no breach."""
    assert [] == _inspect(_event())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b'{"Event":NaN}', "not-json"),
        (b"[]", "wrong-shape"),
        (b'{"Event":{}, "Other":{}}', "not-allowed"),
        (b'{"Event": {}}', "not-canonical"),
        (b'{"Event":{},"Event":{}}', "not-canonical"),
        (b" " * 5_000_001, "too-large"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_document_that_is_none(body: bytes, expected: str) -> None:
    """What is no canonical JSON document of the allowed size is a breach."""
    assert expected == _inspect(body)[0][0]


def test_other_wire_is_a_breach() -> None:
    """A document in another format than the guardrail's is not looked at."""
    assert [("wrong-wire", "", "")] == _inspect(_event(), Wire.STIX_BUNDLE)


@pytest.mark.parametrize(
    ("change", "rule", "path"),
    [
        (lambda e: e.update(sharing_group_id="1"), "not-allowed", "Event"),
        (lambda e: e.update({SECRET: 1}), "not-allowed", "Event"),
        (lambda e: e.update(distribution="3"), "wrong-shape", "Event.distribution"),
        (lambda e: e.update(distribution=0), "wrong-shape", "Event.distribution"),
        (lambda e: e.update(uuid=SECRET), "wrong-shape", "Event.uuid"),
        (lambda e: e.update(date="20.11.2026"), "wrong-shape", "Event.date"),
        (lambda e: e.update(timestamp=1), "wrong-shape", "Event.timestamp"),
        (lambda e: e.update(published="true"), "wrong-shape", "Event.published"),
        (lambda e: e.update(info=["x"]), "wrong-shape", "Event.info"),
        (lambda e: e.update(Attribute={}), "wrong-shape", "Event.Attribute"),
        (
            lambda e: e["Attribute"][0].update(type="attachment"),
            "wrong-shape",
            "Event.Attribute[].type",
        ),
        (
            lambda e: e["Attribute"][0].update(data="x"),
            "not-allowed",
            "Event.Attribute[]",
        ),
    ],
)
def test_what_is_not_named_is_a_breach(
    change: Callable[[dict[str, Any]], Any], rule: str, path: str
) -> None:
    """A key or value that the guardrail does not name is a breach at its place."""
    assert [(rule, path, "")] == _changed(change)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["PAP:GREEN"], ["tlp"]),
        (["tlp:green"], ["pap"]),
        (["tlp:clear", "PAP:GREEN"], ["tlp"]),
        (["tlp:red", "PAP:GREEN"], ["tlp"]),
        (["tlp:green", "tlp:amber", "PAP:GREEN"], ["tlp"]),
        (["tlp:white", "PAP:GREEN"], ["tlp"]),
        (["tlp:green", "PAP:CLEAR"], ["pap"]),
        ([], ["tlp", "pap"]),
        (["TLP:GREEN", "pap:green"], []),
    ],
    ids=str,
)
def test_marking_is_the_incidents(tags: list[str], expected: list[str]) -> None:
    """A document carries exactly the incident's TLP and PAP."""
    found = _changed(lambda e: e.update(Tag=[{"name": tag} for tag in tags]))

    assert expected == [rule for rule, _, _ in found]


@pytest.mark.parametrize(
    "hidden",
    [
        SECRET,
        SECRET.upper(),
        "Shpresa Kallezuesja",
        "Shpresa\nKallëzuesja",
        "Shp\u200bresa Kallëzuesja",
        quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        f"x{base64.b64encode(quote(SECRET).encode()).decode()}",
        "Shpresa Kall&euml;zuesja",
        "S h p r e s a K a l l ë z u e s j a",
    ],
    ids=range(11),
)
def test_withheld_value_is_found(hidden: str) -> None:
    """A withheld name is found however it is written, and only its field is told."""
    found = _changed(lambda e: e.update(info=f"About {hidden} and others"))

    assert [("withheld-value", "", "reporter.name")] == found


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("mail to shpresa@koop.example", "reporter.contacts.email"),
        ("mail to shpresa[at]koop[.]example", "reporter.contacts.email"),
        ("letter of Вера Петровић", "reporter.organisation"),
        ("from 203.0.113.77", "observables[].value"),
        ("from 203[.]0[.]113[.]77", "observables[].value"),
    ],
)
def test_other_withheld_values_are_found(text: str, field: str) -> None:
    """A withheld mailbox, address or Serbian name is found in either writing."""
    found = _changed(lambda e: e.update(info=text))

    assert [("withheld-value", "", field)] == found


@pytest.mark.parametrize(
    "text", ["from 198.51.100.201", "203.0.113.0/24", "203.0.113.7", "Shpresa e mirë"]
)
def test_what_is_shared_is_no_breach(text: str) -> None:
    """A value that is kept, its network, and a word alone are no breach."""
    assert [] == _changed(lambda e: e.update(info=text))


@pytest.mark.parametrize(
    ("text", "tripwire"),
    [
        ("card 4111 1111 1111 1111", "tripwire-payment-card"),
        ("card 4111-1111-1111-1111", "tripwire-payment-card"),
        ("card 378282246310005", "tripwire-payment-card"),
        ("password: hunter22", "tripwire-password"),
        ("Fjalëkalimi = hunter22", "tripwire-password"),
        ("лозинка: хантер22", "tripwire-password"),
        ("-----BEGIN RSA PRIVATE KEY-----", "tripwire-private-key"),
    ],
)
def test_tripwires(text: str, tripwire: str) -> None:
    """A card number, a password or a private key never leaves."""
    assert [(tripwire, "", "")] == _changed(lambda e: e.update(info=text))


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "1111 1111 1111 1111",
        "IMEI 490154203237518",
        "XK051212012345678906",
        "the password was taken",
        "pwd: abc",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_tripwires_leave_the_rest_alone(text: str) -> None:
    """What only resembles a card, a password or a key is no breach."""
    assert [] == _changed(lambda e: e.update(info=text))


def test_breach_names_no_value() -> None:
    """A breach reads as a rule, a place and a field."""
    document = _event()
    document["Event"]["info"] = SECRET

    draft = Draft("kp-misp", Wire.MISP_EVENT, dumps(document))
    [breach] = guard.inspect(draft, _incident(), given.route().guard)

    expected = "withheld-value at the whole document, a value of reporter.name"
    assert expected == str(breach)
