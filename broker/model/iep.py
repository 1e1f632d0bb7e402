"""FIRST IEP 2.0 policy statements: an agreement as one, and one as fields of agreement.

`Agreement` <-> the JSON of one policy of the Information Exchange Policy framework. IEP
speaks of what a recipient may do with what it has; an agreement also decides what it
gets. So neither holds all of the other, and whatever has no counterpart is named.

Source: FIRST, IEP 2.0 JSON Specification (2019). IEP knows only TLP 1, so going in,
every level becomes the stricter of TLP 2.0, and going out, AMBER+STRICT becomes RED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from broker.model.agreement import Agreement, Attribution, Recipient
from broker.model.marking import Pap, Tlp, tlp_1

# Ids of policies are made of the agreement's name and first day: the same every time.
_NAMESPACE: Final = UUID("5b0f6a52-3c0e-5d1a-9c43-8f4d6c1b7a10")

_TLP_OUT: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: "white",
    Tlp.GREEN: "green",
    Tlp.AMBER: "amber",
    Tlp.AMBER_STRICT: "red",
    Tlp.RED: "red",
}
_ATTRIBUTION_OUT: Final[dict[Attribution, str]] = {
    Attribution.NAMED: "may",
    Attribution.ALIASED: "must-not",
    Attribution.HIDDEN: "must-not",
}
# What a recipient may do, by the strictest PAP that it is cleared for: PAP:AMBER allows
# passive use, PAP:GREEN also what the other side may notice, indirectly.
_ACTIONS_OUT: Final[dict[Pap, str]] = {
    Pap.CLEAR: "externally-visible-direct-actions",
    Pap.GREEN: "externally-visible-indirect-actions",
    Pap.AMBER: "internally-visible-actions",
    Pap.RED: "contact-for-instruction",
}
_ACTIONS_IN: Final[dict[str, Pap]] = {
    "none": Pap.RED,
    **{action: pap for pap, action in _ACTIONS_OUT.items()},
}
# Of an IEP statement, what an agreement says by something else, or always.
_NOTED: Final[dict[str, str]] = {
    "encrypt_in_transit": "no field: `besa check` warns of addresses without HTTPS",
    "affected_party_notifications": "no field: write it into handling caveats",
    "unmodified_resale": "never allowed; onward says to whom at all",
    "description": "no field: use the title or a comment",
}
_ALWAYS: Final[dict[str, str]] = {
    "encrypt_in_transit": "must",
    "affected_party_notifications": "must-not",
    "unmodified_resale": "must-not",
}


class IepError(ValueError):
    """A statement that is no IEP 2.0 policy; says which field is wrong."""


@dataclass(frozen=True, slots=True)
class FromIep:
    """What an IEP policy says in the words of an agreement.

    ``agreement`` and ``clearance`` are keys and values as they are written in the files
    of an agreement and a recipient. ``unmapped`` names the statements that have no
    counterpart, ``missing`` the parts of an agreement that IEP does not know.
    """

    agreement: dict[str, Any]
    clearance: dict[str, str]
    unmapped: dict[str, str]
    missing: tuple[str, ...]


def to_iep(
    agreement: Agreement, recipient: Recipient, url: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return an agreement as an IEP 2.0 policy, and the parts that IEP cannot say.

    ``url`` is where the memorandum can be read: IEP's ``external_reference``.
    """
    start, until = agreement.valid.start, agreement.valid.until
    policy = {
        "id": str(uuid5(_NAMESPACE, f"{agreement.agreement}/{start}")),
        "name": agreement.title,
        "description": "Only for: " + ", ".join(agreement.purpose),
        "iep_version": 2.0,
        "start_date": f"{start}T00:00:00Z",
        "end_date": f"{until}T23:59:59Z",
        **_ALWAYS,
        "permitted_actions": _ACTIONS_OUT[recipient.clearance.pap],
        "tlp": _TLP_OUT[recipient.clearance.tlp],
        "attribution": _ATTRIBUTION_OUT[agreement.attribution],
        "external_reference": url,
    }
    return policy, _not_said(agreement)


def _not_said(agreement: Agreement) -> tuple[str, ...]:
    said = {"agreement", "title", "valid", "attribution", "purpose"}
    return tuple(
        name
        for name in type(agreement).model_fields
        if name not in said and getattr(agreement, name) is not None
    )


def from_iep(policy: Mapping[str, Any]) -> FromIep:
    """Return what an IEP 2.0 policy says of an agreement and its recipient.

    Whatever is not understood becomes the stricter.

    Raises:
        IepError: it is no IEP 2.0 policy.
    """
    if policy.get("iep_version") not in (2, 2.0, "2.0"):
        raise IepError("iep_version: only 2.0 is known")
    start, end = _day(policy, "start_date"), _day(policy, "end_date")
    if start is None:
        raise IepError("start_date: a date and time such as 2026-01-01T00:00:00Z")
    valid = {"from": start}
    if end is not None:
        valid["until"] = end
    agreement: dict[str, Any] = {
        "title": str(policy.get("name", "")),
        "valid": valid,
        # "must" obliges the recipient to name the source; an agreement only permits it.
        "attribution": "named"
        if policy.get("attribution") in ("may", "must")
        else "hidden",
    }
    pap = _ACTIONS_IN.get(str(policy.get("permitted_actions")), Pap.RED)
    clearance = {"tlp": tlp_1(str(policy.get("tlp"))).value, "pap": pap.value}
    unmapped = {name: why for name, why in _NOTED.items() if name in policy}
    if policy.get("attribution") == "must":
        unmapped["attribution"] = "an agreement permits to name, and does not oblige"
    known = {
        *_NOTED,
        *("id", "name", "iep_version", "start_date", "end_date"),
        *("attribution", "permitted_actions", "tlp", "external_reference"),
    }
    for name in sorted(set(policy) - known):
        unmapped[name] = "no statement of IEP 2.0"
    return FromIep(agreement, clearance, unmapped, _missing(agreement))


def _missing(agreement: Mapping[str, Any]) -> tuple[str, ...]:
    required = [
        name for name, field in Agreement.model_fields.items() if field.is_required()
    ]
    missing = [name for name in required if name not in agreement]
    if "until" not in agreement["valid"]:
        missing.append("valid.until")
    return tuple(missing)


def _day(policy: Mapping[str, Any], name: str) -> str | None:
    written = policy.get(name)
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        raise IepError(f"{name}: not a date and time of RFC 3339") from None
    if moment.tzinfo is None:
        raise IepError(f"{name}: the time zone is missing")
    return moment.astimezone(UTC).date().isoformat()
