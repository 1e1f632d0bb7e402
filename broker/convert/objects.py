"""Write the objects of a bundle, as STIX 2.1 has them.

`Bundle` -> dictionaries: the frame, the report and everything that it refers to.

Invariants: the report refers to every other object of the case; every object carries
TLP, PAP and the agreement's statement; ids come from the bundle's rows or, for
cyber-observables, from the values as they are seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from broker.convert.frame import EXTENSION, Frame
from broker.convert.ids import Ids, observable_id
from broker.convert.observables import Known, Writer
from broker.model.sharing import Bundle, Part, Sighting

# Incident Core 2.0 (OASIS, 10 October 2023), and what the status is in its words.
INCIDENT_CORE: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
_INVESTIGATED: Final = {"open": "open", "closed": "closed", "withdrawn": "closed"}
# MISP's taxonomy europol-event, whose words Incident Core has taken over.
EVENT_TAG: Final = "europol-event:"

_CLASSES: Final = {"person": "individual", "organisation": "organization"}
_PARTIES: Final = {"victims": "victim", "suspects": "suspect"}
_OBSERVED: Final = {
    "type": "observed-data",
    "first_observed": "",
    "last_observed": "",
    "number_observed": 1,
    "object_refs": [],
    "extensions": {},
}
_INDICATOR: Final = {
    "type": "indicator",
    "pattern": "",
    "pattern_type": "stix",
    "pattern_version": "2.1",
    "valid_from": "",
    "indicator_types": ["malicious-activity"],
}
_BASED_ON: Final = {
    "type": "relationship",
    "relationship_type": "based-on",
    "source_ref": "",
    "target_ref": "",
}
# What the report has in common with all others.
_SHARED: Final = (
    "spec_version",
    "created_by_ref",
    "created",
    "modified",
    "object_marking_refs",
)


class Setting(NamedTuple):
    """What the objects of a bundle are written with, beyond what it says itself."""

    frame: Frame
    markings: tuple[dict[str, Any], dict[str, Any]]  # TLP, PAP
    ids: Ids
    known: Known


class Builder:
    """The objects that a report refers to, while they are written."""

    def __init__(self, setting: Setting, report: Mapping[str, Any]) -> None:
        self.frame, _, self.ids, self.known = setting
        self.created: str = report["created"]
        self.markings: list[str] = report["object_marking_refs"]
        self.objects: dict[str, dict[str, Any]] = {}
        # Forms that are copied and filled in: far cheaper than objects written anew.
        self.form = {name: report[name] for name in _SHARED} | {"type": "", "id": ""}
        self.observed = self.form | _OBSERVED
        self.indicator = self.form | _INDICATOR
        self.relationship = self.form | _BASED_ON

    def add(self, kind: str, uuid: str, properties: dict[str, Any]) -> str:
        """Add a domain or relationship object; return its id."""
        made_id = f"{kind}--{uuid}"
        made = self.objects[made_id] = self.form.copy()
        made["type"] = kind
        made["id"] = made_id
        made.update(properties)
        return made_id

    def add_observable(self, made: dict[str, Any]) -> str:
        """Add a cyber-observable object once; return its id."""
        made_id: str = made["id"]
        if made_id not in self.objects:
            marked = self.objects[made_id] = made.copy()
            marked["object_marking_refs"] = self.markings
        return made_id


def objects_of(
    setting: Setting, view: Mapping[str, Any], bundle: Bundle
) -> tuple[dict[str, Any], ...]:
    """Write the objects of a bundle that was made of a view."""
    report, summary = dict(bundle.report), bundle.summary
    builder = Builder(setting, report)
    if bundle.incident:
        _case(builder, view, bundle)
    properties = {
        "abstract": summary.title,
        "content": summary.text,
        "object_refs": [report["id"]],
    }
    builder.add("note", summary.uuid, properties)
    report["object_refs"] = sorted(builder.objects)
    always = setting.frame.always
    return (*always, *setting.markings, report, *builder.objects.values())


def milliseconds(time: str) -> str:
    """Return a time of a view as STIX writes it."""
    return f"{time[:-1]}.000Z"


def _case(builder: Builder, view: Mapping[str, Any], bundle: Bundle) -> None:
    """Add what the case is, what was seen, and who and what it is about."""
    incident: dict[str, Any] = {"name": bundle.report["name"]}
    if "description" in view:
        incident["description"] = view["description"]
    if "status" in view:
        incident["extensions"] = {INCIDENT_CORE: _core(view, builder.frame)}
    about = builder.add("incident", bundle.incident, incident)
    times = view.get("times", {})
    fallback = times.get("detected") or times.get("occurred_from")
    if_unknown = milliseconds(fallback) if fallback else builder.created
    for sighting in bundle.sightings:
        _sighting(builder, sighting, if_unknown)
    for part in bundle.parts:
        _part(builder, part, about)


def _core(view: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """Return what OASIS's Incident Core says of an incident.

    Source: OASIS, Incident Extension Suite, Incident Core 2.0. What it demands, and the
    model does not state, is how sure it is that something happened: a CSIRT reports
    what it suspects, and only a court finds out more.
    """
    core: dict[str, Any] = {
        "extension_type": "property-extension",
        "determination": "suspected",
        "investigation_status": _INVESTIGATED[view["status"]],
    }
    if types := [
        label.removeprefix(EVENT_TAG)
        for label in frame.labels.get(view.get("classification", ""), ())
        if label.startswith(EVENT_TAG)
    ]:
        core["incident_types"] = types
    return core


def _sighting(builder: Builder, sighting: Sighting, if_unknown: str) -> None:
    """Add an observable: the object, that it was observed, and how to match it."""
    seen, uuid = sighting.seen, sighting.uuid
    writer = builder.frame.writers[seen["kind"]]
    about = dict(seen)
    value = about.pop("value")
    about["extension_type"] = "property-extension"
    about["to_ids"] = sighting.to_ids
    last = sighting.last_seen
    if last:
        about["last_seen"] = last
    if sighting.listed:
        about["listed"] = sighting.listed
    # Nobody said when: then it was seen when the incident was.
    seen_at = seen.get("first_seen") or last
    begun = milliseconds(seen_at) if seen_at else if_unknown
    if writer.is_domain_object:
        _domain_object(builder, writer, value, about, uuid, begun)
        return
    made = builder.known.object_of(writer, value)
    if not made["id"]:
        secret = builder.ids.private_uuid(f"object/{writer.kind}/{value}")
        made = {**made, "id": f"{made['type']}--{secret}"}
    ref = builder.add_observable(made)
    observed = builder.observed.copy()
    observed["id"] = observed_id = f"observed-data--{uuid}"
    observed["first_observed"] = begun
    observed["last_observed"] = milliseconds(last) if last else begun
    observed["object_refs"] = [ref]
    observed["extensions"] = {EXTENSION: about}
    builder.objects[observed_id] = observed
    if sighting.to_ids:
        _indicator(builder, writer.pattern(value), uuid, begun, observed_id)


def _domain_object(
    builder: Builder,
    writer: Writer,
    value: str,
    about: dict[str, Any],
    uuid: str,
    begun: str,
) -> None:
    """Add what is not seen on a network, and stands for itself."""
    properties = writer.properties(value)
    properties["extensions"] = {EXTENSION: about}
    if writer.stix_type == "indicator":
        properties["valid_from"] = begun
    builder.add(writer.stix_type, uuid, properties)


def _indicator(
    builder: Builder, pattern: str, uuid: str, first: str, observed: str
) -> None:
    indicator = builder.indicator.copy()
    indicator["id"] = indicator_id = f"indicator--{uuid}"
    indicator["pattern"] = pattern
    indicator["valid_from"] = first
    builder.objects[indicator_id] = indicator
    relationship = builder.relationship.copy()
    relationship["id"] = relationship_id = f"relationship--{uuid}"
    relationship["source_ref"] = indicator_id
    relationship["target_ref"] = observed
    builder.objects[relationship_id] = relationship


def _part(builder: Builder, part: Part, incident: str) -> None:
    if part.name in _PARTIES:
        _party(builder, part, _PARTIES[part.name], incident)
    elif part.name == "affected_systems":
        name = part.said.get("name", f"System {part.number}")
        properties = {"name": name, "identity_class": "system"}
        _add_part(
            builder, "identity", part, properties | {"roles": ["affected-system"]}
        )
    elif part.name == "evidence":
        _evidence(builder, part)
    else:
        _loss(builder, part, incident)


def _add_part(
    builder: Builder, kind: str, part: Part, properties: dict[str, Any]
) -> str:
    """Add an object that carries a part's fields, by their paths in the incident."""
    about = {
        "extension_type": "property-extension",
        "part": part.name,
        "fields": part.fields,
    }
    return builder.add(kind, part.uuid, properties | {"extensions": {EXTENSION: about}})


