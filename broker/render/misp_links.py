"""References between the MISP objects of one event.

Objects, each with the part of the incident that it is for, + the table of links -> the
same objects with `ObjectReference`s.

Invariants: nothing is linked but by a row of the table; a reference has the same UUID
whenever the same two objects are linked in the same way, because MISP does not change
where a reference leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from broker.model.mapping import ObjectLink

# A part of the incident (`victims`, `case`), and a MISP object that was made for it.
Placed = tuple[str, dict[str, Any]]

# The first digits of the UUIDs of all objects that one item of a part becomes.
_ITEM: Final = 24


class Links:
    """The rows of the table of links, by what they lead from."""

    __slots__ = ("_by_source",)

    def __init__(self, links: Iterable[ObjectLink]) -> None:
        self._by_source: dict[str, list[ObjectLink]] = {}
        for link in links:
            self._by_source.setdefault(link.source, []).append(link)

    def join(self, placed: Iterable[Placed], stamp: str) -> set[str]:
        """Add to each object its references to the others, in place.

        Returns the UUIDs of those that something refers to.
        """
        sources: list[tuple[dict[str, Any], str, ObjectLink]] = []
        targets: dict[tuple[str, str], list[str]] = {}
        for part, made in placed:
            name = f"{part}/{made['name']}"
            uuid: str = made["uuid"]
            item = uuid[:_ITEM]
            targets.setdefault((name, ""), []).append(uuid)
            targets.setdefault((name, item), []).append(uuid)
            for link in self._by_source.get(name, ()):
                same_part = link.target.partition("/")[0] == part
                sources.append((made, item if same_part else "", link))
        referred: set[str] = set()
        for made, within, link in sources:
            found = targets.get((link.target, within), ())
            _refer(made, link, found, stamp)
            referred.update(found)
        return referred


def refer(
    made: dict[str, Any], relationship: str, target: str, stamp: str
) -> Mapping[str, Any]:
    """Return the reference from an object to what has the target's UUID."""
    name = f"{relationship}/{target}"
    return {
        "uuid": str(uuid5(UUID(made["uuid"]), name)),
        "referenced_uuid": target,
        "relationship_type": relationship,
        "timestamp": stamp,
    }


def _refer(
    made: dict[str, Any], link: ObjectLink, targets: Iterable[str], stamp: str
) -> None:
    found = [
        refer(made, link.relationship, target, stamp)
        for target in targets
        if target != made["uuid"]
    ]
    if found:
        made.setdefault("ObjectReference", []).extend(found)
