"""A recipient's limit holds over all workers of a store, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broker.store import LeasedRow, Store, open_store
from tests.unit.store import samples
from tests.unit.store.samples import KEY, MINUTE, SOON, START, at, outcome, queued

LANE, OTHER = "kp-misp", "sprk-misp"
SECOND = timedelta(seconds=1)


@pytest.fixture(params=samples.DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a store with twelve incidents for each of two recipients."""
    made = samples.empty(request.param, tmp_path)
    with open_store(made) as store:
        batch = [
            (at(n), outcome(u, 1, queued(u, "kp-cybercrime", 1), queued(u, "sprk", 1)))
            for n, u in enumerate(f"inc-{n}" for n in range(12))
        ]
        store.commit(batch, START, KEY)
    return made


def lease(
    store: Store, worker: str, now: datetime, lane: str = LANE, most: int = 3
) -> LeasedRow | None:
    """Ask for an edition within a limit."""
    return store.lease(lane, worker, now, now + 60 * MINUTE, per_minute=most)


def taken(store: Store, now: datetime, lane: str = LANE, most: int = 3) -> int:
    """Return how many two workers get in turn before there is nothing more."""
    return sum(lease(store, w, now, lane, most) is not None for w in "vwvwvwvw")


def test_two_workers_share_one_limit(store: Store) -> None:
    """What one has begun, the other one counts; after a minute there is room again."""
    first = taken(store, SOON)
    soon = taken(store, SOON + 59 * SECOND)
    later = taken(store, SOON + 60 * SECOND)

    assert (3, 0, 3) == (first, soon, later)


def test_each_recipient_has_its_own_limit(store: Store) -> None:
    """A recipient that gets no more delays no other; no limit is no limit."""
    taken(store, SOON)

    assert 3 == taken(store, SOON, OTHER)
    assert 8 == taken(store, SOON, OTHER, most=0)


def test_the_window_moves_with_each_attempt(store: Store) -> None:
    """Within any minute, and not within minutes of a clock, there are so many."""
    moments = [SOON + n * 20 * SECOND for n in range(7)]
    got = [lease(store, "v", moment, most=2) is not None for moment in moments]

    assert [True, True, False, True, True, False, True] == got


def test_a_clock_that_went_back_rests_nobody_for_long(store: Store) -> None:
    """What was counted an hour ahead does not stop a lane for that hour."""
    taken(store, SOON + 60 * MINUTE)

    assert 3 == taken(store, SOON)


def test_many_at_the_same_moment_take_no_more(url: str) -> None:
    """Workers with connections of their own never get more than the limit."""

    def work(name: int) -> int:
        with open_store(url) as own:
            return sum(lease(own, f"w{name}", SOON, most=5) is not None for _ in "abc")

    with ThreadPoolExecutor(6) as pool:
        done = sum(pool.map(work, range(6)))

    assert 5 == done
