"""Events: added, and changed by an update.

An event as a client sent it -> rows, and the event as the client gets it back.

Invariants: a known uuid is never added again (404 with its place). An update counts
only when its timestamp is newer, or when it names none. What an update leaves out
stays, but for ``published``: without it the event is unpublished. An add is not atomic.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from broker.sandbox.misp import (
    attributes,
    moments,
    objects,
    reports,
    sharing_groups,
    tags,
    views,
)
from broker.sandbox.misp.accounts import foreign_organisation
from broker.sandbox.misp.calls import (
    INVALID_EVENT,
    Answer,
    BreakdownError,
    Call,
    RefusalError,
    bare,
    is_uuid,
    may_modify,
    not_saved,
    number,
    storable,
    truthy,
    view,
    visible_event,
)
from broker.sandbox.misp.prepare import NOT_RFC, Errors
from broker.sandbox.misp.store import Row

_NO_DATA: Final = "No valid event data received."
_EXISTS: Final = (
    "Event already exists, if you would like to edit it, use the url in the location "
    "header."
)
_BLOCKED: Final = "Event blocked by event blocklist."
_NOT_NEWER: Final = (
    "Event could not be saved: Event in the request not newer than the local copy."
)
_NOT_ALLOWED: Final = "Event could not be saved: the user may not edit this event."
_NOT_HERE: Final = "Event could not be saved: Could not find the local event."
_SHARING_GROUP: Final = "4"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ANALYSIS: Final = {"Initial": "0", "Ongoing": "1", "Completed": "2"}
_OPTIONS: Final = {
    "threat_level_id": frozenset("1234"),
    "analysis": frozenset("012"),
    "distribution": frozenset("01234"),
}
_RECOVERED: Final = ("analysis", "threat_level_id", "info", "distribution", "date")
_CHANGEABLE: Final = (*_RECOVERED, "disable_correlation", "extends_uuid")


def add(call: Call) -> Answer:
    """``events/add``: store a new event with all that it holds."""
    sent = _received(call)
    group = _group(call, sent)
    if group is None:
        raise RefusalError(405, sharing_groups.INVALID)
    _refuse_known(call, sent)
    publish = truthy(sent.get("published")) and call.caller.role.may("perm_publish")
    if truthy(sent.get("published")) and not _holds_something(sent):
        errors = {"Event": "A published event must not be empty."}
        return not_saved("/events/add", "Could not add Event", errors)
    tag_ids = _capture_all_tags(call, sent)
    row = _new_row(call, sent)
    errors_found = _errors(row)
    if errors_found:
        errors_by_model = {"Event": errors_found}
        return not_saved("/events/add", "Could not add Event", errors_by_model)
    if not storable(row["info"]):
        raise BreakdownError
    event_id = call.store.insert("events", {**row, "published": int(publish)})
    sharing_groups.attach(call, event_id, group)
    for tag_id, relation in tag_ids.items():
        tags.attach(call, tags.on_event(event_id), tag_id, relation)
    _capture_contents(call, event_id, sent)
    if publish:
        publish_now(call, event_id)
    return _answer(call, event_id)


def _group(call: Call, sent: Mapping[str, Any]) -> int | None:
    """The sharing group that an event is for; 0 for none, None for one not known."""
    if str(sent.get("distribution")) != _SHARING_GROUP:
        return 0
    return sharing_groups.named_by(call, sent) or None


def _received(call: Call) -> dict[str, Any]:
    body = call.given()
    for wrapper in ("response", "request", "Event"):
        inner = body.get(wrapper)
        body = inner if isinstance(inner, dict) else body
    if not body:
        raise RefusalError(405, _NO_DATA)
    return body


def _refuse_known(call: Call, sent: Mapping[str, Any]) -> None:
    wanted = str(sent.get("uuid") or "").lower()
    if call.store.one("SELECT id FROM blocklist WHERE event_uuid = ?", wanted):
        raise RefusalError(403, _BLOCKED)
    known = call.store.one("SELECT id FROM events WHERE uuid = ?", wanted)
    if known:
        raise RefusalError(404, _EXISTS, location=f"/events/{known['id']}")


def _holds_something(sent: Mapping[str, Any]) -> bool:
    return any(sent.get(name) for name in ("Attribute", "Object", "EventReport"))


def _capture_all_tags(call: Call, sent: Mapping[str, Any]) -> dict[int, object]:
    """Make the tags of an event and all its parts; answers those of the event itself.

    MISP does this before it stores the event: a name that its database does not take
    ends the add with nothing stored.
    """
    inner = attributes.listed(sent.get("Attribute"))
    for one in attributes.listed(sent.get("Object")):
        inner += attributes.listed(one.get("Attribute"))
    for part in inner:
        for tag in tags.listed(part.get("Tag")):
            tags.capture(call, tag)
    own: dict[int, object] = {}
    for tag in tags.listed(sent.get("Tag")):
        tag_id = tags.capture(call, tag)
        if tag_id is not None:
            own.setdefault(tag_id, tag.get("relationship_type"))
    return own


def _new_row(call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
    now = call.store.now()
    analysis = sent.get("analysis")
    threat = sent.get("threat_level_id")
    distribution = sent.get("distribution")
    return {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "org_id": call.caller.org_id,
        "orgc_id": _creator(call, sent),
        "user_id": call.caller.id,
        "date": str(sent.get("date") or moments.day(now)),
        "threat_level_id": "4" if threat is None else str(threat),
        "analysis": "0" if analysis is None else _ANALYSIS.get(analysis, str(analysis)),
        "info": str(sent.get("info") or ""),
        "timestamp": number(sent.get("timestamp") or now),
        "distribution": "0" if distribution is None else str(distribution),
        "locked": int(truthy(sent.get("locked"))),
        "disable_correlation": int(truthy(sent.get("disable_correlation"))),
        "extends_uuid": str(sent.get("extends_uuid") or "").lower(),
    }


def _creator(call: Call, sent: Mapping[str, Any]) -> int:
    """The organisation that counts as the event's author.

    A synchronising client may name any (an unknown one is made); for everybody else it
    is silently their own.
    """
    named = sent.get("Orgc")
    if not isinstance(named, dict) or not call.caller.role.may("perm_sync"):
        return call.caller.org_id
    name, named_uuid = (
        str(named.get("name") or ""),
        str(named.get("uuid") or "").lower(),
    )
    return foreign_organisation(call.store, name, named_uuid)


def _errors(row: Mapping[str, Any]) -> Errors:
    errors: Errors = {}
    if not bare(row["info"]):
        errors["info"] = ["valueNotEmpty"]
    if not is_uuid(row["uuid"]):
        errors["uuid"] = [NOT_RFC]
    if not _is_date(str(row["date"])):
        errors["date"] = ["Expected date format: YYYY-MM-DD"]
    for name, options in _OPTIONS.items():
        if str(row[name]) not in options:
            errors[name] = [f"Options : {', '.join(sorted(options))}"]
    if row["extends_uuid"] and not is_uuid(row["extends_uuid"]):
        errors["extends_uuid"] = ["Please provide a valid UUID"]
    return errors


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _capture_contents(call: Call, event_id: int, sent: Mapping[str, Any]) -> None:
    attributes.capture(call, event_id, _once_each(sent))
    grouped = attributes.listed(sent.get("Object"))
    for one in grouped:
        objects.capture(call, event_id, one, fresh_event=True)
    objects.refer(call, event_id, grouped)
    for one in attributes.listed(sent.get("EventReport")):
        reports.capture(call, event_id, one)


def _once_each(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attributes of an add, each value, type and category once."""
    seen: set[tuple[str, str, str]] = set()
    kept: list[dict[str, Any]] = []
    for one in attributes.listed(sent.get("Attribute")):
        identity = str(one.get("value")), str(one.get("type")), str(one.get("category"))
        if truthy(one.get("deleted")):
            kept.append(one)
        elif identity not in seen:
            seen.add(identity)
            kept.append(one)
    return kept


