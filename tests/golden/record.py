"""Golden files: what each recipient gets of known incidents, to the letter.

Incidents, and a message of each format that is read -> one JSON text per (incident,
recipient): decision, ledger and wires. Keys and time are always the same, so a text
changes only when the product does. To accept a change, run this and review the
difference::

    python -m tests.golden.record
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline
from broker.intake.split import pieces
from broker.keys import Keys, recipient_key
from broker.model.sharing import NO_HISTORY, Redacted, Share
from broker.rulebook import Rulebook, build
from broker.seal import SigningKey
from broker.settings import read_rulebook_files
from tests.formats import samples

ROOT: Final = Path(__file__).parents[2]
EXPECTED: Final = Path(__file__).parent / "expected"
DEMO: Final = ROOT / "broker/demo/incidents"
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET: Final = sha256(b"of the golden files, protects nothing").digest()

# Each is shown as somebody would preview it who never shared it before.
INCIDENTS: Final = (
    "01-bank-phishing",
    "02-hospital-ransomware",
    "03-c2-server",
    "04-infected-system",
    "05-cse-report",
    "08-vulnerable-system",
    "09-test",
    "10-undetermined",
    "11-ceo-fraud",
    "12-municipality-data-leak",
    "14-account-takeover",
    "misp-1-phishing-site",
)
# The last of each, when the recipients hold what came before it.
HISTORIES: Final = (
    ("01-bank-phishing", "21-bank-phishing-update"),
    ("13-fake-invoice-malware", "22-fake-invoice-withdrawn"),
)


@cache
def rulebook() -> Rulebook:
    """Return the shipped rulebook."""
    return build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


@cache
def keys() -> Keys:
    """Return keys that are always the same."""
    names = [route.recipient.recipient for route in rulebook().routes]
    private = Ed25519PrivateKey.from_private_bytes(SECRET)
    return Keys(
        SigningKey.of(private), {name: recipient_key(SECRET, name) for name in names}
    )


def receive(name: str) -> pipeline.Received:
    """Read a demo incident as the path reads it."""
    raw = (DEMO / f"{name}.json").read_bytes()
    return pipeline.receive(raw, rulebook=rulebook(), now=NOW)


def golden() -> dict[str, str]:
    """Return all golden texts by the path of their file below `EXPECTED`."""
    found: dict[str, str] = {}
    for name in INCIDENTS:
        for shown in pipeline.preview(
            receive(name), rulebook=rulebook(), keys=keys(), now=NOW
        ):
            wires = {wire.value: body for wire, body in shown.wires.items()}
            path = f"{name}/{shown.route.recipient.recipient}.json"
            found[path] = _text(shown.share, shown.redacted, wires)
    for file in samples():
        name = f"format-{file.name.replace('.', '-')}"
        raw = next(iter(pieces(file.read_bytes(), rulebook().tables))).body
        received = pipeline.receive(raw, rulebook=rulebook())
        for shown in pipeline.preview(
            received, rulebook=rulebook(), keys=keys(), now=NOW
        ):
            # The other wires are made of the same bundle.
            wire = shown.route.wire
            wires = {wire.value: shown.wires[wire]} if wire in shown.wires else {}
            path = f"{name}/{shown.route.recipient.recipient}.json"
            found[path] = _text(shown.share, shown.redacted, wires)
    for names in HISTORIES:
        for share in _last(names):
            wires = {}
            if share.sealed:
                wires[share.sealed.wire.value] = share.sealed.body
            path = f"{names[-1]}/{share.decision.recipient}.json"
            found[path] = _text(share, share.redacted, wires)
    return found


def _last(names: tuple[str, ...]) -> tuple[Share, ...]:
    history = NO_HISTORY
    shares: tuple[Share, ...] = ()
    for name in names:
        outcome = pipeline.disclose(
            receive(name), rulebook=rulebook(), keys=keys(), history=history, now=NOW
        )
        history = pipeline.advance(history, outcome)
        shares = outcome.shares
    return shares


def _text(share: Share, redacted: Redacted | None, wires: dict[str, bytes]) -> str:
    edition = share.edition
    shown: dict[str, Any] = {
        "effect": share.decision.effect.value,
        "clauses": list(share.decision.clauses),
        "state": share.state.value,
        "breaches": [str(breach) for breach in share.breaches],
        "failure": share.failure,
        "edition": edition and f"{edition.number}, {edition.modified.isoformat()}",
        "ledger": [
            f"{entry.field}: {entry.outcome}"
            for entry in (redacted.ledger() if redacted else ())
        ],
        "wires": {wire: json.loads(body) for wire, body in sorted(wires.items())},
    }
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all golden files anew."""
    shutil.rmtree(EXPECTED, ignore_errors=True)
    texts = golden()
    for path, text in texts.items():
        file = EXPECTED / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    size = sum(len(text.encode()) for text in texts.values())
    print(f"{len(texts)} files, {size // 1024} KB, in {EXPECTED}")  # noqa: T201


if __name__ == "__main__":
    main()
