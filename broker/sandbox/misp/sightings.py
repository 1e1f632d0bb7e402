"""Sightings: who saw an attribute, and when.

``sightings/...`` and sightings inside events -> rows; rows -> the shape events show.

Invariants: a sighting never changes its event's timestamp or published flag. In bulk a
sighting's uuid counts once, so repeating is harmless; ``sightings/add`` makes a new
uuid each time, so repeating accumulates. Others' sightings are shown to the owner of
the event and to nobody else (MISP's default policy).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker.sandbox.misp import moments
from broker.sandbox.misp.accounts import Caller, foreign_organisation
from broker.sandbox.misp.calls import (
    Answer,
    Call,
    RefusalError,
    is_uuid,
    number,
    reaches,
    saved,
    seen_by,
    truthy,
    view,
    visible_event,
)
from broker.sandbox.misp.store import Row, json_list

_EXPIRATION: Final = 2
_NOT_FOUND: Final = "No valid attributes found that match the criteria."
_DEFAULT_SPAN: Final = "30d"
_EVER: Final = 2**62
_VALUES: Final = "SELECT value FROM json_each(?)"
_JOINED: Final = (
    "SELECT s.*, a.uuid AS attribute_uuid, o.name AS org_name, o.uuid AS org_uuid,"
    " (SELECT uuid FROM events WHERE id = s.event_id) AS event_uuid"
    " FROM sightings s JOIN attributes a ON a.id = s.attribute_id"
    " LEFT JOIN organisations o ON o.id = s.org_id"
)


def capture(call: Call, sent: object, attribute_id: int, event_id: int) -> None:
    """Store the sightings that came inside an attribute; their uuids are not kept."""
    for sighting in sent if isinstance(sent, list) else []:
        if isinstance(sighting, dict):
            row = _row(call, sighting, attribute_id, event_id)
            row["uuid"] = str(uuid.uuid4())
            call.store.insert("sightings", row)


def _row(
    call: Call, sent: Mapping[str, Any], attribute_id: int, event_id: int
) -> dict[str, Any]:
    kind = number(sent.get("type") or 0)
    if kind not in (0, 1, _EXPIRATION):
        raise RefusalError(403, "Invalid type of sighting")
    return {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "event_id": event_id,
        "attribute_id": attribute_id,
        "org_id": _reporter(call, sent),
        "date_sighting": number(sent.get("date_sighting") or call.store.now()),
        "source": str(sent.get("source") or "").strip(),
        "type": kind,
    }


def _reporter(call: Call, sent: Mapping[str, Any]) -> int:
    organisation = sent.get("Organisation")
    if call.caller.role.may("perm_sync") and isinstance(organisation, dict):
        named = str(organisation.get("uuid") or "")
        return foreign_organisation(call.store, str(organisation.get("name")), named)
    return call.caller.org_id


def bulk(call: Call) -> Answer:
    """``sightings/bulkSaveSightings/<event>``: store each uuid once."""
    event = visible_event(call, call.first)
    if event is None:
        raise RefusalError(405, "Event not found or not accessible by this user.")
    body = call.body
    sent = body.get("Sighting") if isinstance(body, dict) else body
    count = sum(_save_once(call, one) for one in sent or [] if isinstance(one, dict))
    if not count:
        return view({"saved": False, "success": "No sightings added."})
    call.store.update("events", event["id"], {"sighting_timestamp": call.store.now()})
    return view({"saved": True, "success": f"{count} sightings added."})


def _save_once(call: Call, sent: Mapping[str, Any]) -> int:
    wanted = str(sent.get("uuid") or "").lower()
    attribute = _attribute(call, "a.uuid = ?", str(sent.get("attribute_uuid")).lower())
    known = call.store.one("SELECT id FROM sightings WHERE uuid = ?", wanted)
    # MISP 2.5.1 takes no sighting here that does not say of which type it is.
    typed = sent.get("type") is not None
    if known or not is_uuid(wanted) or not attribute or not typed:
        return 0
    row = _row(call, sent, attribute[0]["id"], attribute[0]["event_id"])
    _replace_expiration(call, row)
    call.store.insert("sightings", row)
    return 1


def _replace_expiration(call: Call, row: Mapping[str, Any]) -> None:
    if row["type"] == _EXPIRATION:
        call.store.run(
            "DELETE FROM sightings WHERE org_id = ? AND type = ? AND attribute_id = ?",
            row["org_id"],
            _EXPIRATION,
            row["attribute_id"],
        )


def _attribute(call: Call, condition: str, *values: object) -> list[Row]:
    """Attributes that meet a condition and that the caller may see."""
    caller = call.caller
    return call.store.all(
        "SELECT a.id, a.event_id FROM attributes a JOIN events e ON e.id = a.event_id"  # noqa: S608
        f" WHERE a.deleted = 0 AND ({condition}) AND (? OR e.org_id = ? OR"
        f" ({reaches('e')} AND a.distribution IN (1, 2, 3, 5)))"
        " ORDER BY a.id",
        *values,
        *seen_by(caller),
    )


def add(call: Call) -> Answer:
    """``sightings/add[/<attribute>]``: by attribute, or on every equal value."""
    sent = call.inner("Sighting")
    reference = str(call.first or sent.get("uuid") or sent.get("id") or "")
    found = _sighted(call, reference, sent)
    if not found:
        return view({"message": f"Could not add the Sighting. Reason: {_NOT_FOUND}"})
    row: dict[str, Any] = {}
    sighting_id = 0
    for attribute in found:
        row = _row(call, sent, attribute["id"], attribute["event_id"])
        row["uuid"] = str(uuid.uuid4())
        row["org_id"] = call.caller.org_id
        row["date_sighting"] = _moment(call, sent)
        _replace_expiration(call, row)
        sighting_id = call.store.insert("sightings", row)
    return view({"Sighting": _bare({**row, "id": sighting_id})})


def _sighted(call: Call, reference: str, sent: Mapping[str, Any]) -> list[Row]:
    if reference:
        column = "a.uuid" if is_uuid(reference) else "a.id"
        return _attribute(call, f"{column} = ?", reference.lower())
    values = sent.get("values") or sent.get("value")
    wanted = json_list(values if isinstance(values, list) else [values])
    within = "IN (SELECT value FROM json_each(?))"
    return _attribute(call, f"a.value1 {within} OR a.value2 {within}", wanted, wanted)


def _moment(call: Call, sent: Mapping[str, Any]) -> int:
    # Observed: a plain "timestamp" from PyMISP is ignored, "date" with "time" counts.
    if not (sent.get("date") and sent.get("time")):
        return call.store.now()
    try:
        moment = datetime.fromisoformat(f"{sent['date']}T{sent['time']}")
    except ValueError:
        return call.store.now()
    return int(moment.replace(tzinfo=UTC).timestamp())


def delete(call: Call) -> Answer:
    """``sightings/delete/<sighting>``: take back a sighting of one's own."""
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(f"SELECT * FROM sightings WHERE {column} = ?", call.first)  # noqa: S608
    own = row is not None and row["org_id"] == call.caller.org_id
    if row is None or not (own or call.caller.site_admin):
        raise RefusalError(404, "Invalid sighting.")
    call.store.run("DELETE FROM sightings WHERE id = ?", row["id"])
    return saved(f"/sightings/delete/{call.first}", "Sighting deleted.", call.first)


