"""Facts about `KafkaSource`, its writer and `KafkaPublisher` on a real Kafka."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition

from broker.errors import StoreUnavailable
from broker.model.intake import (
    LARGEST_MESSAGE,
    MISP_EVENT,
    NATIVE,
    DeadLetter,
    Message,
    Position,
)
from broker.publish import KafkaPublisher, Numbering
from broker.sandbox.kafka import KafkaSandbox
from broker.source import SourceError
from broker.source.cluster import Cluster
from broker.source.kafka import DEAD_LETTERS, RECEIPTS, KafkaSource
from tests.contract.kafka_fixtures import (
    come_and_go,
    committed,
    make_consumer,
    make_producer,
    make_topic,
    polled,
)
from tests.waiting import eventually

pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


@pytest.fixture
def topic(kafka: KafkaSandbox) -> str:
    """Give a topic of its own, with one partition."""
    return make_topic(kafka)


@pytest.fixture
def source(kafka: KafkaSandbox, topic: str, group: str) -> Iterator[KafkaSource]:
    """Give a member of the group."""
    with closing(KafkaSource(Cluster(kafka.address), topic, group)) as source:
        yield source


def publish(kafka: KafkaSandbox, topic: str, *said: bytes) -> None:
    """Publish messages with the product's own publisher."""
    with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
        for body in said:
            publisher.publish(body, NATIVE, "key")
        publisher.flush()


def offsets(messages: list[Message]) -> list[int]:
    """Return where messages stood."""
    return [message.position.offset for message in messages]


def one_record(kafka: KafkaSandbox, topic: str) -> Any:
    """Return the newest record of a topic."""
    with closing(make_consumer(kafka.address, f"g-{uuid.uuid4().hex}")) as consumer:
        tp = TopicPartition(topic, 0)
        consumer.assign([tp])
        consumer.seek(tp, consumer.end_offsets([tp], timeout_ms=5000)[tp] - 1)
        return consumer.poll(10_000, max_records=1)[tp][0]


def test_what_was_published_is_read(
    kafka: KafkaSandbox, topic: str, source: KafkaSource
) -> None:
    """A message comes with its bytes, key, content type and position."""
    with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
        publisher.publish(b'{"uid": "INC-1"}', NATIVE)
        publisher.publish(b"{}", MISP_EVENT, "ë")
        positions = publisher.flush()

    assert [
        Message(b'{"uid": "INC-1"}', "INC-1", NATIVE, positions[0]),
        Message(b"{}", "ë", MISP_EVENT, positions[1]),
    ] == polled(source, 2)


def test_nothing_is_committed_unasked(
    kafka: KafkaSandbox, topic: str, group: str, source: KafkaSource
) -> None:
    """What was read and not committed comes again, and only that."""
    publish(kafka, topic, b"0", b"1", b"2")
    found = polled(source, 3)
    source.commit(found[:2])
    assert committed(kafka, topic, group) == 2
    source.close()
    with closing(KafkaSource(Cluster(kafka.address), topic, group)) as again:
        assert offsets(polled(again, 1)) == [2]


def test_lag(kafka: KafkaSandbox, topic: str, source: KafkaSource) -> None:
    """The lag is not known before the group was joined, and then what waits."""
    before = source.lag()
    publish(kafka, topic, *[b"x"] * 5)
    first = source.poll(2, 10)
    while not first:
        first = source.poll(2, 10)

    assert before is None
    assert source.lag() == 5 - len(first)
    polled(source, 5 - len(first))
    assert source.lag() == 0


def test_gaps(kafka: KafkaSandbox, topic: str, group: str, source: KafkaSource) -> None:
    """What Kafka deletes before it was read is noticed, told once, and counted."""
    publish(kafka, topic, *[b"x"] * 6)
    source.commit(polled(source, 6)[:2])
    source.close()
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        admin.delete_records({TopicPartition(topic, 0): 5})
    with closing(KafkaSource(Cluster(kafka.address), topic, group)) as again:
        found = polled(again, 1)

        assert offsets(found) == [5]
        assert again.gaps() == [
            f"Kafka deleted 3 messages of {topic} partition 0 before they were read, "
            "from offset 2 on"
        ]
        assert again.gaps() == []
    assert source.gaps() == []


def test_missing_topic(kafka: KafkaSandbox, group: str) -> None:
    """A topic that does not exist is told, is not idle, and is read once it is made."""
    name = f"later-{uuid.uuid4().hex[:8]}"
    with closing(KafkaSource(Cluster(kafka.address), name, group)) as source:
        assert eventually(lambda: not source.poll(1, 0.2) and source.trouble())
        assert source.trouble() == (
            f"Kafka at {kafka.address} has no topic {name}; create it"
        )
        assert source.lag() is None
        kafka.create_topics([name])
        publish(kafka, name, b"x")

        assert offsets(polled(source, 1)) == [0]
        assert source.trouble() == ""


def test_publishing_to_a_missing_topic(kafka: KafkaSandbox) -> None:
    """Publishing to a topic that does not exist is an error and makes no topic."""
    with pytest.raises(SourceError, match="has no topic no-such-topic"):
        publish(kafka, "no-such-topic", b"{}")


