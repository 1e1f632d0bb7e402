"""The outbox, with a crash between any two of its steps.

A model of what must be so runs beside a real store on SQLite. Consumers, dispatchers
and an operator do their work step by step; at any step the process may die, with
whatever it had in memory. Then new processes begin with the store alone. At any moment
the recipient's agreement may be renewed under another name: the case is one all the
same.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from broker.errors import StoreError
from broker.model.sharing import NO_HISTORY, Outcome, Share
from broker.store import LeasedRow, Store, operate
from broker.store.believed import believed, cases, queue_again
from broker.store.connect import open_database
from broker.store.recalls import Cause
from broker.store.standing import standing
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, START, at, outcome, queued, withheld

KP, NEXT, LANE = "kp-cybercrime", "kp-second", "kp-misp"
AGREEMENTS = (KP, NEXT)
UIDS = ("a", "b", "c")
LEASE = timedelta(seconds=30)


class Recipient:
    """What the recipient's system holds: an edition for each case, and its past."""

    def __init__(self) -> None:
        self.holds: dict[str, int] = {}
        self.seen: dict[str, list[int]] = {}

    def take(self, uid: str, edition: int) -> None:
        """Hold an edition; the same one again changes nothing."""
        self.holds[uid] = edition
        self.seen.setdefault(uid, []).append(edition)


