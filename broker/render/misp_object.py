"""MISP objects for parties, evidence, losses and systems, by the template table.

A part with its fields + `Templates` -> MISP objects. What does not depend on the
incident is written once, when the table is loaded; which attributes a template has for
certain fields is found out once for each combination of fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.model.mapping import MispObject, ObjectAttribute, ObjectTemplate
from broker.model.sharing import Part
from broker.render.misp_json import Attribute, FieldForm, Made, ObjectForm

# MISP stores phone numbers without anything that is not dialled.
_PHONE: Final = "phone-number"
# MISP drops a float that is none, so a band of amounts is written as its ends.
_FLOAT: Final = "float"
# ISO 13616: country, two check digits, up to 30 letters and digits.
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CASE_NUMBER: Final = "case.uid"
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")

# The last twelve digits of a UUID count the objects of one part and what is in them.
_COUNTED: Final = 0xFFFFFFFFFFFF
_NEXT_OBJECT: Final = 1 << 32


_Row = tuple[str, int, FieldForm, Callable[[str], str] | None]
"""An attribute that a field of the part fills: the field, the row's place, the form,
and how MISP takes a value, if not as it is ("" if it does not take it).

Each row has a place of its own, so that an attribute keeps its UUID when another field
is there or is not. A plain tuple, because one is taken apart for every attribute.
"""


class _Rows(dict[tuple[str, ...], tuple[_Row, ...] | None]):
    """The rows of one template that certain fields fill, by the fields' names.

    None where there is no object, because a field is missing that it needs.
    """

    def __init__(self, rows: Iterable[_Row], needs: Iterable[str]) -> None:
        super().__init__()
        self._rows, self._needs = tuple(rows), frozenset(needs)

    def __missing__(self, names: tuple[str, ...]) -> tuple[_Row, ...] | None:
        found = None
        if self._needs.issubset(names):
            found = tuple(row for row in self._rows if row[0] in names)
        self[names] = found
        return found


@dataclass(frozen=True, slots=True)
class _Template:
    """A template of the table, taken apart for making objects."""

    each: str
    form: ObjectForm
    rows: _Rows
    fixed: tuple[tuple[_Row, str], ...]

    @classmethod
    def of(cls, template: ObjectTemplate) -> _Template:
        return cls(
            template.each,
            _object_form(template.part, template),
            _Rows(
                (
                    _row(place << 16, row)
                    for place, row in enumerate(template.attributes, 1)
                ),
                template.needs,
            ),
            tuple(
                (_row(place, row), value)
                for place, (row, value) in enumerate(template.fixed, 1)
            ),
        )


def _object_form(part: str, row: ObjectTemplate | MispObject) -> ObjectForm:
    template = {
        "name": row.name,
        "meta-category": row.meta_category,
        "template_uuid": row.template_uuid,
        "template_version": str(row.template_version),
    }
    return ObjectForm.of(part, template)


def _row(place: int, row: ObjectAttribute) -> _Row:
    form = FieldForm(row.type, row.category, row.relation)
    return row.field, place, form, _fitted(row)


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


def misp_objects(
    part: Part, templates: Templates, stamp: str, case_number: str | None = None
) -> list[Made]:
    """Return the MISP objects of one part; none when no field of it has a place.

    ``case_number`` is that of the case as a whole, which evidence is a part of.
    """
    fields = part.fields
    if case_number is not None:
        fields = {**fields, _CASE_NUMBER: case_number}
    # The part's UUID is secret-derived and unique; its last digits count within it.
    head, number = part.uuid[:24], int(part.uuid[24:], 16)
    names = tuple(fields)
    found: list[Made] = []
    for template in templates.of(part.name, fields.get("kind", "")):
        rows = template.rows[names]
        if rows is None:
            number += _NEXT_OBJECT
            continue
        for one in _each(template.each, fields):
            attributes = _attributes(rows, one, head, number, stamp)
            if attributes:
                for (_, place, form, _), value in template.fixed:
                    uuid = _uuid(head, number + place)
                    attributes.append(form.written(stamp, uuid, value))
                found.append(Made(template.form, _uuid(head, number), attributes))
            number += _NEXT_OBJECT
    return found


class Holder:
    """The MISP object that holds observables of one kind."""

    __slots__ = ("_fixed", "_form", "_relation")

    def __init__(self, row: MispObject) -> None:
        self._relation = row.relation
        self._form = _object_form("observables", row)
        self._fixed = [
            (place, FieldForm("text", "Other", relation), value)
            for place, (relation, value) in enumerate(row.fixed.items(), 2)
        ]

    def holding(self, attribute: Attribute, stamp: str) -> Made:
        """Return the object that holds the attribute of one observable."""
        # The attribute's UUID is secret-derived and unique; its last digits count here.
        head, number = attribute.uuid[:24], int(attribute.uuid[24:], 16)
        attributes = [attribute._replace(relation=self._relation).written(stamp)]
        attributes += [
            form.written(stamp, _uuid(head, number + place), value)
            for place, form, value in self._fixed
        ]
        return Made(self._form, _uuid(head, number + 1), attributes)


def _each(each: str, fields: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the fields of each object: one for all, or one per value of a list."""
    if not each:
        return (fields,)
    return [{**fields, each: [value]} for value in fields.get(each, ())]


def _attributes(
    rows: Iterable[_Row], fields: Mapping[str, Any], head: str, number: int, stamp: str
) -> list[str]:
    """Return the attributes that the fields fill."""
    found: list[str] = []
    for field, place, form, fitted in rows:
        value = fields[field]
        if fitted is None and value and type(value) is str:
            found.append(form.written(stamp, _uuid(head, number + place), value))
            continue
        # Masking may have made two accounts the same; MISP would drop the second.
        every = dict.fromkeys(value) if type(value) is list else (value,)
        for at, one in enumerate(map(str, every), number + place):
            text = one if fitted is None else fitted(one)
            if text:
                found.append(form.written(stamp, _uuid(head, at), text))
    return found


def _uuid(head: str, number: int) -> str:
    return head + (number & _COUNTED).to_bytes(6, "big").hex()


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
