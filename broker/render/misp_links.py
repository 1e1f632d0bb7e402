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
from broker.render.misp_json import Made, Relation

# The first digits of the UUIDs of all objects that one item of a part becomes.
_ITEM: Final = 24


class _Way(NamedTuple):
    """A row of the table: where it leads to, as what, and whether within one item."""

    target: str
    relation: Relation
    within: bool


class Links:
    """The rows of the table of links, by what they lead from."""

    __slots__ = ("_anywhere", "_by_source", "_within")

    def __init__(self, links: Iterable[ObjectLink]) -> None:
        self._by_source: dict[str, list[_Way]] = {}
        # What a link may lead to, from anywhere or only from within the same item.
        self._anywhere: set[str] = set()
        self._within: set[str] = set()
        for link in links:
            part, of_part = (
                end.partition("/")[0] for end in (link.source, link.target)
            )
            within = part == of_part
            way = _Way(link.target, Relation.of(link.relationship), within)
            self._by_source.setdefault(link.source, []).append(way)
            (self._within if within else self._anywhere).add(link.target)

    def join(self, placed: Iterable[Made], stamp: str) -> set[str]:
        """Add to each object its references to the others, in place.

        Returns the UUIDs of those that something refers to.
        """
        sources: list[tuple[Made, list[_Way]]] = []
        anywhere: dict[str, list[str]] = {}
        within: dict[tuple[str, str], list[str]] = {}
        for made in placed:
            name = made.form.place
            if name in self._anywhere:
                anywhere.setdefault(name, []).append(made.uuid)
            if name in self._within:
                uuid = made.uuid
                within.setdefault((name, uuid[:_ITEM]), []).append(uuid)
            ways = self._by_source.get(name)
            if ways:
                sources.append((made, ways))
        referred: set[str] = set()
        for made, ways in sources:
            for target, relation, inside in ways:
                if inside:
                    found = within.get((target, made.uuid[:_ITEM]))
                else:
                    found = anywhere.get(target)
                if found:
                    refer(made, relation, found, stamp)
                    referred.update(found)
        return referred


def refer(made: Made, relation: Relation, targets: Iterable[str], stamp: str) -> None:
    """Add references from an object to others that have these UUIDs."""
    space = bytes.fromhex(made.uuid.replace("-", ""))
    lead = space + relation.named
    for target in targets:
        if target != made.uuid:
            uuid = uuid5(lead, target.encode())
            made.references.append(relation.written(uuid, target, stamp))