def publish_now(call: Call, event_id: int) -> None:
    """Mark an event as published, now."""
    fields = {"published": 1, "publish_timestamp": call.store.now()}
    call.store.update("events", event_id, fields)


def _answer(call: Call, event_id: int) -> Answer:
    metadata = truthy(call.named.get("metadata"))
    return view(views.by_id(call, event_id, views.Scope(metadata=metadata)))


def edit(call: Call) -> Answer:
    """``events/edit/<event>``: change an event and what is sent of its contents."""
    event = visible_event(call, call.first)
    if event is None:
        raise RefusalError(404, INVALID_EVENT)
    if not may_modify(call.caller, event) and not call.caller.role.may("perm_sync"):
        raise RefusalError(403, "You are not authorised to do that.")
    sent = _received(call)
    problem = _problem(call, event, sent)
    if problem:
        return _not_edited(event, problem)
    row = _changed_row(call, event, sent)
    errors = _errors({**dict(event), **row})
    if errors:
        return _not_edited(event, errors)
    if not storable(row["info"]):
        raise BreakdownError
    call.store.update("events", event["id"], row)
    if sent.get("distribution") is not None:
        sharing_groups.attach(call, event["id"], _group(call, sent) or 0)
    changed = any(str(row[name]) != str(event[name]) for name in _RECOVERED)
    changed |= _edit_contents(call, event["id"], sent)
    if changed and row["published"]:
        publish_now(call, event["id"])
    return _answer(call, event["id"])


