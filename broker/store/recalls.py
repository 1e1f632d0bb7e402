"""What was taken back, whether it arrived, and whether the unit has confirmed it.

Editions that take back -> rows of `recalls`; deliveries and acknowledgements -> their
times, and for an acknowledgement a link in the register.

Invariants: an edition that takes back is stored with its row here, in one transaction;
only what was delivered can be acknowledged, once; an acknowledgement holds a fixed
phrase and a name, never a word that came from the recipient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.engine import RowMapping

from broker.model.sharing import ReceiptState
from broker.store.alarms import end_alarm, raise_alarm
from broker.store.connect import Database
from broker.store.many import add_many
from broker.store.register import Links, millis, moment
from broker.store.tables import outbox, recalls

OVERDUE_ALARM: Final = "recall-overdue"
"""The kind of alarm about a recall that nobody at the recipient has confirmed."""
NEEDLESS: Final = "it never left"
REPLACED: Final = "something newer takes back"
SHARED_AGAIN: Final = "it was shared again"
_LONGEST_HOW: Final = 200
# A unit's clock may be behind ours by so much.
_CLOCK_LEEWAY: Final = timedelta(hours=1)


class Cause(StrEnum):
    """Why something was taken back."""

    ORDERED = "ordered"  # a person said so
    WITHDRAWN = "withdrawn"  # the CSIRT withdrew the incident
    DECIDED = "decided"  # a newer revision may not be shared
    EXPIRED = "expired"  # the agreement is no longer in force
    RETENTION = "retention"  # the agreed period is over
    TIGHTENED = "tightened"  # the policies in force share less


@dataclass(frozen=True, slots=True)
class Recall:
    """One edition that takes back, at one recipient.

    ``whole`` is false when it takes back a part. ``state`` is the outbox's. ``closed``
    says why nobody needs to confirm it any more; empty while somebody does, or did.
    """

    uid: str
    agreement: str
    recipient: str
    edition: int
    share: str
    cause: str
    whole: bool
    by: str
    at: datetime
    state: str
    last_reason: str
    delivered_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    closed_at: datetime | None
    closed: str

    @property
    def waits(self) -> bool:
        """Whether the unit has still to confirm it."""
        return self.acknowledged_at is None and self.closed_at is None

    def since(self) -> datetime:
        """Return when the wait began: with the delivery, or with the order."""
        return self.delivered_at or self.at

    def overdue(self, now: datetime, days: int) -> bool:
        """Say whether it has waited for longer than so many days."""
        return self.waits and now - self.since() > timedelta(days=days)


_IN_OUTBOX = recalls.join(
    outbox,
    (outbox.c.uid == recalls.c.uid)
    & (outbox.c.agreement == recalls.c.agreement)
    & (outbox.c.edition == recalls.c.edition),
)
_ALL = select(recalls, outbox.c.state, outbox.c.last_reason).select_from(_IN_OUTBOX)
_WAITING = (recalls.c.closed_at.is_(None), recalls.c.acknowledged_at.is_(None))
_OF = (
    recalls.c.uid == bindparam("of_uid"),
    recalls.c.agreement == bindparam("of_agreement"),
)
# Of a case at a recipient, whichever agreement it was taken back under.
_OPEN_OF = select(
    recalls.c.agreement, recalls.c.edition, recalls.c.whole, recalls.c.delivered_at
).where(
    recalls.c.uid == bindparam("of_uid"),
    recalls.c.recipient == bindparam("of_recipient"),
    *_WAITING,
)
_OPEN_IN = select(recalls.c.uid, recalls.c.agreement, recalls.c.edition).where(
    recalls.c.uid.in_(bindparam("uids", expanding=True)), *_WAITING
)
_MANY: Final = 500
_CHANGE = update(recalls).where(*_OF, recalls.c.edition == bindparam("of_edition"))


def row_of(sent: Mapping[str, Any], cause: Cause, by: str = "") -> dict[str, Any]:
    """Return the row of `recalls` for a row of the outbox that takes back."""
    same = {
        name: sent[name]
        for name in ("uid", "agreement", "edition", "recipient", "share")
    }
    return {
        **same,
        "cause": cause.value,
        "whole": sent["retracts"],
        "by": by,
        "at": sent["enqueued_at"],
        "delivered_at": None,
        "acknowledged_at": None,
        "acknowledged_by": "",
        "closed_at": None,
        "closed": "",
    }


def add(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Add recalls; what waited before at the same recipient waits no longer."""
    new = list(rows)
    for row in new:
        for earlier in connection.execute(_OPEN_OF, _case(row)).all():
            if row["whole"] or not earlier.whole:
                of = {"of_uid": row["uid"], "of_agreement": earlier.agreement}
                _close(connection, of, earlier.edition, row["at"], REPLACED)
    add_many(connection, recalls, new)


def superseded(
    connection: Connection, rows: Iterable[Mapping[Any, Any]], at: int
) -> None:
    """Note that editions were overtaken before they were sent."""
    gone = {(row["uid"], row["agreement"], row["edition"]) for row in rows}
    uids = sorted({uid for uid, _, _ in gone})
    for start in range(0, len(uids), _MANY):
        part = {"uids": uids[start : start + _MANY]}
        for uid, agreement, edition in connection.execute(_OPEN_IN, part).all():
            if (uid, agreement, edition) in gone:
                of = {"of_uid": uid, "of_agreement": agreement}
                _close(connection, of, edition, at, NEEDLESS)


