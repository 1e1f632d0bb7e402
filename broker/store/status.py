"""The store at a glance: what waits, what is held, what could not be read.

One read of the store -> `Status`, for a person or a monitor. Never a value.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Select, func, select

from broker.model.intake import DeadLetter, Position
from broker.store import held as drafts
from broker.store import recalls
from broker.store.connect import Database
from broker.store.lost import lost
from broker.store.records import Alarm, Lane, Reached, Status
from broker.store.register import last_link, millis, moment
from broker.store.tables import (
    Place,
    alarms,
    dead_letters,
    held,
    meta,
    outbox,
    positions,
)

RULEBOOK_ALARM: Final = "rulebook"
"""The kind of alarm that says that changed policies are not in force, and why."""

_TROUBLE = select(alarms.c.text).where(alarms.c.kind == RULEBOOK_ALARM)
_UNSENT = (Place.QUEUED.value, Place.LEASED.value)


def status(database: Database, now: datetime, *, listed: int = 20) -> Status:
    """Return what the store holds at this moment.

    Args:
        database: the store.
        now: to tell how long the oldest unsent edition has waited.
        listed: how many held shares, dead letters and alarms to list, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        reached = _positions(connection)
        waiting = held.c.waiting
        since = meta_value(connection, "in_force_since")
        return Status(
            lanes=_lanes(connection, now),
            held_count=_count(
                connection, select(func.count()).select_from(held).where(waiting)
            ),
            held=drafts.waiting(connection, listed),
            dead_letter_count=_count(
                connection, select(func.count()).select_from(dead_letters)
            ),
            dead_letters=_dead_letters(connection, listed),
            alarm_count=_count(connection, select(func.count()).select_from(alarms)),
            alarms=_alarms(connection, listed),
            positions=reached,
            rulebook=meta_value(connection, "rulebook"),
            last_message_at=max((one.at for one in reached), default=None),
            audit_entries=last_link(connection)[0],
            in_force=meta_value(connection, "in_force"),
            in_force_since=moment(int(since)) if since else None,
            rulebook_trouble=connection.scalar(_TROUBLE) or "",
            recalls_waiting=recalls.waiting(connection),
            losses=lost(connection),
        )


def _count(connection: Connection, query: Select[int]) -> int:
    return connection.scalar(query) or 0


def _lanes(connection: Connection, now: datetime) -> tuple[Lane, ...]:
    counted = (
        select(outbox.c.recipient, outbox.c.state, func.count())
        .group_by(outbox.c.recipient, outbox.c.state)
        .order_by(outbox.c.recipient)
    )
    counts: dict[str, dict[str, int]] = {}
    for recipient, state, number in connection.execute(counted):
        counts.setdefault(recipient, {})[state] = number
    return tuple(_lane(connection, name, n, now) for name, n in counts.items())


def _lane(
    connection: Connection, recipient: str, counts: dict[str, int], now: datetime
) -> Lane:
    unsent = (
        select(outbox.c.enqueued_at, outbox.c.last_reason)
        .where(outbox.c.recipient == recipient, outbox.c.state.in_(_UNSENT))
        .order_by(outbox.c.id)
        .limit(1)
    )
    oldest = connection.execute(unsent).first()
    return Lane(
        recipient,
        queued=counts.get(Place.QUEUED, 0),
        leased=counts.get(Place.LEASED, 0),
        delivered=counts.get(Place.DELIVERED, 0),
        superseded=counts.get(Place.SUPERSEDED, 0),
        failed=counts.get(Place.FAILED, 0),
        oldest_seconds=(
            max(0.0, (millis(now) - oldest.enqueued_at) / 1000) if oldest else None
        ),
        last_reason=oldest.last_reason if oldest else "",
    )


def _dead_letters(
    connection: Connection, listed: int
) -> tuple[tuple[DeadLetter, datetime], ...]:
    query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(listed)
    return tuple(
        (
            DeadLetter(
                Position(row["source"], row["topic"], row["partition"], row["offset"]),
                row["path"],
                row["problem"],
                row["advice"],
                row["sha256"],
                row["size"],
            ),
            moment(row["at"]),
        )
        for row in connection.execute(query).mappings()
    )


def _alarms(connection: Connection, listed: int) -> tuple[Alarm, ...]:
    query = select(alarms).order_by(alarms.c.last_at.desc()).limit(listed)
    return tuple(
        Alarm(
            row.kind,
            row.place,
            row.text,
            moment(row.first_at),
            moment(row.last_at),
            row.times,
        )
        for row in connection.execute(query)
    )


def _positions(connection: Connection) -> tuple[Reached, ...]:
    query = select(positions).order_by(
        positions.c.source, positions.c.topic, positions.c.partition
    )
    return tuple(
        Reached(
            Position(row["source"], row["topic"], row["partition"], row["offset"]),
            moment(row["at"]),
        )
        for row in connection.execute(query).mappings()
    )


def status_positions(database: Database) -> tuple[Position, ...]:
    """Return the last position of each source that was stored.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return tuple(one.position for one in _positions(connection))


def meta_value(connection: Connection, name: str) -> str:
    """Return what the store notes under a name; empty if nothing."""
    return connection.scalar(select(meta.c.value).where(meta.c.name == name)) or ""
