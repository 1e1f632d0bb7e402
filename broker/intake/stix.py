"""Reads a STIX 2.1 bundle with one report, grouping or incident.

STIX JSON -> `Parsed`. `stix_objects` takes the observables, by the same table that they
are written with.

Invariants: only what the report refers to belongs to the case. An object that is marked
more strictly than the report, or in part only, is left behind. A marking that is not in
the bundle counts as red. Nobody becomes a victim unless a relationship says "targets".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from broker.errors import IntakeError
from broker.intake import misp_tags
from broker.intake.draft import Draft
from broker.intake.message import start
from broker.intake.node import Node
from broker.intake.parsed import Parsed
from broker.intake.stix_objects import Objects
from broker.model.incident import Status
from broker.model.mapping import Tables
from broker.model.marking import Pap, Tlp

_CASES: Final = ("report", "grouping", "incident")
_TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_PAP_EXTENSION: Final = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
_IEP_EXTENSION: Final = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
# FIRST, Information Exchange Policy 2.0: terms that travel as caveats.
_IEP_TERMS: Final = (
    "encrypt_in_transit", "permitted_actions", "affected_party_notifications",
    "provider_attribution", "unmodified_resale",
)  # fmt: skip
_TERM: Final = re.compile(r"[a-z-]{3,50}")
_INCIDENT_CORE: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
# STIX 2.1, section 7.2.1.4: the four levels of TLP 1, which need not be in the bundle.
_TLP_1: Final = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "white",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}


def read(raw: bytes, tables: Tables) -> Parsed:
    """Read one bundle.

    Raises:
        IntakeError: it is not one STIX 2.1 bundle with exactly one case.
    """
    bundle, draft = start("stix", raw, tables)
    found = list(bundle.nodes("objects"))
    by_id = {str(node.value.get("id")): node for node in found}
    case = _case(found)
    # Whatever of the case the incident object says better than the report.
    incident = _incident(case, found)
    number = case.needed("id", case.line("id"))
    modified = case.moment("modified")
    created = case.moment("created")
    revised_at = case.needed("modified", modified)
    draft.title = case.needed("name", case.text("name"))
    draft.when("reported", case.at("created"), created)
    _described(case, draft)
    if incident is not None and incident is not case:
        _described(incident, draft)
        incident.about_the_message("name", "created", "modified", "id")
    names = _labels(case, draft) + (_core(incident, draft) if incident else [])
    draft.classification = misp_tags.classification(names)
    marks = _Marks(by_id, draft)
    marks.take(case, names)
    objects = Objects(draft, marks.allow)
    for node in _belonging(case, found, by_id, draft):
        objects.sort(node)
    objects.take()
    for node in (case, *([incident] if incident and incident is not case else [])):
        _leave(node)
    bundle.about_the_message("type", "id", "spec_version")
    bundle.rest()
    uid = draft.uid_of(number, case.at("id"))
    return draft.finish(uid, revised_at, sender_id=number, path=case.at("modified"))


def _case(found: list[Node]) -> Node:
    for kind in _CASES:
        cases = [node for node in found if node.value.get("type") == kind]
        if len(cases) > 1:
            problem = f"it holds {len(cases)} objects of type {kind} instead of one"
            raise IntakeError("objects", problem, "publish a bundle for each case")
        if cases:
            if cases[0].value.get("spec_version") != "2.1":
                advice = "convert it to STIX 2.1 first"
                raise IntakeError(cases[0].at("spec_version"), "is not 2.1", advice)
            return cases[0]
    advice = "a case is a report, a grouping or an incident"
    raise IntakeError("objects", "there is no case among them", advice)


def _incident(case: Node, found: list[Node]) -> Node | None:
    incidents = [node for node in found if node.value.get("type") == "incident"]
    if case in incidents:
        return case
    return incidents[0] if len(incidents) == 1 else None


def _described(case: Node, draft: Draft) -> None:
    draft.tell(case.text("description"))
    draft.speak(case.line("lang"), case.at("lang"))
    confidence = case.number("confidence", 0, 100)
    draft.confidence = confidence if draft.confidence is None else draft.confidence
    if case.flag("revoked"):
        draft.status = Status.WITHDRAWN
    for reference in case.nodes("external_references"):
        if link := reference.line("url"):
            draft.references.append(link)
        reference.skip(
            "no place in an incident", "description", "external_id", "hashes"
        )
        reference.about_the_message("source_name")
        reference.rest()


def _labels(case: Node, draft: Draft) -> list[str]:
    names = []
    for path, label in case.texts("labels"):
        names.append(label.lower())
        if not misp_tags.understood(label.lower()):
            draft.left.note(path, "label without a meaning here")
    if misp_tags.REJECTED in names:
        draft.status = Status.WITHDRAWN
    return names


def _core(incident: Node, draft: Draft) -> list[str]:
    """Return what the Incident Core extension says, as the tags of Europol's events."""
    extensions = incident.node("extensions")
    core = extensions.node(_INCIDENT_CORE) if extensions else None
    if extensions is None or core is None:
        return []
    names = []
    for path, kind in core.texts("incident_types"):
        name = f"europol-event:{kind.lower()}"
        names.append(name)
        if name not in misp_tags.CLASSIFICATIONS:
            draft.left.note(path, "an incident type without a meaning here")
    if core.word("investigation_status") == "closed":
        draft.status = Status.CLOSED
    if core.word("determination") == "false-positive":
        draft.status = Status.WITHDRAWN
    core.about_the_message("extension_type")
    core.rest()
    extensions.rest()
    return names


