"""Objects: named groups of attributes made from a template, and their references.

Objects as a client sent them -> rows; ``objects/...`` -> answers.

Invariants: an object with an empty ``description`` is not valid and is left out, as the
recording shows (leaving the field away is fine). An object that is not newer is left
alone with everything in it. One without a uuid is always new.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.sandbox.misp import attributes, logs, moments
from broker.sandbox.misp.calls import (
    BreakdownError,
    Call,
    bare,
    is_uuid,
    number,
    storable,
    truthy,
    unpublish,
)
from broker.sandbox.misp.prepare import NOT_RFC, NOT_UNIQUE, Errors
from broker.sandbox.misp.store import Row

_SENT_NAMES: Final = {
    "name": "name",
    "meta_category": "meta-category",
    "description": "description",
    "template_uuid": "template_uuid",
    "template_version": "template_version",
    "distribution": "distribution",
    "comment": "comment",
    "deleted": "deleted",
}


def capture(
    call: Call, event_id: int, sent: Mapping[str, Any], *, fresh_event: bool = False
) -> tuple[int, Errors]:
    """Store a new object with its attributes; answers its number, or what is wrong.

    Args:
        call: the request.
        event_id: the event it belongs to.
        sent: the object.
        fresh_event: whether the event is being added. Otherwise a new object marks the
            event as changed on this server: unpublished, with the server's time.

    Raises:
        BreakdownError: MISP's database does not take the text.
    """
    row = _row(sent, event_id, call.store.now())
    errors = _errors(call, row, sent)
    if errors:
        title = f"Object dropped due to validation for Event {event_id} failed: "
        title += str(sent.get("name") or "N/A")
        logs.write(call, title, model="Object", action="add", change=str(errors))
        return 0, errors
    if not storable(row["name"], row["description"], row["comment"]):
        raise BreakdownError
    object_id = call.store.insert("objects", row)
    if not fresh_event:
        unpublish(call, event_id)
    inner = _with_fate(sent)
    attributes.capture(call, event_id, inner, object_id, unique_values=not fresh_event)
    return object_id, {}


def _row(sent: Mapping[str, Any], event_id: int, now: int) -> dict[str, Any]:
    distribution = sent.get("distribution")
    return {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "event_id": event_id,
        "name": str(sent.get("name") or ""),
        "meta_category": str(sent.get("meta-category") or ""),
        "description": sent.get("description"),
        "template_uuid": str(sent.get("template_uuid") or ""),
        "template_version": str(sent.get("template_version") or 1),
        "timestamp": number(sent.get("timestamp") or now),
        "distribution": number(5 if distribution is None else distribution),
        "comment": str(sent.get("comment") or ""),
        "deleted": int(truthy(sent.get("deleted"))),
        "first_seen": _seen(sent.get("first_seen"), now),
        "last_seen": _seen(sent.get("last_seen"), now),
    }


def _seen(given: object, now: int) -> int | None:
    moment = moments.read(str(given), now) if given else None
    return moments.to_microseconds(moment) if moment else None


def _errors(call: Call, row: Mapping[str, Any], sent: Mapping[str, Any]) -> Errors:
    errors: Errors = {}
    if not is_uuid(row["uuid"]):
        errors["uuid"] = [NOT_RFC]
    elif call.store.one("SELECT id FROM objects WHERE uuid = ?", row["uuid"]):
        errors["uuid"] = [NOT_UNIQUE]
    for name in ("name", "meta-category"):
        if not bare(sent.get(name) or ""):
            errors[name] = [f"{name} cannot be empty."]
    if "description" in sent and not bare(sent["description"] or ""):
        errors["description"] = ["Description cannot be empty."]
    if not is_uuid(row["template_uuid"]):
        errors["template_uuid"] = [NOT_RFC]
    version = row["template_version"]
    if not version.isdigit() or int(version) < 1:
        errors["template_version"] = ["The version must be a whole number from 1."]
    return errors


def _with_fate(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attributes of an object; those of a deleted one count as deleted."""
    inner = attributes.listed(sent.get("Attribute"))
    gone = truthy(sent.get("deleted"))
    return [{**one, "deleted": 1} for one in inner] if gone else inner


def edit(call: Call, event_id: int, sent: Mapping[str, Any]) -> bool:
    """Apply an object of an update; answers whether MISP thinks that it changed."""
    wanted = str(sent.get("uuid") or "").lower()
    known = call.store.one("SELECT * FROM objects WHERE uuid = ?", wanted)
    if known is None:
        capture(call, event_id, sent)
        return True
    if known["event_id"] != event_id:
        title = "Duplicate UUID found in object"
        logs.write(call, title, model="MispObject", action="edit", change=wanted)
        return True
    given = sent.get("timestamp")
    if given is not None and number(given) <= known["timestamp"]:
        return False
    _change(call, known, sent)
    attributes.edit(call, event_id, _with_fate(sent), known["id"])
    return True


def _change(call: Call, known: Row, sent: Mapping[str, Any]) -> None:
    fields = {
        column: sent[name]
        for column, name in _SENT_NAMES.items()
        if sent.get(name) is not None
    }
    if "deleted" in fields:
        fields["deleted"] = int(truthy(fields["deleted"]))
    if not storable(
        fields.get("name"), fields.get("description"), fields.get("comment")
    ):
        raise BreakdownError
    fields["timestamp"] = number(sent.get("timestamp") or call.store.now())
    call.store.update("objects", known["id"], fields)


def refer(call: Call, event_id: int, sent: Iterable[Mapping[str, Any]]) -> None:
    """Store the references of objects; those that lead nowhere are left out."""
    for one in sent:
        source = str(one.get("uuid") or "").lower()
        for reference in attributes.listed(one.get("ObjectReference")):
            _refer(call, event_id, source, reference)


def _refer(call: Call, event_id: int, source: str, sent: Mapping[str, Any]) -> None:
    reference_uuid = str(sent.get("uuid") or uuid.uuid4()).lower()
    known = call.store.one(
        "SELECT * FROM object_references WHERE uuid = ?", reference_uuid
    )
    now = number(sent.get("timestamp") or call.store.now())
    changing = {
        "relationship_type": sent.get("relationship_type"),
        "comment": str(sent.get("comment") or ""),
        "deleted": int(truthy(sent.get("deleted"))),
        "timestamp": now,
    }
    if known:
        if not sent.get("timestamp") or now > known["timestamp"]:
            call.store.update("object_references", known["id"], changing)
        return
    owner = _member(call, "objects", source, event_id)
    target = str(sent.get("referenced_uuid") or "").lower()
    as_object = _member(call, "objects", target, event_id)
    found = as_object or _member(call, "attributes", target, event_id)
    if not owner or not found:
        return
    row = {
        "uuid": reference_uuid,
        "event_id": event_id,
        "object_id": owner,
        "referenced_id": found,
        "referenced_uuid": target,
        "referenced_type": 1 if as_object else 0,
        **changing,
    }
    call.store.insert("object_references", row)


def _member(call: Call, table: str, wanted: str, event_id: int) -> int:
    row = call.store.one(
        f"SELECT id FROM {table} WHERE uuid = ? AND event_id = ?",  # noqa: S608
        wanted,
        event_id,
    )
    return int(row["id"]) if row else 0
