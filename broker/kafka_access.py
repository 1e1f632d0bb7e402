"""What it takes to be let in by the CSIRT's Kafka, on disk.

The settings' address and access file -> `broker.source.cluster.Cluster`.

Invariants: a password goes to Kafka within TLS, or as a proof that does not show it
(SCRAM, RFC 5802). No secret stands in an error or in a ``repr``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from broker.errors import SettingsError
from broker.secret_files import read_said, read_secret, refuse_missing
from broker.settings import Settings
from broker.source.cluster import OPEN, Access, Cluster, Mechanism

_SAYS: Final = frozenset({"tls", "ca", "certificate", "user", "password", "mechanism"})


def cluster_of(settings: Settings) -> Cluster:
    """Return the Kafka that the settings name, with what it takes to be let in.

    Without an access file Kafka is spoken to in the clear and without a password.

    Raises:
        SettingsError: the access file is readable by others or says something wrong, or
            is missing though it was named.
        SourceError: the address is not an address.
    """
    path = settings.kafka_access_file
    if settings.kafka_access is None and not _is_there(path):
        return Cluster(settings.kafka, OPEN)
    return Cluster(settings.kafka, read_access(path))


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # and may not be looked at, which reading it says
    return True


def read_access(path: Path) -> Access:
    """Read an access file; docs/sources.md says what it may say.

    Raises:
        SettingsError: it is missing, readable by others, or says something wrong.
    """
    said = read_said(path, _SAYS, "docs/sources.md says what it holds", {"tls"})
    refuse_missing(path, said, "ca")
    if "certificate" in said:
        read_secret(Path(said["certificate"]), "get it from whoever runs Kafka")
    access = Access(**{**said, "mechanism": _mechanism(path, said)})
    if bool(access.user) != bool(access.password):
        missing = "password" if access.user else "user"
        raise SettingsError(f"{path} has no `{missing}`; it takes both or none")
    if not access.tls:
        _refuse_without_tls(path, access)
    return access


def _mechanism(path: Path, said: dict[str, Any]) -> Mechanism:
    try:
        return Mechanism(said.get("mechanism", Mechanism.SCRAM_SHA_512))
    except ValueError:
        known = ", ".join(Mechanism)
        raise SettingsError(f"{path}: mechanism is not one of {known}") from None


def _refuse_without_tls(path: Path, access: Access) -> None:
    if access.ca or access.certificate:
        raise SettingsError(f"{path} has certificates, which need `tls: true`")
    if access.user and access.mechanism is Mechanism.PLAIN:
        raise SettingsError(
            f"{path}: PLAIN without TLS would show the password to everybody on the "
            "way; leave `tls: false` out, or use SCRAM-SHA-512"
        )
