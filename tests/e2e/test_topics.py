"""Several Kafka topics read by one process: formats, crashes, and what people see."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broker.consume import Step
from broker.publish import KafkaPublisher
from broker.sandbox.kafka import KafkaSandbox
from broker.seal import VerifyingKey
from broker.source.cluster import Cluster
from broker.source.kafka import DEAD_LETTERS, RECEIPTS
from broker.store import open_store
from tests.e2e.test_consume import Bench
from tests.e2e.test_consume import incident as made
from tests.world import keys

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "formats" / "samples" / "n6_event_phish.json"
EACH = 9
pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


def incident(uid: str, revision: int = 1) -> bytes:
    """Return an invented incident; of any revision, at one time."""
    said = f'"revision": {revision},'.encode()
    return made(uid).replace(b'"revision": 1,', said)


def n6_event(number: int, modified: str = "2026-03-01T10:05:00Z") -> bytes:
    """Return an event of n6 that says nowhere that it is one."""
    event = json.loads(SAMPLE.read_bytes()) | {"modified": modified}
    event["id"] = f"{number:032x}"
    event["address"] = [{"ip": f"203.0.113.{number + 1}"}]
    # Without these it looks like nothing, so that only the topic can tell its format.
    del event["restriction"]
    return json.dumps(event).encode()


@dataclass(frozen=True)
class Topics:
    """Two topics of two formats, and what was published to each."""

    address: str
    native: str
    n6: str

    def publish(self, topic: str, *bodies: bytes) -> None:
        """Publish messages that do not say their format."""
        with KafkaPublisher(Cluster(self.address), topic) as publisher:
            for body in bodies:
                publisher.publish(body)
            publisher.flush()

    def fill(self) -> None:
        """Publish nine incidents and a message that is none to each topic."""
        good = [incident(f"NATIVE-{n}", 1) for n in range(EACH)]
        self.publish(self.native, *good[:4], b'{"uid": "BAD"}', *good[4:])
        events = [n6_event(n) for n in range(EACH)]
        # It would be an incident in the other topic.
        self.publish(self.n6, *events[:5], incident("ELSEWHERE"), *events[5:])


@pytest.fixture
def topics(kafka: KafkaSandbox) -> Topics:
    """Give two topics of two partitions each, and those that Besa writes to."""
    made = Topics(kafka.address, f"in-{time.time_ns()}", f"n6-{time.time_ns()}")
    kafka.create_topics([DEAD_LETTERS, RECEIPTS])
    kafka.create_topics([made.native, made.n6], 2)
    return made


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give an empty store."""
    return Bench(tmp_path)


