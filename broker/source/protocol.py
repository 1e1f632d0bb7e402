"""What `broker.consume` expects of a source of messages.

Invariants: a message that was polled and not committed comes again after a restart; one
that was committed does not. Messages about one incident come in the order in which they
were published.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.errors import BesaError
from broker.model.intake import DeadLetter, Message

Receipts = Sequence[tuple[str, bytes]]
"""Receipts to publish: the incident's uid, and the receipt as JSON."""


class SourceError(BesaError):
    """A source cannot be read or written, and waiting alone does not help."""


class Gone(SourceError):  # noqa: N818 - reads as what it says
    """The source does not have a message any more."""


class Source(Protocol):
    """A source of messages, read by one thread."""

    def poll(self, most: int, timeout: float) -> list[Message]:
        """Return up to ``most`` next messages, after at most ``timeout`` seconds.

        A source that cannot be reached gives nothing and keeps trying.

        Raises:
            SourceError: it can never be read like this; says what to do.
        """

    def commit(self, messages: Sequence[Message]) -> None:
        """Mark messages as done: the store holds what became of them.

        What cannot be marked now comes again, and the store knows it then.
        """

    def lag(self) -> int | None:
        """Return how many messages wait; nothing when that is not known."""

    def forward_dead_letter(self, message: Message, letter: DeadLetter) -> None:
        """Put a message that is no incident where its sender can find it, with why.

        Raises:
            SourceError: it could not be put there.
        """

    def publish_receipts(self, receipts: Receipts) -> None:
        """Tell whoever listens what became of deliveries, and be sure of it.

        Raises:
            SourceError: nobody could be told; it is safe to try again.
        """

    def gaps(self) -> list[str]:
        """Return, once each, what the source itself dropped before it was read."""

    def trouble(self) -> str:
        """Return in one sentence why nothing comes at present; empty if all is well."""

    def close(self) -> None:
        """Give everything back. What was not committed comes again."""
