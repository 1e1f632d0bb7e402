"""What unit tests begin with: the shipped rulebook, keys, a moment, a small incident.

Nothing here asserts; the keys protect nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline, rulebook
from broker.keys import Keys, RecipientKey, recipient_key
from broker.model.agreement import FieldRule, Profile, Selector
from broker.model.incident import Incident, declarations
from broker.model.mapping import ObservableKind
from broker.model.sharing import NO_HISTORY, History, Outcome, Share
from broker.pipeline import Received
from broker.rulebook import Route, Rulebook
from broker.seal import SigningKey, VerifyingKey
from broker.settings import read_rulebook_files
from broker.strict_yaml import Document, parse

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MASTER: Final = b"unit tests: no recipient has this secret"
RECIPIENTS: Final = ("fiu-misp", "kp-misp", "spo-misp")
KP: Final = "kp-cybercrime"


@cache
def shipped() -> Rulebook:
    """Return the rulebook that is shipped."""
    return rulebook.build(read_rulebook_files(ROOT / "policies", ROOT / "mappings"))


@cache
def keys() -> Keys:
    """Return the keys of the consume zone, always the same."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Keys(
        SigningKey.of(private),
        {name: recipient_key(MASTER, name) for name in RECIPIENTS},
    )


def public() -> dict[str, VerifyingKey]:
    """Return the key that checks the seals of `keys`."""
    key = VerifyingKey.from_pem(keys().signing.public_pem())
    return {key.id: key}


def kinds() -> dict[str, ObservableKind]:
    """Return the shipped kinds of observables."""
    return shipped().tables.kinds


def key(recipient: str = "kp-misp") -> RecipientKey:
    """Return the secrets of one recipient."""
    return keys().recipients[recipient]


def route(agreement: str = KP) -> Route:
    """Return the route of one shipped agreement."""
    return next(r for r in shipped().routes if r.agreement.agreement == agreement)


def fields(**changes: Any) -> dict[str, Any]:
    """Return the fields of an incident that every recipient may have."""
    return {
        "uid": "KOS-2026-1",
        "revision": 1,
        "revised_at": "2026-11-20T09:30:00Z",
        "title": "Pages that look like a bank's",
        "classification": "fraud/phishing",
        "severity": "high",
        "tlp": "green",
        "pap": "green",
        **changes,
    }


def raw(**changes: Any) -> bytes:
    """Return an incident as a publisher sends it."""
    return json.dumps(fields(**changes), ensure_ascii=False).encode()


def incident(**changes: Any) -> Incident:
    """Return an incident as the path knows it."""
    return Incident.model_validate_json(raw(**changes))


def received(**changes: Any) -> Received:
    """Return an incident as the path receives it."""
    return pipeline.receive(raw(**changes), rulebook=shipped(), now=NOW)


def disclose(
    history: History = NO_HISTORY, book: Rulebook | None = None, **changes: Any
) -> Outcome:
    """Take an incident the whole way for every recipient."""
    return pipeline.disclose(
        received(**changes),
        rulebook=book or shipped(),
        keys=keys(),
        history=history,
        now=NOW,
    )


def share_of(outcome: Outcome, agreement: str = KP) -> Share:
    """Return what became of an incident under one agreement."""
    return next(s for s in outcome.shares if s.decision.agreement == agreement)


def document(name: str = "policies/profiles/p.yaml", text: str = "a: b\n") -> Document:
    """Return a policy file, for the places that findings and problems name."""
    return parse(name, text.encode())


Rule = str | dict[str, Any] | list[str | dict[str, Any]]


def profile(rules: dict[str, Rule] | None = None, *, rest: str = "withhold") -> Profile:
    """Return a profile; fields without a rule take ``rest``, markings are kept."""
    every: dict[str, Rule] = dict.fromkeys(declarations(), rest)
    travels = ("tlp", "pap", "observables[].kind")
    every |= dict.fromkeys(travels, "keep") | (rules or {})
    listed = {
        path: tuple(_rule(rule) for rule in (one if isinstance(one, list) else [one]))
        for path, one in every.items()
    }
    return Profile(profile="p", title="A profile of a test", fields=listed)


def _rule(rule: str | dict[str, Any]) -> FieldRule:
    if isinstance(rule, str):
        return FieldRule(method=rule)
    only = Selector(**rule.get("only", {}))
    return FieldRule(method=rule["method"], only=only, options=rule.get("options", {}))
