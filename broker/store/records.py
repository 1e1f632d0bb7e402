"""What goes into the store and what comes out of it, as plain frozen records.

Invariant: none of these but `LeasedRow` (sealed bytes) holds anything of an incident
apart from its uid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from broker.model.intake import DeadLetter, Position
from broker.model.sharing import Outcome, Receipt, Sealed

Processed: TypeAlias = tuple[Position, Outcome] | tuple[Position, DeadLetter]


@dataclass(frozen=True, slots=True)
class Committed:
    """What one batch brought: how many shares ended in which state, and the rest."""

    queued: int = 0
    held: int = 0
    withheld: int = 0
    unchanged: int = 0
    stale: int = 0
    superseded: int = 0  # editions that had not been sent and now never will be
    duplicates: int = 0  # revisions that were processed before
    conflicts: int = 0  # revisions that came again with other content
    dead_letters: int = 0


@dataclass(frozen=True, slots=True)
class LeasedRow:
    """A sealed edition that one worker may send now, and nobody else until ``until``.

    ``attempts`` counts this one.
    """

    id: int
    uid: str
    agreement: str
    sealed: Sealed
    attempts: int
    enqueued_at: datetime
    worker: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """What a lane still has to do.

    ``due`` rows could go now, ``leased`` ones are under way, ``waiting`` ones are in
    back-off, the first of them until ``next_attempt_at``.
    """

    due: int
    leased: int
    waiting: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt with the incident and agreement that it belongs to."""

    id: int
    uid: str
    agreement: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Lane:
    """One recipient's part of the outbox."""

    recipient: str
    queued: int
    leased: int
    delivered: int
    superseded: int
    failed: int
    oldest_seconds: float | None  # how long the oldest unsent edition has waited
    last_reason: str  # why that one could not be delivered so far


@dataclass(frozen=True, slots=True)
class Held:
    """A share that waits for a person, and why."""

    uid: str
    revision: int
    agreement: str
    recipient: str
    why: str
    sha256: str  # of the draft that would go out; empty when there is none
    at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person must look at; ``text`` names places, never values."""

    kind: str
    place: str
    text: str
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a source has been read: the last position that was committed."""

    position: Position
    at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """The store at a glance. Lists are cut to the newest few; counts are complete."""

    lanes: tuple[Lane, ...]
    held_count: int
    held: tuple[Held, ...]
    dead_letter_count: int
    dead_letters: tuple[tuple[DeadLetter, datetime], ...]
    alarm_count: int
    alarms: tuple[Alarm, ...]
    positions: tuple[Reached, ...]
    rulebook: str  # digest of the rulebook of the last decision; empty before the first
    last_message_at: datetime | None
    audit_entries: int
