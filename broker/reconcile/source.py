"""The source against what the store has read of it.

Kafka's offsets, the group's and the store's positions, and the producers' numbers ->
`SourceReport`.

Invariant: asking joins no group and takes no partition from whoever does the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from kafka import TopicPartition
from kafka.errors import KafkaError

from broker.errors import BesaError
from broker.reconcile.findings import Gap, PartitionRow, SourceReport
from broker.source import kafka_link
from broker.source.cluster import Cluster
from broker.source.kafka_ahead import ends_of
from broker.store.connect import Database
from broker.store.sequences import missing
from broker.store.status import status_positions

_ASK_MS: Final = 5_000


def gaps_of(database: Database) -> tuple[Gap, ...]:
    """Return which numbers of which producers never came, by topic.

    Raises:
        StoreError: the store cannot be read.
    """
    return tuple(
        Gap(gap.producer, gap.topic, gap.first, gap.last, gap.since)
        for gap in missing(database)
    )


def compare_kafka(
    database: Database, cluster: Cluster, topics: Sequence[str], group: str
) -> SourceReport:
    """Compare topics with what the store has read of them.

    A Kafka that cannot be asked is a report with a problem, not an error.

    Raises:
        StoreError: the store cannot be read.
    """
    gaps = gaps_of(database)
    try:
        asked = _asked(cluster, topics, group)
    except kafka_link.NotReachable as error:
        return SourceReport("kafka", (), gaps, str(error))
    except (BesaError, KafkaError) as error:
        what = f"Kafka did not say: {type(error).__name__}"
        return SourceReport("kafka", (), gaps, what)
    # Looked up last: what was confirmed to Kafka is then stored, or it never was.
    stored = ends_of(status_positions(database))
    rows = tuple(
        partition(part, begins, ends, stored.get(part), confirmed)
        for part, begins, ends, confirmed in asked
    )
    there = {row.topic for row in rows}
    missed = ", ".join(topic for topic in topics if topic not in there)
    problem = f"Kafka has no topic {missed}" if missed else ""
    return SourceReport("kafka", rows, gaps, problem)


def _asked(
    cluster: Cluster, topics: Sequence[str], group: str
) -> list[tuple[TopicPartition, int, int, int | None]]:
    """Return each partition, its first offset, its end, and what is confirmed."""
    asking = {"group_id": group, "enable_auto_commit": False}
    with closing(kafka_link.consumer(cluster, asking)) as consumer:
        parts = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        if not parts:
            return []
        confirmed = [consumer.committed(part, timeout_ms=_ASK_MS) for part in parts]
        begins = consumer.beginning_offsets(parts, timeout_ms=_ASK_MS)
        ends = consumer.end_offsets(parts, timeout_ms=_ASK_MS)
    return [
        (part, begins[part], ends[part], done)
        for part, done in zip(parts, confirmed, strict=True)
    ]


def partition(
    part: TopicPartition,
    begins: int,
    ends: int,
    stored: int | None,
    confirmed: int | None,
) -> PartitionRow:
    """Compare the offsets of one partition; each is that of the next message.

    ``stored`` and ``confirmed`` are nothing before the first message.
    """
    at = stored or 0
    problem = ""
    if at > ends:
        problem = f"it was made anew: it ends at {ends}, and {at} was read before"
    elif confirmed is not None and confirmed > at:
        problem = f"{at}..{confirmed - 1} were confirmed to Kafka and never stored"
    elif begins > at and stored is not None:
        problem = f"Kafka deleted {at}..{begins - 1} before they were read"
    waiting = max(0, ends - max(at, begins))
    return PartitionRow(
        part.topic, part.partition, begins, ends, at, confirmed, waiting, problem
    )
