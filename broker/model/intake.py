"""What arrives: a message, where it stood, and what is said of one nobody can read.

A source makes `Message`; `broker.consume` makes a `DeadLetter` of one that is not an
incident, and the store keeps it.

Invariant: a dead letter names the place and the problem, never a value of the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
class Message:
    """The bytes that somebody published, before anybody has read them.

    ``refused`` is set when the source would not even load them: a fixed phrase such as
    ``too large``. Then the body is empty, and size and digest tell of what was there.
    """

    body: bytes = field(repr=False)
    key: str | None = field(repr=False)
    content_type: str | None
    position: Position
    refused: str = ""
    size: int = -1  # of a refused message; -1: as long as the body
    sha256: str = ""  # of a refused message; empty: that of the body

    @property
    def length(self) -> int:
        """How many bytes were published."""
        return self.size if self.size >= 0 else len(self.body)


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
