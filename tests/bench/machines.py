"""How fast one and two consumers are, as processes over one PostgreSQL and one Kafka.

Incidents in a topic with four partitions -> revisions stored per second, from the times
that the store itself noted; starting a process is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine

from broker import keyring
from broker.publish import KafkaPublisher
from broker.sandbox.kafka import KafkaSandbox
from broker.source.cluster import Cluster
from broker.store import open_store
from broker.store.tables import metadata
from tests import postgresql
from tests.bench import incidents, world

COUNT: Final = 600
PARTITIONS: Final = 4
_PATIENCE: Final = 240.0


def per_second(numbers: tuple[int, ...] = (1, 2)) -> list[tuple[int, float]]:
    """Return (consumers, incidents stored per second).

    Raises:
        KafkaSandboxError: Java or Maven is missing.
    """
    with tempfile.TemporaryDirectory(prefix="besa-bench-") as folder:
        home = Path(folder)
        keyring.create(home / "keys", home / "public-keys")
        with KafkaSandbox(home / "kafka") as kafka:
            kafka.create_topics(["besa.receipts", "besa.dead-letters", "besa.feedback"])
            return [(n, _measured(n, home, kafka)) for n in numbers]


def _measured(number: int, home: Path, kafka: KafkaSandbox) -> float:
    topic = f"bench-{number}"
    kafka.create_topics([topic], PARTITIONS)
    engine = create_engine(postgresql.url())
    metadata.drop_all(engine)
    engine.dispose()
    open_store(postgresql.url()).close()
    with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
        for raw in islice(incidents.stream(seed=number), COUNT):
            publisher.publish(raw, world.NATIVE)
        publisher.flush()
    around = {n: v for n, v in os.environ.items() if not n.startswith("BESA_")} | {
        "BESA_HOME": str(home),
        "BESA_STORE": postgresql.url(),
        "BESA_KAFKA": kafka.address,
        "BESA_TOPIC": topic,
        "BESA_GROUP": topic,
        "BESA_LOG_LEVEL": "error",
    }
    consume = [sys.executable, "-m", "broker.cli", "consume"]
    running = [
        subprocess.Popen(consume, env=around, stdout=subprocess.DEVNULL)
        for _ in range(number)
    ]
    try:
        return _rate()
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def _rate() -> float:
    """Wait until all are stored; return how many were, per second of working."""
    engine = create_engine(postgresql.url())
    deadline = time.monotonic() + _PATIENCE
    question = "SELECT count(*), min(at), max(at) FROM inbox"
    try:
        while time.monotonic() < deadline:
            with engine.connect() as connection:
                count, first, last = connection.exec_driver_sql(question).one()
            if count == COUNT:
                return float(COUNT / max(0.001, (last - first) / 1000))
            time.sleep(0.2)
    finally:
        engine.dispose()
    raise RuntimeError(f"only {count} of {COUNT} incidents were stored")
