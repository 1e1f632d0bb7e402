"""What is probably nobody's crime is flagged, and never matched automatically."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from broker.convert import EXTENSION, Case, frame, listed_values, to_stix
from broker.convert.withheld import withheld_lines
from broker.model.incident import Shape
from broker.model.known_good import KnownGood, Listed
from broker.model.sharing import Bundle, Edition, Redacted
from broker.render import event_frame, misp_event
from tests.unit import given

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
LISTED = Listed(
    [
        KnownGood(list="nets", title="N", networks=("10.0.0.0/8", "2001:db8::/32")),
        KnownGood(
            list="names",
            title="D",
            names=(".own.example", "one.example"),
            hashes=("d41d8cd98f00b204e9800998ecf8427e",),
        ),
    ]
)


@pytest.mark.parametrize(
    ("shape", "value", "title"),
    [
        (Shape.IP, "10.1.2.3", "N"),
        (Shape.IP, "10.1.2.0/24", "N"),
        (Shape.IP, "2001:db8::7", "N"),
        # Wider than what is listed: most of it is somebody else's.
        (Shape.IP, "8.0.0.0/6", ""),
        (Shape.IP, "192.0.2.1", ""),
        (Shape.DOMAIN, "mail.own.example", "D"),
        (Shape.DOMAIN, "own.example", "D"),
        (Shape.DOMAIN, "notown.example", ""),
        (Shape.DOMAIN, "one.example", "D"),
        (Shape.DOMAIN, "www.one.example", ""),
        (Shape.URL, "http://10.1.2.3:8080/login", "N"),
        (Shape.URL, "http://[2001:db8::7]/", "N"),
        (Shape.URL, "http://a:b@10.1.2.3", "N"),
        (Shape.URL, "http://10.1.2.3.example:80/10.1.2.3", ""),
        (Shape.IP, "10.1.2.3/32", "N"),
        (Shape.IP, "010.1.2.3", ""),
        # A page on a well-known site can be a crime.
        (Shape.URL, "https://one.example/kit", ""),
        (Shape.HASH, "d41d8cd98f00b204e9800998ecf8427e", "D"),
        (Shape.NAME, "one.example", ""),
    ],
)
def test_a_value_is_looked_up_by_its_shape(
    shape: Shape, value: str, title: str
) -> None:
    """Networks hold what lies in them, names what is beneath them."""
    assert title == LISTED.of(shape, value)


def test_the_first_list_speaks() -> None:
    """A value on two lists is told once."""
    twice = Listed(
        KnownGood(list=name, title=name, names=("a.example",)) for name in ("x", "y")
    )

    assert "x" == twice.of(Shape.DOMAIN, "a.example")


@pytest.mark.parametrize(
    "row", [{"networks": ["10.0.0.1/8"]}, {"names": ["Upper.example"]}]
)
def test_a_row_that_matches_nothing_is_refused(row: dict[str, Any]) -> None:
    """What could never be found is a mistake in the file."""
    with pytest.raises(ValidationError):
        KnownGood.model_validate({"list": "x", "title": "X", **row})


def _bundle(**seen: Any) -> Bundle:
    book = given.shipped()
    made = frame(
        given.route().agreement,
        book.csirt,
        book.tables,
        withheld_lines(given.profile()),
    )
    view = {"tlp": "green", "pap": "green", "observables": [{"exact": True, **seen}]}
    case = Case("KOS-1", given.key().ids, Edition(1, NOW, NOW, "c"))
    return to_stix(Redacted(view, ()), made, case)


def test_a_listed_value_has_no_indicator() -> None:
    """It is sent and flagged; nothing in STIX or MISP asks to match it."""
    bundle = _bundle(kind="ipv4", value="10.1.2.3", to_ids=True)

    assert [] == [each for each in bundle.objects if each["type"] == "indicator"]
    (observed,) = (each for each in bundle.objects if each["type"] == "observed-data")
    title = "private, local and shared addresses"
    assert title == observed["extensions"][EXTENSION]["listed"]
    recipient, tables = given.route().recipient, given.shipped().tables
    event = json.loads(misp_event(bundle, event_frame(recipient, tables, EXTENSION)))
    (attribute,) = event["Event"]["Attribute"]
    assert attribute["to_ids"] is False
    assert title in attribute["comment"]


def test_what_is_on_no_list_is_matched_as_asked() -> None:
    """The lists take nothing from anything else."""
    bundle = _bundle(kind="ipv4", value="203.0.113.7", to_ids=True)

    assert any(each["type"] == "indicator" for each in bundle.objects)


def test_a_person_sees_what_is_listed() -> None:
    """Kind, value and list of each listed value that the recipient gets."""
    book = given.shipped()
    made = frame(
        given.route().agreement,
        book.csirt,
        book.tables,
        withheld_lines(given.profile()),
    )
    view = {
        "observables": [
            {"kind": "domain", "value": "dns.google"},
            {"kind": "domain", "value": "verify.example"},
        ]
    }

    assert (("domain", "dns.google", "public DNS resolvers"),) == listed_values(
        view, made
    )
