"""Which numbers of a producer have come, and which have not."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.store import sequences
from broker.store.connect import Database, open_database
from broker.store.register import millis
from broker.store.sequences import merged, missing
from tests.unit.store.samples import DATABASES, LATER, START, empty


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Give an empty store."""
    return open_database(empty(request.param, tmp_path))


def came(
    database: Database, at: datetime, *numbers: tuple[str, int], topic: str = "in"
) -> None:
    """Store that numbered messages have come in a topic."""
    with database.write() as connection:
        told = [(producer, topic, number) for producer, number in numbers]
        sequences.note(connection, told, millis(at))


def told(database: Database) -> list[tuple[str, int, int]]:
    """Return the gaps without their times."""
    return [(gap.producer, gap.first, gap.last) for gap in missing(database)]


def test_numbers_in_order_leave_no_gap(database: Database) -> None:
    """What comes in order, in one batch or several, is one run."""
    came(database, START, ("a", 1), ("a", 2))
    came(database, LATER, ("a", 3))

    assert [] == told(database)


def test_a_gap_is_told_from_when_a_later_number_came(database: Database) -> None:
    """A gap names its first and last number, and since when it is one."""
    came(database, START, ("a", 1), ("b", 7))
    came(database, LATER, ("a", 5), ("b", 8))
    came(database, LATER + (LATER - START), ("a", 6))

    (gap,) = missing(database)
    assert ("a", 2, 4, LATER) == (gap.producer, gap.first, gap.last, gap.since)


def test_a_late_number_closes_its_gap(database: Database) -> None:
    """Numbers of another partition that come later are no loss."""
    came(database, START, ("a", 1), ("a", 3), ("a", 5))
    came(database, LATER, ("a", 2), ("a", 3))

    assert [("a", 4, 4)] == told(database)
    came(database, LATER, ("a", 4))
    assert [] == told(database)


def test_counting_begins_with_the_first_that_comes(database: Database) -> None:
    """A producer that sent before we listened has lost nothing."""
    came(database, START, ("a", 40), ("a", 41))

    assert [] == told(database)


def test_each_topic_is_counted_by_itself(database: Database) -> None:
    """What came in one topic fills no gap of another, nor makes one there."""
    came(database, START, ("a", 1), ("a", 2), ("a", 3), topic="one")
    came(database, LATER, ("a", 1), ("a", 3), topic="two")
    came(database, LATER, ("a", 9), topic="three")

    (gap,) = missing(database)
    assert ("a", "two", 2, 2) == (gap.producer, gap.topic, gap.first, gap.last)


@given(st.lists(st.sets(st.integers(1, 40)), max_size=6))
def test_runs_are_what_came(batches: list[set[int]]) -> None:
    """However numbers are spread over batches, the runs hold exactly what came."""
    runs: list[tuple[int, int, int]] = []
    for at, batch in enumerate(batches):
        runs = merged(runs, batch, at)

    held = {n for first, last, _ in runs for n in range(first, last + 1)}
    assert set().union(*batches) == held
    assert all(one[1] + 1 < other[0] for one, other in pairwise(runs))


def test_a_producer_that_jumps_for_ever_fills_no_table() -> None:
    """Of too many gaps the oldest are forgotten, and the newest stay."""
    numbers = range(1, 4 * sequences.MOST_RUNS, 2)

    runs = merged([], numbers, 0)

    assert sequences.MOST_RUNS == len(runs)
    assert 1 == runs[0][0]
    assert numbers[-1] == runs[-1][1]
