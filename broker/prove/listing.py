"""What lists tell apart of observables: which kinds can be listed, and an example.

The lists of some rulebooks + the kinds of observables -> for each kind, the answers
that those lists can give together, each with a value that gets them.

Invariant: an answer that is not here, no value of the kind gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product

from broker.intake.values import normal
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.incident import Shape
from broker.model.known_good import LOOKED_UP, Listed
from broker.model.mapping import ObservableKind
from broker.prove import samples
from broker.prove.outcome import Answers, Sort

# Where the sample of a kind is listed: names and addresses that no list should hold.
_OTHERS: Mapping[Shape, tuple[str, ...]] = {
    Shape.IP: ("198.51.100.17", "203.0.113.17"),
    Shape.DOMAIN: ("verify.test", "verify.invalid", "verify.besa-proof"),
    Shape.URL: ("http://verify.example/in",),
}


class Listing:
    """The lists of one or more rulebooks, asked together."""

    def __init__(
        self, lists: Sequence[Listed], kinds: Mapping[str, ObservableKind]
    ) -> None:
        self._lists, self._kinds = tuple(lists), kinds
        self._found: dict[str, dict[Answers, str]] = {}

    def examples(self, kind: str) -> Mapping[Answers, str]:
        """Return the answers that a kind's values can get, each with such a value."""
        found = self._found.get(kind)
        if found is None:
            found = self._found[kind] = self._examples(self._kinds[kind])
        return found

    def told_apart(
        self, sort: Sort, *withheld: Mapping[ItemKey, object]
    ) -> Iterator[Sort]:
        """Yield a sort by what lists say of it, where something is withheld by that."""
        if not any(_asks(sort, each) for each in withheld):
            yield sort
            return
        yield from self.each(sort)

    def each(self, sort: Sort) -> Iterator[Sort]:
        """Yield a sort of observables once for every answer of the lists."""
        for answers in self.examples(sort.item()["kind"]):
            yield replace(sort, listed=answers)

    def value(self, sort: Sort) -> str:
        """Return a value of a sort that lists tell apart; empty for any other."""
        return self.examples(sort.item()["kind"])[sort.listed] if sort.listed else ""

    def _examples(self, row: ObservableKind) -> dict[Answers, str]:
        plain = samples.of_kind(row)
        if row.shape not in LOOKED_UP:
            return {(False,) * len(self._lists): plain}
        distinct = {id(each): each for each in self._lists}
        wanted = 2 ** len(distinct)
        found: dict[Answers, str] = {}
        for candidate in chain(
            (plain, plain[1:] + plain[:1], *_OTHERS.get(row.shape, ())),
            *(each.edges(row.shape) for each in distinct.values()),
        ):
            value = normal(candidate, row)
            if value is None:
                continue
            answers = {n: each.holds(row.shape, value) for n, each in distinct.items()}
            if None not in answers.values():
                key = tuple(answers[id(each)] is True for each in self._lists)
                found.setdefault(key, value)
            if len(found) == wanted:
                break
        return found


def _asks(sort: Sort, withheld: Mapping[ItemKey, object]) -> bool:
    """Say whether something of this sort is withheld by what lists say of it."""
    if sort.part != BY_LISTING[0]:
        return False
    return any((sort.part, (*sort.told, state)) in withheld for state in (True, False))


def answers_of(count: int) -> tuple[Answers, ...]:
    """Return every answer that so many lists can give."""
    return tuple(product((True, False), repeat=count))
