"""What arrives: a message, where it stood, and what is said of one nobody can read.

A source makes `Message`; `broker.consume` makes a `DeadLetter` of one that is not an
incident, and the store keeps it.

Invariant: a dead letter names the place and the problem, never a value of the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NATIVE: Final = "application/vnd.besa.incident+json"
MISP_EVENT: Final = "application/vnd.misp.event+json"

PUBLISHER_HEADER: Final = "besa-publisher"
"""The Kafka header in which a publisher says who they are: a claim, not a proof."""

PRODUCER_HEADER: Final = "besa-producer"
"""The Kafka header that names who numbers its messages; a lasting name."""

SEQUENCE_HEADER: Final = "besa-sequence"
"""The Kafka header with the message's number: 1, 2, 3 and so on for each producer."""

CONTENT_TYPES: Final = {
    "native": NATIVE,
    "misp-event": MISP_EVENT,
    "intelmq": "application/vnd.intelmq.event+json",
    "n6": "application/vnd.n6.event+json",
    "idea0": "application/vnd.cesnet.idea0+json",
    "xarf3": "application/vnd.xarf.v3+json",
    "xarf4": "application/vnd.xarf.v4+json",
    "iodef-xml": "application/vnd.iodef+xml",
    "iodef-json": "application/vnd.iodef+json",
    "thehive": "application/vnd.thehive+json",
    "rtir": "application/vnd.rtir.ticket+json",
    "stix": "application/stix+json",
    "csv": "text/csv",
}
"""The short name of every format that is read, with its content type."""

LARGEST_MESSAGE: Final = 16 * 1024 * 1024
"""The most bytes that a source loads as one message; more becomes a dead letter."""

MOST_ITEMS: Final = 200_000
"""The most observables that one incident may have, and items of any list in ours.

More than any person could look through; a small message must not become a large one in
memory.
"""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a message stood: source, topic, partition and offset.

    The source is ``kafka`` or ``spool``; a spool's topic is its folder's name, its only
    partition is 0, and its offset is the number that the publisher gave the file.
    """

    source: str
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.source}:{self.topic}[{self.partition}]@{self.offset}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a source would not load a message, and what was there instead."""

    problem: str
    advice: str
    size: int = 0
    sha256: str = ""


def too_large(size: int, sha256: str) -> Refusal:
    """Return the refusal of a message that has more bytes than anybody can check."""
    return Refusal(
        f"it has {size} bytes", f"at most {LARGEST_MESSAGE} are taken", size, sha256
    )


@dataclass(frozen=True, slots=True)
class Message:
    """The bytes that somebody published, before anybody has read them.

    With a refusal the body is empty: it was too large to load, or not a message. The
    publisher is who says to have published it (`besa publish` says so): a claim.
    ``producer`` and ``sequence`` are empty and 0 where messages are not numbered.
    """

    body: bytes = field(repr=False)
    key: str | None = field(repr=False)
    content_type: str | None
    position: Position
    refusal: Refusal | None = None
    publisher: str = ""
    producer: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is not an incident: where it stood, and what is wrong with it.

    ``path`` is the field in the message, empty for the message as a whole; ``sha256``
    and ``size`` let the sender find the very bytes.
    """

    position: Position
    path: str
    problem: str
    advice: str
    sha256: str
    size: int
