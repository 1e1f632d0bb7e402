"""Which fields of an incident may be missing, and whether one is there.

A field path, written as in a profile -> a yes or no about an incident. ``victims[]``
asks for any victim, ``victims[].name`` for a victim with a name.

Invariant: the vocabulary is derived from the incident model, so a new field that may be
missing can be asked for at once, and no other can.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from broker.model.incident import Incident, parts_of


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    parts = parts_of(model)
    for name, info in model.model_fields.items():
        many = getattr(info.annotation, "__origin__", None) is tuple
        path = f"{prefix}{name}[]" if many else f"{prefix}{name}"
        # What is required, or has a word of its own when nothing was said, is always
        # there; an object that is never missing (contacts) is so by its fields.
        if not info.is_required() and info.default in ((), None):
            yield path
        if name in parts:
            yield from _paths(parts[name], f"{path}.")


OPTIONAL_FIELDS: Final[tuple[str, ...]] = tuple(_paths(Incident))


def optional_field(path: str) -> str:
    """Return the path of a field that an incident may lack.

    Raises:
        ValueError: there is no such field, or every incident has it.
    """
    if path not in OPTIONAL_FIELDS:
        raise ValueError("not a field that an incident may lack")
    return path


def is_there(incident: Incident, path: str) -> bool:
    """Say whether an incident has a value, or a part, at a path."""
    return _any([incident], path.split("."))


def _any(holders: list[Any], steps: list[str]) -> bool:
    found: list[Any] = []
    name = steps[0]
    for holder in holders:
        value = getattr(holder, name.removesuffix("[]"))
        if name.endswith("[]"):
            found.extend(value)
        elif value is not None:
            found.append(value)
    return bool(found) and (len(steps) == 1 or _any(found, steps[1:]))
