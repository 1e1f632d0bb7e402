"""Which alarms of source and lanes should stand now, and making it so.

Positions, outbox and producers' numbers -> alarms `silent`, `behind` and `gap`, raised
and ended in one transaction, and only when something changes: so any number of
processes may look, as often as they like.

Invariant: an alarm names a source, a recipient or a producer, never an incident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from broker.store.alarms import end_alarm, raise_alarm
from broker.store.connect import Database
from broker.store.operate import NEVER
from broker.store.register import millis, moment
from broker.store.sequences import missing_in
from broker.store.status import meta_value
from broker.store.tables import Place, alarms, outbox, positions

SILENT: Final = "silent"
BEHIND: Final = "behind"
GAP: Final = "gap"
_KINDS: Final = (SILENT, BEHIND, GAP)
_DAY: Final = 24
_UNSENT: Final = (Place.QUEUED.value, Place.LEASED.value)
# What a producer sent to several partitions comes in any order, but not for so long.
_LATE: Final = timedelta(minutes=15)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """When silence and waiting become alarms; zero means never.

    ``source`` and ``topic`` are of the source that is read.
    """

    source: str
    topic: str
    silent: timedelta
    behind: timedelta


def look(database: Database, limits: Limits, now: datetime) -> Mapping[Key, str]:
    """Raise and end alarms so that they tell how things are; return those that stand.

    Raises:
        StoreError: the store cannot be read or written.
    """
    with database.read() as connection:
        wanted = _wanted(connection, limits, now)
        standing = _standing(connection)
    if wanted != standing:
        with database.write() as connection:
            for kind, place in standing.keys() - wanted.keys():
                end_alarm(connection, kind, place)
            for (kind, place), text in sorted(wanted.items()):
                if standing.get((kind, place)) != text:
                    raise_alarm(connection, kind, place, text, millis(now))
    return wanted


def _standing(connection: Connection) -> dict[Key, str]:
    query = select(alarms.c.kind, alarms.c.place, alarms.c.text)
    rows = connection.execute(query.where(alarms.c.kind.in_(_KINDS)))
    return {(row.kind, row.place): row.text for row in rows}


def _wanted(connection: Connection, limits: Limits, now: datetime) -> dict[Key, str]:
    found: dict[Key, str] = {}
    last = _last_message(connection, limits)
    if limits.silent and last is not None and now - last >= limits.silent:
        place = f"{limits.source}:{limits.topic}"
        found[SILENT, place] = f"nothing from {place} for {_span(now - last)}"
    for recipient, waits in _oldest(connection, now).items():
        if limits.behind and waits >= limits.behind:
            text = f"the lane of {recipient} is {_span(waits)} behind"
            found[BEHIND, recipient] = text
    for gap in missing_in(connection):
        if now - gap.since >= _LATE and (GAP, gap.producer) not in found:
            numbers = f"{gap.first}..{gap.last}"
            found[GAP, gap.producer] = f"messages {numbers} never came; later ones did"
    return found


def _last_message(connection: Connection, limits: Limits) -> datetime | None:
    """Return when the source last gave something; before that, since when we listen."""
    query = select(func.max(positions.c.at)).where(
        positions.c.source == limits.source, positions.c.topic == limits.topic
    )
    at = connection.scalar(query)
    if at is not None:
        return moment(at)
    since = meta_value(connection, "in_force_since")
    return moment(int(since)) if since else None


def _oldest(connection: Connection, now: datetime) -> dict[str, timedelta]:
    """Return how long the oldest unsent edition of each recipient has waited.

    What an operator holds back waits on purpose.
    """
    query = (
        select(outbox.c.recipient, func.min(outbox.c.enqueued_at))
        .where(outbox.c.state.in_(_UNSENT), outbox.c.next_attempt_at < NEVER)
        .group_by(outbox.c.recipient)
    )
    return {name: now - moment(at) for name, at in connection.execute(query)}


def _span(time: timedelta) -> str:
    hours = int(time.total_seconds() // 3600)
    if hours >= 2 * _DAY:
        return f"{hours // _DAY} days"
    return f"{hours} hours" if hours != 1 else "1 hour"
