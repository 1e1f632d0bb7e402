"""Reads one message a second time, by its position.

`Position` -> the `Message` that stands there. The store keeps no incident; whoever
needs one again (to release what was held) asks the source, which is durable.

Invariant: a position is never answered with another message; whether its content is
still the one that was decided, the reader checks by its digest.
"""

from __future__ import annotations

from contextlib import closing
from typing import Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from broker.model.intake import Message, Position
from broker.source import kafka_link
from broker.source.cluster import Cluster
from broker.source.kafka import SETTINGS
from broker.source.kafka_record import message_of
from broker.source.protocol import Gone, SourceError

_ASK_MS: Final = 5_000
_TRIES: Final = 3


def from_kafka(cluster: Cluster, position: Position) -> Message:
    """Read one record of a topic, as a member of no group.

    Raises:
        Gone: Kafka has deleted it, by age or size, or never had it.
        SourceError: Kafka does not answer, or cannot read the record.
    """
    tp = TopicPartition(position.topic, position.partition)
    try:
        with closing(kafka_link.consumer(cluster, SETTINGS)) as consumer:
            first = consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp]
            end = consumer.end_offsets([tp], timeout_ms=_ASK_MS)[tp]
            if not first <= position.offset < end:
                raise Gone(f"Kafka does not have {position} any more")
            consumer.assign([tp])
            consumer.seek(tp, position.offset)
            for _ in range(_TRIES):
                polled = consumer.poll(timeout_ms=_ASK_MS, max_records=1)
                for record in polled.get(tp, ()):
                    if record.offset == position.offset:
                        return message_of(record)
                    raise Gone(f"Kafka does not have {position} any more")
    except kafka_link.NotReachable as error:
        raise SourceError(str(error)) from None
    except KafkaError as error:
        what = f"Kafka did not give {position} ({type(error).__name__})"
        raise SourceError(what) from None
    raise SourceError(f"Kafka at {cluster} did not give {position} in time")
