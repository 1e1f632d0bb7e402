"""What an incident tells: its values that would say something, found by themselves.

An incident -> every telling text of it, with what rules may tell it apart by.

Not telling: words of closed lists (severities, countries), flags, times and counts.
They are the same in thousands of incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Final

from broker.model.incident import (
    Consent,
    Incident,
    PartyKind,
    Role,
    Shape,
    Status,
    Urgency,
    declarations,
    named_by_content,
)
from broker.model.marking import DataClass, Pap, Severity, Tlp

# Shorter values are in every document by chance.
SHORTEST: Final = 3
# Words that every document may hold, whatever it is about.
_WORDS: Final = frozenset(
    str(word)
    for vocabulary in (Role, PartyKind, Status, Urgency, Consent, Severity, Tlp, Pap)
    for word in vocabulary
)
_UNTELLING: Final = frozenset({Shape.CODE, Shape.FLAG, Shape.TIME})
DECLARED: Final = declarations()
Fields = Mapping[str, Any]  # of an object within an incident


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A telling field of those items of a list that no rule tells apart."""

    sort: tuple[str, tuple[Any, ...]]  # the list, and what tells its items apart
    path: str


class Telling:
    """The telling texts of an incident, each with the place it is at, read once."""

    __slots__ = ("digest", "texts")

    def __init__(self, incident: Incident) -> None:
        """Read an incident for several recipients."""
        read: list[tuple[Any, Place]] = []
        for owner, row in _ROWS.items():
            told_apart = sorter(owner)
            for item in getattr(incident, owner) if owner else (incident,):
                fields = item.__dict__
                read += zip(
                    row(fields), _places(owner, told_apart(fields)), strict=True
                )
        # Many fields are empty, and nearly all others one text.
        self.texts = [
            (text, place)
            for value, place in read
            if value
            for text in ((value,) if type(value) is str else texts_of(value))
            # `is_telling`, without the price of a call.
            if len(text) >= SHORTEST and text.casefold() not in _WORDS
        ]
        uid = incident.uid
        # It confirms a guess of what is withheld.
        self.digest = uid.rpartition(":")[2] if named_by_content(uid) else ""


def is_telling(text: str) -> bool:
    """Say whether a text is not in every document by chance."""
    return len(text) >= SHORTEST and text.casefold() not in _WORDS


def is_told(path: str) -> bool:
    """Say whether a field's values would tell anything, found by themselves."""
    declared = DECLARED[path]
    if declared.shape is Shape.NUMBER:
        return declared.data_class is DataClass.FINANCIAL  # an amount; not a count
    return declared.shape not in _UNTELLING


def owner_of(path: str) -> str:
    """Return the list that a path stands in: ``victims`` of ``victims[].name``."""
    head, bracket, _ = path.partition("[].")
    return head if bracket else ""


def name_within(owner: str, path: str) -> str:
    """Return how a field is named within its item: ``name`` of ``victims[].name``."""
    return path.removeprefix(f"{owner}[].").removesuffix("[]")


# By what rules may tell the items of a list apart.
TOLD_APART: Final = {
    "observables": ("kind", "role"),
    "victims": ("party", "consent", "minor"),
    "suspects": ("party", "minor"),
}


def _alike(_: Fields) -> tuple[Any, ...]:
    return ()


_TELL_APART: Final[Mapping[str, Callable[[Fields], tuple[Any, ...]]]] = {
    "observables": itemgetter("kind", "role"),
    "victims": itemgetter("kind", "consent", "minor"),
    "suspects": itemgetter("kind", "minor"),
}


def sorter(owner: str) -> Callable[[Fields], tuple[Any, ...]]:
    """Return what says of an item of a list what rules may tell it apart by."""
    return _TELL_APART.get(owner, _alike)


def reader(inner: str) -> Callable[[Fields], Any]:
    """Return what reads a field of an item, such as ``name`` or ``contacts.email``."""
    part, dot, name = inner.partition(".")
    if not dot:
        return itemgetter(inner)
    read = reader(name)

    def within(fields: Fields) -> Any:
        found = fields[part]
        return None if found is None else read(found.__dict__)

    return within


def texts_of(value: Any) -> tuple[str, ...]:
    """Return a field's values as texts: none, one, or those of a list."""
    if value is None:
        return ()
    return tuple(map(str, value)) if type(value) is tuple else (str(value),)


_PATHS: Final = {
    owner: [path for path in DECLARED if is_told(path) and owner_of(path) == owner]
    for owner in map(owner_of, filter(is_told, DECLARED))
}
"""By list of items, or by nothing for the incident: the telling fields."""


@cache
def _places(owner: str, told: tuple[Any, ...]) -> list[Place]:
    """Return the places of the telling fields of such an item, always the same."""
    return [Place((owner, told), path) for path in _PATHS[owner]]


def _row(owner: str) -> Callable[[Fields], tuple[Any, ...]]:
    """Return what reads all telling fields of an item."""
    names = [name_within(owner, path) for path in _PATHS[owner]]
    if not any("." in name for name in names) and len(names) > 1:
        return itemgetter(*names)
    readers = [reader(name) for name in names]
    return lambda fields: tuple([read(fields) for read in readers])


_ROWS: Final = {owner: _row(owner) for owner in _PATHS}
