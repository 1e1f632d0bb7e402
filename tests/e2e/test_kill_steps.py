"""kill -9 of each process at each numbered step, and the process that comes after."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.consume import Step
from broker.deliver import Credential
from broker.model.agreement import Recipient
from broker.reconcile import compare_recipient
from broker.reconcile.holdings import open_holdings
from broker.sandbox.misp import Knobs, MispSandbox
from broker.seal import VerifyingKey
from broker.store import open_store
from broker.store.connect import open_database
from tests import world
from tests.contract.taxii_server import OURS, PASSWORD, USER, running
from tests.contract.test_reconcile import commit_bundle
from tests.e2e.processes import Sending
from tests.e2e.test_consume import Bench, traffic
from tests.e2e.test_dispatch import WAITS, commit, now, recipient
from tests.unit.store import samples
from tests.unit.store.samples import KEYS

KP, LANE = "kp-cybercrime", "kp-misp"
KINDS = ("misp", "taxii", "feed", "file-drop")
CSIRT = {"name": "KOS-CERT", "uuid": "0b8c5a52-6d3f-4c0e-9a57-2f7d1c9e4b10"}

pytestmark = pytest.mark.timeout(300)


def ran(what: str, url: str, where: str, step: int) -> int:
    """Run a process until it ends or dies; return its exit code."""
    code = [sys.executable, "-m", "tests.e2e.processes", what, url, where, str(step)]
    return subprocess.run(code, timeout=200, check=False).returncode


@pytest.fixture(params=samples.DATABASES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Give an empty spool and store."""
    made = Bench(tmp_path)
    if request.param == "postgresql":
        made.url = samples.empty("postgresql", tmp_path)
    return made


@pytest.mark.parametrize("step", list(Step))
def test_a_consumer_killed_at_a_step(bench: Bench, tmp_path: Path, step: Step) -> None:
    """After kill -9 at any step of a batch, the next process ends at the very same."""
    (tmp_path / "calm").mkdir()
    calm = Bench(tmp_path / "calm")
    for each in (calm, bench):
        each.publish(*traffic())
    assert 0 == ran("consume", calm.url, str(calm.spool.folder), 0)

    code = ran("consume", bench.url, str(bench.spool.folder), step)
    assert -signal.SIGKILL == code
    assert 0 == ran("consume", bench.url, str(bench.spool.folder), 0)

    assert calm.outcome()["outbox"]
    assert {name: sorted(rows) for name, rows in calm.outcome().items()} == {
        name: sorted(rows) for name, rows in bench.outcome().items()
    }
    signing = world.keys().signing
    known = VerifyingKey(signing.private.public_key(), signing.id)
    with open_store(bench.url) as store:
        assert store.check_register({known.id: known}).entries > 0


class Place:
    """One recipient of some kind, and the ways to its own process and holdings."""

    def __init__(self, url: str, to: Recipient, key: str) -> None:
        self.url, self.to, self.key = url, to, key

    def dispatch(self, step: int) -> int:
        """Run a dispatcher until it ends or dies."""
        file = self.to.model_dump(mode="json")
        return ran(
            "dispatch", self.url, json.dumps([{"file": file, "key": self.key}]), step
        )

    def check(self, cases: int) -> None:
        """Every case is there as it should be, and in the books once."""
        database = open_database(self.url)
        holdings = open_holdings(
            self.to, Credential("c", self.key), clock=now, timeouts=WAITS
        )
        report = compare_recipient(database, self.to, holdings, KEYS)
        assert ((), "", cases) == (report.rows, report.problem, report.same)
        with database.read() as connection:
            question = (
                "SELECT uid, edition, count(*) FROM receipts "
                "WHERE state = 'delivered' GROUP BY uid, edition"
            )
            counts = connection.exec_driver_sql(question).all()
        database.close()
        assert {1} == {row[2] for row in counts}
        with open_store(self.url) as store:
            assert store.check_register(KEYS).entries > 0


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give a recipient of each kind, with two cases that wait for it."""
    url, kind = samples.url_of(tmp_path), request.param
    (tmp_path / "there").mkdir()
    if kind == "misp":
        with MispSandbox(tmp_path / "there") as misp:
            yield Place(url, recipient(LANE, misp.url), misp.keys["sync"])
        return
    if kind == "taxii":
        with running(tmp_path / "there") as server:
            to = recipient(LANE, server.root, kind, collection=OURS)
            yield Place(url, to, f"{USER}:{PASSWORD}")
        return
    more: dict[str, Any] = {"organisation": CSIRT} if kind == "feed" else {}
    yield Place(url, recipient(LANE, f"file://{tmp_path / 'there'}", kind, **more), "")


STEPS = [Sending.LEASED, Sending.SENDING, Sending.SENT, Sending.FINISHED]


@pytest.mark.parametrize("step", STEPS)
def test_a_dispatcher_killed_at_a_step(place: Place, step: Sending) -> None:
    """After kill -9 at any step of a delivery, everything is there, once."""
    for uid in ("K-1", "K-2"):
        if place.to.kind == "taxii":
            commit_bundle(place.url, uid)
        else:
            commit(place.url, uid, agreements=[KP])

    assert -signal.SIGKILL == place.dispatch(step)
    assert 0 == place.dispatch(0)

    place.check(2)


@pytest.mark.parametrize("step", [Sending.SENDING, Sending.SENT])
def test_a_dispatcher_killed_while_it_updates(tmp_path: Path, step: Sending) -> None:
    """Half an update of a MISP is mended by the next process."""
    with MispSandbox(tmp_path / "misp") as misp:
        url = samples.url_of(tmp_path)
        place = Place(url, recipient(LANE, misp.url), misp.keys["sync"])
        commit(url, "K-1", agreements=[KP])
        assert 0 == place.dispatch(0)
        commit(url, "K-1", 2, agreements=[KP])

        assert -signal.SIGKILL == place.dispatch(step)
        assert 0 == place.dispatch(0)

        place.check(1)


def test_a_dispatcher_killed_after_it_put_off(tmp_path: Path) -> None:
    """A process that died after a failed attempt leaves an edition that still goes."""
    with MispSandbox(tmp_path / "misp") as misp:
        url = samples.url_of(tmp_path)
        place = Place(url, recipient(LANE, misp.url), misp.keys["sync"])
        commit(url, "K-1", agreements=[KP])
        misp.faults = Knobs(error_next=1)
        assert -signal.SIGKILL == place.dispatch(Sending.PUT_OFF)
        misp.faults = Knobs()

        assert 0 == place.dispatch(0)

        place.check(1)
