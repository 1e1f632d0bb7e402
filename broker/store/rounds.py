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
_LOOKED = select(feedback_cursor.c.looked_at, feedback_cursor.c.since)
# In the words that both databases understand; SQLAlchemy has none for both.
_MAKE = text(
    "INSERT INTO feedback_cursor (recipient, share, looked_at, since)"
    " VALUES (:recipient, :share, :looked_at, :since) ON CONFLICT DO NOTHING"
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
    newest = func.max(receipts.c.at)
    looked = func.coalesce(func.max(feedback_cursor.c.looked_at), _number(0))
    at = millis(now)
    due = looked + case(
        (newest >= millis(now - _FRESH), _number(0)),
        (newest >= millis(now - _OLD), _number(_OLD_EVERY // _MILLISECOND)),
        else_=_number(_OLDEST_EVERY // _MILLISECOND),
    )
    query = (
        select(
            receipts.c.share,
            receipts.c.uid,
            receipts.c.agreement,
            func.max(receipts.c.edition).label("edition"),
        )
        .select_from(
            receipts.outerjoin(
                feedback_cursor,
                (feedback_cursor.c.recipient == receipts.c.recipient)
                & (feedback_cursor.c.share == receipts.c.share),
            )
        )
        .where(
            receipts.c.recipient == recipient,
            receipts.c.state == ReceiptState.DELIVERED.value,
        )
        .group_by(receipts.c.share, receipts.c.uid, receipts.c.agreement)
    )
    named = sorted(first)[:most]
    with database.read() as connection:
        rows: list[Any] = []
        for start in range(0, len(named), _AT_ONCE):
            some = query.where(receipts.c.share.in_(named[start : start + _AT_ONCE]))
            rows += connection.execute(some).all()
        rest = query.having(due <= _number(at)).order_by(looked, receipts.c.share)
        rows += connection.execute(rest.limit(most)).all()
    unique = {row.share: AskedShare(*row) for row in rows}
    return tuple(unique.values())[:most]


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
    row = {"recipient": recipient, "share": share, "looked_at": 0, "since": 0}
    connection.execute(_MAKE, row)


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
