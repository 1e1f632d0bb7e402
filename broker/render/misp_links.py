"""References between the MISP objects of one event.

Objects, each with the part of the incident that it is for, + the table of links -> the
same objects with `ObjectReference`s.

Invariants: nothing is linked but by a row of the table; a reference has the same UUID
whenever the same two objects are linked in the same way, because MISP does not change
where a reference leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from broker.canonical import uuid5
from broker.model.mapping import ObjectLink

# A part of the incident (`victims`, `case`), and a MISP object that was made for it.
Placed = tuple[str, dict[str, Any]]

# The first digits of the UUIDs of all objects that one item of a part becomes.
_ITEM: Final = 24


class _Way(NamedTuple):
    """A row of the table: where it leads to, as what, and whether within one item."""

    target: str
    relationship: str
    within: bool


class Links:
    """The rows of the table of links, by what they lead from."""

    __slots__ = ("_by_source",)

    def __init__(self, links: Iterable[ObjectLink]) -> None:
        self._by_source: dict[str, list[_Way]] = {}
        for link in links:
            part, of_part = (
                end.partition("/")[0] for end in (link.source, link.target)
            )
            way = _Way(link.target, link.relationship, part == of_part)
            self._by_source.setdefault(link.source, []).append(way)

    def join(self, placed: Iterable[Placed], stamp: str) -> set[str]:
        """Add to each object its references to the others, in place.

        Returns the UUIDs of those that something refers to.
        """
        sources: list[tuple[dict[str, Any], str, list[_Way]]] = []
        targets: dict[tuple[str, str], list[str]] = {}
        for part, made in placed:
            name = f"{part}/{made['name']}"
            uuid: str = made["uuid"]
            item = uuid[:_ITEM]
            targets.setdefault((name, ""), []).append(uuid)
            targets.setdefault((name, item), []).append(uuid)
            ways = self._by_source.get(name)
            if ways:
                sources.append((made, item, ways))
        referred: set[str] = set()
        for made, item, ways in sources:
            for target, relationship, within in ways:
                found = targets.get((target, item if within else ""))
                if found:
                    _refer(made, relationship, found, stamp)
                    referred.update(found)
        return referred


def refer(
    made: dict[str, Any], relationship: str, target: str, stamp: str
) -> Mapping[str, Any]:
    """Return the reference from an object to what has the target's UUID."""
    space = bytes.fromhex(made["uuid"].replace("-", ""))
    return {
        "uuid": uuid5(space, f"{relationship}/{target}".encode()),
        "referenced_uuid": target,
        "relationship_type": relationship,
        "timestamp": stamp,
    }


def _refer(
    made: dict[str, Any], relationship: str, targets: Iterable[str], stamp: str
) -> None:
    found = [
        refer(made, relationship, target, stamp)
        for target in targets
        if target != made["uuid"]
    ]
    if found:
        made.setdefault("ObjectReference", []).extend(found)
