"""Write what a recipient may see as a STIX 2.1 bundle.

`Redacted` + `Frame` + `Case` -> `Bundle`. Plain dictionaries, checked against the stix2
library, the OASIS validator and misp-stix in the tests instead of on every run.

Invariants: the one `report` is the case and refers to every other object: nothing rides
along; every object carries TLP, PAP and the agreement's statement; the same input gives
the same bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broker.canonical import dumps
from broker.convert.frame import EXTENSION, Frame
from broker.convert.ids import Ids
from broker.convert.observables import Known, Writer, written
from broker.convert.parts import parts
from broker.convert.summary import retraction_summary, summary
from broker.errors import ConversionError
from broker.model.sharing import Bundle, Edition, Redacted


@dataclass(frozen=True, slots=True)
class Case:
    """Which incident, at which recipient, in which edition."""

    uid: str
    ids: bytes  # the recipient's secret namespace
    edition: Edition


# Incident Core 2.0 (OASIS, 10 October 2023), and what the status is in its words.
INCIDENT_CORE: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
_INVESTIGATED: Final = {"open": "open", "closed": "closed", "withdrawn": "closed"}
# MISP's taxonomy europol-event, whose words Incident Core has taken over.
EVENT_TAG: Final = "europol-event:"

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


class Builder:
    """The objects of one bundle while they are made."""

    def __init__(
        self,
        frame: Frame,
        case: Case,
        markings: tuple[str, ...],
        known: Known | None = None,
    ) -> None:
        self.frame = frame
        self.known: Known = {} if known is None else known
        self.case = case
        self.ids = Ids(case.ids, case.uid)
        self.incident_ref = f"incident--{self.ids.uuid('incident')}"
        self.report_ref = f"report--{self.ids.uuid('report')}"
        self.created = stix_time(case.edition.created)
        edition = case.edition
        same = edition.modified is edition.created
        self.modified = self.created if same else stix_time(edition.modified)
        self.markings = [*markings, frame.statement]
        self.objects: dict[str, dict[str, Any]] = {}
        # Forms that are copied and filled in: far cheaper than objects written anew.
        self.form = {
            "type": "",
            "spec_version": "2.1",
            "id": "",
            "created_by_ref": frame.creator,
            "created": self.created,
            "modified": self.modified,
            "object_marking_refs": self.markings,
        }
        self.observed = self.form | _OBSERVED
        self.indicator = self.form | _INDICATOR
        self.relationship = self.form | _BASED_ON

    def add(self, kind: str, role: str, properties: dict[str, Any]) -> str:
        """Add a domain or relationship object that plays a role; return its id."""
        return self.add_as(kind, f"{kind}--{self.ids.uuid(role)}", properties)

    def add_as(self, kind: str, made_id: str, properties: dict[str, Any]) -> str:
        """Add a domain or relationship object with an id; return the id."""
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


def stix_time(moment: datetime) -> str:
    """Return a UTC time as STIX writes it, with milliseconds."""
    # A quarter of the price of isoformat().
    return dumps(moment)[1:20].decode() + ".000Z"


def to_stix(
    redacted: Redacted, frame: Frame, case: Case, known: Known | None = None
) -> Bundle:
    """Write a redacted incident as a STIX 2.1 bundle.

    ``known`` remembers how values are written: whoever writes one incident for many
    recipients under one rulebook hands in the same for all, empty at first.

    Raises:
        ConversionError: a marking is missing, or an observable's kind has no row.
    """
    view = redacted.view
    try:
        tlp, pap = frame.tlp[view["tlp"]], frame.pap[view["pap"]]
    except KeyError as error:
        raise ConversionError("TLP or PAP is missing or has no row") from error
    builder = Builder(frame, case, (tlp["id"], pap["id"]), known)
    name = case_name(view, frame)
    incident: dict[str, Any] = {"name": name}
    if "description" in view:
        incident["description"] = view["description"]
    if "status" in view:
        incident["extensions"] = {INCIDENT_CORE: _core(view, frame)}
    builder.add_as("incident", builder.incident_ref, incident)
    _observables(builder, view)
    parts(builder, view)
    report = _report(builder, view, name)
    return _bundle(frame, (tlp, pap), report, builder)


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


def to_retraction(
    frame: Frame, case: Case, marking: tuple[str, str], reason: str
) -> Bundle:
    """Write the edition that takes everything back: a revoked report and a notice."""
    tlp, pap = frame.tlp[marking[0]], frame.pap[marking[1]]
    builder = Builder(frame, case, (tlp["id"], pap["id"]))
    name = f"[Taken back by {frame.csirt.name}]"
    builder.add(
        "note",
        "summary",
        {
            "abstract": "Notice",
            "content": retraction_summary(frame, reason),
            "object_refs": [builder.report_ref],
        },
    )
    report = _wrap(builder, {"name": name, "revoked": True})
    return _bundle(frame, (tlp, pap), report, builder)


def case_name(view: Mapping[str, Any], frame: Frame) -> str:
    """Return the case's title; where it is withheld, what sort of incident it is."""
    if "title" in view:
        return str(view["title"])
    row = frame.rsit.get(view.get("classification", ""))
    sort = row.label if row else "Incident"
    number = f" {view['uid']}" if "uid" in view else ""
    return f"{sort}: {frame.csirt.name} case{number}"


