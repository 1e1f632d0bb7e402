"""What a member of a consumer group holds, has read, and may commit.

Rebalances, reads and commits -> the offsets that may be committed now.

Invariants: a partition that was taken away and came back is a new one: what was read
before does not count. Offsets to commit only grow. Everything is under one lock: a late
commit after a partition was taken away would lose another member's messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from kafka import ConsumerRebalanceListener, TopicPartition

from broker.model.intake import Message


class Held(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions of one member, as Kafka's rebalances tell them.

    Kafka calls the ``on_`` methods within `poll`, on its own thread: they must not
    wait for anything that needs that thread, such as a commit.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._eras: dict[TopicPartition, int] = {}  # held now, and since when
        self._read_in: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}  # next offsets, not yet committed
        self._committed: dict[TopicPartition, int] = {}
        self.joined = False

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note partitions that are ours from now on."""
        with self._lock:
            self.joined = True
            for tp in assigned:
                self._count += 1
                self._eras[tp] = self._count

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Drop partitions that we gave up in good order."""
        with self._lock:
            for tp in revoked:
                for noted in (self._eras, self._read_in, self._done, self._committed):
                    noted.pop(tp, None)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Drop partitions that were taken from us: somebody else may have them."""
        self.on_partitions_revoked(lost)

    def read(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Note that messages of these partitions were read.

        Returns those of which they are the first since the partition is ours.
        """
        first: list[TopicPartition] = []
        with self._lock:
            for tp in partitions:
                if tp in self._eras and self._read_in.get(tp) != self._eras[tp]:
                    self._read_in[tp] = self._eras[tp]
                    first.append(tp)
        return first

    def to_commit(self, messages: Sequence[Message]) -> dict[TopicPartition, int]:
        """Return the next offset of each partition that may be committed now.

        With those of earlier messages whose commit did not go through.
        """
        with self._lock:
            for message in messages:
                place = message.position
                tp = TopicPartition(place.topic, place.partition)
                if tp in self._eras and self._read_in.get(tp) == self._eras[tp]:
                    self._done[tp] = max(place.offset + 1, self._done.get(tp, 0))
            return {
                tp: offset
                for tp, offset in self._done.items()
                if offset > self._committed.get(tp, -1)
            }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Note offsets that Kafka has."""
        with self._lock:
            for tp, offset in offsets.items():
                self._committed[tp] = offset
                if self._done.get(tp) == offset:
                    del self._done[tp]

    def last_committed(self) -> dict[TopicPartition, int]:
        """Return the offsets that Kafka has of the partitions that are ours."""
        with self._lock:
            return dict(self._committed)

    def drop(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Forget offsets that Kafka will not take from us any more."""
        with self._lock:
            for tp in offsets:
                self._done.pop(tp, None)
