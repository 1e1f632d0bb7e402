"""The store as the rest of Besa sees it: one object, a few verbs.

Everything here is one transaction in one of the modules beside this one.

Invariants: what a method says was stored is stored, and what it raises on is not; no
method returns anything of an incident but its uid, except `lease`, which returns sealed
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType

from broker.audit import Verified
from broker.model.sharing import History, Receipt
from broker.seal import SigningKey, VerifyingKey
from broker.store import inbox, lane, outbox, receipts, status, verify
from broker.store.alarms import end_alarm, raise_alarm
from broker.store.connect import Database, open_database
from broker.store.records import (
    Committed,
    LeasedRow,
    Pending,
    Processed,
    Status,
    StoredReceipt,
)
from broker.store.register import millis


def open_store(url: str) -> Store:
    """Open the store at a URL, and lay it out if it is new.

    Raises:
        StoreError: the URL is wrong, the place cannot be reached, or a newer Besa
            wrote the store.
    """
    return Store(open_database(url))


class Store:
    """An open store. Threads may share it. Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; it cannot be used afterwards."""
        self._database.close()

    # --- the consuming side ---

    def histories(self, uids: Iterable[str]) -> dict[str, History]:
        """Return what is remembered of each incident; new ones are left out."""
        return inbox.histories(self._database, uids)

    def commit(
        self, batch: Sequence[Processed], at: datetime, key: SigningKey | None = None
    ) -> Committed:
        """Store everything that was decided about a batch, or nothing of it."""
        return inbox.commit(self._database, batch, at, key)

    # --- the dispatching side ---

    def lease(
        self, recipient: str, worker: str, now: datetime, until: datetime
    ) -> LeasedRow | None:
        """Take the next edition that may go to a recipient, or nothing."""
        return outbox.lease(self._database, recipient, worker, now, until)

    def finish(self, row: LeasedRow, receipt: Receipt) -> bool:
        """Record a delivery; False if the lease was lost to another worker."""
        return outbox.finish(self._database, row, receipt)

    def postpone(
        self, row: LeasedRow, reason: str, next_attempt_at: datetime, at: datetime
    ) -> bool:
        """Put an edition back for later; False if the lease was lost."""
        return outbox.postpone(self._database, row, reason, next_attempt_at, at)

    def fail(self, row: LeasedRow, reason: str, at: datetime) -> bool:
        """Record that an edition will never go out; False if the lease was lost."""
        return outbox.fail(self._database, row, reason, at)

    def reclaim(self, gone: Callable[[str], bool]) -> int:
        """Let the leases of workers that are gone run out now; return how many."""
        return lane.reclaim(self._database, gone)

    def retry_failed(self, recipient: str, at: datetime) -> int:
        """Queue a recipient's failed editions again; return how many."""
        return lane.retry_failed(self._database, recipient, at)

    def pending(self, recipient: str, now: datetime) -> Pending:
        """Return what a lane still has to do."""
        return lane.pending(self._database, recipient, now)

    def unpublished_receipts(self, limit: int = 100) -> tuple[StoredReceipt, ...]:
        """Return the oldest receipts that nobody has been told of yet."""
        return receipts.unpublished_receipts(self._database, limit)

    def mark_published(self, ids: Iterable[int]) -> None:
        """Note that these receipts were published."""
        receipts.mark_published(self._database, list(ids))

    # --- for people ---

    def alarm(self, kind: str, place: str, text: str, at: datetime) -> None:
        """Raise an alarm that a person must look at. Never put a value into it."""
        with self._database.write() as connection:
            raise_alarm(connection, kind, place, text, millis(at))

    def calm(self, kind: str, place: str) -> None:
        """Take an alarm back whose cause is over; without one, do nothing."""
        with self._database.write() as connection:
            end_alarm(connection, kind, place)

    def status(self, now: datetime, *, listed: int = 20) -> Status:
        """Return what the store holds at this moment."""
        return status.status(self._database, now, listed=listed)

    def check_register(self, keys: Mapping[str, VerifyingKey]) -> Verified:
        """Check the register, and the outbox against it.

        Raises:
            AuditError: something was altered or is missing; names the entry.
        """
        return verify.check_register(self._database, keys)
