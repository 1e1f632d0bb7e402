"""What clauses may ask about an incident: a small, finite set of facts.

`Incident` + time -> `Facts`. A decision looks at these and at nothing else, so two
rulebooks can be compared over every combination of facts instead of over samples. Where
a fact is a number or a free word, only the bounds and words that stand in the rulebook
tell two incidents apart: that makes each of them finite.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from broker.model.agreement import ConsentFact, SourceFact, folded
from broker.model.incident import (
    Consent,
    FinancialLoss,
    Incident,
    PartyKind,
    Reporter,
    Role,
    Status,
    Times,
    Urgency,
    Victim,
)
from broker.model.marking import Pap, Severity, Tlp
from broker.model.presence import present
from broker.model.rsit import rsit_category


class Loss(NamedTuple):
    """Money lost: the currency, and the amount in hundredths of it."""

    currency: str
    hundredths: int


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
    source: SourceFact
    victim_consent: ConsentFact
    victim_kinds: frozenset[PartyKind]
    victim_sectors: frozenset[str]  # in small letters
    victim_countries: frozenset[str]
    minor_involved: bool
    loss: Loss | None
    observable_kinds: frozenset[str]
    observable_roles: frozenset[Role]
    fields: Container[str]  # those of `broker.model.presence` that are there
    age_days: int | None  # None: no time is stated
    embargo_until: datetime | None

    @property
    def financial_loss(self) -> bool:
        """Whether a loss is stated."""
        return self.loss is not None


@dataclass(frozen=True)
class _Present:
    """The optional fields that an incident has, looked up once somebody asks."""

    incident: Incident

    @cached_property
    def _paths(self) -> frozenset[str]:
        return present(self.incident)

    def __contains__(self, path: object) -> bool:
        return path in self._paths


def facts_of(incident: Incident, now: datetime) -> Facts:
    """Return the facts of an incident at one moment (UTC)."""
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
        _source(incident.reporter),
        _consent(victims),
        frozenset([victim.kind for victim in victims]),
        frozenset([folded(victim.sector) for victim in victims if victim.sector]),
        frozenset([victim.country for victim in victims if victim.country]),
        any(party.minor for party in people),
        _loss(incident.financial_loss),
        frozenset([observable.kind for observable in observables]),
        frozenset([observable.role for observable in observables]),
        _Present(incident),
        _age_days(incident.times, now),
        incident.embargo_until,
    )


def _source(reporter: Reporter | None) -> SourceFact:
    if reporter is None:
        return SourceFact.OWN
    return SourceFact(reporter.kind) if reporter.kind else SourceFact.UNKNOWN


def _loss(loss: FinancialLoss | None) -> Loss | None:
    if loss is None:
        return None
    whole, _, part = loss.amount.partition(".")
    return Loss(loss.currency, int(whole) * 100 + int(part.ljust(2, "0")))


def _age_days(times: Times, now: datetime) -> int | None:
    """Count whole days since it ended, began, was detected or reported, if known."""
    since = (
        times.occurred_until or times.occurred_from or times.detected or times.reported
    )
    return None if since is None else max(0, (now - since).days)


def _consent(victims: tuple[Victim, ...]) -> ConsentFact:
    """Take all victims together: one refusal counts for all, then one unknown."""
    given = {victim.consent for victim in victims}
    if Consent.REFUSED in given:
        return ConsentFact.REFUSED
    if Consent.UNKNOWN in given:
        return ConsentFact.UNKNOWN
    return ConsentFact.GIVEN if given else ConsentFact.NO_VICTIM
