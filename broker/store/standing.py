"""What recipients may hold, as far as the store knows: the newest edition of each.

Rows of `editions`, `outbox` and `inbox` -> `Standing`, for one incident or under one
agreement.

Invariant: what may have arrived, even in part, counts as held; and so does what can
still be sent, because it must be overtaken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, tuple_

from broker.model.intake import Position
from broker.model.sharing import Edition, ReceiptState
from broker.store.connect import Database
from broker.store.inbox import has_something
from broker.store.register import moment
from broker.store.tables import Place, editions, inbox, outbox, receipts

_ROWS = editions.join(
    outbox,
    (outbox.c.uid == editions.c.uid)
    & (outbox.c.agreement == editions.c.agreement)
    & (outbox.c.edition == editions.c.number),
)
_newer = outbox.alias("newer")
# By its row of the outbox: an older Besa numbered anew under each agreement.
_IS_NEWEST = ~(
    select(_newer.c.id)
    .where(
        _newer.c.uid == outbox.c.uid,
        _newer.c.recipient == outbox.c.recipient,
        _newer.c.id > outbox.c.id,
    )
    .exists()
)
_NEWEST = (
    select(editions, outbox.c.state, outbox.c.overtaken, outbox.c.rulebook)
    .select_from(_ROWS)
    .where(_IS_NEWEST)
    .order_by(editions.c.uid, editions.c.recipient)
)
_NUMBERS = (
    select(editions.c.agreement, editions.c.recipient, func.max(editions.c.number))
    .where(editions.c.uid == bindparam("uid"))
    .group_by(editions.c.agreement, editions.c.recipient)
)
_RECEIVED = (
    select(inbox)
    .where(inbox.c.uid == bindparam("uid"))
    .order_by(inbox.c.revision.desc())
).limit(1)
_DELIVERED = (
    select(receipts.c.id, receipts.c.uid, receipts.c.edition, receipts.c.at)
    .where(
        receipts.c.agreement == bindparam("agreement"),
        receipts.c.id > bindparam("after"),
        receipts.c.state == ReceiptState.DELIVERED.value,
    )
    .order_by(receipts.c.id)
    .limit(bindparam("most"))
)
_SENT = select(outbox.c.body).where(
    outbox.c.uid == bindparam("uid"),
    outbox.c.agreement == bindparam("agreement"),
    outbox.c.edition == bindparam("edition"),
)
_UNDER_WAY: Final = (Place.QUEUED.value, Place.LEASED.value, Place.DELIVERED.value)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one recipient may hold of one incident.

    ``edition`` is the newest there is; one that ``retracts`` failed to take back.
    ``facts`` is what was decided on, see `broker.replay`; ``position`` is where the
    newest revision was published, and ``incident_sha256`` its digest. ``numbers`` has
    the last number of that incident under each agreement and at each recipient.
    """

    uid: str
    agreement: str
    recipient: str
    share: str
    edition: Edition
    state: str
    rulebook: str
    facts: str
    position: Position | None
    incident_sha256: str
    revision: int
    numbers: tuple[tuple[str, str, int], ...]

    def before(self, agreement: str) -> Edition:
        """Return what an edition that takes it back under an agreement comes after."""
        same = [
            last
            for name, to, last in self.numbers
            if name == agreement or to == self.recipient
        ]
        # One that failed to take back is to be done once more.
        return replace(self.edition, number=max(same), retracts=False)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery, by its place among all: see `delivered`."""

    number: int
    uid: str
    edition: int
    at: datetime


def standing(
    database: Database,
    *,
    uid: str = "",
    recipient: str = "",
    agreement: str = "",
    after: tuple[str, str] = ("", ""),
    most: int | None = None,
) -> tuple[tuple[Standing, ...], tuple[str, str] | None]:
    """Return what recipients may hold of an incident, under an agreement, or at all.

    A case is one thing at its recipient, so it stands under the agreement that its
    newest edition was made under, and no other.

    Args:
        database: the store.
        uid: of this incident only.
        recipient: at this one only.
        agreement: under this one only.
        after: begin behind this incident and recipient.
        most: look at so many at most.

    Returns:
        What was found, and behind which to go on; nothing when that was all.

    Raises:
        StoreError: the store cannot be read.
    """
    query = _NEWEST.limit(most)
    if uid:
        query = query.where(editions.c.uid == uid)
    if recipient:
        query = query.where(editions.c.recipient == recipient)
    if agreement:
        query = query.where(editions.c.agreement == agreement)
    if any(after):
        query = query.where(tuple_(editions.c.uid, editions.c.recipient) > after)
    with database.read() as connection:
        rows = connection.execute(query).mappings().all()
        found = tuple(_standing(connection, rows))
    last = (rows[-1]["uid"], rows[-1]["recipient"]) if len(rows) == most else None
    return found, last


def delivered(
    database: Database, agreement: str, *, after: int, most: int
) -> tuple[Delivered, ...]:
    """Return deliveries under an agreement behind a number, oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        rows = connection.execute(
            _DELIVERED, {"agreement": agreement, "after": after, "most": most}
        )
        return tuple(
            Delivered(row.id, row.uid, row.edition, moment(row.at)) for row in rows
        )


def agreements(database: Database) -> frozenset[tuple[str, str]]:
    """Return the agreements, with their recipients, that anything was sealed for.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(outbox.c.agreement, outbox.c.recipient).distinct()
    with database.read() as connection:
        return frozenset(
            (row.agreement, row.recipient) for row in connection.execute(query)
        )


def sent(database: Database, each: Standing) -> bytes:
    """Return the sealed bytes of the newest edition; empty if they are gone.

    Raises:
        StoreError: the store cannot be read.
    """
    of = {
        "uid": each.uid,
        "agreement": each.agreement,
        "edition": each.edition.number,
    }
    with database.read() as connection:
        return bytes(connection.scalar(_SENT, of) or b"")


def _standing(
    connection: Connection, rows: Sequence[Mapping[Any, Any]]
) -> Iterator[Standing]:
    for row in rows:
        if not _may_hold(connection, row):
            continue
        received = connection.execute(_RECEIVED, {"uid": row["uid"]}).mappings().first()
        numbers = tuple(
            (name, to, last)
            for name, to, last in connection.execute(_NUMBERS, {"uid": row["uid"]})
        )
        made = Edition(
            row["number"],
            datetime.fromtimestamp(row["created"], UTC),
            datetime.fromtimestamp(row["modified"], UTC),
            row["content"],
            row["retracts"],
        )
        yield Standing(
            row["uid"],
            row["agreement"],
            row["recipient"],
            row["share"],
            made,
            row["state"],
            row["rulebook"],
            received["facts"] if received else "",
            _position(received),
            received["incident_sha256"] if received else "",
            received["revision"] if received else 0,
            numbers,
        )


def _may_hold(connection: Connection, row: Mapping[Any, Any]) -> bool:
    lost = row["overtaken"] and row["state"] != Place.DELIVERED
    if not row["retracts"] and not lost:
        return True
    if row["retracts"] and not lost and row["state"] in _UNDER_WAY:
        return False
    return has_something(connection, row["uid"], row["recipient"])


def _position(row: Mapping[Any, Any] | None) -> Position | None:
    if row is None:
        return None
    return Position(row["source"], row["topic"], row["partition"], row["offset"])
