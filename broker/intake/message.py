"""Bytes of a foreign message as the JSON object that they should be.

Bytes -> `Node` of the whole message, and the table of its format.

Invariant: an object that says one thing twice is refused, because each parser keeps
another of the two.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.errors import IntakeError
from broker.intake.draft import Draft
from broker.intake.node import NAME, Node
from broker.intake.wrong import not_an_object, not_json
from broker.model.mapping import Tables

_ESCAPED: Final = re.compile(rb"\\.")


def start(name: str, raw: bytes, tables: Tables, table: str = "") -> tuple[Node, Draft]:
    """Return the object that a message is, and an empty draft of its incident.

    Raises:
        IntakeError: it is not one JSON object, or the format has no table.
    """
    draft = draft_of(name, raw, tables, table)
    return Node(object_of(raw), "", draft.left), draft


def draft_of(name: str, raw: bytes, tables: Tables, table: str = "") -> Draft:
    """Return an empty draft; ``table`` is the file's name if it is not the format's.

    Raises:
        IntakeError: the format has no table.
    """
    found = tables.formats.get(table or name)
    if found is None:
        missing = f"mappings/taxonomy/{table or name}.yaml"
        raise IntakeError("", f"{missing} is missing", "copy the one that is shipped")
    return Draft(name, raw, tables, found)


def object_of(raw: bytes) -> dict[str, Any]:
    """Return the JSON object that a message is.

    Raises:
        IntakeError: it is none, or it says something twice.
    """
    try:
        value = loads(raw)
    except ValueError as error:
        raise not_json(raw, error) from None
    if not isinstance(value, dict):
        raise not_an_object(value)
    refuse_twice(raw, value)
    return value


def refuse_twice(raw: bytes, value: Any) -> None:
    """Refuse a message in which one key stands twice in one object.

    ``value`` is what a parser made of ``raw``: it has kept one of the two, so it holds
    fewer texts.

    Raises:
        IntakeError: a key is there twice, or the message is too deep to tell.
    """
    try:
        plain = dumps(value)
    except TypeError:
        raise IntakeError("", "it lies too deep within brackets") from None
    if _quotes(raw) != _quotes(plain):
        try:
            json.loads(raw, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise IntakeError("", "it is not JSON that every parser reads") from None


def _quotes(raw: bytes) -> int:
    """Count the quotes around texts and keys: those that are not escaped."""
    plain = _ESCAPED.sub(b"", raw) if b"\\" in raw else raw
    return plain.count(b'"')


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        shown = twice if NAME.fullmatch(twice) else "(unreadable name)"
        raise IntakeError(shown, "it is there twice", "say it once")
