"""MISP objects for parties, evidence, losses and systems, by the template table.

A STIX object that carries a part's fields + `Templates` -> MISP objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from broker.model.mapping import ObjectAttribute, ObjectTemplate

# MISP stores phone numbers without anything that is not dialled.
_PHONE: Final = "phone-number"
# ISO 13616: country, two check digits, up to 30 letters and digits.
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")


class Templates:
    """The object templates by the part of the incident that they are for."""

    __slots__ = ("_by_part", "_chosen")

    def __init__(self, templates: tuple[ObjectTemplate, ...]) -> None:
        self._by_part: dict[str, list[ObjectTemplate]] = {}
        self._chosen: dict[tuple[str, str], list[ObjectTemplate]] = {}
        for template in templates:
            self._by_part.setdefault(template.part, []).append(template)

    def of(self, part: str, party: str) -> list[ObjectTemplate]:
        """Return the templates of a part; a party of unknown sort takes the first."""
        chosen = self._chosen.get((part, party))
        if chosen is None:
            every = self._by_part.get(part, [])
            chosen = [t for t in every if t.party in ("", party)] or every[:1]
            self._chosen[part, party] = chosen
        return chosen


def misp_object(
    made: Mapping[str, Any], about: Mapping[str, Any], templates: Templates, stamp: str
) -> list[dict[str, Any]]:
    """Return the MISP objects of one part; none when no field of it has a place."""
    fields = about["fields"]
    uuid = made["id"].rpartition("--")[2]
    found: list[dict[str, Any]] = []
    number = 0
    for template in templates.of(about["part"], fields.get("kind", "")):
        for one in _each(template, fields):
            attributes = list(_attributes(template, one, uuid, number, stamp))
            if attributes:
                made_uuid = _derived(uuid, number, 0)
                found.append(_object(template, made_uuid, attributes, stamp))
            number += 1
    return found


def _each(
    template: ObjectTemplate, fields: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the fields of each object: one for all, or one per value of a list."""
    if not template.each:
        yield fields
        return
    for value in fields.get(template.each, ()):
        yield {**fields, template.each: [value]}


def _object(
    template: ObjectTemplate, uuid: str, attributes: list[dict[str, Any]], stamp: str
) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "name": template.name,
        "meta-category": template.meta_category,
        "template_uuid": template.template_uuid,
        "template_version": str(template.template_version),
        # MISP 2.5.1 silently drops an object whose description is empty.
        "description": f"{template.name} ({template.part})".replace("_", " "),
        "distribution": "5",
        "timestamp": stamp,
        "Attribute": attributes,
    }


def _attributes(
    template: ObjectTemplate,
    fields: Mapping[str, Any],
    uuid: str,
    number: int,
    stamp: str,
) -> Iterator[dict[str, Any]]:
    """Yield the attributes that the fields fill, then the fixed ones."""
    # Each row of the template has places of its own, so that an attribute keeps its
    # UUID when another field is there or is not.
    filled = False
    for place, row in enumerate(template.attributes, 1):
        value = fields.get(row.field)
        if value is None:
            continue
        # Masking may have made two accounts the same; MISP would drop the second.
        values = dict.fromkeys(value) if isinstance(value, list) else (value,)
        for turn, one in enumerate(map(str, values)):
            if _fits(row, one):
                filled = True
                made = _derived(uuid, number, (place << 16) + turn)
                yield _attribute(row, one, made, stamp)
    if filled:
        for place, (row, value) in enumerate(template.fixed, 1):
            yield _attribute(row, value, _derived(uuid, number, place), stamp)


def _fits(row: ObjectAttribute, value: str) -> bool:
    if row.type == _PHONE:
        # A mask or a pseudonym is no number, though its digits would read as one.
        return sum(map(str.isdigit, value)) > sum(map(str.isalpha, value))
    if not row.only:
        return True
    if _IBAN.fullmatch(value):
        return row.only == "iban"
    digits = value.isascii() and value.isdigit()
    return row.only == ("number" if digits else "neither")


def _attribute(
    row: ObjectAttribute, value: str, uuid: str, stamp: str
) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "type": row.type,
        "category": row.category,
        "object_relation": row.relation,
        "value": _dialled(value) if row.type == _PHONE else value,
        "to_ids": False,
        "distribution": "5",
        "timestamp": stamp,
    }


def _dialled(value: str) -> str:
    """Return a telephone number as MISP stores it, which is as it is dialled."""
    # "+383 (0)44": the digit in brackets is for calls within the country only.
    value = _NOT_DIALLED.sub("", value.replace("(0)", ""))
    return f"+{value[2:]}" if value.startswith("00") else value


def _derived(uuid: str, number: int, place: int) -> str:
    """Return a UUID of its own for each object and attribute of one STIX object.

    The part's UUID is secret-derived and unique; its last digits count within the part.
    """
    last = (int(uuid[24:], 16) + (number << 32) + place) & 0xFFFFFFFFFFFF
    return f"{uuid[:24]}{last:012x}"
