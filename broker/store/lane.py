"""A lane as a whole: what it still has to do, and how it is set going again.

Invariants: a lease is only cut short when its worker is gone; a failed edition that
something newer has overtaken is never queued again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select, update

from broker.store.connect import Database
from broker.store.ended import delivery_facts
from broker.store.records import Pending
from broker.store.register import Links, millis, moment
from broker.store.tables import Place, outbox

# By lane, because that is what there is an index for: without one each body is read.
_HELD_BY = select(outbox.c.id, outbox.c.leased_by).where(
    outbox.c.recipient.in_(select(outbox.c.recipient).distinct()),
    outbox.c.state == Place.LEASED.value,
    outbox.c.lease_until > 0,
)
_RUN_OUT = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"), outbox.c.leased_by == bindparam("worker"))
    .values(lease_until=0)
)
_AGAIN = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=Place.QUEUED.value,
        next_attempt_at=bindparam("now"),
        enqueued_at=bindparam("now"),
    )
)


def reclaim(database: Database, gone: Callable[[str], bool]) -> int:
    """Let the leases of workers that are gone run out now; return how many.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.read() as connection:
        held = connection.execute(_HELD_BY).all()
    lost = [
        {"row": row.id, "worker": row.leased_by} for row in held if gone(row.leased_by)
    ]
    if lost:
        with database.write() as connection:
            connection.execute(_RUN_OUT, lost)
    return len(lost)


def retry_failed(database: Database, recipient: str, at: datetime) -> int:
    """Queue a recipient's failed editions again, but none that was overtaken.

    Returns:
        How many were queued.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        query = select(outbox).where(
            outbox.c.recipient == recipient,
            outbox.c.state == Place.FAILED.value,
            ~outbox.c.overtaken,
        )
        rows = connection.execute(query.with_for_update()).mappings().all()
        for row in rows:
            connection.execute(_AGAIN, {"row": row["id"], "now": millis(at)})
            links.add("delivery", delivery_facts(row, "queued again", ""))
        links.write()
    return len(rows)


def pending(database: Database, recipient: str, now: datetime) -> Pending:
    """Return what a lane still has to do.

    Raises:
        StoreError: the store cannot be read.
    """
    at = millis(now)
    late = and_(outbox.c.state == Place.QUEUED.value, outbox.c.next_attempt_at > at)
    leased = outbox.c.state == Place.LEASED.value
    query = select(
        func.count().filter(and_(~late, ~leased)),
        func.count().filter(leased),
        func.count().filter(late),
        func.min(outbox.c.next_attempt_at).filter(late),
    ).where(
        outbox.c.recipient == recipient,
        or_(leased, outbox.c.state == Place.QUEUED.value),
    )
    with database.read() as connection:
        due, under_way, waiting, first = connection.execute(query).one()
    return Pending(due, under_way, waiting, moment(first) if first else None)
