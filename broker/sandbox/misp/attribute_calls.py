"""Single attributes and objects over the API: added, read, changed, deleted, restored.

``attributes/...`` and ``objects/...`` -> answers.

Invariants: unlike inside an event, a bad attribute is refused here with its reasons.
Every change marks the event as changed on this server. A soft delete hides; only
``hard`` removes, and then the uuid is free again.
"""

from __future__ import annotations

from typing import Any, Final

from broker.sandbox.misp import attributes, objects, views
from broker.sandbox.misp.calls import (
    NOT_YOURS,
    Answer,
    Call,
    RefusalError,
    event_to_modify,
    is_uuid,
    not_saved,
    number,
    saved,
    truthy,
    unpublish,
    view,
    visible_event,
)
from broker.sandbox.misp.store import Row, json_list

_INVALID: Final = "Invalid attribute"
_NOT_NEWER: Final = (
    "Attribute could not be saved: Attribute in the request not newer than the local "
    "copy."
)


def add(call: Call) -> Answer:
    """``attributes/add/<event>``: add one attribute, or a list of them."""
    event = event_to_modify(call, call.first)
    sent = _sent(call)
    done = attributes.capture(call, event["id"], sent, unique_values=True)
    fails = {
        f"attribute_{at}": made.errors for at, made in enumerate(done) if made.errors
    }
    good = [made.known for made in done if not made.errors]
    if not good:
        errors = fails.get("attribute_0", {}) if len(sent) == 1 else fails
        return not_saved("/attributes/add", "Could not add Attribute", errors)
    unpublish(call, event["id"])
    stored = _rows(call, good)
    if len(stored) > 1:
        body: dict[str, Any] = {"Attribute": stored}
    else:
        body = {"Attribute": stored[0], "AttributeTag": []}
    return view({**body, "errors": fails} if fails else body)


def _sent(call: Call) -> list[dict[str, Any]]:
    body = call.body
    if isinstance(body, dict):
        body = body.get("Attribute", body)
    if isinstance(body, dict) and isinstance(body.get("value"), list):
        return [{**body, "value": value} for value in body["value"]]
    return attributes.listed(body)


def _rows(call: Call, ids: list[int]) -> list[dict[str, Any]]:
    rows = call.store.all(
        "SELECT * FROM attributes WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY id",
        json_list(ids),
    )
    return [_raw(row) for row in rows]


def _raw(row: Row) -> dict[str, Any]:
    extra = {"value1": row["value1"], "value2": row["value2"]}
    return {**views.bare_attribute(row), **extra}


