"""Policies and decisions in sentences that a lawyer can follow.

Conditions, facts and findings -> plain words. Each condition of the closed set has its
words here (a test holds this), so a new one cannot go unexplained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.model.agreement import Clause, LegalBasis, When
from broker.model.decision import Decision, Effect
from broker.model.sharing import Breach, LedgerEntry
from broker.policy import Facts

VERDICTS: Final[Mapping[Effect, str]] = {
    Effect.SHARE: "SHARE",
    Effect.REVIEW: "HOLD for review",
    Effect.WITHHOLD: "WITHHOLD",
}

_MOST_NAMED: Final = 3
_NUMBERED: Final = re.compile(r"^(\w+)\[(\d+)\](.*)$")

_PRECONDITIONS: Final[Mapping[str, str]] = {
    "validity": "The agreement is not in force today.",
    "suspended": "The recipient is suspended.",
    "clearance": "Its TLP or PAP is stricter than this recipient may be sent.",
    "withdrawn": "The incident was withdrawn.",
    "embargo": "The incident has an embargo that has not ended.",
    "hold-back": "The agreement lets a person look at incidents that are this new.",
    "notify": "Somebody's life is in danger: a person is told, and not asked.",
    "error": "A step of the preparation failed, so nothing is sent.",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in words: what it asks for, what the incident has, why it holds."""

    asks: str
    has: str
    holds: str


Words = Callable[[Any, Facts], Condition]


def _list(values: Collection[Any], word: str = "or") -> str:
    named = sorted(str(value) for value in values)
    if not named:
        return "none"
    if len(named) == 1:
        return named[0]
    return f"{', '.join(named[:-1])} {word} {named[-1]}"


def _few(values: Collection[Any]) -> str:
    """List values, but no more than a reader can take in; the policy file has all."""
    named = sorted(str(value) for value in values)
    if len(named) <= _MOST_NAMED + 1:
        return _list(named)
    others = len(named) - _MOST_NAMED
    return f"{', '.join(named[:_MOST_NAMED])} or one of {others} others"


def _one_of(subject: str, fact: str) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        value = getattr(facts, fact)
        among = (
            "" if len(bound) == 1 else f", one of {len(bound)} that the clause names"
        )
        return Condition(
            f"{subject} is {_few(bound)}",
            f"it is {value}",
            f"{subject} is {value}{among}",
        )

    return words


def _at(subject: str, fact: str, relation: str) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        value = getattr(facts, fact)
        return Condition(
            f"{subject} is {relation} {bound}",
            "it is not stated" if value is None else f"it is {value}",
            f"{subject} is {value} ({relation} {bound})",
        )

    return words


def _any_of(subject: str, fact: str) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        values = getattr(facts, fact)
        return Condition(
            f"there is {subject} {_few(bound)}",
            f"there are: {_list(values, 'and')}" if values else "there are none",
            f"there is {subject} {_list(bound & values, 'and')}",
        )

    return words


def _flag(yes: str, no: str, fact: str) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        asks = yes if bound else no
        return Condition(asks, yes if getattr(facts, fact) else no, asks)

    return words


def _loss(relation: str) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        named = [f"{amount} {currency}" for currency, amount in bound.items()]
        asks = f"a loss of {relation} {_list(named)} is stated"
        if facts.loss is None:
            return Condition(asks, "no loss is stated", asks)
        currency, hundredths = facts.loss
        lost = f"{hundredths // 100}.{hundredths % 100:02} {currency}"
        return Condition(
            asks, f"it is {lost}", f"the loss is {lost} ({relation} {_list(named)})"
        )

    return words


def _fields(there: str, *, all_missing: bool) -> Words:
    def words(bound: Any, facts: Facts) -> Condition:
        asks = f"{there} {_few(bound)}"
        present = [path for path in bound if path in facts.fields]
        has = f"there is {_list(present, 'and')}" if present else "there is none"
        return Condition(asks, has, asks if all_missing else has)

    return words