def _not_edited(event: Row, errors: object) -> Answer:
    url = f"/events/edit/{event['id']}"
    return not_saved(url, "Could not edit Event", errors, event["id"])


def _problem(call: Call, event: Row, sent: Mapping[str, Any]) -> str | None:
    named = str(sent.get("uuid") or event["uuid"]).lower()
    if named != event["uuid"]:
        return _NOT_HERE
    given = sent.get("timestamp")
    if given is not None and number(given) <= event["timestamp"]:
        return _NOT_NEWER
    if _group(call, sent) is None:
        return sharing_groups.INVALID
    caller = call.caller
    own = event["orgc_id"] == caller.org_id
    synchronises = caller.role.may("perm_sync") and event["locked"]
    return None if own or synchronises or caller.site_admin else _NOT_ALLOWED


def _changed_row(call: Call, event: Row, sent: Mapping[str, Any]) -> dict[str, Any]:
    row = {
        name: event[name] if sent.get(name) is None else sent[name]
        for name in _CHANGEABLE
    }
    publish = truthy(sent.get("published")) and call.caller.role.may("perm_publish")
    return {
        **row,
        "info": str(row["info"]),
        "analysis": _ANALYSIS.get(str(row["analysis"]), row["analysis"]),
        "disable_correlation": int(truthy(row["disable_correlation"])),
        "extends_uuid": str(row["extends_uuid"]).lower(),
        "published": int(publish),
        "timestamp": number(sent.get("timestamp") or call.store.now()),
    }


def _edit_contents(call: Call, event_id: int, sent: Mapping[str, Any]) -> bool:
    changed = attributes.edit(call, event_id, attributes.listed(sent.get("Attribute")))
    grouped = attributes.listed(sent.get("Object"))
    for one in grouped:
        changed |= objects.edit(call, event_id, one)
    objects.refer(call, event_id, grouped)
    for one in attributes.listed(sent.get("EventReport")):
        changed |= reports.edit(call, event_id, one)
    target = tags.on_event(event_id)
    return tags.apply(call, target, tags.listed(sent.get("Tag"))) or changed
