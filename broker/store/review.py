"""How a held share ends: approved and released, dropped, or held again.

Each of these -> changed rows of `held` and `approvals`, and in the same transaction a
link of the register that tells by whom and why.

Invariants: an approval counts for one held share with one draft; a share that does not
wait any more is never released; its draft is emptied when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from broker.errors import StoreError
from broker.model.sharing import Share
from broker.seal import SigningKey
from broker.store import recall_orders, written
from broker.store.connect import Database
from broker.store.records import Approved
from broker.store.register import Links, millis
from broker.store.rows import Rows
from broker.store.tables import Approval, Ending, approvals, decisions, held, inbox

_WAITING = select(held).where(held.c.id == bindparam("item"), held.c.waiting)
_CHANGE = update(held).where(held.c.id == bindparam("item"))
_DECIDED = update(decisions).where(
    decisions.c.uid == bindparam("of_uid"),
    decisions.c.revision == bindparam("of_revision"),
    decisions.c.agreement == bindparam("of_agreement"),
)
_STATE = update(approvals).where(
    approvals.c.held == bindparam("item"), approvals.c.state == Approval.OPEN.value
)


def approve(database: Database, number: int, approved: Approved) -> None:
    """Add an approval; an earlier one by the same person is replaced.

    Raises:
        StoreError: the share does not wait any more, or its draft is another one.
    """
    with database.write() as connection:
        links = Links(connection, approved.at)
        row = _waiting(connection, number, approved.sha256)
        connection.execute(
            _STATE.where(approvals.c.reviewer == approved.reviewer),
            {"item": number, "state": Approval.VOID.value},
        )
        new = {
            "held": number,
            "state": Approval.OPEN.value,
            "reviewer": approved.reviewer,
            "sha256": approved.sha256,
            "at": millis(approved.at),
            "until": millis(approved.until),
            "statement": approved.statement,
            "signature": approved.signature,
        }
        connection.execute(insert(approvals), [new])
        told = {"reviewer": approved.reviewer, "signed": bool(approved.signature)}
        until = approved.until.isoformat()
        statement = {"until": until, "statement": approved.statement}
        links.add("approval", _facts(row) | told | statement)
        links.write()


def drop(
    database: Database, number: int, sha256: str, by: str, because: str, at: datetime
) -> None:
    """End a held share without sharing it.

    Raises:
        StoreError: it does not wait any more, or its draft is another one by now.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _waiting(connection, number, sha256)
        _end(connection, row, Ending.DROPPED, Approval.VOID, at)
        _note_decision(connection, row, {"state": "withheld"})
        links.add("drop", _facts(row) | {"by": by, "because": because})
        links.write()


def release(
    database: Database,
    number: int,
    share: Share,
    rulebook: str,
    by: Iterable[str],
    at: datetime,
    key: SigningKey,
) -> None:
    """Queue a share that was held, now that it is sealed.

    Args:
        database: the store.
        number: of the held share.
        share: what the path made of the incident just now, sealed.
        rulebook: digest of the rulebook that it was made under.
        by: who approved it; nobody when an embargo ended.
        at: now.
        key: signs the register afterwards.

    Raises:
        StoreError: it does not wait any more; nothing was stored.
    """
    by = tuple(by)
    with database.write() as connection:
        rows = Rows(connection, at)
        row = _waiting(connection, number)
        if _newest_of(connection, row["uid"]) != row["revision"]:
            raise StoreError("a newer revision of this incident was decided")
        # The agreement in force lets it out, although it was held under an earlier one.
        name = share.decision.agreement
        told = {"rulebook": rulebook, "by": list(by), "agreement": name}
        rows.release(row["uid"], share, _facts(row) | told)
        _end(connection, row, Ending.RELEASED, Approval.USED, at)
        number_of = share.edition.number if share.edition else None
        _note_decision(connection, row, {"state": "queued", "edition": number_of})
        rows.write(key)
        recall_orders.lifted(connection, share, row["uid"], ", ".join(by), at)


