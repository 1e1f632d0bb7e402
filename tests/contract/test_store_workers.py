"""Several workers on one store: who gets what, on every database."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

from broker.store import LeasedRow, Store, open_store
from tests.unit.store.samples import (
    KEYS,
    LATER,
    MINUTE,
    SOON,
    START,
    at,
    outcome,
    queued,
    receipt,
)

KP = "kp-cybercrime"
LANE = "kp-misp"


def commit(store: Store, *editions: tuple[str, int]) -> None:
    """Store editions, each as a revision of its incident."""
    for number, (uid, edition) in enumerate(editions):
        made = outcome(uid, edition, queued(uid, KP, edition))
        store.commit([(at(number), made)], START)


def lease(store: Store, worker: str, *, alone: bool = False) -> LeasedRow | None:
    """Lease for ten minutes."""
    return store.lease(LANE, worker, SOON, LATER, alone=alone)


def test_two_workers_get_different_incidents(store: Store) -> None:
    """A second worker gets the next incident, not the one that is under way."""
    commit(store, ("A", 1), ("B", 1))

    first, second = lease(store, "one"), lease(store, "two")

    assert first is not None
    assert second is not None
    assert ("A", "B") == (first.uid, second.uid)
    assert lease(store, "three") is None


def test_a_lane_that_takes_one_at_a_time_is_not_shared(store: Store) -> None:
    """Where two would disturb each other, the second waits for the first."""
    commit(store, ("A", 1), ("B", 1))
    first = lease(store, "one", alone=True)
    assert first is not None
    assert lease(store, "two", alone=True) is None

    store.finish(first, receipt(first))

    second = lease(store, "two", alone=True)
    assert second is not None
    assert "B" == second.uid


def test_a_worker_that_vanished_blocks_no_lane(store: Store) -> None:
    """When its lease has run out, another worker takes the very row over."""
    commit(store, ("A", 1), ("B", 1))
    assert lease(store, "one", alone=True) is not None

    later = LATER + MINUTE
    taken = store.lease(LANE, "two", later, later + MINUTE, alone=True)

    assert taken is not None
    assert ("A", 2) == (taken.uid, taken.attempts)


def test_many_workers_take_each_edition_once_and_in_order(url: str) -> None:
    """Six workers at full speed: each edition once, an incident's in their order."""
    with open_store(url) as store:
        # Each revision replaces what waits, so the second goes out after the first.
        commit(store, *((f"I-{n}", 1) for n in range(60)))
    got: list[tuple[str, int]] = []
    guard = threading.Lock()

    def work(name: str) -> None:
        with open_store(url) as own:
            while (row := lease(own, name)) is not None:
                with guard:
                    got.append((row.uid, row.sealed.edition))
                if row.sealed.edition == 1 and row.uid.endswith("0"):
                    newer = outcome(row.uid, 2, queued(row.uid, KP, 2))
                    own.commit([(at(1000 + int(row.uid[2:])), newer)], SOON)
                assert own.finish(row, receipt(row))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with open_store(url) as store:
        left = store.pending(LANE, SOON + timedelta(days=1))
        assert (0, 0) == (left.due, left.leased)
        assert store.check_register(KEYS).entries > 0

    assert dict.fromkeys(got, 1) == Counter(got)
    assert 60 == len([uid for uid, number in got if number == 1])
    for uid in {uid for uid, number in got if number == 2}:
        assert [1, 2] == [number for other, number in got if other == uid]
