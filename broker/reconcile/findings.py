"""What a comparison found, as plain frozen records that `besa reconcile` prints.

Invariant: a record names places, ids and rules, never a value of an incident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class Finding(StrEnum):
    """How a recipient differs from what we believe it holds."""

    MISSING = "missing"  # it should be there, and is not
    EXTRA = "extra"  # it is there as ours, and should not be
    OLDER = "older"  # an older edition is there
    ALTERED = "altered"  # somebody changed it there
    DELETED = "deleted"  # somebody deleted it there
    RECALLED = "recalled"  # we took it back, and the store does not know
    FAILED = "failed"  # its newest edition never arrived, and nobody tries any more
    BROKEN = "broken"  # our own sealed bytes do not fit their seal


UNKNOWN_RECALL: Final = "was taken back there, and this store does not know of it"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be: an id at the recipient, and a phrase."""

    finding: Finding
    id: str
    what: str


@dataclass(frozen=True, slots=True)
class Row:
    """One difference, with the case that it belongs to.

    ``uid`` is empty for what Besa never sent. ``repair`` is ``queued`` or why not, and
    empty when no repair was asked for.
    """

    finding: Finding
    uid: str
    share: str
    edition: int
    id: str
    what: str
    repair: str = ""


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """How one recipient compares.

    ``same`` counts cases that are there as they should be, ``known_losses`` those of
    them of which the receipt says that a part was not kept, ``under_way`` those with an
    edition on its way, ``taken`` those that somebody took out of a file drop, as it is
    meant. ``problem`` says why nothing could be compared.
    """

    recipient: str
    kind: str
    cases: int = 0
    same: int = 0
    known_losses: int = 0
    under_way: int = 0
    taken: int = 0
    rows: tuple[Row, ...] = ()
    problem: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """How often each finding occurs."""
        found = [row.finding for row in self.rows]
        return {finding.value: found.count(finding) for finding in Finding}

    @property
    def is_same(self) -> bool:
        """Whether the recipient could be asked, and holds what it should."""
        return not (self.rows or self.problem)


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of one producer that never came, although later ones did."""

    producer: str
    topic: str
    first: int
    last: int
    since: datetime

    def __str__(self) -> str:
        whose = f"of {self.producer} in {self.topic} never came"
        if self.first == self.last:
            return f"message {self.first} {whose}"
        return f"messages {self.first}..{self.last} {whose}"


@dataclass(frozen=True, slots=True)
class PartitionRow:
    """One partition of a topic: what Kafka has, and how far we are.

    Offsets are those of the next message. ``problem`` is empty when they agree.
    """

    topic: str
    partition: int
    begins: int
    ends: int
    stored: int
    confirmed: int | None
    waiting: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How the source compares with what the store has read of it."""

    source: str
    partitions: tuple[PartitionRow, ...] = ()
    gaps: tuple[Gap, ...] = field(default=())
    problem: str = ""

    @property
    def is_same(self) -> bool:
        """Whether the source could be asked, and nothing of it was missed."""
        wrong = any(row.problem for row in self.partitions)
        return not (self.gaps or self.problem or wrong)
