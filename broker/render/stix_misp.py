"""Render a bundle in the dialect of STIX 2.1 that MISP's own converter writes.

`Bundle` + `EventFrame` -> bytes of a STIX 2.1 bundle that misp-stix imports into the
event that `misp_event` writes: same UUIDs, types, categories, relations, values, tags.

Every value stands in a custom object of misp-stix, because only these keep the type and
category of all kinds; consumers that know no MISP take the plain bundle. What misp-stix
has no place for: when something was seen, which is added to the comment; threat level,
analysis and date of the event, which stand in its report and its objects.

Invariants: the one `report` is the case and refers to every other object; all carry TLP
and PAP. The agreement's statement is in the case summary only: a marking of that sort
would become a tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.model.sharing import Bundle
from broker.render.misp_event import EventFrame, misp_event, storable

# What tells misp-stix that it is its own dialect.
_OWN: Final = 'misp:tool="MISP-STIX-Converter"'
_KEPT: Final = ("type", "object_relation", "category", "value", "to_ids", "uuid")
_MARKED: Final = ("tlp:", "pap:")


def stix_misp(bundle: Bundle, frame: EventFrame) -> bytes:
    """Return the canonical bytes of a bundle in misp-stix's dialect."""
    report = bundle.report
    event = loads(misp_event(bundle, frame))["Event"]
    form = {
        name: report[name]
        for name in ("spec_version", "created_by_ref", "created", "modified")
    }
    marked = [ref for ref in report["object_marking_refs"] if ref in frame.tags]
    form["object_marking_refs"] = marked
    objects = [_attribute(each, form) for each in event["Attribute"]]
    for each in event["Object"]:
        objects.append(_object(each, form))
        objects += _references(each, event, form)
    objects += [_note(each, report["id"], form) for each in event["EventReport"]]
    case = _report(report, event, [each["id"] for each in objects], form)
    beside = [
        made
        for made in bundle.objects
        if made["id"] in marked or made["id"] == report["created_by_ref"]
    ]
    whole = [*beside, case, *objects]
    return storable(dumps({"type": "bundle", "id": bundle.id, "objects": whole}))


def _report(
    report: Mapping[str, Any],
    event: dict[str, Any],
    refs: list[str],
    form: dict[str, Any],
) -> dict[str, Any]:
    tags = [tag["name"] for tag in event["Tag"]]
    labels = [tag for tag in tags if not tag.lower().startswith(_MARKED)]
    made = {
        **form,
        "type": "report",
        "id": report["id"],
        "name": event["info"],
        "published": report["published"],
        "report_types": report["report_types"],
        "labels": [_OWN, *labels],
        # STIX 2.1, 4.16: a report refers to something.
        "object_refs": refs or [report["created_by_ref"]],
    }
    if report.get("revoked"):
        made["revoked"] = True
    return made


def _attribute(attribute: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    made = {
        **form,
        "type": "x-misp-attribute",
        "id": f"x-misp-attribute--{attribute['uuid']}",
        "labels": [
            f'misp:type="{attribute["type"]}"',
            f'misp:category="{attribute["category"]}"',
        ],
        "x_misp_type": attribute["type"],
        "x_misp_category": attribute["category"],
        "x_misp_value": attribute["value"],
        "x_misp_to_ids": attribute["to_ids"],
    }
    if comment := _comment(attribute):
        made["x_misp_comment"] = comment
    return made


def _object(one: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    within: list[dict[str, Any]] = []
    for attribute in one["Attribute"]:
        kept = {name: attribute[name] for name in _KEPT}
        if comment := _comment(attribute):
            kept["comment"] = comment
        within.append(kept)
    return {
        **form,
        "type": "x-misp-object",
        "id": f"x-misp-object--{one['uuid']}",
        "labels": [
            f'misp:name="{one["name"]}"',
            f'misp:meta-category="{one["meta-category"]}"',
        ],
        "x_misp_name": one["name"],
        "x_misp_meta_category": one["meta-category"],
        "x_misp_attributes": within,
    }


def _comment(attribute: dict[str, Any]) -> str:
    """Return an attribute's comment, with when it was seen."""
    said = [attribute.get("comment", "")]
    said += [
        f"{label} {attribute[name]}"
        for name, label in (("first_seen", "first seen"), ("last_seen", "last seen"))
        if name in attribute
    ]
    return "; ".join(text for text in said if text)


def _references(
    one: dict[str, Any], event: dict[str, Any], form: dict[str, Any]
) -> list[dict[str, Any]]:
    attributes = {each["uuid"] for each in event["Attribute"]}
    found: list[dict[str, Any]] = []
    for each in one.get("ObjectReference", ()):
        target = each["referenced_uuid"]
        sort = "x-misp-attribute" if target in attributes else "x-misp-object"
        found.append(
            {
                **form,
                "type": "relationship",
                "id": f"relationship--{each['uuid']}",
                "relationship_type": each["relationship_type"],
                "source_ref": f"x-misp-object--{one['uuid']}",
                "target_ref": f"{sort}--{target}",
            }
        )
    return found


def _note(report: dict[str, Any], case: str, form: dict[str, Any]) -> dict[str, Any]:
    """Return an event report as misp-stix's exporter writes it."""
    return {
        **form,
        "type": "note",
        "id": f"note--{report['uuid']}",
        "labels": ['misp:data-layer="Event Report"'],
        "object_refs": [case],
        "abstract": report["name"],
        "content": report["content"],
    }
