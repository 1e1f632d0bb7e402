"""One request to the stand-in MISP and its answer, apart from HTTP.

Method, path and body -> :class:`Call`; an endpoint turns it into an :class:`Answer`, or
raises one of the errors below, which become MISP's own error answers.

Invariants: every answer of the API is JSON with MISP's content type. An error answer
says what MISP would say, and holds nothing of the request's content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from broker.sandbox.misp.accounts import Caller
from broker.sandbox.misp.faults import Faults
from broker.sandbox.misp.store import Row, Store

JSON: Final = "application/json; charset=UTF-8"
HTML: Final = "text/html; charset=UTF-8"
NO_PERMISSION: Final = "You do not have permission to use this functionality."
NOT_YOURS: Final = "You do not have permission to do that."
INVALID_EVENT: Final = "Invalid event"
LONGEST_TEXT: Final = 65_535
_LAST_BMP: Final = "\uffff"
_UUID: Final = re.compile(
    r"[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[0-5][a-fA-F0-9]{3}-[089abAB][a-fA-F0-9]{3}"
    r"-[a-fA-F0-9]{12}"
)


class RefusalError(Exception):
    """MISP says no: becomes an answer with ``name``, ``message`` and ``url``."""

    def __init__(self, status: int, message: str, location: str | None = None) -> None:
        self.status = status
        self.message = message
        self.location = location
        super().__init__(message)


class BreakdownError(RefusalError):
    """MISP breaks in the middle of its work: 500, and what was done stays done."""

    def __init__(self) -> None:
        super().__init__(500, "An Internal Error Has Occurred.")


class DeathError(Exception):
    """The fault knob ``die_after`` struck: no answer, and the server is gone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes
    content_type: str = JSON
    location: str | None = None


@dataclass(slots=True)
class Call:
    """One request: what is asked, by whom, and what it works with.

    Args:
        method: the HTTP method.
        url: the path as the client wrote it; MISP repeats it in its errors.
        args: what follows controller and action in the path.
        named: the ``name:value`` parts of the path.
        body: the JSON of the body, or None when there is none or it is not JSON.
        caller: who asks.
        store: the server's state.
        faults: what shall go wrong.
    """

    method: str
    url: str
    args: tuple[str, ...]
    named: Mapping[str, str]
    body: Any
    caller: Caller
    store: Store
    faults: Faults
    attributes_stored: int = field(default=0)

    @property
    def first(self) -> str:
        """The first argument of the path, or an empty text."""
        return self.args[0] if self.args else ""

    def given(self) -> dict[str, Any]:
        """The body when it is a JSON object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    def inner(self, name: str) -> dict[str, Any]:
        """The body, whether or not the client wrapped it in ``{name: ...}``."""
        body = self.given()
        wrapped = body.get(name)
        return wrapped if isinstance(wrapped, dict) else body


def view(data: object, status: int = 200) -> Answer:
    """Answer with data."""
    return Answer(status, orjson.dumps(data))


def saved(url: str, message: str, row_id: object = None) -> Answer:
    """Answer that something was done."""
    body: dict[str, Any] = {
        "saved": True,
        "success": True,
        "name": message,
        "message": message,
        "url": url,
    }
    if row_id is not None:
        body["id"] = str(row_id)
    return view(body)


def not_saved(url: str, message: str, errors: object, row_id: object = None) -> Answer:
    """Answer 403 that something was not done, and why."""
    body: dict[str, Any] = {
        "saved": False,
        "name": message,
        "message": message,
        "url": url,
        "errors": errors,
    }
    if row_id is not None:
        body["id"] = str(row_id)
    return view(body, 403)


def refused(error: RefusalError, url: str) -> Answer:
    """The answer that an error becomes."""
    body = {"name": error.message, "message": error.message, "url": url}
    return Answer(error.status, orjson.dumps(body), location=error.location)


def is_uuid(text: object) -> bool:
    """Whether MISP takes a text for a uuid: RFC 4122, versions 0 to 5."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def truthy(value: object) -> bool:
    """Whether the server's language counts a value as true: not 0, "0" or empty."""
    return bool(value) and value != "0"


def number(value: object) -> int:
    """A whole number that a client sent as number or text.

    Raises:
        BreakdownError: it is none; the real server's database refuses it.
    """
    try:
        return int(str(value))
    except ValueError:
        raise BreakdownError from None


def in_bmp(text: object) -> bool:
    """Whether a text has no 4-byte letters (emoji): MISP's database takes none."""
    return text is None or max(str(text), default="") <= _LAST_BMP


def storable(*texts: object) -> bool:
    """Whether MISP's database takes these texts: at most 65,535 bytes, no emoji."""
    return all(
        in_bmp(text) and len(str(text or "").encode()) <= LONGEST_TEXT for text in texts
    )


def bare(text: object) -> str:
    """A text without the blanks that MISP trims before it asks whether it is empty."""
    return str(text).strip(" \t\n\r\0\x0b")


def visible_event(call: Call, reference: str) -> Row | None:
    """The event of a number or uuid, if the caller may see it.

    Seen are the events of the caller's own organisation and, published or not, those
    with distribution 1 to 3, or 4 and a sharing group that the organisation is in; a
    site administrator sees all (MISP's default settings).
    """
    column = "uuid" if is_uuid(reference) else "id" if reference.isdigit() else ""
    if not column:
        return None
    return call.store.one(
        f"SELECT * FROM events WHERE {column} = ? AND {SEEN}",  # noqa: S608 - constants
        reference.lower(),
        *seen_by(call.caller),
    )


def reaches(table: str) -> str:
    """The condition that events of a table reach an organisation that is no owner."""
    return (
        f"({table}.distribution BETWEEN 1 AND 3 OR {table}.distribution = 4 AND EXISTS"  # noqa: S608 - our own names
        " (SELECT 1 FROM event_groups g JOIN sharing_group_orgs m"
        f" USING (sharing_group_id) WHERE g.event_id = {table}.id AND m.org_id = ?))"
    )


SEEN: Final = f"(? OR org_id = ? OR {reaches('events')})"
"""The condition under which an event is seen, for :func:`seen_by`."""


def seen_by(caller: Caller) -> tuple[int, int, int]:
    """The values of :data:`SEEN` for a caller."""
    return int(caller.site_admin), caller.org_id, caller.org_id


def may_modify(caller: Caller, event: Row) -> bool:
    """Whether a caller may change an event outright, not only propose changes."""
    if caller.site_admin:
        return True
    may = caller.role.may
    if may("perm_modify_org") and event["orgc_id"] == caller.org_id:
        return True
    return may("perm_modify") and bool(event["user_id"] == caller.id)


def event_to_modify(call: Call, reference: str, missing: str = INVALID_EVENT) -> Row:
    """The event that a call wants to change.

    Raises:
        RefusalError: it is not there for this caller (404) or not the caller's (403).
    """
    event = visible_event(call, reference)
    if event is None:
        raise RefusalError(404, missing)
    if not may_modify(call.caller, event):
        raise RefusalError(403, NOT_YOURS)
    return event


def unpublish(call: Call, event_id: int) -> None:
    """Mark an event as changed here: unpublished, and its timestamp is now."""
    fields = {"published": 0, "timestamp": call.store.now()}
    call.store.update("events", event_id, fields)
