"""A recall is killed with -9 between any two steps, and ends the same after a restart.

The steps are all writing transactions from the first revision to the confirmation: each
is cut off once before it is committed and once behind it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from broker.store import open_store
from broker.store.connect import Database
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given
from tests.unit.store import samples

STEPS = 11


def story(url: str, received: Path) -> None:
    """Share, recall, deliver and confirm; what is done already is not done again."""
    with open_store(url) as store:
        store.reclaim(lambda _: True)  # as a dispatcher does when it starts
        desk = Desk(store)
        if UID not in store.histories([UID]):
            desk.publish()
        if not desk.orders():
            deliver(desk, received)
        desk.order(agreement=KP)
        desk.take()
        deliver(desk, received)
        for one in store.recalls():
            store.acknowledge_recall(UID, KP, one.edition, desk.now, "tag")


def deliver(desk: Desk, received: Path) -> None:
    """Send what waits to a recipient that notes what it gets."""
    while (row := desk.lease()) is not None:
        if desk.store.close_needless(row, desk.now):
            continue
        with received.open("a") as file:
            file.write(f"{row.sealed.edition}\n")
        desk.store.finish(row, desk.receipt(row))


def killed(url: str, received: Path, number: int, *, committed: bool) -> int:
    """Run the story in a process that dies at one of its transactions."""
    child = os.fork()
    if child == 0:
        try:
            with dying_at(number, committed=committed):
                story(url, received)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def dying_at(number: int, *, committed: bool) -> Iterator[None]:
    """Kill this process with -9 at its nth writing transaction."""
    real, count = Database.write, 0

    @contextmanager
    def write(self: Database) -> Iterator[Connection]:
        nonlocal count
        count += 1
        dies = count == number
        with real(self) as connection:
            yield connection
            if dies and not committed:
                os.kill(os.getpid(), signal.SIGKILL)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    Database.write = write  # type: ignore[method-assign]
    yield


def ends(url: str) -> dict[str, Any]:
    """Return how the story ended."""
    with open_store(url) as store:
        desk = Desk(store)
        store.check_register(given.public())
        recalls = [
            (one.edition, one.whole, one.state, one.acknowledged_by)
            for one in store.recalls(everything=True)
        ]
        done = [one.done_at is not None for one in desk.orders()]
        return {"recalls": recalls, "done": done, "left": desk.lease()}


END = {"recalls": [(2, True, "delivered", "tag")], "done": [True], "left": None}


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("number", range(1, STEPS + 1))
@pytest.mark.parametrize("database", samples.DATABASES)
def test_whenever_it_dies_the_end_is_the_same(
    database: str, number: int, committed: bool, tmp_path: Path
) -> None:
    """One recall, delivered once more at most, in order, confirmed, on record."""
    url, received = samples.empty(database, tmp_path), tmp_path / "received"
    code = killed(url, received, number, committed=committed)
    story(url, received)
    got = [int(line) for line in received.read_text().split()]

    assert -signal.SIGKILL == code
    assert END == ends(url)
    assert sorted(got) == got
    assert {1, 2} == set(got)
    assert len(got) <= 3


def test_the_story_has_so_many_steps(tmp_path: Path) -> None:
    """The test above dies at each of the story's transactions."""
    url, received = samples.url_of(tmp_path), tmp_path / "received"

    assert 0 == killed(url, received, STEPS + 1, committed=True)
    assert END == ends(url)
