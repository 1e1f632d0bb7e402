"""Which numbers of each producer have come, so that it shows when one has not.

(producer, topic, number) of the messages of a batch -> runs of numbers, kept in the
batch's own transaction; what lies between two runs is a gap. Numbers may come in any
order, because a producer's messages lie in several partitions; what comes twice counts
once.

Invariants: a producer counts in each topic by itself, so that what came in one topic
never fills a gap of another. Its first number that ever came there is where counting
begins; a gap is told until its numbers come. Of a producer that jumps more than
``MOST_RUNS`` times in a topic, the oldest gaps are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, delete, insert, select

from broker.store.connect import Database
from broker.store.register import moment
from broker.store.tables import sequences

MOST_RUNS: Final = 1_000

Numbered = tuple[str, str, int]
"""A producer, the topic that its message came in, and the number it gave."""

Run = tuple[int, int, int]
"""First and last number, and when the first of the run came."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Numbers of a producer that never came, and since when later ones are there."""

    producer: str
    topic: str
    first: int
    last: int
    since: datetime


def note(connection: Connection, numbers: Iterable[Numbered], at: int) -> None:
    """Note that numbered messages have come."""
    came: dict[tuple[str, str], list[int]] = {}
    for producer, topic, number in numbers:
        came.setdefault((producer, topic), []).append(number)
    for producer, topic in sorted(came):
        _note(connection, producer, topic, came[producer, topic], at)


def missing(database: Database) -> tuple[Missing, ...]:
    """Return the gaps of all producers, those that have been open longest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return missing_in(connection)


def missing_in(connection: Connection) -> tuple[Missing, ...]:
    """Return the gaps of all producers, as one transaction sees them."""
    columns = (sequences.c.producer, sequences.c.topic, sequences.c.first)
    found: list[Missing] = []
    before: tuple[str, str, int] = ("", "", 0)
    for row in connection.execute(select(sequences).order_by(*columns)):
        if before[:2] == (row.producer, row.topic):
            first, last = before[2] + 1, row.first - 1
            since = moment(row.since)
            found.append(Missing(row.producer, row.topic, first, last, since))
        before = (row.producer, row.topic, row.last)
    return tuple(
        sorted(found, key=lambda gap: (gap.since, gap.producer, gap.topic, gap.first))
    )


def _note(
    connection: Connection, producer: str, topic: str, numbers: Iterable[int], at: int
) -> None:
    here = and_(sequences.c.producer == producer, sequences.c.topic == topic)
    query = select(sequences.c.first, sequences.c.last, sequences.c.since)
    rows = connection.execute(query.where(here).order_by(sequences.c.first))
    before: list[Run] = [(row.first, row.last, row.since) for row in rows]
    after = merged(before, numbers, at)
    kept = set(before) & set(after)
    gone = [first for first, last, since in set(before) - kept]
    if gone:
        connection.execute(delete(sequences).where(here, sequences.c.first.in_(gone)))
    of = {"producer": producer, "topic": topic}
    made = [
        of | {"first": first, "last": last, "since": since}
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
