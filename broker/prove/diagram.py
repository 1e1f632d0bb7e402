"""Sets of cells of a finite domain, as decision diagrams that are never sampled.

A `Space` knows its variables and how many atoms each has; a set of cells is a node of
it. Equal sets are the same node, so "nothing differs" is one comparison.

Invariants: a node's children are nodes of later variables; no node has only equal
children; everything here is exact, whatever the number of cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

Node = int
Box = Mapping[int, frozenset[int]]  # variable -> atoms; what is not named is free

EMPTY: Final[Node] = 0
FULL: Final[Node] = 1


class Space:
    """The product of some variables, each with its number of atoms."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes: Final = tuple(sizes)
        last = len(self.sizes)
        self._nodes: list[tuple[int, tuple[Node, ...]]] = [(last, ()), (last, ())]
        self._unique: dict[tuple[int, tuple[Node, ...]], Node] = {}
        self._met: dict[tuple[Node, Node], Node] = {}
        self._inverses: dict[Node, Node] = {EMPTY: FULL, FULL: EMPTY}

    def where(self, variable: int, atoms: Collection[int]) -> Node:
        """Return the cells whose variable has one of these atoms."""
        children = [
            FULL if atom in atoms else EMPTY for atom in range(self.sizes[variable])
        ]
        return self._node(variable, tuple(children))

    def both(self, one: Node, other: Node) -> Node:
        """Return the cells that are in both sets."""
        if one == EMPTY or other == EMPTY:
            return EMPTY
        if one in (FULL, other):
            return other
        if other == FULL:
            return one
        key = (one, other) if one < other else (other, one)
        found = self._met.get(key)
        if found is None:
            found = self._met[key] = self._both(one, other)
        return found

    def _both(self, one: Node, other: Node) -> Node:
        variable, children = self._nodes[one]
        variable_2, children_2 = self._nodes[other]
        if variable == variable_2:
            met = tuple(map(self.both, children, children_2))
        elif variable < variable_2:
            met = tuple([self.both(child, other) for child in children])
        else:
            variable = variable_2
            met = tuple([self.both(one, child) for child in children_2])
        return self._node(variable, met)

    def inverse(self, node: Node) -> Node:
        """Return the cells that are not in the set."""
        found = self._inverses.get(node)
        if found is None:
            variable, children = self._nodes[node]
            found = self._node(variable, tuple(map(self.inverse, children)))
            self._inverses[node] = found
            self._inverses[found] = node
        return found

    def either(self, one: Node, other: Node) -> Node:
        """Return the cells that are in one of the sets, or in both."""
        return self.inverse(self.both(self.inverse(one), self.inverse(other)))

    def but_not(self, one: Node, other: Node) -> Node:
        """Return the cells that are in the first set only."""
        return self.both(one, self.inverse(other))

    def all_of(self, nodes: Iterable[Node]) -> Node:
        """Return the cells that are in every one of the sets."""
        met = FULL
        for node in nodes:
            met = self.both(met, node)
        return met

    def any_of(self, nodes: Iterable[Node]) -> Node:
        """Return the cells that are in some of the sets."""
        return self.inverse(self.all_of([self.inverse(node) for node in nodes]))

    def box(self, box: Box) -> Node:
        """Return the cells of a box."""
        return self.all_of(self.where(each, box[each]) for each in sorted(box))

    def has(self, node: Node, cell: Sequence[int]) -> bool:
        """Say whether a cell is in a set."""
        variable, children = self._nodes[node]
        while children:
            node = children[cell[variable]]
            variable, children = self._nodes[node]
        return node == FULL

    def meets(self, node: Node, box: Box) -> bool:
        """Say whether a set and a box have a cell in common."""
        known: dict[Node, bool] = {EMPTY: False, FULL: True}

        def met(each: Node) -> bool:
            found = known.get(each)
            if found is None:
                variable, children = self._nodes[each]
                atoms = box.get(variable)
                known[each] = found = any(
                    met(child)
                    for child in (
                        children if atoms is None else [children[i] for i in atoms]
                    )
                )
            return found

        return met(node)

    def cell(self, node: Node, rather: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
        """Return one cell of a set that is not empty.

        ``rather`` lists atoms of a variable in the order of preference; else the first
        that is possible is taken.
        """
        assert node != EMPTY  # noqa: S101 - whoever calls has looked
        chosen: list[int] = []
        for variable, size in enumerate(self.sizes):
            order = rather.get(variable, range(size))
            at, children = self._nodes[node]
            if at != variable:
                chosen.append(order[0])
                continue
            atom = next(each for each in order if children[each] != EMPTY)
            chosen.append(atom)
            node = children[atom]
        return tuple(chosen)

    def boxes(
        self,
        target: Node,
        care: Node = FULL,
        rather: Mapping[int, Sequence[int]] | None = None,
    ) -> Iterator[Box]:
        """Yield boxes that together are the target, each as large as it can be.

        Cells outside of ``care`` may be in a box or not; within, the boxes hold exactly
        the target's cells.
        """
        forbidden = self.but_not(care, target)
        wanted = rest = self.both(target, care)
        while rest != EMPTY:
            cell = self.cell(rest, rather or {})
            box = self._enlarged(cell, forbidden)
            yield self._trimmed(box, wanted)
            rest = self.but_not(rest, self.box(box))

    def cover(self, target: Node, care: Node = FULL) -> tuple[Box, ...]:
        """Return `boxes`, without those that the others make superfluous."""
        boxes = list(self.boxes(target, care))
        wanted = self.both(target, care)
        for box in list(boxes):
            others = [self.box(each) for each in boxes if each is not box]
            if others and self.but_not(wanted, self.any_of(others)) == EMPTY:
                boxes = [each for each in boxes if each is not box]
        return tuple(boxes)

    def _enlarged(self, cell: Sequence[int], forbidden: Node) -> Box:
        """Enlarge a cell while it has nothing forbidden; the last variables first."""
        box = {
            variable: frozenset({atom})
            for variable, atom in enumerate(cell)
            if self.sizes[variable] > 1
        }
        for variable in sorted(box, reverse=True):
            kept = box.pop(variable)
            if self.meets(forbidden, box):
                box[variable] = kept
        for variable in sorted(box, reverse=True):
            for atom in range(self.sizes[variable]):
                larger = box[variable] | {atom}
                if not self.meets(forbidden, {**box, variable: larger}):
                    box[variable] = larger
        return box

    def _trimmed(self, box: Box, wanted: Node) -> Box:
        """Leave out atoms that the box has nothing of that anybody cares about."""
        return {
            variable: frozenset(
                atom
                for atom in atoms
                if self.meets(wanted, {**box, variable: frozenset({atom})})
            )
            for variable, atoms in box.items()
        }

    def _node(self, variable: int, children: tuple[Node, ...]) -> Node:
        first = children[0]
        if children.count(first) == len(children):
            return first
        key = (variable, children)
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = len(self._nodes)
            self._nodes.append(key)
        return found
