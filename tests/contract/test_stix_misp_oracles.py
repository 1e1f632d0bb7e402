"""misp-stix imports the dialect that is meant for it into the event that Besa writes.

The oracle is misp-stix's own importer, with the parser that it uses for what it has
written itself. Every kind of observable and every object is in the samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pymisp
import pytest
import stix2
from misp_stix_converter import InternalSTIX2toMISPParser

from broker.model.sharing import Wire
from tests.contract.oracle_incidents import Sample, samples

# Tags that misp-stix gives to whatever it imports: how it was made, and by whom.
ADDED: Final = {'misp:tool="misp-stix-converter"', 'misp-galaxy:producer="kos-cert"'}

every_sample = pytest.mark.parametrize("sample", samples(), ids=lambda each: each.name)


def imported(sample: Sample) -> tuple[dict[str, Any], list[str]]:
    """Return the event that misp-stix makes of a bundle, and what it complains of."""
    bundle = stix2.parse(
        sample.wires[Wire.STIX_MISP], allow_custom=True, interoperability=True
    )
    importer = InternalSTIX2toMISPParser()
    importer.load_stix_bundle(bundle)
    importer.parse_stix_bundle()
    said = (*importer.errors.values(), *importer.warnings.values())
    event: dict[str, Any] = json.loads(importer.misp_event.to_json())
    return event, [text for each in said for text in each]


def with_times(attribute: dict[str, Any]) -> str:
    """Return an attribute's comment as the dialect has it: with when it was seen."""
    said = [attribute.get("comment", "")]
    said += [
        f"{name.replace('_', ' ')} {attribute[name]}"
        for name in ("first_seen", "last_seen")
        if name in attribute
    ]
    return "; ".join(text for text in said if text)


def ours(attribute: dict[str, Any]) -> tuple[Any, ...]:
    return (*of(attribute)[:-1], with_times(attribute))


def of(attribute: dict[str, Any]) -> tuple[Any, ...]:
    """Return what an attribute is."""
    return (
        attribute["uuid"],
        attribute["type"],
        attribute["category"],
        attribute["value"],
        attribute["to_ids"],
        attribute.get("object_relation"),
        attribute.get("comment", ""),
    )


def references(event: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for made in event.get("Object", ()):
        for each in made.get("ObjectReference", ()):
            yield made["uuid"], each["relationship_type"], each["referenced_uuid"]


def test_every_wire_is_looked_at() -> None:
    """Every sample is written in this dialect, too."""
    assert {True} == {Wire.STIX_MISP in sample.wires for sample in samples()}


@every_sample
def test_misp_stix_imports_the_same_event(sample: Sample) -> None:
    """Case, attributes, objects, references, reports and tags are the event's."""
    event, complaints = imported(sample)
    expected = sample.event

    assert [] == complaints
    assert (expected["uuid"], expected["info"]) == (event["uuid"], event["info"])
    assert sorted(map(ours, expected["Attribute"])) == sorted(
        map(of, event.get("Attribute", ()))
    )
    assert {
        (made["uuid"], made["name"], made["meta-category"]): sorted(
            map(ours, made["Attribute"]), key=str
        )
        for made in expected["Object"]
    } == {
        (made["uuid"], made["name"], made["meta-category"]): sorted(
            map(of, made["Attribute"]), key=str
        )
        for made in event.get("Object", ())
    }
    assert sorted(references(expected)) == sorted(references(event))
    added = {tag["name"].casefold() for tag in event["Tag"]}
    assert ADDED <= added
    assert {tag["name"].casefold() for tag in expected["Tag"]} == added - ADDED
    assert [(each["name"], each["content"]) for each in expected["EventReport"]] == [
        (each["name"], each["content"]) for each in event["EventReport"]
    ]


@every_sample
def test_pymisp_reads_what_was_imported(sample: Sample) -> None:
    """The event that comes out of the importer is one that PyMISP reads."""
    event, _ = imported(sample)

    read = pymisp.MISPEvent()
    read.from_dict(**event)

    assert sample.event["uuid"] == read.uuid
