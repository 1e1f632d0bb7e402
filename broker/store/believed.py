"""What we believe each recipient holds, and how an edition is sent once more.

Rows of outbox, receipts and decisions -> one `Belief` per case of a recipient, without
a body; a case whose edition is gone there -> its sealed bytes queued again.

Invariants: what may not be shared any more is never queued again; nor is anything of
which a newer edition exists. That an edition is queued again, by whom and why, is a
link of the register in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_of_case: Final = receipts.alias("of_case")
# The last receipt of each case, and not the highest number: an older Besa numbered anew
# under each agreement.
_GOT: Final = (
    select(func.max(_of_case.c.id))
    .where(
        _of_case.c.uid == outbox.c.uid,
        _of_case.c.recipient == outbox.c.recipient,
        _of_case.c.state == ReceiptState.DELIVERED.value,
    )
    .scalar_subquery()
)
_ROWS: Final = (
    select(
        *_COLUMNS,
        (
            (receipts.c.agreement == outbox.c.agreement)
            & (receipts.c.edition == outbox.c.edition)
        ).label("arrived"),
        receipts.c.losses,
    )
    .select_from(outbox.outerjoin(receipts, receipts.c.id == _GOT))
    .order_by(outbox.c.uid, outbox.c.id)
)
_OF_CASE: Final = _ROWS.where(
    outbox.c.uid == bindparam("uid"), outbox.c.recipient == bindparam("recipient")
)
_OF_CASES: Final = _ROWS.where(
    outbox.c.uid.in_(bindparam("uids", expanding=True)),
    outbox.c.recipient == bindparam("recipient"),
)
_UIDS: Final = (
    select(outbox.c.uid)
    .where(outbox.c.recipient == bindparam("recipient"))
    .distinct()
    .order_by(outbox.c.uid)
)
_SHARES: Final = (
    select(outbox.c.share)
    .where(outbox.c.recipient == bindparam("recipient"))
    .distinct()
)
_SEALED: Final = select(outbox).where(
    outbox.c.id.in_(bindparam("rows", expanding=True))
)
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
    its last attempt ended with. ``tried`` says whether anything was ever sent, and
    ``losses`` what is known to be lost of what arrived.
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
    losses: frozenset[Loss]

    @property
    def is_newest(self) -> bool:
        """Whether nothing newer was made than what arrived."""
        return self.last == self.row

    @property
    def under_way(self) -> bool:
        """Whether an edition is waiting or being sent at this moment."""
        return self.state in (Place.QUEUED, Place.LEASED)


def cases(database: Database, recipient: str) -> list[str]:
    """Return the uids of all incidents of which a recipient was to get something.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return list(connection.scalars(_UIDS, {"recipient": recipient}))


def believed(
    database: Database, recipient: str, uids: Sequence[str]
) -> tuple[Belief, ...]:
    """Return what a recipient should hold of some incidents, case by case.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        of = {"recipient": recipient, "uids": uids}
        return tuple(_beliefs(connection, _OF_CASES, of))


def shares(database: Database, recipient: str) -> frozenset[str]:
    """Return the ids that a recipient knows its cases by.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return frozenset(connection.scalars(_SHARES, {"recipient": recipient}))


def believed_again(database: Database, belief: Belief) -> Belief:
    """Return what should be held of one case by now.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return _again(connection, belief)


def sealed_of(database: Database, beliefs: Iterable[Belief]) -> dict[Belief, Sealed]:
    """Return the editions that arrived; of a case of which none did, nothing.

    Raises:
        StoreError: the store cannot be read, or a row is gone.
    """
    wanted = {belief.row: belief for belief in beliefs if belief.edition}
    with database.read() as connection:
        found = connection.execute(_SEALED, {"rows": sorted(wanted)}).mappings()
        sealed = {wanted[row["id"]]: sealed_in(row) for row in found}
    for row in wanted.keys() - {belief.row for belief in sealed}:
        raise StoreError(f"the outbox has no row {row} any more")
    return sealed


def queue_again(
    database: Database, belief: Belief, by: str, because: str, at: datetime
) -> str:
    """Queue the edition that arrived once more; return why not, if it may not be.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        links = Links(connection, at)
        now = _again(connection, belief)
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


def _again(connection: Connection, belief: Belief) -> Belief:
    of = {"uid": belief.uid, "recipient": belief.recipient}
    return next(_beliefs(connection, _OF_CASE, of))


def _beliefs(
    connection: Connection, question: Select[Any], of: Mapping[str, Any]
) -> Iterator[Belief]:
    rows = connection.execute(question, of).mappings()
    for _, group in groupby(rows, key=lambda row: row["uid"]):
        yield _belief(list(group))


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
        frozenset(Loss(*loss) for loss in loads((last["losses"] or "[]").encode())),
    )
