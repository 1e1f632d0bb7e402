"""The rulebook as the pipeline uses it: one route per agreement, and the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from broker.convert import Frame
from broker.errors import Problem, RulebookError
from broker.guard import Guard
from broker.model.agreement import Agreement, Csirt, Recipient
from broker.model.mapping import Tables
from broker.model.sharing import Wire
from broker.policy import Rules
from broker.redact import Plan
from broker.render import EventFrame
from broker.rulebook.silence import Silence
from broker.strict_yaml import Document


@dataclass(frozen=True, slots=True)
class Route:
    """One agreement, prepared for every stage of the path."""

    agreement: Agreement
    recipient: Recipient
    rules: Rules
    plan: Plan
    guard: Guard
    wire: Wire
    frame: Frame
    event_frame: EventFrame
    document: Document  # the agreement's file, for its places

    def is_in_force(self, day: date) -> bool:
        """Say whether the agreement counts on a day."""
        valid = self.agreement.valid
        return valid.start <= day <= valid.until


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All agreements and tables at one moment.

    ``digest`` is the SHA-256, in hex, over the name and content of every policy and
    mapping file; it stands in each decision, seal and register entry. ``warnings`` are
    oddities that do no harm.
    """

    digest: str
    csirt: Csirt
    routes: tuple[Route, ...]  # in the order of the agreements' names
    tables: Tables
    warnings: tuple[Problem, ...] = ()
    # Made of the routes.
    _of: Mapping[str, tuple[Route, ...]] = field(init=False, repr=False, compare=False)
    _only: frozenset[str] = field(init=False, repr=False, compare=False)
    silence: Silence = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Gather the agreements of each recipient, the one that ends first at first."""
        of: dict[str, tuple[Route, ...]] = {}
        for route in sorted(self.routes, key=_dates):
            name = route.recipient.recipient
            of[name] = (*of.get(name, ()), route)
        only = {rs[0].agreement.agreement for rs in of.values() if len(rs) == 1}
        object.__setattr__(self, "_of", of)
        object.__setattr__(self, "_only", frozenset(only))
        alone = [
            r.rules if r.agreement.agreement in only else None for r in self.routes
        ]
        object.__setattr__(self, "silence", Silence(alone))

    def agreements_with(self, recipient: str) -> tuple[Route, ...]:
        """Return a recipient's agreements, the one that ends first at first."""
        return self._of.get(recipient, ())

    def has_a_say(self, route: Route, now: datetime) -> bool:
        """Say whether one of the routes decides about its recipient's cases; in UTC.

        Raises:
            RulebookError: two are in force; the files are not read like that.
        """
        # Most recipients have one agreement, and it is asked about every incident.
        return (
            route.agreement.agreement in self._only
            or self.speaks_for(route.recipient.recipient, now.date()) is route
        )

    def speaks_for(self, recipient: str, day: date) -> Route | None:
        """Return the one agreement that decides about a recipient's cases on a day.

        A case is one thing at its recipient, so of several agreements only one has a
        say: the one in force; else the one that ended last; else the next to begin.

        Raises:
            RulebookError: two are in force; the files are not read like that.
        """
        routes = self.agreements_with(recipient)
        if len(routes) < 2:
            return routes[0] if routes else None
        in_force = [each for each in routes if each.is_in_force(day)]
        if len(in_force) > 1:
            document = in_force[1].document
            message = f"{recipient} has two agreements in force on {day}"
            raise RulebookError((document.problem(("valid",), message),))
        ended = [each for each in routes if each.agreement.valid.until < day]
        return (in_force or ended[-1:] or [min(routes, key=_start)])[0]


def _dates(route: Route) -> tuple[date, date, str]:
    valid = route.agreement.valid
    return valid.until, valid.start, route.agreement.agreement


def _start(route: Route) -> date:
    return route.agreement.valid.start
