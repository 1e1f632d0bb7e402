"""What a message puts together is one group; nothing else is."""

from __future__ import annotations

import json

from broker import pipeline
from broker.intake.groups import settled
from broker.model.incident import Observable
from tests.world import rulebook


def ip(last: int, group: int | None) -> Observable:
    return Observable(kind="ipv4", value=f"203.0.113.{last}", group=group)


def groups(message: dict[str, object]) -> dict[str, int | None]:
    """Return the group of each value of a message."""
    raw = json.dumps(message).encode()
    found = pipeline.receive(raw, rulebook=rulebook()).incident
    return {each.value: each.group for each in found.observables}


def test_groups_are_numbered_as_they_come() -> None:
    """Groups count from 1, whatever numbers were given while reading."""
    found = settled([ip(1, 7), ip(2, None), ip(3, 4), ip(4, 7), ip(5, 4)])

    assert [1, None, 2, 1, 2] == [each.group for each in found]


def test_one_thing_alone_belongs_to_nothing() -> None:
    """A group of one is none, and does not make a value stand there twice."""
    assert (ip(1, None), ip(2, None)) == settled([ip(1, None), ip(1, 3), ip(2, 4)])


def test_a_thousand_things_are_not_one() -> None:
    """A long list is a list, and not a thing with a thousand parts."""
    many = [
        Observable(kind="ipv4", value=f"10.0.{n // 250}.{n % 250}", group=1)
        for n in range(101)
    ]

    assert {None} == {each.group for each in settled(many)}
    assert {1} == {each.group for each in settled(many[1:])}


def test_the_sides_of_an_intelmq_event_are_groups() -> None:
    """Address, name and port of one side belong together, and the sides do not."""
    found = groups(
        {
            "classification.type": "c2-server",
            "time.observation": "2026-11-18T22:14:05+00:00",
            "source.ip": "203.0.113.7",
            "source.fqdn": "verify.example",
            "source.account": "dikush",
            "destination.ip": "198.51.100.7",
            "destination.port": 443,
        }
    )

    assert found["203.0.113.7"] == found["verify.example"] == 1
    assert found["198.51.100.7"] == found["443"] == 2
    assert found["dikush"] is None


def test_an_object_of_a_misp_event_is_a_group() -> None:
    """What stands in one object belongs together; attributes alone do not."""
    inner = [
        {"type": "domain", "category": "Network activity", "value": "a.example"},
        {"type": "ip-dst", "category": "Network activity", "value": "203.0.113.7"},
    ]
    alone = {"type": "domain", "category": "Network activity", "value": "b.example"}
    found = groups(
        {
            "Event": {
                "uuid": "5a7b3c1e-0000-4000-8000-000000000001",
                "info": "x",
                "timestamp": "1790000000",
                "date": "2026-11-18",
                "Attribute": [alone],
                "Object": [{"name": "domain-ip", "Attribute": inner}],
            }
        }
    )

    assert {"b.example": None, "a.example": 1, "203.0.113.7": 1} == found