def life(bench: Bench, topics: Topics, step: int) -> int:
    """Let one process consume until it dies at a step, or is done; say how it ended."""
    where = f"{topics.address} {topics.native} {topics.n6}"
    command = [sys.executable, "-m", "tests.e2e.processes", "topics"]
    done = subprocess.run(
        [*command, bench.url, where, str(step)],
        cwd=ROOT,
        timeout=300,
        check=False,
        capture_output=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


class TestCrashes:
    @pytest.mark.slow
    def test_killed_at_every_step(self, bench: Bench, topics: Topics) -> None:
        """Two topics, a bad message in each, kill -9 six times: all is there once.

        Each topic's messages are read as the format of that topic.
        """
        topics.fill()
        ends = [life(bench, topics, step) for step in Step]
        assert [-signal.SIGKILL] * len(Step) == ends
        assert 0 == life(bench, topics, 0)

        read = bench.rows("SELECT uid, topic FROM inbox ORDER BY uid")
        native = [(f"NATIVE-{n}", topics.native) for n in range(EACH)]
        assert native + [(f"n6:{n:032x}", topics.n6) for n in range(EACH)] == read
        letters = bench.rows("SELECT topic, path FROM dead_letters ORDER BY topic")
        assert [topics.native, topics.n6] == [topic for topic, _ in letters]
        assert ["revision", "id"] == [path for _, path in letters]
        twice = "SELECT uid, agreement, edition FROM outbox GROUP BY 1, 2, 3"
        assert [] == bench.rows(twice + " HAVING count(*) > 1")
        decided = "SELECT count(*) FROM decisions GROUP BY uid, revision"
        assert 1 == len({count for (count,) in bench.rows(decided)})
        reached = 'SELECT topic, SUM("offset" + 1) FROM positions GROUP BY topic'
        counts = [(topics.native, EACH + 1), (topics.n6, EACH + 1)]
        assert counts == sorted(bench.rows(reached))
        key = VerifyingKey.from_pem(keys().signing.public_pem())
        with open_store(bench.url) as store:
            assert store.check_register({key.id: key}).entries > 0

    def test_one_incident_in_two_topics(self, bench: Bench, topics: Topics) -> None:
        """Revisions of one incident compete wherever they stand: the newest counts."""
        topics.publish(topics.n6, n6_event(1))
        assert 0 == life(bench, topics, 0)
        (first,) = bench.rows("SELECT revision FROM inbox")
        newer = incident(f"n6:{1:032x}", revision=first[0] + 1)
        topics.publish(topics.native, newer)
        topics.publish(topics.n6, n6_event(1, "2026-03-01T10:00:00Z"))
        assert 0 == life(bench, topics, 0)

        revisions = bench.rows("SELECT revision, topic FROM inbox ORDER BY revision")
        older = first[0] - 300
        assert [
            (older, topics.n6),
            (first[0], topics.n6),
            (first[0] + 1, topics.native),
        ] == revisions
        states = bench.rows(
            f"SELECT DISTINCT state FROM decisions WHERE revision = {older}"  # noqa: S608
        )
        assert [("stale",)] == states


@dataclass(frozen=True)
class Desk:
    """The commands, each a process of its own, in a home of their own."""

    env: dict[str, str]

    def besa(self, *arguments: str, code: int = 0) -> Any:
        """Run a command and return what it printed as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "broker.cli", *arguments],
            env=self.env,
            cwd=ROOT,
            timeout=200,
            check=False,
            capture_output=True,
        )
        assert code == done.returncode, done.stderr.decode()
        return json.loads(done.stdout) if "--json" in arguments else done.stderr


@pytest.fixture
def desk(topics: Topics, tmp_path: Path) -> Desk:
    """Give an installation that reads both topics."""
    mappings = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    table = mappings / "taxonomy" / "n6.yaml"
    table.write_text(f"topics: [{topics.n6}]\n{table.read_text()}")
    kept = {name: value for name, value in os.environ.items() if "BESA_" not in name}
    made = Desk(
        kept
        | {
            "BESA_HOME": str(tmp_path / "home"),
            "BESA_MAPPINGS": str(mappings),
            "BESA_KAFKA": topics.address,
            "BESA_TOPIC": f"{topics.native}, {topics.n6}",
            "BESA_GROUP": topics.native,
        }
    )
    made.besa("keys", "create")
    return made


class TestCommands:
    @pytest.mark.slow
    def test_what_an_operator_sees(self, desk: Desk, topics: Topics) -> None:
        """Status, reconcile, dead letters and publish name topics and keep to them."""
        topics.fill()
        lag = desk.besa("status", "--json")["lag"]
        assert {topics.native: EACH + 1, topics.n6: EACH + 1} == lag["topics"]
        assert 2 * EACH + 2 == lag["messages"]

        desk.besa("consume", "--until-idle")
        lag = desk.besa("status", "--json")["lag"]
        assert {topics.native: 0, topics.n6: 0} == lag["topics"]
        source = desk.besa("reconcile", "--json", code=1)["source"]
        assert source["is_same"]
        rows = [(row["topic"], row["partition"]) for row in source["partitions"]]
        assert [(t, n) for t in (topics.native, topics.n6) for n in (0, 1)] == rows

        desk.besa("dead-letters", "replay", "--all", "--json")
        waiting = desk.besa("status", "--json")["lag"]["topics"]
        assert {topics.native: 1, topics.n6: 1} == waiting

        told = desk.besa("publish", str(SAMPLE), "--topic", topics.n6, "--json")
        assert [topics.n6] == [one["topic"] for one in told]
        assert b"BESA_TOPIC does not name" in desk.besa(
            "publish", str(SAMPLE), "--topic", "elsewhere", code=2
        )
