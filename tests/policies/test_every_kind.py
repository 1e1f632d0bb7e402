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
from tests.contract.oracle_incidents import VALUES

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SAMPLES = {
    "iban": "XK099999000000000111",
    "password": "a value of password",
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
                "value": SAMPLES.get(kind, VALUES[kind]),
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
