"""Facts about a Kafka that is not there; no Kafka needed."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from broker.source import SourceError
from broker.source.cluster import Cluster
from broker.source.kafka import KafkaSource
from broker.source.kafka_link import NotReachable, consumer, reachable
from broker.source.kafka_writer import KafkaWriter


@pytest.fixture
def nobody() -> Iterator[str]:
    """Give an address where nobody listens, and nobody else can either."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def mute() -> Iterator[str]:
    """Give an address where somebody listens who is no Kafka and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def resources() -> tuple[int, int]:
    """Return how many threads and open files this process has."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("wrong", ["", " ,", "kafka", "kafka:", ":9092", "a:99999"])
def test_wrong_addresses(wrong: str) -> None:
    """What is not host:port is refused before anything is tried."""
    with pytest.raises(SourceError, match="host:port"):
        Cluster(wrong)


def test_several_addresses() -> None:
    """Several addresses are written with commas, and IPv6 in brackets."""
    assert ["a:1", "[::1]:2"] == Cluster("a:1, [::1]:2,").servers


def test_nobody_there(nobody: str) -> None:
    """A Kafka that is away is a trouble that is told, and no error."""
    source = KafkaSource(Cluster(nobody))

    assert source.poll(10, 0.1) == []
    assert source.trouble() == f"Kafka at {nobody} does not answer"
    assert source.lag() is None
    source.close()


def test_polls_return_in_time(nobody: str) -> None:
    """Waiting for a Kafka that is away takes as long as was asked, so one can stop."""
    source = KafkaSource(Cluster(nobody))
    started = time.monotonic()
    source.poll(10, 0.5)

    assert 0.4 <= time.monotonic() - started < 3


def test_nothing_is_left_behind(mute: str) -> None:
    """Attempts that fail leave no thread and no file open, so one can try for days."""
    settings = {"group_id": "g", "bootstrap_timeout_ms": 300}
    with pytest.raises(NotReachable):
        consumer(Cluster(mute), settings)
    before = resources()
    for _ in range(3):
        with pytest.raises(NotReachable):
            consumer(Cluster(mute), settings)
    threads, files = resources()

    assert reachable(Cluster(mute))
    assert threads <= before[0]
    assert files <= before[1]


def test_writing_to_nobody(nobody: str) -> None:
    """Writing to a Kafka that is away fails at once and says where."""
    writer = KafkaWriter(Cluster(nobody))

    with pytest.raises(SourceError, match=f"Kafka at {nobody} does not answer"):
        writer.write("t", b"x", None)
    assert [] == writer.settle()
