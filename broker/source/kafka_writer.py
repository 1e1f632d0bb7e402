"""Writes to Kafka and is sure of it: every message confirmed by all replicas.

`KafkaWriter.write` some messages, then `KafkaWriter.settle`.

Invariant: `settle` returns only when Kafka has confirmed every message written before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from broker.source import kafka_link
from broker.source.cluster import Cluster
from broker.source.protocol import SourceError

_SETTINGS: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 5,
    "max_block_ms": 10_000,
    "delivery_timeout_ms": 30_000,
    "max_request_size": 64 * 1024 * 1024,
}
_SETTLE_SECONDS: Final = 35.0

Headers = Sequence[tuple[str, str]]


class KafkaWriter:
    """One connection that writes. Opened when it is first needed.

    Args:
        cluster: which Kafka.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._producer: KafkaProducer | None = None
        self._pending: list[tuple[str, Any]] = []

    def write(
        self, topic: str, body: bytes, key: str | None, headers: Headers = ()
    ) -> None:
        """Hand a message over; `settle` says whether Kafka took it.

        Raises:
            SourceError: Kafka does not answer, or the topic does not exist.
        """
        try:
            future = self._open().send(
                topic,
                body,
                key=None if key is None else key.encode(),
                headers=[(name, value.encode()) for name, value in headers],
            )
        except (KafkaError, ValueError) as error:
            raise self._explained(error, topic) from None
        self._pending.append((topic, future))

    def settle(self) -> list[tuple[str, int, int]]:
        """Wait until Kafka has confirmed everything; return (topic, partition, offset).

        Raises:
            SourceError: Kafka did not confirm all of it; says how much it did.
        """
        pending, self._pending = self._pending, []
        if self._producer is None:
            return []
        with suppress(KafkaTimeoutError):
            self._producer.flush(_SETTLE_SECONDS)
        confirmed: list[tuple[str, int, int]] = []
        failure: SourceError | None = None
        for topic, future in pending:
            try:
                told = future.get(timeout=1)
            except KafkaError as error:
                failure = failure or self._explained(error, topic)
            else:
                confirmed.append((told.topic, told.partition, told.offset))
        if failure is not None:
            self.close()
            count = f"{len(confirmed)} of {len(pending)} messages were confirmed"
            raise SourceError(f"{failure}; {count}")
        return confirmed

    def close(self) -> None:
        """Close the connection; what was not settled may or may not arrive."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError):
                producer.close(timeout=1)

    def _open(self) -> KafkaProducer:
        if self._producer is None:
            try:
                self._producer = kafka_link.producer(self._cluster, _SETTINGS)
            except kafka_link.NotReachable as error:
                raise SourceError(str(error)) from None
        return self._producer

    def _explained(self, error: Exception, topic: str) -> SourceError:
        """Say what went wrong, and never with the library's words: they may quote."""
        match error:
            case MessageSizeTooLargeError():
                what = f"the message is larger than the topic {topic} takes"
            case UnknownTopicOrPartitionError():
                what = f"Kafka at {self._cluster} has no topic {topic}; create it"
            case AuthorizationError():
                what = f"Kafka at {self._cluster} does not let us write to {topic}"
            case KafkaTimeoutError():
                what = (
                    f"Kafka at {self._cluster} does not answer, or has no topic {topic}"
                )
            case _:
                what = f"Kafka refused the message ({type(error).__name__})"
        return SourceError(what)
