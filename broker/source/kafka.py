"""Reads incidents from Kafka topics, as a member of a consumer group.

Records of one topic or of several -> `Message`; messages that are done -> committed
offsets.

Invariants: an offset is committed only for a partition that this member has held ever
since it read the message, and never goes backwards. The library decodes nothing: a
record that it cannot even unpack becomes a message with a refusal, and the rest go on.
A Kafka that is away is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    AuthorizationError,
    CorruptRecordError,
    FencedInstanceIdError,
    KafkaError,
    KafkaTimeoutError,
    RetriableError,
    UnsupportedCodecError,
)

from broker.model.intake import LARGEST_MESSAGE, DeadLetter, Message
from broker.source import kafka_link
from broker.source.cluster import Cluster
from broker.source.kafka_ahead import Reached, refuse_ahead
from broker.source.kafka_group import Held
from broker.source.kafka_probe import unreadable
from broker.source.kafka_record import headers_of, message_of, unpackable
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
_GAP_MS: Final = 15_000
_CLOSE_MS: Final = 3_000
_LOOK_SECONDS: Final = 3.0
_GROUP_SECONDS: Final = 6.0


class KafkaSource:
    """One topic or several, read as one member of a group.

    Args:
        cluster: which Kafka.
        topics: the topic of incidents, or several. Each keeps offsets of its own; one
            that is missing or silent does not hold up the others.
        group: the consumer group; its members share the partitions among them.
        member: a lasting name of this member. A process that is started again under
            the same name goes on at once; without one, its partitions wait until
            Kafka has missed its heartbeats for ten seconds.
        reached: where the store ends; nothing is read where Kafka's offsets are ahead
            of it.
    """

    def __init__(
        self,
        cluster: Cluster,
        topics: str | Sequence[str] = "csirt.incidents",
        group: str = "besa",
        *,
        member: str = "",
        reached: Reached | None = None,
    ) -> None:
        self._cluster = cluster
        self._topics = (topics,) if isinstance(topics, str) else tuple(topics)
        self._settings = {**SETTINGS, "group_id": group}
        if member:
            self._settings["group_instance_id"] = member
        self._reached = reached
        self._consumer: KafkaConsumer | None = None
        self._held = Held()
        self._writer = KafkaWriter(cluster)
        self._trouble = ""
        self._absent = ""
        self._unanswered = 0.0
        self._patience = self._joining = _GROUP_SECONDS
        self._opened = 0.0
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
                f"Kafka at {self._cluster} does not let us read "
                f"{' and '.join(self._topics)} ({type(error).__name__})"
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
        self._look_around(consumer, came=bool(polled))
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
        """Return how many messages of the topics wait for the group.

        A partition counts up to where this member reads, and one that it does not hold
        up to what the group has confirmed: the first assignment of a group may be
        without the partitions of a topic that it has not heard of yet.
        """
        consumer = self._consumer
        if consumer is None or not self._held.joined:
            return None
        try:
            numbers = {
                name: consumer.partitions_for_topic(name) for name in self._topics
            }
            if not all(numbers.values()):
                return None  # whoever waits for a topic that is to be made is not done
            parts = [TopicPartition(name, n) for name in numbers for n in numbers[name]]
            ours = consumer.assignment()
            ends = consumer.end_offsets(parts, timeout_ms=_ASK_MS)
            return sum(
                max(0, int(ends[tp]) - self._next_of(consumer, tp, held=tp in ours))
                for tp in parts
            )
        except (KafkaError, TypeError):  # a position that is not known yet is None
            return None

    def _next_of(
        self, consumer: KafkaConsumer, tp: TopicPartition, *, held: bool
    ) -> int:
        if held:
            return int(consumer.position(tp, timeout_ms=_ASK_MS))
        done = consumer.committed(tp, timeout_ms=_ASK_MS)
        if done is not None:
            return int(done)
        return int(consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp])

    def forward_dead_letter(self, message: Message, letter: DeadLetter) -> None:
        """Write a message to the topic of dead letters, with headers that say why.

        The bytes come along unless they were refused; these stay where they are.

        Raises:
            SourceError: Kafka did not take it.
        """
        headers = headers_of(message, letter)
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
            consumer = kafka_link.consumer(self._cluster, self._settings)
            if self._reached is not None:
                refuse_ahead(consumer, self._topics, self._reached)
        except kafka_link.NotReachable as error:
            self._trouble = str(error)
            time.sleep(max(0.0, min(1.0, until - time.monotonic())))
            return None
        self._held = Held()
        consumer.subscribe(list(self._topics), listener=self._held)
        self._consumer, self._opened = consumer, time.monotonic()
        return consumer

    def _refused(self, consumer: KafkaConsumer, most: int) -> list[Message]:
        """Step over records that the library cannot unpack.

        Without this step kafka-python 3.0.12 never returns from its next `poll`: it
        goes round in circles while its heartbeats say that all is well.
        """
        found: list[Message] = []
        for tp in sorted(consumer.assignment()):
            at = consumer.position(tp, timeout_ms=_ASK_MS)
            count = 0
            if at is not None:
                count = unreadable(tp, at, most, self._cluster, self._settings)
            if count:
                consumer.seek(tp, at + count)
                found += [unpackable(tp, at + step) for step in range(count)]
                self._held.read([tp])
        if not found:
            # It was not the record: begin again from what is committed.
            self._leave()
            self._trouble = f"what Kafka at {self._cluster} sent was damaged"
        return found

    def _look_for_gap(self, consumer: KafkaConsumer, tp: TopicPartition) -> None:
        with suppress(KafkaError):
            # Asked once, before anything is committed: so with patience.
            done = consumer.committed(tp, timeout_ms=_GAP_MS)
            oldest = consumer.beginning_offsets([tp], timeout_ms=_GAP_MS)[tp]
            if done is not None and done < oldest:
                self._gaps.append(
                    f"Kafka deleted {oldest - done} messages of {tp.topic} partition "
                    f"{tp.partition} before they were read, from offset {done} on"
                )

    def _look_around(self, consumer: KafkaConsumer, *, came: bool) -> None:
        """Find out why nothing comes; the library does not say that Kafka is away.

        Also while something ``came``: one topic may be missing, and others not.
        """
        now = time.monotonic()
        due = now >= self._look_next
        if due:
            self._look_next = now + _LOOK_SECONDS
            if not came and not kafka_link.reachable(self._cluster):
                self._trouble = self._does_not_answer()
                return
            missing = self._missing(consumer) if self._held.joined else ()
            self._absent = self._has_not(missing) if missing else ""
        if due or came:
            self._trouble = self._absent
        if due and not came and not self._absent and self._answered(consumer, now):
            self._prove_name(consumer)

    def _answered(self, consumer: KafkaConsumer, now: float) -> bool:
        """Say whether the group answers; after some seconds without, begin anew.

        Under load kafka-python 3.0.12 was seen to stay in its group without a partition
        for ever, in silence, while messages waited and nobody read them.
        """
        if consumer.assignment():
            self._opened = now
        elif now - self._opened >= self._joining and self.lag() != 0:
            # Longer each time: another member may have them all, and be slow.
            self._joining = min(60.0, 2 * self._joining)
            self._begin_anew()
            return False
        try:
            consumer.committed(TopicPartition(self._topics[0], 0), timeout_ms=_ASK_MS)
        except KafkaTimeoutError:
            self._unanswered = self._unanswered or now
            if now - self._unanswered >= self._patience:
                self._begin_anew()
            return False
        except KafkaError:
            return False
        self._unanswered = 0.0
        return True

    def _begin_anew(self) -> None:
        self._leave()
        self._unanswered = 0.0
        self._trouble = f"{self._does_not_answer()} for the group"

    def _missing(self, consumer: KafkaConsumer) -> tuple[str, ...]:
        """Return which of our topics Kafka does not have, as far as it answers."""
        # Nothing may be raised: messages that were polled are on their way out.
        with suppress(KafkaError):
            return tuple(
                topic
                for topic in self._topics
                if not consumer.partitions_for_topic(topic)
            )
        return ()

    def _prove_name(self, consumer: KafkaConsumer) -> None:
        # When another process takes our lasting name, Kafka tells us for certain only
        # in answer to a commit; a poll comes back empty, or with what both then have.
        known = self._held.last_committed()
        if known and "group_instance_id" in self._settings:
            self._send_offsets(consumer, known)

    def _does_not_answer(self) -> str:
        return f"Kafka at {self._cluster} does not answer"

    def _has_not(self, topics: Sequence[str]) -> str:
        names = " and no topic ".join(topics)
        what = "it" if len(topics) == 1 else "them"
        return f"Kafka at {self._cluster} has no topic {names}; create {what}"

    def _fenced(self) -> SourceError:
        name = self._settings.get("group_instance_id", "")
        return SourceError(
            f"another process reads under the name {name}; stop one of the two"
        )
