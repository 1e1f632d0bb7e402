"""What a file says, and where in it.

Invariant: every place has line and column, counted from 1 (0 when the whole file is
meant).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from broker.errors import Problem

Path = tuple[str | int, ...]
Place = tuple[int, int]
Parse = Callable[[str, bytes], "Document"]
# Where a value stands, where its key does (or again the value, where it has none), and
# the same of every entry in it.
Spot = tuple[Place, Place, "Spots | None"]
Spots = dict[str | int, Spot]


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says, with the place where it says it.

    ``doubts`` are comments that were probably meant as text.
    """

    file: str
    value: Any
    spot: Spot = field(repr=False)
    doubts: tuple[Problem, ...] = field(default=(), repr=False, kw_only=True)

    def at(self, path: Path) -> Place:
        """Return line and column of an entry, or of the nearest one around it.

        An entry that starts on the line of its key is meant by its value, one that
        starts below by its key.
        """
        (value, key, _), _ = self._spot_of(path)
        return value if value[0] == key[0] else key

    def at_key(self, path: Path) -> Place:
        """Return line and column of the key of an entry, or of what is around it."""
        (_, key, _), is_there = self._spot_of(path)
        return key if is_there else self.at(path)

    def _spot_of(self, path: Path) -> tuple[Spot, bool]:
        """Return the spot of an entry, or the nearest around it, and which it is."""
        spot = self.spot
        for step in path:
            inner = spot[2]
            if inner is None or step not in inner:
                return spot, False
            spot = inner[step]
        return spot, True

    def item(self, path: Path, item: str) -> Path:
        """Return the path of an item of the list at a path; the list's, if it is none.

        A model keeps a list of words as a set, which does not know where each stood.
        """
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return path
        is_there = isinstance(value, list) and item in value
        return (*path, value.index(item)) if is_there else path

    def where(self, path: Path) -> str:
        """Return the place of an entry as ``file:line``."""
        return f"{self.file}:{self.at(path)[0]}"

    def problem(self, path: Path, message: str, advice: str = "") -> Problem:
        """Return a problem with the entry at a path."""
        return Problem(self.file, *self.at(path), message, advice)

    def key_problem(self, path: Path, message: str, advice: str = "") -> Problem:
        """Return a problem with the key of the entry at a path."""
        return Problem(self.file, *self.at_key(path), message, advice)
