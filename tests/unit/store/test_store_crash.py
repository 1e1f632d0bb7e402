"""A process that is killed while it writes leaves a store that is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.store.connect import open_database
from broker.store.tables import editions, inbox, outbox
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, SOON, at, outcome, queued

AGREEMENTS = tuple(samples.AGREEMENTS)
BATCH = 20

WRITER = """
import sys
from tests.unit.store.samples import *
store = open_store(sys.argv[1])
done = int(sys.argv[2])
while True:
    batch = [
        (at(n), outcome(f"inc-{n}", 1, *(queued(f"inc-{n}", a, 1, size=2000)
                                        for a in AGREEMENTS)))
        for n in range(done, done + 20)
    ]
    store.commit(batch, START, KEY)
    done += 20
    # What follows a commit in real life: the offset is confirmed.
    print(done, flush=True)
"""

LEASER = """
import sys
from tests.unit.store.samples import *
store = open_store(sys.argv[1])
while True:
    row = store.lease("kp-misp", "victim", SOON, LATER)
    if row is None:
        break
    store.finish(row, receipt(row))
    print(row.id, flush=True)
"""


def killed(code: str, *arguments: str, after: float) -> list[int]:
    """Run code in a process, kill it with -9, and return the numbers it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    rest = process.stdout.read()
    process.wait(timeout=30)
    process.stdout.close()
    assert -signal.SIGKILL == process.returncode
    # The last line may have been cut by the kill.
    return [int(line) for line in (first + rest).split(b"\n")[:-1] if line]


@pytest.mark.parametrize("after", [0.0, 0.011, 0.037, 0.113])
def test_a_killed_commit_is_there_whole_or_not_at_all(
    tmp_path: Path, after: float
) -> None:
    """After kill -9 at any moment, every batch is stored completely or not at all."""
    url = samples.url_of(tmp_path)

    confirmed = killed(WRITER, url, "0", after=after)[-1]

    database = open_database(url)
    with database.read() as connection:
        received = set(connection.scalars(select(inbox.c.uid)))
        sent = Counter(connection.scalars(select(outbox.c.uid)))
        numbered = Counter(connection.scalars(select(editions.c.uid)))
    database.close()
    assert confirmed <= len(received)
    assert 0 == len(received) % BATCH
    assert {uid: len(AGREEMENTS) for uid in received} == sent == numbered
    with samples.opened(tmp_path) as store:
        store.check_register(KEYS)


def test_work_goes_on_where_the_dead_process_stopped(tmp_path: Path) -> None:
    """Processing everything again after a kill loses nothing and repeats nothing."""
    url = samples.url_of(tmp_path)
    confirmed = killed(WRITER, url, "0", after=0.05)[-1]
    uids = [f"inc-{n}" for n in range(confirmed + 2 * BATCH)]
    batch = [
        (at(n), outcome(uid, 1, *(queued(uid, a, 1) for a in AGREEMENTS)))
        for n, uid in enumerate(uids)
    ]

    with samples.opened(tmp_path) as store:
        store.commit(batch, SOON, KEY)
        lanes = store.status(SOON).lanes
        store.check_register(KEYS)

    assert [len(uids)] * len(AGREEMENTS) == [lane.queued for lane in lanes]


@pytest.mark.parametrize("after", [0.0, 0.023, 0.061])
def test_a_killed_worker_leaves_one_lease_at_most(tmp_path: Path, after: float) -> None:
    """After kill -9 of a worker, each row is delivered, leased or queued, once."""
    with samples.opened(tmp_path) as store:
        batch = [
            (at(n), outcome(f"inc-{n}", 1, queued(f"inc-{n}", "kp-cybercrime", 1)))
            for n in range(400)
        ]
        store.commit(batch, samples.START, KEY)

        delivered = killed(LEASER, samples.url_of(tmp_path), after=after)

        lane = store.status(SOON).lanes[0]
        store.check_register(KEYS)
        store.reclaim(lambda worker: worker == "victim")
        row = store.lease("kp-misp", "next", SOON, samples.LATER)

    assert delivered == sorted(delivered)
    assert len(delivered) <= lane.delivered <= len(delivered) + 1
    assert 400 == lane.delivered + lane.leased + lane.queued
    assert lane.leased <= 1
    assert row is not None
    assert lane.delivered + 1 == row.id