def _belonging(
    case: Node, found: list[Node], by_id: dict[str, Node], draft: Draft
) -> Iterator[Node]:
    """Yield the objects of the case, and note the others."""
    if case.value.get("type") == "incident":
        case.about_the_message("object_refs")
        listed = set(by_id)
    else:
        listed = {text for _, text in case.texts("object_refs")}
    for node in found:
        kind = node.value.get("type")
        if node is case or kind in ("marking-definition", "extension-definition"):
            continue
        # A relationship belongs to what it connects, listed or not.
        if node.value.get("id") in listed or kind in ("relationship", "sighting"):
            yield node
        else:
            draft.left.note(node.path, "the report does not refer to it")


class _Marks:
    """What the markings of a bundle mean."""

    def __init__(self, by_id: dict[str, Node], draft: Draft) -> None:
        self._by_id = by_id
        self._draft = draft
        markings = draft.tables.markings
        self._tlp = {row.stix_id: level for level, row in markings.tlp.items()}
        self._pap = {row.stix_id: level for level, row in markings.pap.items()}

    def take(self, case: Node, names: list[str]) -> None:
        """Mark the incident as the case is marked."""
        tlp, pap, statements = self._read(case)
        for level in (tlp, misp_tags.tlp(names)):
            if level is not None:
                self._draft.limit(level)
        for action in (pap, misp_tags.pap(names)):
            if action is not None:
                self._draft.limit_actions(action)
        self._draft.caveats += statements

    def allow(self, node: Node) -> bool:
        """Say whether an object may travel with the case; note it when it may not."""
        tlp, pap, _ = self._read(node)
        draft = self._draft
        whole = draft.table.unmarked if draft.tlp is None else draft.tlp
        actions = draft.table.pap if draft.pap is None else draft.pap
        if (tlp and tlp.rank > whole.rank) or (pap and pap.rank > actions.rank):
            draft.left.note(node.path, "marked more strictly than the report")
            return False
        if node.value.get("granular_markings"):
            draft.left.note(node.path, "marked in part: not taken at all")
            return False
        return True

    def _read(self, node: Node) -> tuple[Tlp | None, Pap | None, list[str]]:
        tlps: list[Tlp] = []
        paps: list[Pap] = []
        statements: list[str] = []
        for path, reference in node.texts("object_marking_refs"):
            if reference in self._tlp:
                tlps.append(self._tlp[reference])
            elif reference in self._pap:
                paps.append(self._pap[reference])
            elif reference in _TLP_1:
                tlps.append(self._draft.table.tlp[_TLP_1[reference]])
            elif (definition := self._by_id.get(reference)) is not None:
                self._defined(definition, tlps, paps, statements, path)
            else:
                self._draft.left.note(path, "a marking that is not there: red")
                tlps.append(Tlp.RED)
        strictest = max(tlps, key=lambda level: level.rank, default=None)
        return (
            strictest,
            max(paps, key=lambda level: level.rank, default=None),
            statements,
        )

    def _defined(
        self,
        definition: Node,
        tlps: list[Tlp],
        paps: list[Pap],
        statements: list[str],
        path: str,
    ) -> None:
        """Read a marking that the bundle defines itself."""
        said: Any = definition.value.get("definition")
        said = said if isinstance(said, dict) else {}
        extensions: Any = definition.value.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        for key, scale, found in (
            (_TLP_EXTENSION, Tlp, tlps),
            (_PAP_EXTENSION, Pap, paps),
        ):
            if key in extensions:
                found.append(_level(scale, extensions[key]))
                return
        policy = extensions.get(_IEP_EXTENSION)
        if isinstance(policy, dict):
            inner = Node(policy, path, self._draft.left)
            self._draft.mark(path, inner.word("tlp"))
            statements += [
                f"IEP {key}: {term}"
                for key in _IEP_TERMS
                if _TERM.fullmatch(term := inner.word(key))
            ]
        elif "tlp" in said:
            word = said["tlp"]
            table = self._draft.table.tlp
            tlps.append(table.get(word, Tlp.RED) if isinstance(word, str) else Tlp.RED)
        elif texts := [
            text for _, text in Node(said, path, self._draft.left).texts("statement")
        ]:
            statements += texts
        else:
            # A policy that is not understood could forbid to share it at all.
            self._draft.left.note(path, "a marking without a meaning here: red")
            tlps.append(Tlp.RED)


def _level(scale: Any, extension: Any) -> Any:
    word = ""
    if isinstance(extension, dict):
        word = extension.get("tlp_2_0" if scale is Tlp else "pap", "")
    try:
        return scale("clear" if word == "white" else word)
    except ValueError:
        return scale.RED


def _leave(case: Node) -> None:
    case.about_the_message(
        "type", "spec_version", "published", "report_types", "context", "object_refs",
        "created_by_ref", "object_marking_refs", "revoked", "labels", "confidence",
    )  # fmt: skip
    case.skip("no place in an incident", "extensions", "kill_chain_phases", "aliases")
    case.skip("marked in part", "granular_markings")
    case.rest()