_WORDS: Final[Mapping[str, Words]] = {
    "classification_in": _one_of("the type of incident", "classification"),
    "category_in": _one_of("the category of incident", "category"),
    "severity_at_least": _at("the severity", "severity", "at least"),
    "confidence_at_least": _at("the confidence", "confidence", "at least"),
    "confidence_at_most": _at("the confidence", "confidence", "at most"),
    "tlp_at_most": _at("the TLP", "tlp", "at most"),
    "tlp_at_least": _at("the TLP", "tlp", "at least"),
    "pap_at_most": _at("the PAP", "pap", "at most"),
    "pap_at_least": _at("the PAP", "pap", "at least"),
    "urgency_in": _one_of("the urgency", "urgency"),
    "status_in": _one_of("the status", "status"),
    "source_in": _one_of("the source", "source"),
    "victim_consent_in": _one_of("the consent of all victims", "victim_consent"),
    "victim_kind_in": _any_of("a victim of the kind", "victim_kinds"),
    "victim_sector_in": _any_of("a victim of the sector", "victim_sectors"),
    "victim_country_in": _any_of("a victim of the country", "victim_countries"),
    "minor_involved": _flag(
        "a minor is involved", "no minor is involved", "minor_involved"
    ),
    "financial_loss": _flag(
        "there is a financial loss", "there is no financial loss", "financial_loss"
    ),
    "loss_at_least": _loss("at least"),
    "loss_at_most": _loss("at most"),
    "has_observable_kind_in": _any_of("an observable of the kind", "observable_kinds"),
    "has_observable_role_in": _any_of("an observable in the role", "observable_roles"),
    "has_field_in": _fields("there is", all_missing=False),
    "has_no_field_in": _fields("there is no", all_missing=True),
    "age_days_at_least": _at("the age in days", "age_days", "at least"),
    "age_days_at_most": _at("the age in days", "age_days", "at most"),
}


def conditions(when: When, facts: Facts) -> Iterator[tuple[str, Condition]]:
    """Yield the name of each condition of a clause, and its words."""
    for name in type(when).model_fields:
        bound = getattr(when, name)
        if bound is not None:
            yield name, _WORDS[name](bound, facts)


def precondition(finding: str) -> str:
    """Return the words of a finding that no clause made."""
    return _PRECONDITIONS.get(finding, "")


def why_not(clause: Clause, because: str, facts: Facts) -> str:
    """Say which condition of a clause does not hold, and what the incident has."""
    failed = because.partition(" ")[0]
    for name, words in conditions(clause.when, facts):
        if name == failed:
            return f"It asks that {words.asks}; {words.has}."
    return because


def why(clause: Clause, facts: Facts) -> str:
    """Say why a clause applies."""
    holding = [words.holds for _, words in conditions(clause.when, facts)]
    if not holding:
        return "It applies to every incident."
    return f"It applies, because {', and '.join(holding)}."


def verdict(decision: Decision) -> str:
    """Say what was decided, and by which rule of precedence."""
    clauses = _list(decision.clauses, "and")
    s = "s" if len(decision.clauses) == 1 else ""
    match decision.effect:
        case Effect.WITHHOLD if not decision.clauses:
            return "No clause shares it, and what no clause shares stays here."
        case Effect.WITHHOLD:
            return f"{clauses} withhold{s} it; that beats every clause that shares."
        case Effect.REVIEW:
            return f"{clauses} ask{s} for a review; that beats a clause that shares."
        case Effect.SHARE:
            return f"{clauses} share{s} it, and nothing speaks against it."


def legal_basis(basis: LegalBasis) -> str:
    """Name an act and its articles, and say so when no lawyer has confirmed it."""
    confirmed = (
        f"confirmed by {basis.confirmed_by}"
        if basis.confirmed_by
        else "to be confirmed by a lawyer"
    )
    return f"{basis.act}, {basis.citation} ({confirmed})"


def breach(found: Breach) -> str:
    """Say what the last check found."""
    return f"The last check stopped it: {found}."


def by_rule(ledger: tuple[LedgerEntry, ...]) -> dict[tuple[str, str], str]:
    """Name the fields that share an outcome and the line that says so."""
    grouped: dict[tuple[str, str], dict[str, list[int]]] = {}
    for entry in ledger:
        group = grouped.setdefault((entry.outcome, entry.where), {})
        numbered = _NUMBERED.match(entry.field)
        if numbered:
            path = f"{numbered[1]}[{{}}]{numbered[3]}"
            group.setdefault(path, []).append(int(numbered[2]))
        else:
            group.setdefault(entry.field, [])
    return {
        rule: ", ".join(
            path.format(_ranges(numbers)) if numbers else path
            for path, numbers in group.items()
        )
        for rule, group in grouped.items()
    }


def _ranges(numbers: list[int]) -> str:
    """Write ``0, 1, 2, 5`` as ``0-2, 5``."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
