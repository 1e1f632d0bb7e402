"""Connections to Kafka: how they are set up, opened, and given up without a trace.

Addresses -> a consumer or producer of kafka-python, or a `SourceError` that says what
to do. ``docs/kafka.md`` has the reason for each setting.

Invariant: an attempt that fails leaves no thread and no socket behind (kafka-python 3.0
leaves both when a constructor fails).
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from broker.source.protocol import SourceError

# INVARIANT: no log line holds a value. At DEBUG the library logs whole records; and
# while Kafka is away it logs several errors a second, where Besa says so once.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

COMMON: Final[Mapping[str, Any]] = {
    "allow_auto_create_topics": False,
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 15_000,
    "reconnect_backoff_max_ms": 1_000,
    "metadata_max_age_ms": 30_000,
    "metrics_enabled": False,
}
"""Settings of every connection."""

_REACHABLE_SECONDS: Final = 2.0


class NotReachable(Exception):  # noqa: N818 - not an error yet: it is tried again
    """No Kafka answers at the address, at present."""


def addresses(bootstrap: str) -> list[str]:
    """Return the addresses in ``host:port,host:port``.

    Raises:
        SourceError: it is not written like that.
    """
    found = [part.strip() for part in bootstrap.split(",") if part.strip()]
    for address in found:
        host, _, port = address.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise SourceError("BESA_KAFKA must be host:port, or several with ','")
    if not found:
        raise SourceError("Kafka's address is empty; write host:port")
    return found


def consumer(bootstrap: str, settings: Mapping[str, Any]) -> KafkaConsumer:
    """Open a consumer.

    Raises:
        NotReachable: no Kafka answers now.
        SourceError: the address is not an address.
    """
    return _opened(KafkaConsumer, bootstrap, settings)


def producer(bootstrap: str, settings: Mapping[str, Any]) -> KafkaProducer:
    """Open a producer.

    Raises:
        NotReachable: no Kafka answers now.
        SourceError: the address is not an address.
    """
    return _opened(KafkaProducer, bootstrap, settings)


def reachable(bootstrap: str) -> bool:
    """Say whether something listens at one of the addresses.

    Raises:
        SourceError: the address is not an address.
    """
    return any(_answers(server) for server in addresses(bootstrap))


def _opened(kind: Any, bootstrap: str, settings: Mapping[str, Any]) -> Any:
    if not reachable(bootstrap):
        raise NotReachable
    clients: list[Any] = []

    def remembered(**given: Any) -> Any:
        clients.append(kind.DEFAULT_CONFIG["kafka_client"](**given))
        return clients[-1]

    try:
        return kind(
            bootstrap_servers=addresses(bootstrap),
            kafka_client=remembered,
            **{**COMMON, **settings},
        )
    except (KafkaError, OSError) as error:
        for client in clients:
            with suppress(Exception):
                client.close()
        raise NotReachable from error


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection(
            (host.strip("[]"), int(port)), timeout=_REACHABLE_SECONDS
        ).close()
    except OSError:
        return False
    return True
