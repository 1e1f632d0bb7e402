"""Whatever kind an observable is of, profile and guardrail agree about it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline
from broker.canonical import dumps
from broker.keys import Keys, recipient_key
from broker.model.incident import Role
from broker.model.sharing import NO_HISTORY, Share, State
from broker.rulebook import Rulebook, build
from broker.seal import SigningKey
from broker.settings import read_rulebook_files

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SAMPLES = {
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::7",
    "domain": "verify.example",
    "hostname": "www.verify.example",
    "onion": "besatestbesatestbesatestbesatestbesatestbesatestbesatest.onion",
    "url": "https://verify.example/in",
    "email": "somebody@mail.example",
    "asn": "64496",
    "mac": "00:00:5e:00:53:01",
    "port": "8443",
    "md5": "d41d8cd98f00b204e9800998ecf8427e",
    "sha1": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256": "464bbcd871980a9bb529a35a1d752c2165c9546faf4ee4faf50f430518735fe8",
    "sha512": "cf83e1357eefb8bd" * 8,
    "cve": "CVE-2026-0001",
    "phone": "+383 44 000 900",
    "iban": "XK099999000000000111",
    "payment-card": "4111111111111111",
    "imei": "490154203237518",
    "jarm": "29d29d00029d29d21c42d43d00041d" + "0" * 32,
    "ja3-fingerprint": "e7d705a3286e19ea42f587b344ee6865",
}


@cache
def rulebook() -> Rulebook:
    return build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


@cache
def keys() -> Keys:
    secret = sha256(b"for tests").digest()
    return Keys(
        SigningKey.of(Ed25519PrivateKey.from_private_bytes(secret)),
        {
            route.recipient.recipient: recipient_key(secret, route.recipient.recipient)
            for route in rulebook().routes
        },
    )


def shares(kind: str, role: str) -> tuple[Share, ...]:
    """Take an incident that all three partners get, with one such observable."""
    incident = {
        "uid": "KOS-CERT-2026-1",
        "revision": 1,
        "revised_at": "2026-06-14T09:00:00Z",
        "title": "Nothing that a document would say by itself",
        "classification": "fraud/phishing",
        "severity": "high",
        "tlp": "amber",
        "financial_loss": {"amount": "100.00"},
        "observables": [
            {
                "kind": kind,
                "value": SAMPLES.get(kind, f"a value of {kind}"),
                "role": role,
                "first_seen": "2026-06-13T10:11:12Z",
                "to_ids": True,
                "comment": "a remark",
            }
        ],
    }
    received = pipeline.receive(dumps(incident), rulebook=rulebook(), now=NOW)
    outcome = pipeline.disclose(
        received, rulebook=rulebook(), keys=keys(), history=NO_HISTORY, now=NOW
    )
    return outcome.shares


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", sorted(rulebook().tables.kinds))
def test_an_observable_of_each_kind_and_role_reaches_its_end(
    kind: str, role: Role
) -> None:
    """What a profile lets through, the guardrail has a place for."""
    held = [
        (share.decision.agreement, share.failure, *map(str, share.breaches))
        for share in shares(kind, role)
        if share.state is not State.QUEUED
    ]

    assert [] == held


@pytest.mark.parametrize("kind", ["ipv4", "domain", "url", "email", "iban", "phone"])
def test_nothing_of_a_victim_is_ever_matched(kind: str) -> None:
    """No detection is fed with what belongs to a victim."""
    for share in shares(kind, "victim"):
        assert share.sealed is not None
        assert b'"to_ids":true' not in share.sealed.body


@pytest.mark.parametrize("role", Role)
def test_a_password_never_leaves(role: Role) -> None:
    """Whoever it belongs to, and whoever asks."""
    for share in shares("password", role):
        assert share.sealed is not None
        assert b"a value of password" not in share.sealed.body
