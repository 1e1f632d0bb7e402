"""Sharing groups: events that only some organisations of a server see.

``sharing_groups/add`` and ``sharing_groups/view/<group>`` -> answers; the group that an
event names -> its number.

All of it as seen with MISP 2.5.1. Invariant: only who is in a group sees that it is
there; to others it is 405, as what a method may not do.
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
    BreakdownError,
    Call,
    RefusalError,
    is_uuid,
    not_saved,
    saved,
    truthy,
    view,
)
from broker.sandbox.misp.store import Row

INVALID: Final = "Invalid Sharing Group or not authorised."
_NOT_SAVED: Final = "Could not save sharing group."
_NOT_THERE: Final = (
    "Sharing group doesn&#039;t exist or you do not have permission to access it."
)


def add(call: Call) -> Answer:
    """``sharing_groups/add``: a new group of the organisations that are named."""
    sent = call.inner("SharingGroup")
    members = listed(sent.get("SharingGroupOrg"))
    named = [_organisation(call, member) for member in members]
    group_uuid = str(sent.get("uuid") or uuid.uuid4()).lower()
    known = call.store.one("SELECT id FROM sharing_groups WHERE uuid = ?", group_uuid)
    if not known and (not sent.get("name") or call.caller.org_id not in named):
        return _not_saved()
    group_id = known["id"] if known else _new(call, group_uuid, sent)
    for org_id, member in zip(named, members, strict=True):
        _join(call, group_id, org_id, member)
    return _shown(call, group_id)


def _not_saved() -> Answer:
    url = "/sharing_groups/add"
    return not_saved(url, "Could not add SharingGroup", _NOT_SAVED)


def _new(call: Call, group_uuid: str, sent: Mapping[str, Any]) -> int:
    return call.store.insert(
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


def _join(call: Call, group_id: int, org_id: int, member: Mapping[str, Any]) -> None:
    """Put an organisation into a group, once.

    Raises:
        BreakdownError: it is not said whether it may extend the group. Seen with MISP
            2.5.1: the group is there then, without it and those named behind it.
    """
    there = call.store.one(
        "SELECT id FROM sharing_group_orgs WHERE sharing_group_id = ? AND org_id = ?",
        group_id,
        org_id,
    )
    if member.get("extend") is None:
        raise BreakdownError
    if there is None:
        extend = int(truthy(member["extend"]))
        row = {"sharing_group_id": group_id, "org_id": org_id, "extend": extend}
        call.store.insert("sharing_group_orgs", row)


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
        raise RefusalError(405, _NOT_THERE)
    return _shown(call, row["id"])


def _may_see(call: Call, group_id: int) -> bool:
    member = call.store.one(
        "SELECT id FROM sharing_group_orgs WHERE sharing_group_id = ? AND org_id = ?",
        group_id,
        call.caller.org_id,
    )
    made = call.store.one("SELECT org_id FROM sharing_groups WHERE id = ?", group_id)
    ours = made is not None and made["org_id"] == call.caller.org_id
    return call.caller.site_admin or ours or member is not None


def remove(call: Call) -> Answer:
    """``sharing_groups/delete/<group>``: take a group away that our people made."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM sharing_groups WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    ours = row is not None and row["org_id"] == call.caller.org_id
    used = row and call.store.one(
        "SELECT id FROM event_groups WHERE sharing_group_id = ?", row["id"]
    )
    if row is None or used or not (ours or call.caller.site_admin):
        raise RefusalError(405, "Action not allowed.")
    call.store.run(
        "DELETE FROM sharing_group_orgs WHERE sharing_group_id = ?", row["id"]
    )
    call.store.run("DELETE FROM sharing_groups WHERE id = ?", row["id"])
    url = f"/sharing_groups/delete/{call.first}"
    return saved(url, "SharingGroup deleted", call.first)


def _shown(call: Call, group_id: int) -> Answer:
    row = call.store.one("SELECT * FROM sharing_groups WHERE id = ?", group_id)
    assert row is not None  # noqa: S101 - INVARIANT: the caller has just seen it
    members = call.store.all(
        "SELECT g.*, o.uuid, o.name, o.local FROM sharing_group_orgs g"
        " JOIN organisations o ON o.id = g.org_id"
        " WHERE g.sharing_group_id = ? ORDER BY g.id",
        group_id,
    )
    return view(
        {
            "SharingGroup": _fields(call, row),
            "SharingGroupOrg": [_member(member) for member in members],
            "SharingGroupServer": [] if row["roaming"] else [_here(row)],
        }
    )


def _here(row: Row) -> dict[str, Any]:
    """This server, as what a group that does not roam is for."""
    group_id = str(row["id"])
    one = {"id": group_id, "sharing_group_id": group_id, "server_id": "0"}
    return {**one, "all_orgs": False, "Server": {"id": "0", "name": "Local instance"}}


def _fields(call: Call, row: Row) -> dict[str, Any]:
    made = moments.stamp(row["created"])
    maker = "SELECT uuid FROM organisations WHERE id = ?"
    by = call.store.one(maker, row["org_id"])
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "releasability": row["releasability"],
        "description": row["description"],
        "uuid": row["uuid"],
        "organisation_uuid": by["uuid"] if by else "",
        "org_id": str(row["org_id"]),
        "active": True,
        "local": False,
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


def shown_in(call: Call, row: Row) -> dict[str, Any]:
    """A group as an event shows it."""
    return _fields(call, row)
