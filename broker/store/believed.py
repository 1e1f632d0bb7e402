"""What we believe each recipient holds, and how an edition is sent once more.

Rows of outbox, receipts and decisions -> one `Belief` per case of a recipient, without
a body; a case whose edition is gone there -> its sealed bytes queued again.

Invariants: what may not be shared any more is never queued again; nor is anything of
which a newer edition exists. That an edition is queued again, by whom and why, is a
link of the register in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, select, update

from broker.canonical import loads
from broker.errors import StoreError
from broker.model.sharing import Loss, ReceiptState, Sealed, State
from broker.store.connect import Database
from broker.store.ended import delivery_facts
from broker.store.outbox import sealed_in
from broker.store.register import Links, millis
from broker.store.tables import Place, decisions, outbox, receipts

REPAIR: Final = "queued to repair"
"""What the register calls it when a delivered edition is queued once more."""

_SHAREABLE: Final = (State.QUEUED.value, State.UNCHANGED.value)
_COLUMNS: Final = tuple(column for column in outbox.c if column.name != "body")
# The last receipt of each case, and not the highest number: an older Besa numbered anew
# under each agreement.
_GOT: Final = (
    select(
        receipts.c.uid,
        receipts.c.recipient,
        func.max(receipts.c.id).label("receipt"),
    )
    .where(receipts.c.state == ReceiptState.DELIVERED.value)
    .group_by(receipts.c.uid, receipts.c.recipient)
)
_LOSSES: Final = select(receipts.c.losses).where(receipts.c.id == bindparam("receipt"))
# What an agreement decided that has no say does not count: it only ever withholds.
_DECIDED: Final = (
    select(decisions.c.state)
    .where(
        decisions.c.uid == bindparam("of_uid"),
        decisions.c.recipient == bindparam("of_recipient"),
        decisions.c.state != State.STALE.value,
    )
    .order_by(decisions.c.revision.desc(), decisions.c.state == State.WITHHELD.value)
    .limit(1)
)
_AGAIN: Final = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=Place.QUEUED.value,
        overtaken=False,
        next_attempt_at=bindparam("now"),
        enqueued_at=bindparam("now"),
    )
)


@dataclass(frozen=True, slots=True)
class Belief:
    """What one recipient should hold of one case.

    ``edition`` is the newest that arrived, 0 when none did; ``row`` is its row of the
    outbox, and ``agreement`` the one that it was made under. ``newest`` and ``state``
    are of the newest edition that there is, ``last`` is its row, and ``reason`` is what
    its last attempt ended with. ``tried`` says whether anything was ever sent;
    ``receipt`` is the row of the receipt for what arrived, 0 when nothing did.
    """

    uid: str
    agreement: str
    recipient: str
    share: str
    edition: int
    row: int
    newest: int
    state: str
    reason: str
    tried: bool
    last: int
    receipt: int

    @property
    def is_newest(self) -> bool:
        """Whether nothing newer was made than what arrived."""
        return self.last == self.row

    @property
    def under_way(self) -> bool:
        """Whether an edition is waiting or being sent at this moment."""
        return self.state in (Place.QUEUED, Place.LEASED)


def believed(database: Database, recipient: str) -> tuple[Belief, ...]:
    """Return what a recipient should hold, case by case.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return tuple(_beliefs(connection, outbox.c.recipient == recipient))


def believed_again(database: Database, belief: Belief) -> Belief:
    """Return what should be held of one case by now.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return next(_beliefs(connection, _same(belief)))


def sealed_of(database: Database, belief: Belief) -> tuple[Sealed, frozenset[Loss]]:
    """Return the edition that arrived, and what was known to be lost of it.

    Raises:
        StoreError: the store cannot be read, or the row is gone.
    """
    with database.read() as connection:
        query = select(outbox).where(outbox.c.id == belief.row)
        row = connection.execute(query).mappings().first()
        losses = connection.scalar(_LOSSES, {"receipt": belief.receipt})
    if row is None:
        raise StoreError(f"the outbox has no row {belief.row} any more")
    return sealed_in(row), frozenset(
        Loss(*loss) for loss in loads((losses or "[]").encode())
    )


def queue_again(
    database: Database, belief: Belief, by: str, because: str, at: datetime
) -> str:
    """Queue the edition that arrived once more; return why not, if it may not be.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        now = next(_beliefs(connection, _same(belief)))
        query = select(*_COLUMNS).where(outbox.c.id == now.row).with_for_update()
        row = connection.execute(query).mappings().first()
        of = {"of_uid": belief.uid, "of_recipient": belief.recipient}
        problem = _not_again(now, connection.scalar(_DECIDED, of) or "")
        if problem or row is None:
            return problem or "its sealed bytes are gone"
        connection.execute(_AGAIN, {"row": now.row, "now": millis(at)})
        facts = delivery_facts(row, REPAIR, "") | {"by": by, "because": because}
        links.add("delivery", facts)
        links.write()
    return ""


def _not_again(belief: Belief, decided: str) -> str:
    """Say why an edition may not be sent once more; nothing when it may."""
    if belief.under_way:
        return "an edition is on its way already"
    if not belief.edition:
        return "no edition ever arrived; see `besa outbox list`"
    if belief.state == Place.FAILED and not belief.is_newest:
        return f"edition {belief.newest} failed; `besa outbox retry` sends it"
    if not belief.is_newest:
        return f"edition {belief.newest} was decided and overtaken; publish a revision"
    if decided and decided not in _SHAREABLE:
        return f"its newest revision is {decided}: it may not be sent again"
    return ""


def _same(belief: Belief) -> Any:
    return (outbox.c.uid == belief.uid) & (outbox.c.recipient == belief.recipient)


def _beliefs(connection: Connection, which: Any) -> Iterator[Belief]:
    rows = connection.execute(_rows(which)).mappings()
    for _, group in groupby(rows, key=lambda row: (row["uid"], row["recipient"])):
        yield _belief(list(group))


def _rows(which: Any) -> Select[Any]:
    got, receipt = _GOT.subquery(), receipts.alias("receipt")
    same = (got.c.uid == outbox.c.uid) & (got.c.recipient == outbox.c.recipient)
    arrived = (receipt.c.agreement == outbox.c.agreement) & (
        receipt.c.edition == outbox.c.edition
    )
    return (
        select(*_COLUMNS, arrived.label("arrived"), got.c.receipt)
        .select_from(
            outbox.outerjoin(got, same).outerjoin(
                receipt, receipt.c.id == got.c.receipt
            )
        )
        .where(which)
        .order_by(outbox.c.uid, outbox.c.recipient, outbox.c.id)
    )


def _belief(rows: Iterable[Any]) -> Belief:
    editions = list(rows)
    last = editions[-1]
    arrived = [row for row in editions if row["arrived"]]
    there = arrived[-1] if arrived else last
    # A repaired edition may wait once more although it is not the newest.
    waiting = next(
        (row for row in editions if row["state"] in (Place.QUEUED, Place.LEASED)), last
    )
    return Belief(
        last["uid"],
        there["agreement"],
        last["recipient"],
        there["share"],
        there["edition"] if arrived else 0,
        there["id"],
        last["edition"],
        waiting["state"],
        waiting["last_reason"],
        any(row["attempts"] for row in editions),
        last["id"],
        last["receipt"] or 0,
    )
