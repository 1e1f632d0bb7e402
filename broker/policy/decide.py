"""Decide whether one recipient may have one incident, and say why.

`Facts` + `Rules` + time -> `Decision`. Pure; asked once per agreement.

Invariants: without a matching clause the answer is withhold; withhold beats review
beats share; the order of clauses does not matter; safeguards only make stricter; an
agreement out of its dates, a suspended recipient, a marking above the recipient's
clearance or a withdrawn incident withhold whatever the clauses say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from broker.model.agreement import Agreement, Clause, Recipient, Safeguards, When
from broker.model.decision import Decision, Effect, Finding
from broker.model.incident import Status
from broker.policy.conditions import CONDITIONS, Check
from broker.policy.facts import Facts
from broker.strict_yaml import Document


class _Rule(NamedTuple):
    """A clause, ready to be asked: its checks, and the findings they lead to."""

    checks: tuple[tuple[Check, Finding], ...]
    matched: Finding


@dataclass(frozen=True, slots=True)
class Rules:
    """One agreement, ready to be asked."""

    agreement: str
    recipient: str
    start: date
    until: date
    clearance_tlp: int
    clearance_pap: int
    out_of_dates: Finding
    suspended: Finding | None
    above_clearance: Finding
    withdrawn: Finding
    embargoed: Finding
    clauses: tuple[_Rule, ...]
    safeguards: tuple[_Rule, ...]


def compile_rules(
    agreement: Agreement,
    recipient: Recipient,
    safeguards: Safeguards,
    doc: Document,
    safeguards_doc: Document,
) -> Rules:
    """Prepare an agreement, with the safeguards that count for everybody.

    ``doc`` and ``safeguards_doc`` are the files they were read from: every finding
    names the line that it comes from.
    """
    clauses = [
        _rule(clause, clause.id, doc.where(("clauses", index)))
        for index, clause in enumerate(agreement.clauses)
    ]
    guards = [
        _rule(
            clause,
            f"safeguard:{clause.id}",
            safeguards_doc.where(("safeguards", index)),
        )
        for index, clause in enumerate(safeguards.safeguards)
    ]
    in_recipient = f"recipients/{recipient.recipient}.yaml"
    return Rules(
        agreement.agreement,
        recipient.recipient,
        agreement.valid.start,
        agreement.valid.until,
        recipient.clearance.tlp.rank,
        recipient.clearance.pap.rank,
        _withholds("validity", doc.where(("valid",)), "the agreement is not in force"),
        _withholds("suspended", in_recipient, "the recipient is suspended")
        if recipient.suspended
        else None,
        _withholds("clearance", in_recipient, "the marking is above the clearance"),
        _withholds("withdrawn", doc.where(("on_withdrawal",)), "it was withdrawn"),
        Finding(
            "embargo", Effect.REVIEW, True, doc.where(()), "the embargo has not ended"
        ),
        tuple(clauses),
        tuple(guards),
    )


def _withholds(name: str, where: str, because: str) -> Finding:
    return Finding(name, Effect.WITHHOLD, True, where, because)


def _rule(clause: Clause, name: str, where: str) -> _Rule:
    conditions = _written(clause.when)
    checks = tuple(
        (
            CONDITIONS[field](bound),
            Finding(name, clause.effect, False, where, f"{field} does not hold"),
        )
        for field, bound in conditions
    )
    because = "all its conditions hold" if checks else "it has no conditions"
    return _Rule(checks, Finding(name, clause.effect, True, where, because))


def _written(when: When) -> list[tuple[str, object]]:
    """Return the conditions that are written, in the order of the closed set."""
    return [
        (name, getattr(when, name))
        for name in CONDITIONS
        if getattr(when, name) is not None
    ]


def decide(facts: Facts, rules: Rules, now: datetime) -> Decision:
    """Return the verdict of one agreement on one incident at one moment (UTC)."""
    clauses = _asked(rules.clauses, facts)
    # What counts for everybody can only make the agreement's own verdict stricter: it
    # never lifts a withhold by default to a review.
    above = _preconditions(facts, rules, now)
    above += _asked(rules.safeguards, facts)
    effect = Effect.strictest([_verdict(clauses), *_effects(above)])
    return Decision(rules.agreement, rules.recipient, effect, (*above, *clauses))


def _verdict(clauses: list[Finding]) -> Effect:
    return Effect.strictest(_effects(clauses))


def _effects(findings: list[Finding]) -> list[Effect]:
    return [finding.effect for finding in findings if finding.matched]


def _asked(rules: tuple[_Rule, ...], facts: Facts) -> list[Finding]:
    """Return what every rule says: that it matched, or its first check that failed."""
    found: list[Finding] = []
    for checks, matched in rules:
        for check, failed in checks:
            if not check(facts):
                found.append(failed)
                break
        else:
            found.append(matched)
    return found


def _preconditions(facts: Facts, rules: Rules, now: datetime) -> list[Finding]:
    """Return what holds for every agreement, whatever its clauses say."""
    found: list[Finding] = []
    if not rules.start <= now.date() <= rules.until:
        found.append(rules.out_of_dates)
    if rules.suspended:
        found.append(rules.suspended)
    if facts.tlp.rank > rules.clearance_tlp or facts.pap.rank > rules.clearance_pap:
        found.append(rules.above_clearance)
    if facts.status is Status.WITHDRAWN:
        found.append(rules.withdrawn)
    if facts.embargo_until is not None and facts.embargo_until > now:
        found.append(rules.embargoed)
    return found
