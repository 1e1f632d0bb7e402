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
from broker.guard.search import searched
from broker.guard.texts import fold
from broker.guard.tripwires import TRIPWIRES
from broker.model.incident import Incident
from broker.model.sharing import Draft, Wire
from tests import world
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


SHORT: dict[str, Any] = {
    "reporter": {
        "name": "Ana Ora",
        "contacts": {"email": "ana@koop.example", "phone": "+383 44 111 222"},
    },
    "observables": [
        {"kind": "ipv4", "value": "203.0.113.77", "role": "victim"},
        {"kind": "filename", "value": "one.exe", "role": "attacker"},
        {"kind": "filename", "value": "two.exe", "role": "attacker"},
    ],
}


def _looked(change: Callable[[dict[str, Any]], Any]) -> list[str]:
    """Return the fields found in a changed event about an incident of short values."""
    disclosed = given.disclose(**SHORT)
    sealed = given.share_of(disclosed).sealed
    assert sealed is not None
    document = json.loads(sealed.body)
    change(document["Event"])
    draft = Draft("kp-misp", Wire.MISP_EVENT, dumps(document))
    incident = given.received(**SHORT).incident
    return [each.about for each in guard.inspect(draft, incident, given.route().guard)]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("told by Ana\nOra", "reporter.name"),
        ("told by\r\n> Ana\r\n> Ora", "reporter.name"),
        ("| Ana | Ora |", "reporter.name"),
        ("told by Ana  \t Ora", "reporter.name"),
        ("told by Аnа Оrа", "reporter.name"),
        ("told by Αnα Οrα", "reporter.name"),
        ("call +383 44\n> 111\n> 222", "reporter.contacts.phone"),
        ("call 044\t111\t222", "reporter.contacts.phone"),
        ("mail to ana at koop dot example", "reporter.contacts.email"),
        ("mail to <i>ana</i>@koop<b>.example</b>", "reporter.contacts.email"),
        (r"match 203\.0\.113\.77 only", "observables[].value"),
        ("from http://3405803853/", "observables[].value"),
        ("from 0xCB00714D", "observables[].value"),
        ("from 203.000.113.077", "observables[].value"),
        ("from 203-0-113-77.dsl.example", "observables[].value"),
        ("from 77-113-0-203.dsl.example", "observables[].value"),
        ("from 77.113.0.203.in-addr.arpa", "observables[].value"),
    ],
)
def test_short_values_are_found_too(text: str, field: str) -> None:
    """A short name, telephone or address is found over lines, cells and scripts."""
    assert [field] == _looked(lambda e: e.update(info=text))


@pytest.mark.parametrize(
    "text", ["Ana told us", "Anaora", "Ora and Ana", "1203.0.113.77", "044 111 22"]
)
def test_what_only_resembles_them_is_no_breach(text: str) -> None:
    """A part of a name or number, or its words the other way round, is no breach."""
    assert [] == _looked(lambda e: e.update(info=text))


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ("203.0.", "113.77", "observables[].value"),
        ("+383 441", "11222", "reporter.contacts.phone"),
        ("ana@ko", "op.example", "reporter.contacts.email"),
    ],
)
def test_halves_in_two_attributes_are_found(
    first: str, second: str, field: str
) -> None:
    """A number, too, is found when one attribute has its first half."""

    def change(event: dict[str, Any]) -> None:
        one, two = event["Attribute"][:2]
        one["value"], two["value"] = first, second

    assert [field] == _looked(change)


def test_a_name_on_two_lines_is_found_though_one_stands_alone_before() -> None:
    """That a line stood elsewhere before does not part the two."""

    def change(event: dict[str, Any]) -> None:
        event["info"] = "ana@ko"
        event["EventReport"][0]["content"] = "ana@ko\nop.example"

    assert ["reporter.contacts.email"] == _looked(change)


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


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("personal-number", "Numri personal: 1234567892", True),
        ("personal-number", "lični broj 1234567892", True),
        ("personal-number", "1234567892 is the ID of the man", True),
        ("personal-number", "numri personal: 1234567893", False),
        ("personal-number", "ticket 1234567892", False),
        ("personal-number", "numri personal: 11234567892", False),
        ("personal-number", "personal number 9000000000", True),
        ("personal-number", "born: 1506985910124", True),
        ("personal-number", "at 1763712000000", False),
        ("iban", "to XK051212012345678906 at once", True),
        ("iban", "to XK05 1212 0123 4567 8906 at once", True),
        ("iban", "konto de89370400440532013000.", True),
        ("iban", "to XK061212012345678906 at once", False),
        ("iban", "to XK0512120123456789061", False),
        ("iban", "to ZZ051212012345678906", False),
        ("iban", "md5 of de89370400440532013000aabbccddee", False),
    ],
)
def test_tripwires_of_numbers(name: str, text: str, expected: bool) -> None:
    """A personal number or account trips by its check digits, not by its length."""
    assert expected is TRIPWIRES[name](fold(text))


def test_only_the_named_tripwires_count() -> None:
    """An account passes a guardrail that names no tripwire for it."""
    text = searched(["to XK051212012345678906"], [], frozenset())

    assert [] == text.tripped({"payment-card", "private-key"})
    assert ["iban"] == text.tripped({"payment-card", "iban"})


def _bundle(change: Callable[[dict[str, Any]], Any]) -> list[str]:
    """Return the rules that a bundle breaks when each of its observables is changed."""
    book = world.stix_rulebook()
    share = world.share(world.FULL, book=book)
    assert share.sealed
    document = json.loads(share.sealed.body)
    for made in document["objects"]:
        if made["type"] == "domain-name" or made["type"] == "ipv4-addr":
            change(made)
    draft = Draft("kp-misp", Wire.STIX_BUNDLE, dumps(document))
    incident = world.receive(world.FULL, book).incident
    found = guard.inspect(draft, incident, world.route("kp-misp", book).guard)
    return [breach.rule for breach in found]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda made: made.update(), []),
        (lambda made: made.update(value="203.0.113.200"), ["id-of-another-value"]),
        (
            lambda made: made.update(
                id=f"{made['id'][:-1]}{'01'[made['id'][-1] < '1']}"
            ),
            ["id-of-another-value"],
        ),
    ],
)
def test_an_id_is_of_the_value_beside_it(
    change: Callable[[dict[str, Any]], Any], expected: list[str]
) -> None:
    """An observable whose id was made from another value is a breach."""
    assert expected == list(dict.fromkeys(_bundle(change)))


def test_breach_names_no_value() -> None:
    """A breach reads as a rule, a place and a field."""
    document = _event()
    document["Event"]["info"] = SECRET

    draft = Draft("kp-misp", Wire.MISP_EVENT, dumps(document))
    [breach] = guard.inspect(draft, _incident(), given.route().guard)

    expected = "withheld-value at the whole document, a value of reporter.name"
    assert expected == str(breach)
