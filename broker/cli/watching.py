"""Source and lanes watched, as the settings say: the same in every process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from broker.health import Health
from broker.settings import Settings
from broker.store.health import Limits


def health_of(settings: Settings) -> Health:
    """Return what keeps the alarms about source and lanes true."""
    kafka = bool(settings.kafka)
    limits = Limits(
        "kafka" if kafka else "spool",
        settings.topics if kafka else (settings.spool_folder.name,),
        timedelta(hours=settings.silent_hours),
        timedelta(hours=settings.behind_hours),
    )
    return Health(limits, lambda: datetime.now(UTC))
