"""Who gets what, as one table: recipients across, types of incidents down.

A side and a day -> for every recipient and RSIT type what becomes of such an incident,
and on what it depends. Exact: "share" is said only where nothing else can happen.

Invariant: a cell is about ordinary incidents, which is said with the table: marked
within the clearance, neither withdrawn nor under embargo nor held back for its age, and
of interest to no safeguard, unless one is about the type as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from broker.model.decision import Effect
from broker.model.rsit import RSIT_TYPES
from broker.prove import words
from broker.prove.diagram import EMPTY, Node
from broker.prove.domain import Domain
from broker.prove.facts import Question
from broker.prove.side import Side
from broker.prove.verdict import (
    Verdicts,
    applies,
    asked_by,
    days,
    ordinary,
    verdicts,
)
from broker.rulebook import Route

Conditions = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of one type of incident at one recipient.

    With ``effect`` None it depends: it is shared in the incidents of ``share``; of the
    others, those of ``review`` are held; ``rest`` is what becomes of what remains.
    """

    effect: Effect | None
    share: Conditions = ()
    review: Conditions = ()
    rest: Effect | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One recipient, the agreement in force with it, and a cell per type."""

    recipient: str
    authority: str
    agreement: str  # "" when none is in force
    cells: dict[str, Cell]
    route: Route | None = None  # what stands beside the cells; None as above
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole table on one day; ``safeguards`` come before everything in it."""

    on: date
    columns: tuple[Column, ...]
    safeguards: tuple[tuple[str, Effect, bool], ...]  # the last: open to a fast lane


def matrix(side: Side, on: date) -> Matrix:
    """Return who gets what on one day."""
    names = dict.fromkeys(route.recipient.recipient for route in side.routes)
    return Matrix(
        on,
        tuple(_column(side, name, on) for name in names),
        tuple(
            (each.id, each.effect, each.fast_lane)
            for each in side.safeguards.model.safeguards
        ),
    )


def _column(side: Side, recipient: str, on: date) -> Column:
    routes = side.to(recipient)
    route = next((r for r in routes if _in_force(r, on)), None)
    authority = routes[0].recipient.authority
    if route is None or route.recipient.suspended:
        nothing = dict.fromkeys(RSIT_TYPES, Cell(Effect.WITHHOLD))
        return Column(recipient, authority, "", nothing, suspended=route is not None)
    cells = dict(_cells(side, route, on))
    return Column(recipient, authority, route.agreement.agreement, cells, route)


def _in_force(route: Route, on: date) -> bool:
    return route.agreement.valid.start <= on <= route.agreement.valid.until


def _cells(side: Side, route: Route, on: date) -> Iterator[tuple[str, Cell]]:
    party = side.party(route)
    today = days(on, on)
    types = {each: _is_type(each) for each in RSIT_TYPES}
    asked: dict[Question, None] = dict.fromkeys(asked_by(party))
    asked |= dict.fromkeys((today, *types.values()))
    domain = Domain(asked, tuple(side.kinds))
    decided = verdicts(party, domain)
    space = domain.space
    normal = space.both(ordinary(party, domain), domain.holds(today))
    guarded = space.any_of(applies(each, domain) for each in party.safeguards)
    for name, question in types.items():
        of_type = space.both(normal, domain.holds(question))
        # A safeguard about the type as such is what the cell has to say.
        free = space.but_not(of_type, guarded)
        yield name, _cell(domain, decided, free if free != EMPTY else of_type)


def _is_type(name: str) -> Question:
    return Question(
        "classification", "is", name, lambda seen: seen.classification == name
    )


def _cell(domain: Domain, decided: Verdicts, care: Node) -> Cell:
    space = domain.space
    there = [
        effect for effect in Effect if space.both(decided.of(effect), care) != EMPTY
    ]
    if len(there) < 2:
        return Cell(there[0] if there else Effect.WITHHOLD)
    share = _conditions(domain, decided.share, care)
    others = space.but_not(care, decided.share)
    rest = there[-1]
    review: Conditions = ()
    if rest is Effect.WITHHOLD and Effect.REVIEW in there:
        review = _conditions(domain, decided.review, others)
    return Cell(None, share, review, rest)


def _conditions(domain: Domain, target: Node, care: Node) -> Conditions:
    if domain.space.both(target, care) == EMPTY:
        return ()
    return words.alternatives(domain, domain.space.cover(target, care))
