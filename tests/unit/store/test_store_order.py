"""Whatever happens in whatever order, no recipient gets an older edition after a newer.

A state machine plays the consumer, two workers that may vanish, and time. It sees what
a recipient would see: every lease is a possible delivery.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from broker.model.sharing import NO_HISTORY
from broker.store import LeasedRow
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, START, at, outcome, queued

KP = "kp-cybercrime"
UIDS = st.sampled_from(["a", "b"])
WORKERS = st.sampled_from(["v", "w"])
LEASE = timedelta(seconds=30)


class Lane(RuleBasedStateMachine):
    """One recipient's lane, two incidents, two workers."""

    @initialize()
    def begin(self) -> None:
        """Start with an empty store."""
        self.folder = Path(tempfile.mkdtemp())
        self.store = samples.opened(self.folder)
        self.now = START
        self.offset = 0
        self.revisions = {"a": 0, "b": 0}
        self.newest = {"a": 0, "b": 0}  # edition number last queued
        self.must_arrive = {"a": False, "b": False}
        self.sent: dict[str, list[int]] = {"a": [], "b": []}
        self.held: dict[str, LeasedRow] = {}

    def teardown(self) -> None:
        """Let everything that still waits be sent, and look at the end."""
        if hasattr(self, "store"):
            self._drain()
            self.store.check_register(KEYS)
            self.store.close()
            shutil.rmtree(self.folder)

    def _drain(self) -> None:
        self.now += 100 * LEASE
        while row := self._lease("last"):
            assert self.store.finish(row, samples.receipt(row, self.now))
        for uid, number in self.newest.items():
            if self.must_arrive[uid]:
                assert [number] == self.sent[uid][-1:], "the newest edition was lost"

    def _commit(self, uid: str, *shares: Any, advance: int = 1) -> None:
        self.revisions[uid] += advance
        self.offset += 1
        made = outcome(uid, self.revisions[uid], *shares)
        self.store.commit([(at(self.offset), made)], self.now, KEY)

    @rule(uid=UIDS, recall=st.booleans())
    def share(self, uid: str, recall: bool) -> None:
        """A newer revision is shared, or taken back."""
        self.newest[uid] += 1
        self.must_arrive[uid] = True
        self._commit(uid, queued(uid, KP, self.newest[uid], retracts=recall))

    @rule(uid=UIDS, times=st.integers(2, 3))
    def share_in_one_batch(self, uid: str, times: int) -> None:
        """Several revisions of an incident come in one batch."""
        batch = []
        for _ in range(times):
            self.revisions[uid] += 1
            self.newest[uid] += 1
            self.offset += 1
            share = queued(uid, KP, self.newest[uid])
            batch.append((at(self.offset), outcome(uid, self.revisions[uid], share)))
        self.must_arrive[uid] = True
        self.store.commit(batch, self.now, KEY)

    @rule(uid=UIDS, held=st.booleans())
    def stop_sharing(self, uid: str, held: bool) -> None:
        """A newer revision is withheld or held."""
        self._commit(uid, samples.held(KP) if held else samples.withheld(KP))
        # What waits is not sent, unless it takes back; so nothing need arrive.
        self.must_arrive[uid] = False

    @rule(uid=UIDS)
    def deliver_again(self, uid: str) -> None:
        """Kafka delivers the newest revision a second time."""
        if self.revisions[uid]:
            share = queued(uid, KP, self.newest[uid] + 1)
            self._commit(uid, share, advance=0)

    def _lease(self, worker: str) -> LeasedRow | None:
        row = self.store.lease("kp-misp", worker, self.now, self.now + LEASE)
        if row is not None:
            self.sent[row.uid].append(row.sealed.edition)
            # One at a time: otherwise the older could arrive after the newer.
            assert row.uid not in {
                other.uid for other in self.held.values() if other.until > self.now
            }
        return row

    @precondition(lambda self: len(self.held) < 2)
    @rule(worker=WORKERS)
    def lease(self, worker: str) -> None:
        """A worker takes a row and begins to send it."""
        if worker not in self.held and (row := self._lease(worker)):
            self.held[worker] = row

    @rule(worker=WORKERS, end=st.sampled_from(["finish", "postpone", "vanish"]))
    def end(self, worker: str, end: str) -> None:
        """A worker ends its delivery well, or badly, or never."""
        row = self.held.pop(worker, None)
        if row is None:
            return
        if end == "finish":
            self.store.finish(row, samples.receipt(row, self.now))
        elif end == "postpone":
            later = self.now + timedelta(seconds=5)
            self.store.postpone(row, "not reachable", later, self.now)

    @rule(seconds=st.sampled_from([1, 10, 60]))
    def wait(self, seconds: int) -> None:
        """Time passes; leases may run out."""
        self.now += timedelta(seconds=seconds)

    @invariant()
    def never_older_after_newer(self) -> None:
        """What a recipient sees of an incident never goes back."""
        for numbers in getattr(self, "sent", {}).values():
            assert numbers == sorted(numbers)

    @invariant()
    def history_is_never_behind(self) -> None:
        """The next edition gets a number that was never used."""
        if not hasattr(self, "store"):
            return
        histories = self.store.histories(["a", "b"])
        for uid, number in self.newest.items():
            edition = histories.get(uid, NO_HISTORY).editions.get("kp-misp")
            assert number == (edition.number if edition else 0)


Lane.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, print_blob=True
)
TestLane = Lane.TestCase
