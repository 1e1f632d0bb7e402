"""The vault's rows: put in with the share that was queued, found by a digest, purged.

`Deposit`s -> rows of `vault` and back. Nothing here can read a value.

Invariants: one pseudonym has one row per key of the vault, kept for as long as the
longest-kept share that it stands in; what is past its time is found by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from broker.model.reveal import Deposit
from broker.store.connect import Database
from broker.store.many import add_many
from broker.store.register import Links, millis, moment
from broker.store.reveal_tables import vault

_MANY: Final = 500  # how many one question may name; SQLite allows 32,766 parameters
_THERE = select(vault.c.recipient, vault.c.epoch, vault.c.index, vault.c.until).where(
    vault.c.index.in_(bindparam("indexes", expanding=True))
)
_KEEP = (
    update(vault)
    .where(
        vault.c.recipient == bindparam("of_recipient"),
        vault.c.epoch == bindparam("of_epoch"),
        vault.c.index == bindparam("of_index"),
    )
    .values(until=bindparam("new_until"))
)
_EXPIRED = vault.c.until <= bindparam("now")


def add(connection: Connection, deposits: Sequence[Deposit], at: int) -> None:
    """Store what is locked away, within the transaction that queues its share."""
    if not deposits:
        return
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    for one in deposits:
        row = _row(one, at)
        known = rows.setdefault(_key(row), row)
        known["until"] = max(known["until"], row["until"])
    longer = []
    for recipient, epoch, index, until in _there(connection, rows):
        row = rows.pop((recipient, epoch, index))
        if row["until"] > until:
            longer.append(
                {
                    "of_recipient": recipient,
                    "of_epoch": epoch,
                    "of_index": index,
                    "new_until": row["until"],
                }
            )
    if longer:
        connection.execute(_KEEP, longer)
    add_many(connection, vault, list(rows.values()))


def _there(
    connection: Connection, rows: Iterable[tuple[str, int, str]]
) -> list[tuple[str, int, str, int]]:
    wanted = set(rows)
    indexes = sorted({index for _, _, index in wanted})
    found = []
    for start in range(0, len(indexes), _MANY):
        part = {"indexes": indexes[start : start + _MANY]}
        for row in connection.execute(_THERE, part):
            recipient, epoch, index, until = row
            if (recipient, epoch, index) in wanted:
                found.append((recipient, epoch, index, until))
    return found


def _key(row: dict[str, Any]) -> tuple[str, int, str]:
    return row["recipient"], row["epoch"], row["index"]


def _row(one: Deposit, at: int) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "epoch": one.epoch,
        "index": one.index,
        "number": one.number,
        "field": one.field,
        "agreement": one.agreement,
        "until": at + _millis_of(one.kept_for),
        "box": one.box,
    }


def _millis_of(span: timedelta) -> int:
    """Return a span of time as the store counts it."""
    return round(span.total_seconds() * 1000)


def find(
    database: Database,
    recipient: str,
    epoch: int,
    indexes: Sequence[str],
    now: datetime,
) -> Deposit | None:
    """Return what is locked away at the first of some places; nothing if none is.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(vault).where(
        vault.c.recipient == recipient,
        vault.c.epoch == epoch,
        vault.c.index.in_(indexes),
        vault.c.until > millis(now),
    )
    with database.read() as connection:
        rows = {row["index"]: row for row in connection.execute(query).mappings()}
    for index in indexes:
        if index in rows:
            row = rows[index]
            return Deposit(
                row["recipient"],
                row["epoch"],
                row["index"],
                row["number"],
                row["field"],
                row["agreement"],
                moment(row["until"]) - now,
                row["box"],
            )
    return None


def purge(database: Database, at: datetime) -> int:
    """Delete what is past its time; return how many rows.

    Raises:
        StoreError: the store refused; nothing was deleted.
    """
    now = {"now": millis(at)}
    with database.read() as connection:
        if not connection.scalar(select(vault.c.until).where(_EXPIRED).limit(1), now):
            return 0
    with database.write() as connection:
        if connection.dialect.name == "sqlite":
            # What was deleted is overwritten, and not only forgotten.
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        links = Links(connection, at)
        gone = connection.execute(delete(vault).where(_EXPIRED), now).rowcount
        links.add("reveal purge", {"values": gone})
        links.write()
    return gone
