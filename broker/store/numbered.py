"""The numbers of a case's editions: each is higher than all before it.

New rows of the outbox -> nothing, or an error that refuses the whole transaction.

Adapters and recipients refuse an edition that is older than what they have. So a number
that is not the highest would be lost, and one that is there twice would make two
different documents the same. The tables cannot say it: an older Besa numbered anew
under each agreement, and its rows stay as they were sealed.

Invariant: of one incident at one recipient, no edition is stored whose number is not
higher than every one before, whichever agreement they were made under. Whoever asks has
locked the register's head, so that nobody adds one meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from broker.errors import StoreError
from broker.store.tables import editions

_MANY: Final = 500
_HIGHEST = (
    select(editions.c.uid, editions.c.recipient, func.max(editions.c.number).label("n"))
    .where(editions.c.uid.in_(bindparam("uids", expanding=True)))
    .group_by(editions.c.uid, editions.c.recipient)
)


def refuse_outdated(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows that rest on an old history of their case.

    Raises:
        StoreError: a number is not higher than all before it; nothing may be stored.
    """
    uids = sorted({row["uid"] for row in rows})
    highest: dict[tuple[str, str], int] = {}
    for start in range(0, len(uids), _MANY):
        part = {"uids": uids[start : start + _MANY]}
        for found in connection.execute(_HIGHEST, part):
            highest[found.uid, found.recipient] = found.n
    for row in rows:
        case = (row["uid"], row["recipient"])
        if row["edition"] <= highest.get(case, 0):
            raise StoreError("a newer edition of an incident was stored meanwhile")
        highest[case] = row["edition"]
