"""MISP objects for parties, evidence, losses and systems, by the template table.

A STIX object that carries a part's fields + `Templates` -> MISP objects. What does not
depend on the incident is written once, when the table is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from broker.model.mapping import MispObject, ObjectAttribute, ObjectTemplate
from broker.render.misp_links import Placed

# MISP stores phone numbers without anything that is not dialled.
_PHONE: Final = "phone-number"
# MISP drops a float that is none, so a band of amounts is written as its ends.
_FLOAT: Final = "float"
# ISO 13616: country, two check digits, up to 30 letters and digits.
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CASE_NUMBER: Final = "case.uid"
_NOTHING: Final[Mapping[str, Any]] = {}
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")

# The last twelve digits of a UUID count the objects of one part and what is in them.
_COUNTED: Final = 0xFFFFFFFFFFFF
_NEXT_OBJECT: Final = 1 << 32


class _Row(NamedTuple):
    """An attribute that a field of the part fills.

    Each row has a place of its own, so that an attribute keeps its UUID when another
    field is there or is not.
    """

    field: str
    place: int
    form: dict[str, Any]  # the attribute but for what an incident says: to be copied
    fitted: Callable[[str], str] | None  # value -> as MISP takes it; "" if it does not


@dataclass(frozen=True, slots=True)
class _Template:
    """A template of the table, taken apart for making objects."""

    each: str
    needs: frozenset[str]
    constant: Mapping[str, Any]
    rows: tuple[_Row, ...]
    fixed: tuple[tuple[_Row, str], ...]

    @classmethod
    def of(cls, template: ObjectTemplate) -> _Template:
        return cls(
            template.each,
            frozenset(template.needs),
            {
                "name": template.name,
                "meta-category": template.meta_category,
                "template_uuid": template.template_uuid,
                "template_version": str(template.template_version),
                # MISP 2.5.1 silently drops an object whose description is empty.
                "description": f"{template.name} ({template.part})".replace("_", " "),
                "distribution": "5",
            },
            tuple(
                _row(place << 16, row)
                for place, row in enumerate(template.attributes, 1)
            ),
            tuple(
                (_row(place, row), value)
                for place, (row, value) in enumerate(template.fixed, 1)
            ),
        )


def _row(place: int, row: ObjectAttribute) -> _Row:
    form = _form(row.type, row.category, row.relation)
    return _Row(row.field, place, form, _fitted(row))


def _form(of_type: str, category: str, relation: str) -> dict[str, Any]:
    return {
        "uuid": "",
        "type": of_type,
        "category": category,
        "object_relation": relation,
        "value": "",
        "to_ids": False,
        "distribution": "5",
        "timestamp": "",
    }


class Templates:
    """The object templates by the part of the incident that they are for."""

    __slots__ = ("_by_part", "_chosen")

    def __init__(self, templates: tuple[ObjectTemplate, ...]) -> None:
        self._by_part: dict[str, list[ObjectTemplate]] = {}
        self._chosen: dict[tuple[str, str], list[_Template]] = {}
        for template in templates:
            self._by_part.setdefault(template.part, []).append(template)

    def of(self, part: str, party: str) -> list[_Template]:
        """Return the templates of a part; a party of unknown sort takes the first."""
        chosen = self._chosen.get((part, party))
        if chosen is None:
            every = self._by_part.get(part, [])
            fit = [t for t in every if t.party in ("", party)] or every[:1]
            chosen = [_Template.of(template) for template in fit]
            self._chosen[part, party] = chosen
        return chosen


def misp_object(
    made: Mapping[str, Any],
    about: Mapping[str, Any],
    templates: Templates,
    stamp: str,
    case: Mapping[str, Any] = _NOTHING,
) -> list[Placed]:
    """Return the MISP objects of one part; none when no field of it has a place.

    ``case`` are the fields of the case as a whole, which evidence is a part of.
    """
    part, fields = about["part"], about["fields"]
    if "uid" in case:
        fields = {**fields, _CASE_NUMBER: case["uid"]}
    # The part's UUID is secret-derived and unique; its last digits count within it.
    uuid = made["id"].rpartition("--")[2]
    head, number = uuid[:24], int(uuid[24:], 16)
    found: list[Placed] = []
    for template in templates.of(part, fields.get("kind", "")):
        if not template.needs <= fields.keys():
            number += _NEXT_OBJECT
            continue
        for one in _each(template, fields):
            attributes = _attributes(template, one, head, number, stamp)
            if attributes:
                one_object = {
                    **template.constant,
                    "uuid": _uuid(head, number),
                    "timestamp": stamp,
                    "Attribute": attributes,
                }
                found.append((part, one_object))
            number += _NEXT_OBJECT
    return found


def held(within: MispObject, attribute: dict[str, Any]) -> dict[str, Any]:
    """Return the MISP object that holds the attribute of one observable."""
    stamp, uuid = attribute["timestamp"], attribute["uuid"]
    # The attribute's UUID is secret-derived and unique; its last digits count here.
    head, number = uuid[:24], int(uuid[24:], 16)
    attributes = [attribute | {"object_relation": within.relation}]
    for at, (relation, value) in enumerate(within.fixed.items(), 2):
        form = _form("text", "Other", relation)
        attributes.append(_attribute(form, value, _uuid(head, number + at), stamp))
    return {
        "name": within.name,
        "meta-category": within.meta_category,
        "template_uuid": within.template_uuid,
        "template_version": str(within.template_version),
        "description": f"{within.name} (observables)",
        "distribution": "5",
        "uuid": _uuid(head, number + 1),
        "timestamp": stamp,
        "Attribute": attributes,
    }


def _each(
    template: _Template, fields: Mapping[str, Any]
) -> Iterable[Mapping[str, Any]]:
    """Return the fields of each object: one for all, or one per value of a list."""
    if not template.each:
        return (fields,)
    return [
        {**fields, template.each: [value]} for value in fields.get(template.each, ())
    ]


def _attributes(
    template: _Template, fields: Mapping[str, Any], head: str, number: int, stamp: str
) -> list[dict[str, Any]]:
    """Return the attributes that the fields fill, then the fixed ones."""
    found: list[dict[str, Any]] = []
    for row in template.rows:
        value = fields.get(row.field)
        if value is None:
            continue
        if type(value) is not list:
            one = str(value)
            text = one if row.fitted is None else row.fitted(one)
            if text:
                made = _uuid(head, number + row.place)
                found.append(_attribute(row.form, text, made, stamp))
            continue
        # Masking may have made two accounts the same; MISP would drop the second.
        for at, one in enumerate(map(str, dict.fromkeys(value)), number + row.place):
            text = one if row.fitted is None else row.fitted(one)
            if text:
                found.append(_attribute(row.form, text, _uuid(head, at), stamp))
    if found:
        for row, value in template.fixed:
            made = _uuid(head, number + row.place)
            found.append(_attribute(row.form, value, made, stamp))
    return found


def _uuid(head: str, number: int) -> str:
    return head + "%012x" % (number & _COUNTED)


def _attribute(
    form: dict[str, Any], value: str, uuid: str, stamp: str
) -> dict[str, Any]:
    made = form.copy()
    made["value"] = value
    made["uuid"] = uuid
    made["timestamp"] = stamp
    return made


def _fitted(row: ObjectAttribute) -> Callable[[str], str] | None:
    """Return how a row takes a value, or nothing when it takes each as it is."""
    if row.type == _PHONE:
        return _dialled
    if row.type == _FLOAT:
        return _least if row.relation.startswith("min") else _most
    if row.values:
        values = row.values
        return lambda value: values.get(value, "")
    if not row.only:
        return None
    return lambda value: value if _sort_of(value) == row.only else ""


def _least(amount: str) -> str:
    """Return the least that an amount, or a band of amounts, says."""
    return amount.rstrip("+").partition("-")[0]


def _most(amount: str) -> str:
    """Return the most that an amount or a band says; a band may have no end."""
    return "" if amount.endswith("+") else amount.rpartition("-")[2]


def _sort_of(value: str) -> str:
    if _IBAN.fullmatch(value):
        return "iban"
    return "number" if value.isascii() and value.isdigit() else "neither"


def _dialled(value: str) -> str:
    """Return a telephone number as MISP stores it, which is as it is dialled."""
    # A mask or a pseudonym is no number, though its digits would read as one.
    if sum(map(str.isdigit, value)) <= sum(map(str.isalpha, value)):
        return ""
    # "+383 (0)44": the digit in brackets is for calls within the country only.
    value = _NOT_DIALLED.sub("", value.replace("(0)", ""))
    return f"+{value[2:]}" if value.startswith("00") else value
