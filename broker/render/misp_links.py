"""References between the MISP objects of one event.

Objects + the table of links -> the same objects with their references.

Invariants: nothing is linked but by a row of the table; a reference has the same UUID
whenever the same two objects are linked in the same way, because MISP does not change
where a reference leads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from broker.canonical import uuid5
from broker.model.mapping import ObjectLink
from broker.render.misp_json import Made, reference

# The first digits of the UUIDs of all objects that one item of a part becomes.
_ITEM: Final = 24


class _Way(NamedTuple):
    """A row of the table: where it leads to, as what, and whether within one item."""

    target: str
    relationship: str
    within: bool


class Links:
    """The rows of the table of links, by what they lead from."""

    __slots__ = ("_by_source", "_targets")

    def __init__(self, links: Iterable[ObjectLink]) -> None:
        self._by_source: dict[str, list[_Way]] = {}
        self._targets: set[str] = set()
        for link in links:
            part, of_part = (
                end.partition("/")[0] for end in (link.source, link.target)
            )
            way = _Way(link.target, link.relationship, part == of_part)
            self._by_source.setdefault(link.source, []).append(way)
            self._targets.add(link.target)

    def join(self, placed: Iterable[Made], stamp: str) -> set[str]:
        """Add to each object its references to the others, in place.

        Returns the UUIDs of those that something refers to.
        """
        sources: list[tuple[Made, list[_Way]]] = []
        targets: dict[tuple[str, str], list[str]] = {}
        for made in placed:
            name, uuid = made.form.place, made.uuid
            if name in self._targets:
                targets.setdefault((name, ""), []).append(uuid)
                targets.setdefault((name, uuid[:_ITEM]), []).append(uuid)
            ways = self._by_source.get(name)
            if ways:
                sources.append((made, ways))
        referred: set[str] = set()
        for made, ways in sources:
            item = made.uuid[:_ITEM]
            for target, relationship, within in ways:
                found = targets.get((target, item if within else ""))
                if found:
                    refer(made, relationship, found, stamp)
                    referred.update(found)
        return referred


def refer(made: Made, relationship: str, targets: Iterable[str], stamp: str) -> None:
    """Add references from an object to others that have these UUIDs."""
    space = bytes.fromhex(made.uuid.replace("-", ""))
    for target in targets:
        if target != made.uuid:
            uuid = uuid5(space, f"{relationship}/{target}".encode())
            made.references.append(reference(uuid, relationship, target, stamp))
