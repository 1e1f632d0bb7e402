"""Render a bundle as a MISP event: what the police analyst will see.

`Bundle` + `EventFrame` -> bytes of MISP core format JSON. The event is made from the
STIX objects alone, so both formats always say the same.

Invariants: every UUID is stable for the same thing at the same recipient; times are
whole seconds; texts hold no character outside the Basic Multilingual Plane, because
MISP's database loses such attributes (seen with MISP 2.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from broker.canonical import dumps
from broker.model.agreement import Recipient
from broker.model.incident import Role, Shape
from broker.model.mapping import CASE, MispObject, ObservableKind, Tables
from broker.model.sharing import AS_TEXT, Bundle
from broker.render.misp_composed import Composer, Member
from broker.render.misp_links import Links, Placed
from broker.render.misp_object import Templates, held, misp_object

_EVENT_TAG: Final = "europol-event:"
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
_THREAT: Final = {"critical": "1", "high": "1", "medium": "2", "low": "3"}
_ANALYSIS: Final = {"open": "1", "closed": "2", "withdrawn": "2"}
_TEXT: Final = "text"
_WITHOUT_TEXT: Final = frozenset({"Targeting data"})
_REDACTED: Final = "not the exact value: redacted under the agreement"


@dataclass(frozen=True, slots=True)
class Target:
    """The attribute that an observable of one kind and role becomes."""

    type: str
    category: str
    head: str  # where the value stands in the STIX object: a property,
    tail: str  # or one within it
    fits: Callable[[str], object]  # whether MISP takes a value for the type
    text_category: str  # of a value that it does not take
    is_name: bool  # of a machine: MISP knows letters beyond ASCII as punycode only

    @classmethod
    def of(cls, row: ObservableKind, role: Role) -> Target:
        """Return the target of a kind of observable in a role."""
        misp = row.misp.by_role.get(role, row.misp)
        head, _, tail = row.stix.property.partition(".")
        return cls(
            misp.type,
            misp.category,
            head,
            tail,
            re.compile(row.misp.fits).fullmatch,
            "Other" if misp.category in _WITHOUT_TEXT else misp.category,
            row.shape is Shape.DOMAIN,
        )

    def written(self, source: Mapping[str, Any]) -> str:
        """Return the value of a STIX object as MISP stores it."""
        value = source[self.head]
        return self.spelled(str(value[self.tail] if self.tail else value))

    def spelled(self, text: str) -> str:
        """Return a value as MISP stores it."""
        if self.is_name and not text.isascii():
            # RFC 5891. What is no such name either is written as text.
            with suppress(UnicodeError):
                return text.encode("idna").decode()
        return text


@dataclass(frozen=True, slots=True)
class EventFrame:
    """What is the same in every event for one recipient."""

    audience: Mapping[str, Any]
    publish: bool
    targets: Mapping[tuple[str, str], Target]
    tags: Mapping[str, str]  # STIX marking id -> MISP tag
    templates: Templates
    holders: Mapping[str, MispObject]  # by kind, where an object holds the value
    composer: Composer
    links: Links
    extension: str


def event_frame(
    recipient: Recipient,
    tables: Tables,
    extension: str,
    like: EventFrame | None = None,
) -> EventFrame:
    """Prepare the constant part of every event for one recipient.

    ``extension`` is the id under which the bundle carries Besa's own properties.
    ``like`` is that of another recipient, made of the same tables and extension: what
    depends on these alone is taken from it.
    """
    if like is not None:
        audience = _audience(recipient)
        return replace(like, audience=audience, publish=recipient.publish)
    markings = (*tables.markings.tlp.values(), *tables.markings.pap.values())
    return EventFrame(
        _audience(recipient),
        recipient.publish,
        {
            (name, role): Target.of(row, role)
            for name, row in tables.kinds.items()
            for role in Role
        },
        {row.stix_id: row.tag for row in markings},
        Templates(tables.objects),
        {
            name: row.misp.object
            for name, row in tables.kinds.items()
            if row.misp.object is not None
        },
        Composer(tables.composed),
        Links(tables.links),
        extension,
    )


def _audience(recipient: Recipient) -> dict[str, Any]:
    """Return who sees an event on the recipient's MISP, in MISP's words."""
    group = recipient.sharing_group
    if group is None:
        return {"distribution": str(recipient.distribution)}
    return {"distribution": "4", "SharingGroup": {"uuid": group.uuid}}


def unfit_values(
    view: Mapping[str, Any], frame: EventFrame
) -> tuple[tuple[str, str, str], ...]:
    """Return (kind, value, type) of what a recipient gets as text in MISP.

    MISP silently drops a value that does not fit its type, so it is sent as text.
    """
    found: list[tuple[str, str, str]] = []
    for seen in view.get("observables", ()):
        target = frame.targets.get((seen.get("kind"), seen.get("role", "unknown")))
        value = seen.get("value")
        if target and value and not target.fits(target.spelled(str(value))):
            found.append((seen["kind"], value, target.type))
    return tuple(found)


def misp_event(bundle: Bundle, frame: EventFrame) -> bytes:
    """Return the canonical bytes of the MISP event of a bundle."""
    return written({"Event": event_of(bundle, frame)})


def written(document: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a document, with texts as MISP can store them."""
    body = dumps(document)
    # Only a document with such characters pays for looking at each text.
    if not body.isascii() and _ASTRAL.search(body.decode()):
        body = dumps(_without_astral(document))
    return body


