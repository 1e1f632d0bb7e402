"""Which alarms of source and lanes should stand now, and making it so.

Positions, outbox and producers' numbers -> alarms `silent`, `behind` and `gap`, raised
and ended in one transaction, and only when something changes: so any number of
processes may look, as often as they like.

Invariant: an alarm names a topic, a recipient or a producer, never an incident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from broker.canonical import dumps, loads
from broker.store.alarms import end_alarm, raise_alarm
from broker.store.connect import Database
from broker.store.operate import NEVER
from broker.store.register import millis, moment
from broker.store.sequences import missing_in
from broker.store.status import meta_value
from broker.store.tables import Place, alarms, meta, outbox, positions

SILENT: Final = "silent"
BEHIND: Final = "behind"
GAP: Final = "gap"
_KINDS: Final = (SILENT, BEHIND, GAP)
_DAY: Final = 24
_HEARD: Final = "listening"
_UNSENT: Final = (Place.QUEUED.value, Place.LEASED.value)
# What a producer sent to several partitions comes in any order, but not for so long.
_LATE: Final = timedelta(minutes=15)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """When silence and waiting become alarms; zero means never.

    ``source`` and ``topics`` are what is read; each topic is silent by itself.
    """

    source: str
    topics: tuple[str, ...]
    silent: timedelta
    behind: timedelta

    @property
    def places(self) -> tuple[str, ...]:
        """What the alarms call the topics."""
        return tuple(f"{self.source}:{topic}" for topic in self.topics)


def look(database: Database, limits: Limits, now: datetime) -> Mapping[Key, str]:
    """Raise and end alarms so that they tell how things are; return those that stand.

    Raises:
        StoreError: the store cannot be read or written.
    """
    with database.read() as connection:
        heard = _listening(connection)
        # A topic that nobody read before is listened to from now on.
        known = {place: millis(now) for place in limits.places} | heard
        wanted = _wanted(connection, limits, known, now)
        standing = _standing(connection)
    if wanted != standing or known != heard:
        with database.write() as connection:
            _listen(connection, known | _listening(connection))
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


def _wanted(
    connection: Connection, limits: Limits, heard: Mapping[str, int], now: datetime
) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for topic, place in zip(limits.topics, limits.places, strict=True):
        last = _last_message(connection, limits.source, topic, heard[place])
        if limits.silent and last is not None and now - last >= limits.silent:
            found[SILENT, place] = f"nothing from {place} for {_span(now - last)}"
    for recipient, waits in _oldest(connection, now).items():
        if limits.behind and waits >= limits.behind:
            text = f"the lane of {recipient} is {_span(waits)} behind"
            found[BEHIND, recipient] = text
    for gap in missing_in(connection):
        place = f"{gap.producer} in {gap.topic}"
        if now - gap.since >= _LATE and (GAP, place) not in found:
            numbers = f"{gap.first}..{gap.last}"
            found[GAP, place] = f"messages {numbers} never came; later ones did"
    return found


def _listening(connection: Connection) -> dict[str, int]:
    """Return since when each topic has been listened to, before it gave anything."""
    noted: dict[str, int] = loads(meta_value(connection, _HEARD).encode() or b"{}")
    return noted


def _listen(connection: Connection, known: Mapping[str, int]) -> None:
    value = {"value": dumps(known).decode()}
    done = connection.execute(update(meta).where(meta.c.name == _HEARD).values(value))
    if not done.rowcount:
        connection.execute(insert(meta), [{"name": _HEARD, **value}])


def _last_message(
    connection: Connection, source: str, topic: str, heard: int
) -> datetime | None:
    """Return when a topic last gave something; before that, since when we listen."""
    query = select(func.max(positions.c.at)).where(
        positions.c.source == source, positions.c.topic == topic
    )
    at = connection.scalar(query)
    if at is not None:
        return moment(at)
    return moment(heard) if meta_value(connection, "in_force_since") else None


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
