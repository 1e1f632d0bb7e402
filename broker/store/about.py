"""Whom a person's word about an incident is about: recipients, not agreements.

A case is one thing at its recipient, whichever agreement was in force when it was
shared. So who names an agreement means whoever got the case by it, then and afterwards:
what was taken back under an agreement stays taken back when that agreement is renewed
under another name.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from broker.store.connect import Database
from broker.store.tables import decisions

_DECIDED: Final = (
    select(decisions.c.recipient, decisions.c.agreement)
    .where(decisions.c.uid == bindparam("uid"))
    .distinct()
)


def decided_for(database: Database, uid: str) -> frozenset[tuple[str, str]]:
    """Return the recipients and agreements that an incident was decided for.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        return _decided(connection, uid)


def concerned(
    database: Database, uid: str, recipient: str, agreement: str
) -> frozenset[str] | None:
    """Return the recipients that a word about an incident is about; None for all.

    Raises:
        StoreError: the store cannot be read.
    """
    if not (recipient or agreement):
        return None
    with database.read() as connection:
        return recipients(connection, uid, recipient, agreement)


def recipients(
    connection: Connection, uid: str, recipient: str, agreement: str
) -> frozenset[str]:
    """Return the recipients that a word is about; an empty name stands for all.

    A word that names no agreement is about the recipient that it names, and one that
    names neither about nobody in particular: then nothing is returned.
    """
    if not agreement:
        return frozenset({recipient} if recipient else ())
    return frozenset(
        to
        for to, name in _decided(connection, uid)
        if name == agreement and recipient in ("", to)
    )


def _decided(connection: Connection, uid: str) -> frozenset[tuple[str, str]]:
    rows = connection.execute(_DECIDED, {"uid": uid})
    return frozenset((row.recipient, row.agreement) for row in rows)
