"""Publishes incidents: what an analyst's tool does to hand one over to Besa.

Bytes of an incident -> a confirmed message in Kafka, or a durable file in a spool.

Invariant: what was not confirmed raises. Messages about one incident have one key, so
that Kafka keeps their order.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from broker.canonical import loads
from broker.model.intake import (
    PRODUCER_HEADER,
    PUBLISHER_HEADER,
    SEQUENCE_HEADER,
    Position,
)
from broker.source import SourceError
from broker.source.cluster import Cluster
from broker.source.kafka_writer import KafkaWriter
from broker.source.spool import Spool

_LONGEST_KEY: Final = 128
_PARTS: Final = 2
_LONGEST_NAME: Final = 48
_UNPLAIN: Final = re.compile(r"[^A-Za-z0-9._@-]+")


def publish_spool(
    folder: Path,
    body: bytes,
    content_type: str | None = None,
    key: str | None = None,  # noqa: ARG001 - a spool has one order for all
    publisher: str = "",
) -> Position:
    """Add an incident to a spool; when this returns, it survives a loss of power.

    ``publisher`` is who publishes: they will not be let to approve it.

    Raises:
        SourceError: the folder refused it, or the content type is not known.
    """
    return Spool(folder).publish(body, content_type, publisher)


class SpoolPublisher:
    """Publishes to a spool, as `KafkaPublisher` does to Kafka.

    Args:
        folder: the spool; made if it is missing.
        publisher: who publishes.

    Raises:
        SourceError: the folder cannot be made.
    """

    def __init__(self, folder: Path, publisher: str = "") -> None:
        self._spool = Spool(folder)
        self._publisher = publisher
        self._positions: list[Position] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing open: each message is stored when `publish` returns."""

    def publish(
        self,
        body: bytes,
        content_type: str | None = None,
        key: str | None = None,  # noqa: ARG002 - a spool has one order for all
    ) -> None:
        """Add an incident durably.

        Raises:
            SourceError: the folder refused it.
        """
        made = self._spool.publish(body, content_type, self._publisher)
        self._positions.append(made)

    def flush(self) -> list[Position]:
        """Return where everything stands that was published since the last time."""
        positions, self._positions = self._positions, []
        return positions


class KafkaPublisher:
    """Publishes to one topic, over one connection.

    As a context manager it closes the connection. `publish` hands over, `flush` makes
    sure; what was not flushed may not have arrived.

    Args:
        cluster: which Kafka.
        topic: the topic of incidents.
        publisher: who publishes; sent along as a header.
        numbering: numbers the messages, so that the reader notices when one is
            missing; see `Numbering`.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str = "csirt.incidents",
        publisher: str = "",
        numbering: Numbering | None = None,
    ) -> None:
        self._writer = KafkaWriter(cluster)
        self._topic = topic
        self._headers = [(PUBLISHER_HEADER, publisher)] if publisher else []
        self._numbering = numbering

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        if self._numbering is not None:
            self._numbering.close()

    def publish(
        self, body: bytes, content_type: str | None = None, key: str | None = None
    ) -> None:
        """Hand an incident over to be published.

        Raises:
            SourceError: Kafka does not answer, has no such topic, or refuses.
        """
        kind = [("content-type", content_type)] if content_type else []
        numbered = self._numbering.next() if self._numbering is not None else []
        headers = [*kind, *self._headers, *numbered]
        self._writer.write(self._topic, body, key or incident_key(body), headers)

    def flush(self) -> list[Position]:
        """Wait until Kafka has confirmed everything; return where it stands.

        Raises:
            SourceError: Kafka did not confirm all of it; says how much it did.
        """
        settled = self._writer.settle()
        if self._numbering is not None:
            self._numbering.keep()
        return [
            Position("kafka", topic, partition, offset)
            for topic, partition, offset in settled
        ]


class Numbering:
    """Numbers the messages of one producer: 1, 2, 3, over all its runs.

    A number counts as used once Kafka has confirmed its message; what was not confirmed
    gets its number again. So a number that never comes was confirmed and then lost.

    Args:
        file: keeps the producer's name and its last number; made if it is missing.
            One process at a time numbers, the others wait.
        name: what the producer is called; what makes it unlike others is added.

    Raises:
        SourceError: the file cannot be used.
    """

    def __init__(self, file: Path, name: str) -> None:
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = open(handle, "r+", encoding="ascii")  # noqa: PTH123, SIM115
            fcntl.flock(self._file, fcntl.LOCK_EX)
            said = self._file.read(200).split()
        except (OSError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else "not readable"
            raise SourceError(f"{file} cannot be used: {what}") from None
        if len(said) == _PARTS and said[1].isdigit():
            self.producer, self._used = said[0], int(said[1])
        else:
            plain = _UNPLAIN.sub("-", name).strip("-._@")[:_LONGEST_NAME] or "besa"
            self.producer, self._used = f"{plain}-{secrets.token_hex(4)}", 0
        self._given = self._used

    def next(self) -> list[tuple[str, str]]:
        """Return the headers of the next message."""
        self._given += 1
        return [(PRODUCER_HEADER, self.producer), (SEQUENCE_HEADER, str(self._given))]

    def keep(self) -> None:
        """Note that everything that was numbered so far was confirmed.

        Raises:
            SourceError: the file refuses; the numbers will be given once more.
        """
        if self._used == self._given:
            return
        try:
            self._file.seek(0)
            self._file.write(f"{self.producer} {self._given}\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SourceError(f"numbers cannot be kept: {error.strerror}") from None
        self._used = self._given

    def close(self) -> None:
        """Let the next process number its messages."""
        self._file.close()


def incident_key(body: bytes) -> str:
    """Return what all messages about one incident have in common, as far as it shows.

    The incident's uid, or the event's uuid; for what is neither, the SHA-256 of the
    bytes, so that nothing is refused before Besa has said what is wrong with it.
    """
    try:
        value: Any = loads(body)
    except ValueError:
        return sha256(body).hexdigest()
    if isinstance(value, dict) and "response" in value:
        value = value["response"]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and "Event" in value:
        value = value["Event"]
    for name in ("uid", "uuid"):
        key = value.get(name) if isinstance(value, dict) else None
        if isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY:
            # MISP's uuids may be written in capitals; intake writes them small.
            return key.lower() if name == "uuid" else key
    return sha256(body).hexdigest()
