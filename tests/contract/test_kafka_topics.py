"""Facts about one `KafkaSource` that reads several topics of a real Kafka."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from broker.model.intake import Message
from broker.reconcile.source import compare_kafka
from broker.sandbox.kafka import KafkaSandbox
from broker.source.cluster import Cluster
from broker.source.kafka import KafkaSource
from broker.store import open_store
from broker.store.connect import open_database
from tests.contract.kafka_fixtures import (
    come_and_go,
    committed,
    make_producer,
    make_topic,
    polled,
)
from tests.unit.store.samples import START, letter, url_of
from tests.waiting import eventually

pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


def write(kafka: KafkaSandbox, topic: str, count: int, partitions: int = 1) -> None:
    """Write numbered messages to a topic, in turn to its partitions."""
    with closing(make_producer(kafka.address)) as producer:
        for number in range(count):
            body = f"{topic} {number}".encode()
            producer.send(topic, body, partition=number % partitions)
        producer.flush(60)


def places(messages: list[Message]) -> list[tuple[str, int]]:
    """Return where messages stood, sorted."""
    return sorted((one.position.topic, one.position.offset) for one in messages)


def test_each_topic_has_its_own_offsets(kafka: KafkaSandbox, group: str) -> None:
    """What is committed of one topic says nothing of another; the rest comes again."""
    one, two = make_topic(kafka), make_topic(kafka)
    write(kafka, one, 4)
    write(kafka, two, 3)
    with closing(KafkaSource(Cluster(kafka.address), (one, two), group)) as source:
        found = polled(source, 7)
        assert sorted([(one, n) for n in range(4)] + [(two, n) for n in range(3)]) == (
            places(found)
        )
        done = [m for m in found if m.position.topic == one or m.position.offset == 0]
        source.commit(done)

    assert (4, 1) == (committed(kafka, one, group), committed(kafka, two, group))
    with closing(KafkaSource(Cluster(kafka.address), (one, two), group)) as again:
        assert [(two, 1), (two, 2)] == places(polled(again, 2))


def test_lag_counts_every_topic(kafka: KafkaSandbox, group: str) -> None:
    """What waits is what waits in all topics, and nothing only when all are read."""
    one, two = make_topic(kafka), make_topic(kafka)
    write(kafka, two, 5)
    with closing(KafkaSource(Cluster(kafka.address), (one, two), group)) as source:
        found: list[Message] = []
        assert eventually(lambda: found.extend(source.poll(2, 0.5)) or found, 60)
        assert 5 - len(found) == source.lag()
        polled(source, 5 - len(found))
        assert eventually(lambda: source.lag() == 0, 30)


def test_a_missing_topic_holds_up_no_other(kafka: KafkaSandbox, group: str) -> None:
    """A topic that is not there is told while another is read, and read once made."""
    there, later = make_topic(kafka), f"later-{uuid.uuid4().hex[:8]}"
    with closing(KafkaSource(Cluster(kafka.address), (there, later), group)) as source:
        write(kafka, there, 3)
        assert 3 == len(polled(source, 3))
        missing = f"Kafka at {kafka.address} has no topic {later}; create it"
        told = [lambda: write(kafka, there, 1), lambda: source.poll(1, 0.5)]
        assert eventually(lambda: [do() for do in told] and source.trouble(), 60)
        assert missing == source.trouble()
        assert source.lag() is None

        kafka.create_topics([later])
        write(kafka, later, 1)
        seen: list[Message] = []

        def arrived() -> bool:
            seen.extend(source.poll(50, 0.5))
            return later in {one.position.topic for one in seen}

        assert eventually(arrived, 90)
        assert eventually(lambda: not (source.poll(50, 0.5) or source.trouble()), 60)


def test_a_busy_topic_holds_up_no_other(kafka: KafkaSandbox, group: str) -> None:
    """The first message of one topic comes long before the last of another."""
    busy, calm = make_topic(kafka), make_topic(kafka)
    with closing(make_producer(kafka.address)) as producer:
        for _ in range(1500):
            producer.send(busy, b"x" * 10_000)
        producer.send(calm, b"x").get(timeout=60)
        producer.flush(60)
    with closing(KafkaSource(Cluster(kafka.address), (busy, calm), group)) as source:
        found: list[Message] = []

        def calm_came() -> bool:
            found.extend(source.poll(50, 0.5))
            return bool(found) and calm in {one.position.topic for one in found}

        assert eventually(calm_came, 120)
    assert len(found) < 1000


def test_rebalance_with_two_topics(kafka: KafkaSandbox, group: str) -> None:
    """When members come and go, every message of both topics is read."""
    topics = [make_topic(kafka, 3), make_topic(kafka, 2)]
    for topic, partitions in zip(topics, (3, 2), strict=True):
        write(kafka, topic, 200, partitions)
    done: list[bytes] = []
    stop = threading.Event()

    def member(leave_after: int | None) -> None:
        with closing(KafkaSource(Cluster(kafka.address), topics, group)) as source:
            mine = 0
            while not stop.is_set() and (leave_after is None or mine < leave_after):
                messages = source.poll(5, 0.2)
                done.extend(message.body for message in messages)
                time.sleep(0.01)
                source.commit(messages)
                mine += len(messages)

    come_and_go(member, stop, lambda: len(set(done)) == 400)

    assert 400 == len(set(done))
    assert len(done) <= 400 + 3 * 5


def test_the_offsets_of_two_topics_are_compared(
    kafka: KafkaSandbox, group: str, tmp_path: Path
) -> None:
    """The source is compared topic by topic; one that is missing is named."""
    one, two = make_topic(kafka), make_topic(kafka)
    write(kafka, one, 2)
    write(kafka, two, 3)
    url = url_of(tmp_path)
    with closing(KafkaSource(Cluster(kafka.address), (one, two), group)) as source:
        found = polled(source, 5)
        kept = [message for message in found if message.position.topic == one]
        with open_store(url) as store:
            store.commit([(m.position, letter(m.position)) for m in kept], START)
        source.commit(found)
    database = open_database(url)
    report = compare_kafka(database, Cluster(kafka.address), (one, two, "none"), group)

    assert "Kafka has no topic none" == report.problem
    problems = {row.topic: row.problem for row in report.partitions}
    assert {one: "", two: "0..2 were confirmed to Kafka and never stored"} == problems


class Hasty(KafkaSource):
    """The product's source, with less patience for a group that does not answer."""

    def __init__(self, address: str, topic: str) -> None:
        super().__init__(Cluster(address), topic, "g", member="m")
        self._patience = 1.0


def test_a_group_that_does_not_answer_is_joined_anew(own_kafka: KafkaSandbox) -> None:
    """A member whose group stays silent leaves it, begins anew, and loses nothing."""
    address = own_kafka.start()
    topic = make_topic(own_kafka)
    write(own_kafka, topic, 2)
    with closing(Hasty(address, topic)) as source:
        first = polled(source, 2)
        source.commit(first)
        pid = own_kafka.status().pid
        assert pid is not None
        left = _paused(pid, lambda: not source.poll(1, 0.5) and source.trouble())
        assert left == f"Kafka at {address} does not answer for the group"
        write(own_kafka, topic, 1)

        assert [(topic, 2)] == places(polled(source, 1, 120))
        assert "" == source.trouble()


def _paused(pid: int, trouble: Callable[[], object]) -> object:
    """Return what a source says while its Kafka takes connections and says nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 60
        while not (said := trouble()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return said
    finally:
        os.kill(pid, signal.SIGCONT)
