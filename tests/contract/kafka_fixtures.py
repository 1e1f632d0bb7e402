"""A real Kafka for tests, one per session, and small pieces to work with it.

A test module takes part with ``pytest_plugins = ["tests.contract.kafka_fixtures"]``
(importing the fixture by name would start a broker per module) and asks for ``kafka``.
Without Java or Maven such a test is skipped, and fails where ``CI=true``.

PYTEST_DONT_REWRITE (the module is imported before pytest takes it for a plug-in)
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from kafka import (
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)

from broker.model.intake import Message
from broker.sandbox.kafka import KafkaSandbox, available
from broker.source.kafka import KafkaSource
from tests.services import CI, absent
from tests.waiting import eventually

CONSUMER: Final[Mapping[str, Any]] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "allow_auto_create_topics": False,
    "max_poll_records": 50,
    "max_poll_interval_ms": 300_000,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "request_timeout_ms": 15_000,
    "bootstrap_timeout_ms": 10_000,
    "reconnect_backoff_max_ms": 1_000,
    "metadata_max_age_ms": 30_000,
    "fetch_max_bytes": 16 * 1024 * 1024,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "receive_message_max_bytes": 256 * 1024 * 1024,
    "metrics_enabled": False,
}
"""What docs/kafka.md recommends for Besa's consumer; the tests run with it."""

PRODUCER: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "allow_auto_create_topics": False,
    "linger_ms": 5,
    "max_block_ms": 10_000,
    "request_timeout_ms": 15_000,
    "delivery_timeout_ms": 30_000,
    "bootstrap_timeout_ms": 10_000,
    "reconnect_backoff_max_ms": 1_000,
    "max_request_size": 64 * 1024 * 1024,
    "metrics_enabled": False,
}
"""What docs/kafka.md recommends for Besa's producer."""

Records = list[tuple[int, int]]
"""Records as (partition, offset), in the order in which they were read."""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSandbox]:
    """Give a running broker that every test of the session shares."""
    require_kafka()
    with KafkaSandbox(tmp_path_factory.mktemp("kafka")) as sandbox:
        yield sandbox


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaSandbox]:
    """Give a broker, not yet started, that one test may crash as it likes."""
    require_kafka()
    sandbox = KafkaSandbox(tmp_path / "own-kafka")
    yield sandbox
    sandbox.stop()


needs_kafka = pytest.mark.skipif(
    available() is not None and not CI, reason=available() or "Kafka is available"
)


@pytest.fixture
def group() -> str:
    """Give a group of its own."""
    return f"g-{uuid.uuid4().hex[:8]}"


def require_kafka() -> None:
    """Skip the test where no Kafka can run, or fail it where one must."""
    reason = available()
    if reason is not None:
        absent(reason)


def make_topic(kafka: KafkaSandbox, partitions: int = 1) -> str:
    """Make a topic that no other test uses and return its name."""
    topic = f"test-{uuid.uuid4().hex[:12]}"
    kafka.create_topics([topic], partitions)
    return topic


def make_consumer(address: str, group: str, **other: Any) -> KafkaConsumer:
    """Open a consumer as the product would, subscribed to nothing yet."""
    settings = {**CONSUMER, "group_id": group, **other}
    return KafkaConsumer(bootstrap_servers=address, **settings)


def await_topic(consumer: KafkaConsumer, topic: str, partitions: int = 1) -> None:
    """Wait until a consumer has heard of a new topic.

    One that joins its group before is given no part of it, and asks for the list of
    topics again only after ``metadata_max_age_ms``.
    """
    assert eventually(
        lambda: len(consumer.partitions_for_topic(topic) or ()) >= partitions
    )


def make_producer(address: str, **other: Any) -> KafkaProducer:
    """Open a producer as the product would."""
    return KafkaProducer(bootstrap_servers=address, **{**PRODUCER, **other})


def fill(address: str, topic: str, each: int, partitions: int = 1) -> None:
    """Write ``each`` small messages into every partition of a topic, and wait."""
    with closing(make_producer(address)) as producer:
        sent = [
            producer.send(topic, key=b"k", value=b"%d" % at, partition=partition)
            for at in range(each)
            for partition in range(partitions)
        ]
        for future in sent:
            future.get(timeout=20)


def read(consumer: KafkaConsumer, count: int, seconds: float = 20) -> Records:
    """Read until ``count`` records have come, or the time is up."""
    found: Records = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        for records in consumer.poll(200).values():
            found += [(record.partition, record.offset) for record in records]
    return found


def polled(source: KafkaSource, count: int, seconds: float = 60) -> list[Message]:
    """Poll the product's source until so many messages came, or the time is up."""
    found: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        found += source.poll(50, 0.2)
    return found


def come_and_go(
    member: Callable[[int | None], None],
    stop: threading.Event,
    are_done: Callable[[], bool],
) -> None:
    """Let three members of a group join one by one, of whom the second leaves.

    Args:
        member: reads as a member, until it has read so many messages or is stopped.
        stop: tells the members to end.
        are_done: says whether there is nothing left to read.
    """
    threads = [threading.Thread(target=member, args=(n,)) for n in (None, 60, None)]
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    try:
        # Nothing else ends the waiting but that nobody reads any more.
        while any(one.is_alive() for one in threads) and not are_done():
            time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def committed(kafka: KafkaSandbox, topic: str, group: str) -> int | None:
    """Return what a group has committed of partition 0 of a topic."""
    with closing(make_consumer(kafka.address, group)) as asking:
        found: int | None = asking.committed(TopicPartition(topic, 0), timeout_ms=20000)
        return found


def upto(topic: str, **offsets: int) -> dict[TopicPartition, OffsetAndMetadata]:
    """Say what to commit: ``upto("t", p0=3)`` is the first three of partition 0."""
    return {
        TopicPartition(topic, int(name[1:])): OffsetAndMetadata(offset, "", -1)
        for name, offset in offsets.items()
    }
