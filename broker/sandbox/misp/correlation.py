"""Which events share a value, so that an analyst sees that two cases belong together.

An event's row -> the numbers of the events that have one of its values.

Invariants: deleted attributes and those with ``disable_correlation`` relate nothing. A
value that very many attributes share relates nothing either (MISP's default limit).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from broker.sandbox.misp.calls import Call
from broker.sandbox.misp.describe import words
from broker.sandbox.misp.store import Row

LIMIT: Final = 20
"""A value with more equals than this relates nothing any more."""

_SILENT: Final = words(
    "comment http-method aba-rtn gender counter integer float port nationality cortex "
    "boolean anonymised"
)
_FIRST_VALUE_ONLY: Final = words("ip-src|port ip-dst|port hostname|port")


def _equals(condition: str, silent: Iterable[str]) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in silent)
    return (
        "SELECT a.event_id, a.distribution, e.org_id FROM attributes a"  # noqa: S608
        f" JOIN events e ON e.id = a.event_id WHERE {condition} AND a.event_id <> ?"
        " AND a.deleted = 0 AND a.disable_correlation = 0 AND e.disable_correlation = 0"
        f" AND a.type NOT IN ({kinds})"
    )


_EQUAL_VALUES: Final = (
    f"{_equals('a.value1 = ?', _SILENT)} UNION ALL "
    + _equals("a.value2 = ? AND a.value2 <> ''", (*_SILENT, *_FIRST_VALUE_ONLY))
    + f" LIMIT {LIMIT + 1}"
)


def related_ids(call: Call, event: Row) -> set[int]:
    """The numbers of events that share a value with this one, seen by the caller."""
    if event["disable_correlation"]:
        return set()
    own = call.store.all(
        "SELECT type, value1, value2 FROM attributes WHERE event_id = ? AND deleted = 0"
        " AND disable_correlation = 0",
        event["id"],
    )
    ids: set[int] = set()
    for value in _correlating(own):
        ids.update(_events_with(call, value, event["id"]))
    return ids


def _correlating(rows: Iterable[Row]) -> set[str]:
    found: set[str] = set()
    for row in rows:
        if row["type"] in _SILENT:
            continue
        found.add(row["value1"])
        if row["value2"] and row["type"] not in _FIRST_VALUE_ONLY:
            found.add(row["value2"])
    return found


def _events_with(call: Call, value: str, not_in: int) -> list[int]:
    rows = call.store.all(_EQUAL_VALUES, value, not_in, value, not_in)
    if len(rows) > LIMIT:
        return []
    caller = call.caller
    return [
        row["event_id"]
        for row in rows
        if caller.site_admin or row["org_id"] == caller.org_id or row["distribution"]
    ]
