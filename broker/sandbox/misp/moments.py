"""Times as MISP takes and gives them.

Text or number in many notations -> seconds, or microseconds, since 1970; and back.

Invariants: nothing here reads the clock: "now" is always an argument. A time without
a zone counts as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_STEP: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WORDS: Final = {"now": 0, "today": 0, "yesterday": -1, "tomorrow": 1}
_SPAN: Final = re.compile(r"(-?\d+)([dhms])", re.IGNORECASE)


def read(text: str, now: int) -> datetime | None:
    """Read a time as tolerantly as MISP does; None when it is none.

    The server's language reads nearly everything, down to ``yesterday`` (observed).
    The notations that security data really use are read here.
    """
    word = text.strip().lower()
    if word in _WORDS:
        day = _EPOCH + timedelta(seconds=now, days=_WORDS[word])
        midnight = word != "now"
        return day.replace(hour=0, minute=0, second=0) if midnight else day
    if word.startswith("@") and word[1:].isdigit():
        return _EPOCH + timedelta(seconds=int(word[1:]))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_microseconds(moment: datetime) -> int:
    """A time as MISP stores ``first_seen``: microseconds since 1970, in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int | None) -> str | None:
    """A stored ``first_seen`` as MISP writes it, with microseconds and ``+00:00``."""
    if value is None:
        return None
    moment = _EPOCH + timedelta(microseconds=value)
    return moment.isoformat(timespec="microseconds")


def written(moment: datetime) -> str:
    """A value of type ``datetime`` as MISP stores it; the sent zone is kept."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f%z")


def stamp(seconds: int) -> str:
    """Seconds since 1970 as MISP writes a row's date: ``2026-05-28 10:00:00``."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


def day(seconds: int) -> str:
    """The calendar day of a time, ``2026-05-28``."""
    return stamp(seconds)[:10]


def since(filter_value: Any, now: int) -> int:
    """Turn a time filter into seconds since 1970: ``1780000000``, ``2d`` or a date.

    What cannot be read gives a time in the future, so that nothing matches (as MISP).
    """
    text = str(filter_value).strip()
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        return int(float(text))
    except ValueError:
        pass
    span = _SPAN.fullmatch(text)
    if span:
        return now - int(span[1]) * _STEP[span[2].lower()]
    moment = read(text, now)
    return to_microseconds(moment) // 1_000_000 if moment else now + 1
