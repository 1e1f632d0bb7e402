"""The plain way: what anybody would write with the field's own libraries.

The ready-made values of one output -> the same STIX bundle from stix2 objects and the
same MISP event from PyMISP objects, both written as JSON. Every value is given: the
plain way decides nothing, redacts nothing, computes no id and guards nothing. So what
is measured is only what the libraries cost.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import stix2
from pymisp import MISPEvent, MISPEventReport, MISPObject

_STIX = {
    cls._type: cls
    for cls in (
        stix2.AutonomousSystem, stix2.DomainName, stix2.EmailAddress, stix2.File,
        stix2.IPv4Address, stix2.IPv6Address, stix2.URL, stix2.UserAccount,
        stix2.v21.ExtensionDefinition, stix2.v21.Identity, stix2.v21.Incident,
        stix2.v21.Indicator, stix2.v21.MarkingDefinition, stix2.v21.Note,
        stix2.v21.ObservedData, stix2.v21.Relationship, stix2.v21.Report,
    )
}  # fmt: skip


def stix_bundle(bundle_id: str, objects: list[dict[str, Any]]) -> str:
    """Build a bundle from stix2 objects and write it."""
    made = [
        _STIX[properties["type"]](
            **{name: value for name, value in properties.items() if name != "type"}
        )
        for properties in objects
    ]
    return str(stix2.Bundle(made, id=bundle_id).serialize())


_EVENT_FIELDS = (
    "uuid", "info", "date", "timestamp", "published", "distribution",
    "threat_level_id", "analysis",
)  # fmt: skip


def misp_event(values: dict[str, Any]) -> str:
    """Build an event from PyMISP objects and write it."""
    event = MISPEvent()
    event.from_dict(**{name: values[name] for name in _EVENT_FIELDS})
    for tag in values["Tag"]:
        event.add_tag(tag["name"])
    for attribute in values["Attribute"]:
        event.add_attribute(**attribute)
    for given in values["Object"]:
        made = MISPObject(given["name"], standalone=False)
        made.from_dict(
            uuid=given["uuid"],
            distribution=given["distribution"],
            timestamp=given["timestamp"],
        )
        for attribute in given["Attribute"]:
            made.add_attribute(**attribute)
        event.add_object(made)
    for given in values["EventReport"]:
        report = MISPEventReport()
        report.from_dict(**given)
        event.EventReport.append(report)
    return str(event.to_json())


def counts(bundle: dict[str, Any], event: dict[str, Any]) -> Counter[str]:
    """Count what a bundle and an event hold, to see that two hold the same."""
    found = Counter(f"stix {made['type']}" for made in bundle["objects"])
    found["misp tags"] = len(event["Tag"])
    for given in event["Attribute"]:
        found[f"misp {given['type']}"] += 1
    for made in event["Object"]:
        found[f"misp object {made['name']}"] += 1
        for given in made["Attribute"]:
            found[f"misp object {made['name']} {given['object_relation']}"] += 1
    found["misp reports"] = len(event["EventReport"])
    return found
