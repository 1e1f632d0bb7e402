"""The finite domain of one question: every kind of incident that can be told apart.

Questions -> a `Space` whose atoms are sets of values that no question tells apart, and
the cells of it that some incident can be in.

Invariants: two incidents in one cell get the same answer to every question; every cell
of ``possible`` is that of some incident, and every incident's cell is in ``possible``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from broker.model.agreement import ConsentFact, SourceFact
from broker.model.presence import OPTIONAL_FIELDS
from broker.prove.diagram import EMPTY, FULL, Node, Space
from broker.prove.facts import FACTS, Question, seen

_TIMES: Final = (
    "times.occurred_from",
    "times.occurred_until",
    "times.detected",
    "times.reported",
)
# Facts that cannot be without an optional field, or cannot be with it: what a value
# says about whether the field is there (None: nothing).
_Says = Callable[[Any], bool | None]
_TIED: Final[dict[str, tuple[tuple[str, _Says], ...]]] = {
    "victim_consent": (("victims[]", lambda v: v is not ConsentFact.NO_VICTIM),),
    "source": (
        ("reporter", lambda v: v is not SourceFact.OWN),
        ("reporter.kind", lambda v: v not in (SourceFact.OWN, SourceFact.UNKNOWN)),
    ),
    "loss": (("financial_loss", lambda v: v is not None),),
    "confidence": (("confidence", lambda v: v is not None),),
    "embargoed": (("embargo_until", lambda v: True if v else None),),
    "age_days": tuple(
        (path, lambda v: None if v is not None else False) for path in _TIMES
    ),
}
_FILLED: Final = {
    "victim_kinds": "victims[]",
    "victim_sectors": "victims[].sector",
    "victim_countries": "victims[].country",
    "observable_kinds": "observables[]",
    "observable_roles": "observables[]",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One dimension: a fact's values in atoms, or whether a set has such an element.

    For a set, ``members`` are the elements that no question tells apart, and the atoms
    are "has none of them" and "has some".
    """

    fact: str
    atoms: tuple[tuple[Any, ...], ...]
    members: tuple[Any, ...] = ()


