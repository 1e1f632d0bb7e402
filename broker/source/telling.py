"""Telling what units said back: a Kafka topic, or a folder where there is no Kafka.

`Told` -> one message each, in the topic ``besa.feedback`` or as a file in the spool.

Invariants: when a call returns, everything is where listeners find it, and survives a
loss of power. The same thing told twice is one file, or two messages with the same key
and id.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.source.cluster import Cluster
from broker.source.kafka_writer import KafkaWriter
from broker.source.protocol import SourceError
from broker.source.spool import sync_folder

FEEDBACK: Final = "besa.feedback"
_FOLDER: Final = "feedback"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to tell: its id, the incident's uid, and JSON."""

    id: str
    uid: str
    body: bytes


Tell = Callable[[Sequence[Told]], None]
"""Tells some things and is sure of it; raises `SourceError` when it is not."""


class KafkaTelling:
    """Writes to Kafka's topic of feedback. Connects when there is something to tell."""

    def __init__(self, cluster: Cluster) -> None:
        self._writer = KafkaWriter(cluster)

    def __call__(self, told: Sequence[Told]) -> None:
        """Write messages with the incident's uid as key, and wait until Kafka has them.

        Raises:
            SourceError: Kafka did not take all of them.
        """
        for one in told:
            headers = [("content-type", "application/json"), ("besa-id", one.id)]
            self._writer.write(FEEDBACK, one.body, one.uid, headers)
        self._writer.settle()


class SpoolTelling:
    """Writes files ``feedback/ID.json`` beside what is published to a spool."""

    def __init__(self, spool: Path) -> None:
        self._folder = spool.absolute() / _FOLDER

    def __call__(self, told: Sequence[Told]) -> None:
        """Write each as a file that only its owner may read.

        Raises:
            SourceError: the disk refused it.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for one in told:
                draft = self._folder / f".{one.id}.{os.getpid()}"
                handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(one.body)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self._folder / f"{one.id}.json")
            sync_folder(self._folder)
        except OSError as error:
            why = error.strerror or "unknown error"
            raise SourceError(f"the folder {self._folder} refuses: {why}") from None
