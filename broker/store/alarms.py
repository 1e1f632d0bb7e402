"""Alarms: what a person must look at, once per cause however often it happens.

Invariant: an alarm names places and rules, never a value of an incident.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, update

from broker.store.tables import alarms

_LONGEST_PLACE: Final = 512

_AGAIN = (
    update(alarms)
    .where(
        alarms.c.kind == bindparam("of_kind"), alarms.c.place == bindparam("of_place")
    )
    .values(last_at=bindparam("now"), text=bindparam("words"), times=alarms.c.times + 1)
)
_ADD = insert(alarms)


def raise_alarm(
    connection: Connection, kind: str, place: str, text: str, at: int
) -> bool:
    """Raise an alarm, or count it once more; return whether it is new."""
    place = place[:_LONGEST_PLACE]
    again = connection.execute(
        _AGAIN, {"of_kind": kind, "of_place": place, "now": at, "words": text}
    )
    if again.rowcount:
        return False
    first = {
        "kind": kind,
        "place": place,
        "first_at": at,
        "last_at": at,
        "times": 1,
        "text": text,
    }
    connection.execute(_ADD, [first])
    return True


def end_alarm(connection: Connection, kind: str, place: str) -> None:
    """Remove an alarm whose cause is over."""
    connection.execute(
        delete(alarms).where(
            alarms.c.kind == kind, alarms.c.place == place[:_LONGEST_PLACE]
        )
    )
