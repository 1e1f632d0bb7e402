"""Connections to Kafka: how they are set up, opened, and given up without a trace.

`Cluster` -> a consumer or producer of kafka-python, or `NotReachable`, which says why
there is none. ``docs/kafka.md`` has the reason for each setting.

Invariant: an attempt that fails leaves no thread and no socket behind (kafka-python 3.0
leaves both when a constructor fails).
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from broker.source.cluster import Cluster, host_and_port

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
_OBJECTION_SECONDS: Final = 0.5
# Parts of what OpenSSL calls it.
_TLS_REASONS: Final = {
    "WRONG_VERSION_NUMBER": "does not seem to speak TLS at this port",
    "UNEXPECTED_EOF": "does not seem to speak TLS at this port",
    "CERTIFICATE": "does not accept our certificate, or asks for one",
    "UNKNOWN_CA": "does not accept our certificate, or asks for one",
}


class NotReachable(Exception):  # noqa: N818 - not an error yet: it is tried again
    """Kafka does not answer at present, or does not let us in; its text says which."""


def consumer(cluster: Cluster, settings: Mapping[str, Any]) -> KafkaConsumer:
    """Open a consumer.

    Raises:
        NotReachable: no Kafka answers now.
        SourceError: a file of certificates cannot be used.
    """
    return _opened(KafkaConsumer, cluster, settings)


def producer(cluster: Cluster, settings: Mapping[str, Any]) -> KafkaProducer:
    """Open a producer.

    Raises:
        NotReachable: no Kafka answers now.
        SourceError: a file of certificates cannot be used.
    """
    return _opened(KafkaProducer, cluster, settings)


def reachable(cluster: Cluster) -> bool:
    """Say whether something listens at one of the addresses."""
    return any(map(_listens, cluster.servers))


def _opened(kind: Any, cluster: Cluster, settings: Mapping[str, Any]) -> Any:
    if not reachable(cluster):
        raise NotReachable(f"Kafka at {cluster} does not answer")
    clients: list[Any] = []

    def remembered(**given: Any) -> Any:
        clients.append(kind.DEFAULT_CONFIG["kafka_client"](**given))
        return clients[-1]

    known = {**COMMON, **cluster.settings(), **settings}
    try:
        return kind(kafka_client=remembered, **known)
    except (KafkaError, OSError) as error:
        for client in clients:
            with suppress(Exception):
                client.close()
        # The library only says that its time was up.
        raise NotReachable(f"Kafka at {cluster} {_why(cluster)}") from error


def _why(cluster: Cluster) -> str:
    """Say why something listens and yet there is no connection."""
    access = cluster.access
    if access.tls and (problem := _tls_problem(cluster)):
        return problem
    if access.user:
        return (
            f"does not answer, or does not let the user {access.user} in: check name, "
            f"password and mechanism ({access.mechanism})"
        )
    if access.tls:
        return "does not answer"
    return (
        "does not answer, though something listens there: if it asks for TLS or a "
        "password, say so in the file of BESA_KAFKA_ACCESS"
    )


def _tls_problem(cluster: Cluster) -> str:
    """Try TLS alone, with the first server that listens; say what is wrong with it."""
    server = next(filter(_listens, cluster.servers), None)
    if server is None:
        return ""
    host, _ = host_and_port(server)
    try:
        with (
            _connected(server) as raw,
            cluster.tls().wrap_socket(raw, server_hostname=host) as there,
        ):
            # What it thinks of our certificate comes after the handshake (TLS 1.3), and
            # nothing comes when all is well.
            there.settimeout(_OBJECTION_SECONDS)
            there.recv(1)
    except ssl.SSLCertVerificationError as error:
        return f"is not trusted: {error.verify_message}"
    except ssl.SSLError as error:
        reason = error.reason or ""
        known = (said for part, said in _TLS_REASONS.items() if part in reason)
        return next(known, f"breaks TLS off ({reason})")
    except OSError:
        return ""
    return ""


def _listens(server: str) -> bool:
    try:
        _connected(server).close()
    except OSError:
        return False
    return True


def _connected(server: str) -> socket.socket:
    return socket.create_connection(host_and_port(server), timeout=_REACHABLE_SECONDS)
