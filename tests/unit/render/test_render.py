"""Facts about the bytes that a recipient takes: MISP events and STIX bundles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from broker.canonical import dumps
from broker.convert import (
    EXTENSION,
    Case,
    Frame,
    frame,
    to_retraction,
    to_stix,
    withheld_lines,
)
from broker.model.sharing import Bundle, Edition, Redacted
from broker.render import event_frame, misp_event, stix_bundle, unfit_values
from tests.unit import given

CREATED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MODIFIED = datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)
MARKED = {"tlp": "amber", "pap": "green"}
IBAN, IBAN_2 = "XK051212012345678906", "AL47212110090000000235698741"


def _frame() -> Frame:
    book = given.shipped()
    withheld = withheld_lines(given.profile())
    return frame(given.route().agreement, book.csirt, book.tables, withheld)


def _case() -> Case:
    return Case("KOS-1", given.key().ids, Edition(2, CREATED, MODIFIED, "c"))


def _bundle(**view: Any) -> Bundle:
    return to_stix(Redacted({**MARKED, **view}, ()), _frame(), _case())


def _rendered(bundle: Bundle, **recipient: Any) -> bytes:
    changed = given.route().recipient.model_copy(update=recipient)
    return misp_event(bundle, event_frame(changed, given.shipped().tables, EXTENSION))


def _event(**view: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(_rendered(_bundle(**view)))["Event"]
    return event


def _attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    seen = {"kind": kind, "value": value, "exact": True, **more}
    [attribute] = _event(observables=[seen])["Attribute"]
    assert isinstance(attribute, dict)
    return attribute


def _values(event: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return object name, relation and value of every attribute of every object."""
    return [
        (made["name"], attribute["object_relation"], attribute["value"])
        for made in event["Object"]
        for attribute in made["Attribute"]
    ]


# --- The event


def test_event_of_an_edition() -> None:
    """The event has the report's id, the edition's time and MISP's own numbers."""
    event = _event(title="T", severity="high", status="closed")

    assert ("T", str(int(MODIFIED.timestamp()))) == (event["info"], event["timestamp"])
    assert ("1", "2", "1") == (
        event["threat_level_id"],
        event["analysis"],
        event["distribution"],
    )
    assert 5 == UUID(event["uuid"]).version


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ({"severity": "critical"}, ("1", "2")),
        ({"severity": "medium"}, ("2", "2")),
        ({"severity": "low"}, ("3", "2")),
        ({}, ("4", "2")),
        ({"status": "open"}, ("4", "1")),
    ],
    ids=str,
)
def test_unseen_severity_is_undefined(
    view: dict[str, str], expected: tuple[str, str]
) -> None:
    """What the recipient may not know is undefined, and not low."""
    event = _event(**view)

    assert expected == (event["threat_level_id"], event["analysis"])


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (
            {
                "occurred_from": "2026-11-18T22:14:05Z",
                "detected": "2026-11-19T06:07:08Z",
            },
            "2026-11-18",
        ),
        ({"detected": "2026-11-19T06:07:08Z"}, "2026-11-19"),
        ({"reported": "2026-11-19T06:07:08Z"}, "2026-11-20"),
        ({}, "2026-11-20"),
    ],
    ids=["began", "detected", "reported", "nothing"],
)
def test_date_is_the_first_that_is_seen(times: dict[str, str], expected: str) -> None:
    """The event's date is when it began, was detected, or was first shared."""
    assert expected == _event(times=times)["date"]


def test_tags_are_markings_and_classification() -> None:
    """TLP and PAP stand first among the tags, then what sort of incident it is."""
    names = [tag["name"] for tag in _event(classification="fraud/phishing")["Tag"]]

    assert ["tlp:amber", "PAP:GREEN", 'rsit:fraud="phishing"'] == names[:3]


@pytest.mark.parametrize("publish", [True, False])
def test_published_as_the_recipient_wants(publish: bool) -> None:
    """An event is published when the recipient wants it published."""
    event = json.loads(_rendered(_bundle(), publish=publish))["Event"]

    assert publish is event["published"]