def test_large_messages(kafka: KafkaSandbox, topic: str, source: KafkaSource) -> None:
    """Fifty megabytes of garbage are described and not loaded, and the rest goes on."""
    garbage = b"\x07" * 50_000_000
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, garbage).get(timeout=90)
        producer.send(topic, b"x" * LARGEST_MESSAGE).get(timeout=60)
        producer.send(topic, b"after").get(timeout=20)
    large, allowed, after = polled(source, 3, 60)

    assert large.body == b""
    assert large.refusal is not None
    assert large.refusal.size == len(garbage)
    assert large.refusal.sha256 == sha256(garbage).hexdigest()
    assert len(allowed.body) == LARGEST_MESSAGE
    assert after.body == b"after"


def test_odd_records(kafka: KafkaSandbox, topic: str, source: KafkaSource) -> None:
    """No value, no key, keys and headers of any bytes: all are messages."""
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, None, key=b"\xff").get(timeout=20)
        headers = [("Content-Type", b"\xff"), ("a", b""), ("content-type", b"x" * 999)]
        producer.send(topic, b"1", headers=headers).get(timeout=20)
        producer.send(topic, b"2", headers=headers[:1]).get(timeout=20)
    empty, long, odd = polled(source, 3)

    assert (empty.body, empty.key) == (b"", "\\xff")
    assert long.content_type == "x" * 200
    assert odd.content_type == "\ufffd"


class _NotUtf8(str):
    """A header name that is written as bytes which are not UTF-8."""

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def test_records_that_cannot_be_unpacked(
    kafka: KafkaSandbox, topic: str, group: str, source: KafkaSource
) -> None:
    """Records that the library fails on are refused one by one, and the rest goes on.

    The library itself would go round in circles at the second poll.
    """
    with closing(make_producer(kafka.address)) as producer:
        for number in range(6):
            bad = [(_NotUtf8("x"), b"")] if number in (1, 2, 4) else []
            producer.send(topic, b"%d" % number, headers=bad).get(timeout=20)
    found = polled(source, 6)
    source.commit(found)

    assert offsets(found) == [0, 1, 2, 3, 4, 5]
    assert [b"0", b"", b"", b"3", b"", b"5"] == [message.body for message in found]
    assert {1, 2, 4} == {one.position.offset for one in found if one.refusal}
    assert committed(kafka, topic, group) == 6


def test_dead_letters(kafka: KafkaSandbox, topic: str, source: KafkaSource) -> None:
    """A dead letter is written with its bytes, and headers that say where and why."""
    kafka.create_topics([DEAD_LETTERS])
    publish(kafka, topic, b"[1, 2]")
    message = polled(source, 1)[0]
    letter = DeadLetter(message.position, "victims[0]", "is missing", "ë", "ab", 6)
    source.forward_dead_letter(message, letter)
    record = one_record(kafka, DEAD_LETTERS)

    assert (record.key, record.value) == (b"key", b"[1, 2]")
    assert dict(record.headers) == {
        "besa-topic": topic.encode(),
        "besa-partition": b"0",
        "besa-offset": b"0",
        "besa-path": b"victims[0]",
        "besa-problem": b"is missing",
        "besa-advice": "ë".encode(),
        "besa-sha256": b"ab",
        "besa-size": b"6",
        "content-type": NATIVE.encode(),
    }


def test_receipts(kafka: KafkaSandbox, source: KafkaSource) -> None:
    """Receipts are written under the incident's uid, and are there when it returns."""
    kafka.create_topics([RECEIPTS])
    source.publish_receipts([("INC-1", b'{"state":"delivered"}')])
    record = one_record(kafka, RECEIPTS)

    assert record.key == b"INC-1"
    assert json.loads(record.value) == {"state": "delivered"}


