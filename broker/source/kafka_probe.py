"""Finds out which records of a partition kafka-python cannot unpack.

A partition and an offset -> how many records from there on cannot be read.

Invariant: it looks as a member of no group, and confirms nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import AuthorizationError, RetriableError

from broker.source import kafka_link
from broker.source.cluster import Cluster

_ASK_MS: Final = 3_000
_OF_A_MEMBER: Final = ("group_id", "group_instance_id")


def unreadable(
    tp: TopicPartition,
    at: int,
    most: int,
    cluster: Cluster,
    settings: Mapping[str, Any],
) -> int:
    """Return how many records from an offset on cannot be read, tried alone."""
    alone = {name: said for name, said in settings.items() if name not in _OF_A_MEMBER}
    try:
        probe = kafka_link.consumer(cluster, alone)
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