def test_retraction_is_never_published() -> None:
    """The event that takes a case back is empty and not published."""
    bundle = to_retraction(_frame(), _case(), ("amber", "green"), "it was withdrawn")

    event = json.loads(_rendered(bundle, publish=True))["Event"]

    assert (False, [], []) == (event["published"], event["Attribute"], event["Object"])
    assert "[Taken back by KOS-CERT]" == event["info"]
    assert ["Notice"] == [report["name"] for report in event["EventReport"]]


def test_distribution_is_the_recipients() -> None:
    """The event has the recipient's distribution; all within it inherits it."""
    bundle = _bundle(observables=[{"kind": "port", "value": "1", "exact": True}])

    event = json.loads(_rendered(bundle, distribution=1))["Event"]

    assert "1" == event["distribution"]
    assert "5" == event["Attribute"][0]["distribution"]
    assert "5" == event["EventReport"][0]["distribution"]


def test_bytes_are_canonical() -> None:
    """The bytes are canonical JSON, for both formats."""
    bundle = _bundle(title="Përshëndetje")

    for body in (_rendered(bundle), stix_bundle(bundle)):
        assert dumps(json.loads(body)) == body


def test_stix_is_the_bundle() -> None:
    """A STIX bundle is written with its id and every object."""
    bundle = _bundle()

    written = json.loads(stix_bundle(bundle))

    assert ("bundle", bundle.id) == (written["type"], written["id"])
    assert list(bundle.objects) == written["objects"]


# --- Attributes


@pytest.mark.parametrize(
    ("kind", "role", "expected"),
    [
        ("ipv4", "attacker", "ip-src"),
        ("ipv4", "victim", "ip-dst"),
        ("email", "victim", "target-email"),
        ("email", "attacker", "email-src"),
        ("email", "unknown", "email"),
    ],
)
def test_type_follows_the_role(kind: str, role: str, expected: str) -> None:
    """What an observable is called in MISP depends on whose it is."""
    assert expected == _attribute(kind, "a@b.example", role=role)["type"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("asn", "64496", "64496"),
        ("sha256", "ab" * 32, "ab" * 32),
        ("cve", "CVE-2026-1234", "CVE-2026-1234"),
        ("iban", IBAN, IBAN),
        ("subject", "Llogaria juaj", "Llogaria juaj"),
    ],
)
def test_value_is_that_of_the_object(kind: str, value: str, expected: str) -> None:
    """The value is read from the STIX object, whatever its property is called."""
    assert expected == _attribute(kind, value)["value"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ""),
        ({"role": "unknown"}, ""),
        ({"role": "victim"}, "victim"),
        ({"comment": "Seen twice"}, "Seen twice"),
        ({"role": "victim", "comment": "Seen twice"}, "victim; Seen twice"),
        (
            {"exact": False},
            "not the exact value: redacted under the agreement",
        ),
        (
            {"role": "victim", "exact": False},
            "victim; not the exact value: redacted under the agreement",
        ),
    ],
    ids=str,
)
def test_comment_says_role_and_redaction(more: dict[str, Any], expected: str) -> None:
    """The comment says whose it is and whether it is exact, with nothing empty."""
    assert expected == _attribute("ipv4", "192.0.2.1", **more)["comment"]


def test_times_of_an_attribute() -> None:
    """An attribute has the times that are seen, and none that are not."""
    seen = _attribute("port", "1", first_seen="2026-11-18T01:00:00Z")

    assert "2026-11-18T01:00:00Z" == seen["first_seen"]
    assert "last_seen" not in seen


@pytest.mark.parametrize(
    ("asked", "exact"), [(True, True), (True, False), (False, True)]
)
def test_to_ids_only_of_exact_values(asked: bool, exact: bool) -> None:
    """An attribute may be matched when somebody asked for it and its value is exact."""
    made = _attribute("ipv4", "192.0.2.1", to_ids=asked, exact=exact)

    assert (asked and exact) is made["to_ids"]


