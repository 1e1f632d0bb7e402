"""What units said back, as the rest of Besa sees it in the store: a few verbs.

Everything here is one transaction in `rounds.py` or `feedback.py`.

Invariant: no method but `words` returns anything that a unit wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from broker.model.feedback import Feedback, Said
from broker.store import feedback, rounds
from broker.store.connect import Database
from broker.store.feedback import Revision, Traced
from broker.store.rounds import AskedShare


class Hearing:
    """What units said back. Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_round(
        self, recipient: str, now: datetime, every: timedelta
    ) -> datetime | None:
        """Begin a round of asking a recipient, unless one was begun lately."""
        return rounds.claim_round(self._database, recipient, now, every)

    def end_round(self, recipient: str, began: datetime) -> None:
        """Note that everything known by the beginning of a round was asked for."""
        rounds.end_round(self._database, recipient, began)

    def shares_to_ask(
        self, recipient: str, first: Iterable[str], now: datetime, most: int
    ) -> tuple[AskedShare, ...]:
        """Return the cases to look at in a round, the most urgent first."""
        return rounds.shares_to_ask(self._database, recipient, first, now, most)

    def record(
        self,
        recipient: str,
        share: AskedShare,
        said: Sequence[Said],
        at: datetime,
    ) -> int:
        """Store what is new of what was found about one case; return how much."""
        return rounds.record(self._database, recipient, share, said, at)

    def untraced(self, limit: int, after: int = 0) -> tuple[Feedback, ...]:
        """Return the oldest of which nobody knows yet what it is about."""
        return feedback.untraced(self._database, limit, after)

    def revisions_of(
        self, uid: str, recipient: str, edition: int
    ) -> tuple[Revision, ...]:
        """Return the revisions behind an edition and those before, newest first."""
        return feedback.revisions_of(self._database, uid, recipient, edition)

    def trace(self, number: int, traced: Traced, tlp: str, readers: str) -> None:
        """Note what something said is about, and who may read its words."""
        feedback.trace(self._database, number, traced, tlp, readers)

    def unpublished(self, limit: int = 100) -> tuple[Feedback, ...]:
        """Return the oldest feedback that was traced and told nobody yet."""
        return feedback.unpublished(self._database, limit)

    def mark_published(self, numbers: Iterable[int]) -> None:
        """Note that this feedback was published."""
        feedback.mark_published(self._database, list(numbers))

    def listed(
        self,
        *,
        uid: str = "",
        recipient: str = "",
        words: Iterable[str] = (),
        most: int = 200,
    ) -> tuple[Feedback, ...]:
        """Return what units said, newest first."""
        return feedback.listed(
            self._database, uid=uid, recipient=recipient, words=words, most=most
        )

    def item(self, number: int) -> Feedback | None:
        """Return one thing that was said, if there is one of that number."""
        return feedback.one(self._database, number)

    def words(self, number: int) -> Mapping[str, str]:
        """Return the unit's own words, for whoever may read them."""
        return feedback.words_of(self._database, number)

    def sent(self, found: Feedback) -> bytes:
        """Return the sealed bytes that something was said about."""
        return feedback.sent(self._database, found)

    def note_reading(self, found: Feedback, by: str, at: datetime) -> None:
        """Write into the register who reads a unit's words."""
        feedback.note_reading(self._database, found, by, at)

    def secret_until(self, uid: str) -> date | None:
        """Return until which day some unit asked to keep an incident secret."""
        return feedback.secret_until(self._database, uid)
