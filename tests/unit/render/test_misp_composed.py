"""Observables of one group become one MISP object, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

from broker.render.misp_composed import Composer, Member
from broker.render.misp_json import Attribute
from tests.world import rulebook

STAMP = '"1790000000"'


def member(kind: str, value: str, role: str = "attacker") -> Member:
    row = rulebook().tables.kinds[kind]
    number = sum(value.encode()) * 1_000 + len(value)
    attribute = Attribute(
        f"00000000-0000-5000-8000-{number:012d}",
        row.misp.type,
        row.misp.category,
        value,
        False,
        "",
        None,
        None,
    )
    return Member(kind, role, attribute)


def composed(*members: Member) -> tuple[list[dict[str, Any]], list[Attribute]]:
    """Return the objects and the attributes that a group becomes."""
    composer = Composer(rulebook().tables.composed)
    objects, alone = composer.compose(list(members), STAMP)
    return [json.loads(made.written(STAMP)) for made in objects], alone


def relations(made: dict[str, Any]) -> dict[str, str]:
    return {each["object_relation"]: each["value"] for each in made["Attribute"]}


def test_a_name_and_its_address_are_one_object() -> None:
    """A domain and an address of one group are a `domain-ip`."""
    (made,), alone = composed(
        member("domain", "a.example"), member("ipv4", "203.0.113.7")
    )

    assert "domain-ip" == made["name"]
    assert {"domain": "a.example", "ip": "203.0.113.7"} == relations(made)
    assert [] == alone


def test_one_alone_stays_an_attribute() -> None:
    """An object of one value would say no more than the value."""
    one = member("domain", "a.example")

    assert ([], [one.attribute]) == composed(one)


def test_where_two_fit_one_place_nothing_is_put_together() -> None:
    """Two addresses and two ports: which port is whose is not said."""
    group = (
        member("ipv4", "203.0.113.7"),
        member("ipv4", "203.0.113.8"),
        member("port", "443"),
        member("port", "80"),
    )

    objects, alone = composed(*group)

    assert [] == objects
    assert [each.attribute for each in group] == alone


def test_what_has_no_place_is_referred_to() -> None:
    """The rest of a group stays alone, and the object refers to it."""
    rest = member("asn", "64496")

    (made,), alone = composed(
        member("domain", "a.example"), member("ipv4", "203.0.113.7"), rest
    )

    assert [rest.attribute] == alone
    assert [(rest.attribute.uuid, "related-to")] == [
        (each["referenced_uuid"], each["relationship_type"])
        for each in made["ObjectReference"]
    ]


def test_a_value_that_misp_takes_as_text_only_is_in_no_object() -> None:
    """What does not fit its type fits no relation of a template either."""
    unfit = member("domain", "a_b")
    unfit = unfit._replace(attribute=unfit.attribute._replace(type="text"))

    assert [] == composed(unfit, member("ipv4", "203.0.113.7"))[0]


def test_within_an_object_an_attribute_has_another_uuid() -> None:
    """MISP moves no attribute into an object, so it must be a new one there."""
    one, other = member("domain", "a.example"), member("ipv4", "203.0.113.7")

    (made,), _ = composed(one, other)

    inside = {each["uuid"] for each in made["Attribute"]}
    assert set() == inside & {one.attribute.uuid, other.attribute.uuid}
    assert 3 == len(inside | {made["uuid"]})


def test_a_mail_and_its_attachments_file_are_two_objects() -> None:
    """One group can be several things, each with what it takes."""
    objects, alone = composed(
        member("subject", "Fatura"),
        member("email", "dikush@posta.example"),
        member("filename", "fatura.exe"),
        member("sha256", "0f" * 32),
    )

    assert ["email", "file"] == [made["name"] for made in objects]
    assert [] == alone
