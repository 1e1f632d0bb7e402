"""Which fields of which items one agreement lets through, and where in its domain.

Outcomes of a profile + items that clauses withhold + `Domain` -> for every field of
every sort of item, what the recipient sees and in which cells; and the differences of
two of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from broker.model.decision import ItemKey
from broker.prove.diagram import EMPTY, Node
from broker.prove.domain import Domain
from broker.prove.listing import Listing
from broker.prove.order import shows_more
from broker.prove.outcome import NOT_THERE, Outcome, Outcomes, Sort
from broker.prove.witness import Wanted, can_have


@dataclass(frozen=True, slots=True)
class Seen:
    """What one agreement lets through, and of which sorts of items not always.

    ``at`` is its rulebook's place among those whose lists are asked.
    """

    outcomes: Outcomes
    withheld: Mapping[ItemKey, Node]
    at: int = 0

    def of(self, domain: Domain, sort: Sort, path: str) -> tuple[Outcome, Node]:
        """Return what becomes of a field, and where a clause withholds the item."""
        plain = replace(sort, listed=()) if sort.listed else sort
        outcome = self.outcomes.get(plain, {}).get(path, NOT_THERE)
        return outcome, withheld_at(domain, self.withheld, sort, self.at)


def withheld_at(
    domain: Domain, withheld: Mapping[ItemKey, Node], sort: Sort, at: int
) -> Node:
    """Return where a clause withholds items of a sort, under one of the rulebooks."""
    keys = sort.keys(at)
    if len(keys) == 1:
        return withheld.get(keys[0], EMPTY)
    return domain.space.any_of(withheld.get(key, EMPTY) for key in keys)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of one sort of item that is seen otherwise than before, and where."""

    path: str
    sort: Sort
    old: Outcome
    new: Outcome
    cells: Node

    @property
    def widens(self) -> bool:
        """Whether the recipient may learn something that it did not before."""
        return shows_more(self.old, self.new)


def differences(
    domain: Domain, old: Seen, new: Seen, reach: Node, listing: Listing
) -> Iterator[Difference]:
    """Yield every field that is seen otherwise, within the cells that reach both.

    ``listing`` are the lists of both rulebooks, in the order of their ``at``.
    """
    for sort in dict.fromkeys((*old.outcomes, *new.outcomes)):
        paths = dict.fromkeys(
            (*old.outcomes.get(sort, {}), *new.outcomes.get(sort, {}))
        )
        for each in listing.told_apart(sort, old.withheld, new.withheld):
            yield from _of_sort(domain, old, new, reach, each, paths)


def _of_sort(
    domain: Domain, old: Seen, new: Seen, reach: Node, sort: Sort, paths: Iterable[str]
) -> Iterator[Difference]:
    space = domain.space
    for path in paths:
        was, was_withheld = old.of(domain, sort, path)
        now, now_withheld = new.of(domain, sort, path)
        if was_withheld == now_withheld and was.same_as(now):
            continue
        here = space.both(reach, can_have(domain, Wanted(path, sort.item())))
        for before, before_cells in _split(domain, was, was_withheld):
            for after, after_cells in _split(domain, now, now_withheld):
                cells = space.all_of([here, before_cells, after_cells])
                if cells != EMPTY and not before.same_as(after):
                    yield Difference(path, sort, before, after, cells)


def _split(
    domain: Domain, outcome: Outcome, withheld: Node
) -> tuple[tuple[Outcome, Node], ...]:
    """Return an outcome where it holds, and "withheld" where a clause says so."""
    rest = domain.space.inverse(withheld)
    return ((outcome, rest), (NOT_THERE, withheld))
