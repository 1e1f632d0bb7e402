"""The attributes of an event: stored with an add, changed with an update.

Attributes as a client sent them -> rows, and a log entry for each that is left out.

Invariants: an add stores attributes one after the other and an update all or none, as
MISP does; so an add that breaks leaves the first ones behind. A bad attribute never
fails a request. A stored attribute changes only by a newer timestamp, or by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from broker.sandbox.misp import logs, moments, sightings, tags
from broker.sandbox.misp.calls import BreakdownError, Call, DeathError, number, truthy
from broker.sandbox.misp.prepare import (
    NOT_UNIQUE,
    SIMILAR,
    Errors,
    Prepared,
    prepare,
)
from broker.sandbox.misp.store import Row, json_list

_RECOVERED: Final = (
    "value",
    "to_ids",
    "distribution",
    "category",
    "type",
    "comment",
    "object_relation",
    "first_seen",
    "last_seen",
)
_KEPT: Final = ("uuid", "event_id", "object_id")
_SHARING_GROUP: Final = "4"


def listed(sent: object) -> list[dict[str, Any]]:
    """The attributes of an event or object, however the client wrapped them."""
    if isinstance(sent, dict):
        sent = [sent]
    return (
        [one for one in sent if isinstance(one, dict)] if isinstance(sent, list) else []
    )


def capture(
    call: Call,
    event_id: int,
    sent: Iterable[dict[str, Any]],
    object_id: int = 0,
    *,
    unique_values: bool = False,
) -> list[Prepared]:
    """Store new attributes one after the other; bad ones are left out and logged.

    Args:
        call: the request.
        event_id: the event they belong to.
        sent: the attributes.
        object_id: the object they belong to, or 0.
        unique_values: whether an equal attribute of the event is an error. It is not
            inside an add, where only what was sent twice is left out.

    Returns:
        each attribute with its errors, or with ``known`` set to its new number.

    Raises:
        BreakdownError: MISP's database does not take one; those before it are stored.
        DeathError: the fault knob struck; those before are stored.
    """
    wanted = [one for one in sent if not call.faults.drops(str(one.get("type")))]
    taken = _taken_uuids(call, wanted)
    done: list[Prepared] = []
    ready: list[Prepared] = []
    try:
        for one in wanted:
            made = prepare(one, event_id, object_id, call.store.now())
            _check_uniqueness(call, made, taken, ready, unique_values=unique_values)
            done.append(made)
            if made.errors:
                logs.dropped(call, one, event_id, action="add", errors=made.errors)
                continue
            if not made.fits:
                raise BreakdownError
            taken.add(made.row["uuid"])
            ready.append(made)
            call.attributes_stored += 1
            if call.faults.dies(call.attributes_stored):
                raise DeathError
    finally:
        _insert(call, event_id, ready)
        for made in ready:
            _add_tags_and_sightings(call, made, event_id)
    return done


def _taken_uuids(call: Call, sent: Iterable[Mapping[str, Any]]) -> set[str]:
    given = json_list(str(one["uuid"]).lower() for one in sent if one.get("uuid"))
    rows = call.store.all(
        "SELECT uuid FROM attributes WHERE uuid IN (SELECT value FROM json_each(?))",
        given,
    )
    return {row["uuid"] for row in rows}


def _check_uniqueness(
    call: Call,
    made: Prepared,
    taken: set[str],
    ready: Sequence[Prepared],
    *,
    unique_values: bool,
) -> None:
    if not made.row:
        return
    if made.row["uuid"] in taken:
        made.errors["uuid"] = [NOT_UNIQUE]
    free = made.row["deleted"] or made.row["object_relation"]
    if made.errors or free or not unique_values:
        return
    twice = any(made.identity == other.identity for other in ready)
    if twice or _similar(call, made):
        made.errors["value"] = [SIMILAR]


def _similar(call: Call, made: Prepared) -> bool:
    row = call.store.one(
        "SELECT id FROM attributes WHERE event_id = ? AND object_id = 0 AND deleted = 0"
        " AND type = ? AND category = ? AND value1 = ? AND value2 = ? AND id <> ?",
        made.row["event_id"],
        *made.identity,
        made.known,
    )
    return row is not None


def _insert(call: Call, event_id: int, ready: Sequence[Prepared]) -> None:
    ids = call.store.insert_many("attributes", [made.row for made in ready])
    for made, row_id in zip(ready, ids, strict=True):
        made.known = row_id
    _count(call, event_id, [1 for made in ready if not made.row["deleted"]])


def _count(call: Call, event_id: int, steps: Iterable[int]) -> None:
    """Move the event's attribute count as MISP does: by steps, not by counting."""
    call.store.run(
        "UPDATE events SET attribute_count = max(attribute_count + ?, 0) WHERE id = ?",
        sum(steps),
        event_id,
    )


def _add_tags_and_sightings(call: Call, made: Prepared, event_id: int) -> None:
    if made.sent.get("Tag"):
        target = tags.on_attribute(made.known, event_id)
        for tag in tags.listed(made.sent["Tag"]):
            tag_id = tags.capture(call, tag)
            if tag_id is not None:
                tags.attach(call, target, tag_id, tag.get("relationship_type"))
    if made.sent.get("Sighting"):
        sightings.capture(call, made.sent["Sighting"], made.known, event_id)


