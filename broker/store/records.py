"""What goes into the store and what comes out of it, as plain frozen records.

Invariant: none of these but `LeasedRow` (sealed bytes) and `HeldDraft` (redacted ones)
holds anything of an incident apart from its uid and what a decision looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Approved:
    """One person's approval of a held share, as it stands in the store.

    ``statement`` is the exact text that was approved, see `broker.review`;
    ``signature`` is hex, and empty when the person has no key.
    """

    id: int
    reviewer: str
    sha256: str
    at: datetime
    until: datetime
    statement: str
    signature: str


@dataclass(frozen=True, slots=True)
class Held:
    """A share that waits for a person, or did, and why.

    ``ended`` is empty while it waits; then it is ``released``, ``dropped`` or
    ``superseded``, by the revision ``newest``. ``embargo_until`` is set when nothing
    but an embargo holds it. ``note`` says why the last attempt to release it failed.
    """

    id: int
    uid: str
    revision: int
    agreement: str
    recipient: str
    why: str
    sha256: str  # of the draft that would go out; empty when there is none
    at: datetime
    wire: str = ""
    rulebook: str = ""
    publisher: str = ""  # who says to have published it; empty if nobody does
    newest: int = 0  # the incident's newest revision
    embargo_until: datetime | None = None
    note: str = ""
    ended: str = ""
    ended_at: datetime | None = None
    approvals: tuple[Approved, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldDraft:
    """A held share with its redacted draft, and where the incident was published."""

    held: Held
    body: bytes
    position: Position
    incident_sha256: str


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
    in_force: str = ""  # digest of the rulebook of the next one; empty before the first
    in_force_since: datetime | None = None
    # Why changed policies are not in force, if that is so; it is an alarm as well.
    rulebook_trouble: str = ""
    recalls_waiting: int = 0  # taken back, and not confirmed yet
    # What the newest receipts say that recipients did not keep as it was sent, by sort.
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of the past and what it looked at, to be decided once more.

    ``facts`` is JSON, and empty for what an older Besa decided.
    """

    uid: str
    revision: int
    agreement: str
    recipient: str
    effect: str
    facts: str
    at: datetime