def _found(call: Call) -> Row:
    """The attribute a call names, if its event may be seen by the caller."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM attributes WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    event = visible_event(call, str(row["event_id"])) if row else None
    if row is None or event is None:
        raise RefusalError(404, _INVALID)
    foreign = event["org_id"] != call.caller.org_id and not call.caller.site_admin
    if foreign and not row["distribution"]:
        raise RefusalError(404, _INVALID)
    return row


def show(call: Call) -> Answer:
    """``attributes/view/<attribute>``: one attribute."""
    row = _found(call)
    hanging = views.attribute_tags(call, "x.attribute_id = ?", row["id"])
    shown = views.bare_attribute(row)
    event = visible_event(call, str(row["event_id"]))
    if hanging:
        shown["Tag"] = hanging[row["id"]]
    return view({"Attribute": {**shown, "event_uuid": event["uuid"] if event else ""}})


def change(call: Call) -> Answer:
    """``attributes/edit/<attribute>``: change one attribute."""
    row = _found(call)
    if row["deleted"]:
        raise RefusalError(404, _INVALID)
    event_to_modify(call, str(row["event_id"]))
    sent = {**call.inner("Attribute"), "uuid": row["uuid"]}
    given = sent.get("timestamp")
    if given is not None and number(given) <= row["timestamp"]:
        raise RefusalError(405, _NOT_NEWER)
    errors = attributes.edit_one(call, row, sent)
    if errors:
        return not_saved("/attributes/edit", "Could not edit Attribute", errors)
    after = _reread(call, row["id"])
    unpublish(call, row["event_id"])
    hanging = views.attribute_tags(call, "x.attribute_id = ?", row["id"])
    shown = views.bare_attribute(after)
    return view(
        {"Attribute": {**shown, "Tag": hanging[row["id"]]} if hanging else shown}
    )


def _reread(call: Call, row_id: int) -> Row:
    row = call.store.one("SELECT * FROM attributes WHERE id = ?", row_id)
    if row is None:
        raise RefusalError(404, _INVALID)
    return row


def delete(call: Call) -> Answer:
    """``attributes/delete/<attribute>[/1]``: hide an attribute, or remove it."""
    hard = truthy(call.given().get("hard") or (call.args[1:2] or ("",))[0])
    hard = hard or truthy(call.named.get("hard"))
    row = _to_remove(call, "attributes", hard=hard)
    if hard:
        call.store.run("DELETE FROM attributes WHERE id = ?", row["id"])
    else:
        fields = {"deleted": 1, "timestamp": call.store.now()}
        call.store.update("attributes", row["id"], fields)
    call.store.run(
        "UPDATE events SET attribute_count = max(attribute_count - 1, 0) WHERE id = ?",
        row["event_id"],
    )
    sql = "UPDATE shadow_attributes SET deleted = 1 WHERE old_id = ?"
    call.store.run(sql, row["id"])
    unpublish(call, row["event_id"])
    return view({"message": "Attribute deleted."})


def _to_remove(call: Call, table: str, *, hard: bool) -> Row:
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT x.*, e.orgc_id, e.org_id, e.locked FROM {table} x"  # noqa: S608
        f" JOIN events e ON e.id = x.event_id WHERE x.{column} = ?",
        call.first.lower(),
    )
    if row is None or (row["deleted"] and not hard):
        raise RefusalError(
            404, _INVALID if table == "attributes" else "Invalid object."
        )
    caller = call.caller
    own = row["orgc_id"] == caller.org_id
    if row["locked"]:
        own = row["org_id"] == caller.org_id and caller.role.may("perm_sync")
    if not (own or caller.site_admin):
        raise RefusalError(403, NOT_YOURS)
    return row


def restore(call: Call) -> Answer:
    """``attributes/restore/<attribute>``: show a hidden attribute again."""
    row = _found(call)
    event_to_modify(call, str(row["event_id"]))
    fields = {"deleted": 0, "timestamp": call.store.now()}
    call.store.update("attributes", row["id"], fields)
    unpublish(call, row["event_id"])
    return view({"Attribute": views.bare_attribute(_reread(call, row["id"]))})


def add_object(call: Call) -> Answer:
    """``objects/add/<event>``: add one object with its attributes."""
    event = event_to_modify(call, call.first, "Invalid event.")
    sent = call.inner("Object")
    inner = attributes.listed(sent.get("Attribute") or call.given().get("Attribute"))
    if not inner:
        message = "Could not save the object as no attributes were set."
        return not_saved("/objects/add", "Could not add Object", message)
    object_id, errors = objects.capture(call, event["id"], {**sent, "Attribute": inner})
    if errors:
        return not_saved("/objects/add", "Could not add Object", errors)
    return _object_answer(call, object_id)


def show_object(call: Call) -> Answer:
    """``objects/view/<object>``: one object with its attributes."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM objects WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    if row is None or visible_event(call, str(row["event_id"])) is None:
        raise RefusalError(404, "Invalid object.")
    return _object_answer(call, row["id"])


def _object_answer(call: Call, object_id: int) -> Answer:
    row = call.store.one("SELECT * FROM objects WHERE id = ?", object_id)
    inner = call.store.all(
        "SELECT * FROM attributes WHERE object_id = ? AND deleted = 0 ORDER BY id",
        object_id,
    )
    shown = views.object_fields(row) if row else {}
    held = [_raw(one) for one in inner]
    return view({"Object": {**shown, "Attribute": held}})


def delete_object(call: Call) -> Answer:
    """``objects/delete/<object>[/1]``: hide an object and all in it, or remove it."""
    hard = truthy(call.given().get("hard") or (call.args[1:2] or ("",))[0])
    row = _to_remove(call, "objects", hard=hard)
    if hard:
        call.store.run("DELETE FROM attributes WHERE object_id = ?", row["id"])
        call.store.run("DELETE FROM objects WHERE id = ?", row["id"])
    else:
        for table, column in (("objects", "id"), ("attributes", "object_id")):
            call.store.run(
                f"UPDATE {table} SET deleted = 1, timestamp = ? WHERE {column} = ?",  # noqa: S608
                call.store.now(),
                row["id"],
            )
    unpublish(call, row["event_id"])
    return saved(f"/objects/delete/{call.first}", "Object deleted", call.first)
