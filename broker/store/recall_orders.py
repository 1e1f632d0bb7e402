"""Who said that an incident is taken back, and what of it still lies at a recipient.

A person's word -> a row of `recall_orders` and a link in the register; later the
consuming process brings the editions that take back, and they are stored in one
transaction with the note that the word was followed.

Orders only come in addition, and the newest that fits counts: a recall keeps newer
revisions back until somebody lifts it, or two people release one.

Invariants: a word and its link are stored together; the register holds no free text,
only a digest of it with a random number, so that nobody can guess it from there; an
approval that was given before a recall does not count after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from broker.canonical import sha256_hex
from broker.errors import StoreError
from broker.model.decision import RECALLED
from broker.model.sharing import History, Recalled, Share, State
from broker.seal import SigningKey
from broker.store import about
from broker.store.alarms import end_alarm
from broker.store.connect import Database
from broker.store.recalls import Cause
from broker.store.register import Links, millis, moment
from broker.store.rows import Rows
from broker.store.stop import stop_unsent
from broker.store.tables import (
    Approval,
    alarms,
    approvals,
    held,
    recall_findings,
    recall_orders,
)

FAILED_ALARM: Final = "recall-failed"
"""The kind of alarm about what should be taken back and could not be."""
NEEDS_A_PERSON: Final = "needs a person"
"""What is found of a share that nobody but a person can decide about."""
_LONGEST_BY: Final = 64
_LONGEST_WORDS: Final = 1_000


class Kind(StrEnum):
    """What somebody asked for."""

    RECALL = "recall"  # take back, and keep newer revisions back
    LIFT = "lift"  # newer revisions are decided by the rules again
    TIGHTENED = "tightened"  # take back what the rules in force do not share
    LOOK = "look"  # the same, but only say what it would be


@dataclass(frozen=True, slots=True)
class Order:
    """A person's word. Empty ``uid``, ``recipient`` or ``agreement`` stand for all.

    ``because`` is free text: show it to the CSIRT's own people only. ``note`` says what
    following it waits for.
    """

    id: int
    kind: Kind
    uid: str
    recipient: str
    agreement: str
    by: str
    because: str
    at: datetime
    done_at: datetime | None
    note: str

    def fits(self, recipient: str, agreement: str) -> bool:
        """Say whether it is about a recipient's agreement."""
        return self.recipient in ("", recipient) and self.agreement in ("", agreement)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look for narrower policies found of one share; never a value."""

    uid: str
    agreement: str
    recipient: str
    what: str
    because: str


_SAID = (
    select(recall_orders)
    .where(
        recall_orders.c.uid.in_(bindparam("uids", expanding=True)),
        recall_orders.c.kind.in_([Kind.RECALL.value, Kind.LIFT.value]),
    )
    .order_by(recall_orders.c.id)
)
_OPEN = (
    select(recall_orders)
    .where(recall_orders.c.done_at.is_(None))
    .order_by(recall_orders.c.id)
)
_ONE = update(recall_orders).where(recall_orders.c.id == bindparam("order"))


def said_of(
    connection: Connection, uids: Iterable[str]
) -> dict[str, tuple[Recalled, ...]]:
    """Return what people said of incidents, oldest first; others are left out.

    A word about an agreement is one about its recipient: there a case is one thing, and
    a successor of that agreement must not share again what was taken back.
    """
    found: dict[str, tuple[Recalled, ...]] = {}
    for row in connection.execute(_SAID, {"uids": sorted(uids)}).mappings().all():
        word = Recalled(
            row["recipient"],
            row["agreement"],
            moment(row["at"]),
            row["by"],
            row["kind"] == Kind.LIFT,
        )
        whose = about.recipients(
            connection, row["uid"], row["recipient"], row["agreement"]
        )
        words = [replace(word, recipient=to, agreement="") for to in sorted(whose)]
        found[row["uid"]] = (*found.get(row["uid"], ()), *(words or [word]))
    return found


def forbids(history: History, share: Share) -> bool:
    """Say whether a share would send what was taken back, and nobody was asked."""
    sealed, decision = share.sealed, share.decision
    if share.state is not State.QUEUED or sealed is None or sealed.retracts:
        return False
    if any(finding.clause == RECALLED for finding in decision.findings):
        return False  # people were asked, and released it
    return history.recalled_from(decision.recipient, decision.agreement) is not None


def order(
    database: Database,
    kind: Kind,
    by: str,
    because: str,
    at: datetime,
    *,
    uid: str = "",
    recipient: str = "",
    agreement: str = "",
) -> tuple[Order, bool]:
    """Store a person's word; return it, and whether it is new.

    The same word a second time is the first one, and is followed once more: that costs
    nothing where nothing is left, and helps where a recall failed.

    Raises:
        StoreError: the store cannot be written.
    """
    scope = {"uid": uid, "recipient": recipient, "agreement": agreement}
    with database.write() as connection:
        links = Links(connection, at)
        last = _last(connection, uid) if uid else None
        if last and last["kind"] == kind and scope == {n: last[n] for n in scope}:
            if kind is Kind.RECALL:
                again = {"order": last["id"], "done_at": None, "note": ""}
                connection.execute(_ONE.values(done_at=None, note=""), again)
            return _order(last), False
        row = _add(connection, links, kind, by, because, at, scope)
        if kind is Kind.RECALL:
            _void(connection, row, at)
            stop_unsent(connection, links, uid, recipient, agreement, at)
        links.write()
    return _order(row), True


def lifted(
    connection: Connection, share: Share, uid: str, by: str, at: datetime
) -> None:
    """Note that people released what was recalled: there, the recall is lifted.

    Raises:
        StoreError: it was recalled meanwhile, and nobody was asked about that.
    """
    decision = share.decision
    history = History(recalled=said_of(connection, [uid]).get(uid, ()))
    if forbids(history, share):
        raise StoreError("the incident was recalled meanwhile; look again")
    if history.recalled_from(decision.recipient, decision.agreement) is not None:
        links = Links(connection, at)
        scope = {"uid": uid, "recipient": "", "agreement": decision.agreement}
        _add(connection, links, Kind.LIFT, by, "released", at, scope)
        links.write()


def open_orders(database: Database) -> tuple[Order, ...]:
    """Return what people asked for and nobody has done yet, oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return tuple(map(_order, connection.execute(_OPEN).mappings()))


