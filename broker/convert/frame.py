"""What is the same in every bundle under one agreement: markings, creator, wording.

Agreement + CSIRT + mapping tables -> `Frame`, made once when the rulebook is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.canonical import uuid5
from broker.convert.observables import Writer, writers
from broker.model.agreement import Agreement, Csirt
from broker.model.known_good import Listed, listed_in
from broker.model.mapping import MarkingRow, Markings, RsitRow, Tables

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
    listed: Listed  # what is probably nobody's crime
    rsit: Mapping[str, RsitRow]
    labels: Mapping[str, tuple[str, ...]]  # by type of incident: the case's tags
    assessed: tuple[tuple[str, ...], ...]  # tags by confidence, from 0 to 100
    states: Mapping[str, tuple[str, ...]]  # tags by the incident's status
    kept_for: tuple[str, ...]  # the tag of how long the agreement lets it be kept
    offences: Mapping[str, str]  # by type of incident: what its case summary says
    ending: str  # how every case summary ends


def frame(
    agreement: Agreement,
    csirt: Csirt,
    tables: Tables,
    withheld: Sequence[str],
    like: Frame | None = None,
) -> Frame:
    """Prepare the constant part of every bundle for one agreement.

    ``withheld`` is what `withheld_lines` says of its profile. ``like`` is that of
    another agreement, made of the same CSIRT and the same tables: what depends on these
    alone is taken from it.
    """
    creator = f"identity--{csirt.uuid}"
    statement = _statement(agreement, csirt, creator)
    markings = tables.markings
    return Frame(
        agreement,
        csirt,
        creator,
        (_creator(csirt, creator), _extension(creator), statement),
        str(statement["id"]),
        like.tlp if like else _scale(markings.tlp, markings.tlp_extension, "tlp_2_0"),
        like.pap if like else _scale(markings.pap, markings.pap_extension, "pap"),
        like.writers if like else writers(tables.kinds),
        like.listed if like else listed_in(tables.known_good),
        tables.rsit,
        like.labels if like else _labels_of(tables),
        like.assessed if like else _assessed(markings),
        like.states if like else {of: (tag,) for of, tag in markings.states.items()},
        tuple(
            row.tag
            for row in markings.retention
            if row.days == agreement.retention_days
        ),
        like.offences if like else _offences_of(tables),
        _terms(agreement, csirt, withheld),
    )


def _labels_of(tables: Tables) -> dict[str, tuple[str, ...]]:
    return {name: _labels(row) for name, row in tables.rsit.items()}


def _assessed(markings: Markings) -> tuple[tuple[str, ...], ...]:
    """Return the tags of each confidence from 0 to 100."""
    return tuple(
        next(row.tags for row in markings.confidence if percent >= row.at_least)
        for percent in range(101)
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


def _statement(agreement: Agreement, csirt: Csirt, creator: str) -> dict[str, Any]:
    text = (
        f"Shared by agreement: {agreement.title}. Only for: "
        f"{', '.join(agreement.purpose)}. Onward transfer: {_onward(agreement, csirt)}."
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


def _scale(
    rows: Mapping[Any, MarkingRow], extension: str, name: str
) -> dict[str, dict[str, Any]]:
    """Return the markings of a scale, by level."""
    return {level: _marking(row, extension, name) for level, row in rows.items()}


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


def _labels(row: RsitRow) -> tuple[str, ...]:
    """Return a type's MISP machine tags, which STIX carries as labels."""
    category, _, kind = row.rsit.partition("/")
    # A type may touch several Europol events; only the first is certain, and a tag that
    # is wrong is worse than one that is missing.
    tags = (row.common_taxonomy, row.europol_incident, *row.europol_event[:1])
    return (f'rsit:{category}="{kind}"', *[tag for tag in tags if tag])


def _offences_of(tables: Tables) -> dict[str, str]:
    return {name: _offences(row) for name, row in tables.rsit.items() if row.offences}


def _offences(row: RsitRow) -> str:
    """Word what a case summary says of the law before it ends."""
    offences = [
        f"- {offence.act}: {offence.articles} ({_by(offence.confirmed_by)})"
        for offence in row.offences
    ]
    return "\n".join(["", "## Offences that this may touch", "", *offences])


def _terms(agreement: Agreement, csirt: Csirt, withheld: Sequence[str]) -> str:
    """Word how every case summary ends: whom to ask, what is missing, the terms."""
    lines = ["", "## Questions and reports back", ""]
    lines += [f"{csirt.name}: {csirt.contact}. Please name the case number.", ""]
    lines += [_REPORT_BACK, ""]
    if withheld:
        lines += ["## What this event does not hold", "", *withheld, ""]
    lines += ["## Terms", "", f"- Agreement: {agreement.title}"]
    lines += [
        f"- Legal basis: {basis.act}, {basis.citation} ({_by(basis.confirmed_by)})"
        for basis in agreement.legal_basis
    ]
    lines += [
        f"- Purpose: {', '.join(agreement.purpose)}",
        f"- Onward transfer: {_onward(agreement, csirt)}",
        f"- Keep for at most {agreement.retention_days} days",
    ]
    return "\n".join(lines)


def _onward(agreement: Agreement, csirt: Csirt) -> str:
    """Say in words whether what is shared may be passed on."""
    return _ONWARD[agreement.onward].format(csirt=csirt.name)


_ONWARD: Final = {
    "forbidden": "forbidden",
    "with-consent": "only with the consent of {csirt}",
    "allowed": "allowed",
}
_REPORT_BACK: Final = (
    "In MISP, what was seen or found out can be reported back as sightings and "
    "proposals on this event; they leave it as it is."
)


def _by(lawyer: str) -> str:
    return f"confirmed by {lawyer}" if lawyer else "to be confirmed by a lawyer"
