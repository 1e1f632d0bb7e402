"""Whether the store is older than what Kafka has confirmed: then nothing may be sent.

Settings + an open store -> a refusal, or nothing. Imports little: `besa run` asks it
before it starts either zone, and `besa reconcile` before it repairs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.settings import Settings
    from broker.store.connect import Database


def refuse_restored(settings: Settings, database: Database) -> None:
    """Refuse a store that was restored from an older copy, as far as Kafka answers.

    Its outbox may hold editions that were overtaken or taken back since.

    Raises:
        SettingsError: what it takes to be let in by Kafka is wrong.
        SourceError: Kafka has confirmed what the store never saw; says what to do.
    """
    if not settings.kafka:
        return
    from contextlib import closing, suppress

    from broker.kafka_access import cluster_of
    from broker.source import kafka_link
    from broker.source.kafka_ahead import refuse_ahead
    from broker.store.status import status_positions

    reached = partial(status_positions, database)
    asking = {"group_id": settings.group, "enable_auto_commit": False}
    with (
        # One that is away is waited for by `consume`, which asks again.
        suppress(kafka_link.NotReachable),
        closing(kafka_link.consumer(cluster_of(settings), asking)) as consumer,
    ):
        refuse_ahead(consumer, settings.topics, reached)
