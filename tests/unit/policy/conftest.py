"""Facts and rules for the tests of decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.model.agreement import (
    Agreement,
    Clause,
    Recipient,
    Safeguards,
    When,
)
from broker.policy import Facts, Rules, compile_rules, compile_safeguards, facts_of
from tests.unit import given

AGREEMENT: dict[str, Any] = {
    "agreement": "kp",
    "title": "An agreement of a test",
    "parties": [{"name": "C", "role": "csirt"}, {"name": "P", "role": "police"}],
    "recipient": "kp-misp",
    "legal_basis": [{"act": "A", "citation": "art. 1"}],
    "purpose": ["criminal investigation"],
    "valid": {"from": "2026-01-01", "until": "2026-12-31"},
    "profile": "p",
    "guardrail": "g",
    "retention_days": 30,
    "clauses": [{"id": "all", "cites": "art. 1", "effect": "share"}],
}
RECIPIENT: dict[str, Any] = {
    "recipient": "kp-misp",
    "authority": "Police",
    "kind": "misp",
    "url": "https://misp.example",
    "credential": "kp-misp",
    "clearance": {"tlp": "amber", "pap": "amber"},
}


def _facts(**changes: Any) -> Facts:
    return facts_of(given.incident(**changes), given.NOW)


def _rules(
    *clauses: Clause,
    safeguards: tuple[Clause, ...] = (),
    suspended: bool = False,
    clearance: tuple[str, str] = ("red", "red"),
    text: str = "a: b\n",
) -> Rules:
    tlp, pap = clearance
    changed = {"suspended": suspended, "clearance": {"tlp": tlp, "pap": pap}}
    agreement = Agreement.model_validate(AGREEMENT)
    return compile_rules(
        agreement.model_copy(update={"clauses": clauses}),
        Recipient.model_validate(RECIPIENT | changed),
        compile_safeguards(
            Safeguards(safeguards=safeguards),
            given.document("policies/safeguards.yaml"),
            given.kinds(),
        ),
        given.document("policies/agreements/kp.yaml", text),
        given.kinds(),
    )


def _clause(name: str, effect: str, **when: Any) -> Clause:
    return Clause(id=name, cites="art. 1", effect=effect, when=When(**when))


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """Give the facts of an incident with the given fields."""
    return _facts


@pytest.fixture
def rules() -> Callable[..., Rules]:
    """Give the rules of an agreement with the given clauses."""
    return _rules


@pytest.fixture
def clause() -> Callable[..., Clause]:
    """Give a clause with an effect and conditions."""
    return _clause
