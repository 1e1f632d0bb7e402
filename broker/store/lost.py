"""What recipients' systems did not keep as it was sent, counted by sort.

The newest receipts -> how often each sort of loss happened. Sorts are fixed phrases.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import Connection, select

from broker.canonical import loads
from broker.store.tables import receipts

# Enough to see what goes wrong now, and as fast in a store of ten years.
_LOOKED_AT: Final = 10_000
_NOTHING: Final = "[]"
_NEWEST = select(receipts.c.losses).order_by(receipts.c.id.desc()).limit(_LOOKED_AT)


def lost(connection: Connection) -> dict[str, int]:
    """Return how many losses of each sort the newest 10,000 receipts tell of."""
    newest = _NEWEST.subquery()
    query = select(newest.c.losses).where(newest.c.losses != _NOTHING)
    counted = Counter(
        str(what)
        for losses in connection.scalars(query)
        for _, what in loads(losses.encode())
    )
    return dict(sorted(counted.items()))
