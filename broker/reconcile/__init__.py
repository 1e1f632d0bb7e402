"""Compares what we believe with what is: at recipients, and at the source.

The store, the recipients' systems and Kafka -> `RecipientReport` and `SourceReport`:
what is missing, extra, older, altered or deleted, and which messages never came.

Invariants: comparing changes nothing anywhere; only a repair that was asked for queues
an edition, and that one travels the usual way. No report holds a value of an incident:
only uids, ids and fixed phrases.
"""

from broker.reconcile.findings import (
    Finding,
    Gap,
    PartitionRow,
    RecipientReport,
    Row,
    SourceReport,
)
from broker.reconcile.recipients import compare_recipient

__all__ = [
    "Finding",
    "Gap",
    "PartitionRow",
    "RecipientReport",
    "Row",
    "SourceReport",
    "compare_recipient",
]
