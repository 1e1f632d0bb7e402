"""Proposals: what another organisation would like an event to say.

``shadow_attributes/...`` -> rows; rows -> the shape events show.

Invariants: a proposal changes nothing until the event's own organisation accepts it.
Making one sets ``proposal_email_lock`` on the event and leaves its timestamp alone.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any, Final

from broker.sandbox.misp import attributes, moments
from broker.sandbox.misp.attributes import joined
from broker.sandbox.misp.calls import (
    Answer,
    BreakdownError,
    Call,
    RefusalError,
    event_to_modify,
    is_uuid,
    may_modify,
    reaches,
    seen_by,
    truthy,
    unpublish,
    view,
    visible_event,
)
from broker.sandbox.misp.prepare import Errors, prepare
from broker.sandbox.misp.store import Row

_NOT_FOUND: Final = "Proposal not found or you are not authorised to accept it."
_JOINED: Final = (
    "SELECT p.*, e.uuid AS event_uuid, e.org_id AS event_org_id, o.uuid AS org_uuid,"
    " o.name AS org_name, o.local AS org_local FROM shadow_attributes p"
    " JOIN events e ON e.id = p.event_id JOIN organisations o ON o.id = p.org_id"
)


def add(call: Call) -> Answer:
    """``shadow_attributes/add/<event>``: propose a new attribute."""
    event = visible_event(call, call.first)
    if event is None:
        raise RefusalError(404, "Invalid Event")
    return _propose(call, event, _sent(call), old=None)


def change(call: Call) -> Answer:
    """``shadow_attributes/edit/<attribute>``: propose another version of one."""
    old, event = _attribute(call)
    kept = {name: old[name] for name in ("type", "category", "to_ids", "comment")}
    return _propose(call, event, {**kept, "value": joined(old), **_sent(call)}, old=old)


def _sent(call: Call) -> dict[str, Any]:
    for name in ("ShadowAttribute", "Attribute", "Proposal"):
        if isinstance(call.given().get(name), dict):
            return call.inner(name)
    return call.given()


def _attribute(call: Call) -> tuple[Row, Row]:
    column = "uuid" if is_uuid(call.first) else "id"
    old = call.store.one(
        f"SELECT * FROM attributes WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    event = visible_event(call, str(old["event_id"])) if old else None
    if old is None or event is None:
        raise RefusalError(404, "Invalid attribute.")
    return old, event


def _propose(
    call: Call, event: Row, sent: dict[str, Any], *, old: Row | None
) -> Answer:
    given = {
        **sent,
        "uuid": old["uuid"] if old else sent.get("uuid") or str(uuid.uuid4()),
    }
    made = prepare({**given, "distribution": None}, event["id"], 0, call.store.now())
    if made.errors:
        raise RefusalError(404, f"Could not save the proposal. {_reasons(made.errors)}")
    if not made.fits:
        raise BreakdownError
    row = {
        "uuid": made.row["uuid"],
        "old_id": old["id"] if old else 0,
        "event_id": event["id"],
        "org_id": call.caller.org_id,
        "email": call.caller.email,
        "category": made.row["category"],
        "type": made.row["type"],
        "value": joined(made.row),
        "to_ids": made.row["to_ids"],
        "comment": made.row["comment"],
        "timestamp": made.row["timestamp"],
        "first_seen": made.row["first_seen"],
        "last_seen": made.row["last_seen"],
        "proposal_to_delete": int(truthy(sent.get("proposal_to_delete"))),
    }
    proposal_id = call.store.insert("shadow_attributes", row)
    call.store.update("events", event["id"], {"proposal_email_lock": 1})
    return view({"ShadowAttribute": _just_made(_proposal(call, proposal_id))})


def _reasons(errors: Errors) -> str:
    return " ".join(f"[{name}]: {texts[0]}" for name, texts in errors.items())


def _proposal(call: Call, proposal_id: object) -> Row:
    row = call.store.one(f"{_JOINED} WHERE p.id = ?", proposal_id)
    if row is None:
        raise RefusalError(405, _NOT_FOUND)
    return row


def _common(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "old_id": str(row["old_id"]),
        "event_id": str(row["event_id"]),
        "type": row["type"],
        "category": row["category"],
        "uuid": row["uuid"],
        "to_ids": bool(row["to_ids"]),
        "comment": row["comment"],
        "timestamp": str(row["timestamp"]),
        "first_seen": moments.from_microseconds(row["first_seen"]),
        "last_seen": moments.from_microseconds(row["last_seen"]),
        "value": row["value"],
    }


def _just_made(row: Row) -> dict[str, Any]:
    return {
        **_common(row),
        "event_org_id": str(row["event_org_id"]),
        "email": row["email"],
        "deleted": bool(row["deleted"]),
    }


def _listed(row: Row) -> dict[str, Any]:
    organisation = {
        "id": str(row["org_id"]),
        "name": row["org_name"],
        "uuid": row["org_uuid"],
    }
    extra = {"old_uuid": row["uuid"]} if row["old_id"] else {}
    return {
        **_common(row),
        **extra,
        "org_id": str(row["org_id"]),
        "deleted": bool(row["deleted"]),
        "proposal_to_delete": bool(row["proposal_to_delete"]),
        "disable_correlation": False,
        "org_uuid": row["org_uuid"],
        "event_uuid": row["event_uuid"],
        "Org": organisation,
    }


def _in_event(row: Row) -> dict[str, Any]:
    return {
        **_common(row),
        "event_uuid": row["event_uuid"],
        "org_id": str(row["org_id"]),
        "proposal_to_delete": bool(row["proposal_to_delete"]),
        "Org": {
            "id": str(row["org_id"]),
            "name": row["org_name"],
            "uuid": row["org_uuid"],
            "local": bool(row["org_local"]),
        },
    }


def of_event(call: Call, event: Row) -> dict[int, list[dict[str, Any]]]:
    """The open proposals of an event by the attribute they would change; 0 for new."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    sql = f"{_JOINED} WHERE p.event_id = ? AND p.deleted = 0 ORDER BY p.id"
    for row in call.store.all(sql, event["id"]):
        found[row["old_id"]].append(_in_event(row))
    return found