class Domain:
    """Everything that some questions can tell apart."""

    def __init__(self, asked: Iterable[Question], kinds: Collection[str]) -> None:
        self._kinds = tuple(sorted(kinds))
        by_fact: dict[str, dict[Question, None]] = {}
        for question in asked:
            by_fact.setdefault(question.fact, {})[question] = None
        variables: list[Variable] = []
        for fact in FACTS:
            if fact != "fields" and fact in by_fact:
                variables += self._variables(fact, tuple(by_fact[fact]))
        paths = self._paths(by_fact)
        variables += [Variable("fields", ((), ()), (path,)) for path in paths]
        self.variables: Final = tuple(variables)
        self._of: dict[str, list[int]] = {}
        for index, variable in enumerate(variables):
            self._of.setdefault(variable.fact, []).append(index)
        self._path = {
            variable.members[0]: index
            for index, variable in enumerate(variables)
            if variable.fact == "fields"
        }
        self.space: Final = Space([len(variable.atoms) for variable in variables])
        self._asked = {
            question: self._node(question)
            for questions in by_fact.values()
            for question in questions
        }
        self.possible: Final = self.space.all_of(self._ties())

    def questions(self) -> tuple[Question, ...]:
        """Return everything that is asked."""
        return tuple(self._asked)

    def holds(self, question: Question) -> Node:
        """Return the cells in which the answer to a question is yes."""
        return self._asked[question]

    def all_hold(self, questions: Iterable[Question]) -> Node:
        """Return the cells in which the answer to every question is yes."""
        return self.space.all_of(map(self.holds, questions))

    def some(self, fact: str, values: Collection[Any]) -> Node:
        """Return the cells in which a fact can be one of these values.

        Of a set: in which it can have one of them.
        """
        space = self.space
        if fact not in self._of:
            return FULL
        if FACTS[fact].many:
            return space.any_of(
                space.where(index, (1,))
                for index in self._of[fact]
                if not set(values).isdisjoint(self.variables[index].members)
            )
        (index,) = self._of[fact]
        atoms = self.variables[index].atoms
        return space.where(
            index, [n for n, atom in enumerate(atoms) if any(v in atom for v in values)]
        )

    def some_member(self, fact: str) -> Node:
        """Return the cells in which a set is not empty, as far as it is asked for."""
        indexes = self._of.get(fact)
        if not indexes:
            return FULL
        return self.space.any_of(self.space.where(each, (1,)) for each in indexes)

    def stated(self, fact: str) -> Node:
        """Return the cells in which a fact that may be unknown is known."""
        if fact not in self._of:
            return FULL
        return self.space.inverse(self.some(fact, (None,)))

    def has(self, path: str) -> Node:
        """Return the cells in which there can be a field, as far as it is asked for."""
        nodes = [
            self.space.where(self._path[each], (1,))
            for each in (*_above(path), path)
            if each in self._path
        ]
        return self.space.all_of(nodes)

    def _variables(self, fact: str, asked: tuple[Question, ...]) -> Iterator[Variable]:
        values = (
            self._kinds if fact == "observable_kinds" else FACTS[fact].values(asked)
        )
        extra = [says for _, says in _TIED.get(fact, ())]
        cells: dict[tuple[Any, ...], list[Any]] = {}
        for value in values:
            view = seen(fact, value)
            answers = (
                *(question.holds(view) for question in asked),
                *(says(value) for says in extra),
            )
            cells.setdefault(answers, []).append(value)
        atoms = tuple(map(tuple, cells.values()))
        if FACTS[fact].many:
            for members in atoms:
                yield Variable(fact, ((), ()), members)
        else:
            yield Variable(fact, atoms)

    def _paths(self, by_fact: dict[str, dict[Question, None]]) -> tuple[str, ...]:
        """Return the optional fields that are asked for, or tie facts together."""
        named = {path for each in by_fact.get("fields", ()) for path in each.bound}
        for fact in by_fact:
            if fact == "age_days" and named.isdisjoint(_TIMES):
                continue
            named |= {path for path, _ in _TIED.get(fact, ())}
            named |= {_FILLED[fact]} if fact in _FILLED else set()
        if "minor_involved" in by_fact and "suspects[]" in {
            each for path in named for each in (*_above(path), path)
        }:
            named.add("victims[]")
        named |= {above for path in named for above in _above(path)}
        return tuple(path for path in OPTIONAL_FIELDS if path in named)

    def _node(self, question: Question) -> Node:
        space = self.space
        indexes = self._of.get(question.fact, [])
        if not FACTS[question.fact].many:
            (index,) = indexes
            atoms = self.variables[index].atoms
            return space.where(
                index,
                [
                    n
                    for n, atom in enumerate(atoms)
                    if question.holds(seen(question.fact, atom[0]))
                ],
            )
        # Of a set is asked whether it has some of certain elements, or has none.
        of_nothing = bool(question.holds(_nothing(question.fact)))
        decisive = [
            space.where(index, (1,))
            for index in indexes
            if bool(
                question.holds(seen(question.fact, self.variables[index].members[0]))
            )
            is not of_nothing
        ]
        met = space.any_of(decisive) if decisive else EMPTY
        return space.inverse(met) if of_nothing else met

    def _ties(self) -> Iterator[Node]:
        """Yield what must hold of every incident, whatever it is."""
        space = self.space
        for fact, ties in _TIED.items():
            for path, says in ties:
                if fact in self._of and path in self._path:
                    yield self._tied(fact, path, says)
        for fact, path in _FILLED.items():
            if fact in self._of:
                filled = space.any_of(space.where(i, (1,)) for i in self._of[fact])
                yield self._same(filled, self._there(path))
        for path in self._path:
            for above in _above(path):
                yield space.either(space.inverse(self._there(path)), self._there(above))
        if "age_days" in self._of and all(path in self._path for path in _TIMES):
            known = space.inverse(self.some("age_days", (None,)))
            there = space.any_of(map(self._there, _TIMES))
            yield space.either(space.inverse(known), there)
        if "minor_involved" in self._of and "suspects[]" in self._path:
            people = space.either(self._there("victims[]"), self._there("suspects[]"))
            yield space.either(people, self.some("minor_involved", (False,)))

    def _tied(self, fact: str, path: str, says: _Says) -> Node:
        space = self.space
        (index,) = self._of[fact]
        there = self._there(path)
        cells = EMPTY
        for atom, values in enumerate(self.variables[index].atoms):
            said = says(values[0])
            tied = FULL if said is None else there if said else space.inverse(there)
            cells = space.either(cells, space.both(space.where(index, (atom,)), tied))
        return cells

    def _there(self, path: str) -> Node:
        return self.space.where(self._path[path], (1,))

    def _same(self, one: Node, other: Node) -> Node:
        space = self.space
        return space.either(
            space.both(one, other), space.inverse(space.either(one, other))
        )


def _nothing(fact: str) -> Any:
    view = seen(fact, None)
    setattr(view, fact, frozenset())
    return view


def _above(path: str) -> tuple[str, ...]:
    """Return the optional parts that a field is within, outermost first."""
    steps = path.split(".")
    parents = (".".join(steps[:n]) for n in range(1, len(steps)))
    return tuple(parent for parent in parents if parent in OPTIONAL_FIELDS)
