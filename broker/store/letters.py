"""Dead letters as the store keeps them: where each stood, and what is wrong with it.

Rows of `dead_letters` -> records; a row ends when its message was published again.

Invariant: a row goes only together with a link in the register that says who published
the message again, and where it stands now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from broker.errors import StoreError
from broker.model.intake import DeadLetter, Position
from broker.store.connect import Database
from broker.store.register import Links, moment
from broker.store.tables import dead_letters


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter with its number and when it was refused."""

    id: int
    letter: DeadLetter
    at: datetime


def listed(database: Database, *, most: int = 1000) -> tuple[StoredLetter, ...]:
    """Return the oldest dead letters.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(dead_letters).order_by(dead_letters.c.id).limit(most)
    with database.read() as connection:
        return tuple(_letter(row) for row in connection.execute(query).mappings())


def shown(database: Database, number: int) -> StoredLetter | None:
    """Return one dead letter, if there is one.

    Raises:
        StoreError: the store cannot be read.
    """
    query = select(dead_letters).where(dead_letters.c.id == number)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    return _letter(row) if row else None


def replayed(
    database: Database, stored: StoredLetter, by: str, now_at: str, at: datetime
) -> None:
    """Note that a dead letter was published again, and stop counting it.

    Raises:
        StoreError: it is not there any more; somebody else was faster.
    """
    with database.write() as connection:
        links = Links(connection, at)
        gone = connection.execute(
            delete(dead_letters).where(dead_letters.c.id == stored.id)
        )
        if not gone.rowcount:
            raise StoreError(f"there is no dead letter {stored.id} any more")
        links.add(
            "replay",
            {
                "position": str(stored.letter.position),
                "sha256": stored.letter.sha256,
                "by": by,
                "again_at": now_at,
            },
        )
        links.write()


def _letter(row: Mapping[Any, Any]) -> StoredLetter:
    position = Position(row["source"], row["topic"], row["partition"], row["offset"])
    letter = DeadLetter(
        position,
        row["path"],
        row["problem"],
        row["advice"],
        row["sha256"],
        row["size"],
    )
    return StoredLetter(row["id"], letter, moment(row["at"]))