def test_characters_that_misp_loses_are_written_out() -> None:
    """A character outside the Basic Multilingual Plane becomes its code point."""
    event = _event(
        title="Pay \U0001f4b8 now",
        description="A \U0001f600 smiles",
        observables=[{"kind": "text", "value": "x\U00010000\uffff", "exact": True}],
        victims=[{"name": "\U0001f468"}],
    )

    assert "Pay [U+1F4B8] now" == event["info"]
    assert "A [U+1F600] smiles" in event["EventReport"][0]["content"]
    assert "x[U+10000]\uffff" == event["Attribute"][0]["value"]
    assert "[U+1F468]" in {value for _, _, value in _values(event)}


def test_other_scripts_stay_as_they_are() -> None:
    """Letters that MISP can store stay as they are."""
    assert "Вера Çelik ë €" == _event(title="Вера Çelik ë €")["info"]


# --- Objects


def test_person_becomes_its_objects() -> None:
    """A victim becomes a person and a victim object, each by its template."""
    victim = {
        "kind": "person",
        "name": "Vera",
        "country": "XK",
        "contacts": {"email": "v@a.example"},
    }

    values = _values(_event(victims=[victim]))

    assert [
        ("person", "full-name", "Vera"),
        ("person", "e-mail", "v@a.example"),
        ("person", "role", "Victim"),
        ("victim", "regions", "XK"),
        ("victim", "classification", "individual"),
    ] == values[1:]
    assert ("incident", "name", "Incident: KOS-CERT case") == values[0]


def test_fixed_values_alone_make_no_object() -> None:
    """An object of which nothing is seen is not written with its fixed values."""
    assert [] == _event(victims=[{"kind": "person"}])["Object"]


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+383 44 / 111-222", ["+38344111222"]),
        ("+383 (0)44 111 222", ["+38344111222"]),
        ("00383 44 111 222", ["+38344111222"]),
        ("tel. 044 111 222", ["044111222"]),
        ("[withheld]", []),
        ("p-2b3c4d5e6f7a2b3c", []),
        ("ask at the desk", []),
    ],
)
def test_phone_is_as_it_is_dialled(phone: str, expected: list[str]) -> None:
    """A telephone number has digits only; a mask or pseudonym is none at all."""
    event = _event(suspects=[{"kind": "person", "contacts": {"phone": phone}}])

    assert expected == [value for _, what, value in _values(event) if "phone" in what]


def test_bank_accounts_one_object_each() -> None:
    """Each account of a loss becomes an object of its own, by what it looks like."""
    accounts = [IBAN, "1234567890", "p-abc", IBAN_2]

    values = _values(_event(financial_loss={"amount": "1", "accounts": accounts}))

    accounts_found = [
        (rel, value) for name, rel, value in values if name == "bank-account"
    ]
    assert [
        ("iban", IBAN),
        ("account", "1234567890"),
        ("text", "p-abc"),
        ("iban", IBAN_2),
    ] == accounts_found


def test_no_object_has_an_empty_description() -> None:
    """Every object has a description: MISP silently drops it without."""
    event = _event(
        victims=[{"kind": "organisation", "name": "Z"}],
        suspects=[{"kind": "person", "name": "S", "accounts": ["a"]}],
        evidence=[{"sha256": "7c" * 32, "name": "a"}],
        financial_loss={"amount": "1", "accounts": [IBAN]},
        affected_systems=[{"name": "A"}],
    )

    descriptions = [made["description"] for made in event["Object"]]
    assert 5 <= len(descriptions)
    assert "" not in descriptions
    assert "_" not in "".join(descriptions)


def test_uuids_are_all_different_and_stable() -> None:
    """Every object and attribute has a UUID of its own, the same in every edition."""
    view = {
        "suspects": [{"kind": "person", "name": "S", "accounts": ["a", "b"]}],
        "financial_loss": {"amount": "1", "accounts": [IBAN, IBAN_2]},
        "observables": [{"kind": "port", "value": "1", "exact": True}],
    }
    event = _event(**view)

    made = [*event["Attribute"], *event["EventReport"], *event["Object"], event]
    made += [inner for one in event["Object"] for inner in one["Attribute"]]
    uuids = [one["uuid"] for one in made]
    assert len(uuids) == len(set(uuids))
    assert uuids == [str(UUID(one)) for one in uuids]
    assert event == _event(**view)