def event_of(bundle: Bundle, frame: EventFrame) -> dict[str, Any]:
    """Return the MISP event of a bundle, with whatever characters its texts have."""
    by_id = {made["id"]: made for made in bundle.objects}
    report = next(made for made in bundle.objects if made["type"] == "report")
    stamp = _epoch(report["modified"])
    event = _event(report, frame, stamp)
    attributes: list[dict[str, Any]] = []
    objects: list[dict[str, Any]] = []
    placed: list[Placed] = []  # those that others may refer to
    groups: dict[int, list[Member]] = {}
    reports: list[dict[str, Any]] = []
    case = _case(report, frame)
    for made in bundle.objects:
        if made["type"] == "incident":
            about = {"part": CASE, "fields": case}
            placed += misp_object(made, about, frame.templates, stamp)
            continue
        extensions = made.get("extensions")
        if extensions is None:
            if made["type"] == "note":
                reports.append(_event_report(made, stamp))
            continue
        about = extensions.get(frame.extension)
        if about is None:
            continue
        if "kind" in about:
            attribute = _attribute(made, about, by_id, frame, stamp)
            within = frame.holders.get(about["kind"])
            if within is not None:
                objects.append(held(within, attribute))
            elif "group" in about:
                member = Member(about["kind"], about.get("role", "unknown"), attribute)
                groups.setdefault(about["group"], []).append(member)
            else:
                attributes.append(attribute)
        elif "part" in about:
            placed += misp_object(made, about, frame.templates, stamp, case)
    for members in groups.values():
        composed, alone = frame.composer.compose(members, stamp)
        placed += composed
        attributes += alone
    referred = frame.links.join(placed, stamp)
    # The incident as an object says what the event says: it is there to be referred to.
    objects += [
        made for part, made in placed if part != CASE or made["uuid"] in referred
    ]
    event["Attribute"] = attributes
    event["Object"] = objects
    event["EventReport"] = reports
    return event


def _event(report: dict[str, Any], frame: EventFrame, stamp: str) -> dict[str, Any]:
    about = report.get("extensions", {}).get(frame.extension, {})
    times = about.get("times", {})
    day = times.get("occurred_from") or times.get("detected") or report["published"]
    markings = report["object_marking_refs"]
    tags = [frame.tags[ref] for ref in markings if ref in frame.tags]
    return {
        "uuid": report["id"].removeprefix("report--"),
        "info": report["name"],
        "date": day[:10],
        "timestamp": stamp,
        "published": frame.publish and not report.get("revoked", False),
        **frame.audience,
        "threat_level_id": _THREAT.get(about.get("severity", ""), "4"),
        "analysis": _ANALYSIS.get(about.get("status", ""), "2"),
        "Tag": [{"name": tag} for tag in (*tags, *report.get("labels", ()))],
    }


def _case(report: dict[str, Any], frame: EventFrame) -> dict[str, Any]:
    """Return what the report says of the case, as fields of a part."""
    about = report.get("extensions", {}).get(frame.extension, {})
    case = {
        name: about[name] for name in ("uid", "severity", "status") if name in about
    }
    events = [
        label.removeprefix(_EVENT_TAG)
        for label in report.get("labels", ())
        if label.startswith(_EVENT_TAG)
    ]
    return {"name": report["name"], **case, "event[]": events}


def _epoch(time: str) -> str:
    return str(int(datetime.fromisoformat(time).timestamp()))


def _attribute(
    made: dict[str, Any],
    about: Mapping[str, Any],
    by_id: Mapping[str, dict[str, Any]],
    frame: EventFrame,
    stamp: str,
) -> dict[str, Any]:
    role = about.get("role", "unknown")
    target = frame.targets[about["kind"], role]
    refs = made.get("object_refs")
    value = target.written(by_id[refs[0]] if refs else made)
    fits = target.fits(value) is not None
    attribute = {
        "uuid": made["id"].rpartition("--")[2],
        "type": target.type if fits else _TEXT,
        "category": target.category if fits else target.text_category,
        "value": value,
        "to_ids": about["to_ids"] and fits,
        "distribution": "5",
        "timestamp": stamp,
        "comment": _comment(about, role, "" if fits else target.type),
    }
    for name in ("first_seen", "last_seen"):
        if name in about:
            attribute[name] = about[name]
    return attribute


def _comment(about: Mapping[str, Any], role: str, unfit: str) -> str:
    comment = "" if role == "unknown" else role
    if not about["exact"]:
        comment = f"{comment}; {_REDACTED}" if comment else _REDACTED
    if unfit:
        why = f"{AS_TEXT}{unfit}"
        comment = f"{comment}; {why}" if comment else why
    if "listed" in about:
        why = f"on a list of what is probably harmless: {about['listed']}"
        comment = f"{comment}; {why}" if comment else why
    said = about.get("comment")
    if said:
        comment = f"{comment}; {said}" if comment else said
    return comment


def _event_report(note: dict[str, Any], stamp: str) -> dict[str, Any]:
    return {
        "uuid": note["id"].removeprefix("note--"),
        "name": note["abstract"],
        "content": note["content"],
        "distribution": "5",
        "timestamp": stamp,
    }


def _without_astral(value: Any) -> Any:
    """Write each character that MISP cannot store as its code point: U+1F600."""
    match value:
        case str():
            return _ASTRAL.sub(lambda found: f"[U+{ord(found[0]):X}]", value)
        case list():
            return [_without_astral(item) for item in value]
        case dict():
            return {name: _without_astral(item) for name, item in value.items()}
    return value
