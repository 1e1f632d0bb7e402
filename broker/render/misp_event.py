"""Render a bundle as a MISP event: what the police analyst will see.

`Bundle` + `EventFrame` -> bytes of MISP core format JSON. The event is made of nothing
but what the bundle's objects are written from, with the ids that these have, so both
formats always say the same.

Invariants: every UUID is stable for the same thing at the same recipient; times are
whole seconds; texts hold no character outside the Basic Multilingual Plane, because
MISP's database loses such attributes (seen with MISP 2.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from broker.canonical import dumps
from broker.model.agreement import Recipient
from broker.model.incident import Role, Shape
from broker.model.mapping import CASE, ObservableKind, Tables
from broker.model.sharing import AS_TEXT, Bundle, Note, Part, Sighting
from broker.render.misp_composed import Composer, Member
from broker.render.misp_json import INHERITED, Attribute, Made
from broker.render.misp_links import Links
from broker.render.misp_object import Holder, Templates, misp_objects

_EVENT_TAG: Final = "europol-event:"
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
# RFC 3629, 3: in UTF-8 these, and no others, begin with one of these bytes. To look for
# bytes costs a fiftieth of looking at each character.
_ASTRAL_LEADS: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_THREAT: Final = {"critical": "1", "high": "1", "medium": "2", "low": "3"}
_ANALYSIS: Final = {"open": "1", "closed": "2", "withdrawn": "2"}
_TEXT: Final = "text"
_NOTHING: Final[Mapping[str, Any]] = {}
_WITHOUT_TEXT: Final = frozenset({"Targeting data"})
_REDACTED: Final = "not the exact value: redacted under the agreement"


@dataclass(frozen=True, slots=True)
class Target:
    """The attribute that an observable of one kind and role becomes."""

    type: str
    category: str
    fits: Callable[[str], object]  # whether MISP takes a value for the type
    text_category: str  # of a value that it does not take
    is_name: bool  # of a machine: MISP knows letters beyond ASCII as punycode only

    @classmethod
    def of(cls, row: ObservableKind, role: Role) -> Target:
        """Return the target of a kind of observable in a role."""
        misp = row.misp.by_role.get(role, row.misp)
        return cls(
            misp.type,
            misp.category,
            re.compile(row.misp.fits).fullmatch,
            "Other" if misp.category in _WITHOUT_TEXT else misp.category,
            row.shape is Shape.DOMAIN,
        )

    def spelled(self, text: str) -> str:
        """Return a value, as STIX has it, as MISP stores it."""
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
    holders: Mapping[str, Holder]  # by kind, where an object holds the value
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
            (name, role.value): Target.of(row, role)
            for name, row in tables.kinds.items()
            for role in Role
        },
        {row.stix_id: row.tag for row in markings},
        Templates(tables.objects),
        {
            name: Holder(row.misp.object)
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
    report = bundle.report
    moment = _epoch(report["modified"])
    stamp = f'"{moment}"'
    event = _event(report, frame, moment)
    objects, attributes, placed = _observables(bundle.sightings, frame, stamp)
    about = report.get("extensions", _NOTHING).get(frame.extension, _NOTHING)
    of_parts: list[Made] = []
    if bundle.incident:
        case = Part(CASE, 1, bundle.incident, _NOTHING, _case(report, about))
        of_parts = misp_objects(case, frame.templates, stamp)
    whole = {made.uuid for made in of_parts}
    for part in bundle.parts:
        of_parts += misp_objects(part, frame.templates, stamp, about.get("uid"))
    of_parts += placed
    referred = frame.links.join(of_parts, stamp)
    # The incident as an object says what the event says: it is there to be referred to.
    unused = whole - referred
    objects += [made for made in of_parts if made.uuid not in unused]
    event["Attribute"] = _list(attributes)
    event["Object"] = _list([made.written(stamp) for made in objects])
    event["EventReport"] = [_event_report(bundle.summary, moment)]
    return storable(dumps({"Event": event}))


def _list(written: Iterable[str]) -> orjson.Fragment:
    return orjson.Fragment(f"[{','.join(written)}]")


def _event_report(summary: Note, moment: str) -> dict[str, str]:
    return {
        "uuid": summary.uuid,
        "name": summary.title,
        "content": summary.text,
        "distribution": INHERITED,
        "timestamp": moment,
    }


def storable(body: bytes) -> bytes:
    """Return the JSON of a document with texts as MISP can store them.

    Each character that MISP loses is written as its code point: [U+1F600]. In JSON as
    Besa writes it, such characters stand in texts alone, and as they are.
    """
    if body.isascii() or not any(lead in body for lead in _ASTRAL_LEADS):
        return body
    text = body.decode()
    return _ASTRAL.sub(lambda found: f"[U+{ord(found[0]):X}]", text).encode()


def _observables(
    sightings: Iterable[Sighting], frame: EventFrame, stamp: str
) -> tuple[list[Made], list[str], list[Made]]:
    """Return objects that hold one, attributes, and objects of what belongs together.

    Only the last ones may be referred to.
    """
    holding: list[Made] = []
    attributes: list[str] = []
    groups: dict[int, list[Member]] = {}
    for sighting in sightings:
        seen = sighting.seen
        kind, role = seen["kind"], seen.get("role", "unknown")
        attribute = _attribute(sighting, frame.targets[kind, role], role)
        holder = frame.holders.get(kind)
        if holder is not None:
            holding.append(holder.holding(attribute, stamp))
        elif "group" in seen:
            member = Member(kind, role, attribute)
            groups.setdefault(seen["group"], []).append(member)
        else:
            attributes.append(attribute.written(stamp))
    composed: list[Made] = []
    for members in groups.values():
        made, alone = frame.composer.compose(members, stamp)
        composed += made
        attributes += [attribute.written(stamp) for attribute in alone]
    return holding, attributes, composed


def _event(report: Mapping[str, Any], frame: EventFrame, moment: str) -> dict[str, Any]:
    about = report.get("extensions", _NOTHING).get(frame.extension, _NOTHING)
    times = about.get("times", _NOTHING)
    day = times.get("occurred_from") or times.get("detected") or report["published"]
    markings = report["object_marking_refs"]
    tags = [frame.tags[ref] for ref in markings if ref in frame.tags]
    return {
        "uuid": report["id"].removeprefix("report--"),
        "info": report["name"],
        "date": day[:10],
        "timestamp": moment,
        "published": frame.publish and not report.get("revoked", False),
        **frame.audience,
        "threat_level_id": _THREAT.get(about.get("severity", ""), "4"),
        "analysis": _ANALYSIS.get(about.get("status", ""), "2"),
        "Tag": [{"name": tag} for tag in (*tags, *report.get("labels", ()))],
    }


def _case(report: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the report says of the case, as fields of a part."""
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


def _attribute(sighting: Sighting, target: Target, role: str) -> Attribute:
    uuid, seen, text, listed, to_ids, last_seen = sighting
    value = target.spelled(text)
    fits = target.fits(value) is not None
    return Attribute(
        uuid,
        target.type if fits else _TEXT,
        target.category if fits else target.text_category,
        value,
        to_ids and fits,
        _comment(seen, role, "" if fits else target.type, listed),
        seen.get("first_seen"),
        last_seen,
    )


def _comment(seen: Mapping[str, Any], role: str, unfit: str, listed: str) -> str:
    comment = "" if role == "unknown" else role
    if not seen["exact"]:
        comment = f"{comment}; {_REDACTED}" if comment else _REDACTED
    if unfit:
        why = f"{AS_TEXT}{unfit}"
        comment = f"{comment}; {why}" if comment else why
    if listed:
        why = f"on a list of what is probably harmless: {listed}"
        comment = f"{comment}; {why}" if comment else why
    said = seen.get("comment")
    if said:
        comment = f"{comment}; {said}" if comment else said
    return comment