def test_an_object_holds_what_a_type_says_too_little_of() -> None:
    """A wallet that MISP has no type for is a coin-address with its symbol."""
    event = _event(
        observables=[
            {
                "kind": "eth",
                "value": "0x52908400098527886e0f7030069857d2e4169ee7",
                "exact": True,
                "comment": "paid to",
            }
        ]
    )

    [made] = event["Object"]
    address, symbol = made["Attribute"]
    assert [] == event["Attribute"]
    assert ("coin-address", "address-crypto") == (
        made["name"],
        address["object_relation"],
    )
    assert "paid to" == address["comment"]
    assert ("symbol", "ETH") == (symbol["object_relation"], symbol["value"])
    assert 3 == len({made["uuid"], address["uuid"], symbol["uuid"]})


def test_a_value_that_misp_would_drop_is_text() -> None:
    """It reaches the analyst, is not matched, and says why it is text."""
    attribute = _attribute("bank-account", "170-0000-12")

    assert ("text", "Financial fraud", "170-0000-12", False) == (
        attribute["type"],
        attribute["category"],
        attribute["value"],
        attribute["to_ids"],
    )
    assert "MISP takes no such value as bank-account-nr" in attribute["comment"]


def test_a_name_beyond_ascii_is_sent_as_misp_stores_it() -> None:
    """MISP knows such a name as punycode (RFC 5891)."""
    assert "xn--faqe--rsa.example" == _attribute("domain", "faqe-ë.example")["value"]


def test_a_person_sees_what_goes_as_text() -> None:
    """Kind, value and the MISP type that would not have taken the value."""
    made = event_frame(given.route().recipient, given.shipped().tables, EXTENSION)
    view = {
        "observables": [
            {"kind": "bank-account", "value": "170-0000-12"},
            {"kind": "bank-account", "value": "1700000012"},
            {"kind": "domain", "value": "faqe-ë.example", "role": "attacker"},
            {"kind": "ipv4"},
        ]
    }

    assert (("bank-account", "170-0000-12", "bank-account-nr"),) == unfit_values(
        view, made
    )


# --- Both formats


def test_both_formats_say_the_same() -> None:
    """What the event has of an observable stands in the STIX objects of its id."""
    kinds = given.shipped().tables.kinds
    bundle = _bundle(
        observables=[
            {"kind": kind, "value": value, "exact": True, "to_ids": True, **seen}
            for kind, value, seen in (
                ("asn", "64496", {}),
                ("cve", "CVE-2026-1", {"comment": "c"}),
                ("domain", "a.example", {"role": "victim"}),
                ("md5", "0f" * 16, {"first_seen": "2026-11-18T22:14:05Z"}),
                (
                    "registry-key",
                    "HKLM\\Software\\X",
                    {"last_seen": "2026-11-18T22:14:05Z"},
                ),
            )
        ]
    )
    by_id = {made["id"]: made for made in bundle.objects}
    told: dict[str, tuple[object, ...]] = {}
    for made in bundle.objects:
        about = made.get("extensions", {}).get(EXTENSION, {})
        if "kind" not in about:
            continue
        value: Any = by_id[made["object_refs"][0]] if "object_refs" in made else made
        for step in kinds[about["kind"]].stix.property.split("."):
            value = value[step]
        seen = about.get("first_seen"), about.get("last_seen")
        uuid = made["id"].partition("--")[2]
        told[uuid] = (str(value), about["to_ids"], *seen)

    event = json.loads(_rendered(bundle))["Event"]

    assert 5 == len(told)
    assert told == {
        each["uuid"]: (
            each["value"],
            each["to_ids"],
            each.get("first_seen"),
            each.get("last_seen"),
        )
        for each in event["Attribute"]
    }


def test_objects_of_a_bundle_are_the_same_each_time() -> None:
    """Objects are written when asked for: what is done to some is not in the next."""
    bundle = _bundle(observables=[{"kind": "port", "value": "1", "exact": True}])
    first = bundle.objects
    before = dumps(first)

    first[-1].clear()

    assert before == dumps(bundle.objects)
