"""Attributes, objects and references of a MISP event, as the JSON that they become.

What they say -> canonical JSON, as text: what is the same in every event is written
once, when the tables are loaded, and what an event says is put in.

Invariants: keys stand in canonical order; every text is quoted as `canonical.dumps`
would; a ``stamp`` is the event's time as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from broker.canonical import around, quoted

# MISP: whatever is within an event has the event's distribution.
INHERITED: Final = "5"


class Attribute(NamedTuple):
    """An attribute that an observable becomes."""

    uuid: str
    type: str
    category: str
    value: str
    to_ids: bool
    comment: str
    first_seen: str | None
    last_seen: str | None
    relation: str = ""  # what it is within an object

    def written(self, stamp: str) -> str:
        """Return its JSON."""
        uuid, of_type, category, value, to_ids, comment, first, last, relation = self
        where = f'"first_seen":{quoted(first)},' if first else ""
        if last:
            where += f'"last_seen":{quoted(last)},'
        if relation:
            where += f'"object_relation":{quoted(relation)},'
        return (
            f'{{"category":{quoted(category)},"comment":{quoted(comment)},'
            f'"distribution":"{INHERITED}",{where}"timestamp":{stamp},'
            f'"to_ids":{"true" if to_ids else "false"},"type":{quoted(of_type)},'
            f'"uuid":"{uuid}","value":{quoted(value)}}}'
        )


class FieldForm:
    """An attribute that a field of an object becomes, around its time and UUID."""

    __slots__ = ("_first", "_second")

    def __init__(self, of_type: str, category: str, relation: str) -> None:
        constant = {
            "type": of_type,
            "category": category,
            "object_relation": relation,
            "to_ids": False,
            "distribution": INHERITED,
        }
        around_these = around(constant, "timestamp", "uuid", "value")
        self._first, self._second, _, _ = around_these

    def written(self, stamp: str, uuid: str, value: str) -> str:
        """Return its JSON."""
        return f'{self._first}{stamp}{self._second}"{uuid}","value":{quoted(value)}}}'


class ObjectForm(NamedTuple):
    """What all objects of one template have in common."""

    place: str  # the part of the incident and the name: what links are about
    constant: str

    @classmethod
    def of(cls, part: str, template: Mapping[str, Any]) -> ObjectForm:
        """Prepare a template: its name, meta-category, UUID and version in MISP."""
        name = template["name"]
        # MISP 2.5.1 silently drops an object whose description is empty.
        description = f"{name} ({part})".replace("_", " ")
        constant = {
            **template,
            "description": description,
            "distribution": INHERITED,
        }
        _, between, _, _ = around(constant, "Attribute", "timestamp", "uuid")
        return cls(f"{part}/{name}", between)


class Made:
    """A MISP object: what it says, and what it refers to."""

    __slots__ = ("attributes", "form", "references", "uuid")

    def __init__(self, of: ObjectForm, uuid: str, attributes: list[str]) -> None:
        self.form = of
        self.uuid = uuid
        self.attributes = attributes
        self.references: list[str] = []

    def written(self, stamp: str) -> str:
        """Return its JSON."""
        referring = ""
        if self.references:
            referring = f',"ObjectReference":[{",".join(self.references)}]'
        return (
            f'{{"Attribute":[{",".join(self.attributes)}]{referring}'
            f'{self.form.constant}{stamp},"uuid":"{self.uuid}"}}'
        )


class Relation(NamedTuple):
    """What all references of one relationship have in common."""

    named: bytes  # as the UUIDs of such references are made of it
    between: str

    @classmethod
    def of(cls, relationship: str) -> Relation:
        """Prepare a relationship."""
        constant = {"relationship_type": relationship}
        _, between, _, _ = around(constant, "referenced_uuid", "timestamp", "uuid")
        return cls(f"{relationship}/".encode(), between)

    def written(self, uuid: str, target: str, stamp: str) -> str:
        """Return the JSON of a reference to what has the target's UUID."""
        return f'{{"referenced_uuid":"{target}"{self.between}{stamp},"uuid":"{uuid}"}}'
