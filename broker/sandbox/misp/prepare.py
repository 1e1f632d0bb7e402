"""Making an attribute ready: defaults, normal form, and what is wrong with it.

An attribute as a client sent it -> a row for the store, or the errors MISP would log.

Invariants: nothing is written here. The same attribute prepared twice gives the same
row, but for a uuid and times that the client left to the server.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from broker.sandbox.misp import checks, describe, moments, values
from broker.sandbox.misp.calls import (
    LONGEST_TEXT,
    bare,
    is_uuid,
    number,
    storable,
    truthy,
)

Errors = dict[str, list[str]]

SIMILAR: Final = "A similar attribute already exists for this event."
NOT_RFC: Final = "Please provide a valid RFC 4122 UUID"
NOT_UNIQUE: Final = "The UUID provided is not unique"
_DISTRIBUTIONS: Final = frozenset("012345")
_INHERIT: Final = "5"
_SHARING_GROUP: Final = "4"


@dataclass(slots=True)
class Prepared:
    """An attribute ready to be stored, or with its errors.

    Args:
        sent: what the client sent.
        row: the fields to store; incomplete when there are errors.
        errors: what is wrong, by field.
        known: the number of the stored attribute that this one changes, or 0.
    """

    sent: dict[str, Any]
    row: dict[str, Any] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    known: int = 0

    @property
    def fits(self) -> bool:
        """Whether the database would take the comment; else MISP breaks with a 500."""
        return storable(self.row.get("comment"))

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Type, category and value: what makes two attributes of an event similar."""
        row = self.row
        return row["type"], row["category"], row["value1"], row["value2"]


def prepare(
    sent: dict[str, Any], event_id: int, object_id: int, now: int, known: int = 0
) -> Prepared:
    """Give an attribute its defaults and normal form, and check it as MISP does.

    Args:
        sent: the attribute, for an update already completed from the stored one.
        event_id: the event it belongs to.
        object_id: the object it belongs to, or 0.
        now: the server's time.
        known: the number of the attribute that this changes, or 0 for a new one.

    Raises:
        BreakdownError: a timestamp that is no number.
    """
    made = Prepared(sent, known=known)
    kind = sent.get("type")
    if not isinstance(kind, str) or kind not in describe.kinds():
        made.errors["type"] = ["Invalid type." if kind else "No type set."]
        return made
    value = sent.get("value")
    if isinstance(value, list | dict):
        made.errors["value"] = ["Value is an array."]
        return made
    if object_id and not sent.get("object_relation"):
        made.errors["object_relation"] = ["No object_relation set."]
        return made
    normal = values.normalise(kind, "" if value is None else str(value))
    made.row = _row(sent, kind, normal, event_id, object_id, now)
    made.errors = _errors(made, normal)
    return made


def _row(
    sent: Mapping[str, Any],
    kind: str,
    value: str,
    event_id: int,
    object_id: int,
    now: int,
) -> dict[str, Any]:
    head, bar, tail = value.partition("|")
    split = describe.composite(kind) and bar
    to_ids = sent.get("to_ids")
    seen = {name: _seen(sent.get(name), now) for name in ("first_seen", "last_seen")}
    return {
        "uuid": str(sent.get("uuid") or uuid.uuid4()).lower(),
        "event_id": event_id,
        "object_id": object_id,
        "object_relation": sent.get("object_relation") or None,
        "category": sent.get("category") or describe.default_category(kind),
        "type": kind,
        "value1": head if split else value,
        "value2": tail if split else "",
        "to_ids": describe.default_to_ids(kind)
        if to_ids is None
        else int(truthy(to_ids)),
        "timestamp": number(sent.get("timestamp") or now),
        "distribution": _distribution(sent),
        "comment": str(sent.get("comment") or ""),
        "deleted": int(truthy(sent.get("deleted"))),
        "disable_correlation": int(truthy(sent.get("disable_correlation"))),
        **seen,
    }


def _distribution(sent: Mapping[str, Any]) -> str:
    given = sent.get("distribution")
    wanted = _INHERIT if given is None else str(given)
    # Observed: a sharing group that is not there becomes "your organisation only".
    return "0" if wanted == _SHARING_GROUP else wanted


def _seen(given: object, now: int) -> int | str | None:
    if given in (None, ""):
        return None
    moment = moments.read(str(given), now)
    return moments.to_microseconds(moment) if moment else "?"


def _errors(made: Prepared, value: str) -> Errors:
    row, kind = made.row, made.row["type"]
    errors: Errors = {}
    allowed = describe.categories().get(str(row["category"]))
    if allowed is None:
        errors["category"] = ["This category does not exist."]
    if kind not in (allowed or ()):
        errors["type"] = ["Options depend on the selected category."]
    wrong = _wrong_value(kind, value)
    if wrong:
        errors["value"] = [wrong]
    if not is_uuid(row["uuid"]):
        errors["uuid"] = [NOT_RFC]
    if row["distribution"] not in _DISTRIBUTIONS:
        errors["distribution"] = ["The distribution must be 0 to 5."]
    if made.known and str(made.sent.get("to_ids")) not in ("0", "1", "True", "False"):
        errors["to_ids"] = ["Not a yes or no."]
    for name in ("first_seen", "last_seen"):
        if row[name] == "?":
            errors[name] = ["Invalid ISO 8601 format"]
    if not errors and _seen_backwards(row):
        errors["last_seen"] = [
            "Last seen value should be greater than first seen value"
        ]
    return errors


def _seen_backwards(row: Mapping[str, Any]) -> bool:
    first, last = row["first_seen"], row["last_seen"]
    return first is not None and last is not None and bool(first > last)


def _wrong_value(kind: str, value: str) -> str | None:
    if not bare(value):
        return "Value cannot be empty."
    if all(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return "The value is nothing but control characters."
    if describe.composite(kind) and value.count("|") != 1:
        return "A composite type needs a value in the form value1|value2."
    wrong = checks.problem(kind, value)
    if wrong:
        return wrong
    if len(value.encode()) > LONGEST_TEXT:
        return "The value is too long."
    return None
