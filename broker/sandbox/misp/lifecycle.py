"""What happens to an event as a whole: published, unpublished, deleted, blocked.

``events/publish|unpublish|delete`` and ``eventBlocklists/...`` -> answers.

Invariants: only an organisation's own events, and only by a role with the right. A
deleted event's uuid goes to the blocklist, and nobody can add it again until the site
administrator takes it off.
"""

from __future__ import annotations

from typing import Any

from broker.sandbox.misp import moments
from broker.sandbox.misp.calls import (
    Answer,
    Call,
    RefusalError,
    is_uuid,
    may_modify,
    not_saved,
    saved,
    view,
)
from broker.sandbox.misp.events import publish_now
from broker.sandbox.misp.store import Row


def _event(call: Call, reference: str) -> Row | None:
    column = "uuid" if is_uuid(reference) else "id"
    return call.store.one(
        f"SELECT * FROM events WHERE {column} = ?",  # noqa: S608 - constants
        reference.lower(),
    )


def publish(call: Call) -> Answer:
    """``events/publish/<event>``: publish an event of one's own; again is fine."""
    event = _event(call, call.first)
    if event is None:
        raise RefusalError(404, "Invalid event.")
    own = event["orgc_id"] == call.caller.org_id
    if not (own or call.caller.site_admin):
        raise RefusalError(405, "You do not have the permission to do that.")
    publish_now(call, event["id"])
    url = f"/events/publish/{event['id']}"
    return saved(url, "Event published without alerts", event["id"])


def unpublish(call: Call) -> Answer:
    """``events/unpublish/<event>``: take the published mark off."""
    event = _event(call, call.first)
    if event is None:
        raise RefusalError(404, "Invalid event")
    if not may_modify(call.caller, event):
        raise RefusalError(403, "You do not have the permission to do that.")
    call.store.update("events", event["id"], {"published": 0})
    url = f"/events/unpublish/{event['id']}"
    return saved(url, "Event unpublished.", event["id"])


def delete(call: Call) -> Answer:
    """``events/delete/<event>``: remove an event and put its uuid on the blocklist."""
    event = _event(call, call.first)
    if event is None or not may_modify(call.caller, event):
        message = "Could not delete Event"
        return not_saved("/events/delete", message, "Event was not deleted.")
    _block(call, event)
    call.store.run("DELETE FROM events WHERE id = ?", event["id"])
    return saved(f"/events/delete/{call.first}", "Event deleted.", call.first)


def _block(call: Call, event: Row) -> None:
    creator = call.store.one(
        "SELECT name FROM organisations WHERE id = ?", event["orgc_id"]
    )
    call.store.run("DELETE FROM blocklist WHERE event_uuid = ?", event["uuid"])
    call.store.insert(
        "blocklist",
        {
            "event_uuid": event["uuid"],
            "event_info": event["info"],
            "event_orgc": creator["name"] if creator else "",
            "comment": "Blocked because the event was deleted here.",
            "created": call.store.now(),
        },
    )


def blocklist(call: Call) -> Answer:
    """``eventBlocklists/index``: what may not be added again."""
    rows = call.store.all("SELECT * FROM blocklist ORDER BY id")
    return view([_entry(row) for row in rows])


def _entry(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "event_uuid": row["event_uuid"],
        "created": moments.stamp(row["created"]),
        "event_info": row["event_info"],
        "comment": row["comment"],
        "event_orgc": row["event_orgc"],
    }


def block(call: Call) -> Answer:
    """``eventBlocklists/add``: put uuids on the list."""
    sent = call.inner("EventBlocklist")
    wanted = sent.get("uuids") or []
    given = wanted if isinstance(wanted, list) else str(wanted).split()
    good = [str(one).lower() for one in given if is_uuid(one)]
    for one in good:
        call.store.run("DELETE FROM blocklist WHERE event_uuid = ?", one)
        row = {"event_uuid": one, "created": call.store.now()}
        names = ("comment", "event_info", "event_orgc")
        texts = {name: str(sent.get(name) or "") for name in names}
        call.store.insert("blocklist", {**row, **texts})
    fails = [str(one) for one in given if not is_uuid(one)]
    message = f"Added {len(good)} to the blocklist, {len(fails)} could not be saved."
    return view({"result": {"successes": good, "fails": fails}, "message": message})


def unblock(call: Call) -> Answer:
    """``eventBlocklists/delete/<uuid>``: let a uuid be added again."""
    column = "event_uuid" if is_uuid(call.first) else "id"
    removed = call.store.run(
        f"DELETE FROM blocklist WHERE {column} = ?",  # noqa: S608 - constants
        call.first.lower(),
    )
    if not removed:
        raise RefusalError(404, "Invalid blocklist entry")
    url = f"/event_blocklists/delete/{call.first}"
    return saved(url, "Blocklist entry removed", call.first)
