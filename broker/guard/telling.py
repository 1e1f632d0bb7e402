"""What an incident tells: its values that would say something, found by themselves.

An incident -> the texts of its telling fields, each read once for all recipients, by
what rules may tell the items of a list apart.

Not telling: words of closed lists (sector codes, severities), flags, times and counts.
They are the same in thousands of incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

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


Columns = list[tuple[str, list[str]]]
"""The telling texts of each field that has any, by its path."""


class Sort(NamedTuple):
    """Items of an incident that no rule tells apart."""

    owner: str
    told: tuple[Any, ...]
    items: list[Fields]
    texts: Columns


class Telling:
    """The telling values of an incident; each is read once for all recipients."""

    __slots__ = ("digest", "sorts")

    def __init__(self, incident: Incident) -> None:
        """Sort the items by what rules may tell them apart by, and read them."""
        self.sorts: list[Sort] = []
        for owner, columns in COLUMNS.items():
            by_sort: dict[tuple[Any, ...], list[Fields]] = {}
            told_apart = sorter(owner)
            for item in getattr(incident, owner) if owner else (incident,):
                fields = item.__dict__
                by_sort.setdefault(told_apart(fields), []).append(fields)
            self.sorts += [
                Sort(owner, told, items, columns(items))
                for told, items in by_sort.items()
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


def _columns(owner: str, paths: Iterable[str]) -> Callable[[list[Fields]], Columns]:
    """Return what reads fields of the items of a list."""
    readers = [(path, reader(name_within(owner, path))) for path in paths]

    def columns(items: list[Fields]) -> Columns:
        found = []
        for path, read in readers:
            values = list(filter(None, map(read, items)))
            if values:
                if {*map(type, values)} != {str}:
                    values = list(chain.from_iterable(map(texts_of, values)))
                if texts := list(filter(is_telling, values)):
                    found.append((path, texts))
        return found

    return columns


_PATHS: Final = list(filter(is_told, DECLARED))
COLUMNS: Final = {
    owner: _columns(owner, [path for path in _PATHS if owner_of(path) == owner])
    for owner in dict.fromkeys(map(owner_of, _PATHS))
}
"""By list of items, or by nothing for the incident: what reads its telling fields."""
