"""How kafka-python behaves against a real Apache Kafka: what Besa's shell relies on.

docs/kafka.md draws its conclusions from these facts. A test that fails after an update
of kafka-python or Kafka says which conclusion has to be thought over again.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from kafka import (
    AsyncConsumerRebalanceListener,
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    TopicPartition,
)
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
)
from kafka.partitioner import murmur2

from broker.sandbox.kafka import KafkaSandbox
from tests.contract.kafka_fixtures import (
    await_topic,
    fill,
    make_consumer,
    make_producer,
    make_topic,
    read,
    upto,
)
from tests.waiting import eventually

pytest_plugins = ["tests.contract.kafka_fixtures"]
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:9"
MEGABYTE = 1024 * 1024
QUICK = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 500}


class Watcher(ConsumerRebalanceListener):
    """Notes what happens to the consumer's partitions, leaving out empty changes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[int]]] = []

    def _note(self, what: str, partitions: Sequence[TopicPartition]) -> None:
        if partitions:
            self.seen.append((what, sorted(one.partition for one in partitions)))

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self._note("revoked", revoked)

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._note("assigned", assigned)

    def on_partitions_lost(self, lost: Sequence[TopicPartition]) -> None:
        self._note("lost", lost)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Close what a test opened, also when it fails half way."""
    with ExitStack() as stack:
        yield stack


def open_consumer(
    opened: ExitStack,
    kafka: KafkaSandbox,
    topic: str,
    *,
    is_there: bool = True,
    **other: Any,
) -> KafkaConsumer:
    """Open a consumer of ``topic``, in a group of the same name unless told another.

    It joins when it has heard of the topic, unless nobody made that.
    """
    listener = other.pop("listener", None)
    group = other.pop("group", topic)
    consumer = make_consumer(kafka.address, group, **other)
    opened.callback(consumer.close, timeout_ms=2_000)
    if is_there:
        await_topic(consumer, topic)
    consumer.subscribe([topic], listener=listener)
    return consumer


def committed(kafka: KafkaSandbox, topic: str) -> dict[int, int]:
    """Return the committed offset per partition, of the group named as the topic."""
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        found = admin.list_group_offsets({topic: None})[topic]
    return {one.partition: at.offset for one, at in found.items()}


def share_out(first: KafkaConsumer, second: KafkaConsumer) -> None:
    """Let two consumers of a group poll in turn until both have partitions."""

    def both_have_some() -> bool:
        first.poll(100)
        second.poll(100)
        return bool(first.assignment()) and bool(second.assignment())

    assert eventually(both_have_some)


# What is sent arrives


def test_message_comes_back_byte_for_byte(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Key, value and headers return as sent: order, repetition and emptiness kept."""
    topic = make_topic(kafka)
    headers = [("trace", b"1"), ("trace", b"2"), ("empty", b""), ("raw", b"\xff\x00")]
    value = bytes(range(256))
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, key=b"\xc3\xab", value=value, headers=headers).get(20)

    records = open_consumer(opened, kafka, topic).poll(20_000)[TopicPartition(topic, 0)]

    expected = [(b"\xc3\xab", value, headers)]
    assert expected == [(one.key, one.value, one.headers) for one in records]


def test_producer_refuses_a_header_without_value(kafka: KafkaSandbox) -> None:
    """A header must be text and bytes: nothing else can be sent by mistake."""
    topic = make_topic(kafka)
    with (
        closing(make_producer(kafka.address)) as producer,
        pytest.raises(TypeError, match="headers"),
    ):
        producer.send(topic, b"x", headers=[("none", None)])


def test_key_chooses_the_partition_as_in_java(kafka: KafkaSandbox) -> None:
    """All revisions of an incident go to one partition, whoever publishes them."""
    topic = make_topic(kafka, partitions=5)
    keys = [b"incident-%d" % number for number in range(20)]
    with closing(make_producer(kafka.address)) as producer:
        sent = [producer.send(topic, b"x", key=key).get(20).partition for key in keys]

    assert [(murmur2(key) & 0x7FFFFFFF) % 5 for key in keys] == sent


def test_producer_is_idempotent_and_waits_for_all_by_default(
    kafka: KafkaSandbox,
) -> None:
    """Left alone, a producer already writes once and waits for every replica."""
    with closing(KafkaProducer(bootstrap_servers=kafka.address)) as producer:
        chosen = producer.config

    expected = (True, -1, 5)
    assert expected == (
        chosen["enable_idempotence"],
        chosen["acks"],
        chosen["max_in_flight_requests_per_connection"],
    )


# What was stored is committed, partition by partition


