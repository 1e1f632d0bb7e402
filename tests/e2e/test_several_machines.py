"""Two consumers and two dispatchers over one PostgreSQL and one Kafka, killed at will.

Each is a process of its own, as on a machine of its own. Whatever is stopped, killed
and started: each edition arrives, once in the books, and never after a newer one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from broker.canonical import dumps
from broker.demo.stage import Stage, staged
from broker.publish import KafkaPublisher
from broker.source.cluster import Cluster
from broker.store import open_store
from broker.store.connect import open_database
from broker.store.register import entries
from tests import postgresql
from tests.contract.kafka_fixtures import needs_kafka
from tests.e2e.test_kill import NATIVE, book, check_recipients, expected, incident
from tests.unit.store import samples

TOPIC = "csirt.many"
PARTITIONS = 4
COUNT = 120
SEED = int(os.environ.get("BESA_TEST_SEED", "20261122"))

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    needs_kafka,
    postgresql.needs_postgresql,
]


def messages() -> list[dict[str, Any]]:
    """Return incidents of which every third is revised twice, some time later."""
    made = [incident(number, 1) for number in range(COUNT)]
    for number in range(0, COUNT, 3):
        for revision in (2, 3):
            at = made.index(incident(number, revision - 1)) + 25
            made.insert(min(len(made), at), incident(number, revision))
    return made


@dataclass
class Machines:
    """Processes of one installation, each started as if alone."""

    stage: Stage
    store: str
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``consume-N`` or ``dispatch-N``."""
        around = self.stage.environment()
        around |= {"BESA_STORE": self.store, "BESA_TOPIC": TOPIC}
        with (self.stage.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "broker.cli",
                    name.partition("-")[0],
                    *arguments,
                ],
                env=around,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.alive[name] = process
        return process

    def end(self, name: str, number: int) -> None:
        """End a process by a signal, and wait until it is dead."""
        process = self.alive.pop(name)
        process.send_signal(number)
        process.wait(60)

    def close(self) -> None:
        """Kill whatever still runs."""
        for process in self.alive.values():
            process.kill()
            process.wait()

    def logs(self) -> str:
        """Return the end of what they said."""
        return "\n".join(
            path.read_text("utf-8", "replace")[-1500:]
            for path in sorted(self.stage.home.glob("*-?.log"))
        )


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Give Kafka with several partitions, PostgreSQL, and MISPs for all recipients."""
    store = samples.empty("postgresql", tmp_path)
    with ExitStack() as stack:
        stage = stack.enter_context(
            staged(book(), spool=False, keep=False, tell=lambda _: None)
        )
        assert stage.kafka is not None, stage.why_spool
        stage.kafka.create_topics([TOPIC], PARTITIONS)
        open_store(store).close()
        made = Machines(stage, store)
        stack.callback(made.close)
        yield made


def publish(address: str, made: list[dict[str, Any]]) -> None:
    """Publish over the time in which processes come and go."""
    with KafkaPublisher(Cluster(address), TOPIC) as publisher:
        for message in made:
            publisher.publish(dumps(message), NATIVE, message["uid"])
            time.sleep(0.08)
        publisher.flush()


def assert_all_partitions_used(address: str) -> None:
    """Make sure that the incidents were spread, or the test shows nothing."""
    consumer = KafkaConsumer(bootstrap_servers=address)
    parts = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    ends = consumer.end_offsets(parts)
    consumer.close()
    assert all(ends[part] > 0 for part in parts), ends


def test_two_of_each_are_killed_and_nothing_is_lost_repeated_or_reordered(
    machines: Machines,
) -> None:
    """Consumers and dispatchers that come and go leave what the pure path says."""
    chance = random.Random(SEED)
    made = messages()
    names = ["consume-1", "consume-2", "dispatch-1", "dispatch-2"]
    for name in names:
        machines.start(name)
    address = machines.stage.kafka_address
    publishing = threading.Thread(target=publish, args=(address, made), daemon=True)
    publishing.start()
    for turn in range(8):
        time.sleep(chance.uniform(1.0, 2.5))
        victim = names[turn % 4]  # each is ended twice: once gently, once not
        machines.end(victim, signal.SIGTERM if turn < 4 else signal.SIGKILL)
        time.sleep(chance.uniform(0.0, 1.0))
        machines.start(victim)
    publishing.join(120)
    assert not publishing.is_alive()
    assert_all_partitions_used(address)

    finish(machines, len(made))

    check_recipients(machines.stage, expected(machines.stage, book(), made))
    check_books(machines.store)


def finish(machines: Machines, wanted: int) -> None:
    """Wait until every message was decided and nothing waits any more."""
    deadline = time.monotonic() + 300
    with open_store(machines.store) as store:
        while time.monotonic() < deadline:
            database = open_database(machines.store)
            with database.read() as connection:
                count = connection.exec_driver_sql("SELECT count(*) FROM inbox")
                decided = count.scalar() or 0
            database.close()
            now = samples.datetime.now(samples.UTC)
            lanes = store.status(now).lanes
            if decided == wanted and not any(one.queued + one.leased for one in lanes):
                return
            time.sleep(0.5)
    raise AssertionError(f"{decided} of {wanted}, {lanes}\n{machines.logs()}")


def check_books(url: str) -> None:
    """Each edition ended once, an incident's in their order; the register is whole."""
    delivered: dict[tuple[str, str], list[int]] = defaultdict(list)
    database = open_database(url)
    with database.read() as connection:
        for entry in entries(connection):
            if entry.kind == "delivery" and entry.facts["state"] == "delivered":
                of = (entry.facts["recipient"], entry.facts["uid"])
                delivered[of].append(entry.facts["edition"])
        question = "SELECT DISTINCT state FROM outbox"
        states = set(connection.exec_driver_sql(question).scalars())
    database.close()
    assert delivered
    for editions in delivered.values():
        assert sorted(set(editions)) == editions
    assert states <= {"delivered", "superseded"}


def test_reconcile_agrees(machines: Machines) -> None:
    """After several machines worked, `besa reconcile` finds nothing to say."""
    made = messages()[:30]
    with KafkaPublisher(Cluster(machines.stage.kafka_address), TOPIC) as publisher:
        for message in made:
            publisher.publish(dumps(message), NATIVE, message["uid"])
        publisher.flush()
    for name in ("consume-1", "consume-2", "dispatch-1", "dispatch-2"):
        machines.start(name)
    finish(machines, len(made))
    for name in list(machines.alive):
        machines.end(name, signal.SIGTERM)

    around = machines.stage.environment()
    around |= {"BESA_STORE": machines.store, "BESA_TOPIC": TOPIC}
    told = subprocess.run(
        [sys.executable, "-m", "broker.cli", "reconcile", "--json"],
        env=around,
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert 0 == told.returncode, told.stdout.decode() + told.stderr.decode()
    said = json.loads(told.stdout)
    assert PARTITIONS == len(said["source"]["partitions"])
    assert all(0 == part["waiting"] for part in said["source"]["partitions"])
