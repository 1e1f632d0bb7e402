"""Secrets of the consume zone, derived so that no two recipients share one.

master secret -> one `RecipientKey` per recipient, by HKDF-SHA-256 (RFC 5869) with the
recipient's name in the context. Two recipients cannot join their data, because neither
their pseudonyms nor their ids come from the same key (law 7 of docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.seal import SigningKey


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """The secrets used for one recipient: 32 bytes for pseudonyms, 16 for ids.

    Pseudonyms have an epoch: they name it, so that each can be looked up for as long as
    its epoch's secret is kept.
    """

    pseudonyms: bytes = field(repr=False)
    ids: bytes = field(repr=False)
    epoch: int = field(default=1, repr=False)


def recipient_key(
    master: bytes, recipient: str, *, epoch: int = 1, secret: bytes | None = None
) -> RecipientKey:
    """Derive the secrets of one recipient and epoch.

    ``secret`` is the epoch's own, from the second epoch on; without it the master
    secret takes its place.

    Raises:
        ValueError: a secret is shorter than 32 bytes.
    """
    own = master if secret is None else secret
    if len(master) < 32 or len(own) < 32:
        raise ValueError("the master secret is shorter than 32 bytes")
    return RecipientKey(
        _derive(own, f"besa/pseudonyms/{epoch}/{recipient}", 32),
        # Ids outlive an epoch: an event keeps its id for as long as it is shared.
        _derive(master, f"besa/ids/{recipient}", 16),
        epoch,
    )


def _derive(master: bytes, info: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=info.encode()).derive(master)


@dataclass(frozen=True, slots=True)
class Keys:
    """What `pipeline.process` needs: the seal's private key and recipients' secrets."""

    signing: SigningKey
    recipients: Mapping[str, RecipientKey]
