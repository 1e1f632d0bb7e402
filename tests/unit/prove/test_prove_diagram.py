"""Diagrams are sets: exact, whatever their size."""

from __future__ import annotations

import random
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from broker.prove.diagram import EMPTY, FULL, Node, Space

SIZES = (3, 2, 4, 2)
CELLS = list(product(*map(range, SIZES)))
_cells = st.sets(st.sampled_from(CELLS))


def node_of(space: Space, cells: set[tuple[int, ...]]) -> Node:
    """Return the diagram of some cells."""
    return space.any_of(
        space.box({n: frozenset({atom}) for n, atom in enumerate(cell)})
        for cell in cells
    )


def cells_of(space: Space, node: Node) -> set[tuple[int, ...]]:
    """Return the cells of a diagram, one by one."""
    return {cell for cell in CELLS if space.has(node, cell)}


@given(_cells, _cells)
def test_both_either_and_not_are_those_of_sets(
    one: set[tuple[int, ...]], other: set[tuple[int, ...]]
) -> None:
    """The operations on diagrams are the operations on the sets of their cells."""
    space = Space(SIZES)
    a, b = node_of(space, one), node_of(space, other)

    assert one & other == cells_of(space, space.both(a, b))
    assert one | other == cells_of(space, space.either(a, b))
    assert one - other == cells_of(space, space.but_not(a, b))
    assert set(CELLS) - one == cells_of(space, space.inverse(a))


@given(_cells, st.randoms())
def test_equal_sets_are_the_same_node(
    cells: set[tuple[int, ...]], rng: random.Random
) -> None:
    """However a set is put together, its node is the same."""
    space = Space(SIZES)
    first = node_of(space, cells)
    shuffled = sorted(cells)
    rng.shuffle(shuffled)
    second = EMPTY
    for cell in shuffled:
        second = space.either(second, node_of(space, {cell}))

    assert first == second


@given(_cells, _cells)
def test_boxes_are_the_target_where_anybody_cares(
    target: set[tuple[int, ...]], care: set[tuple[int, ...]]
) -> None:
    """Boxes hold every cell of the target and, of what matters, no other."""
    space = Space(SIZES)
    node, within = node_of(space, target), node_of(space, care)
    for boxes in (list(space.boxes(node, within)), space.cover(node, within)):
        covered = cells_of(space, space.any_of(map(space.box, boxes)))

        assert target & care == covered & care


@given(_cells)
def test_no_box_of_a_cover_is_superfluous(target: set[tuple[int, ...]]) -> None:
    """Without any one of its boxes, a cover does not hold the whole target."""
    space = Space(SIZES)
    boxes = space.cover(node_of(space, target))
    for left_out in range(len(boxes)):
        rest = [box for n, box in enumerate(boxes) if n != left_out]

        assert target != cells_of(space, space.any_of(map(space.box, rest)))


@given(_cells)
def test_no_box_can_be_enlarged(target: set[tuple[int, ...]]) -> None:
    """A box with one more atom would hold a cell that is not in the target."""
    space = Space(SIZES)
    node = node_of(space, target)
    for box in space.boxes(node):
        for variable, atoms in box.items():
            for atom in set(range(SIZES[variable])) - atoms:
                larger = space.box({**box, variable: atoms | {atom}})

                assert EMPTY != space.but_not(larger, node)


@given(_cells.filter(bool))
def test_a_cell_of_a_set_is_in_it(target: set[tuple[int, ...]]) -> None:
    """The one cell that is returned of a set is a cell of it."""
    space = Space(SIZES)

    assert space.cell(node_of(space, target), {}) in target


def test_everything_and_nothing() -> None:
    """The box without conditions is everything; a space of one cell has two sets."""
    space = Space((1, 1))

    assert FULL == space.box({})
    assert FULL == space.where(0, (0,))
    assert EMPTY == space.where(0, ())