def _party(builder: Builder, part: Part, role: str, incident: str) -> None:
    said = part.said
    named = said.get("name")
    properties: dict[str, Any] = {
        "name": f"{role.capitalize()} {part.number} (name withheld)"
        if named is None
        else named,
        "identity_class": _CLASSES.get(said.get("kind", ""), "unknown"),
        "roles": [role],
    }
    contacts = said.get("contacts")
    if contacts:
        properties["contact_information"] = "; ".join(contacts.values())
    ref = _add_part(builder, "identity", part, properties)
    builder.add(
        "relationship",
        builder.ids.uuid(f"{part.name}/{part.number}/relationship"),
        {
            "relationship_type": "related-to",
            "source_ref": incident,
            "target_ref": ref,
        },
    )


def _evidence(builder: Builder, part: Part) -> None:
    """Describe a piece of evidence: a file by its hash, never its content."""
    item = part.said
    properties: dict[str, Any] = {}
    if "sha256" in item:
        properties["hashes"] = {"SHA-256": item["sha256"]}
    for name, target in (
        ("name", "name"),
        ("size", "size"),
        ("media_type", "mime_type"),
    ):
        if name in item:
            properties[target] = item[name]
    ref = builder.add_observable(
        {
            "type": "file",
            "spec_version": "2.1",
            "id": observable_id("file", properties),
            **properties,
        }
    )
    collected = item.get("collected_at")
    seen = milliseconds(collected) if collected else builder.created
    times = {"first_observed": seen, "last_observed": seen}
    observed = times | {"number_observed": 1, "object_refs": [ref]}
    _add_part(builder, "observed-data", part, observed)


def _loss(builder: Builder, part: Part, incident: str) -> None:
    loss = part.said
    amount = " ".join(str(loss[k]) for k in ("amount", "currency") if k in loss)
    accounts = ", ".join(loss.get("accounts", ()))
    content = "; ".join(
        text
        for text in (
            f"Financial loss: {amount}" if amount else "",
            f"Accounts: {accounts}" if accounts else "",
        )
        if text
    )
    properties = {
        "abstract": "Financial loss",
        "content": content or "Financial loss",
        "object_refs": [incident],
    }
    _add_part(builder, "note", part, properties)