def listing(call: Call) -> Answer:
    """``sightings/listSightings``: those of one attribute or event."""
    asked = {**call.given()}
    reference = str(call.first or asked.get("id") or "")
    context = str((call.args[1:2] or [asked.get("context") or "attribute"])[0])
    table = "e" if context == "event" else "a"
    column = "uuid" if is_uuid(reference) else "id"
    rows = _seen(call, f"{table}.{column} = ?", reference.lower())
    return view([{"Sighting": shown(row)} for row in rows])


def rest_search(call: Call) -> Answer:
    """``sightings/restSearch/<context>``; a number as text is refused (as MISP)."""
    asked = call.given()
    context = call.first
    if context and context not in ("event", "attribute"):
        raise RefusalError(400, "Invalid context.")
    if context and not (asked.get("id") or asked.get("uuid")):
        raise RefusalError(400, "An ID or UUID must be provided if the context is set.")
    table = "e" if context == "event" else "a"
    conditions = ["s.date_sighting BETWEEN ? AND ?"]
    values: list[Any] = list(_between(call, asked))
    for name in ("id", "uuid"):
        if not asked.get(name):
            continue
        wanted = asked[name] if isinstance(asked[name], list) else [asked[name]]
        for one in wanted if name == "id" else ():
            if not isinstance(one, int):
                raise RefusalError(400, f"Invalid ID `{one}` provided.")
        conditions.append(f"{table}.{name} IN ({_VALUES})")
        values.append(json_list(wanted))
    rows = _seen(call, " AND ".join(conditions), *values)
    named = ("event_uuid",) if truthy(asked.get("includeUuid")) else ()
    found = [{**shown(row), **{name: row[name] for name in named}} for row in rows]
    return view({"response": [{"Sighting": one} for one in found]})


def _between(call: Call, asked: Mapping[str, Any]) -> tuple[int, int]:
    # MISP 2.5.1 looks at "from" only together with "to", and else at "last".
    now, ends = call.store.now(), (asked.get("from"), asked.get("to"))
    if all(ends):
        low, high = sorted(int(moments.since(end, now)) for end in ends)
        return low, high
    return int(moments.since(asked.get("last") or _DEFAULT_SPAN, now)), _EVER


def _seen(call: Call, condition: str, *values: object) -> list[Row]:
    policy, own = policy_of(call.caller)
    return call.store.all(
        f"{_JOINED} JOIN events e ON e.id = s.event_id"
        f" WHERE ({condition}) AND {policy}"
        f" AND (? OR e.org_id = ? OR {reaches('e')}) ORDER BY s.id",
        *values,
        *own,
        *seen_by(call.caller),
    )


def policy_of(caller: Caller) -> tuple[str, tuple[int, int, int]]:
    """The condition for sightings that a caller may see, and its values."""
    condition = "(? OR e.org_id = ? OR s.org_id = ?)"
    return condition, (int(caller.site_admin), caller.org_id, caller.org_id)


def of_event(call: Call, event_id: int) -> dict[int, list[dict[str, Any]]]:
    """The sightings of an event that the caller may see, by attribute."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in _seen(call, "s.event_id = ?", event_id):
        found.setdefault(row["attribute_id"], []).append(shown(row))
    return found


def shown(row: Row) -> dict[str, Any]:
    """A sighting as attributes show it."""
    organisation = {
        "id": str(row["org_id"]),
        "uuid": row["org_uuid"],
        "name": row["org_name"],
    }
    return {
        **_bare(dict(row)),
        "attribute_uuid": row["attribute_uuid"],
        "Organisation": organisation,
    }


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "attribute_id": str(row["attribute_id"]),
        "event_id": str(row["event_id"]),
        "org_id": str(row["org_id"]),
        "date_sighting": str(row["date_sighting"]),
        "uuid": row["uuid"],
        "source": row["source"],
        "type": str(row["type"]),
    }
