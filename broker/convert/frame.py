"""What is the same in every bundle under one agreement: markings, creator, wording.

Agreement + CSIRT + mapping tables -> `Frame`, made once when the rulebook is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.convert.ids import uuid5
from broker.convert.observables import Writer, writers
from broker.model.agreement import Agreement, Csirt
from broker.model.mapping import MarkingRow, RsitRow, Tables

# Besa's own STIX extension: what an observable, party or loss is in the incident model,
# so that another format can be made from the bundle alone.
EXTENSION: Final = "extension-definition--6e3cb1ac-1f0f-5d0f-9a57-0c3f1f7d6b51"
_EPOCH: Final = "2026-01-01T00:00:00.000Z"
_NAMESPACE: Final = bytes.fromhex("6e3cb1ac1f0f4d0f9a570c3f1f7d6b52")


@dataclass(frozen=True, slots=True)
class Frame:
    """The constant part of every bundle for one agreement."""

    agreement: Agreement
    csirt: Csirt
    creator: str
    always: tuple[dict[str, Any], ...]  # creator, extension, MoU statement
    statement: str
    tlp: Mapping[str, dict[str, Any]]
    pap: Mapping[str, dict[str, Any]]
    writers: Mapping[str, Writer]
    rsit: Mapping[str, RsitRow]
    terms: str


def frame(agreement: Agreement, csirt: Csirt, tables: Tables) -> Frame:
    """Prepare the constant part of every bundle for one agreement."""
    creator = f"identity--{csirt.uuid}"
    statement = _statement(agreement, creator)
    markings = tables.markings
    return Frame(
        agreement,
        csirt,
        creator,
        (_creator(csirt, creator), _extension(creator), statement),
        str(statement["id"]),
        {
            level: _marking(row, markings.tlp_extension, "tlp_2_0")
            for level, row in markings.tlp.items()
        },
        {
            level: _marking(row, markings.pap_extension, "pap")
            for level, row in markings.pap.items()
        },
        writers(tables.kinds),
        tables.rsit,
        _terms(agreement),
    )


def _creator(csirt: Csirt, creator: str) -> dict[str, Any]:
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": creator,
        "created": _EPOCH,
        "modified": _EPOCH,
        "name": csirt.name,
        "identity_class": "organization",
        "contact_information": csirt.contact,
    }


def _extension(creator: str) -> dict[str, Any]:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": creator,
        "created": _EPOCH,
        "modified": _EPOCH,
        "name": "Besa incident sharing",
        "description": "What an object is in the CSIRT's incident: the kind and role "
        "of an observable, the fields of a party, a piece of evidence or a loss.",
        "schema": "urn:besa:schema:incident-sharing:1",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


def _statement(agreement: Agreement, creator: str) -> dict[str, Any]:
    text = (
        f"Shared by agreement: {agreement.title}. Only for: "
        f"{', '.join(agreement.purpose)}. Onward transfer: {agreement.onward}."
    )
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid5(_NAMESPACE, text.encode())}",
        "created_by_ref": creator,
        "created": _EPOCH,
        "definition_type": "statement",
        "definition": {"statement": text},
    }


def _marking(row: MarkingRow, extension: str, name: str) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": row.stix_id,
        "created": row.created,
        "name": row.name,
        "extensions": {
            extension: {"extension_type": "property-extension", name: row.level}
        },
    }


def _terms(agreement: Agreement) -> str:
    """Word the terms of an agreement, for the end of every case summary."""
    lines = ["## Terms", "", f"- Agreement: {agreement.title}"]
    for basis in agreement.legal_basis:
        confirmed = (
            f"confirmed by {basis.confirmed_by}"
            if basis.confirmed_by
            else "to be confirmed by a lawyer"
        )
        lines.append(f"- Legal basis: {basis.act}, {basis.citation} ({confirmed})")
    lines += [
        f"- Purpose: {', '.join(agreement.purpose)}",
        f"- Onward transfer: {agreement.onward}",
        f"- Keep for at most {agreement.retention_days} days",
        "- Fields that the agreement does not allow are not in this event.",
    ]
    return "\n".join(lines)