def test_log(
    kafka: KafkaSandbox,
    topic: str,
    source: KafkaSource,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Even where everything is logged, no key, value or header is in the log."""
    caplog.set_level(logging.DEBUG)
    with KafkaPublisher(Cluster(kafka.address), topic) as publisher:
        publisher.publish(b"Agim", "Besnik", "Cenk")
        publisher.flush()
    source.commit(polled(source, 1))

    assert not any(name in caplog.text for name in ("Agim", "Besnik", "Cenk"))


def test_rebalance(kafka: KafkaSandbox, group: str) -> None:
    """When a second member joins and leaves again, every message is read."""
    topic = make_topic(kafka, partitions=4)
    with closing(make_producer(kafka.address)) as producer:
        for number in range(400):
            producer.send(topic, b"%d" % number, partition=number % 4)
        producer.flush(20)
    done: list[bytes] = []
    stop = threading.Event()

    def member(leave_after: int | None) -> None:
        with closing(KafkaSource(Cluster(kafka.address), topic, group)) as source:
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


def test_lasting_name(kafka: KafkaSandbox, topic: str, group: str) -> None:
    """Under a lasting name a new process goes on at once; the old one is told."""
    publish(kafka, topic, *[b"x"] * 4)
    old = KafkaSource(Cluster(kafka.address), topic, group, member="m")
    old.commit(polled(old, 4)[:2])
    started = time.monotonic()
    new = KafkaSource(Cluster(kafka.address), topic, group, member="m")
    found = polled(new, 2)

    assert time.monotonic() - started < 5
    assert offsets(found) == [2, 3]
    with pytest.raises(SourceError, match="another process reads under the name m"):
        eventually(lambda: old.poll(1, 0.2) and False, 15)
    old.close()
    new.close()


def test_broker_crash(own_kafka: KafkaSandbox) -> None:
    """When the broker is killed and comes back, reading goes on where it was."""
    address = own_kafka.start()
    topic = make_topic(own_kafka)
    publish(own_kafka, topic, b"0", b"1")
    with closing(KafkaSource(Cluster(address), topic, "g")) as source:
        source.commit(polled(source, 2))
        own_kafka.kill()
        assert eventually(lambda: not source.poll(1, 0.2) and source.trouble())
        assert source.trouble() == f"Kafka at {address} does not answer"
        assert source.lag() is None
        own_kafka.start()
        publish(own_kafka, topic, b"2")
        found = polled(source, 1, 60)
        source.commit(found)

        assert offsets(found) == [2]
        assert source.trouble() == ""
        assert source.lag() == 0


def test_start_before_the_broker(own_kafka: KafkaSandbox) -> None:
    """A source that was there before its Kafka reads as soon as it comes."""
    address = own_kafka.start()
    topic = make_topic(own_kafka)
    own_kafka.stop()
    with closing(KafkaSource(Cluster(address), topic, "g")) as source:
        assert source.poll(1, 0.2) == []
        own_kafka.start()
        publish(own_kafka, topic, b"x")

        assert offsets(polled(source, 1)) == [0]


def test_a_store_that_is_away_is_waited_for(kafka: KafkaSandbox, group: str) -> None:
    """Where the store ends is asked again; nothing is read until it is known."""
    topic = make_topic(kafka)
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, b"one")
        producer.flush(20)
    away = [StoreUnavailable("the store does not answer")]

    def reached() -> tuple[Position, ...]:
        if away:
            raise away.pop()
        return ()

    cluster = Cluster(kafka.address)
    with closing(KafkaSource(cluster, topic, group, reached=reached)) as source:
        assert [] == source.poll(5, 0.5)
        told = source.trouble()

        assert [b"one"] == [message.body for message in polled(source, 1)]
    assert "the store does not say where it ends: the store does not answer" == told


class Hasty(KafkaSource):
    """The product's source, with a Kafka that loses patience after seconds."""

    def __init__(self, address: str, topic: str, group: str) -> None:
        super().__init__(Cluster(address), topic, group)
        self._settings |= {"max_poll_interval_ms": 4_000}


def test_paused_past_the_poll_interval(kafka: KafkaSandbox, group: str) -> None:
    """A member that was paused for too long loses its partition and moves no offset.

    What it had read comes to another; its own late commit changes nothing, and later it
    takes part again.
    """
    topic = make_topic(kafka)
    with closing(make_producer(kafka.address)) as producer:
        for number in range(20):
            producer.send(topic, b"%d" % number)
        producer.flush(20)
    with closing(Hasty(kafka.address, topic, group)) as paused:
        held: list[Message] = []
        assert eventually(lambda: held.extend(paused.poll(5, 0.5)) or held, 30)
        with closing(Hasty(kafka.address, topic, group)) as other:
            got: list[Message] = []

            def take() -> bool:
                found = other.poll(50, 0.2)
                other.commit(found)
                got.extend(found)
                return len(got) >= 20

            assert eventually(take, 60)
            paused.commit(held)
            assert 20 == committed(kafka, topic, group)
        assert [b"%d" % n for n in range(20)] == [one.body for one in got]
        with closing(make_producer(kafka.address)) as producer:
            producer.send(topic, b"after")
            producer.flush(20)
        after: list[Message] = []
        assert eventually(lambda: after.extend(paused.poll(5, 0.5)) or after, 60)
        assert b"after" == after[-1].body


def test_numbers_of_a_producer(
    kafka: KafkaSandbox, topic: str, source: KafkaSource, tmp_path: Path
) -> None:
    """What `besa publish` writes has numbers, and they are read with the messages."""
    numbering = Numbering(tmp_path / "producer", "arta@here")
    with KafkaPublisher(Cluster(kafka.address), topic, "arta", numbering) as publisher:
        for _ in range(3):
            publisher.publish(b"{}", NATIVE)
        publisher.flush()
    with closing(make_producer(kafka.address)) as producer:
        for bad in (b"0", b"-1", b"x", b"9" * 30):
            headers = [("besa-producer", b"a"), ("besa-sequence", bad)]
            producer.send(topic, b"{}", headers=headers)
        producer.flush(20)

    got: list[Message] = []
    assert eventually(lambda: got.extend(source.poll(10, 0.5)) or len(got) >= 7, 30)
    told = [(one.producer, one.sequence) for one in got]
    assert [(numbering.producer, n) for n in (1, 2, 3)] + [("", 0)] * 4 == told
