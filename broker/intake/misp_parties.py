"""Objects of a MISP event that are about somebody -> victims and suspects.

A ``person``, ``organization`` or ``victim`` object -> `Victim` or `Suspect`, by the
role that the object itself names.

Invariant: somebody of whom the event does not say that they are a victim or a suspect
becomes neither; the object is left behind whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from broker.intake import misp_fields as fields
from broker.intake.misp_fields import Json
from broker.intake.misp_parts import Frame, Reading
from broker.model.incident import Contacts, PartyKind, Role, Suspect, Victim

# Roles of the object templates person v21 and organization v9, in lower case
# ("defendent" is how they spell it). Somebody who was aimed at or impersonated is
# harmed, so they have a victim's protection.
_VICTIMS: Final = frozenset({"victim", "target", "impersonated"})
_SUSPECTS: Final = frozenset(
    {"suspect", "defendent", "defendant", "accused", "culprit", "accomplice"}
)

# Object and relation -> field of a party. Sources: MISP object templates person v21,
# organization v9, victim v10.
_FIELDS: Final = {
    "person": {
        "full-name": "name",
        "e-mail": "email",
        "phone-number": "phone",
        "address": "address",
        "identity-card-number": "personal_number",
        "social-security-number": "personal_number",
        "handle": "accounts",
    },
    "organization": {
        "name": "name",
        "e-mail": "email",
        "phone-number": "phone",
        "address": "address",
        "registration-number": "personal_number",
        "sector": "sector",
    },
    "victim": {"name": "name", "email": "email", "sectors": "sector"},
}
_NAME_PARTS: Final = ("first-name", "middle-name", "last-name")
_READ_APART: Final = frozenset(
    {"role", "date-of-birth", "classification", *_NAME_PARTS}
)
_ADULT_DAYS: Final = 18 * 365 + 5  # leap years only make it later, so never too early

ABOUT_SOMEBODY: Final = frozenset(_FIELDS)
"""The names of the objects that `take_party` reads."""


@dataclass(slots=True)
class _Party:
    fields: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)
    apart: dict[str, list[str]] = field(default_factory=dict)


def take_party(
    reading: Reading, item: Json, path: str, frame: Frame, revised_at: datetime
) -> None:
    """Take an object that is about somebody.

    Raises:
        IntakeError: it is not built like an object.
    """
    name = fields.text(item, "name", path)
    party = _read(reading, item, path, frame, name)
    role = Role.VICTIM if name == "victim" else _role(party.apart.get("role", []))
    if role is None:
        reading.left.note(path, f"{name}: not said to be a victim or a suspect")
        return
    parts = [party.apart[part][0] for part in _NAME_PARTS if part in party.apart]
    if parts and "name" not in party.fields:
        party.fields["name"] = " ".join(parts)
    said: dict[str, Any] = {
        "kind": _kind(name, party),
        "name": party.fields.get("name"),
        "sector": party.fields.get("sector"),
        "personal_number": party.fields.get("personal_number"),
        "minor": _is_minor(party.apart.get("date-of-birth", []), revised_at),
        "contacts": Contacts(
            email=party.fields.get("email"),
            phone=party.fields.get("phone"),
            address=party.fields.get("address"),
        ),
    }
    if role is Role.VICTIM:
        if party.accounts:
            reading.left.note(path, "accounts of a victim")
        reading.victims.append(Victim(**said))
    else:
        reading.suspects.append(Suspect(**said, accounts=tuple(party.accounts)))


def _read(reading: Reading, item: Json, path: str, frame: Frame, name: str) -> _Party:
    party = _Party()
    for number, attribute in enumerate(fields.items(item, "Attribute", path)):
        place = f"{path}.Attribute[{number}]"
        if reading.admit(attribute, place, frame) is None:
            continue
        content = reading.content(attribute, place)
        if content is None or not reading.is_line(content[1], place):
            continue
        relation = fields.text(attribute, "object_relation", place)
        target = _FIELDS[name].get(relation)
        if relation in _READ_APART:
            party.apart.setdefault(relation, []).append(content[1])
        elif target == "accounts":
            party.accounts.append(content[1])
        elif target and target not in party.fields:
            party.fields[target] = content[1]
        else:
            reading.left.note(place, f"{name}: more than a party has room for")
    return party


def _role(roles: list[str]) -> Role | None:
    said = {role.lower() for role in roles}
    victim, suspect = bool(said & _VICTIMS), bool(said & _SUSPECTS)
    if victim == suspect:
        return None
    return Role.VICTIM if victim else Role.ATTACKER


def _kind(name: str, party: _Party) -> PartyKind:
    said = party.apart.get("classification", [""])[0].lower()
    if name == "organization" or (name == "victim" and said == "organization"):
        return PartyKind.ORGANISATION
    # The victim object does not always say; a person has the stronger protection.
    return PartyKind.PERSON


def _is_minor(births: list[str], revised_at: datetime) -> bool:
    born = fields.instant({"at": births[0]}, "at") if births else None
    return born is not None and (revised_at - born).days < _ADULT_DAYS
