"""Rounds of asking recipients what was said: which cases are due, and what is new.

Receipts and earlier rounds -> the cases to look at; `Said` -> new rows of `feedback`.

Invariants: a recipient is asked by one process at a time; the same thing said once is
stored once, however often it is found, and has the same id wherever it is found again;
a case counts as looked at only in the transaction that stores what was found.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    case,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from broker.canonical import dumps
from broker.model.feedback import Said
from broker.model.sharing import ReceiptState
from broker.store.connect import Database
from broker.store.feedback_tables import feedback, feedback_cursor
from broker.store.register import millis, moment
from broker.store.tables import receipts

_NAMESPACE: Final = uuid.UUID("b4a3d1f0-6a59-4c35-9d1c-9f6f4a4f3a51")
_RECIPIENT_ITSELF: Final = ""  # the row of feedback_cursor that is about no one case
_AT_ONCE: Final = 500
_MOST_NEW: Final = 1_000
_RECEIPTS_AT_ONCE: Final = 5_000
_LOOKED = select(feedback_cursor.c.looked_at, feedback_cursor.c.since)
_LISTED = select(feedback_cursor.c.receipt)
_ARRIVALS = (
    select(
        receipts.c.recipient,
        receipts.c.share,
        receipts.c.uid,
        receipts.c.agreement,
        receipts.c.edition,
        receipts.c.at.label("arrived"),
    )
    .where(receipts.c.state == ReceiptState.DELIVERED.value)
    .order_by(receipts.c.id)
)
# In the words that both databases understand; SQLAlchemy has none for both.
_COLUMNS: Final = (
    "INSERT INTO feedback_cursor (recipient, share, looked_at, since, receipt, uid,"
    " agreement, edition, arrived) VALUES (:recipient, :share, 0, 0, 0, :uid,"
    " :agreement, :edition, :arrived) ON CONFLICT"
)
_MAKE = text(f"{_COLUMNS} DO NOTHING")
_ARRIVED = text(
    f"{_COLUMNS} (recipient, share) DO UPDATE SET uid = excluded.uid,"
    " agreement = excluded.agreement, edition = excluded.edition,"
    " arrived = excluded.arrived WHERE feedback_cursor.edition <= excluded.edition"
)
# How often a case is looked at, by how long ago something last arrived there.
_FRESH: Final = timedelta(days=7)
_OLD: Final = timedelta(days=60)
_OLD_EVERY: Final = timedelta(hours=1)
_OLDEST_EVERY: Final = timedelta(days=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class AskedShare:
    """One case at a recipient, as it is asked for: the newest edition that arrived."""

    share: str
    uid: str
    agreement: str
    edition: int


def claim_round(
    database: Database, recipient: str, now: datetime, every: timedelta
) -> datetime | None:
    """Begin a round of asking a recipient; nothing when another process is at it.

    Returns:
        When the last round that ended well began; the beginning of time at first.

    Raises:
        StoreError: the store cannot be written.
    """
    before = millis(now - every)
    itself = _cursor(recipient, _RECIPIENT_ITSELF)
    with database.write() as connection:
        _make_sure(connection, recipient, _RECIPIENT_ITSELF)
        found = connection.execute(_LOOKED.where(itself).with_for_update()).one()
        # A clock that went back must not silence a recipient for long.
        if before < found.looked_at <= millis(now):
            return None
        changed = update(feedback_cursor).where(itself)
        connection.execute(changed.values(looked_at=millis(now)))
        return moment(found.since)


def end_round(database: Database, recipient: str, began: datetime) -> None:
    """Note that everything known by the beginning of a round was asked for.

    Raises:
        StoreError: the store cannot be written; more will be asked for next time.
    """
    itself = _cursor(recipient, _RECIPIENT_ITSELF)
    with database.write() as connection:
        changed = update(feedback_cursor).where(itself)
        connection.execute(changed.values(since=millis(began)))


def shares_to_ask(
    database: Database,
    recipient: str,
    first: Iterable[str],
    now: datetime,
    most: int,
) -> tuple[AskedShare, ...]:
    """Return the cases to look at in this round: ``first``, then those longest unseen.

    What arrived in the last week is looked at in every round, what arrived in the last
    two months once an hour, the rest once a day.

    Raises:
        StoreError: the store cannot be read.
    """
    table = feedback_cursor
    query = select(
        table.c.share, table.c.uid, table.c.agreement, table.c.edition
    ).where(table.c.recipient == recipient, table.c.arrived > 0)
    due = table.c.looked_at + case(
        (table.c.arrived >= millis(now - _FRESH), _number(0)),
        (table.c.arrived >= millis(now - _OLD), _number(_OLD_EVERY // _MILLISECOND)),
        else_=_number(_OLDEST_EVERY // _MILLISECOND),
    )
    named = sorted(first)[:most]
    while _list_arrived(database, recipient):
        pass
    with database.read() as connection:
        rows: list[Any] = []
        for start in range(0, len(named), _AT_ONCE):
            some = query.where(table.c.share.in_(named[start : start + _AT_ONCE]))
            rows += connection.execute(some).all()
        rest = query.where(due <= _number(millis(now)))
        rest = rest.order_by(table.c.looked_at, table.c.share)
        rows += connection.execute(rest.limit(most)).all()
    unique = {row.share: AskedShare(*row) for row in rows}
    return tuple(unique.values())[:most]


def _list_arrived(database: Database, recipient: str) -> bool:
    """List cases of receipts that are new; say whether there may be more of them.

    So a round reads only what is new. Some at a time, so that nobody who writes waits.
    """
    itself = _cursor(recipient, _RECIPIENT_ITSELF)
    with database.write() as connection:
        _make_sure(connection, recipient, _RECIPIENT_ITSELF)
        known = connection.scalar(_LISTED.where(itself).with_for_update()) or 0
        # Receipts are written one transaction after the other (see `register.py`), so
        # that none can appear behind one that was read.
        newest = connection.scalar(select(func.max(receipts.c.id))) or 0
        until = min(newest, known + _RECEIPTS_AT_ONCE)
        new = _ARRIVALS.where(
            receipts.c.id > known,
            receipts.c.id <= until,
            receipts.c.recipient == recipient,
        )
        rows = [dict(row) for row in connection.execute(new).mappings()]
        if rows:
            connection.execute(_ARRIVED, rows)
        if until != known:
            listed = update(feedback_cursor).where(itself)
            connection.execute(listed.values(receipt=until))
        return until < newest


def record(
    database: Database,
    recipient: str,
    share: AskedShare,
    said: Sequence[Said],
    at: datetime,
) -> int:
    """Store what is new of what was found about one case; return how much that is.

    At most a thousand things at once; the rest when the case is looked at again, which
    is then at the next round.

    Raises:
        StoreError: the store cannot be written; nothing was stored.
    """
    rows = {_id(recipient, share, one): one for one in said}
    cursor = _cursor(recipient, share.share)
    with database.write() as connection:
        _make_sure(connection, recipient, share.share)
        # Locked, so that two processes do not both think that something is new.
        connection.execute(_LOOKED.where(cursor).with_for_update())
        known: set[str] = set()
        ids = list(rows)
        for start in range(0, len(ids), _AT_ONCE):
            some = feedback.c.id.in_(ids[start : start + _AT_ONCE])
            known |= set(connection.scalars(select(feedback.c.id).where(some)))
        new = [one for one in ids if one not in known]
        values = [_row(one, recipient, share, rows[one], at) for one in new[:_MOST_NEW]]
        if values:
            connection.execute(insert(feedback), values)
        if len(new) <= _MOST_NEW:
            connection.execute(
                update(feedback_cursor).where(cursor).values(looked_at=millis(at))
            )
    return len(values)


def _number(value: int) -> ColumnElement[int]:
    # PostgreSQL takes a bare number for one of 32 bits.
    return literal(value, BigInteger)


def _cursor(recipient: str, share: str) -> ColumnElement[bool]:
    return (feedback_cursor.c.recipient == recipient) & (
        feedback_cursor.c.share == share
    )


def _make_sure(connection: Connection, recipient: str, share: str) -> None:
    """Make the row of a cursor, unless there is one; many may do so at once."""
    row = {"recipient": recipient, "share": share, "uid": "", "agreement": ""}
    connection.execute(_MAKE, {**row, "edition": 0, "arrived": 0})


def _id(recipient: str, share: AskedShare, said: Said) -> str:
    return str(uuid.uuid5(_NAMESPACE, dumps([recipient, share.share, said.key]).hex()))


def _row(
    made: str, recipient: str, share: AskedShare, said: Said, at: datetime
) -> dict[str, Any]:
    return {
        "id": made,
        "recipient": recipient,
        "share": share.share,
        "uid": share.uid,
        "agreement": share.agreement,
        "edition": share.edition,
        "kind": said.kind.value,
        "word": said.word.value,
        "about": said.about[:64],
        "at": millis(said.at) if said.at else None,
        "seen_at": millis(at),
        "organisation": said.organisation[:36],
        "until": said.until.isoformat() if said.until else "",
        "words": dumps(dict(said.words)).decode() if said.words else "",
        "traced": False,
        "field": "",
        "note": "",
        "revision": 0,
        "tlp": "",
        "readers": "",
        "published": False,
    }
