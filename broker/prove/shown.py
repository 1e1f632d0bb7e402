"""Which fields of which items one agreement lets through, and where in its domain.

Outcomes of a profile + items that clauses withhold + `Domain` -> for every field of
every sort of item, what the recipient sees and in which cells; and the differences of
two of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.model.decision import ItemKey
from broker.prove.diagram import EMPTY, Node
from broker.prove.domain import Domain
from broker.prove.order import shows_more
from broker.prove.outcome import NOT_THERE, Outcome, Outcomes, Sort
from broker.prove.witness import Wanted, can_have


@dataclass(frozen=True, slots=True)
class Seen:
    """What one agreement lets through, and of which sorts of items not always."""

    outcomes: Outcomes
    withheld: Mapping[ItemKey, Node]

    def of(self, sort: Sort, path: str) -> tuple[Outcome, Node]:
        """Return what becomes of a field, and where a clause withholds the item."""
        outcome = self.outcomes.get(sort, {}).get(path, NOT_THERE)
        return outcome, self.withheld.get((sort.part, sort.told), EMPTY)


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
    domain: Domain, old: Seen, new: Seen, reach: Node
) -> Iterator[Difference]:
    """Yield every field that is seen otherwise, within the cells that reach both."""
    space = domain.space
    for sort in dict.fromkeys((*old.outcomes, *new.outcomes)):
        paths = dict.fromkeys(
            (*old.outcomes.get(sort, {}), *new.outcomes.get(sort, {}))
        )
        for path in paths:
            was, was_withheld = old.of(sort, path)
            now, now_withheld = new.of(sort, path)
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
