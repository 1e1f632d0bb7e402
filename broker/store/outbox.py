"""The outbox: which sealed edition may go out next, and what became of it.

A recipient's name -> one leased row at a time -> delivered, failed, superseded or
queued again for later. Every end and every postponement writes its link in the register
in the same transaction, and locks the register first: one order, so no deadlock.

Invariants: of one incident at one recipient, whichever agreement it was made under,
only the oldest unsent edition is ever leased, and only to one worker; an overtaken row
that was not delivered is never queued again. So no recipient sees an older edition
after a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.engine import RowMapping

from broker.model.sharing import Receipt, ReceiptState, Sealed, Wire
from broker.store import pace, recalls
from broker.store.connect import Database, lock_lane
from broker.store.ended import Ended, delivery_facts
from broker.store.many import add_many
from broker.store.records import LeasedRow
from broker.store.register import Links, millis, moment
from broker.store.rows import OVERTAKEN
from broker.store.tables import Place, outbox, receipts

_LOST: Final = "the worker that sent it disappeared"
NEEDLESS: Final = "nothing was ever sent, so nothing is to be taken back"
_SUPERSEDED: Final = ReceiptState.SUPERSEDED
_earlier = outbox.alias("earlier")
_HAS_EARLIER = (
    select(_earlier.c.id)
    .where(
        _earlier.c.uid == outbox.c.uid,
        _earlier.c.recipient == outbox.c.recipient,
        _earlier.c.id < outbox.c.id,
        _earlier.c.state.in_([Place.QUEUED.value, Place.LEASED.value]),
    )
    .exists()
)
_IN_LANE = outbox.c.recipient == bindparam("lane")
# Written once: building a statement costs more than running it.
_EXPIRED = (
    select(outbox.c.id)
    .where(
        _IN_LANE,
        outbox.c.state == Place.LEASED.value,
        outbox.c.lease_until <= bindparam("now"),
    )
    .order_by(outbox.c.id)
    .limit(1)
)
_DUE = (
    select(outbox.c.id)
    .where(
        _IN_LANE,
        outbox.c.state == Place.QUEUED.value,
        outbox.c.next_attempt_at <= bindparam("now"),
        ~_HAS_EARLIER,
    )
    .order_by(outbox.c.id)
    .limit(1)
)
_NEXT = union_all(select(_EXPIRED.subquery().c.id), select(_DUE.subquery().c.id))
# What another worker takes at this moment is not waited for (PostgreSQL; SQLite has one
# writer at a time and needs no such words).
_TAKEABLE = tuple(
    one.with_for_update(skip_locked=True, of=outbox) for one in (_EXPIRED, _DUE)
)
_AT_WORK = (
    select(outbox.c.id)
    .where(
        _IN_LANE,
        outbox.c.state == Place.LEASED.value,
        outbox.c.lease_until > bindparam("now"),
    )
    .limit(1)
)
_ROW = select(outbox).where(outbox.c.id == bindparam("row"))
_LEASE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=Place.LEASED.value,
        attempts=outbox.c.attempts + 1,
        lease_until=bindparam("until"),
        leased_by=bindparam("worker"),
    )
)
_UNLEASE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=bindparam("place"),
        next_attempt_at=bindparam("later"),
        lease_until=0,
        leased_by="",
        last_reason=bindparam("reason"),
    )
)
_LEASED = (
    _ROW.where(outbox.c.state == Place.LEASED.value)
    .where(outbox.c.leased_by == bindparam("worker"))
    .where(outbox.c.attempts == bindparam("attempts"))
    .with_for_update()
)
# What may have arrived: delivered, or tried, because a part of it may be there.
_REACHED = (
    select(outbox.c.id)
    .where(
        outbox.c.uid == bindparam("uid"),
        outbox.c.recipient == bindparam("recipient"),
        ~outbox.c.retracts,
        or_(outbox.c.state == Place.DELIVERED.value, outbox.c.attempts > 0),
    )
    .limit(1)
)
_ABANDONED = (
    _ROW.where(outbox.c.state.in_([Place.QUEUED.value, Place.LEASED.value]))
    .where(outbox.c.lease_until <= bindparam("now"))
    .where(outbox.c.overtaken)
    .with_for_update()
)


def lease(
    database: Database,
    recipient: str,
    worker: str,
    now: datetime,
    until: datetime,
    *,
    alone: bool = False,
    per_minute: int = 0,
) -> LeasedRow | None:
    """Take the next edition that may go to a recipient, or nothing.

    A lease that ran out is taken over first. Oldest first; never one while an older
    edition of the same incident is on its way. Any number of workers may ask at the
    same time.

    Args:
        database: the store.
        recipient: the lane.
        worker: who asks; see `broker.store.worker`.
        now: the time.
        until: when the lease runs out.
        alone: nothing while another worker sends anything to this recipient.
        per_minute: nothing when all workers together have leased so many within the
            last minute; 0 for no limit.

    Raises:
        StoreError: the store cannot be read or written.
    """
    at = {"lane": recipient, "now": millis(now)}
    turn = _Turn(worker, millis(until), alone, per_minute)
    while _is_any(database, at, per_minute):
        found = _take(database, at, turn)
        if found is None:
            return None
        if not found["overtaken"]:
            return _leased(found, worker, until)
        _bury(database, found["id"], now)
    return None


@dataclass(frozen=True, slots=True)
class _Turn:
    """Who asks for a row, until when, and what keeps it from getting one."""

    worker: str
    until: int
    alone: bool
    per_minute: int


def _is_any(database: Database, at: Mapping[str, Any], per_minute: int) -> bool:
    # A reader locks nobody out, and most of the time there is nothing to take.
    with database.read() as connection:
        allowed = pace.allows(connection, at["lane"], per_minute, at["now"])
        return allowed and connection.scalar(_NEXT, at) is not None


def _take(database: Database, at: Mapping[str, Any], turn: _Turn) -> RowMapping | None:
    """Lease the next row that nobody else takes just now; an overtaken one is not."""
    lane, now = at["lane"], at["now"]
    with database.write() as connection:
        if turn.alone or turn.per_minute:
            lock_lane(connection, lane)
            if not pace.allows(connection, lane, turn.per_minute, now):
                return None
            if turn.alone and connection.scalar(_AT_WORK, at) is not None:
                return None
        for takeable in _TAKEABLE:
            row = connection.scalar(takeable, at)
            if row is not None:
                break
        else:
            return None
        found = connection.execute(_ROW, {"row": row}).mappings().one()
        if not found["overtaken"]:
            lease = {"row": row, "until": turn.until, "worker": turn.worker}
            connection.execute(_LEASE, lease)
            pace.note(connection, lane, turn.per_minute, now)
        return found


def _bury(database: Database, row: int, now: datetime) -> None:
    """End an overtaken row whose worker disappeared; it must not go out again."""
    with database.write() as connection:
        links = Links(connection, now)
        lost = {"row": row, "now": millis(now)}
        found = connection.execute(_ABANDONED, lost).mappings().first()
        if found is not None:
            why = f"{OVERTAKEN}; {_LOST}"
            _end(connection, links, Ended(found, _SUPERSEDED, millis(now), reason=why))


def sealed_in(row: RowMapping) -> Sealed:
    """Return the sealed edition that a row of the outbox holds."""
    return Sealed(
        row["recipient"],
        row["share"],
        row["edition"],
        Wire(row["wire"]),
        row["body"],
        row["sha256"],
        row["rulebook"],
        row["key_id"],
        row["signature"],
        row["retracts"],
    )


def _leased(row: RowMapping, worker: str, until: datetime) -> LeasedRow:
    return LeasedRow(
        row["id"],
        row["uid"],
        row["agreement"],
        sealed_in(row),
        row["attempts"] + 1,
        moment(row["enqueued_at"]),
        worker,
        until,
    )


def finish(database: Database, row: LeasedRow, receipt: Receipt) -> bool:
    """Record that an edition was delivered.

    Returns:
        False if the lease was lost to another worker: nothing was recorded.

    Raises:
        StoreError: the store cannot be written; the edition will be sent again.
    """
    with database.write() as connection:
        links = Links(connection, receipt.at)
        held = _held_lease(connection, row)
        if held is not None:
            ended = Ended(
                held,
                ReceiptState.DELIVERED,
                millis(receipt.at),
                receipt.remote_id,
                receipt.losses,
                receipt.reason,
            )
            _end(connection, links, ended)
    return held is not None


def close_needless(database: Database, row: LeasedRow, at: datetime) -> bool:
    """End a recall without sending it, if nothing that it takes back ever left.

    A notice of an incident that the recipient never heard of would only tell that the
    incident exists.

    Returns:
        False if the recipient may have something, or the lease was lost: send it.

    Raises:
        StoreError: the store cannot be written.
    """
    if not row.sealed.retracts:
        return False
    of = {"uid": row.uid, "recipient": row.sealed.recipient}
    with database.write() as connection:
        links = Links(connection, at)
        held = _held_lease(connection, row)
        if held is None or connection.scalar(_REACHED, of) is not None:
            return False
        ended = Ended(held, _SUPERSEDED, millis(at), reason=NEEDLESS)
        _end(connection, links, ended)
    return True


def fail(database: Database, row: LeasedRow, reason: str, at: datetime) -> bool:
    """Record that an edition will never be delivered, and why.

    Returns:
        False if the lease was lost to another worker: nothing was recorded.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        held = _held_lease(connection, row)
        if held is not None:
            ended = Ended(held, ReceiptState.FAILED, millis(at), reason=reason)
            _end(connection, links, ended)
    return held is not None


