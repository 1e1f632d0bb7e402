"""Every condition, finding and outcome has words that a person understands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from broker.cli import sentences
from broker.model.agreement import Clause, When
from broker.model.decision import Decision, Effect, Finding
from broker.model.incident import Incident
from broker.model.sharing import LedgerEntry
from broker.policy import Facts, facts_of

BOUNDS: dict[str, Any] = {
    "classification_in": ["fraud/phishing", "fraud/masquerade"],
    "category_in": ["fraud"],
    "severity_at_least": "medium",
    "confidence_at_least": 50,
    "confidence_at_most": 90,
    "tlp_at_most": "amber",
    "tlp_at_least": "green",
    "pap_at_most": "red",
    "pap_at_least": "amber",
    "urgency_in": ["normal"],
    "status_in": ["open", "closed"],
    "source_in": ["own"],
    "victim_consent_in": ["no-victim"],
    "victim_kind_in": ["person"],
    "victim_sector_in": ["health"],
    "victim_country_in": ["XK"],
    "minor_involved": False,
    "financial_loss": False,
    "loss_at_least": {"EUR": 1000},
    "loss_at_most": {"EUR": 1000, "ALL": 100000},
    "has_observable_kind_in": ["ipv4"],
    "has_observable_role_in": ["attacker"],
    "has_field_in": ["victims[].name"],
    "has_no_field_in": ["suspects[]"],
    "age_days_at_least": 1,
    "age_days_at_most": 90,
}


@pytest.fixture
def facts() -> Facts:
    """Return the facts of a small phishing case without victims."""
    return facts_of(
        Incident.model_validate(
            {
                "uid": "T-1",
                "revision": 1,
                "revised_at": datetime(2026, 11, 21, tzinfo=UTC),
                "title": "t",
                "classification": "fraud/phishing",
                "severity": "high",
                "confidence": 80,
                "tlp": "amber",
            }
        ),
        datetime(2026, 11, 22, tzinfo=UTC),
    )


def clause(**when: Any) -> Clause:
    """Return a clause with these conditions."""
    return Clause(
        id="c", cites="art. 1", effect=Effect.SHARE, when=When.model_validate(when)
    )


def test_the_examples_here_have_every_condition() -> None:
    """The table above has each condition of the closed set."""
    assert set(When.model_fields) == set(BOUNDS)


@pytest.mark.parametrize("name", BOUNDS)
def test_every_condition_has_words(facts: Facts, name: str) -> None:
    """A condition can be said: what it asks, what is there, and why it holds."""
    ((found, words),) = sentences.conditions(clause(**{name: BOUNDS[name]}).when, facts)

    assert name == found
    assert words.asks
    assert words.has
    assert words.holds


def test_a_clause_that_applies_says_what_was_found(facts: Facts) -> None:
    """The reason names the incident's own facts beside the clause's bounds."""
    one = clause(classification_in=["fraud/phishing"], severity_at_least="medium")

    assert (
        "It applies, because the type of incident is fraud/phishing, and the severity "
        "is high (at least medium)."
    ) == sentences.why(one, facts)


def test_a_clause_that_fails_says_where(facts: Facts) -> None:
    """The reason names the condition that failed, and what the incident has."""
    one = clause(severity_at_least="critical")

    assert "It asks that the severity is at least critical; it is high." == (
        sentences.why_not(one, "severity_at_least does not hold", facts)
    )


def test_long_lists_are_cut_for_the_reader(facts: Facts) -> None:
    """Of many types three are named and the rest counted."""
    many = [f"vulnerable/{kind}" for kind in ("weak-crypto", "ddos-amplifier")] + [
        "fraud/copyright",
        "fraud/masquerade",
        "test/test",
    ]
    told = sentences.why_not(
        clause(classification_in=many), "classification_in does not hold", facts
    )

    assert "or one of 2 others; it is fraud/phishing." in told


@pytest.mark.parametrize(
    ("effect", "clauses", "part"),
    [
        (Effect.SHARE, ["a"], "a shares it, and nothing"),
        (Effect.SHARE, ["a", "b"], "a and b share it"),
        (Effect.REVIEW, ["a"], "a asks for a review"),
        (Effect.WITHHOLD, ["a"], "a withholds it; that beats"),
        (Effect.WITHHOLD, [], "No clause shares it"),
    ],
)
def test_every_verdict_is_a_sentence(
    effect: Effect, clauses: list[str], part: str
) -> None:
    """A verdict names the clauses that made it, in good English."""
    findings = tuple(Finding(name, effect, True, "f:1", "") for name in clauses)

    assert part in sentences.verdict(Decision("a", "r", effect, findings))


def test_fields_are_grouped_by_the_line_that_decides() -> None:
    """Numbered items with one fate and one line are written as a range."""
    ledger = (
        *(
            LedgerEntry(f"observables[{number}].value", "kept", "p.yaml:7")
            for number in (0, 1, 2, 5)
        ),
        LedgerEntry("title", "withheld", "p.yaml:3"),
    )

    assert {
        ("kept", "p.yaml:7"): "observables[0-2, 5].value",
        ("withheld", "p.yaml:3"): "title",
    } == sentences.by_rule(ledger)
