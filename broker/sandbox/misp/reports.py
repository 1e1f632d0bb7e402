"""Event reports: the written text that goes with an event.

Reports as a client sent them -> rows; ``eventReports/...`` -> answers.

Invariants: as for attributes, a known report changes only by a newer timestamp or by
none; an invalid one is left out and logged; deleting hides it and keeps the row.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from broker.sandbox.misp import logs
from broker.sandbox.misp.calls import (
    Answer,
    BreakdownError,
    Call,
    RefusalError,
    bare,
    event_to_modify,
    in_bmp,
    is_uuid,
    not_saved,
    number,
    saved,
    truthy,
    unpublish,
    view,
    visible_event,
)
from broker.sandbox.misp.prepare import NOT_RFC, NOT_UNIQUE, Errors
from broker.sandbox.misp.store import Row

_NAMELESS: Final = "A report needs a name."


def capture(call: Call, event_id: int, sent: Mapping[str, Any]) -> tuple[int, Errors]:
    """Store a new report; answers its number, or 0 and what is wrong.

    Raises:
        BreakdownError: MISP's database does not take the text.
    """
    row = _row(call, event_id, sent)
    errors = _errors(row)
    if call.store.one("SELECT id FROM event_reports WHERE uuid = ?", row["uuid"]):
        errors["uuid"] = [NOT_UNIQUE]
    if errors:
        title = f"Event Report dropped due to validation for Event {event_id} failed"
        logs.write(call, title, model="EventReport", action="add", change=str(errors))
        return 0, errors
    if not (in_bmp(row["name"]) and in_bmp(row["content"])):
        raise BreakdownError
    return call.store.insert("event_reports", row), {}


def _row(call: Call, event_id: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    distribution = sent.get("distribution")
    return {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "event_id": event_id,
        "name": str(sent.get("name") or ""),
        "content": sent.get("content"),
        "distribution": "5" if distribution is None else str(distribution),
        "timestamp": number(sent.get("timestamp") or call.store.now()),
        "deleted": int(truthy(sent.get("deleted"))),
    }


def _errors(row: Mapping[str, Any]) -> Errors:
    errors: Errors = {}
    if not is_uuid(row["uuid"]):
        errors["uuid"] = [NOT_RFC]
    if not bare(row["name"]):
        errors["name"] = [_NAMELESS]
    if row["distribution"] not in frozenset("01235"):
        errors["distribution"] = ["The distribution must be 0 to 3, or 5."]
    return errors


def edit(call: Call, event_id: int, sent: Mapping[str, Any]) -> bool:
    """Apply a report of an update; answers whether MISP thinks that it changed."""
    wanted = str(sent.get("uuid") or "").lower()
    known = call.store.one("SELECT * FROM event_reports WHERE uuid = ?", wanted)
    if known is None:
        return bool(capture(call, event_id, sent)[0])
    given = sent.get("timestamp")
    if given is not None and number(given) <= known["timestamp"]:
        return False
    _change(call, known, {**sent, "event_id": event_id})
    return True


def _change(call: Call, known: Row, sent: Mapping[str, Any]) -> Errors:
    whole = {**dict(known), "timestamp": call.store.now()}
    whole.update({name: value for name, value in sent.items() if value is not None})
    row = _row(call, whole["event_id"], whole)
    errors = _errors(row)
    if not sent.get("name"):
        errors["name"] = [_NAMELESS]  # even a known report must say it again
    if errors:
        return errors
    if not (in_bmp(row["name"]) and in_bmp(row["content"])):
        raise BreakdownError
    call.store.update("event_reports", known["id"], row)
    return {}


def shown(row: Row) -> dict[str, Any]:
    """A report as events show it."""
    return {
        "id": str(row["id"]),
        "uuid": row["uuid"],
        "event_id": str(row["event_id"]),
        "name": row["name"],
        "content": row["content"],
        "distribution": str(row["distribution"]),
        "sharing_group_id": "0",
        "timestamp": str(row["timestamp"]),
        "deleted": bool(row["deleted"]),
    }


def add(call: Call) -> Answer:
    """``eventReports/add/<event>``: add one report."""
    event = event_to_modify(call, call.first)
    report_id, errors = capture(call, event["id"], call.inner("EventReport"))
    if errors:
        return not_saved("/event_reports/add", "Could not add EventReport", errors)
    unpublish(call, event["id"])
    return _answer(call, report_id)


def change(call: Call) -> Answer:
    """``eventReports/edit/<report>``: change one report."""
    known = _own(call)
    sent = {**call.inner("EventReport"), "timestamp": None}
    errors = _change(call, known, {**sent, "event_id": known["event_id"]})
    if errors:
        return not_saved("/event_reports/edit", "Could not edit EventReport", errors)
    unpublish(call, known["event_id"])
    return _answer(call, known["id"])


def show(call: Call) -> Answer:
    """``eventReports/view/<report>``: one report that the caller may see."""
    row = _found(call)
    return view({"EventReport": shown(row)})


def index(call: Call) -> Answer:
    """``eventReports/index/event_id:<event>``: the reports of one event."""
    event = visible_event(call, call.named.get("event_id", call.first))
    if event is None:
        raise RefusalError(404, "Invalid event")
    sql = "SELECT * FROM event_reports WHERE event_id = ? AND deleted = 0 ORDER BY id"
    rows = call.store.all(sql, event["id"])
    return view([{"EventReport": shown(row)} for row in rows])


def delete(call: Call) -> Answer:
    """``eventReports/delete/<report>``: hide a report, or remove it with ``hard``."""
    known = _own(call)
    hard = truthy(call.given().get("hard")) or "1" in call.args[1:]
    if hard:
        call.store.run("DELETE FROM event_reports WHERE id = ?", known["id"])
    else:
        fields = {"deleted": 1, "timestamp": call.store.now()}
        call.store.update("event_reports", known["id"], fields)
    unpublish(call, known["event_id"])
    how = "hard" if hard else "soft"
    message = f"Event Report {call.first} {how} deleted"
    return saved(f"/event_reports/delete/{call.first}", message, call.first)


def _found(call: Call) -> Row:
    column = "uuid" if is_uuid(call.first) else "id"
    row = call.store.one(
        f"SELECT * FROM event_reports WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    if row is None or visible_event(call, str(row["event_id"])) is None:
        raise RefusalError(404, "Invalid report")
    return row


def _own(call: Call) -> Row:
    row = _found(call)
    event_to_modify(call, str(row["event_id"]))
    return row


def _answer(call: Call, report_id: int) -> Answer:
    row = call.store.one("SELECT * FROM event_reports WHERE id = ?", report_id)
    return view({"EventReport": shown(row) if row else None})
