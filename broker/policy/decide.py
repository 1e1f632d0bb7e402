"""Decide whether one recipient may have one incident, and say why.

`Facts` + `Rules` + time -> `Decision`. Pure; asked once per agreement. A `Hearing` is
one incident before all its agreements: it asks the safeguards once.

Invariants: without a matching clause the answer is withhold; withhold beats review
beats share; the order of clauses does not matter; safeguards only make stricter; an
agreement out of its dates, a suspended recipient, a marking above the recipient's
clearance or a withdrawn incident withhold whatever the clauses say; an item that any
matching clause withholds stays here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from broker.model.decision import NO_ITEMS, Decision, Effect, Finding
from broker.model.incident import Status, Urgency
from broker.model.marking import Pap, Tlp
from broker.policy.facts import Facts
from broker.policy.rules import Asked, Lane, Rule, Rules

_WITHHOLD = Effect.WITHHOLD


def decide(
    facts: Facts, rules: Rules, now: datetime, hearing: Hearing | None = None
) -> Decision:
    """Return the verdict of one agreement on one incident at one moment (UTC).

    Whoever asks many agreements hands in the `Hearing` of these facts and this moment.
    """
    return (hearing or Hearing(facts, now)).decide(rules)


class Topic(NamedTuple):
    """All that can change what an agreement says that has nothing to say.

    This holds for agreements that hold back no incident for its age, while no safeguard
    speaks up.
    """

    day: date
    kind: str
    urgent: bool
    tlp: Tlp
    pap: Pap


class Hearing:
    """One incident at one moment (UTC), before the agreements that decide about it."""

    __slots__ = ("_facts", "_heard", "_now", "_urgent")

    def __init__(self, facts: Facts, now: datetime) -> None:
        self._facts, self._now = facts, now
        self._urgent = facts.urgency is Urgency.THREAT_TO_LIFE
        # What safeguards said. There are two sets of them in a rulebook: the fast
        # lane's and the other.
        self._heard: dict[int, tuple[Asked, list[Finding], list[Rule]]] = {}

    def decide(self, rules: Rules) -> Decision:
        """Return the verdict of one agreement."""
        facts = self._facts
        kind = facts.classification
        lane = self._lane(rules)
        above = _preconditions(facts, rules, self._now)
        heard, matched = self._safeguards(lane.safeguards[kind])
        if not above and not matched:
            denied = lane.denied.get(kind)
            if denied is not None:
                return denied
        above += heard
        clauses: list[Finding] = []
        matched = [*matched, *_ask(lane.clauses[kind].rules, facts, clauses)]
        # What counts for everybody can only make the agreement's own verdict stricter:
        # it never lifts a withhold by default to a review.
        effect = Effect.strictest([_verdict(clauses), *_effects(above)])
        if any(rule.fast for rule in matched):
            above.append(rules.notified)
        items = NO_ITEMS
        if effect is not _WITHHOLD:
            for rule in matched:
                if rule.items:
                    items = {**rule.items, **items}
        findings = (*above, *clauses)
        return Decision(rules.agreement, rules.recipient, effect, findings, items)

    @property
    def topic(self) -> Topic | None:
        """What the incident is about; None when more than that counts for all."""
        facts = self._facts
        embargo = facts.embargo_until
        if facts.status is Status.WITHDRAWN or (embargo and embargo > self._now):
            return None
        return Topic(
            self._now.date(), facts.classification, self._urgent, facts.tlp, facts.pap
        )

    def denied(self, rules: Rules) -> Decision | None:
        """Return how an agreement says nothing of incidents on the topic, if it does.

        That is what `decide` returns as long as no safeguard of the agreement applies.
        """
        if rules.hold_back_days or _preconditions(self._facts, rules, self._now):
            return None
        return self._lane(rules).denied.get(self._facts.classification)

    def safeguards_of(self, rules: Rules) -> Asked:
        """Return the safeguards that are asked before an agreement."""
        return self._lane(rules).safeguards[self._facts.classification]

    def speaks_up(self, safeguards: Asked) -> bool:
        """Say whether a safeguard of a set applies."""
        return bool(self._safeguards(safeguards)[1])

    def _lane(self, rules: Rules) -> Lane:
        return rules.fast if self._urgent else rules.normal

    def _safeguards(self, asked: Asked) -> tuple[list[Finding], list[Rule]]:
        """Ask the safeguards, or remember what they said."""
        heard = self._heard.get(id(asked))
        if heard is None:
            findings: list[Finding] = []
            matched = _ask(asked.rules, self._facts, findings)
            # The set itself is kept too, so that its id stays its own.
            heard = self._heard[id(asked)] = (asked, findings, matched)
        return heard[1], heard[2]


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
    if rules.hold_back_days and (
        facts.age_days is None or facts.age_days < rules.hold_back_days
    ):
        found.append(rules.held_back)
    return found


def _verdict(clauses: list[Finding]) -> Effect:
    return Effect.strictest(_effects(clauses))


def _effects(findings: list[Finding]) -> list[Effect]:
    return [finding.effect for finding in findings if finding.matched]


def _ask(rules: Iterable[Rule], facts: Facts, findings: list[Finding]) -> list[Rule]:
    """Note what every rule says: that it matched, or its first check that failed."""
    found: list[Rule] = []
    for rule in rules:
        for check, failed in rule.checks:
            if not check(facts):
                findings.append(failed)
                break
        else:
            finding = rule.matched
            findings.append(finding)
            if finding.matched:
                found.append(rule)
    return found
