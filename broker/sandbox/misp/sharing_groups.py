"""Sharing groups: events that only some organisations of a server see.

``sharing_groups/add`` and ``sharing_groups/view/<group>`` -> answers; the group that an
event names -> its number.

That a group needs a synchronising client, and its own organisation in it, and that an
event may name it by uuid, was seen with MISP 2.5.1; the fields of the answers follow
MISP's API as PyMISP reads it. See README.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from broker.sandbox.misp import moments
from broker.sandbox.misp.accounts import foreign_organisation
from broker.sandbox.misp.attributes import listed
from broker.sandbox.misp.calls import (
    Answer,
    Call,
    RefusalError,
    is_uuid,
    truthy,
    view,
)
from broker.sandbox.misp.store import Row

INVALID: Final = "Invalid Sharing Group or not authorised."
_NOT_SAVED: Final = "Could not save sharing group."
_NOT_THERE: Final = "Invalid sharing group or no editing rights."


def add(call: Call) -> Answer:
    """``sharing_groups/add``: a new group of the organisations that are named."""
    sent = call.inner("SharingGroup")
    members = listed(sent.get("SharingGroupOrg"))
    named = [_organisation(call, member) for member in members]
    group_uuid = str(sent.get("uuid") or uuid.uuid4()).lower()
    known = call.store.one("SELECT id FROM sharing_groups WHERE uuid = ?", group_uuid)
    if not sent.get("name") or known or call.caller.org_id not in named:
        raise RefusalError(403, _NOT_SAVED)
    group_id = call.store.insert(
        "sharing_groups",
        {
            "uuid": group_uuid,
            "name": str(sent["name"]),
            "releasability": str(sent.get("releasability") or ""),
            "description": str(sent.get("description") or ""),
            "org_id": call.caller.org_id,
            "roaming": int(truthy(sent.get("roaming"))),
            "created": call.store.now(),
        },
    )
    for org_id, member in zip(named, members, strict=True):
        call.store.insert(
            "sharing_group_orgs",
            {
                "sharing_group_id": group_id,
                "org_id": org_id,
                "extend": int(truthy(member.get("extend"))),
            },
        )
    return _shown(call, group_id)


def _organisation(call: Call, member: Mapping[str, Any]) -> int:
    inner = member.get("Organisation")
    named = inner if isinstance(inner, dict) else {}
    name, org_uuid = str(named.get("name") or ""), str(named.get("uuid") or "").lower()
    if not name and not is_uuid(org_uuid):
        raise RefusalError(403, _NOT_SAVED)
    return foreign_organisation(call.store, name, org_uuid)


def show(call: Call) -> Answer:
    """``sharing_groups/view/<group>``: a group and who is in it, for its members."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM sharing_groups WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    if row is None or not _may_see(call, row["id"]):
        raise RefusalError(404, _NOT_THERE)
    return _shown(call, row["id"])


def _may_see(call: Call, group_id: int) -> bool:
    member = call.store.one(
        "SELECT id FROM sharing_group_orgs WHERE sharing_group_id = ? AND org_id = ?",
        group_id,
        call.caller.org_id,
    )
    return call.caller.site_admin or member is not None


def _shown(call: Call, group_id: int) -> Answer:
    row = call.store.one("SELECT * FROM sharing_groups WHERE id = ?", group_id)
    assert row is not None  # noqa: S101 - INVARIANT: groups are never removed
    members = call.store.all(
        "SELECT g.*, o.uuid, o.name, o.local FROM sharing_group_orgs g"
        " JOIN organisations o ON o.id = g.org_id"
        " WHERE g.sharing_group_id = ? ORDER BY g.id",
        group_id,
    )
    return view(
        {
            "SharingGroup": _fields(row),
            "SharingGroupOrg": [_member(member) for member in members],
            "SharingGroupServer": [],
        }
    )


def _fields(row: Row) -> dict[str, Any]:
    made = moments.stamp(row["created"])
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "releasability": row["releasability"],
        "description": row["description"],
        "uuid": row["uuid"],
        "org_id": str(row["org_id"]),
        "active": True,
        "local": True,
        "roaming": bool(row["roaming"]),
        "created": made,
        "modified": made,
    }


def _member(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "sharing_group_id": str(row["sharing_group_id"]),
        "org_id": str(row["org_id"]),
        "extend": bool(row["extend"]),
        "Organisation": {
            "id": str(row["org_id"]),
            "uuid": row["uuid"],
            "name": row["name"],
            "local": bool(row["local"]),
        },
    }


def named_by(call: Call, sent: Mapping[str, Any]) -> int:
    """The number of the group that an event names by number or uuid; 0 for none."""
    inner = sent.get("SharingGroup")
    by_uuid = str(inner.get("uuid") or "").lower() if isinstance(inner, dict) else ""
    row = call.store.one(
        "SELECT id FROM sharing_groups WHERE uuid = ? OR id = ?",
        by_uuid,
        sent.get("sharing_group_id") or 0,
    )
    return int(row["id"]) if row and _may_see(call, row["id"]) else 0


def attach(call: Call, event_id: int, group_id: int) -> None:
    """Say which group sees an event; 0 for none."""
    call.store.run("DELETE FROM event_groups WHERE event_id = ?", event_id)
    if group_id:
        call.store.insert(
            "event_groups", {"event_id": event_id, "sharing_group_id": group_id}
        )


def of_event(call: Call, event_id: int) -> Row | None:
    """The group of an event."""
    return call.store.one(
        "SELECT g.* FROM sharing_groups g"
        " JOIN event_groups e ON e.sharing_group_id = g.id WHERE e.event_id = ?",
        event_id,
    )


def shown_in(row: Row) -> dict[str, Any]:
    """A group as an event shows it."""
    return _fields(row)
