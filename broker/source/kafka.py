"""Reads incidents from a Kafka topic, as a member of a consumer group.

A topic's records -> `Message`; messages that are done -> committed offsets.

Invariants: an offset is committed only for a partition that this member has held ever
since it read the message, and never goes backwards. The library decodes nothing: a
record that it cannot even unpack becomes a message with a refusal, and the rest go on.
A Kafka that is away is waited for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from importlib.util import find_spec
from typing import Any, Final

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    AuthorizationError,
    CorruptRecordError,
    FencedInstanceIdError,
    KafkaError,
    RetriableError,
    UnsupportedCodecError,
)

from broker.model.intake import (
    LARGEST_MESSAGE,
    PRODUCER_HEADER,
    PUBLISHER_HEADER,
    SEQUENCE_HEADER,
    DeadLetter,
    Message,
    Position,
    Refusal,
    too_large,
)
from broker.source import kafka_link
from broker.source.kafka_group import Held
from broker.source.kafka_writer import KafkaWriter
from broker.source.protocol import Receipts, SourceError

DEAD_LETTERS: Final = "besa.dead-letters"
RECEIPTS: Final = "besa.receipts"

SETTINGS: Final[Mapping[str, Any]] = {
    "client_id": "besa",
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    # What a producer took back must not be shared.
    "isolation_level": "read_committed",
    "max_poll_interval_ms": 300_000,
    "heartbeat_interval_ms": 3_000,
    "session_timeout_ms": 10_000,
    "fetch_max_bytes": LARGEST_MESSAGE,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "receive_message_max_bytes": 256 * 1024 * 1024,
    # Without the package crc32c the library's check takes 50 times as long as all the
    # rest of reading; the broker and TCP have checked the same bytes before.
    "check_crcs": find_spec("crc32c") is not None,
}
"""Settings of everything that reads."""

_COMMIT_MS: Final = 5_000
_ASK_MS: Final = 3_000
_CLOSE_MS: Final = 3_000
_LOOK_SECONDS: Final = 3.0
_LONGEST_HEADER: Final = 200
# What stands in alarms and reports, so no more than a name can be in it.
_PRODUCER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SEQUENCE: Final = re.compile(r"[1-9][0-9]{0,17}")
_UNPACKABLE: Final = Refusal(
    "its record cannot be unpacked",
    "compress with gzip or not at all, and write header names in UTF-8",
)


class KafkaSource:
    """A topic, read as one member of a group.

    Args:
        bootstrap: Kafka's address, ``host:port``, or several with commas.
        topic: the topic of incidents.
        group: the consumer group; its members share the partitions among them.
        member: a lasting name of this member. A process that is started again under
            the same name goes on at once; without one, its partitions wait until
            Kafka has missed its heartbeats for ten seconds.

    Raises:
        SourceError: the address is not an address.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str = "csirt.incidents",
        group: str = "besa",
        *,
        member: str = "",
    ) -> None:
        kafka_link.addresses(bootstrap)
        self._bootstrap = bootstrap
        self._topic = topic
        self._settings = {**SETTINGS, "group_id": group}
        if member:
            self._settings["group_instance_id"] = member
        self._consumer: KafkaConsumer | None = None
        self._held = Held()
        self._writer = KafkaWriter(bootstrap)
        self._trouble = ""
        self._gaps: list[str] = []
        self._look_next = 0.0

    def poll(self, most: int, timeout: float) -> list[Message]:
        """Return the next messages of the partitions that this member holds.

        Raises:
            SourceError: Kafka does not let us read, or another process has our name.
        """
        until = time.monotonic() + timeout
        consumer = self._connected(until)
        if consumer is None:
            return []
        try:
            polled = consumer.poll(
                timeout_ms=max(0, int((until - time.monotonic()) * 1000)),
                max_records=most,
            )
        except FencedInstanceIdError:
            raise self._fenced() from None
        except AuthorizationError as error:
            raise SourceError(
                f"Kafka at {self._bootstrap} does not let us read {self._topic} "
                f"({type(error).__name__})"
            ) from None
        except (CorruptRecordError, UnsupportedCodecError):
            return self._refused(consumer, most)
        except KafkaError as error:
            self._trouble = f"{self._does_not_answer()} ({type(error).__name__})"
            if not isinstance(error, RetriableError):
                self._leave()
            time.sleep(max(0.0, until - time.monotonic()))
            return []
        except Exception:  # unpacking raises whatever a codec raises
            return self._refused(consumer, most)
        if polled:
            self._trouble = ""
        else:
            self._look_around(consumer)
        messages = [
            message_of(record) for records in polled.values() for record in records
        ]
        for tp in self._held.read(polled):
            self._look_for_gap(consumer, tp)
        if not messages:
            self.commit(())
        return messages

    def commit(self, messages: Sequence[Message]) -> None:
        """Commit the offsets behind messages, of partitions that are still ours.

        Raises:
            SourceError: another process has our name.
        """
        offsets = self._held.to_commit(messages)
        if self._consumer is not None and offsets:
            self._send_offsets(self._consumer, offsets)

    def _send_offsets(
        self, consumer: KafkaConsumer, offsets: Mapping[TopicPartition, int]
    ) -> None:
        try:
            consumer.commit(
                {tp: OffsetAndMetadata(n, "", -1) for tp, n in offsets.items()},
                timeout_ms=_COMMIT_MS,
            )
        except FencedInstanceIdError:
            raise self._fenced() from None
        except RetriableError:
            # They stay noted, and the next commit takes them along.
            self._trouble = self._does_not_answer()
        except KafkaError:
            # Somebody else has the partitions now: they read the messages again, and
            # the store knows them.
            self._held.drop(offsets)
        else:
            self._held.committed(offsets)

    def lag(self) -> int | None:
        """Return how many messages wait in the partitions that this member holds."""
        consumer = self._consumer
        if consumer is None or not self._held.joined:
            return None
        try:
            ours = sorted(consumer.assignment())
            if not ours:
                known = consumer.partitions_for_topic(self._topic)
                return 0 if known else None
            ends = consumer.end_offsets(ours, timeout_ms=_ASK_MS)
            at = {tp: consumer.position(tp, timeout_ms=_ASK_MS) for tp in ours}
            return sum(max(0, int(ends[tp]) - int(at[tp])) for tp in ours)
        except (KafkaError, TypeError):  # a position that is not known yet is None
            return None

    def forward_dead_letter(self, message: Message, letter: DeadLetter) -> None:
        """Write a message to the topic of dead letters, with headers that say why.

        The bytes come along unless they were refused; these stay where they are.

        Raises:
            SourceError: Kafka did not take it.
        """
        place = letter.position
        headers = [
            ("besa-topic", place.topic),
            ("besa-partition", str(place.partition)),
            ("besa-offset", str(place.offset)),
            ("besa-path", letter.path),
            ("besa-problem", letter.problem),
            ("besa-advice", letter.advice),
            ("besa-sha256", letter.sha256),
            ("besa-size", str(letter.size)),
            ("content-type", message.content_type or ""),
        ]
        self._writer.write(DEAD_LETTERS, message.body, message.key, headers)
        self._writer.settle()

    def publish_receipts(self, receipts: Receipts) -> None:
        """Write receipts to the topic of receipts.

        Raises:
            SourceError: Kafka did not take all of them.
        """
        for uid, body in receipts:
            self._writer.write(
                RECEIPTS, body, uid, [("content-type", "application/json")]
            )
        self._writer.settle()

    def gaps(self) -> list[str]:
        """Return what Kafka deleted, by age or size, before anybody had read it."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def trouble(self) -> str:
        """Return why nothing comes at present, if there is a reason."""
        return self._trouble

    def close(self) -> None:
        """Leave the group."""
        self._leave()
        self._writer.close()

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError):
                consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)

    def _connected(self, until: float) -> KafkaConsumer | None:
        if self._consumer is not None:
            return self._consumer
        try:
            consumer = kafka_link.consumer(self._bootstrap, self._settings)
        except kafka_link.NotReachable:
            self._trouble = self._does_not_answer()
            time.sleep(max(0.0, min(1.0, until - time.monotonic())))
            return None
        self._held = Held()
        consumer.subscribe([self._topic], listener=self._held)
        self._consumer = consumer
        return consumer

    def _refused(self, consumer: KafkaConsumer, most: int) -> list[Message]:
        """Step over records that the library cannot unpack.

        Without this step kafka-python 3.0.12 never returns from its next `poll`: it
        goes round in circles while its heartbeats say that all is well.
        """
        found: list[Message] = []
        for tp in sorted(consumer.assignment()):
            at = consumer.position(tp, timeout_ms=_ASK_MS)
            count = 0 if at is None else self._unreadable(tp, at, most)
            if count:
                consumer.seek(tp, at + count)
                found += [_unpackable(tp, at + step) for step in range(count)]
                self._held.read([tp])
        if not found:
            # It was not the record: begin again from what is committed.
            self._leave()
            self._trouble = f"what Kafka at {self._bootstrap} sent was damaged"
        return found

    def _unreadable(self, tp: TopicPartition, at: int, most: int) -> int:
        """Return how many records from an offset on cannot be read, tried alone."""
        alone = {
            name: value
            for name, value in self._settings.items()
            if name not in ("group_id", "group_instance_id")
        }
        try:
            probe = kafka_link.consumer(self._bootstrap, alone)
        except kafka_link.NotReachable:
            return 0
        with closing(probe):
            probe.assign([tp])
            for count in range(most):
                probe.seek(tp, at + count)
                try:
                    probe.poll(timeout_ms=_ASK_MS, max_records=1)
                except (RetriableError, AuthorizationError):
                    return count
                except Exception:  # noqa: S112 - unpacking raises whatever a codec does
                    continue
                return count
        return most

    def _look_for_gap(self, consumer: KafkaConsumer, tp: TopicPartition) -> None:
        with suppress(KafkaError):
            done = consumer.committed(tp, timeout_ms=_ASK_MS)
            oldest = consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp]
            if done is not None and done < oldest:
                self._gaps.append(
                    f"Kafka deleted {oldest - done} messages of {tp.topic} partition "
                    f"{tp.partition} before they were read, from offset {done} on"
                )

    def _look_around(self, consumer: KafkaConsumer) -> None:
        """Find out why nothing comes; the library does not say that Kafka is away."""
        now = time.monotonic()
        if now < self._look_next:
            return
        self._look_next = now + _LOOK_SECONDS
        if not kafka_link.reachable(self._bootstrap):
            self._trouble = self._does_not_answer()
        elif self._held.joined and not consumer.partitions_for_topic(self._topic):
            self._trouble = (
                f"Kafka at {self._bootstrap} has no topic {self._topic}; create it"
            )
        else:
            self._trouble = ""
            self._prove_name(consumer)

    def _prove_name(self, consumer: KafkaConsumer) -> None:
        # When another process takes our lasting name, Kafka tells us only in answer to
        # a commit; a poll comes back empty for ever.
        known = self._held.last_committed()
        if known and "group_instance_id" in self._settings:
            self._send_offsets(consumer, known)

    def _does_not_answer(self) -> str:
        return f"Kafka at {self._bootstrap} does not answer"

    def _fenced(self) -> SourceError:
        name = self._settings.get("group_instance_id", "")
        return SourceError(
            f"another process reads under the name {name}; stop one of the two"
        )


def _unpackable(tp: TopicPartition, offset: int) -> Message:
    place = Position("kafka", tp.topic, tp.partition, offset)
    return Message(b"", None, None, place, _UNPACKABLE)


def message_of(record: Any) -> Message:
    """Return a record of the topic as a message."""
    place = Position("kafka", record.topic, record.partition, record.offset)
    body: bytes = record.value or b""
    key = None if record.key is None else record.key.decode(errors="backslashreplace")
    numbered = _number(record.headers)
    if len(body) > LARGEST_MESSAGE:
        refusal = too_large(len(body), sha256(body).hexdigest())
        return Message(b"", key, None, place, refusal, "", *numbered)
    publisher = _header(record.headers, PUBLISHER_HEADER) or ""
    kind = _header(record.headers, "content-type")
    return Message(body, key, kind, place, None, publisher, *numbered)


def _number(headers: Sequence[tuple[str, bytes | None]] | None) -> tuple[str, int]:
    """Return a producer's name and the number it gave; nothing where it gave none."""
    producer = _header(headers, PRODUCER_HEADER) or ""
    number = _header(headers, SEQUENCE_HEADER) or ""
    if not (_PRODUCER.fullmatch(producer) and _SEQUENCE.fullmatch(number)):
        return "", 0
    return producer, int(number)


def _header(
    headers: Sequence[tuple[str, bytes | None]] | None, wanted: str
) -> str | None:
    for name, value in reversed(headers or ()):
        if name.lower() == wanted and value:
            return value[:_LONGEST_HEADER].decode("ascii", "replace")
    return None
