"""Several processes may send for one recipient, and several write, at the same time."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from broker.store import open_store
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, SOON, START, at, outcome, queued

LEASER = """
import sys, time
from tests.unit.store.samples import *
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while row := store.lease("kp-misp", sys.argv[2], SOON, LATER):
    print(row.uid, row.sealed.edition, flush=True)
    time.sleep(0.005)  # a delivery
    assert store.finish(row, receipt(row))
"""

WRITER = """
import sys
from tests.unit.store.samples import *
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for n in range(30):
    uid = f"{sys.argv[2]}-{n}"
    share = queued(uid, "kp-cybercrime", 1)
    store.commit([(at(n), outcome(uid, 1, share))], START, KEY)
"""


def at_once(code: str, url: str, names: str) -> list[list[str]]:
    """Run one process per name, let all begin together, and return what they print."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in started:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    printed = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        out, complaint = process.communicate(timeout=120)
        assert "" == complaint
        printed.append(out.splitlines())
    return printed


@pytest.fixture(params=samples.DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store."""
    return samples.empty(request.param, tmp_path)


def test_two_workers_share_a_lane_without_repeating(url: str) -> None:
    """Two processes that lease from one lane together send every row exactly once."""
    with open_store(url) as store:
        batch = [
            (at(n), outcome(f"inc-{n}", 1, queued(f"inc-{n}", "kp-cybercrime", 1)))
            for n in range(100)
        ]
        store.commit(batch, START, KEY)

        printed = at_once(LEASER, url, "vw")

        store.check_register(KEYS)
    assert sorted(f"inc-{n} 1" for n in range(100)) == sorted(chain(*printed))
    assert all(printed)


def test_writers_take_turns_on_one_register(url: str) -> None:
    """Processes that commit at the same time make one unbroken register."""
    at_once(WRITER, url, "abc")

    with open_store(url) as store:
        assert 90 == store.status(SOON).lanes[0].queued
        assert 180 == store.check_register(KEYS).entries
