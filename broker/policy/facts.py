"""What clauses may ask about an incident: a small, finite set of facts.

`Incident` -> `Facts`. A decision looks at these and at nothing else, so two rulebooks
can be compared over every combination of facts instead of over samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.model.agreement import ConsentFact
from broker.model.incident import (
    Consent,
    Incident,
    PartyKind,
    Role,
    Status,
    Urgency,
    Victim,
)
from broker.model.marking import Pap, Severity, Tlp
from broker.model.rsit import rsit_category


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about an incident that may influence a decision."""

    classification: str
    category: str
    severity: Severity
    confidence: int | None
    tlp: Tlp
    pap: Pap
    urgency: Urgency
    status: Status
    victim_consent: ConsentFact
    victim_kinds: frozenset[PartyKind]
    minor_involved: bool
    financial_loss: bool
    observable_kinds: frozenset[str]
    observable_roles: frozenset[Role]
    embargo_until: datetime | None


def facts_of(incident: Incident) -> Facts:
    """Return the facts of an incident."""
    victims = incident.victims
    people = (*victims, *incident.suspects)
    observables = incident.observables
    return Facts(
        incident.classification,
        rsit_category(incident.classification),
        incident.severity,
        incident.confidence,
        incident.tlp,
        incident.pap,
        incident.urgency,
        incident.status,
        _consent(victims),
        frozenset([victim.kind for victim in victims]),
        any(party.minor for party in people),
        incident.financial_loss is not None,
        frozenset([observable.kind for observable in observables]),
        frozenset([observable.role for observable in observables]),
        incident.embargo_until,
    )


def _consent(victims: tuple[Victim, ...]) -> ConsentFact:
    """Take all victims together: one refusal counts for all, then one unknown."""
    given = {victim.consent for victim in victims}
    if Consent.REFUSED in given:
        return ConsentFact.REFUSED
    if Consent.UNKNOWN in given:
        return ConsentFact.UNKNOWN
    return ConsentFact.GIVEN if given else ConsentFact.NO_VICTIM
