"""Facts about the seal: whatever is changed breaks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)

from broker.errors import SealError
from broker.model.sharing import Draft, Edition, Sealed, Wire
from broker.seal import SigningKey, VerifyingKey, seal, verify

KEY = SigningKey.of(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLIC = VerifyingKey.from_pem(KEY.public_pem())
KNOWN = {PUBLIC.id: PUBLIC}
BODY = b'{"Event":{}}'
AT = datetime(2026, 11, 20, tzinfo=UTC)


def _sealed(**changes: Any) -> Sealed:
    edition = Edition(1, AT, AT, "c" * 64, retracts=changes.pop("retracts", False))
    made = seal(
        Draft("kp-misp", Wire.MISP_EVENT, BODY),
        share="b9a1d1b0-0000-4000-8000-000000000001",
        edition=edition,
        rulebook="b" * 64,
        key=KEY,
    )
    return replace(made, **changes)


@pytest.mark.parametrize("retracts", [False, True])
def test_seal_stands(retracts: bool) -> None:
    """A seal that nobody touched holds, on disclosures and on retractions."""
    sealed = _sealed(retracts=retracts)

    verify(sealed, KNOWN)

    assert ("kp-misp", 1, BODY) == (sealed.recipient, sealed.edition, sealed.body)
    assert (KEY.id, retracts) == (sealed.key_id, sealed.retracts)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipient", "fiu-misp"),
        ("share", "b9a1d1b0-0000-4000-8000-000000000002"),
        ("edition", 2),
        ("wire", Wire.STIX_BUNDLE),
        ("body", BODY + b" "),
        ("sha256", "0" * 64),
        ("rulebook", "d" * 64),
        ("retracts", True),
        ("signature", bytes(64)),
        ("signature", b""),
        ("key_id", "0" * 16),
    ],
    ids=lambda value: str(value)[:16],
)
def test_change_breaks_the_seal(field: str, value: Any) -> None:
    """Whichever part of what was sealed is changed, the seal no longer fits."""
    with pytest.raises(SealError):
        verify(replace(_sealed(), **{field: value}), KNOWN)


def test_body_and_digest_together_break_the_seal() -> None:
    """Another body with its own digest does not fit the seal either."""
    other = seal(
        Draft("kp-misp", Wire.MISP_EVENT, b"other"),
        share="x",
        edition=Edition(1, AT, AT, ""),
        rulebook="",
        key=KEY,
    )
    forged = replace(_sealed(), body=other.body, sha256=other.sha256)

    with pytest.raises(SealError, match=r"^the seal does not fit"):
        verify(forged, KNOWN)


def test_parts_cannot_flow_into_each_other() -> None:
    """Moving a line from one part of the statement to the next breaks the seal."""
    made = _sealed()
    moved = replace(made, recipient=f"{made.recipient}\n{made.share}", share="1")

    with pytest.raises(SealError):
        verify(moved, KNOWN)


def test_unknown_key_is_refused() -> None:
    """A seal of a key that is not known here is refused, however well it is made."""
    stranger = SigningKey.create()
    key = VerifyingKey.from_pem(stranger.public_pem())

    with pytest.raises(SealError, match=r"^sealed with a key that is not known here"):
        verify(_sealed(), {key.id: key})


def test_other_key_under_the_same_id_is_refused() -> None:
    """A key that only has the right name does not verify the seal."""
    other = VerifyingKey.from_pem(SigningKey.create().public_pem())

    with pytest.raises(SealError, match=r"^the seal does not fit"):
        verify(_sealed(), {KEY.id: other})


def test_seal_is_deterministic() -> None:
    """The same statement and key give the same signature, as RFC 8032 has it."""
    assert _sealed().signature == _sealed().signature


def test_key_survives_pem() -> None:
    """A key written and read again is the same key, with the same id."""
    again = SigningKey.from_pem(KEY.to_pem())

    assert (KEY.id, KEY.public_pem()) == (again.id, again.public_pem())
    assert PUBLIC.id == KEY.id


def test_key_id_is_the_start_of_its_digest() -> None:
    """The id of a key names its public half and never its private one."""
    assert "56475aa75463474c" == KEY.id


def test_private_key_is_not_shown() -> None:
    """Printing a signing key shows its id and not the key."""
    assert f"SigningKey(id='{KEY.id}')" == repr(KEY)


def _pem_of(kind: str) -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    if kind == "public":
        return private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    return private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
    )


@pytest.mark.parametrize(
    "pem",
    [b"", b"no key", KEY.public_pem(), _pem_of("private")],
    ids=["empty", "text", "public", "encrypted"],
)
def test_what_is_no_signing_key_is_refused(pem: bytes) -> None:
    """Only an Ed25519 private key that is not encrypted can sign."""
    with pytest.raises(SealError, match=r"^the signing key is not"):
        SigningKey.from_pem(pem)


@pytest.mark.parametrize(
    "pem",
    [b"", b"no key", KEY.to_pem(), _pem_of("public")],
    ids=["empty", "text", "private", "another-curve"],
)
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    """Only an Ed25519 public key can check a seal."""
    with pytest.raises(SealError, match=r"^the seal's public key is not"):
        VerifyingKey.from_pem(pem)