class Crashes(RuleBasedStateMachine):
    """A source, a consumer, two dispatchers, a recipient, and one store."""

    @initialize()
    def begin(self) -> None:
        """Start with an empty store and an empty source."""
        self.folder = Path(tempfile.mkdtemp())
        self.store: Store = samples.opened(self.folder)
        self.in_force = KP
        self.now = START
        self.log: list[tuple[str, int, bool]] = []  # what was published, in order
        self.revision = dict.fromkeys(UIDS, 0)
        self.taken_back: dict[str, int] = {}  # at which revision a lapse took it back
        self.confirmed = 0  # how far the source was told that we are
        self.batch: list[tuple[int, Outcome]] = []  # in the consumer's memory
        self.leases: dict[str, LeasedRow] = {}  # in the dispatchers' memory
        self.arrived: dict[str, LeasedRow] = {}  # sent, and not yet written down
        self.recipient = Recipient()

    def teardown(self) -> None:
        """Let everything come to its end without any more crashes, and look."""
        if not hasattr(self, "store"):
            return
        self.crash_consumer()
        self.crash_dispatcher("v")
        self.crash_dispatcher("w")
        while self.confirmed < len(self.log):
            self.poll(5)
            self.decide_and_store()
            self.confirm()
        self.now += 100 * LEASE
        while row := self.store.lease(LANE, "last", self.now, self.now + LEASE):
            self._send(row)
            assert self.store.finish(row, samples.receipt(row, self.now))
        self.check_end()
        self.store.close()
        shutil.rmtree(self.folder)

    def check_end(self) -> None:
        """Nothing is lost: the newest shared edition of each case is there."""
        histories = self.store.histories(UIDS)
        for uid in UIDS:
            last = [shares for one, _, shares in self.log if one == uid][-1:]
            edition = histories.get(uid, NO_HISTORY).editions.get("kp-misp")
            if last == [True] and self.taken_back.get(uid) != self.revision[uid]:
                assert edition is not None
                assert edition.number == self.recipient.holds[uid]
        self.store.check_register(KEYS)
        database = open_database(samples.url_of(self.folder))
        for belief in believed(database, LANE, cases(database, LANE)):
            if belief.edition:
                assert belief.edition == self.recipient.holds[belief.uid]
            assert not belief.under_way
        assert len(UIDS) >= len(believed(database, LANE, cases(database, LANE)))
        database.close()

    # --- the source and the consumer ---

    @rule(uid=st.sampled_from(UIDS), shares=st.booleans())
    def publish(self, uid: str, shares: bool) -> None:
        """A newer revision is published; the rules share it, or withhold it."""
        self.revision[uid] += 1
        self.log.append((uid, self.revision[uid], shares))

    @rule()
    def renew(self) -> None:
        """The agreement ends; from now on one of another name decides."""
        self.in_force = NEXT

    @rule(uid=st.sampled_from(UIDS), due=st.booleans())
    def lapse(self, uid: str, due: bool) -> None:
        """What only the agreement that ended covers is looked for, and taken back."""
        found, _ = standing(self.store.database, uid=uid, recipient=LANE)
        for one in found:
            assert {one.uid, one.recipient} == {uid, LANE}
            if self.in_force == NEXT and one.agreement == KP and due:
                number = one.before(NEXT).number + 1
                share = queued(uid, NEXT, number, retracts=True)
                taken = (uid, share, Cause.EXPIRED)
                self.store.take_back([taken], self.now, KEY)
                self.taken_back[uid] = self.revision[uid]

    @precondition(lambda self: self.log)
    @rule(place=st.integers(0, 10_000))
    def publish_again(self, place: int) -> None:
        """A producer that is not sure publishes a revision a second time."""
        self.log.append(self.log[place % len(self.log)])

    @precondition(lambda self: not self.batch and self.confirmed < len(self.log))
    @rule(most=st.integers(1, 4))
    def poll(self, most: int) -> None:
        """The consumer reads what comes next into its memory."""
        upto = min(len(self.log), self.confirmed + most)
        self.batch = [(n, None) for n in range(self.confirmed, upto)]  # type: ignore[misc]

    @precondition(lambda self: self.batch)
    @rule()
    def decide_and_store(self) -> None:
        """The consumer decides what it read, on today's history, and stores it."""
        histories = self.store.histories([self.log[n][0] for n, _ in self.batch])
        made = []
        numbers = {
            uid: (
                history.revision,
                getattr(history.editions.get("kp-misp"), "number", 0),
            )
            for uid, history in histories.items()
        }
        name = self.in_force
        for n, _ in self.batch:
            uid, revision, shares = self.log[n]
            newest, edition = numbers.get(uid, (0, 0))
            if revision <= newest:
                duplicate = outcome(uid, revision, samples.stale(name))
                made.append((at(n), duplicate))
                continue
            share = queued(uid, name, edition + 1) if shares else withheld(name)
            numbers[uid] = (revision, edition + shares)
            made.append((at(n), outcome(uid, revision, *self.beside(), share)))
        self.store.commit(made, self.now, KEY)

    def beside(self) -> tuple[Share, ...]:
        """Return what an agreement says that is not in force, beside the other."""
        others = (name for name in AGREEMENTS if name != self.in_force)
        return tuple(replace(withheld(name), aside=True) for name in others)

    @precondition(lambda self: self.batch)
    @rule()
    def confirm(self) -> None:
        """The consumer tells the source that it is done, if it is."""
        reached = max((p.position.offset for p in self.positions()), default=-1)
        if reached >= self.batch[-1][0]:
            self.confirmed = self.batch[-1][0] + 1
            self.batch = []

    def positions(self) -> tuple[object, ...]:
        """Return how far the store has read."""
        return self.store.status(self.now).positions  # type: ignore[return-value]

    @rule()
    def crash_consumer(self) -> None:
        """The consumer dies, with what it had in memory."""
        self.batch = []

    # --- the dispatchers and the recipient ---

    @rule(worker=st.sampled_from("vw"))
    def lease(self, worker: str) -> None:
        """A dispatcher takes an edition."""
        if worker not in self.leases:
            row = self.store.lease(LANE, worker, self.now, self.now + LEASE)
            if row is not None:
                self.leases[worker] = row

    @rule(worker=st.sampled_from("vw"))
    def send(self, worker: str) -> None:
        """The recipient's system takes it, and the dispatcher hears of it."""
        row = self.leases.get(worker)
        # An adapter ends long before its lease does.
        if row is not None and row.until > self.now:
            self._send(row)
            self.arrived[worker] = row

    def _send(self, row: LeasedRow) -> None:
        if row.sealed.edition >= self.recipient.holds.get(row.uid, 0):
            self.recipient.take(row.uid, row.sealed.edition)
        else:
            raise AssertionError("an older edition was sent after a newer one")

    @rule(worker=st.sampled_from("vw"))
    def write_down(self, worker: str) -> None:
        """The dispatcher stores the receipt of what arrived."""
        row = self.arrived.pop(worker, None)
        if row is not None:
            self.store.finish(row, samples.receipt(row, self.now))
            del self.leases[worker]

    @rule(worker=st.sampled_from("vw"), ends=st.booleans())
    def fail_to_send(self, worker: str, ends: bool) -> None:
        """The recipient's system was away, or refuses for good."""
        row = self.leases.get(worker)
        if row is None or worker in self.arrived:
            return
        del self.leases[worker]
        if ends and row.uid != "a":  # of one incident nothing ever fails for good
            self.store.fail(row, "refused", self.now)
            self.store.retry_failed(LANE, self.now)
        else:
            self.store.postpone(row, "away", self.now + LEASE / 6, self.now)

    @rule(worker=st.sampled_from("vw"))
    def crash_dispatcher(self, worker: str) -> None:
        """A dispatcher dies, before or after something arrived; others notice."""
        self.leases.pop(worker, None)
        self.arrived.pop(worker, None)
        self.store.reclaim(lambda name: name == worker)

    # --- an operator, and time ---

    @rule(place=st.integers(0, 10_000))
    def repair(self, place: int) -> None:
        """An operator has something sent once more."""
        database = open_database(samples.url_of(self.folder))
        beliefs = believed(database, LANE, cases(database, LANE))
        if beliefs:
            which = beliefs[place % len(beliefs)]
            queue_again(database, which, "arta", "a test", self.now)
        database.close()

    @rule(row=st.integers(1, 12))
    def hold_and_retry(self, row: int) -> None:
        """An operator keeps an edition back, thinks again, and dies in between."""
        database = open_database(samples.url_of(self.folder))
        try:
            operate.hold(database, row, "arta", "a test", self.now)
            operate.retry(database, row, "arta", "a test", self.now)
        except StoreError:
            pass  # there is no such row, or it is under way or finished
        finally:
            database.close()

    @rule(seconds=st.sampled_from([1, 10, 60]))
    def wait(self, seconds: int) -> None:
        """Time passes; leases may run out."""
        self.now += timedelta(seconds=seconds)

    @invariant()
    def never_older_after_newer(self) -> None:
        """What the recipient sees of a case never goes back."""
        if hasattr(self, "recipient"):
            for editions in self.recipient.seen.values():
                assert sorted(editions) == editions


Crashes.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, print_blob=True
)
TestCrashes = Crashes.TestCase