def edit(
    call: Call, event_id: int, sent: Sequence[dict[str, Any]], object_id: int = 0
) -> bool:
    """Apply the attributes of an update; answers whether MISP thinks that it changed.

    What is not sent is kept. A known attribute changes only when its timestamp is newer
    or missing; a new one is added; one that belongs elsewhere is left out.

    Raises:
        BreakdownError: MISP's database does not take one; none of them is stored.
    """
    wanted = [one for one in sent if not call.faults.drops(str(one.get("type")))]
    known = _stored(call, wanted)
    changed = False
    pending: list[Prepared] = []
    for one in wanted:
        row = known.get(str(one.get("uuid") or "").lower())
        if row is not None and (row["event_id"], row["object_id"]) != (
            event_id,
            object_id,
        ):
            _log_duplicate(call, str(row["uuid"]))
            changed = True
            continue
        if row is not None and not _newer(one, row):
            continue
        changed = True
        pending.append(_prepare_edit(call, one, row, event_id, object_id))
    _store_edits(call, event_id, _good(call, pending, event_id))
    return changed


def edit_one(call: Call, row: Row, sent: dict[str, Any]) -> Errors:
    """Change one stored attribute; answers what is wrong when it was not changed.

    Raises:
        BreakdownError: MISP's database does not take it.
    """
    event_id = row["event_id"]
    made = _prepare_edit(call, sent, row, event_id, row["object_id"])
    _store_edits(call, event_id, _good(call, [made], event_id))
    return made.errors


def _stored(call: Call, sent: Iterable[Mapping[str, Any]]) -> dict[str, Row]:
    given = json_list(str(one["uuid"]).lower() for one in sent if one.get("uuid"))
    rows = call.store.all(
        "SELECT * FROM attributes WHERE uuid IN (SELECT value FROM json_each(?))", given
    )
    return {row["uuid"]: row for row in rows}


def _newer(sent: Mapping[str, Any], row: Row) -> bool:
    given = sent.get("timestamp")
    return given is None or number(given) > int(row["timestamp"])


def _log_duplicate(call: Call, uuid: str) -> None:
    logs.write(
        call,
        "Duplicate UUID found in attribute",
        model="Attribute",
        action="edit",
        change=f"The uuid {uuid} already belongs to another event or object.",
    )


def _prepare_edit(
    call: Call, sent: dict[str, Any], row: Row | None, event_id: int, object_id: int
) -> Prepared:
    now = call.store.now()
    if str(sent.get("distribution")) == _SHARING_GROUP:
        return Prepared(sent, errors={"distribution": ["Invalid sharing group."]})
    if row is None:
        return prepare(sent, event_id, object_id, now)
    stored = {
        **dict(row),
        "value": joined(row),
        "first_seen": moments.from_microseconds(row["first_seen"]),
        "last_seen": moments.from_microseconds(row["last_seen"]),
    }
    kept = {name: stored[name] for name in _RECOVERED if sent.get(name) is None}
    whole = {**sent, **kept, "uuid": row["uuid"]}
    made = prepare(whole, event_id, object_id, now, known=row["id"])
    for name in ("deleted", "disable_correlation"):
        if made.row and sent.get(name) is None:
            made.row[name] = row[name]
    made.sent = sent
    return made


def joined(row: Mapping[str, Any] | Row) -> str:
    """The value of an attribute as one text, ``value1|value2`` when it is composite."""
    return f"{row['value1']}|{row['value2']}" if row["value2"] else str(row["value1"])


def _good(call: Call, pending: Iterable[Prepared], event_id: int) -> list[Prepared]:
    good: list[Prepared] = []
    for made in pending:
        free = made.row.get("deleted") or made.row.get("object_relation")
        if not made.errors and not free and _similar(call, made):
            made.errors["value"] = [SIMILAR]
        if made.errors:
            logs.dropped(call, made.sent, event_id, action="edit", errors=made.errors)
        else:
            good.append(made)
    return good


def _store_edits(call: Call, event_id: int, good: Sequence[Prepared]) -> None:
    if not all(made.fits for made in good):
        raise BreakdownError
    steps: list[int] = []
    new: dict[str, Prepared] = {}
    for made in good:
        if made.known:
            fields = {key: val for key, val in made.row.items() if key not in _KEPT}
            call.store.update("attributes", made.known, fields)
            steps.append(-1 if truthy(made.sent.get("deleted")) else 0)
        elif made.row["uuid"] in new:
            raise BreakdownError  # the database's unique key, after the checks
        else:
            new[made.row["uuid"]] = made
    _count(call, event_id, steps)
    _insert(call, event_id, list(new.values()))
    for made in good:
        target = tags.on_attribute(made.known, event_id)
        tags.apply(call, target, tags.listed(made.sent.get("Tag")))
        if made.sent.get("Sighting"):
            sightings.capture(call, made.sent["Sighting"], made.known, event_id)
