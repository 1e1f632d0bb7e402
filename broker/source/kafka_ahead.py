"""Whether Kafka has confirmed what the store never saw, and reading it once more.

The group's offsets and the store's positions -> a refusal to go on, or offsets that are
set back.

A store that was restored from an older copy looks as if it were up to date: Kafka gives
it only what comes next. What was confirmed in between would never be decided, and what
was taken back in between could be shared again. So nothing is read until a person has
decided (docs/delivery.md, When the store was restored).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Final, NamedTuple

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import AuthorizationError, KafkaError

from broker.errors import StoreError
from broker.model.intake import Position
from broker.source import kafka_link
from broker.source.cluster import Cluster
from broker.source.protocol import SourceError

_ASK_MS: Final = 5_000
_CLOSE_MS: Final = 3_000

Reached = Callable[[], Iterable[Position]]
"""Gives the last position of each partition that the store has."""


class Ahead(NamedTuple):
    """Where the store ends in a partition, and where Kafka believes that it does."""

    stored: int
    confirmed: int


def refuse_ahead(
    consumer: KafkaConsumer, topics: Sequence[str], reached: Reached
) -> None:
    """Refuse to read where Kafka has confirmed what the store never saw.

    The consumer is closed when it may not be used.

    Raises:
        NotReachable: Kafka does not say what it has, or the store what it has.
        SourceError: it has; says which messages, and what to do. Or we may not read.
    """
    with ExitStack() as refused:
        refused.callback(_close, consumer)
        try:
            ahead = _ahead(consumer, topics, reached)
        except AuthorizationError as error:
            names = " and ".join(topics)
            what = f"Kafka does not let us read {names} ({type(error).__name__})"
            raise SourceError(what) from None
        except KafkaError as error:
            what = f"Kafka does not say what is confirmed ({type(error).__name__})"
            raise kafka_link.NotReachable(what) from None
        except StoreError as error:
            what = f"the store does not say where it ends: {error}"
            raise kafka_link.NotReachable(what) from None
        if ahead:
            raise SourceError(_refusal(ahead))
        refused.pop_all()


def _close(consumer: KafkaConsumer) -> None:
    with suppress(KafkaError):
        consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


def _refusal(ahead: Mapping[TopicPartition, Ahead]) -> str:
    (tp, first), more = next(iter(ahead.items())), len(ahead) - 1
    others = f" and of {more} other partitions" if more else ""
    return (
        f"Kafka has confirmed messages {first.stored} to {first.confirmed - 1} of "
        f"{tp.topic}[{tp.partition}]{others}, which this store never saw: it was "
        "restored from an older copy, or is another store. What was taken back since "
        "must be taken back again before anything is sent: see docs/delivery.md, When "
        "the store was restored. `besa consume --read-again` then reads them"
    )


def set_back(
    cluster: Cluster, topics: Sequence[str], group: str, reached: Reached
) -> int:
    """Let the group begin again where the store ends; return how many come again.

    Raises:
        SourceError: Kafka does not answer, or the group has members that read.
    """
    settings = {"group_id": group, "enable_auto_commit": False}
    try:
        with closing(kafka_link.consumer(cluster, settings)) as consumer:
            ahead = _ahead(consumer, topics, reached)
            _commit(consumer, ahead)
    except kafka_link.NotReachable as error:
        raise SourceError(str(error)) from None
    except KafkaError as error:
        raise SourceError(
            f"Kafka did not set the group {group} back ({type(error).__name__}); stop "
            "every process that reads in it, wait ten seconds and try again"
        ) from None
    return sum(one.confirmed - one.stored for one in ahead.values())


def _commit(consumer: KafkaConsumer, ahead: Mapping[TopicPartition, Ahead]) -> None:
    if ahead:
        consumer.assign(list(ahead))
        offsets = {tp: OffsetAndMetadata(at.stored, "", -1) for tp, at in ahead.items()}
        consumer.commit(offsets, timeout_ms=_ASK_MS)


def ends_of(positions: Iterable[Position]) -> dict[TopicPartition, int]:
    """Return the next offset of each partition of Kafka that the store has read."""
    return {
        TopicPartition(place.topic, place.partition): place.offset + 1
        for place in positions
        if place.source == "kafka"
    }


def _ahead(
    consumer: KafkaConsumer, topics: Sequence[str], reached: Reached
) -> dict[TopicPartition, Ahead]:
    parts = [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]
    confirmed = {tp: consumer.committed(tp, timeout_ms=_ASK_MS) for tp in parts}
    # Looked up last: what another process confirmed is stored by then.
    stored = ends_of(reached())
    return {
        tp: Ahead(stored.get(tp, 0), at)
        for tp, at in confirmed.items()
        if at is not None and at > stored.get(tp, 0)
    }
