"""How many attempts a recipient gets within any minute, by all dispatchers together.

A recipient, its limit and a moment -> whether one more attempt may begin. Attempts are
counted when they are leased, in the same transaction.

Invariant: of two dispatchers that ask at the same moment, the second counts what the
first has begun: whoever takes an attempt has locked the recipient's lane before it
counts. Clocks of machines may differ by less than a minute; beyond that, a dispatcher
does not count what another one began in its future.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from broker.store.tables import attempts

_MINUTE: Final = 60_000
_KEPT: Final = 10 * _MINUTE  # longer than clocks differ
_COUNT = select(func.count()).where(
    attempts.c.recipient == bindparam("lane"),
    attempts.c.at > bindparam("since"),
    attempts.c.at <= bindparam("until"),
)
_BEGIN = insert(attempts)
_FORGET = delete(attempts).where(
    attempts.c.recipient == bindparam("lane"), attempts.c.at <= bindparam("before")
)


def allows(connection: Connection, lane: str, per_minute: int, now: int) -> bool:
    """Say whether one more attempt may begin; a limit of 0 is none."""
    if not per_minute:
        return True
    window = {"lane": lane, "since": now - _MINUTE, "until": now + _MINUTE}
    return (connection.scalar(_COUNT, window) or 0) < per_minute


def note(connection: Connection, lane: str, per_minute: int, now: int) -> None:
    """Count an attempt that begins."""
    if per_minute:
        connection.execute(_FORGET, {"lane": lane, "before": now - _KEPT})
        connection.execute(_BEGIN, {"recipient": lane, "at": now})
