"""Parties, evidence, losses and systems: the parts of a case that are not observables.

A redacted view -> identities, files and notes. Each carries its fields in Besa's
extension, by their path in the incident, so that MISP objects can be made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from broker.convert.frame import EXTENSION
from broker.convert.ids import observable_id

if TYPE_CHECKING:
    from broker.convert.stix import Builder

_CLASSES = {"person": "individual", "organisation": "organization"}


def parts(builder: Builder, view: Mapping[str, Any]) -> None:
    """Add every part of a redacted view to a bundle."""
    for name, role in (("victims", "victim"), ("suspects", "suspect")):
        for number, party in enumerate(view.get(name, ()), 1):
            _party(builder, name, role, number, party)
    for number, system in enumerate(view.get("affected_systems", ()), 1):
        _identity(
            builder,
            "affected_systems",
            number,
            system,
            {
                "name": system.get("name", f"System {number}"),
                "identity_class": "system",
                "roles": ["affected-system"],
            },
        )
    for number, item in enumerate(view.get("evidence", ()), 1):
        _evidence(builder, number, item)
    if "financial_loss" in view:
        _loss(builder, view["financial_loss"])


def flat(part: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the fields of a part by their paths, such as ``contacts.email``."""
    found: dict[str, Any] = {}
    for name, value in part.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            found[f"{prefix}{name}[]"] = value
        else:
            found[prefix + name if prefix else name] = value
    return found


def _about(part: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        EXTENSION: {
            "extension_type": "property-extension",
            "part": part,
            "fields": flat(fields),
        }
    }


def _party(
    builder: Builder, name: str, role: str, number: int, party: Mapping[str, Any]
) -> None:
    named = party.get("name")
    properties: dict[str, Any] = {
        "name": f"{role.capitalize()} {number} (name withheld)"
        if named is None
        else named,
        "identity_class": _CLASSES.get(party.get("kind", ""), "unknown"),
        "roles": [role],
    }
    contacts = party.get("contacts")
    if contacts:
        properties["contact_information"] = "; ".join(contacts.values())
    ref = _identity(builder, name, number, party, properties)
    builder.add(
        "relationship",
        f"{name}/{number}/relationship",
        {
            "relationship_type": "related-to",
            "source_ref": builder.incident_ref,
            "target_ref": ref,
        },
    )


def _identity(
    builder: Builder,
    part: str,
    number: int,
    fields: Mapping[str, Any],
    properties: dict[str, Any],
) -> str:
    properties["extensions"] = _about(part, fields)
    return builder.add("identity", f"{part}/{number}", properties)


def _evidence(builder: Builder, number: int, item: Mapping[str, Any]) -> None:
    """Describe a piece of evidence: a file by its hash, never its content."""
    properties: dict[str, Any] = {}
    if "sha256" in item:
        properties["hashes"] = {"SHA-256": item["sha256"]}
    for name, target in (
        ("name", "name"),
        ("size", "size"),
        ("media_type", "mime_type"),
    ):
        if name in item:
            properties[target] = item[name]
    if not {"hashes", "name"} & set(properties):
        return  # STIX 2.1, 6.7: a file needs a hash or a name
    ref = builder.add_observable(
        {
            "type": "file",
            "spec_version": "2.1",
            "id": observable_id("file", properties),
            **properties,
        }
    )
    collected = item.get("collected_at")
    seen = collected[:-1] + ".000Z" if collected else builder.created
    builder.add(
        "observed-data",
        f"evidence/{number}",
        {
            "first_observed": seen,
            "last_observed": seen,
            "number_observed": 1,
            "object_refs": [ref],
            "extensions": _about("evidence", item),
        },
    )


def _loss(builder: Builder, loss: Mapping[str, Any]) -> None:
    amount = " ".join(str(loss[k]) for k in ("amount", "currency") if k in loss)
    accounts = ", ".join(loss.get("accounts", ()))
    content = "; ".join(
        text
        for text in (
            f"Financial loss: {amount}" if amount else "",
            f"Accounts: {accounts}" if accounts else "",
        )
        if text
    )
    builder.add(
        "note",
        "financial_loss",
        {
            "abstract": "Financial loss",
            "content": content or "Financial loss",
            "object_refs": [builder.incident_ref],
            "extensions": _about("financial_loss", loss),
        },
    )