def ended(
    connection: Connection, row: Mapping[Any, Any], state: ReceiptState, at: int
) -> None:
    """Note what the end of a delivery means for recalls of that incident.

    A recall that arrived waits for the unit from now on; one that was never sent does
    not. What is shared again needs no confirmation that it was erased.
    """
    for each in connection.execute(_OPEN_OF, _case(row)).all():
        of = {"of_uid": row["uid"], "of_agreement": each.agreement}
        if (each.agreement, each.edition) == (row["agreement"], row["edition"]):
            if state is ReceiptState.DELIVERED and each.delivered_at is None:
                change = {**of, "of_edition": each.edition, "new_at": at}
                connection.execute(
                    _CHANGE.values(delivered_at=bindparam("new_at")), change
                )
            elif state is ReceiptState.SUPERSEDED:
                _close(connection, of, each.edition, at, NEEDLESS)
        elif (
            state is ReceiptState.DELIVERED
            and each.edition < row["edition"]
            and each.whole
            and not row["retracts"]
        ):
            _close(connection, of, each.edition, at, SHARED_AGAIN)


def _case(row: Mapping[Any, Any]) -> dict[str, str]:
    return {"of_uid": row["uid"], "of_recipient": row["recipient"]}


def _close(
    connection: Connection, of: Mapping[str, str], edition: int, at: int, why: str
) -> None:
    place = _place(of["of_uid"], of["of_agreement"], edition)
    end_alarm(connection, OVERDUE_ALARM, place)
    change = {**of, "of_edition": edition}
    connection.execute(_CHANGE.values(closed_at=at, closed=why), change)


def acknowledge(
    database: Database,
    uid: str,
    agreement: str,
    of: int | str,
    at: datetime,
    how: str,
) -> bool:
    """Note that the unit has confirmed a recall; say whether that is new.

    Args:
        database: the store.
        uid: the incident's.
        agreement: whose.
        of: the edition's number, or the share's UUID for the newest that waits.
        at: when the unit confirmed it, or when that was seen.
        how: a fixed phrase such as ``tag``; never words of the recipient.

    Returns:
        False if no such recall was delivered before that time and waits.

    Raises:
        StoreError: the store cannot be written.
    """
    query = select(recalls).where(
        recalls.c.uid == uid, recalls.c.agreement == agreement, *_WAITING
    )
    query = query.where(
        recalls.c.edition == of if isinstance(of, int) else recalls.c.share == of
    ).order_by(recalls.c.edition.desc())
    with database.write() as connection:
        links = Links(connection, at)
        row = connection.execute(query.limit(1)).mappings().first()
        if row is None or row["delivered_at"] is None:
            return False
        if millis(at + _CLOCK_LEEWAY) < row["delivered_at"]:
            return False
        said = how[:_LONGEST_HOW]
        of_row = {
            "of_uid": uid,
            "of_agreement": agreement,
            "of_edition": row["edition"],
        }
        new = {"acknowledged_at": millis(at), "acknowledged_by": said}
        connection.execute(_CHANGE.values(new), of_row)
        end_alarm(connection, OVERDUE_ALARM, _place(uid, agreement, row["edition"]))
        told = {
            "uid": uid,
            "agreement": agreement,
            "recipient": row["recipient"],
            "edition": row["edition"],
            "how": said,
        }
        links.add("recall acknowledged", told)
        links.write()
    return True


def listed(
    database: Database, *, uid: str = "", everything: bool = False
) -> tuple[Recall, ...]:
    """Return recalls that wait for a confirmation, oldest first, or all of them.

    Raises:
        StoreError: the store cannot be read.
    """
    query = _ALL.order_by(recalls.c.at, recalls.c.uid, recalls.c.agreement)
    if uid:
        query = query.where(recalls.c.uid == uid)
    if not everything:
        query = query.where(*_WAITING)
    with database.read() as connection:
        return tuple(_recall(row) for row in connection.execute(query).mappings())


def waiting(connection: Connection) -> int:
    """Return how many recalls nobody has confirmed yet."""
    query = select(func.count()).select_from(recalls).where(*_WAITING)
    return connection.scalar(query) or 0


def watch(database: Database, now: datetime, days: int) -> int:
    """Raise an alarm for every recall that is overdue; return how many are.

    Raises:
        StoreError: the store cannot be read or written.
    """
    late = [each for each in listed(database) if each.overdue(now, days)]
    if late:
        with database.write() as connection:
            for each in late:
                text = f"{each.recipient} has not confirmed a recall for {days} days"
                place = _place(each.uid, each.agreement, each.edition)
                raise_alarm(connection, OVERDUE_ALARM, place, text, millis(now))
    return len(late)


def _place(uid: str, agreement: str, edition: int) -> str:
    return f"{uid} {agreement} edition {edition}"


def _recall(row: RowMapping) -> Recall:
    return Recall(
        row["uid"],
        row["agreement"],
        row["recipient"],
        row["edition"],
        row["share"],
        row["cause"],
        row["whole"],
        row["by"],
        moment(row["at"]),
        row["state"],
        row["last_reason"],
        _moment(row["delivered_at"]),
        _moment(row["acknowledged_at"]),
        row["acknowledged_by"],
        _moment(row["closed_at"]),
        row["closed"],
    )


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
