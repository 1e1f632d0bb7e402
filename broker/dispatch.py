"""The dispatch loop: one lane per recipient, each in a thread of its own.

Outbox -> seal verified -> adapter -> receipt, a later attempt, or an end with an alarm.

Invariants: nothing is sent whose seal does not hold; a lane sends one edition at a
time, in the order of the outbox; a recipient that is slow, dead or hostile delays only
its own lane. This zone has the recipients' credentials and no private key: it can
deliver what was sealed, and neither make nor alter a disclosure. No log line holds
anything of an incident.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random, SystemRandom
from threading import Event, Thread
from typing import Final

from broker.deliver import Busy, Credential, Delivery, Timeouts, open_recipient
from broker.deliver.patience import Patience as Patience
from broker.errors import (
    BesaError,
    Refused,
    SealError,
    SettingsError,
    StoreError,
    Unavailable,
)
from broker.model.recipient import Limits, Recipient, RecipientKind
from broker.model.sharing import Receipt
from broker.seal import VerifyingKey, verify
from broker.store import LeasedRow, Store, open_store
from broker.store.worker import is_gone, name_worker

Clock = Callable[[], datetime]
OnReceipt = Callable[[LeasedRow, Receipt], None]

_LOG: Final = logging.getLogger("besa.dispatch")
_POLL_SECONDS: Final = 0.05
_TICK_SECONDS: Final = 0.1
_TROUBLE_SECONDS: Final = 1.0
_RECLAIM_SECONDS: Final = 10.0
# A lease outlives the longest delivery: its last request, and time to write it down.
_LEASE_MARGIN: Final = 60.0
# These are about the server or the way to it; a 500 may be about one event.
_WHOLE_SERVER: Final = frozenset({None, 401, 408, 429, 502, 503, 504})


@dataclass(slots=True)
class Totals:
    """What a run did, in counts of attempts by their end."""

    delivered: int = 0
    postponed: int = 0
    failed: int = 0


class Dispatcher:
    """Delivers what the outbox holds, to all recipients at the same time.

    Args:
        store_url: the store; every lane opens it for itself.
        recipients: whom to deliver to; rows of suspended ones wait.
        credentials: by the name that a recipient's file gives.
        keys: public halves of the keys that seals are made with, by id.
        clock: tells the time in UTC.
        patience: how failures are dealt with.
        timeouts: how long a recipient's system may take.
        chance: source of the jitter; seeded in tests.
        on_receipt: called after each delivery that was recorded; what it raises is
            logged and changes nothing.
        watch: called every few seconds with the store; it raises nothing.

    Raises:
        SettingsError: a recipient's credential is missing or its address is wrong.
    """

    def __init__(
        self,
        store_url: str,
        recipients: Sequence[Recipient],
        credentials: Mapping[str, Credential],
        keys: Mapping[str, VerifyingKey],
        *,
        clock: Clock,
        patience: Patience | None = None,
        timeouts: Timeouts | None = None,
        chance: Random | None = None,
        on_receipt: OnReceipt | None = None,
        watch: Callable[[Store], None] = lambda _: None,
    ) -> None:
        self._store_url = store_url
        self._look = watch
        self._clock = clock
        self._patience = patience or Patience()
        self._timeouts = timeouts or Timeouts()
        self._stopping = Event()
        self._lanes = [
            _Lane(
                recipient.recipient,
                store_url,
                open_recipient(
                    recipient,
                    _credential(recipient, credentials),
                    clock=clock,
                    timeouts=self._timeouts,
                ),
                recipient.limits,
                keys,
                clock,
                self._patience,
                chance or SystemRandom(),
                self._stopping,
                timedelta(
                    seconds=self._timeouts.total + self._timeouts.answer + _LEASE_MARGIN
                ),
                on_receipt,
                alone=recipient.kind is not RecipientKind.MISP,
            )
            for recipient in recipients
            if not recipient.suspended
        ]

    def stop(self) -> None:
        """Ask the run to end once the deliveries under way have ended."""
        self._stopping.set()

    def run(self, *, until_idle: bool = False, grace: float = 5.0) -> Totals:
        """Deliver until told to stop, or until there is nothing left to do.

        Args:
            until_idle: end when nothing is queued or under way, but for editions whose
                next attempt is further away than ``grace``.
            grace: seconds to wait for the next attempts.

        Raises:
            StoreError: the store cannot be opened.
        """
        with open_store(self._store_url) as store:
            threads = [
                Thread(target=lane.run, name=f"lane {lane.name}", daemon=True)
                for lane in self._lanes
            ]
            store.reclaim(is_gone)
            for thread in threads:
                thread.start()
            try:
                self._watch(store, until_idle=until_idle, grace=grace)
            finally:
                self._stopping.set()
                for thread in threads:
                    thread.join()
        ended = [lane.totals for lane in self._lanes]
        return Totals(
            sum(one.delivered for one in ended),
            sum(one.postponed for one in ended),
            sum(one.failed for one in ended),
        )

    def _watch(self, store: Store, *, until_idle: bool, grace: float) -> None:
        reclaim_at = time.monotonic() + _RECLAIM_SECONDS
        trouble = ""
        while not self._stopping.wait(_TROUBLE_SECONDS if trouble else _TICK_SECONDS):
            try:
                if time.monotonic() >= reclaim_at:
                    store.reclaim(is_gone)
                    reclaim_at = time.monotonic() + _RECLAIM_SECONDS
                self._look(store)
                horizon = self._clock() + timedelta(seconds=grace)
                idle = until_idle and all(
                    lane.is_idle(store, self._clock(), horizon) for lane in self._lanes
                )
                if trouble:
                    _LOG.info("the store answers again")
                    trouble = ""
                if idle:
                    return
            except StoreError as error:
                # Once, and not at every turn: a store may be away for hours.
                if str(error) != trouble:
                    _LOG.warning("%s; trying again", error)
                trouble = str(error)


def _credential(
    recipient: Recipient, credentials: Mapping[str, Credential]
) -> Credential:
    if recipient.is_folder:
        return Credential("", "")
    try:
        return credentials[recipient.credential]
    except KeyError:
        raise SettingsError(
            f"recipient {recipient.recipient} needs the credential "
            f"{recipient.credential}, which is missing"
        ) from None


@dataclass(slots=True)
class _Lane:
    """One recipient's lane: takes a row, sends it, writes down what became of it."""

    name: str
    store_url: str
    delivery: Delivery
    limits: Limits
    keys: Mapping[str, VerifyingKey]
    clock: Clock
    patience: Patience
    chance: Random
    stopping: Event
    lease: timedelta
    on_receipt: OnReceipt | None
    # Only a MISP can take two cases at a time without one disturbing the other.
    alone: bool = False
    totals: Totals = field(default_factory=Totals)
    worker: str = field(default_factory=name_worker)
    strikes: int = 0
    closed_until: datetime | None = None
    alarmed: bool | None = None  # None: an earlier process may have raised the alarm

    def is_idle(self, store: Store, now: datetime, horizon: datetime) -> bool:
        """Say whether there is nothing to do in this lane until the horizon."""
        pending = store.pending(self.name, now)
        closed = self.closed_until is not None and self.closed_until > horizon
        soon = pending.next_attempt_at is not None and pending.next_attempt_at < horizon
        return not pending.leased and (closed or not (pending.due or soon))

    def run(self) -> None:
        """Work until told to stop; a store that fails is waited for."""
        failures = 0
        while not self.stopping.is_set():
            try:
                with open_store(self.store_url) as store:
                    # What this lane had leased when the store failed is free again.
                    store.reclaim(lambda worker: worker == self.worker)
                    while not self.stopping.is_set():
                        self.stopping.wait(self._step(store))
                        failures = 0
            except Exception as error:
                # INVARIANT: a lane never ends by itself. Only our own errors are safe
                # to quote.
                failures += 1
                text = error if isinstance(error, BesaError) else type(error).__name__
                _LOG.warning("%s: trying again after an error: %s", self.name, text)
                self.stopping.wait(min(10.0, self.patience.wait(failures, self.chance)))
        self.delivery.close()

    def _step(self, store: Store) -> float:
        """Deliver one edition, if there is one; return how long to wait."""
        now = self.clock()
        if self.closed_until is not None and now < self.closed_until:
            return _POLL_SECONDS
        until = now + self.lease
        row = store.lease(
            self.name,
            self.worker,
            now,
            until,
            alone=self.alone,
            per_minute=self.limits.per_minute,
        )
        if row is None:
            return _POLL_SECONDS
        self._attempt(store, row)
        return 0.0

    def _attempt(self, store: Store, row: LeasedRow) -> None:
        try:
            verify(row.sealed, self.keys)
            if row.sealed.recipient != self.name:
                raise SealError("it is sealed for another recipient")
        except SealError as error:
            self._give_up(store, row, f"not sent: {error}", "seal")
            return
        if len(row.sealed.body) > self.limits.max_bytes:
            self._give_up(store, row, "larger than the recipient takes", "refused")
            return
        if store.close_needless(row, self.clock()):
            _LOG.info("%s: a recall of what was never sent is closed", self.name)
            return
        try:
            receipt = self.delivery.deliver(row.sealed)
        except Unavailable as error:
            self._postpone(store, row, error)
        except Refused as error:
            self._give_up(store, row, str(error), "refused")
            self._strike(store, error, self.patience.strikes)
        except Exception as error:
            # A mistake of ours must not end the lane, and its text could tell a value.
            kind = type(error).__name__
            text = f"an error in the adapter: {kind}"
            store.alarm("internal-error", self._place(row), text, self.clock())
            self._postpone(store, row, Unavailable(text, 500))
        else:
            self._finish(store, row, receipt)

    def _finish(self, store: Store, row: LeasedRow, receipt: Receipt) -> None:
        if not store.finish(row, receipt):
            _LOG.warning("%s: a lease was lost while sending", self.name)
            return
        self.totals.delivered += 1
        self.strikes = 0
        self.closed_until = None
        if self.alarmed is not False:
            store.calm("unreachable", self.name)
            self.alarmed = False
        _LOG.info(
            "%s: edition %d of %s delivered, %d losses",
            self.name,
            receipt.edition,
            receipt.share,
            len(receipt.losses),
        )
        if self.on_receipt is not None:
            try:
                self.on_receipt(row, receipt)
            except Exception as error:
                _LOG.warning("telling of a receipt failed: %s", type(error).__name__)

    def _postpone(self, store: Store, row: LeasedRow, error: Unavailable) -> None:
        now = self.clock()
        too_old = (now - row.enqueued_at).total_seconds() > self.patience.give_up_after
        if too_old or row.attempts == self.patience.most_attempts:
            self._give_up(store, row, f"given up: {error}", "given-up")
        else:
            wait = self.patience.wait(row.attempts, self.chance)
            if isinstance(error, Busy):
                wait = max(wait, min(error.retry_after, self.patience.longest))
            store.postpone(row, str(error), now + timedelta(seconds=wait), now)
            self.totals.postponed += 1
            _LOG.info("%s: attempt %d: %s", self.name, row.attempts, error)
        whole = error.status in _WHOLE_SERVER
        limit = self.patience.strikes if whole else self.patience.strikes_of_events
        self._strike(store, error, limit)

    def _strike(self, store: Store, error: Unavailable | Refused, limit: int) -> None:
        """Count a failure; after too many, let the lane rest before one more try."""
        now = self.clock()
        self.strikes += 1
        rest = 0.0
        if self.strikes >= limit:
            rest = self.patience.wait(self.strikes - limit + 1, self.chance)
            # A refusal has an alarm of its own already.
            if self.alarmed is not True and isinstance(error, Unavailable):
                store.alarm("unreachable", self.name, str(error), now)
                self.alarmed = True
        if isinstance(error, Busy):
            rest = max(rest, min(error.retry_after, self.patience.longest))
        if rest:
            self.closed_until = now + timedelta(seconds=rest)

    def _give_up(self, store: Store, row: LeasedRow, reason: str, kind: str) -> None:
        now = self.clock()
        if store.fail(row, reason, now):
            store.alarm(kind, self._place(row), reason, now)
            self.totals.failed += 1
            _LOG.warning("%s: edition of %s: %s", self.name, row.sealed.share, reason)

    def _place(self, row: LeasedRow) -> str:
        return f"{self.name} {row.uid} edition {row.sealed.edition}"
