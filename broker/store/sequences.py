"""Which numbers of each producer have come, so that it shows when one has not.

(producer, number) of the messages of a batch -> runs of numbers, kept in the batch's
own transaction; what lies between two runs is a gap. Numbers may come in any order,
because a producer's messages lie in several partitions; what comes twice counts once.

Invariants: a producer's first number that ever came is where counting begins; a gap is
told until its numbers come. Of a producer that jumps more than ``MOST_RUNS`` times, the
oldest gaps are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from broker.store.connect import Database
from broker.store.register import moment
from broker.store.tables import sequences

MOST_RUNS: Final = 1_000
LARGEST: Final = 2**62

Run = tuple[int, int, int]
"""First and last number, and when the first of the run came."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a producer that never came, and since when later ones are there."""

    producer: str
    first: int
    last: int
    since: datetime


def note(connection: Connection, numbers: Iterable[tuple[str, int]], at: int) -> None:
    """Note that numbered messages have come."""
    came: dict[str, list[int]] = {}
    for producer, number in numbers:
        came.setdefault(producer, []).append(number)
    for producer in sorted(came):
        _note(connection, producer, came[producer], at)


def missing(database: Database) -> tuple[Missing, ...]:
    """Return the gaps of all producers, those that have been open longest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return missing_in(connection)


def missing_in(connection: Connection) -> tuple[Missing, ...]:
    """Return the gaps of all producers, as one transaction sees them."""
    query = select(sequences).order_by(sequences.c.producer, sequences.c.first)
    found: list[Missing] = []
    before: tuple[str, int] = ("", 0)
    for row in connection.execute(query):
        if before[0] == row.producer:
            gap = Missing(row.producer, before[1] + 1, row.first - 1, moment(row.since))
            found.append(gap)
        before = (row.producer, row.last)
    return tuple(sorted(found, key=lambda gap: (gap.since, gap.producer, gap.first)))


def _note(
    connection: Connection, producer: str, numbers: Iterable[int], at: int
) -> None:
    of_producer = sequences.c.producer == producer
    query = select(sequences.c.first, sequences.c.last, sequences.c.since)
    rows = connection.execute(query.where(of_producer).order_by(sequences.c.first))
    before: list[Run] = [(row.first, row.last, row.since) for row in rows]
    after = merged(before, numbers, at)
    kept = set(before) & set(after)
    gone = [first for first, last, since in set(before) - kept]
    if gone:
        connection.execute(
            delete(sequences).where(of_producer, sequences.c.first.in_(gone))
        )
    made = [
        {"producer": producer, "first": first, "last": last, "since": since}
        for first, last, since in after
        if (first, last, since) not in kept
    ]
    if made:
        connection.execute(insert(sequences), made)


def merged(runs: Iterable[Run], numbers: Iterable[int], at: int) -> list[Run]:
    """Return the runs of numbers after some more have come, lowest first."""
    every = sorted([*runs, *((number, number, at) for number in set(numbers))])
    found: list[Run] = []
    for first, last, since in every:
        if found and first <= found[-1][1] + 1:
            low, high, then = found[-1]
            found[-1] = (low, max(high, last), min(then, since))
        else:
            found.append((first, last, since))
    if len(found) > MOST_RUNS:
        oldest, rest = found[:-MOST_RUNS], found[-MOST_RUNS:]
        # One run from the first of all: the gaps before are forgotten.
        found = [(oldest[0][0], rest[0][1], oldest[0][2]), *rest[1:]]
    return found