def _report(builder: Builder, view: Mapping[str, Any], name: str) -> dict[str, Any]:
    frame = builder.frame
    builder.add(
        "note",
        "summary",
        {
            "abstract": "Case summary",
            "content": summary(view, frame, builder.case.edition),
            "object_refs": [builder.report_ref],
        },
    )
    properties: dict[str, Any] = {"name": name}
    # STIX 2.1, 2.7: a list without anything in it must not be there.
    if labels := _labels(view, frame):
        properties["labels"] = labels
    if "language" in view:
        properties["lang"] = view["language"]
    if "confidence" in view:
        properties["confidence"] = view["confidence"]
    references = [
        {"source_name": "reference", "url": url} for url in view.get("references", ())
    ]
    for field, source in (("uid", frame.csirt.name), ("case_reference", "case")):
        if field in view:
            references.append({"source_name": source, "external_id": view[field]})
    if references:
        properties["external_references"] = references
    fields = {
        name: view[name]
        for name in ("uid", "severity", "status", "urgency", "times", "relations")
        if name in view
    }
    if fields:
        properties["extensions"] = {
            EXTENSION: {"extension_type": "property-extension", **fields}
        }
    return _wrap(builder, properties)


def listed_values(
    view: Mapping[str, Any], frame: Frame
) -> tuple[tuple[str, str, str], ...]:
    """Return (kind, value, list) of what a recipient gets that is on a list."""
    return tuple(
        (seen["kind"], seen["value"], title)
        for seen in view.get("observables", ())
        if "value" in seen
        and seen.get("kind") in frame.writers
        and (title := frame.listed.of(frame.writers[seen["kind"]].shape, seen["value"]))
    )


def _labels(view: Mapping[str, Any], frame: Frame) -> list[str]:
    """Return the tags of a case: what it is, how sure that is, where it stands."""
    labels = [*frame.labels.get(view.get("classification", ""), ()), *frame.kept_for]
    if "confidence" in view:
        labels += frame.assessed[view["confidence"]]
    if "status" in view:
        labels += frame.states.get(view["status"], ())
    return labels


def _wrap(builder: Builder, properties: dict[str, Any]) -> dict[str, Any]:
    """Make the report that refers to every object that stands in the bundle."""
    report_id = builder.add_as(
        "report",
        builder.report_ref,
        {
            "published": builder.created,
            "report_types": ["threat-report"],
            "object_refs": sorted(builder.objects),
            **properties,
        },
    )
    return builder.objects.pop(report_id)


def _bundle(
    frame: Frame,
    markings: tuple[dict[str, Any], ...],
    report: dict[str, Any],
    builder: Builder,
) -> Bundle:
    number = builder.case.edition.number
    bundle_id = f"bundle--{builder.ids.uuid(f'bundle/{number}')}"
    return Bundle(
        bundle_id, (*frame.always, *markings, report, *builder.objects.values())
    )


def _observables(builder: Builder, view: Mapping[str, Any]) -> None:
    """Add every observable: the object, that it was observed, and how to match it."""
    times = view.get("times", {})
    fallback = times.get("detected") or times.get("occurred_from")
    if_unknown = _milliseconds(fallback) if fallback else builder.created
    for seen in view.get("observables", ()):
        _observable(builder, seen, if_unknown)


def _observable(builder: Builder, seen: Mapping[str, Any], if_unknown: str) -> None:
    kind, value = seen["kind"], seen["value"]
    frame = builder.frame
    writer = frame.writers.get(kind)
    if writer is None:
        raise ConversionError("an observable is of a kind without a row")
    # One UUID for all that is about one observable; the type tells them apart.
    uuid = builder.ids.uuid(f"{kind}/{value}")
    about = dict(seen)
    del about["value"]
    about["extension_type"] = "property-extension"
    first, last = seen.get("first_seen"), seen.get("last_seen")
    if first and last and last < first:
        # Cut to the day, the last time can lie before a first one that is not cut.
        about["last_seen"] = last = first
    # Nobody said when: then it was seen when the incident was.
    seen_at = first or last
    begun = f"{seen_at[:-1]}.000Z" if seen_at else if_unknown
    if writer.is_domain_object:
        _domain_object(builder, writer, value, about, uuid, begun)
        return
    known = builder.known.get((kind, value))
    if known is None:
        known = builder.known[kind, value] = written(writer, frame.listed, value)
    made, listed, pattern = known
    # A pseudonym or a truncated value must never be matched against traffic, and a
    # person's name or account not either, nor what everybody uses, whoever asks for it.
    to_ids = bool(pattern and seen.get("to_ids")) and seen["exact"]
    about["to_ids"] = to_ids
    if listed:
        about["listed"] = listed
    if not made["id"]:
        secret = builder.ids.private_uuid(f"object/{kind}/{value}")
        made = {**made, "id": f"{made['type']}--{secret}"}
    ref = builder.add_observable(made)
    observed = builder.observed.copy()
    observed["id"] = observed_id = f"observed-data--{uuid}"
    observed["first_observed"] = begun
    observed["last_observed"] = f"{last[:-1]}.000Z" if last else begun
    observed["object_refs"] = [ref]
    observed["extensions"] = {EXTENSION: about}
    builder.objects[observed_id] = observed
    if to_ids:
        _indicator(builder, pattern, uuid, begun, observed_id)


def _domain_object(
    builder: Builder,
    writer: Writer,
    value: str,
    about: dict[str, Any],
    uuid: str,
    begun: str,
) -> None:
    """Add what is not seen on a network, and stands for itself."""
    listed = builder.frame.listed.of(writer.shape, value)
    asked = bool(about.get("to_ids")) and about["exact"]
    about["to_ids"] = asked and writer.matchable and not listed
    if listed:
        about["listed"] = listed
    properties = writer.properties(value)
    properties["extensions"] = {EXTENSION: about}
    if writer.stix_type == "indicator":
        properties["valid_from"] = begun
    builder.add_as(writer.stix_type, f"{writer.stix_type}--{uuid}", properties)


def _milliseconds(time: Any) -> str:
    return f"{time[:-1]}.000Z"


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