def test_commit_moves_only_the_partition_it_names(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """An offset is committed for one partition and leaves the others uncommitted."""
    topic = make_topic(kafka, partitions=3)
    fill(kafka.address, topic, each=4, partitions=3)
    consumer = open_consumer(opened, kafka, topic)
    read(consumer, 12)

    consumer.commit(upto(topic, p1=3), timeout_ms=5_000)

    assert {1: 3} == committed(kafka, topic)


def test_lag_is_end_offsets_minus_committed(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """A client outside the group can compute how far behind the group is."""
    topic = make_topic(kafka, partitions=2)
    fill(kafka.address, topic, each=4, partitions=2)
    consumer = open_consumer(opened, kafka, topic)
    read(consumer, 8)
    consumer.commit(upto(topic, p0=1), timeout_ms=5_000)

    onlooker = make_consumer(kafka.address, topic)
    opened.callback(onlooker.close)
    both = [TopicPartition(topic, partition) for partition in (0, 1)]
    ends = onlooker.end_offsets(both, timeout_ms=5_000)
    starts = onlooker.beginning_offsets(both, timeout_ms=5_000)
    lag = [
        ends[one] - (onlooker.committed(one, timeout_ms=5_000) or starts[one])
        for one in both
    ]

    assert [3, 4] == lag
    assert {0, 1} == {one.partition for one in consumer.assignment()}


CONSUME_FOREVER = """
    import sys, time
    from kafka import TopicPartition, OffsetAndMetadata
    from tests.contract.kafka_fixtures import await_topic, make_consumer
    address, topic, name = sys.argv[1:]
    consumer = make_consumer(address, topic, max_poll_records=1,
                             session_timeout_ms=30_000, group_instance_id=name)
    await_topic(consumer, topic)
    consumer.subscribe([topic])
    while True:
        for partition, records in consumer.poll(200).items():
            for record in records:
                print("read", record.offset, flush=True)
                time.sleep(0.05)
                at = OffsetAndMetadata(record.offset + 1, "", -1)
                consumer.commit({partition: at}, timeout_ms=5_000)
                print("committed", record.offset, flush=True)
"""


def consume_until_killed(
    kafka: KafkaSandbox, topic: str, lines: int
) -> list[tuple[str, int]]:
    """Consume in another process, kill it after some lines, return all it printed."""
    command = [sys.executable, "-c", textwrap.dedent(CONSUME_FOREVER)]
    with subprocess.Popen(
        [*command, kafka.address, topic, "besa-1"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    words = [line.split() for line in told]
    return [(what, int(offset)) for what, offset in words]


def test_killed_consumer_repeats_only_what_was_not_committed(
    kafka: KafkaSandbox,
) -> None:
    """After kill -9, nothing is skipped, and only the record in hand comes twice.

    The session would last thirty seconds: that it goes on at once is because of the
    fixed ``group_instance_id``.
    """
    topic = make_topic(kafka)
    fill(kafka.address, topic, each=12)

    first = consume_until_killed(kafka, topic, lines=7)
    started = time.monotonic()
    second = consume_until_killed(kafka, topic, lines=6)
    took = time.monotonic() - started

    done = [offset for what, offset in first if what == "committed"]
    again = [offset for what, offset in second if what == "read"]
    # The process can die after the broker took a commit and before it says so.
    assert again[0] in (done[-1] + 1, done[-1] + 2)
    assert list(range(again[0], again[0] + len(again))) == again
    assert took < 20


# Partitions change hands


def test_partition_stays_while_its_owner_works(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """A newcomer gets nothing before the owner polls; until then commits count.

    So what was read, stored and committed between two polls cannot be read twice.
    """
    topic = make_topic(kafka, partitions=2)
    fill(kafka.address, topic, each=3, partitions=2)
    owner, newcomer = Watcher(), Watcher()
    old = open_consumer(opened, kafka, topic, listener=owner, **QUICK)
    read(old, 6)
    new = open_consumer(opened, kafka, topic, listener=newcomer, **QUICK)
    read_early = read(new, 1, seconds=1.5)

    before = list(owner.seen)
    old.commit(upto(topic, p0=3, p1=3), timeout_ms=5_000)
    share_out(old, new)

    assert [] == read_early
    assert [("assigned", [0, 1])] == before
    assert ("revoked", [0, 1]) == owner.seen[1]
    assert [] == read(new, 1, seconds=1)


def test_commit_on_revoke_must_be_awaited(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """An asynchronous listener can commit before the next owner reads."""
    topic = make_topic(kafka, partitions=2)
    fill(kafka.address, topic, each=3, partitions=2)

    class Committing(AsyncConsumerRebalanceListener):  # type: ignore[misc]
        async def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
            if revoked:
                await old.commit_async(upto(topic, p0=3, p1=3))

        async def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
            pass

    old = open_consumer(opened, kafka, topic, listener=Committing(), **QUICK)
    read(old, 6)
    new = open_consumer(opened, kafka, topic, **QUICK)
    share_out(old, new)

    assert [] == read(new, 1, seconds=1)
    assert {0: 3, 1: 3} == committed(kafka, topic)


def test_plain_listener_cannot_commit(kafka: KafkaSandbox, opened: ExitStack) -> None:
    """`commit` in a synchronous listener fails: it would wait for its own thread."""
    topic = make_topic(kafka)
    fill(kafka.address, topic, each=1)
    failures: list[str] = []

    class Committing(Watcher):
        def on_partitions_revoked(self, _: Sequence[TopicPartition]) -> None:
            try:
                consumer.commit(upto(topic, p0=1), timeout_ms=5_000)
            except RuntimeError as error:
                failures.append(str(error))

    consumer = open_consumer(opened, kafka, topic, listener=Committing())
    read(consumer, 1)
    consumer.close()

    assert failures
    assert "Cannot block on net.run() from the IO thread" in failures[-1]


def test_failing_listener_comes_out_of_poll(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """An exception in a listener reaches the caller of `poll` as a KafkaError."""

    class Failing(Watcher):
        def on_partitions_assigned(self, _: Sequence[TopicPartition]) -> None:
            raise ValueError

    topic = make_topic(kafka)
    consumer = open_consumer(opened, kafka, topic, listener=Failing())

    with pytest.raises(KafkaError, match="rebalance callback"):
        read(consumer, 1)


def test_broker_takes_a_commit_for_a_partition_of_another(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Nothing but Besa itself keeps a late commit from moving somebody else's offset.

    The broker asks who commits and for which generation, not whose partition it is.
    """
    topic = make_topic(kafka, partitions=2)
    fill(kafka.address, topic, each=5, partitions=2)
    old = open_consumer(opened, kafka, topic, **QUICK)
    read(old, 10)
    new = open_consumer(opened, kafka, topic, **QUICK)
    share_out(old, new)
    lost = next(iter(new.assignment())).partition
    new.commit(upto(topic, **{f"p{lost}": 5}), timeout_ms=5_000)

    old.commit(upto(topic, **{f"p{lost}": 2}), timeout_ms=5_000)

    assert {lost: 2} == committed(kafka, topic)


def test_too_slow_consumer_loses_its_partitions(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Past `max_poll_interval_ms` a commit fails, and the next poll says *lost*.

    The records come again, although the consumer still believes that it owns them.
    """
    topic = make_topic(kafka)
    fill(kafka.address, topic, each=3)
    watcher = Watcher()
    consumer = open_consumer(
        opened, kafka, topic, listener=watcher, max_poll_interval_ms=1_000, **QUICK
    )
    read(consumer, 3)
    assert ("assigned", [0]) == watcher.seen[-1]
    # On a busy machine joining alone may take several turns.
    watcher.seen.clear()
    time.sleep(2)

    believed = consumer.assignment()
    with pytest.raises(CommitFailedError):
        consumer.commit(upto(topic, p0=3), timeout_ms=5_000)
    again = read(consumer, 3)

    assert {TopicPartition(topic, 0)} == believed
    assert [("lost", [0]), ("assigned", [0])] == watcher.seen
    assert [(0, 0), (0, 1), (0, 2)] == again


def test_orderly_close_revokes_and_frees_at_once(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Closing a consumer without a fixed name gives its partitions up immediately."""
    topic = make_topic(kafka)
    fill(kafka.address, topic, each=1)
    watcher = Watcher()
    old = open_consumer(opened, kafka, topic, listener=watcher)
    read(old, 1)
    old.close(timeout_ms=5_000)

    started = time.monotonic()
    read(open_consumer(opened, kafka, topic), 1)

    assert [("assigned", [0]), ("revoked", [0])] == watcher.seen
    assert time.monotonic() - started < 5


def poll_and_commit(
    consumer: KafkaConsumer, offsets: Mapping[TopicPartition, Any], seconds: float
) -> None:
    """Poll and commit in turns, as a reader does, while Kafka sorts members anew."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        consumer.poll(1_000)
        with suppress(RebalanceInProgressError):
            consumer.commit(offsets, timeout_ms=5_000)
            return


def test_second_consumer_of_one_name_takes_it_from_the_first(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Of two consumers with one `group_instance_id` the older cannot commit any more.

    It learns so from a `poll`, or from the commit after it: its `poll` may as well say
    nothing, or go on returning what is new. In any case the newer one gets every
    record, and what the older does moves no commit.
    """
    topic = make_topic(kafka)
    fill(kafka.address, topic, each=3)
    name = {"group_instance_id": "besa-1", **QUICK}
    old = open_consumer(opened, kafka, topic, **name)
    read(old, 3)
    new = open_consumer(opened, kafka, topic, **name)
    taken_over = read(new, 3)

    with pytest.raises(FencedInstanceIdError):
        old.commit(upto(topic, p0=3), timeout_ms=5_000)
    assert [(0, 0), (0, 1), (0, 2)] == taken_over

    fill(kafka.address, topic, each=3)
    with pytest.raises(FencedInstanceIdError):
        poll_and_commit(old, upto(topic, p0=6), seconds=30)
    with pytest.raises(KafkaError):
        old.commit(upto(topic, p0=6), timeout_ms=5_000)

    assert [(0, 3), (0, 4), (0, 5)] == read(new, 3)
    new.commit(upto(topic, p0=4), timeout_ms=5_000)
    assert {0: 4} == committed(kafka, topic)


# The broker goes away


def test_crash_of_the_broker_loses_and_repeats_nothing(
    own_kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Producer and consumer outlive a kill -9 of the broker; order per key holds."""
    own_kafka.start()
    topic = make_topic(own_kafka, partitions=2)
    producer = make_producer(own_kafka.address)
    opened.callback(producer.close, timeout=2)
    consumer = open_consumer(opened, own_kafka, topic, **QUICK)
    numbers: list[list[int]] = [[], []]
    sent: list[Any] = []
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.02):
            at = len(sent)
            sent.append(producer.send(topic, b"%d" % at, partition=at % 2))

    def consume(until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 40
        while not until() and time.monotonic() < deadline:
            for one, records in consumer.poll(200).items():
                numbers[one.partition] += [int(record.value) for record in records]

    sender = threading.Thread(target=send)
    sender.start()
    try:
        consume(lambda: len(numbers[0]) > 20)
        own_kafka.kill()
        consume(lambda: not own_kafka.status().running)
        time.sleep(1)
        during = consumer.poll(1_000)
        own_kafka.start()
        seen = len(numbers[0])
        consume(lambda: len(numbers[0]) > seen + 20)
    finally:
        stop.set()
        sender.join()
    producer.flush(timeout=20)
    consume(lambda: sum(map(len, numbers)) >= len(sent))

    everything = list(range(len(sent)))
    assert {} == during
    assert [everything[0::2], everything[1::2]] == numbers


def test_absent_broker_is_silence_to_poll_and_an_error_to_a_question(
    own_kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """While the broker is away, `poll` looks idle; asking for offsets shows the truth.

    So *idle* may only be concluded from a lag that was really read.
    """
    own_kafka.start()
    topic = make_topic(own_kafka)
    fill(own_kafka.address, topic, each=1)
    consumer = open_consumer(opened, own_kafka, topic)
    read(consumer, 1)
    producer = make_producer(
        own_kafka.address, request_timeout_ms=1_000, delivery_timeout_ms=2_000
    )
    opened.callback(producer.close, timeout=1)
    producer.send(topic, b"x").get(10)
    read(consumer, 1)
    own_kafka.kill()

    silence = consumer.poll(1_000)
    one = TopicPartition(topic, 0)
    asked = (
        lambda: consumer.end_offsets([one], timeout_ms=500),
        lambda: consumer.committed(one, timeout_ms=500),
        lambda: consumer.commit(upto(topic, p0=1), timeout_ms=500),
        lambda: producer.send(topic, b"y").get(10),
    )

    assert {} == silence
    for question in asked:
        with pytest.raises(KafkaTimeoutError):
            question()


@pytest.mark.parametrize("client", [KafkaConsumer, KafkaProducer, KafkaAdminClient])
def test_client_without_a_broker_gives_up_when_told(client: type) -> None:
    """Without a broker a constructor raises KafkaTimeoutError after its time-out."""
    started = time.monotonic()

    with pytest.raises(KafkaTimeoutError):
        client(bootstrap_servers=NOWHERE, bootstrap_timeout_ms=500)

    assert 0.4 < time.monotonic() - started < 5


def test_client_that_gave_up_leaves_a_thread_behind() -> None:
    """Trying again with a new client every time leaks: look at the port first."""
    before = set(threading.enumerate())

    with pytest.raises(KafkaTimeoutError):
        KafkaConsumer(bootstrap_servers=NOWHERE, bootstrap_timeout_ms=200)

    left_behind = set(threading.enumerate()) - before
    assert ["kafka-io"] == [thread.name[:8] for thread in left_behind]


# Topics


def test_making_a_topic_twice_is_harmless(kafka: KafkaSandbox) -> None:
    """The sandbox leaves a topic that exists as it is; Kafka itself would object."""
    topic = make_topic(kafka, partitions=3)

    kafka.create_topics([topic], partitions=1)

    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        with pytest.raises(TopicAlreadyExistsError):
            admin.create_topics([topic])
        described = admin.describe_topics([topic])
    assert 3 == len(described[0]["partitions"])


def test_missing_topic_is_silence_to_the_consumer(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """Nothing makes a topic by accident; a consumer of a missing one just waits.

    A question about its partitions is answered with none, and the producer gives up.
    """
    topic = "test-that-nobody-made"
    consumer = open_consumer(opened, kafka, topic, is_there=False)
    producer = make_producer(kafka.address, max_block_ms=500)
    opened.callback(producer.close, timeout=1)

    assert {} == consumer.poll(1_000)
    assert set() == consumer.partitions_for_topic(topic)
    with pytest.raises(KafkaTimeoutError):
        producer.send(topic, b"x")


# Size


@pytest.mark.slow
def test_fifty_megabytes_pass_and_do_not_block_what_follows(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """A message of 50 MB arrives whole, and the next one of its partition after it."""
    topic = make_topic(kafka)
    size = 50 * 1000 * 1000
    with closing(make_producer(kafka.address, request_timeout_ms=29_000)) as producer:
        big = producer.send(topic, bytes(size))
        small = producer.send(topic, b"x")
        big.get(60)
        small.get(60)
    consumer = open_consumer(opened, kafka, topic)
    sizes: list[int] = []

    def read_both() -> bool:
        for records in consumer.poll(500).values():
            sizes.extend(len(record.value) for record in records)
        return len(sizes) == 2

    assert eventually(read_both, seconds=60)
    assert [size, 1] == sizes


def test_fetch_limits_do_not_hold_a_big_message_back(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """A message far over the fetch limits still comes: these limits are soft."""
    topic = make_topic(kafka)
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, bytes(200_000)).get(20)
    limits = {"fetch_max_bytes": 1_000, "max_partition_fetch_bytes": 1_000}

    consumer = open_consumer(opened, kafka, topic, **limits)

    assert [(0, 0)] == read(consumer, 1)


def test_small_receive_limit_wedges_a_partition_in_silence(
    kafka: KafkaSandbox, opened: ExitStack
) -> None:
    """With `receive_message_max_bytes` below a message, its partition stops for ever.

    No error comes out of `poll`: so this limit must be over anything the broker takes.
    """
    topic = make_topic(kafka)
    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, bytes(200_000)).get(20)
        producer.send(topic, b"x").get(20)
    limits = {
        "fetch_max_bytes": 1_000,
        "max_partition_fetch_bytes": 1_000,
        "receive_message_max_bytes": 100_000,
    }

    consumer = open_consumer(opened, kafka, topic, **limits)

    assert [] == read(consumer, 1, seconds=4)


def test_too_big_a_message_is_refused_at_the_producer(kafka: KafkaSandbox) -> None:
    """By default a producer refuses more than a megabyte before sending anything."""
    topic = make_topic(kafka)
    with (
        closing(KafkaProducer(bootstrap_servers=kafka.address)) as producer,
        pytest.raises(MessageSizeTooLargeError),
    ):
        producer.send(topic, bytes(MEGABYTE + 1)).get(20)


def test_broker_refuses_what_is_over_its_limit(kafka: KafkaSandbox) -> None:
    """What is too big for the broker comes back to the producer as the same error."""
    topic = f"{make_topic(kafka)}-small"
    limit = {"num_partitions": 1, "configs": {"max.message.bytes": "1000"}}
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        admin.create_topics({topic: limit}, wait_for_metadata=True)

    with (
        closing(make_producer(kafka.address)) as producer,
        pytest.raises(MessageSizeTooLargeError),
    ):
        producer.send(topic, bytes(2_000)).get(20)


# What the library writes into its log


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_library_logs_values_at_debug(
    kafka: KafkaSandbox, caplog: pytest.LogCaptureFixture, level: str, *, shown: bool
) -> None:
    """At DEBUG the library writes every value into the log; at INFO it writes none."""
    topic = make_topic(kafka)
    caplog.set_level(level, logger="kafka")

    with closing(make_producer(kafka.address)) as producer:
        producer.send(topic, b"canary", key=b"canary").get(20)

    assert shown == ("canary" in caplog.text)