def index(call: Call) -> Answer:
    """``shadow_attributes/index[/<event>]``: the proposals that the caller may see."""
    condition, values = "1", list[object]()
    if call.first:
        event = visible_event(call, call.first)
        if event is None:
            raise RefusalError(404, "Invalid Event")
        condition, values = "p.event_id = ?", [event["id"]]
    if call.named.get("timestamp"):
        condition += " AND p.timestamp >= ?"
        values.append(int(moments.since(call.named["timestamp"], call.store.now())))
    rows = call.store.all(
        f"{_JOINED} WHERE {condition} AND (? OR e.org_id = ? OR {reaches('e')}"
        " OR p.org_id = ?) ORDER BY p.id",
        *values,
        *seen_by(call.caller),
        call.caller.org_id,
    )
    return view([{"ShadowAttribute": _listed(row)} for row in rows])


def show(call: Call) -> Answer:
    """``shadow_attributes/view/<proposal>``: one proposal."""
    row = _proposal(call, call.first)
    if visible_event(call, str(row["event_id"])) is None:
        raise RefusalError(404, "Invalid proposal.")
    return view({"ShadowAttribute": _listed(row)})


def accept(call: Call) -> Answer:
    """``shadow_attributes/accept/<proposal>``: make the event say it."""
    row = _proposal(call, call.first)
    event = visible_event(call, str(row["event_id"]))
    if event is None or row["deleted"] or not may_modify(call.caller, event):
        raise RefusalError(405, _NOT_FOUND)
    event_to_modify(call, str(row["event_id"]))
    names = ("uuid", "type", "category", "value", "to_ids", "comment")
    sent: dict[str, Any] = {name: row[name] for name in names}
    if row["proposal_to_delete"]:
        sent["deleted"] = 1
    attributes.edit(call, event["id"], [{**sent, "to_ids": bool(row["to_ids"])}])
    call.store.update("shadow_attributes", row["id"], {"deleted": 1})
    unpublish(call, event["id"])
    return _done(call, "accept", "Proposed change accepted.")


def discard(call: Call) -> Answer:
    """``shadow_attributes/discard/<proposal>``: let it go."""
    row = _proposal(call, call.first)
    event = visible_event(call, str(row["event_id"]))
    own = row["email"] == call.caller.email
    if row["deleted"] or event is None or not (own or may_modify(call.caller, event)):
        raise RefusalError(500, "Could not discard proposal.")
    call.store.update("shadow_attributes", row["id"], {"deleted": 1})
    return _done(call, "discard", "Proposal discarded.")


def _done(call: Call, action: str, message: str) -> Answer:
    url = f"/shadow_attributes/{action}/{call.first}"
    return view({"name": message, "message": message, "url": url})
