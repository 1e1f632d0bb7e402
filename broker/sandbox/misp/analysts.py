"""Analyst data: notes and opinions on events, on their parts, and on one another.

``analystData/...`` -> rows; rows -> ``Note`` and ``Opinion`` as events show them.

Invariants: analyst data changes nothing of what it is about, not even its timestamp;
with distribution 0 only its author's organisation sees it; only that organisation takes
it back. Read in MISP 2.5.1; no exchange of it was recorded.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from broker.sandbox.misp import moments
from broker.sandbox.misp.calls import (
    Answer,
    Call,
    RefusalError,
    is_uuid,
    not_saved,
    number,
    saved,
    storable,
    view,
)
from broker.sandbox.misp.store import Row, json_list

_KINDS: Final = {"Note": 0, "Opinion": 1}
# Where the thing may be, by its type; the rest of MISP's list is not in the stand-in.
_TABLES: Final = {
    "Event": "events",
    "Attribute": "attributes",
    "Object": "objects",
    "EventReport": "event_reports",
    "Note": "analyst_data",
    "Opinion": "analyst_data",
}
_DEFAULT_DISTRIBUTION: Final = "1"
_DEPTH: Final = 2
_SEEN: Final = "(? OR n.org_uuid = ? OR n.distribution BETWEEN 1 AND 3)"
_JOINED: Final = (
    "SELECT n.*, o.id AS org_id, o.name AS org_name, o.local AS org_local"
    " FROM analyst_data n LEFT JOIN organisations o ON o.uuid = n.orgc_uuid"
)


def add(call: Call) -> Answer:
    """``analystData/add/<Note|Opinion>/<uuid>[/<type>]``: say something of a thing."""
    kind = _kind(call)
    sent = call.inner(kind)
    about = str((call.args[1:2] or [sent.get("object_uuid") or ""])[0]).lower()
    named = str((call.args[2:3] or [sent.get("object_type") or ""])[0])
    now = moments.stamp(call.store.now())
    distribution = sent.get("distribution")
    row = {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "kind": kind,
        "object_uuid": about,
        "object_type": named or _type_of(call, about),
        "authors": str(sent.get("authors") or call.caller.email),
        "org_uuid": call.caller.org_uuid,
        "orgc_uuid": call.caller.org_uuid,
        "created": str(sent.get("created") or now)[:19].replace("T", " "),
        "modified": str(sent.get("modified") or now)[:19].replace("T", " "),
        "distribution": str(
            _DEFAULT_DISTRIBUTION if distribution is None else distribution
        ),
        "note": str(sent.get("note") or ""),
        "language": str(sent.get("language") or ""),
        "opinion": number(sent.get("opinion") or 0),
        "comment": str(sent.get("comment") or ""),
    }
    if row["object_type"] not in _TABLES or not is_uuid(row["uuid"]):
        errors = {"object_type": ["Invalid object type."]}
        return not_saved(call.url, f"{kind} could not be added", errors)
    if not storable(row["comment"], row["authors"]):
        return not_saved(call.url, f"{kind} could not be added", {"comment": ["?"]})
    made = call.store.insert("analyst_data", row)
    return view({kind: _shown(call, _one(call, made))})


def show(call: Call) -> Answer:
    """``analystData/view/<Note|Opinion|all>/<uuid>``: one of them, with those on it."""
    row = _found(call)
    return view({row["kind"]: _with_children(call, row, _DEPTH)})


def index(call: Call) -> Answer:
    """``analystData/index/<Note|Opinion>``: all of a kind that the caller may see."""
    kind = _kind(call)
    rows = _seen(call, "n.kind = ?", kind)
    return view([{kind: _shown(call, row)} for row in rows])


def delete(call: Call) -> Answer:
    """``analystData/delete/<Note|Opinion|all>/<uuid>``: take one's own back."""
    row = _found(call)
    if row["orgc_uuid"] != call.caller.org_uuid and not call.caller.site_admin:
        raise RefusalError(405, "You are not authorised to do that.")
    call.store.run("DELETE FROM analyst_data WHERE id = ?", row["id"])
    return saved(call.url, f"{row['kind']} deleted.", row["id"])


def attach(call: Call, things: list[dict[str, Any]]) -> None:
    """Add what is said about some things to what a reader is shown of them."""
    by_uuid = {str(thing["uuid"]): thing for thing in things}
    rows = _seen(
        call,
        "n.object_uuid IN (SELECT value FROM json_each(?))",
        json_list(by_uuid),
    )
    for row in rows:
        said = _with_children(call, row, _DEPTH)
        by_uuid[row["object_uuid"]].setdefault(row["kind"], []).append(said)


def _kind(call: Call) -> str:
    if call.first not in _KINDS:
        raise RefusalError(405, "Invalid type.")
    return call.first


def _type_of(call: Call, about: str) -> str:
    for kind, table in _TABLES.items():
        if call.store.one(f"SELECT id FROM {table} WHERE uuid = ?", about):  # noqa: S608
            return kind
    raise RefusalError(404, "Invalid UUID")


def _found(call: Call) -> Row:
    reference = call.args[1] if len(call.args) > 1 else ""
    column = "uuid" if is_uuid(reference) else "id"
    rows = _seen(call, f"n.{column} = ?", reference.lower())
    if not rows or call.first not in (rows[0]["kind"], "all"):
        raise RefusalError(404, "Invalid analyst data.")
    return rows[0]


def _one(call: Call, row_id: int) -> Row:
    return call.store.all(f"{_JOINED} WHERE n.id = ?", row_id)[0]


def _seen(call: Call, condition: str, *values: object) -> list[Row]:
    return call.store.all(
        f"{_JOINED} WHERE ({condition}) AND {_SEEN} ORDER BY n.id",
        *values,
        int(call.caller.site_admin),
        call.caller.org_uuid,
    )


def _with_children(call: Call, row: Row, depth: int) -> dict[str, Any]:
    said = _shown(call, row)
    for child in _seen(call, "n.object_uuid = ?", row["uuid"]) if depth else ():
        inner = _with_children(call, child, depth - 1)
        said.setdefault(child["kind"], []).append(inner)
    return said


def _shown(call: Call, row: Row) -> dict[str, Any]:
    kind = row["kind"]
    own = ("note", "language") if kind == "Note" else ("opinion", "comment")
    organisation = {
        "id": str(row["org_id"]),
        "name": row["org_name"],
        "uuid": row["orgc_uuid"],
        "type": "",
        "sector": "",
        "nationality": "",
        "local": bool(row["org_local"]),
    }
    may = call.caller.site_admin or row["orgc_uuid"] == call.caller.org_uuid
    return {
        "id": str(row["id"]),
        "uuid": row["uuid"],
        "object_uuid": row["object_uuid"],
        "object_type": row["object_type"],
        "authors": row["authors"],
        "org_uuid": row["org_uuid"],
        "orgc_uuid": row["orgc_uuid"],
        "created": row["created"],
        "modified": row["modified"],
        "distribution": str(row["distribution"]),
        "sharing_group_id": None,
        "locked": False,
        **{name: str(row[name]) for name in own},
        "note_type": _KINDS[kind],
        "note_type_name": kind,
        "Org": organisation,
        "Orgc": organisation,
        "_canEdit": may,
    }
