"""What an operator sees and does in the outbox: look, retry, hold, drop.

A row's number -> `Waiting`; a person's name and reason -> a change of that row and its
link in the register, in one transaction.

Invariants: no change without a link that says who and why; what a worker sends at this
moment is not touched; what takes something back, the whole or a part, is never dropped,
because that would stay where it is; nothing that was overtaken is queued again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select, update
from sqlalchemy.engine import RowMapping

from broker.errors import StoreError
from broker.model.sharing import ReceiptState
from broker.store.connect import Database
from broker.store.ended import Ended, delivery_facts
from broker.store.less import lost
from broker.store.many import add_many
from broker.store.register import Links, millis, moment
from broker.store.tables import Place, outbox, receipts

# Far beyond every wait, and a date that everything can print: 9999-01-01.
NEVER: Final = 253_370_764_800_000
HELD: Final = "held"
"""How a row is called that waits for an operator, whatever its next attempt was."""

_COLUMNS: Final = tuple(column for column in outbox.c if column.name != "body")
_ONE = select(*_COLUMNS).where(outbox.c.id == bindparam("row"))
_BODY = select(outbox.c.body).where(outbox.c.id == bindparam("row"))
_CASE = (outbox.c.uid == bindparam("uid"), outbox.c.recipient == bindparam("to"))
# What may be there: delivered, or tried, because a part of it may have arrived. The
# newest first; what was delivered replaced everything before it.
_REACHED = (
    select(outbox.c.state, outbox.c.retracts, outbox.c.body)
    .where(
        *_CASE,
        outbox.c.id < bindparam("row"),
        or_(outbox.c.state == Place.DELIVERED.value, outbox.c.attempts > 0),
    )
    .order_by(outbox.c.id.desc())
)
_NEWER = (
    select(outbox.c.id)
    .where(
        *_CASE,
        outbox.c.id > bindparam("row"),
        outbox.c.state.in_([Place.QUEUED.value, Place.LEASED.value]),
    )
    .limit(1)
)
_CHANGE = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        state=bindparam("place"),
        next_attempt_at=bindparam("later"),
        last_reason=bindparam("reason"),
        overtaken=bindparam("over"),
    )
)
_RENEW = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(enqueued_at=bindparam("now"))
)


class RowError(StoreError):
    """There is no such row, or it is in no state for this; the text says which."""


class KeptError(RowError):
    """An edition may not be dropped; the text says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the outbox, without its body.

    ``state`` is a `Place`, or ``held``. ``next_attempt_at`` is set while it is queued.
    """

    id: int
    uid: str
    agreement: str
    recipient: str
    edition: int
    state: str
    overtaken: bool
    retracts: bool
    attempts: int
    enqueued_at: datetime
    next_attempt_at: datetime | None
    last_reason: str
    share: str
    wire: str
    sha256: str
    rulebook: str


def listed(
    database: Database,
    *,
    recipient: str = "",
    states: Sequence[str] = (),
    most: int = 1000,
) -> tuple[Waiting, ...]:
    """Return rows of the outbox, oldest first; without states, what is not finished.

    Not finished are: queued, leased, held, and failed but not overtaken.

    Raises:
        StoreError: the store cannot be read.
    """
    wanted = set(states)
    query = select(*_COLUMNS).order_by(outbox.c.id).limit(most)
    if recipient:
        query = query.where(outbox.c.recipient == recipient)
    held = outbox.c.next_attempt_at >= NEVER
    queued = outbox.c.state == Place.QUEUED.value
    if wanted:
        chosen: ColumnElement[bool] = outbox.c.state.in_(
            wanted - {Place.QUEUED.value, HELD}
        )
        if Place.QUEUED.value in wanted:
            chosen |= queued & ~held
        if HELD in wanted:
            chosen |= queued & held
        query = query.where(chosen)
    else:
        open_ = (Place.QUEUED.value, Place.LEASED.value, Place.FAILED.value)
        failed_for_good = (outbox.c.state == Place.FAILED.value) & outbox.c.overtaken
        query = query.where(outbox.c.state.in_(open_), ~failed_for_good)
    with database.read() as connection:
        return tuple(_waiting(row) for row in connection.execute(query).mappings())


def shown(database: Database, number: int) -> tuple[Waiting, bytes] | None:
    """Return one row and its sealed bytes, if there is one.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(outbox).where(outbox.c.id == number)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    return (_waiting(row), row["body"]) if row else None


