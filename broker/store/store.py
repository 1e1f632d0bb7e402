"""The store as the rest of Besa sees it: one object, a few verbs.

Everything here is one transaction in one of the modules beside this one.

Invariants: what a method says was stored is stored, and what it raises on is not; no
method returns anything of an incident but its uid, except `lease`, which returns sealed
bytes, and `held_item`, which returns a redacted draft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType

from broker.audit import Verified
from broker.model.intake import Position
from broker.model.reveal import Deposit
from broker.model.sharing import History, Receipt, Share
from broker.seal import SigningKey, VerifyingKey
from broker.store import (
    health,
    held,
    inbox,
    lane,
    outbox,
    past,
    recall_orders,
    recalls,
    receipts,
    reveals,
    review,
    status,
    vault,
    verify,
)
from broker.store.alarms import end_alarm, raise_alarm
from broker.store.connect import Database, open_database
from broker.store.hearing import Hearing
from broker.store.recalls import Cause, Recall
from broker.store.records import (
    Approved,
    Committed,
    Decided,
    Held,
    HeldDraft,
    LeasedRow,
    Pending,
    Processed,
    Status,
    StoredReceipt,
)
from broker.store.register import millis
from broker.store.reveals import Asking, Denial, Request
from broker.store.sequences import Numbered


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
        self,
        batch: Sequence[Processed],
        at: datetime,
        key: SigningKey | None = None,
        numbers: Iterable[Numbered] = (),
    ) -> Committed:
        """Store everything that was decided about a batch, or nothing of it."""
        return inbox.commit(self._database, batch, at, key, numbers)

    def enforce(self, digest: str, recipients: str, at: datetime) -> bool:
        """Note the rulebook that decides from now on; say whether it is another one."""
        return past.enforce(self._database, digest, recipients, at)

    def recipients_in_force(self) -> str:
        """Return the digest of the recipients' files that go with the rulebook."""
        return past.recipients_in_force(self._database)

    # --- what is held ---

    def held(self, *, ended: bool = False) -> tuple[Held, ...]:
        """Return what waits for a person, newest first; also what did, if asked to."""
        return held.listed(self._database, ended=ended)

    def held_item(self, number: int) -> HeldDraft | None:
        """Return one held share with its redacted draft, if there is one."""
        return held.item(self._database, number)

    def held_ready(self, now: datetime) -> tuple[int, ...]:
        """Return what two people approved, or whose embargo ended."""
        return held.ready(self._database, now)

    def held_positions(self, source: str) -> frozenset[Position]:
        """Return where the incidents stand whose shares still wait."""
        return held.positions(self._database, source)

    def approve(self, number: int, approved: Approved) -> None:
        """Add one person's approval of a held share."""
        review.approve(self._database, number, approved)

    def drop(
        self, number: int, sha256: str, by: str, because: str, at: datetime
    ) -> None:
        """End a held share without sharing it."""
        review.drop(self._database, number, sha256, by, because, at)

    def release(
        self,
        number: int,
        share: Share,
        rulebook: str,
        by: Iterable[str],
        at: datetime,
        key: SigningKey,
    ) -> None:
        """Queue a share that was held and is sealed now."""
        review.release(self._database, number, share, rulebook, by, at, key)

    def hold_again(
        self,
        number: int,
        share: Share,
        rulebook: str,
        at: datetime,
        until: datetime | None = None,
    ) -> None:
        """Replace the draft of a held share, and end approvals of the old one."""
        review.hold_again(self._database, number, share, rulebook, at, until)

    def refuse_release(self, number: int, note: str, at: datetime) -> None:
        """Note why a held share cannot be released, and end its approvals."""
        review.refuse(self._database, number, note, at)

    def remark(self, number: int, note: str) -> None:
        """Say beside a held share what its release waits for."""
        review.remark(self._database, number, note)

    def void(self, number: int, ids: Mapping[int, str], at: datetime) -> None:
        """End approvals that do not count, each for its reason."""
        review.void(self._database, number, ids, at)

    # --- whom a pseudonym stands for ---

    def ask_reveal(self, asking: Asking) -> int:
        """File a request to look up a pseudonym; return its number."""
        return reveals.file(self._database, asking)

    def reveals(self) -> tuple[Request, ...]:
        """Return all requests to look up pseudonyms, newest first."""
        return reveals.listed(self._database)

    def reveal(self, number: int) -> Request | None:
        """Return one request to look up a pseudonym, if there is one."""
        return reveals.one(self._database, number)

    def approve_reveal(self, number: int, approved: Approved) -> datetime | None:
        """Add an approval; return until when it may be shown, once two are there."""
        return reveals.approve(self._database, number, approved)

    def deny_reveal(self, number: int, denial: Denial, user: str) -> None:
        """Refuse a request for good, and put it on record."""
        reveals.deny(self._database, number, denial, user)

    def reveal_shown(
        self, number: int, to: str, user: str, by: Iterable[str], at: datetime
    ) -> int:
        """Put on record that a value is about to be shown; return how often it was."""
        return reveals.shown(self._database, number, to, user, by, at)

    def reveal_refused(
        self, number: int, to: str, user: str, why: str, at: datetime
    ) -> None:
        """Put on record that somebody may not see a value."""
        reveals.refused(self._database, number, to, user, why, at)

    def locked_away(
        self, recipient: str, epoch: int, indexes: Sequence[str], now: datetime
    ) -> Deposit | None:
        """Return what lies in the vault at the first of some places, still encrypted.

        What is past its time is not there.
        """
        return vault.find(self._database, recipient, epoch, indexes, now)

    def purge_vault(self, at: datetime) -> int:
        """Delete what is past its time from the vault; return how many values."""
        return vault.purge(self._database, at)

    # --- the dispatching side ---

    def lease(
        self,
        recipient: str,
        worker: str,
        now: datetime,
        until: datetime,
        *,
        alone: bool = False,
        per_minute: int = 0,
    ) -> LeasedRow | None:
        """Take the next edition that may go to a recipient, or nothing."""
        return outbox.lease(
            self._database,
            recipient,
            worker,
            now,
            until,
            alone=alone,
            per_minute=per_minute,
        )

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

    def close_needless(self, row: LeasedRow, at: datetime) -> bool:
        """End a recall of what never left; False if it must be sent."""
        return outbox.close_needless(self._database, row, at)

    def reclaim(self, gone: Callable[[str], bool]) -> int:
        """Let the leases of workers that are gone run out now; return how many."""
        return lane.reclaim(self._database, gone)

    def retry_failed(self, recipient: str, at: datetime) -> int:
        """Queue a recipient's failed editions again; return how many."""
        return lane.retry_failed(self._database, recipient, at)

    def pending(self, recipient: str, now: datetime) -> Pending:
        """Return what a lane still has to do."""
        return lane.pending(self._database, recipient, now)

    # --- what was taken back ---

    def acknowledge_recall(
        self, uid: str, agreement: str, of: int | str, at: datetime, how: str
    ) -> bool:
        """Note that the unit confirms a recall; False if none such waits for it.

        ``of`` is the edition's number, or the share's UUID for the newest that waits.
        """
        return recalls.acknowledge(self._database, uid, agreement, of, at, how)

    def recalls(self, *, uid: str = "", everything: bool = False) -> tuple[Recall, ...]:
        """Return recalls that nobody has confirmed yet, oldest first, or all."""
        return recalls.listed(self._database, uid=uid, everything=everything)

    def order_recall(
        self,
        kind: recall_orders.Kind,
        by: str,
        because: str,
        at: datetime,
        *,
        uid: str = "",
        recipient: str = "",
        agreement: str = "",
    ) -> tuple[recall_orders.Order, bool]:
        """Store a person's word that something is taken back; say whether it is new."""
        return recall_orders.order(
            self._database,
            kind,
            by,
            because,
            at,
            uid=uid,
            recipient=recipient,
            agreement=agreement,
        )

    def open_orders(self) -> tuple[recall_orders.Order, ...]:
        """Return what people asked to take back and nobody has followed yet."""
        return recall_orders.open_orders(self._database)

    def take_back(
        self,
        taken: Sequence[tuple[str, Share, Cause]],
        at: datetime,
        key: SigningKey,
        *,
        by: recall_orders.Order | None = None,
        note: str = "",
        done: bool = True,
        findings: Sequence[recall_orders.Finding] = (),
    ) -> None:
        """Queue editions that take back, by a person's word or by the rules."""
        recall_orders.take_back(
            self._database,
            taken,
            at,
            key,
            by=by,
            note=note,
            done=done,
            findings=findings,
        )

    @property
    def database(self) -> Database:
        """What the functions of the modules beside this one take."""
        return self._database

    def watch_recalls(self, now: datetime, days: int) -> int:
        """Raise an alarm for every recall that has waited too long; count them."""
        return recalls.watch(self._database, now, days)

    def unpublished_receipts(self, limit: int = 100) -> tuple[StoredReceipt, ...]:
        """Return the oldest receipts that nobody has been told of yet."""
        return receipts.unpublished_receipts(self._database, limit)

    def mark_published(self, ids: Iterable[int]) -> None:
        """Note that these receipts were published."""
        receipts.mark_published(self._database, list(ids))

    @property
    def hearing(self) -> Hearing:
        """What units said back."""
        return Hearing(self._database)

    # --- for people ---

    def alarm(self, kind: str, place: str, text: str, at: datetime) -> None:
        """Raise an alarm that a person must look at. Never put a value into it."""
        with self._database.write() as connection:
            raise_alarm(connection, kind, place, text, millis(at))

    def calm(self, kind: str, place: str) -> None:
        """Take an alarm back whose cause is over; without one, do nothing."""
        with self._database.write() as connection:
            end_alarm(connection, kind, place)

    def look_at_health(
        self, limits: health.Limits, now: datetime
    ) -> Mapping[tuple[str, str], str]:
        """Raise and end alarms about source and lanes; return those that stand."""
        return health.look(self._database, limits, now)

    def status(self, now: datetime, *, listed: int = 20) -> Status:
        """Return what the store holds at this moment."""
        return status.status(self._database, now, listed=listed)

    def decided(self, since: datetime | None = None) -> Iterator[Decided]:
        """Yield every decision since a moment, oldest first, with its facts."""
        return past.decided(self._database, since)

    def check_register(
        self,
        keys: Mapping[str, VerifyingKey],
        progress: verify.Progress = verify.untold,
    ) -> Verified:
        """Check the register, and the outbox against it.

        Raises:
            AuditError: something was altered or is missing; names the entry.
        """
        return verify.check_register(self._database, keys, progress)
