"""What a change of the policies changes, proved over every incident there can be.

Two sides -> every difference in what each recipient gets, with one witness for each.

Invariants: a difference that is not reported does not exist; each witness shows its
difference on the real path of both rulebooks (tests hold this).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from broker.model.decision import Effect
from broker.model.mapping import ObservableKind
from broker.prove import words
from broker.prove.diagram import EMPTY, Box, Node
from broker.prove.domain import Domain
from broker.prove.facts import Question
from broker.prove.listing import Listing
from broker.prove.moves import EFFECTS, Move, moved
from broker.prove.outcome import Outcome, Sort
from broker.prove.shown import Difference, Seen, differences
from broker.prove.side import Side, Tried, tried
from broker.prove.terms import Term, terms
from broker.prove.verdict import (
    NOBODY,
    Party,
    Verdicts,
    asked_by,
    in_force,
    verdicts,
    withheld_items,
)
from broker.prove.witness import Wanted, Witness, witness
from broker.rulebook import Route


@dataclass(frozen=True, slots=True)
class Trial:
    """A witness, and what the real path makes of it under both rulebooks."""

    witness: Witness
    old: Tried
    new: Tried


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """Incidents about which the two rulebooks decide differently.

    ``conditions`` are alternatives; all phrases of one must hold. ``shadow``: where a
    safeguard or an embargo asks for a person, the same incidents are held instead.
    """

    recipient: str
    agreements: tuple[str, str]
    period: str
    move: Move
    conditions: tuple[tuple[str, ...], ...]
    shadow: bool
    fields: Mapping[str, tuple[str, ...]]  # by outcome, of the side that discloses
    trial: Trial

    @property
    def widens(self) -> bool:
        """Whether more can leave than before."""
        return self.move.widens


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Fields that the recipient sees otherwise in what it gets.

    ``items`` are the sorts of items that are meant, alternatives; ``conditions`` say in
    which incidents, and are empty when in all that are shared or held. Outside of them
    none of the fields changes.
    """

    recipient: str
    agreements: tuple[str, str]
    period: str
    fields: tuple[str, ...]
    items: tuple[str, ...]
    old: Outcome
    new: Outcome
    widens: bool
    conditions: tuple[tuple[str, ...], ...]
    trial: Trial


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs; nothing in it means that nothing does."""

    verdicts: tuple[VerdictChange, ...]
    fields: tuple[FieldChange, ...]
    terms: tuple[Term, ...]

    @property
    def widens(self) -> bool:
        """Whether somebody may get more than before."""
        found: tuple[VerdictChange | FieldChange | Term, ...]
        found = (*self.verdicts, *self.fields, *self.terms)
        return any(each.widens for each in found)

    @property
    def is_empty(self) -> bool:
        """Whether it is proved that nothing changes."""
        return not (self.verdicts or self.fields or self.terms)


def compare(old: Side, new: Side) -> Comparison:
    """Return every difference between two rulebooks."""
    recipients = sorted({r.recipient.recipient for r in (*old.routes, *new.routes)})
    pairs = [pair for name in recipients for pair in _pairs(name, old, new)]
    return Comparison(
        tuple(chain.from_iterable(pair.verdict_changes() for pair in pairs)),
        tuple(chain.from_iterable(pair.field_changes() for pair in pairs)),
        tuple(terms(old, new)),
    )


def _pairs(recipient: str, old: Side, new: Side) -> Iterator[_Pair]:
    """Yield the agreements that stand against each other, with the days they do."""
    was, now = old.to(recipient), new.to(recipient)
    domain = shared_domain(
        [
            *(old.party(route) for route in was),
            *(new.party(route) for route in now),
        ],
        {**old.kinds, **new.kinds},
    )
    for one in (*was, None):
        for other in (*now, None):
            period = domain.space.both(
                _days(domain, one, was), _days(domain, other, now)
            )
            if period != EMPTY and (one or other):
                yield _Pair(recipient, domain, period, (old, one), (new, other))


def shared_domain(parties: list[Party], kinds: Mapping[str, object]) -> Domain:
    """Return the domain that some agreements have in common."""
    asked: dict[Question, None] = {}
    for party in parties:
        asked |= dict.fromkeys(asked_by(party))
    return Domain(asked, tuple(kinds))


def _days(domain: Domain, route: Route | None, others: tuple[Route, ...]) -> Node:
    """Return the days on which an agreement is in force; without one, all the rest."""
    if route is not None:
        return domain.holds(in_force(route.agreement))
    space = domain.space
    days = [domain.holds(in_force(other.agreement)) for other in others]
    return space.inverse(space.any_of(days))


@dataclass(frozen=True, slots=True)
class _Pair:
    """The agreements of two rulebooks with one recipient, on the same days."""

    recipient: str
    domain: Domain
    period: Node
    old: tuple[Side, Route | None]
    new: tuple[Side, Route | None]

    def verdict_changes(self) -> Iterator[VerdictChange]:
        old, new = self._verdicts(self.old), self._verdicts(self.new)
        for each in moved(self.domain, old, new, self.period):
            was, now = EFFECTS[each.move]
            discloses = self.new if was is Effect.WITHHOLD else self.old
            fields = _fields(*discloses) if Effect.WITHHOLD in (was, now) else {}
            yield VerdictChange(
                self.recipient,
                self._agreements(),
                self._days(),
                each.move,
                self._conditions(each.boxes),
                each.shadow,
                fields,
                self._trial(each.cells, Wanted()),
            )

    def field_changes(self) -> Iterator[FieldChange]:
        (_, one), (_, other) = self.old, self.new
        if one is None or other is None:
            return
        space = self.domain.space
        old, new = self._verdicts(self.old), self._verdicts(self.new)
        reach = space.but_not(self.domain.possible, space.inverse(self.period))
        reach = space.but_not(reach, space.either(old.withhold, new.withhold))
        shared = space.both(old.share, new.share)
        seen = [self._seen(at, *side) for at, side in enumerate((self.old, self.new))]
        listing = self._listing()
        found = differences(self.domain, seen[0], seen[1], reach, listing)
        for group in _grouped(found):
            limits: tuple[Box, ...] = ()
            # What the profile alone does it does in all of them: that is no news.
            if any(_by_clause(each, seen) for each in group):
                cells = self.domain.space.any_of(each.cells for each in group)
                limits = self.domain.space.cover(cells, reach)
            yield self._field_change(group, limits, shared, listing)

    def _field_change(
        self,
        group: list[Difference],
        limits: tuple[Box, ...],
        shared: Node,
        listing: Listing,
    ) -> FieldChange:
        space, first = self.domain.space, group[0]
        rather = next((d for d in group if space.both(d.cells, shared) != EMPTY), first)
        within = space.both(rather.cells, shared)
        cells = within if within != EMPTY else rather.cells
        wanted = Wanted(rather.path, rather.sort.item(), listing.value(rather.sort))
        return FieldChange(
            self.recipient,
            self._agreements(),
            self._days(),
            tuple(dict.fromkeys(d.path for d in group)),
            words.sorts(
                list(dict.fromkeys(d.sort for d in group)), self._kinds(), listing
            ),
            first.old,
            first.new,
            first.widens,
            self._conditions(limits),
            self._trial(cells, wanted),
        )

    def _verdicts(self, side: tuple[Side, Route | None]) -> Verdicts:
        book, route = side
        return verdicts(book.party(route), self.domain) if route else NOBODY

    def _listing(self) -> Listing:
        return Listing([side.listed for side, _ in (self.old, self.new)], self._kinds())

    def _seen(self, at: int, side: Side, route: Route | None) -> Seen:
        assert route is not None  # noqa: S101 - whoever calls has looked
        withheld = withheld_items(side.party(route), self.domain, side.kinds)
        return Seen(side.outcomes(route), withheld, at)

    def _agreements(self) -> tuple[str, str]:
        names = [
            route.agreement.agreement if route else "none"
            for _, route in (self.old, self.new)
        ]
        return names[0], names[1]

    def _days(self) -> str:
        space = self.domain.space
        for index, variable in enumerate(self.domain.variables):
            if variable.fact == "day":
                days = [
                    day
                    for atom, values in enumerate(variable.atoms)
                    if space.meets(self.period, {index: frozenset({atom})})
                    for day in values
                ]
                return " and ".join(words.runs(variable, days))
        return "always"

    def _conditions(self, boxes: tuple[Box, ...]) -> tuple[tuple[str, ...], ...]:
        return words.alternatives(self.domain, boxes)

    def _trial(self, cells: Node, wanted: Wanted) -> Trial:
        kinds = self._kinds()
        shown = witness(self.domain, cells, kinds, wanted)
        sides = [tried(side, shown, self.recipient) for side, _ in (self.old, self.new)]
        return Trial(shown, sides[0], sides[1])

    def _kinds(self) -> dict[str, ObservableKind]:
        return {**self.old[0].kinds, **self.new[0].kinds}


def _fields(side: Side, route: Route | None) -> dict[str, tuple[str, ...]]:
    """Return the fields that a profile lets through, by what becomes of them."""
    found: dict[str, dict[str, None]] = {}
    if route is not None:
        for fields in side.outcomes(route).values():
            for path, outcome in fields.items():
                if not outcome.is_withheld:
                    found.setdefault(outcome.method, {})[path] = None
    return {method: tuple(paths) for method, paths in found.items()}


def _by_clause(difference: Difference, seen: list[Seen]) -> bool:
    """Say whether a clause, and not the profile alone, withholds the item."""
    sort = difference.sort
    return any(key in each.withheld for each in seen for key in sort.keys(each.at))


def _grouped(found: Iterator[Difference]) -> Iterator[list[Difference]]:
    """Put together fields that change alike, for the same sorts of items."""
    by_field: dict[tuple[str, str, str], list[Difference]] = {}
    for each in found:
        key = (each.path, str(each.old), str(each.new))
        by_field.setdefault(key, []).append(each)
    alike: dict[tuple[str, str, frozenset[Sort]], list[Difference]] = {}
    for (_, old, new), some in by_field.items():
        sorts = frozenset(each.sort for each in some)
        alike.setdefault((old, new, sorts), []).extend(some)
    yield from alike.values()
