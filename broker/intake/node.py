"""Objects of a foreign message, read key by key; what nobody asked for is left behind.

A JSON object + its path -> checked Python values. Every reader of a foreign format
takes its fields out of a `Node`, and at the end `Node.rest` notes all keys that were
not taken: so nothing is kept unnoticed, and nothing goes missing unnoticed.

Invariants: notes and errors name a path and a reason, never a value; a key that does
not look like a field's name is not repeated, because it may be a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from broker.errors import IntakeError
from broker.intake.parsed import LeftBehind

Json = dict[str, Any]

LONGEST_TEXT: Final = 65_535
LONGEST_LINE: Final = 2_048

# What holds a dot, an @ or many digits could be a host, a mailbox or a number.
NAME: Final = re.compile(r"[A-Za-z_](?:[A-Za-z_-]|[0-9](?![0-9]{3})){0,48}", re.ASCII)
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_FIRST, _LAST = 1980, 2100  # the years that an incident may be of
_LONGEST_NUMBER: Final = 20


class Node:
    """One object of a message, with its path, that remembers what was read of it."""

    __slots__ = ("_unread", "left", "path", "value")

    def __init__(self, value: Json, path: str, left: LeftBehind) -> None:
        self.value = value
        self.path = path
        self.left = left
        self._unread = dict.fromkeys(value)

    def at(self, key: str) -> str:
        """Return the path of a key that a reader knows."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Say whether something stands at a key, without taking it."""
        return self.value.get(key) not in _EMPTY

    def note(self, key: str, why: str) -> None:
        """Note that what stands at a key is not taken."""
        self.left.note(self.at(key), why)

    def raw(self, key: str) -> Any:
        """Take whatever stands at a key."""
        self._unread.pop(key, None)
        return self.value.get(key)

    def text(self, key: str, most: int = LONGEST_TEXT) -> str | None:
        """Take a text; a number is written as one. What is no text is noted."""
        return self._as_text(self.raw(key), self.at(key), most)

    def line(self, key: str) -> str | None:
        """Take a text that is short enough for a line."""
        return self.text(key, LONGEST_LINE)

    def word(self, key: str) -> str:
        """Take a word of a vocabulary, in lower case; nothing there: empty."""
        return (self.line(key) or "").lower()

    def texts(self, key: str, most: int = LONGEST_LINE) -> Iterator[tuple[str, str]]:
        """Take a text or a list of texts, each with its path."""
        found = self.raw(key)
        if not isinstance(found, list):
            found = [found]
            paths = [self.at(key)]
        else:
            paths = [f"{self.at(key)}[{number}]" for number in range(len(found))]
        for path, value in zip(paths, found, strict=True):
            text = self._as_text(value, path, most)
            if text is not None:
                yield path, text

    def node(self, key: str) -> Node | None:
        """Take an object; what is no object is noted."""
        found = self.raw(key)
        if isinstance(found, dict):
            return Node(found, self.at(key), self.left)
        if found not in _EMPTY:
            self.note(key, "not an object")
        return None

    def nodes(self, key: str) -> Iterator[Node]:
        """Take a list of objects; one object counts as a list of one."""
        found = self.raw(key)
        if isinstance(found, dict):
            yield Node(found, self.at(key), self.left)
            return
        if not isinstance(found, list):
            if found not in _EMPTY:
                self.note(key, "not a list")
            return
        for number, item in enumerate(found):
            path = f"{self.at(key)}[{number}]"
            if isinstance(item, dict):
                yield Node(item, path, self.left)
            elif item not in _EMPTY:
                self.left.note(path, "not an object")

    def moment(self, key: str) -> datetime | None:
        """Take a time as ISO 8601 or RFC 3339 writes it; without a zone it is UTC."""
        found = self.line(key)
        if found is None:
            return None
        return self._possible(_moment(found), key)

    def millis(self, key: str) -> datetime | None:
        """Take a time in milliseconds since 1970."""
        found = self.raw(key)
        if found in _EMPTY:
            return None
        plain = isinstance(found, int) and not isinstance(found, bool)
        if not plain or not 0 < found < 4_102_444_800_000:
            return self._possible(None, key)
        return self._possible(datetime.fromtimestamp(found // 1000, UTC), key)

    def number(self, key: str, least: int, most: int) -> int | None:
        """Take a number between two bounds, rounded to a whole one."""
        found = self.raw(key)
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if found in _EMPTY:
            return None
        if isinstance(found, str) and len(found) <= _LONGEST_NUMBER:
            try:
                found = float(found)
            except ValueError:
                found = None
        if isinstance(found, bool) or not isinstance(found, int | float):
            self.note(key, "not a number")
            return None
        # Written so that a number that is none fits nowhere.
        if not least <= found <= most:
            self.note(key, f"not between {least} and {most}")
            return None
        return round(found)

    def flag(self, key: str) -> bool:
        """Take a yes or no; what is neither is no."""
        return self.raw(key) is True

    def needed(self, key: str, value: Any, advice: str = "") -> Any:
        """Return a value that was taken, if there is one.

        Raises:
            IntakeError: there is none.
        """
        if value is None:
            problem = "is missing" if not self.has(key) else "cannot be used"
            raise IntakeError(self.at(key), problem, advice)
        return value

    def skip(self, why: str, *keys: str) -> None:
        """Leave keys behind on purpose, and note those that are there."""
        for key in keys:
            if self.raw(key) not in _EMPTY:
                self.note(key, why)

    def about_the_message(self, *keys: str) -> None:
        """Take note of keys that say nothing about the incident."""
        for key in keys:
            self._unread.pop(key, None)

    def rest(self, names: re.Pattern[str] = NAME) -> None:
        """Note every key that nobody has taken.

        A key that does not look like one of the format's names is not repeated.
        """
        for key in self._unread:
            if self.value[key] not in _EMPTY:
                self.note(key if names.fullmatch(key) else "?", "field not known")

    def _as_text(self, found: Any, path: str, most: int) -> str | None:
        if isinstance(found, list) and len(found) == 1:
            found = found[0]  # what may be there often is a list, in XML always
        if isinstance(found, str):
            text = found.strip()
        elif isinstance(found, int | float) and not isinstance(found, bool):
            text = str(found) if abs(found) < 10**_LONGEST_NUMBER else ""
        else:
            if found not in _EMPTY:
                self.left.note(path, "not a text")
            return None
        if not text:
            return None
        if len(text) > most or "\0" in text:
            self.left.note(path, f"longer than {most} characters, or holds a NUL")
            return None
        return text

    def _possible(self, found: datetime | None, key: str) -> datetime | None:
        if found is None or not _FIRST <= found.year <= _LAST:
            self.note(key, f"not a time between {_FIRST} and {_LAST}")
            return None
        return found


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
