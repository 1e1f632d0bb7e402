"""Observables: one row of the mapping table -> STIX object and pattern.

A row names a type, a property path and fixed properties; both the object and the
pattern are made from these, so they can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from broker.convert.ids import observable_id
from broker.model.incident import Shape
from broker.model.known_good import Listed
from broker.model.mapping import ObservableKind, StixTarget


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """How one kind of observable is written in STIX."""

    kind: str
    stix_type: str
    properties: Callable[[str], dict[str, Any]]
    spelled: Callable[[str], str] | None  # a value as STIX has it; None if unchanged
    pattern: Callable[[str], str]
    is_domain_object: bool  # is not seen on a network, and stands for itself
    matchable: bool  # whether its values may ever be matched automatically
    shape: Shape


# STIX 2.1, section 4: what is no cyber-observable object.
_DOMAIN_OBJECTS: Final = frozenset(
    {"campaign", "indicator", "malware", "threat-actor", "vulnerability"}
)


def writers(kinds: Mapping[str, ObservableKind]) -> dict[str, Writer]:
    """Return a writer for every kind of observable in the table."""
    return {
        name: Writer(
            name,
            row.stix.type,
            _properties(row.stix),
            _spelled(row.stix),
            _pattern(row.stix),
            row.stix.type in _DOMAIN_OBJECTS,
            row.misp.to_ids,
            row.shape,
        )
        for name, row in kinds.items()
    }


# STIX 2.1, 6.17: the hive of a registry key must be written out.
_HIVES: Final = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCC": "HKEY_CURRENT_CONFIG",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
}


def _registry_key(value: str) -> str:
    hive, slash, rest = value.partition("\\")
    return _HIVES.get(hive.upper(), hive) + slash + rest


def _number(value: str) -> str:
    return str(int(value))


def _spelled(target: StixTarget) -> Callable[[str], str] | None:
    if target.type == "windows-registry-key":
        return _registry_key
    return _number if target.number else None


def _properties(target: StixTarget) -> Callable[[str], dict[str, Any]]:
    head, _, tail = target.property.partition(".")
    fixed = target.fixed

    def plain(value: str) -> dict[str, Any]:
        return {**fixed, head: value}

    def nested(value: str) -> dict[str, Any]:
        return {**fixed, head: {tail: value}}

    def number(value: str) -> dict[str, Any]:
        return {**fixed, head: int(value)}

    def cve(value: str) -> dict[str, Any]:
        return {
            **fixed,
            head: value,
            "external_references": [{"source_name": "cve", "external_id": value}],
        }

    def registry_key(value: str) -> dict[str, Any]:
        return {**fixed, head: _registry_key(value)}

    if target.type == "vulnerability":
        return cve
    if target.type == "windows-registry-key":
        return registry_key
    if target.number:
        return number
    return nested if tail else plain


def _pattern(target: StixTarget) -> Callable[[str], str]:
    start, _, where = (target.match or f"{target.type}:{target.property}").partition(
        ":"
    )
    # STIX 2.1, 9.7: a path component with a hyphen stands in quotes.
    path = ".".join(f"'{part}'" if "-" in part else part for part in where.split("."))
    left = f"[{start}:{path} = "
    right = "".join(
        f" AND {target.type}:{name} = {_literal(value)}"
        for name, value in (() if target.match else target.fixed.items())
    )
    if target.number:
        return lambda value: f"{left}{int(value)}{right}]"
    if target.type == "windows-registry-key":
        return lambda value: f"{left}{_literal(_registry_key(value))}{right}]"
    return lambda value: f"{left}{_literal(value)}{right}]"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    # STIX 2.1, 9.5: the backslash first, or the quote's own backslash would double.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Word(NamedTuple):
    """What every recipient who sees a value is told of it."""

    text: str  # the value as STIX has it
    listed: str  # the list that it is on, if any
    matched: bool  # whether it may be matched at all: it is on none


class Known:
    """How the values of one incident are written, across all who see them.

    Whoever writes one incident for many recipients under one rulebook uses one for all.
    """

    __slots__ = ("_objects", "words")

    def __init__(self) -> None:
        self.words: dict[tuple[str, str], Word] = {}  # by kind and value
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}

    def object_of(self, writer: Writer, value: str) -> dict[str, Any]:
        """Return the cyber-observable object of a value: copy it before changing it."""
        made = self._objects.get((writer.kind, value))
        if made is None:
            made = self._objects[writer.kind, value] = observable(writer, value)
        return made


def word(writer: Writer, listed: Listed, value: str) -> Word:
    """Return how a value is spelled, where it is listed, and if it may be matched."""
    text = value if writer.spelled is None else writer.spelled(value)
    title = listed.of(writer.shape, value)
    return Word(text, title, writer.matchable and not title)


def observable(writer: Writer, value: str) -> dict[str, Any]:
    """Return the cyber-observable object of a value, without its markings.

    Its id is empty where STIX prescribes none that follows from the value.
    """
    properties = writer.properties(value)
    return {
        "type": writer.stix_type,
        "spec_version": "2.1",
        "id": observable_id(writer.stix_type, properties),
        **properties,
    }
