"""Which fields of an incident may be missing, and which of them are there.

An incident -> field paths, written as in a profile. ``victims[]`` stands for any
victim, ``victims[].name`` for a victim with a name.

Invariant: the vocabulary is derived from the incident model, so a new field that may be
missing can be asked for at once, and no other can.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from broker.model.incident import Incident, parts_of


class _Sort(NamedTuple):
    """What has fields: an incident, or a sort of part of one.

    Each of its fields that may be missing is in ``single`` or ``lists`` with its name
    and path. Those that have fields themselves are in ``parts``: name, whether there
    may be many, and their sort.
    """

    single: tuple[tuple[str, str], ...]
    lists: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, bool, _Sort], ...]
    optional: tuple[str, ...]  # all paths, in the order of the model


def _sort(model: type[BaseModel], above: str = "") -> _Sort:
    single: list[tuple[str, str]] = []
    lists: list[tuple[str, str]] = []
    parts: list[tuple[str, bool, _Sort]] = []
    paths: list[str] = []
    inside = parts_of(model)
    for name, info in model.model_fields.items():
        many = getattr(info.annotation, "__origin__", None) is tuple
        path = f"{above}{name}[]" if many else f"{above}{name}"
        # What is required, or has a word of its own when nothing was said, is always
        # there; an object that is never missing (contacts) is so by its fields.
        if not info.is_required() and info.default in ((), None):
            (lists if many else single).append((name, path))
            paths.append(path)
        if name in inside:
            part = _sort(inside[name], f"{path}.")
            parts.append((name, many, part))
            paths += part.optional
    return _Sort(tuple(single), tuple(lists), tuple(parts), tuple(paths))


_INCIDENT: Final = _sort(Incident)
OPTIONAL_FIELDS: Final = _INCIDENT.optional


def optional_field(path: str) -> str:
    """Return the path of a field that an incident may lack.

    Raises:
        ValueError: there is no such field, or every incident has it.
    """
    if path not in OPTIONAL_FIELDS:
        raise ValueError("not a field that an incident may lack")
    return path


def present(incident: Incident) -> frozenset[str]:
    """Return the paths of all fields that may be missing, and are there."""
    found: set[str] = set()
    _look([incident], _INCIDENT, found)
    return frozenset(found)


def _look(holders: list[Any], sort: _Sort, found: set[str]) -> None:
    said = {
        name
        for holder in holders
        for name, value in vars(holder).items()
        if value is not None
    }
    found.update([path for name, path in sort.single if name in said])
    for name, path in sort.lists:
        if any(getattr(holder, name) for holder in holders):
            found.add(path)
    for name, many, part in sort.parts:
        if name in said:
            values = [getattr(holder, name) for holder in holders]
            inner = chain.from_iterable(values) if many else values
            if there := [one for one in inner if one is not None]:
                _look(there, part, found)