def postpone(
    database: Database,
    row: LeasedRow,
    reason: str,
    next_attempt_at: datetime,
    at: datetime,
) -> bool:
    """Put an edition back for a later attempt; an overtaken one ends as superseded.

    Returns:
        False if the lease was lost to another worker: nothing was recorded.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        held = _held_lease(connection, row)
        if held is None:
            return False
        if held["overtaken"]:
            why = f"{OVERTAKEN}; the last attempt ended with: {reason}"
            _end(connection, links, Ended(held, _SUPERSEDED, millis(at), reason=why))
            return True
        _unlease(connection, row.id, Place.QUEUED, reason, millis(next_attempt_at))
        links.add("delivery", delivery_facts(held, "postponed", reason))
        links.write()
    return True


def _held_lease(connection: Connection, row: LeasedRow) -> RowMapping | None:
    """Return the row if this worker still holds the very lease that it was given."""
    lease = {"row": row.id, "worker": row.worker, "attempts": row.attempts}
    return connection.execute(_LEASED, lease).mappings().first()


def _end(connection: Connection, links: Links, ended: Ended) -> None:
    _unlease(connection, ended.row["id"], Place(ended.state), ended.reason, 0)
    add_many(connection, receipts, [ended.receipt()])
    recalls.ended(connection, ended.row, ended.state, ended.at)
    links.add("delivery", ended.facts())
    links.write()


def _unlease(
    connection: Connection, row: int, place: Place, reason: str, later: int
) -> None:
    change = {"row": row, "place": place.value, "reason": reason, "later": later}
    connection.execute(_UNLEASE, change)
