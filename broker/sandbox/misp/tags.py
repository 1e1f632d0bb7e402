"""Tags: made on the way, attached to events and attributes, and taken off again.

Tags as sent -> rows; ``tags/...`` -> answers.

Invariants: a tag's name is found in any case of letters, and stays as it was first
written. Sending tags only ever adds; ``deleted`` takes one off. Who lacks
``perm_tag_editor`` makes no new tag: in an event that passes in silence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from broker.sandbox.misp.calls import (
    Answer,
    BreakdownError,
    Call,
    RefusalError,
    is_uuid,
    not_saved,
    saved,
    storable,
    truthy,
    unpublish,
    view,
    visible_event,
)
from broker.sandbox.misp.store import Row

LONGEST_NAME: Final = 255
_ATTACH: Final = "/tags/attachTagToObject"
_REMOVE: Final = "/tags/removeTagFromObject"
_ONLY_ORGC: Final = (
    "Cannot alter the tags of this data, only the organisation that has created the "
    "data (orgc) can modify global tags."
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a tag hangs on: an event, or an attribute of it."""

    table: str
    column: str
    id: int
    event_id: int
    orgc_id: int

    @property
    def name(self) -> str:
        """``Event`` or ``Attribute``, as messages say."""
        return self.column.removesuffix("_id").capitalize()


def on_event(event_id: int, orgc_id: int = 0) -> Target:
    """An event as something to tag."""
    return Target("event_tags", "event_id", event_id, event_id, orgc_id)


def on_attribute(attribute_id: int, event_id: int, orgc_id: int = 0) -> Target:
    """An attribute as something to tag."""
    return Target("attribute_tags", "attribute_id", attribute_id, event_id, orgc_id)


def listed(sent: object) -> list[dict[str, Any]]:
    """The tags of an event or attribute, however the client wrapped them."""
    if isinstance(sent, dict):
        sent = [sent]
    if not isinstance(sent, list):
        return []
    return [tag for tag in sent if isinstance(tag, dict) and tag.get("name")]


def capture(call: Call, tag: Mapping[str, Any]) -> int | None:
    """Find a tag or make it; None when the caller may not make it, or it is too long.

    Raises:
        BreakdownError: the database does not take the name.
    """
    name = str(tag["name"])
    known = call.store.one("SELECT id FROM tags WHERE folded = ?", name.casefold())
    if known:
        return int(known["id"])
    if not call.caller.role.may("perm_tag_editor") or len(name) > LONGEST_NAME:
        return None
    return make(call, name, tag.get("colour"))


def make(call: Call, name: str, colour: object = None) -> int:
    """Make a new tag; without a colour it gets one that follows from its name.

    Raises:
        BreakdownError: the database does not take the name.
    """
    if not storable(name):
        raise BreakdownError
    digest = hashlib.sha256(name.encode()).hexdigest()
    row = {
        "name": name,
        "folded": name.casefold(),
        "colour": str(colour or f"#{digest[:6]}"),
    }
    return call.store.insert("tags", row)


def attach(
    call: Call,
    target: Target,
    tag_id: int,
    relation: object = None,
    *,
    local: bool = False,
) -> bool:
    """Hang a tag on something; answers whether it was not there before."""
    row = {target.column: target.id, "tag_id": tag_id, "local": int(local)}
    if target.column != "event_id":
        row["event_id"] = target.event_id
    if call.store.one(
        f"SELECT id FROM {target.table} WHERE {target.column} = ? AND tag_id = ?",  # noqa: S608
        target.id,
        tag_id,
    ):
        return False
    relationship = str(relation) if relation else None
    call.store.insert(target.table, {**row, "relationship_type": relationship})
    return True


def detach(call: Call, target: Target, tag_id: int) -> bool:
    """Take a tag off something; answers whether it was there."""
    sql = f"DELETE FROM {target.table} WHERE {target.column} = ? AND tag_id = ?"  # noqa: S608
    return call.store.run(sql, target.id, tag_id) > 0


def apply(call: Call, target: Target, sent: Iterable[Mapping[str, Any]]) -> bool:
    """Add the tags of an update, and take off those marked ``deleted``.

    Answers whether anything changed. Every role that may update may tag.
    """
    changed = False
    for tag in sent:
        tag_id = capture(call, tag)
        if tag_id is None:
            continue
        if truthy(tag.get("deleted")):
            changed |= detach(call, target, tag_id)
        else:
            changed |= attach(call, target, tag_id, tag.get("relationship_type"))
    return changed


