"""Events as MISP shows them: the JSON that clients read back.

Rows and a caller -> the event that this caller may see.

Invariants: an attribute with distribution 0 is shown to the event's own organisation
only. ``Tag`` and ``Sighting`` are absent when there are none; an object without visible
attributes is not shown at all. Numbers are texts, yes and no are booleans, as in MISP.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.sandbox.misp import (
    analysts,
    correlation,
    moments,
    proposals,
    reports,
    sharing_groups,
    sightings,
    tags,
)
from broker.sandbox.misp.attributes import joined
from broker.sandbox.misp.calls import SEEN, Call, seen_by
from broker.sandbox.misp.describe import words
from broker.sandbox.misp.store import Row, json_list

_ATTRIBUTE_TEXTS: Final = (
    "id",
    "event_id",
    "distribution",
    "timestamp",
    "object_id",
)
_REFERENCE_TEXTS: Final = (
    "id",
    "event_id",
    "object_id",
    "referenced_id",
    "referenced_type",
    "timestamp",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much of an event is asked for.

    Args:
        metadata: only the event itself with its tags, without what it holds.
        deleted: which of living (0) and soft-deleted (1) parts.
        inbound: whether related events carry ``RelationshipInbound``, as in views.
        correlations: whether related events are looked up.
        sightings: whether sightings are shown.
        analysts: whether notes and opinions are shown.
        local_tags: whether local tags are shown to everybody.
    """

    metadata: bool = False
    deleted: tuple[int, ...] = (0,)
    inbound: bool = False
    correlations: bool = True
    sightings: bool = True
    analysts: bool = False
    local_tags: bool = False


def event(call: Call, row: Row, scope: Scope) -> dict[str, Any]:
    """One event as ``{"Event": ...}``, for a caller who may see it."""
    shown = _event_fields(call, row)
    shown["Org"] = _organisation(call, row["org_id"])
    shown["Orgc"] = _organisation(call, row["orgc_id"])
    if not scope.metadata:
        shown.update(_contents(call, row, scope))
    if scope.correlations:
        shown["RelatedEvent"] = _related(call, row, inbound=scope.inbound)
    shown["Galaxy"] = []
    shown["CryptographicKey"] = []
    event_tags = _event_tags(call, row["id"], scope)
    if event_tags:
        shown["Tag"] = event_tags
    if scope.analysts:
        analysts.attach(call, _with_parts(shown))
    return {"Event": shown}


def by_id(call: Call, event_id: int, scope: Scope) -> dict[str, Any]:
    """The event of a number that was just written."""
    row = call.store.one("SELECT * FROM events WHERE id = ?", event_id)
    assert row is not None  # noqa: S101 - INVARIANT: the caller has just stored it
    return event(call, row, scope)


def _event_fields(call: Call, row: Row) -> dict[str, Any]:
    fields = {
        "id": str(row["id"]),
        "orgc_id": str(row["orgc_id"]),
        "org_id": str(row["org_id"]),
        "date": row["date"],
        "threat_level_id": str(row["threat_level_id"]),
        "info": row["info"],
        "published": bool(row["published"]),
        "uuid": row["uuid"],
        "attribute_count": str(row["attribute_count"]),
        "analysis": str(row["analysis"]),
        "timestamp": str(row["timestamp"]),
        "distribution": str(row["distribution"]),
        "proposal_email_lock": bool(row["proposal_email_lock"]),
        "locked": bool(row["locked"]),
        "publish_timestamp": str(row["publish_timestamp"]),
        "sharing_group_id": "0",
        "disable_correlation": bool(row["disable_correlation"]),
        "extends_uuid": row["extends_uuid"],
        "protected": None,
    }
    if group := sharing_groups.of_event(call, row["id"]):
        fields["sharing_group_id"] = str(group["id"])
        fields["SharingGroup"] = sharing_groups.shown_in(call, group)
    caller = call.caller
    own = row["orgc_id"] == caller.org_id and caller.role.may("perm_audit")
    if own or caller.site_admin:
        user = call.store.one("SELECT email FROM users WHERE id = ?", row["user_id"])
        fields["event_creator_email"] = user["email"] if user else None
    return fields


