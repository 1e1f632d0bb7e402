"""The seal: proof that exactly these bytes passed the guard for exactly this recipient.

`Draft` -> `Sealed`, by an Ed25519 signature (RFC 8032) over a statement that names the
recipient, share, edition, wire, SHA-256 of the body, rulebook digest and retraction.
The consume zone holds the private key; the dispatch zone only the public one, so that a
stolen dispatcher can neither make nor alter a disclosure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from broker.canonical import sha256_hex
from broker.errors import SealError
from broker.model.sharing import Draft, Edition, Sealed


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private half of the seal. ``id`` is the start of the public key's SHA-256."""

    private: Ed25519PrivateKey = field(repr=False)
    id: str

    @classmethod
    def create(cls) -> SigningKey:
        """Make a new key."""
        return cls.of(Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> SigningKey:
        """Wrap a private key and compute its id."""
        return cls(private, _key_id(private.public_key()))

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read a key from PEM (PKCS 8, not encrypted).

        Raises:
            SealError: not an Ed25519 private key.
        """
        # What knows PEM knows OpenSSH as well, and whoever seals needs neither.
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise SealError("the signing key is not a PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SealError("the signing key is not an Ed25519 key")
        return cls.of(key)

    def to_pem(self) -> bytes:
        """Return the private key as PEM (PKCS 8, not encrypted)."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        return self.private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )

    def public_pem(self) -> bytes:
        """Return the public key as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half of the seal: can check it and cannot make it."""

    public: Ed25519PublicKey
    id: str

    @classmethod
    def from_pem(cls, pem: bytes) -> VerifyingKey:
        """Read a key from PEM.

        Raises:
            SealError: not an Ed25519 public key.
        """
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            key = load_pem_public_key(pem)
        except ValueError as error:
            raise SealError("the seal's public key is not PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise SealError("the seal's public key is not an Ed25519 key")
        return cls(key, _key_id(key))


def _key_id(public: Ed25519PublicKey) -> str:
    return sha256_hex(public.public_bytes_raw())[:16]


def _statement(
    recipient: str,
    share: str,
    edition: Edition | int,
    wire: str,
    sha256: str,
    rulebook: str,
    *,
    retracts: bool,
) -> bytes:
    # Fixed order, and a separator that none of the parts can hold: two different
    # statements never have the same bytes.
    return "\n".join(
        (
            "besa seal 1",
            recipient,
            share,
            str(edition),
            wire,
            sha256,
            rulebook,
            "retracts" if retracts else "discloses",
        )
    ).encode()


def seal(
    draft: Draft, *, share: str, edition: Edition, rulebook: str, key: SigningKey
) -> Sealed:
    """Seal a draft that the guard has passed.

    Only `broker.pipeline` and, for what people approved, `broker.release` call this,
    and only with no breach found just before.
    """
    digest = sha256_hex(draft.body)
    signature = key.private.sign(
        _statement(
            draft.recipient,
            share,
            edition.number,
            draft.wire,
            digest,
            rulebook,
            retracts=edition.retracts,
        )
    )
    return Sealed(
        draft.recipient,
        share,
        edition.number,
        draft.wire,
        draft.body,
        digest,
        rulebook,
        key.id,
        signature,
        edition.retracts,
    )


def verify(sealed: Sealed, keys: Mapping[str, VerifyingKey]) -> None:
    """Check that a seal stands on these bytes, for this recipient and edition.

    Raises:
        SealError: it does not, or the key that made it is not known.
    """
    key = keys.get(sealed.key_id)
    if key is None:
        raise SealError("sealed with a key that is not known here")
    if sha256_hex(sealed.body) != sealed.sha256:
        raise SealError("the body is not the one that was sealed")
    statement = _statement(
        sealed.recipient,
        sealed.share,
        sealed.edition,
        sealed.wire,
        sealed.sha256,
        sealed.rulebook,
        retracts=sealed.retracts,
    )
    try:
        key.public.verify(sealed.signature, statement)
    except InvalidSignature as error:
        raise SealError("the seal does not fit recipient, edition or body") from error