def shown(row: Row) -> dict[str, Any]:
    """A tag as events and attributes show it."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "colour": row["colour"],
        "exportable": bool(row["exportable"]),
        "user_id": "0",
        "hide_tag": False,
        "numerical_value": None,
        "is_galaxy": False,
        "is_custom_galaxy": False,
        "local_only": False,
        "local": bool(row["local"]),
        "relationship_type": row["relationship_type"],
    }


def _plain(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "colour": row["colour"],
        "exportable": bool(row["exportable"]),
        "org_id": "0",
        "user_id": "0",
        "hide_tag": False,
        "numerical_value": None,
        "is_galaxy": False,
        "is_custom_galaxy": False,
        "local_only": False,
    }


def index(call: Call) -> Answer:
    """``tags/index``: every tag of the server."""
    rows = call.store.all("SELECT * FROM tags ORDER BY id")
    return view({"Tag": [_plain(row) for row in rows]})


def add(call: Call) -> Answer:
    """``tags/add``: make a tag, or answer the one that has the name."""
    tag = call.inner("Tag")
    name = str(tag.get("name") or "")
    if not name.strip():
        raise RefusalError(
            405, "Could not add the Tag. [name]: This field is required."
        )
    known = call.store.one("SELECT id FROM tags WHERE folded = ?", name.casefold())
    tag_id = (
        known["id"] if known else make(call, name[:LONGEST_NAME], tag.get("colour"))
    )
    row = call.store.one("SELECT * FROM tags WHERE id = ?", tag_id)
    return view({"Tag": _plain(row) if row else None})


def attach_to_object(call: Call) -> Answer:
    """``tags/attachTagToObject``: hang tags on an event or attribute of one's own."""
    uuid, names = _asked(call)
    attached: list[str] = []
    fails: list[str] = []
    for name in names:
        local = truthy(call.given().get("local"))
        if local and not _at_home(call):
            fails.append("Local tags are for users of the host organisation.")
            continue
        target = _target(call, uuid) if local else _own_target(call, uuid)
        tag_id = _known(call, name) or _made(call, name)
        if tag_id is None:
            fails.append("Tag not found and insufficient privileges to create it.")
            continue
        # A local tag changes nothing of the event for anybody else.
        if attach(call, target, tag_id, local=local) and not local:
            _touch(call, target)
        attached.append(f"{name}({tag_id}) to {target.name}({target.id})")
    if not attached:
        reasons = orjson.dumps(dict(enumerate(fails)), option=orjson.OPT_NON_STR_KEYS)
        failed = f"Failed to attach {len(fails)} tags. Reasons: {reasons.decode()}"
        return not_saved(_ATTACH, "Could not attachTagToObject Tag", failed)
    sort = "local" if truthy(call.given().get("local")) else "global"
    return saved(_ATTACH, f"Attached {sort} tag {', '.join(attached)}.")


def remove_from_object(call: Call) -> Answer:
    """``tags/removeTagFromObject``: take a tag off an event or attribute."""
    uuid, names = _asked(call)
    tag_id = _known(call, names[0])
    if tag_id is None:
        raise RefusalError(405, "Invalid Tag.")
    target = _target(call, uuid)
    hanging = call.store.one(
        f"SELECT * FROM {target.table} WHERE {target.column} = ? AND tag_id = ?",  # noqa: S608
        target.id,
        tag_id,
    )
    if hanging is None:
        raise RefusalError(404, f"The tag is not attached to the target {target.name}")
    sort = "global"
    if hanging["local"] and _at_home(call):
        sort = "local"
        detach(call, target, tag_id)
    else:
        detach(call, _own_target(call, uuid), tag_id)
        _touch(call, target)
    message = (
        f"Removed {sort} tag {names[0]}({tag_id}) from {target.name}({target.id})."
    )
    return saved(_REMOVE, message)


def _asked(call: Call) -> tuple[str, Sequence[str]]:
    body = call.given()
    uuid = call.first or body.get("uuid") or ""
    tag = call.args[1] if len(call.args) > 1 else body.get("tag")
    if not uuid:
        raise RefusalError(405, "Invalid object uuid")
    if not is_uuid(uuid):
        raise RefusalError(500, "Invalid UUID")
    if not tag:
        raise RefusalError(405, "Invalid tag")
    names = tag if isinstance(tag, list) else [tag]
    return str(uuid).lower(), [str(name).strip() for name in names]


def _known(call: Call, name: str) -> int | None:
    row = call.store.one(
        "SELECT id FROM tags WHERE folded = ? OR id = ?",
        name.casefold(),
        int(name) if name.isdigit() else -1,
    )
    return int(row["id"]) if row else None


def _made(call: Call, name: str) -> int | None:
    may = call.caller.role.may("perm_tag_editor") and not name.isdigit()
    return make(call, name) if may else None


def _target(call: Call, uuid: str) -> Target:
    event = visible_event(call, uuid)
    if event:
        return on_event(event["id"], event["orgc_id"])
    attribute = call.store.one(
        "SELECT a.id, e.uuid AS event_uuid, e.id AS event_id, e.orgc_id, e.org_id,"
        " a.distribution FROM attributes a JOIN events e ON e.id = a.event_id"
        " WHERE a.uuid = ?",
        uuid,
    )
    if attribute is None or visible_event(call, attribute["event_uuid"]) is None:
        raise RefusalError(404, "Invalid Target.")
    return on_attribute(attribute["id"], attribute["event_id"], attribute["orgc_id"])


def _at_home(call: Call) -> bool:
    """Whether the caller is of the organisation that the server belongs to.

    Here that is the one which was named last, as on the pages.
    """
    host = call.store.one("SELECT max(id) AS id FROM organisations WHERE local")
    return call.caller.site_admin or (
        host is not None and host["id"] == call.caller.org_id
    )


def _own_target(call: Call, uuid: str) -> Target:
    target = _target(call, uuid)
    if not call.caller.site_admin and target.orgc_id != call.caller.org_id:
        raise RefusalError(403, _ONLY_ORGC)
    return target


def _touch(call: Call, target: Target) -> None:
    if target.column == "attribute_id":
        call.store.update("attributes", target.id, {"timestamp": call.store.now()})
    unpublish(call, target.event_id)
