"""Observables that are one thing become one MISP object: a mail, a file, a connection.

Attributes, by the group that the incident puts them in, + the table of composed objects
-> MISP objects, and the attributes that stay alone.

Invariants: nothing is put together but what the incident says belongs together; a value
stands in one place only; an attribute within an object has another UUID than alone,
because MISP moves no attribute from one place to another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from broker.canonical import uuid5
from broker.model.mapping import ComposedObject, ComposedRelation
from broker.render.misp_json import Attribute, Made, ObjectForm, Relation
from broker.render.misp_links import refer

PART: Final = "observables"
# What does not fit its type, which no relation would take either.
_TEXT: Final = "text"
_TOGETHER: Final = Relation.of("related-to")
# The last twelve digits of the first member's UUID count the objects of its group.
_COUNTED: Final = 0xFFFFFFFFFFFF
_FIRST: Final = 16


class Member(NamedTuple):
    """One observable of a group: what it is, and the attribute that it would be."""

    kind: str
    role: str
    attribute: Attribute


@dataclass(frozen=True, slots=True)
class _Form:
    """A row of the table, ready to be filled in."""

    form: ObjectForm
    asks: tuple[frozenset[str], ...]
    relations: dict[tuple[str, str], ComposedRelation]

    @classmethod
    def of(cls, row: ComposedObject) -> _Form:
        relations = {
            (kind, role.value): each
            for each in row.relations
            for kind in each.kinds
            for role in each.roles
        }
        template = {
            "name": row.name,
            "meta-category": row.meta_category,
            "template_uuid": row.template_uuid,
            "template_version": str(row.template_version),
        }
        form = ObjectForm.of(PART, template)
        return cls(form, tuple(map(frozenset, row.asks)), relations)

    def taken(self, members: Iterable[Member]) -> list[tuple[Member, ComposedRelation]]:
        """Return the members that the template takes, each with its relation.

        Nothing, when they are too few to say more than they would alone, or when two
        want a place that there is one of: then it is not said which belongs there.
        """
        found: list[tuple[Member, ComposedRelation]] = []
        used: set[str] = set()
        for member in members:
            if member.attribute.type == _TEXT:
                continue
            row = self.relations.get((member.kind, member.role))
            if row is None:
                continue
            if row.relation in used and not row.many:
                return []
            used.add(row.relation)
            found.append((member, row))
        enough = len(found) > 1 and all(used & asked for asked in self.asks)
        return found if enough else []


class Composer:
    """The table of composed objects."""

    __slots__ = ("_forms",)

    def __init__(self, rows: Iterable[ComposedObject]) -> None:
        self._forms = [_Form.of(row) for row in rows]

    def compose(
        self, members: list[Member], stamp: str
    ) -> tuple[list[Made], list[Attribute]]:
        """Return the objects of one group, and the attributes that are in none."""
        first = members[0].attribute.uuid
        head, number = first[:24], int(first[24:], 16) + _FIRST
        objects: list[Made] = []
        left = members
        for at, form in enumerate(self._forms):
            taken = form.taken(left)
            if not taken:
                continue
            uuid = head + "%012x" % ((number + at) & _COUNTED)
            space = bytes.fromhex(uuid.replace("-", ""))
            within = [
                _within(space, member.attribute, row).written(stamp)
                for member, row in taken
            ]
            objects.append(Made(form.form, uuid, within))
            inside = {id(member.attribute) for member, _ in taken}
            left = [each for each in left if id(each.attribute) not in inside]
        alone = [each.attribute for each in left]
        if objects and alone:
            # They belong together, and no template has a place for all of them.
            refer(objects[0], _TOGETHER, [each.uuid for each in alone], stamp)
        return objects, alone


def _within(space: bytes, attribute: Attribute, row: ComposedRelation) -> Attribute:
    return attribute._replace(
        uuid=uuid5(space, attribute.uuid.encode()),
        type=row.type or attribute.type,
        category=row.category or attribute.category,
        relation=row.relation,
    )
