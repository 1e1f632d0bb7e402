"""Objects of a STIX 2.1 bundle: observables, indicators, and who was aimed at.

STIX objects -> observables, victims and texts of a `Draft`, by the same rows of
``mappings/observables.yaml`` by which they are written.

Invariants: an indicator that is no single comparison is left behind; contents of
artifacts are never taken; what is withdrawn (revoked) is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from broker.intake.draft import Draft, kind_of_host
from broker.intake.misp_types import KNOWN, index, kinds_of
from broker.intake.node import Node
from broker.model.incident import PartyKind, Role, Victim
from broker.model.mapping import ObservableKind

# Source: STIX 2.1, section 9: one comparison of one property with one literal.
_PATTERN: Final = re.compile(
    r"\[\s*([a-z0-9-]{1,60}):([A-Za-z0-9_.'-]{1,120})\s*=\s*'((?:[^'\\]|\\.)*)'\s*\]"
)
_HOST_TYPES: Final = frozenset({"domain-name"})
_MALICIOUS: Final = frozenset({"malicious-activity"})
_PERSONS: Final = frozenset({"individual"})


class Objects:
    """The objects of one case."""

    def __init__(self, draft: Draft, allow: Callable[[Node], bool]) -> None:
        self._draft = draft
        self._allow = allow
        self._things: list[Node] = []
        self._indicators: list[Node] = []
        self._identities: list[Node] = []
        self._targets: set[str] = set()
        self._seen: dict[str, tuple[datetime | None, datetime | None]] = {}
        self._misp = index(draft.tables.kinds)
        self._rows: dict[str, list[ObservableKind]] = {}
        for row in draft.tables.kinds.values():
            self._rows.setdefault(row.stix.type, []).append(row)

    def sort(self, node: Node) -> None:
        """Put an object where `take` will find it; what is of no use is noted."""
        kind = node.value.get("type")
        kind = kind if isinstance(kind, str) else ""
        if node.value.get("revoked") is True:
            self._draft.left.note(node.path, "withdrawn by its creator")
        elif not self._allow(node):
            return
        elif kind == "indicator":
            self._indicators.append(node)
        elif kind == "identity":
            self._identities.append(node)
        elif kind == "observed-data":
            self._observed(node)
        elif kind == "relationship":
            self._related(node)
        elif kind == "note":
            self._draft.tell(node.text("content"))
            _rest(node, "object_refs", "authors")
        elif kind == "vulnerability":
            name = node.line("name")
            self._draft.observe("cve", name, node.at("name"))
            _rest(node)
        elif kind == "incident":
            return  # read with the case
        elif kind == "x-misp-attribute":
            self._misp_attribute(node)
        elif kind in self._rows:
            self._things.append(node)
        else:
            shown = kind if re.fullmatch(r"[a-z0-9-]{1,40}", kind) else "?"
            self._draft.left.note(node.path, f"objects of type {shown} are not taken")

    def take(self) -> None:
        """Take the observables, then the indicators and those who were aimed at."""
        wanted: dict[tuple[str, str], Role] = {}
        for node in self._indicators:
            self._indicator(node, wanted)
        for node in self._things:
            with self._draft.together():
                self._thing(node, wanted)
        for (kind, value), role in wanted.items():
            # What stands in an indicator alone.
            self._draft.observe(kind, value, "objects", role, to_ids=True)
        for node in self._identities:
            self._identity(node)

    def _observed(self, node: Node) -> None:
        between = (node.moment("first_observed"), node.moment("last_observed"))
        for _, reference in node.texts("object_refs"):
            self._seen[reference] = between
        node.skip("STIX 2.0: observables within are not taken", "objects")
        _rest(node, "number_observed")

    def _misp_attribute(self, node: Node) -> None:
        """Take what misp-stix writes of an attribute that STIX has no object for."""
        name, value = node.line("x_misp_type") or "", node.text("x_misp_value") or ""
        aimed_at = node.line("x_misp_category") == "Targeting data"
        role = Role.VICTIM if aimed_at else Role.UNKNOWN
        found, complete = kinds_of(self._misp, name, value)
        if not complete:
            shown = name if name in KNOWN else "not known"
            self._draft.left.note(node.path, f"MISP type {shown}")
        for row, part in found:
            self._draft.observe(row.kind, part, node.at("x_misp_value"), role)
        _rest(node, "labels")

    def _related(self, node: Node) -> None:
        if node.value.get("relationship_type") == "targets":
            self._targets.update(text for _, text in node.texts("target_ref"))

    def _thing(self, node: Node, wanted: dict[tuple[str, str], Role]) -> None:
        first, last = self._seen.get(str(node.value.get("id")), (None, None))
        kind = str(node.value["type"])
        found = False
        for row, path, value in self._values(node):
            role = wanted.pop((row.kind, value), None)
            found |= self._draft.observe(
                row.kind,
                value,
                path,
                role or Role.UNKNOWN,
                first=first,
                last=last,
                to_ids=role is not None,
            )
        if not found:
            self._draft.left.note(node.path, "no part of it has a kind here")
        node.skip("contents are never taken", "payload_bin")
        _note_hashes(node, {row.stix.property for row in self._rows[kind]})
        _rest(node, *{row.stix.property.partition(".")[0] for row in self._rows[kind]})

    def _values(self, node: Node) -> Iterator[tuple[ObservableKind, str, str]]:
        for row in _one_per_property(self._rows[str(node.value.get("type"))], node):
            value = _at(node.value, row.stix.property)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str):
                yield row, node.at(row.stix.property), value

    def _indicator(self, node: Node, wanted: dict[tuple[str, str], Role]) -> None:
        pattern = node.value.get("pattern")
        read = _PATTERN.fullmatch(pattern) if isinstance(pattern, str) else None
        row = None
        if read and node.value.get("pattern_type") == "stix":
            value = re.sub(r"\\(.)", r"\1", read[3])
            row = self._row(read[1], read[2].replace("'", ""), value)
        if read is None or row is None:
            self._draft.left.note(
                node.at("pattern"), "not one comparison of a known kind"
            )
            return
        kinds = {text for _, text in node.texts("indicator_types")}
        role = Role.ATTACKER if kinds and kinds <= _MALICIOUS else Role.UNKNOWN
        wanted[(row.kind, value)] = role
        _rest(
            node, "pattern", "pattern_type", "pattern_version", "valid_from",
            "valid_until", "labels",
        )  # fmt: skip

    def _row(self, kind: str, name: str, value: str) -> ObservableKind | None:
        fitting = [
            row
            for row in self._rows.get(kind, ())
            if row.stix.property == name and not row.stix.fixed
        ]
        return _by_value(fitting, value)

    def _identity(self, node: Node) -> None:
        if node.value.get("id") not in self._targets:
            self._draft.left.note(node.path, "not said to have been aimed at")
            return
        sectors = [text for _, text in node.texts("sectors")]
        person = node.word("identity_class") in _PERSONS
        victim = Victim(
            kind=PartyKind.PERSON if person else PartyKind.ORGANISATION,
            name=node.line("name"),
            sector=sectors[0] if sectors else None,
        )
        self._draft.victims.append(victim)
        node.skip("may be anybody's", "contact_information", "description")
        _rest(node)


def _rest(node: Node, *taken: str) -> None:
    """Note what is left of an object, besides what every object has."""
    node.about_the_message(
        "type", "id", "spec_version", "created", "modified", "created_by_ref",
        "object_marking_refs", "granular_markings", "revoked", "lang", "defanged",
        *taken,
    )  # fmt: skip
    node.rest()


def _note_hashes(node: Node, known: set[str]) -> None:
    hashes = node.value.get("hashes")
    if isinstance(hashes, dict) and any(
        f"hashes.{name}" not in known for name in hashes
    ):
        node.note("hashes", "hashes of an algorithm without a kind here")


def _one_per_property(rows: list[ObservableKind], node: Node) -> list[ObservableKind]:
    """Return for each property the one row that fits the object."""
    by_property: dict[str, list[ObservableKind]] = {}
    for row in rows:
        if all(node.value.get(key) == value for key, value in row.stix.fixed.items()):
            by_property.setdefault(row.stix.property, []).append(row)
    found = []
    for name, fitting in by_property.items():
        # A row that asks for more says more.
        most = max(len(row.stix.fixed) for row in fitting)
        exact = [row for row in fitting if len(row.stix.fixed) == most]
        value = _at(node.value, name)
        chosen = _by_value(exact, value if isinstance(value, str) else "")
        if chosen is not None:
            found.append(chosen)
    return found


def _by_value(rows: list[ObservableKind], value: str) -> ObservableKind | None:
    if len(rows) > 1 and rows[0].stix.type in _HOST_TYPES:
        wanted = kind_of_host(value)
        rows = [row for row in rows if row.kind == wanted] or rows
    return rows[0] if rows else None


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