def hold_again(
    database: Database,
    number: int,
    share: Share,
    rulebook: str,
    at: datetime,
    until: datetime | None,
) -> None:
    """Replace the draft of a held share, and end the approvals of the old one.

    ``until`` is when it goes out by itself, if nothing but time holds it.

    Raises:
        StoreError: it does not wait any more.
    """
    draft = written.draft_columns(share)
    why = written.reason(share, until)
    time = {"embargo_until": None if until is None else millis(until)}
    new = {"why": why, "rulebook": rulebook, **time, **draft}
    told = {"why": why, "rulebook": rulebook, "draft_sha256": draft["sha256"]}
    _stays(database, number, new, told, at)


def refuse(database: Database, number: int, note: str, at: datetime) -> None:
    """Note why a held share cannot be released, and end its approvals.

    Raises:
        StoreError: it does not wait any more.
    """
    new = {"note": note, "embargo_until": None}
    _stays(database, number, new, {"why": note}, at)


def _stays(
    database: Database,
    number: int,
    new: Mapping[str, Any],
    told: Mapping[str, Any],
    at: datetime,
) -> None:
    with database.write() as connection:
        links = Links(connection, at)
        row = _waiting(connection, number)
        connection.execute(_CHANGE.values({"note": "", **new}), {"item": number})
        connection.execute(_STATE, {"item": number, "state": Approval.VOID.value})
        links.add("held again", {**_facts(row), **told})
        links.write()


def remark(database: Database, number: int, note: str) -> None:
    """Say beside a held share what its release waits for; approvals stay.

    Raises:
        StoreError: the store cannot be written.
    """
    with database.write() as connection:
        connection.execute(_CHANGE.values(note=note), {"item": number})


def void(database: Database, number: int, ids: Mapping[int, str], at: datetime) -> None:
    """End approvals that do not count; ``ids`` tells why, by the approval's number.

    Raises:
        StoreError: the share does not wait any more.
    """
    with database.write() as connection:
        links = Links(connection, at)
        row = _waiting(connection, number)
        for one, why in sorted(ids.items()):
            this = _STATE.where(approvals.c.id == one)
            gone = {"item": number, "state": Approval.VOID.value}
            if connection.execute(this, gone).rowcount:
                links.add("approval void", _facts(row) | {"approval": one, "why": why})
        note = "; ".join(ids[one] for one in sorted(ids))
        connection.execute(_CHANGE.values(note=note), {"item": number})
        links.write()


def _waiting(
    connection: Connection, number: int, sha256: str | None = None
) -> Mapping[Any, Any]:
    query = _WAITING.with_for_update()
    row = connection.execute(query, {"item": number}).mappings().first()
    if row is None:
        raise StoreError(f"held share {number} does not wait any more")
    if sha256 is not None and row["sha256"] != sha256:
        raise StoreError(f"held share {number} has another draft by now; look again")
    return row


def _newest_of(connection: Connection, uid: str) -> int | None:
    query = select(func.max(inbox.c.revision)).where(inbox.c.uid == uid)
    newest: int | None = connection.scalar(query)
    return newest


def _end(
    connection: Connection,
    row: Mapping[Any, Any],
    ending: Ending,
    approval: Approval,
    at: datetime,
) -> None:
    change = {
        "waiting": False,
        "body": b"",
        "note": "",
        "ended": ending.value,
        "ended_at": millis(at),
    }
    connection.execute(_CHANGE.values(change), {"item": row["id"]})
    connection.execute(_STATE, {"item": row["id"], "state": approval.value})


def _note_decision(
    connection: Connection, row: Mapping[Any, Any], change: Mapping[str, Any]
) -> None:
    of = {
        "of_uid": row["uid"],
        "of_revision": row["revision"],
        "of_agreement": row["agreement"],
    }
    connection.execute(_DECIDED.values(dict(change)), of)


def _facts(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what every link about a held share tells."""
    return {
        "uid": row["uid"],
        "revision": row["revision"],
        "agreement": row["agreement"],
        "recipient": row["recipient"],
        "draft_sha256": row["sha256"],
    }
