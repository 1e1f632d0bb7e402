"""Write what a recipient may see as a STIX 2.1 bundle.

`Redacted` + `Frame` + `Case` -> `Bundle`. Plain dictionaries, checked against the stix2
library, the OASIS validator and misp-stix in the tests instead of on every run.

Invariants: the one `report` is the case and refers to every other object: nothing rides
along; every object carries TLP, PAP and the agreement's statement; the same input gives
the same bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from broker.canonical import dumps
from broker.convert.frame import EXTENSION, Frame
from broker.convert.ids import Ids
from broker.convert.objects import Setting, objects_of
from broker.convert.observables import Known, word
from broker.convert.parts import parts
from broker.convert.summary import retraction_summary, summary
from broker.errors import ConversionError
from broker.model.sharing import TAKEN_BACK, Bundle, Edition, Note, Redacted, Sighting


@dataclass(frozen=True, slots=True)
class Case:
    """Which incident, at which recipient, in which edition."""

    uid: str
    ids: bytes  # the recipient's secret namespace
    edition: Edition


def stix_time(moment: datetime) -> str:
    """Return a UTC time as STIX writes it, with milliseconds."""
    # A quarter of the price of isoformat().
    return dumps(moment)[1:20].decode() + ".000Z"


def to_stix(
    redacted: Redacted, frame: Frame, case: Case, known: Known | None = None
) -> Bundle:
    """Write a redacted incident as a STIX 2.1 bundle.

    ``known`` remembers how values are written: whoever writes one incident for many
    recipients under one rulebook hands in the same for all, new at first.

    Raises:
        ConversionError: a marking is missing, or an observable's kind has no row.
    """
    view = redacted.view
    try:
        markings = frame.tlp[view["tlp"]], frame.pap[view["pap"]]
    except KeyError as error:
        raise ConversionError("TLP or PAP is missing or has no row") from error
    ids = Ids(case.ids, case.uid)
    setting = Setting(frame, markings, ids, Known() if known is None else known)
    text = summary(view, frame, case.edition)
    return Bundle(
        _bundle_id(case, ids),
        _report(setting, case, _headings(view, frame)),
        Note(ids.uuid("summary"), "Case summary", text),
        partial(objects_of, setting, view),
        ids.uuid("incident"),
        _sightings(setting, view.get("observables", ())),
        parts(view, ids),
    )


def to_retraction(
    frame: Frame, case: Case, marking: tuple[str, str], reason: str
) -> Bundle:
    """Write the edition that takes everything back: a revoked report and a notice."""
    ids = Ids(case.ids, case.uid)
    markings = frame.tlp[marking[0]], frame.pap[marking[1]]
    setting = Setting(frame, markings, ids, Known())
    name = f"{TAKEN_BACK}{frame.csirt.name}]"
    return Bundle(
        _bundle_id(case, ids),
        _report(setting, case, {"name": name, "revoked": True}),
        Note(ids.uuid("summary"), "Notice", retraction_summary(frame, reason)),
        partial(objects_of, setting, {}),
    )


def case_name(view: Mapping[str, Any], frame: Frame) -> str:
    """Return the case's title; where it is withheld, what sort of incident it is."""
    if "title" in view:
        return str(view["title"])
    row = frame.rsit.get(view.get("classification", ""))
    sort = row.label if row else "Incident"
    number = f" {view['uid']}" if "uid" in view else ""
    return f"{sort}: {frame.csirt.name} case{number}"


def _headings(view: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """Return what the report says of the case as a whole."""
    properties: dict[str, Any] = {"name": case_name(view, frame)}
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
    return properties


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


def _report(setting: Setting, case: Case, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the report that stands for the case, but for what it refers to."""
    frame, (tlp, pap), ids, _ = setting
    edition = case.edition
    created = stix_time(edition.created)
    same = edition.modified is edition.created
    return {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{ids.uuid('report')}",
        "created_by_ref": frame.creator,
        "created": created,
        "modified": created if same else stix_time(edition.modified),
        "object_marking_refs": [tlp["id"], pap["id"], frame.statement],
        "published": created,
        "report_types": ["threat-report"],
        **properties,
    }


def _bundle_id(case: Case, ids: Ids) -> str:
    return f"bundle--{ids.uuid(f'bundle/{case.edition.number}')}"


def _sightings(
    setting: Setting, observables: Iterable[Mapping[str, Any]]
) -> list[Sighting]:
    """Return every observable with its id, and whether it may be matched."""
    frame, _, ids, known = setting
    words = known.words
    found: list[Sighting] = []
    for seen in observables:
        kind, value = seen["kind"], seen["value"]
        text = words.get((kind, value))
        if text is None:
            writer = frame.writers.get(kind)
            if writer is None:
                raise ConversionError("an observable is of a kind without a row")
            text = words[kind, value] = word(writer, frame.listed, value)
        written, listed, matched = text
        # A pseudonym or a truncated value must never be matched against traffic, and a
        # person's name or account not either, nor what everybody uses, whoever asks.
        to_ids = bool(matched and seen.get("to_ids") and seen["exact"])
        last = seen.get("last_seen")
        if last:
            # Cut to the day, the last time can lie before a first one that is not cut.
            last = max(last, seen.get("first_seen") or last)
        # One UUID for all that is about one observable; the type tells them apart.
        uuid = ids.uuid(f"{kind}/{value}")
        found.append(Sighting(uuid, seen, written, listed, to_ids, last))
    return found