def _organisation(call: Call, org_id: int) -> dict[str, Any]:
    row = call.store.one("SELECT * FROM organisations WHERE id = ?", org_id)
    assert row is not None  # noqa: S101 - INVARIANT: organisations are never removed
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "uuid": row["uuid"],
        "local": bool(row["local"]),
    }


def _with_parts(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """An event and everything in it that something can be said about."""
    objects = shown.get("Object", [])
    inside = [one for held in objects for one in held["Attribute"]]
    reports_too = shown.get("EventReport", [])
    return [shown, *shown.get("Attribute", []), *objects, *inside, *reports_too]


def _event_tags(call: Call, event_id: int, scope: Scope) -> list[dict[str, Any]]:
    rows = call.store.all(
        "SELECT t.*, x.relationship_type, x.local FROM event_tags x"
        " JOIN tags t ON t.id = x.tag_id WHERE x.event_id = ? AND t.exportable = 1"
        " AND (x.local = 0 OR ?) ORDER BY x.id",
        event_id,
        int(_sees_local(call, scope)),
    )
    return [tags.shown(row) for row in rows]


def _contents(call: Call, row: Row, scope: Scope) -> dict[str, Any]:
    own = call.caller.site_admin or row["org_id"] == call.caller.org_id
    seen = sightings.of_event(call, row["id"]) if scope.sightings else {}
    proposed = proposals.of_event(call, row)
    shown = _attributes(call, row["id"], scope, own=own)
    for one in shown:
        one["ShadowAttribute"] = proposed.get(int(one["id"]), [])
        if int(one["id"]) in seen:
            one["Sighting"] = seen[int(one["id"])]
    inside: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in shown:
        inside[one["object_id"]].append(one)
    # MISP 2.5.1 shows deleted reports to everybody, whether they are asked for or not.
    written = _parts(call, "event_reports", row["id"], (0, 1), own=own)
    return {
        "Attribute": inside.get("0", []),
        "ShadowAttribute": proposed.get(0, []),
        "Object": _objects(call, row["id"], scope, inside, own=own),
        "EventReport": [reports.shown(report) for report in written],
    }


def _fates(scope: Scope, *, own: bool) -> tuple[int, ...]:
    """Which parts a caller is shown: living or deleted ones, of those asked for."""
    return scope.deleted if own else tuple(fate for fate in scope.deleted if not fate)


def _parts(
    call: Call, table: str, event_id: int, fates: tuple[int, ...], *, own: bool
) -> list[Row]:
    """The parts of an event that the caller may see, of some fates."""
    return call.store.all(
        f"SELECT * FROM {table} WHERE event_id = ?"  # noqa: S608 - our own names
        " AND (? OR distribution IN (1, 2, 3, 5))"
        " AND deleted IN (SELECT value FROM json_each(?)) ORDER BY id",
        event_id,
        int(own),
        json_list(fates),
    )


def _attributes(
    call: Call, event_id: int, scope: Scope, *, own: bool
) -> list[dict[str, Any]]:
    rows = _parts(call, "attributes", event_id, _fates(scope, own=own), own=own)
    hanging = attribute_tags(
        call,
        "x.event_id = ? AND (x.local = 0 OR ?)",
        event_id,
        int(_sees_local(call, scope)),
    )
    return [attribute(row, hanging.get(row["id"])) for row in rows]


def _sees_local(call: Call, scope: Scope) -> bool:
    # MISP 2.5.1: a view shows them to everybody, a search not to those who synchronise.
    syncs = call.caller.role.may("perm_sync") and not call.caller.site_admin
    return scope.local_tags or not syncs


def attribute_tags(
    call: Call, condition: str, *values: object
) -> dict[int, list[dict[str, Any]]]:
    """The tags of attributes, by attribute."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in call.store.all(
        "SELECT t.*, x.relationship_type, x.attribute_id, x.local FROM attribute_tags x"  # noqa: S608
        f" JOIN tags t ON t.id = x.tag_id WHERE {condition} ORDER BY x.id",
        *values,
    ):
        found[row["attribute_id"]].append(tags.shown(row))
    return found


def attribute(row: Row, hanging: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """One attribute as events show it."""
    shown = {
        **bare_attribute(row),
        "Galaxy": [],
        "ShadowAttribute": [],
    }
    if hanging:
        shown["Tag"] = hanging
    return shown


def bare_attribute(row: Row) -> dict[str, Any]:
    """The fields of an attribute, without what hangs on it."""
    return {
        **{name: str(row[name]) for name in _ATTRIBUTE_TEXTS},
        "type": row["type"],
        "category": row["category"],
        "to_ids": bool(row["to_ids"]),
        "uuid": row["uuid"],
        "comment": row["comment"],
        "sharing_group_id": "0",
        "deleted": bool(row["deleted"]),
        "disable_correlation": bool(row["disable_correlation"]),
        "object_relation": row["object_relation"],
        "first_seen": moments.from_microseconds(row["first_seen"]),
        "last_seen": moments.from_microseconds(row["last_seen"]),
        "value": joined(row),
    }


def _objects(
    call: Call,
    event_id: int,
    scope: Scope,
    inside: Mapping[str, list[dict[str, Any]]],
    *,
    own: bool,
) -> list[dict[str, Any]]:
    rows = _parts(call, "objects", event_id, _fates(scope, own=own), own=own)
    if not rows:
        return []
    references = _references(call, event_id)
    return [
        {
            **object_fields(row),
            "ObjectReference": references.get(row["id"], []),
            "Attribute": inside[str(row["id"])],
        }
        for row in rows
        if inside.get(str(row["id"]))
    ]


def object_fields(row: Row) -> dict[str, Any]:
    """The fields of an object, without its attributes and references."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "meta-category": row["meta_category"],
        "description": row["description"],
        "template_uuid": row["template_uuid"],
        "template_version": str(row["template_version"]),
        "event_id": str(row["event_id"]),
        "uuid": row["uuid"],
        "timestamp": str(row["timestamp"]),
        "distribution": str(row["distribution"]),
        "sharing_group_id": "0",
        "comment": row["comment"],
        "deleted": bool(row["deleted"]),
        "first_seen": moments.from_microseconds(row["first_seen"]),
        "last_seen": moments.from_microseconds(row["last_seen"]),
    }


