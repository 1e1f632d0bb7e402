"""How many published messages have not been read yet, asked of the source itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from broker.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaConsumer

_SECONDS: Final = 5_000


def lag_of(settings: Settings) -> dict[str, Any]:
    """Return where messages come from, and how many wait there.

    The number is nothing when the source cannot be asked; ``problem`` then says why.
    Kafka's ``topics`` have a number each.
    """
    if settings.kafka:
        return {"source": "kafka", **_kafka(settings)}
    return {"source": "spool", **_spool(settings.spool_folder)}


def _spool(folder: Path) -> dict[str, Any]:
    try:
        waiting = sum(1 for _ in (folder / "new").iterdir())
    except FileNotFoundError:
        waiting = 0
    except OSError as error:
        return {"messages": None, "problem": f"{folder}: {error.strerror}"}
    return {"messages": waiting, "problem": ""}


def _kafka(settings: Settings) -> dict[str, Any]:
    from kafka.errors import KafkaError

    from broker.errors import BesaError
    from broker.kafka_access import cluster_of
    from broker.source import kafka_link

    # Assigned by hand and never polled, so that looking joins no group and takes no
    # partition from the process that does the work.
    asking = {"group_id": settings.group, "enable_auto_commit": False}
    try:
        with closing(kafka_link.consumer(cluster_of(settings), asking)) as consumer:
            waiting = {name: _in_topic(consumer, name) for name in settings.topics}
    except kafka_link.NotReachable as error:
        return _unknown(str(error))
    except BesaError as error:
        return _unknown(str(error))
    except KafkaError as error:
        return _unknown(f"Kafka did not say: {type(error).__name__}")
    missing = ", ".join(name for name, number in waiting.items() if number is None)
    if missing:
        return _unknown(f"Kafka has no topic {missing}", waiting)
    total = sum(number or 0 for number in waiting.values())
    return {"messages": total, "problem": "", "topics": waiting}


def _in_topic(consumer: KafkaConsumer, topic: str) -> int | None:
    """Return how many messages of a topic wait; nothing when there is no such topic."""
    from kafka import TopicPartition

    numbers = consumer.partitions_for_topic(topic) or ()
    parts = [TopicPartition(topic, number) for number in numbers]
    if not parts:
        return None
    ends = consumer.end_offsets(parts, timeout_ms=_SECONDS)
    starts = consumer.beginning_offsets(parts, timeout_ms=_SECONDS)
    waiting = 0
    for part in parts:
        done = consumer.committed(part, timeout_ms=_SECONDS)
        waiting += max(0, ends[part] - max(done or 0, starts[part]))
    return waiting


def _unknown(
    problem: str, waiting: Mapping[str, int | None] | None = None
) -> dict[str, Any]:
    return {"messages": None, "problem": problem, "topics": waiting or {}}
