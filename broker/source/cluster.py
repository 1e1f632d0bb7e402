"""Which Kafka, and what it takes to be let in.

Addresses and what an access file says -> the settings of a client of kafka-python.

Invariants: a password is never shown, and leaves this machine only where nobody on the
way can read it. Where TLS is asked for, there is no connection without it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Final

from broker.source.protocol import SourceError


class Mechanism(StrEnum):
    """How Kafka asks for a password (its `sasl.enabled.mechanisms`)."""

    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"  # shows the password to whoever listens, so only within TLS


@dataclass(frozen=True, slots=True)
class Access:
    """What it takes to be let in by Kafka. The password is never shown when printed.

    ``ca`` is a file of the certificate authorities to trust instead of the system's,
    ``certificate`` a PEM file of our own certificate and its private key, for a Kafka
    that asks for one.
    """

    tls: bool = True
    ca: str | None = None
    certificate: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512


OPEN: Final = Access(tls=False)
"""A Kafka that lets in everybody who can reach it, and hides nothing on the way."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka: its address, ``host:port`` or several with commas, and the access to it.

    Raises:
        SourceError: the address is not written like that.
    """

    address: str
    access: Access = OPEN

    def __post_init__(self) -> None:
        """Refuse what is no address before anything is tried."""
        if not self.servers:
            raise SourceError("Kafka's address is empty; write host:port")
        for server in self.servers:
            host, _, port = server.rpartition(":")
            is_port = port.isascii() and port.isdigit() and int(port) <= 65_535
            if not host or not is_port:
                raise SourceError("BESA_KAFKA must be host:port, or several with ','")

    def __str__(self) -> str:
        """Say where it is, and nothing else."""
        return self.address

    @property
    def servers(self) -> list[str]:
        """Its addresses, each ``host:port``."""
        return [part.strip() for part in self.address.split(",") if part.strip()]

    @property
    def is_in_the_clear(self) -> bool:
        """Whether somebody between this machine and Kafka could read what is sent."""
        hosts = (host_and_port(server)[0] for server in self.servers)
        return not self.access.tls and not all(map(_is_here, hosts))

    def settings(self) -> dict[str, Any]:
        """Return what a client of kafka-python needs to be told.

        Certificates are read each time, so that renewed ones count from the next
        connection on.

        Raises:
            SourceError: a file of certificates cannot be used.
        """
        access = self.access
        protocol = "SSL" if access.tls else "PLAINTEXT"
        said: dict[str, Any] = {"bootstrap_servers": self.servers}
        if access.tls:
            said["ssl_context"] = self.tls()
        if access.user:
            protocol = "SASL_SSL" if access.tls else "SASL_PLAINTEXT"
            said["sasl_mechanism"] = access.mechanism.value
            said["sasl_plain_username"] = access.user
            said["sasl_plain_password"] = access.password
        return {**said, "security_protocol": protocol}

    def tls(self) -> ssl.SSLContext:
        """Return how TLS is spoken with it: both names and authorities are checked.

        Raises:
            SourceError: a file of certificates cannot be used.
        """
        file = self.access.ca
        try:
            context = ssl.create_default_context(cafile=file)
            if file := self.access.certificate:
                context.load_cert_chain(file)
        except OSError:  # among them what is no certificate
            raise SourceError(
                f"{file} cannot be used as a file of certificates"
            ) from None
        return context


def host_and_port(server: str) -> tuple[str, int]:
    """Return both halves of ``host:port``; an IPv6 address without its brackets."""
    host, _, port = server.rpartition(":")
    return host.strip("[]"), int(port)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