def _references(call: Call, event_id: int) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in call.store.all(
        "SELECT r.*, o.uuid AS source_uuid FROM object_references r"
        " JOIN objects o ON o.id = r.object_id WHERE r.event_id = ? ORDER BY r.id",
        event_id,
    ):
        found[row["object_id"]].append(
            {
                **{name: str(row[name]) for name in _REFERENCE_TEXTS},
                "uuid": row["uuid"],
                "source_uuid": row["source_uuid"],
                "referenced_uuid": row["referenced_uuid"],
                "relationship_type": row["relationship_type"],
                "comment": row["comment"],
                "deleted": bool(row["deleted"]),
            }
        )
    return found


def _related(call: Call, row: Row, *, inbound: bool) -> list[dict[str, Any]]:
    """Other events that share a value with this one and that the caller may see."""
    ids = correlation.related_ids(call, row)
    if not ids:
        return []
    rows = call.store.all(
        "SELECT * FROM events WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
        f" AND {SEEN} ORDER BY date DESC, id",
        json_list(ids),
        *seen_by(call.caller),
    )
    extra: dict[str, Any] = {"RelationshipInbound": []} if inbound else {}
    return [{"Event": _related_event(call, other), **extra} for other in rows]


def _related_event(call: Call, row: Row) -> dict[str, Any]:
    fields = _event_fields(call, row)
    names = words(
        "id date threat_level_id info published uuid analysis timestamp distribution "
        "org_id orgc_id"
    )
    shown = {name: fields[name] for name in names}
    for role in ("Org", "Orgc"):
        organisation = _organisation(call, row[f"{role.lower()}_id"])
        del organisation["local"]
        shown[role] = organisation
    return shown