def retry(
    database: Database, number: int, by: str, because: str, at: datetime
) -> Waiting:
    """Let one edition go out at the next turn: failed, held or waiting for a retry.

    Raises:
        StoreError: it is finished, under way, or something newer was decided.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _found(connection, number)
        if row["state"] not in (Place.FAILED.value, Place.QUEUED.value):
            raise RowError(_cannot(row, "tried again"))
        if row["overtaken"]:
            raise RowError(
                f"row {number} cannot be tried again: it was dropped, or something "
                "newer was decided"
            )
        _change(connection, row, Place.QUEUED, millis(at), row["last_reason"])
        connection.execute(_RENEW, {"row": number, "now": millis(at)})
        links.add(
            "delivery", delivery_facts(row, "queued again", "") | _who(by, because)
        )
        links.write()
        return _waiting(_found(connection, number))


def hold(
    database: Database, number: int, by: str, because: str, at: datetime
) -> Waiting:
    """Keep one edition from going out until somebody retries or drops it.

    A newer edition of the incident supersedes it, and is not held.

    Raises:
        StoreError: it is not queued, or under way.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _found(connection, number)
        if row["state"] != Place.QUEUED.value:
            raise RowError(_cannot(row, "held"))
        _change(connection, row, Place.QUEUED, NEVER, f"held by {by}: {because}")
        links.add("delivery", delivery_facts(row, HELD, "") | _who(by, because))
        links.write()
        return _waiting(_found(connection, number))


def drop(
    database: Database, number: int, by: str, because: str, at: datetime
) -> Waiting:
    """End one edition without sending it; it cannot be tried again.

    Raises:
        KeptError: it takes something back, be it only a part of what the recipient may
            have.
        StoreError: it is finished or under way.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _found(connection, number)
        if row["state"] not in (Place.QUEUED.value, Place.FAILED.value):
            raise RowError(_cannot(row, "dropped"))
        if row["retracts"]:
            raise KeptError(
                f"row {number} takes something back and cannot be dropped: what "
                f"{row['recipient']} has would stay there. {_instead(row)}"
            )
        if _takes_back_a_part(connection, row):
            recall = f"besa recall {row['uid']} --recipient {row['recipient']}"
            raise KeptError(
                f"row {number} shows less than {row['recipient']} may have and cannot "
                "be dropped: what it corrects or leaves out would stay there. "
                f"{_instead(row)}, or take the whole case back: `{recall}`"
            )
        why = f"dropped by {by}: {because}"
        _change(connection, row, Place.FAILED, 0, why, overtaken=True)
        ended = Ended(row, ReceiptState.FAILED, millis(at), reason=why)
        add_many(connection, receipts, [ended.receipt()])
        links.add("delivery", ended.facts() | _who(by, because))
        links.write()
        return _waiting(_found(connection, number))


def _instead(row: RowMapping) -> str:
    number = row["id"]
    return f"Let it go: `besa outbox retry {number}`; wait: `besa outbox hold {number}`"


def _takes_back_a_part(connection: Connection, row: RowMapping) -> bool:
    """Say whether the recipient may have something that an edition shows no more.

    Not if something newer is on its way, which takes that back itself.
    """
    case = {"uid": row["uid"], "to": row["recipient"], "row": row["id"]}
    if row["overtaken"] and connection.scalar(_NEWER, case) is not None:
        return False
    body = connection.scalar(_BODY, {"row": row["id"]}) or b""
    for there in connection.execute(_REACHED, case):
        # What an earlier edition has taken back whole is not there any more.
        if there.retracts and there.state == Place.DELIVERED.value:
            return False
        if not there.retracts and lost(there.body, body):
            return True
        if there.state == Place.DELIVERED.value:
            return False
    return False


def _found(connection: Connection, number: int) -> RowMapping:
    query = _ONE.with_for_update()
    row = connection.execute(query, {"row": number}).mappings().first()
    if row is None:
        raise RowError(f"the outbox has no row {number}")
    return row


def _change(
    connection: Connection,
    row: RowMapping,
    place: Place,
    later: int,
    reason: str,
    *,
    overtaken: bool = False,
) -> None:
    change = {
        "row": row["id"],
        "place": place.value,
        "later": later,
        "reason": reason,
        "over": overtaken,
    }
    connection.execute(_CHANGE, change)


def _cannot(row: RowMapping, done: str) -> str:
    place = "being sent just now" if row["state"] == Place.LEASED else row["state"]
    return f"row {row['id']} cannot be {done}: it is {place}"


def _who(by: str, because: str) -> dict[str, str]:
    return {"by": by, "because": because}


def _waiting(row: RowMapping) -> Waiting:
    queued = row["state"] == Place.QUEUED.value
    held = queued and row["next_attempt_at"] >= NEVER
    return Waiting(
        row["id"],
        row["uid"],
        row["agreement"],
        row["recipient"],
        row["edition"],
        HELD if held else row["state"],
        row["overtaken"],
        row["retracts"],
        row["attempts"],
        moment(row["enqueued_at"]),
        moment(row["next_attempt_at"]) if queued and not held else None,
        row["last_reason"],
        row["share"],
        row["wire"],
        row["sha256"],
        row["rulebook"],
    )
