"""The rulebook that is shipped, with keys of its own: what every measurement uses."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline
from broker.keys import Keys, recipient_key
from broker.model.sharing import NO_HISTORY, Outcome
from broker.rulebook import Rulebook, build
from broker.seal import SigningKey
from broker.settings import read_rulebook_files

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
NATIVE: Final = "application/vnd.besa.incident+json"
"""The content type that `besa publish` writes beside a native incident."""


@cache
def rulebook() -> Rulebook:
    """Return the rulebook of the shipped policies and mappings."""
    return build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


@cache
def keys() -> Keys:
    """Return keys that are the same in every run, so that outputs can be compared."""
    names = [route.recipient.recipient for route in rulebook().routes]
    seed = Ed25519PrivateKey.from_private_bytes(b"bench-seal-key".ljust(32, b"."))
    master = b"bench-master-secret".ljust(32, b".")
    return Keys(
        SigningKey.of(seed), {name: recipient_key(master, name) for name in names}
    )


def process(raw: bytes) -> Outcome:
    """Take one incident through the pure path, alone."""
    return pipeline.process(
        raw,
        rulebook=rulebook(),
        keys=keys(),
        history=NO_HISTORY,
        now=NOW,
        content_type=NATIVE,
    )
