"""What reading, storing and committing add to the pure path.

Novel incidents, published beforehand -> processor seconds per incident of `Consumer`
with the SQLite store, beside the seconds of the pure path alone, in batches as large.
Processor time and not the clock: a consumer that waits for the disk or for Kafka leaves
the processor to others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import process_time

from broker.consume import Consumer
from broker.publish import KafkaPublisher, publish_spool
from broker.sandbox.kafka import KafkaSandbox
from broker.source.cluster import Cluster
from broker.source.kafka import KafkaSource
from broker.source.protocol import Source
from broker.source.spool import SpoolSource
from broker.store import open_store
from tests.bench import incidents, path, world
from tests.bench.measure import Timed, settled, timed_together

ROUNDS = 8
EACH = 150


def spool() -> tuple[Timed, Timed]:
    """Return seconds per incident: from the spool to the store, and the path alone."""

    def published(home: Path, raws: list[bytes]) -> Source:
        for raw in raws:
            publish_spool(home / "spool", raw, world.NATIVE, None)
        return SpoolSource(home / "spool")

    return _compared(published)


def kafka() -> tuple[Timed, Timed]:
    """Return seconds per incident: from a real Kafka to the store, and the path alone.

    Raises:
        KafkaSandboxError: Java or Maven is missing.
    """
    with _running() as (address, topics):

        def published(home: Path, raws: list[bytes]) -> Source:
            topic = next(topics)
            with KafkaPublisher(Cluster(address), topic) as publisher:
                for raw in raws:
                    publisher.publish(raw, world.NATIVE)
                publisher.flush()
            return KafkaSource(Cluster(address), topic, f"bench-{home.name}")

        return _compared(published)


@contextmanager
def _running() -> Iterator[tuple[str, Iterator[str]]]:
    with (
        tempfile.TemporaryDirectory(prefix="besa-bench-") as home,
        KafkaSandbox(Path(home)) as sandbox,
    ):
        topics = [f"bench-{number}" for number in range(ROUNDS)]
        sandbox.create_topics([*topics, "besa.receipts", "besa.dead-letters"])
        yield sandbox.address, iter(topics)


def _compared(
    published: Callable[[Path, list[bytes]], Source],
) -> tuple[Timed, Timed]:
    stream = incidents.stream(seed=7)
    for raw in islice(stream, 20):
        world.process(raw)
    stored, alone = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="besa-bench-") as home, settled():
            source = published(Path(home), list(islice(stream, EACH)))
            with closing(source):
                stored.append(_consumed(source, Path(home)))
            raws = list(islice(stream, EACH))
            spent = [
                timed_together(path.in_batch, raws[at : at + path.BATCH])
                for at in range(0, EACH, path.BATCH)
            ]
            alone.append(sum(spent) / len(spent))
    return Timed(tuple(stored)), Timed(tuple(alone))


def _consumed(source: Source, home: Path) -> float:
    with open_store(f"sqlite:///{home / 'besa.sqlite'}") as store:
        consumer = Consumer(source, store, world.rulebook, world.keys(), _now)
        start = process_time()
        totals = consumer.run(until_idle=True)
        spent = process_time() - start
    if totals.messages != EACH:
        raise AssertionError(f"{totals.messages} messages arrived, not {EACH}")
    return spent / EACH


def _now() -> datetime:
    return world.NOW
