"""The shipped rulebook, keys that protect nothing, and one full incident, for tests."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import pipeline
from broker.guard.shapes import Read, Shapes
from broker.keys import Keys, recipient_key
from broker.model.agreement import Profile
from broker.model.sharing import NO_HISTORY, History, Outcome, Share, Wire
from broker.pipeline import Received
from broker.rulebook import Route, Rulebook, build
from broker.rulebook.sources import read
from broker.seal import SigningKey
from broker.settings import read_rulebook_files

ROOT: Final = Path(__file__).parents[1]
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RECIPIENTS: Final = ("fiu-misp", "kp-misp", "spo-misp")


@cache
def files() -> dict[str, bytes]:
    """Return the shipped policy and mapping files."""
    return read_rulebook_files(ROOT / "policies", ROOT / "mappings")


@cache
def rulebook() -> Rulebook:
    """Return the shipped rulebook."""
    return build(files())


@cache
def keys() -> Keys:
    """Return keys for all shipped recipients, always the same."""
    private = Ed25519PrivateKey.from_private_bytes(b"tests: protects nothing at all..")
    master = b"tests: the secret of no recipient whatever"
    return Keys(
        SigningKey.of(private),
        {name: recipient_key(master, name) for name in RECIPIENTS},
    )


def route(recipient: str = "kp-misp", book: Rulebook | None = None) -> Route:
    """Return the route to one recipient."""
    routes = (book or rulebook()).routes
    return next(each for each in routes if each.recipient.recipient == recipient)


@cache
def profile_of(recipient: str) -> Profile:
    """Return the profile of one recipient, read apart from the rulebook."""
    profiles = read(files()).all_of("profile", Profile)
    return profiles[route(recipient).agreement.profile].model


@cache
def stix_rulebook() -> Rulebook:
    """Return the shipped rulebook with every recipient taking STIX instead of MISP.

    The guard looks into every text of a bundle, whatever its path.
    """
    routes = tuple(
        replace(
            each,
            guard=replace(each.guard, wire=Wire.STIX_BUNDLE, shapes=Everything()),
            wire=Wire.STIX_BUNDLE,
        )
        for each in rulebook().routes
    )
    return replace(rulebook(), routes=routes)


class Everything(Shapes):
    """Reads a document of any shape, and collects every text in it."""

    def __init__(self) -> None:
        """Allow whatever is JSON."""
        super().__init__({"*": "text"})
        self._check = _everything

    def read(self, body: bytes) -> Read:
        """Return a document as dictionaries, and its keys and texts."""
        return self.read_exactly(body)


def _everything(value: Any, texts: list[str]) -> None:
    match value:
        case dict():
            for key, inner in value.items():
                texts.append(key)
                _everything(inner, texts)
        case list():
            for inner in value:
                _everything(inner, texts)
        case str():
            texts.append(value)


def raw(incident: dict[str, Any]) -> bytes:
    """Return an incident as the bytes that a publisher sends."""
    return json.dumps(incident, ensure_ascii=False).encode()


def receive(incident: dict[str, Any], book: Rulebook | None = None) -> Received:
    """Return an incident as the path receives it."""
    return pipeline.receive(raw(incident), rulebook=book or rulebook(), now=NOW)


def disclose(
    incident: dict[str, Any],
    history: History = NO_HISTORY,
    book: Rulebook | None = None,
) -> Outcome:
    """Take an incident the whole way, for every recipient."""
    book = book or rulebook()
    return pipeline.disclose(
        receive(incident, book), rulebook=book, keys=keys(), history=history, now=NOW
    )


def share(
    incident: dict[str, Any],
    recipient: str = "kp-misp",
    history: History = NO_HISTORY,
    book: Rulebook | None = None,
) -> Share:
    """Take an incident the whole way; return what became of it for one recipient."""
    outcome = disclose(incident, history, book)
    return next(each for each in outcome.shares if each.decision.recipient == recipient)


def incident(**changes: Any) -> dict[str, Any]:
    """Return an incident with every field filled; None takes a field away."""
    made = {**deepcopy(FULL), **changes}
    return {name: value for name, value in made.items() if value is not None}


# Every value is its own and stands nowhere else, so that finding it tells where it
# comes from. All three recipients get it; none gets all of it.
FULL: Final[dict[str, Any]] = {
    "uid": "KOS-CERT-2026-7001",
    "revision": 3,
    "revised_at": "2026-11-20T09:30:00Z",
    "status": "open",
    "title": "Pages that take passwords of a bank's customers",
    "description": "A letter told the customers that their accounts were blocked.",
    "language": "en",
    "classification": "fraud/phishing",
    "confidence": 85,
    "severity": "high",
    "tlp": "amber",
    "pap": "green",
    "handling_caveats": ["Answer before Friday"],
    "urgency": "normal",
    "embargo_until": "2026-11-01T00:00:00Z",
    "times": {
        "occurred_from": "2026-11-18T22:14:05Z",
        "occurred_until": "2026-11-19T03:45:55Z",
        "detected": "2026-11-19T06:07:08Z",
        "reported": "2026-11-19T07:08:09Z",
    },
    "reporter": {
        "name": "Shpresa Kallëzuesja",
        "organisation": "Kooperativa Dëshmitare",
        "contacts": {
            "email": "shpresa@kooperativa.example",
            "phone": "+383 44 111 222",
            "address": "Rruga e Dëshmisë 17",
        },
    },
    "victims": [
        {
            "kind": "person",
            "name": "Вера Оштећена",
            "sector": "retail",
            "country": "XK",
            "contacts": {
                "email": "vera.ostecena@posta.example",
                "phone": "+383 45 333 444",
                "address": "Ulica Tišine 3",
            },
            "personal_number": "1177338855",
            "minor": False,
            "consent": "unknown",
        },
        {
            "kind": "organisation",
            "name": "Çmimi i Drejtë sh.p.k.",
            "country": "XK",
            "contacts": {"email": "zyra@cmimi.example"},
            "consent": "given",
        },
    ],
    "suspects": [
        {
            "kind": "person",
            "name": "Gazmend Dyshuari",
            "country": "AL",
            "contacts": {"email": "gazi.d@qendra.example", "phone": "+355 69 555 66"},
            "personal_number": "J51224099K",
            "accounts": ["XK051212012345678906"],
        }
    ],
    "observables": [
        {"kind": "ipv4", "value": "198.51.100.201", "role": "attacker", "to_ids": True},
        {"kind": "ipv4", "value": "203.0.113.77", "role": "victim"},
        {"kind": "ipv6", "value": "2001:db8:77:aa::19", "role": "victim"},
        {
            "kind": "url",
            "value": "https://hyrja.example/konto?t=9f3a",
            "role": "attacker",
            "first_seen": "2026-11-18T22:14:05Z",
            "last_seen": "2026-11-19T02:00:00Z",
            "to_ids": True,
            "comment": "seen by a customer named Lindita",
        },
        {"kind": "domain", "value": "viktima-jone.example", "role": "victim"},
        {"kind": "email", "value": "askush@kutia.example", "role": "unknown"},
        {"kind": "email", "value": "drejtori@mashtrim.example", "role": "attacker"},
        {"kind": "password", "value": "Kumanova#2026", "role": "victim"},
        {"kind": "subject", "value": "Llogaria juaj u mbyll", "role": "attacker"},
        {"kind": "iban", "value": "XK051212012345678906", "role": "attacker"},
        {"kind": "sha256", "value": "5f" * 32, "role": "attacker", "to_ids": True},
    ],
    "evidence": [
        {
            "name": "pamje-nga-faqja.png",
            "sha256": "7c" * 32,
            "size": 48213,
            "media_type": "image/png",
            "collected_at": "2026-11-19T08:00:00Z",
            "collected_by": "Teuta Mbledhësja",
            "kept_at": "cupboard nine, shelf two",
        }
    ],
    "financial_loss": {
        "amount": "18750.40",
        "currency": "EUR",
        "accounts": ["XK051212012345678906"],
    },
    "affected_systems": [
        {
            "name": "FINANCA-03",
            "function": "payments of salaries",
            "address": "konto.brendshme.example",
        }
    ],
    "relations": [{"uid": "KOS-CERT-2026-6990", "kind": "related-to"}],
    "references": ["https://tiketat.example/7001"],
    "case_reference": "PPN-2026-000321",
    "origin": {
        "format": "rtir",
        "id": "7001/a",
        "sha256": "3d" * 32,
    },
}