def listed(database: Database, *, uid: str = "", most: int = 100) -> tuple[Order, ...]:
    """Return the newest words of people, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(recall_orders).order_by(recall_orders.c.id.desc()).limit(most)
    if uid:
        query = query.where(recall_orders.c.uid == uid)
    with database.read() as connection:
        return tuple(map(_order, connection.execute(query).mappings()))


def take_back(
    database: Database,
    taken: Sequence[tuple[str, Share, Cause]],
    at: datetime,
    key: SigningKey,
    *,
    by: Order | None = None,
    note: str = "",
    done: bool = True,
    findings: Sequence[Finding] = (),
) -> None:
    """Queue editions that take back, and note that a person's word was followed.

    Args:
        database: the store.
        taken: an incident's uid, the sealed edition, and why.
        at: now.
        key: signs the register afterwards.
        by: whose word this is; nothing when the rules say so.
        note: what following the word still waits for.
        done: the word needs no further doing.
        findings: what people are told besides.

    Raises:
        StoreError: a newer edition was stored meanwhile, or the store cannot be
            written; nothing was stored.
    """
    with database.write() as connection:
        rows = Rows(connection, at)
        for uid, share, cause in taken:
            decision = share.decision
            told = {
                "uid": uid,
                "agreement": decision.agreement,
                "recipient": decision.recipient,
                "clauses": list(decision.clauses),
                "rulebook": share.sealed.rulebook if share.sealed else "",
                "order": by.id if by else None,
            }
            rows.recall(uid, share, cause, by.by if by else "", told)
            end_alarm(connection, FAILED_ALARM, f"{uid} {decision.agreement}")
        if by is not None:
            change = {"done_at": millis(at) if done else None, "note": note}
            connection.execute(_ONE.values(**change), {"order": by.id})
            _find(connection, by.id, findings)
        rows.write(key)


def findings(database: Database, number: int) -> tuple[Finding, ...]:
    """Return what following an order has found so far.

    Raises:
        StoreError: the store cannot be read.
    """
    query = (
        select(recall_findings)
        .where(recall_findings.c.order_id == number)
        .order_by(recall_findings.c.uid, recall_findings.c.agreement)
    )
    with database.read() as connection:
        return tuple(
            Finding(row.uid, row.agreement, row.recipient, row.what, row.because)
            for row in connection.execute(query)
        )


def _find(connection: Connection, number: int, found: Sequence[Finding]) -> None:
    """Store findings; a process that died may have stored some of them before."""
    for each in found:
        same = (
            recall_findings.c.order_id == number,
            recall_findings.c.uid == each.uid,
            recall_findings.c.agreement == each.agreement,
        )
        connection.execute(delete(recall_findings).where(*same))
        connection.execute(
            insert(recall_findings), {"order_id": number, **asdict(each)}
        )


def calm(database: Database, uid: str) -> None:
    """End alarms about an incident of which nothing is left to be taken back.

    Raises:
        StoreError: the store cannot be written.
    """
    about = alarms.c.place.startswith(f"{uid} ", autoescape=True)
    with database.write() as connection:
        connection.execute(delete(alarms).where(alarms.c.kind == FAILED_ALARM, about))


def _last(connection: Connection, uid: str) -> RowMapping | None:
    query = (
        select(recall_orders)
        .where(recall_orders.c.uid == uid)
        .order_by(recall_orders.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).mappings().first()


def _add(
    connection: Connection,
    links: Links,
    kind: Kind,
    by: str,
    because: str,
    at: datetime,
    scope: Mapping[str, str],
) -> dict[str, Any]:
    salt, words = secrets.token_hex(16), because[:_LONGEST_WORDS]
    row: dict[str, Any] = {
        "kind": kind.value,
        **scope,
        "by": by[:_LONGEST_BY],
        "because": words,
        "salt": salt,
        "at": millis(at),
        # A recall is followed by the consuming process; a lift has nothing to follow.
        "done_at": millis(at) if kind is Kind.LIFT else None,
        "note": "",
    }
    made = connection.execute(insert(recall_orders).returning(recall_orders.c.id), row)
    row["id"] = made.scalar_one()
    told = {name: row[name] for name in ("kind", *scope, "by")}
    digest = sha256_hex(f"{salt} {words}".encode())
    links.add("recall order", {**told, "order": row["id"], "because_sha256": digest})
    return row


def _void(connection: Connection, order: Mapping[str, Any], at: datetime) -> None:
    """End approvals that were given before: people did not know of the recall then."""
    waiting = select(held.c.id).where(held.c.uid == order["uid"], held.c.waiting)
    said = (order["recipient"], order["agreement"])
    if any(said):
        whose = about.recipients(connection, order["uid"], *said)
        waiting = waiting.where(held.c.recipient.in_(sorted(whose)))
    items = list(connection.scalars(waiting))
    note = f"recalled on {at:%Y-%m-%d}, by {order['by']}"
    for item in items:
        connection.execute(
            update(held).where(held.c.id == item).values(note=note, embargo_until=None)
        )
        connection.execute(
            update(approvals)
            .where(approvals.c.held == item)
            .where(approvals.c.state == Approval.OPEN.value)
            .values(state=Approval.VOID.value)
        )


def _order(row: Mapping[Any, Any]) -> Order:
    done = row["done_at"]
    return Order(
        row["id"],
        Kind(row["kind"]),
        row["uid"],
        row["recipient"],
        row["agreement"],
        row["by"],
        row["because"],
        moment(row["at"]),
        None if done is None else moment(done),
        row["note"],
    )
