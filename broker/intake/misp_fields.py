"""Reads single fields of MISP's JSON, which writes most numbers as texts.

One JSON object and a key -> a checked Python value.

Invariant: a message of an `IntakeError` names the path and the rule, never the value.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final

from broker.errors import IntakeError

Json = dict[str, Any]

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FIRST, _LAST = 1980, 2100  # the years that an incident may be of


def items(parent: Json, key: str, path: str) -> list[Json]:
    """Return the objects of the list at ``key``; an absent or null list is empty.

    Raises:
        IntakeError: it is not a list of objects.
    """
    found = parent.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise IntakeError(f"{path}.{key}", "is not a list", "export it from MISP")
    for number, item in enumerate(found):
        if not isinstance(item, dict):
            raise IntakeError(f"{path}.{key}[{number}]", "is not an object")
    return found


def text(parent: Json, key: str, path: str) -> str:
    """Return the text at ``key`` without blanks around it; absent or null: empty.

    Raises:
        IntakeError: it is neither text nor a number.
    """
    found = parent.get(key)
    if found is None:
        return ""
    if isinstance(found, str):
        return found.strip()
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    raise IntakeError(f"{path}.{key}", "is not a text")


def number(parent: Json, key: str, path: str) -> int | None:
    """Return the whole number at ``key``; absent, null or empty: nothing.

    Raises:
        IntakeError: it is not a whole number.
    """
    found = text(parent, key, path)
    if not found:
        return None
    if not _WHOLE.fullmatch(found):
        raise IntakeError(f"{path}.{key}", "is not a whole number")
    return int(found)


def flag(parent: Json, key: str) -> bool:
    """Return whether MISP means yes: ``true``, ``1`` or ``"1"``."""
    return parent.get(key) in (True, 1, "1", "true")


def uuid(parent: Json, key: str, path: str) -> str:
    """Return the UUID at ``key`` in lower case.

    Raises:
        IntakeError: it is missing or not a UUID.
    """
    found = text(parent, key, path).lower()
    if not found:
        advice = "publish the event as MISP exports it, with its uuid"
        raise IntakeError(f"{path}.{key}", "is missing", advice)
    if not _UUID.fullmatch(found):
        raise IntakeError(f"{path}.{key}", "is not a UUID")
    return found


def moment(parent: Json, key: str, path: str) -> datetime:
    """Return the time that seconds since 1970 at ``key`` stand for.

    Raises:
        IntakeError: it is missing, not a number, or outside the years 1980 to 2100.
    """
    seconds = number(parent, key, path)
    if seconds is None:
        advice = "publish the event as MISP exports it, with its timestamp"
        raise IntakeError(f"{path}.{key}", "is missing", advice)
    # 4,102,444,800 is the first second of 2100; far beyond it no date exists at all.
    if not 0 < seconds < 4_102_444_800:
        raise _impossible(f"{path}.{key}")
    return _possible(datetime.fromtimestamp(seconds, UTC), f"{path}.{key}")


def day(parent: Json, key: str, path: str) -> datetime | None:
    """Return the first moment of the day at ``key``, such as ``2026-03-01``.

    Raises:
        IntakeError: it is not a date, or outside the years 1980 to 2100.
    """
    found = text(parent, key, path)
    if not found:
        return None
    try:
        read = date.fromisoformat(found)
    except ValueError:
        raise IntakeError(f"{path}.{key}", "is not a date, year-month-day") from None
    return _possible(
        datetime(read.year, read.month, read.day, tzinfo=UTC), path + "." + key
    )


def instant(parent: Json, key: str) -> datetime | None:
    """Return the time at ``key``, such as ``2026-03-01T10:00:00+00:00``.

    Without a zone it is UTC, as MISP stores it. What is not a possible time is nothing.
    """
    found = parent.get(key)
    if not isinstance(found, str):
        return None
    try:
        read = datetime.fromisoformat(found.strip())
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return read if _FIRST <= read.year <= _LAST else None


def _possible(read: datetime, path: str) -> datetime:
    if not _FIRST <= read.year <= _LAST:
        raise _impossible(path)
    return read


def _impossible(path: str) -> IntakeError:
    return IntakeError(path, f"is not between the years {_FIRST} and {_LAST}")
