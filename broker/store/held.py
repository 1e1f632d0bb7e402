"""Held shares as they stand: what waits, for whom, approved by whom so far.

Rows of `held` and `approvals` -> records.

Invariant: a draft leaves the store only through `item`, for a person who must decide
about it, and through nothing that shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from broker.model.intake import Position
from broker.store.connect import Database
from broker.store.records import Approved, Held, HeldDraft
from broker.store.register import millis, moment
from broker.store.tables import Approval, approvals, held, inbox

PEOPLE: Final = 2
"""How many different people must approve."""

_other = inbox.alias("other")
_newest = (
    select(func.max(_other.c.revision)).where(_other.c.uid == held.c.uid)
).scalar_subquery()
_HELD = select(
    held,
    inbox.c.publisher,
    inbox.c.incident_sha256,
    inbox.c.source,
    inbox.c.topic,
    inbox.c.partition,
    inbox.c.offset,
    _newest.label("newest"),
).select_from(
    held.join(
        inbox, (inbox.c.uid == held.c.uid) & (inbox.c.revision == held.c.revision)
    )
)
_OPEN = (
    select(approvals)
    .where(approvals.c.state == Approval.OPEN.value)
    .where(approvals.c.held.in_(bindparam("items", expanding=True)))
    .order_by(approvals.c.id)
)
_TWO = (
    select(approvals.c.held)
    .where(approvals.c.state == Approval.OPEN.value)
    .group_by(approvals.c.held)
    .having(func.count(approvals.c.reviewer.distinct()) >= PEOPLE)
)
_READY = (
    select(held.c.id)
    .where(held.c.waiting)
    .where(or_(held.c.embargo_until <= bindparam("now"), held.c.id.in_(_TWO)))
    .order_by(held.c.id)
)


def listed(
    database: Database, *, ended: bool = False, limit: int | None = None
) -> tuple[Held, ...]:
    """Return what waits for a person, newest first; with ``ended`` also what did.

    Raises:
        StoreError: the store cannot be read.
    """
    query = _HELD.order_by(held.c.id.desc()).limit(limit)
    with database.read() as connection:
        return _found(connection, query if ended else query.where(held.c.waiting))


def waiting(connection: Connection, limit: int) -> tuple[Held, ...]:
    """Return the newest of what waits for a person."""
    query = _HELD.where(held.c.waiting).order_by(held.c.id.desc()).limit(limit)
    return _found(connection, query)


def _found(connection: Connection, query: Select[Any]) -> tuple[Held, ...]:
    rows = connection.execute(query).mappings().all()
    given = _approvals(connection, [row["id"] for row in rows])
    return tuple(_held(row, given.get(row["id"], ())) for row in rows)


def item(database: Database, number: int) -> HeldDraft | None:
    """Return one held share with its draft; nothing if there is none of that number.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        row = connection.execute(_HELD.where(held.c.id == number)).mappings().first()
        if row is None:
            return None
        given = _approvals(connection, [number]).get(number, ())
        place = Position(row["source"], row["topic"], row["partition"], row["offset"])
        return HeldDraft(_held(row, given), row["body"], place, row["incident_sha256"])


def ready(database: Database, now: datetime) -> tuple[int, ...]:
    """Return the numbers of held shares whose embargo ended, or that two approved.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return tuple(connection.scalars(_READY, {"now": millis(now)}))


def positions(database: Database, source: str) -> frozenset[Position]:
    """Return where the incidents stand whose shares still wait.

    Raises:
        StoreError: the store cannot be read.
    """
    query = _HELD.where(held.c.waiting, inbox.c.source == source)
    with database.read() as connection:
        return frozenset(
            Position(row["source"], row["topic"], row["partition"], row["offset"])
            for row in connection.execute(query).mappings()
        )


def _approvals(
    connection: Connection, numbers: list[int]
) -> dict[int, tuple[Approved, ...]]:
    found: dict[int, tuple[Approved, ...]] = {}
    if numbers:
        for row in connection.execute(_OPEN, {"items": numbers}).mappings():
            one = Approved(
                row["id"],
                row["reviewer"],
                row["sha256"],
                moment(row["at"]),
                moment(row["until"]),
                row["statement"],
                row["signature"],
            )
            found[row["held"]] = (*found.get(row["held"], ()), one)
    return found


def _held(row: Mapping[Any, Any], given: tuple[Approved, ...]) -> Held:
    until, ended_at = row["embargo_until"], row["ended_at"]
    return Held(
        row["id"],
        row["uid"],
        row["revision"],
        row["agreement"],
        row["recipient"],
        row["why"],
        row["sha256"],
        moment(row["at"]),
        row["wire"],
        row["rulebook"],
        row["publisher"],
        row["newest"],
        moment(until) if until is not None else None,
        row["note"],
        row["ended"],
        moment(ended_at) if ended_at is not None else None,
        given,
    )
