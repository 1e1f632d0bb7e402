"""One agreement over a whole domain: where it shares, asks and withholds.

Agreement, recipient and safeguards + `Domain` -> three sets of cells that are each
other's rest. The same precedence as `broker.policy.decide`, of every cell at once (a
property test compares the two).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from broker.model.agreement import Agreement, Clause, Recipient
from broker.model.decision import BY_LISTING, Effect, ItemKey
from broker.model.incident import Status, Urgency
from broker.model.mapping import ObservableKind
from broker.policy.items import withheld_items as items_of
from broker.prove.diagram import EMPTY, FULL, Node
from broker.prove.domain import Domain
from broker.prove.facts import Question, questions


@dataclass(frozen=True, slots=True)
class Party:
    """An agreement with its recipient and what counts for everybody."""

    agreement: Agreement
    recipient: Recipient
    safeguards: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Where one agreement shares, where a person decides, and where it withholds.

    ``above`` is where something that counts for every agreement (its dates, the
    clearance, a safeguard) does not let the clauses alone decide.
    """

    share: Node
    review: Node
    withhold: Node
    above: Node

    def of(self, effect: Effect) -> Node:
        """Return the cells with this verdict."""
        return {
            Effect.SHARE: self.share,
            Effect.REVIEW: self.review,
            Effect.WITHHOLD: self.withhold,
        }[effect]


NOBODY = Verdicts(EMPTY, EMPTY, FULL, FULL)
"""No agreement: everything is withheld."""


def asked_by(party: Party) -> Iterator[Question]:
    """Yield everything that the verdict of an agreement depends on."""
    for clause in (*party.agreement.clauses, *party.safeguards):
        yield from questions(clause.when)
    yield from _overriding(party)


def in_force(agreement: Agreement) -> Question:
    """Ask whether a day is within the agreement's dates."""
    return days(agreement.valid.start, agreement.valid.until)


def days(start: date, until: date) -> Question:
    """Ask whether a day is within two days, both included."""
    period = (start, until)
    return Question(
        "day", "valid", period, lambda seen: start <= seen.day <= until, period
    )


_URGENT = Question(
    "urgency", "urgent", None, lambda seen: seen.urgency is Urgency.THREAT_TO_LIFE
)
_EMBARGO = Question("embargoed", "embargo", None, lambda seen: seen.embargoed)
_WITHDRAWN = Question(
    "status", "withdrawn", None, lambda seen: seen.status is Status.WITHDRAWN
)


def _cleared(recipient: Recipient) -> tuple[Question, Question]:
    tlp, pap = recipient.clearance.tlp.rank, recipient.clearance.pap.rank
    return (
        Question("tlp", "cleared", tlp, lambda seen: seen.tlp.rank <= tlp),
        Question("pap", "cleared", pap, lambda seen: seen.pap.rank <= pap),
    )


def _overriding(party: Party) -> Iterator[Question]:
    yield in_force(party.agreement)
    yield from _cleared(party.recipient)
    yield _WITHDRAWN
    yield _EMBARGO
    yield from _held_back(party.agreement)
    if party.agreement.fast_lane is not None:
        yield _URGENT


def _held_back(agreement: Agreement) -> tuple[Question, ...]:
    """Ask whether an incident is newer than the agreement's own embargo allows."""
    if agreement.embargo is None:
        return ()
    least = agreement.embargo.hold_back_days

    def is_new(seen: Any) -> bool:
        return seen.age_days is None or seen.age_days < least

    return (Question("age_days", "held back", least, is_new, least),)


def verdicts(party: Party, domain: Domain) -> Verdicts:
    """Return where an agreement shares, reviews and withholds."""
    space = domain.space
    fast = party.agreement.fast_lane is not None
    own = _matched(party.agreement.clauses, domain, fast=fast)
    guards = _matched(party.safeguards, domain, fast=fast)
    out = space.inverse(
        space.all_of(
            [
                domain.holds(in_force(party.agreement)),
                *map(domain.holds, _cleared(party.recipient)),
                space.inverse(domain.holds(_WITHDRAWN)),
                EMPTY if party.recipient.suspended else FULL,
            ]
        )
    )
    nothing = space.inverse(space.any_of(own.values()))
    stops = space.any_of([out, guards[Effect.WITHHOLD]])
    held_back = map(domain.holds, _held_back(party.agreement))
    asks = space.any_of([guards[Effect.REVIEW], domain.holds(_EMBARGO), *held_back])
    withhold = space.any_of([nothing, own[Effect.WITHHOLD], stops])
    review = space.but_not(space.either(own[Effect.REVIEW], asks), withhold)
    share = space.inverse(space.either(withhold, review))
    return Verdicts(share, review, withhold, space.either(stops, asks))


def ordinary(party: Party, domain: Domain) -> Node:
    """Return the cells that nothing but clauses and safeguards decides about.

    The agreement is in force, the marking within the clearance; the incident is not
    withdrawn, under no embargo and not held back for being new.
    """
    space = domain.space
    overruled = (_WITHDRAWN, _EMBARGO, *_held_back(party.agreement))
    return space.all_of(
        [
            domain.possible,
            domain.holds(in_force(party.agreement)),
            *map(domain.holds, _cleared(party.recipient)),
            *(space.inverse(domain.holds(each)) for each in overruled),
        ]
    )


def _matched(
    clauses: Iterable[Clause], domain: Domain, *, fast: bool
) -> dict[Effect, Node]:
    """Return, for each effect, where some clause with it applies.

    Where a life is in danger, the fast lane shares what would else be reviewed.
    """
    space = domain.space
    found: dict[Effect, list[Node]] = {effect: [] for effect in Effect}
    for clause in clauses:
        met = applies(clause, domain)
        if fast and clause.fast_lane and clause.effect is Effect.REVIEW:
            urgent = domain.holds(_URGENT)
            found[Effect.SHARE].append(space.both(met, urgent))
            met = space.but_not(met, urgent)
        found[clause.effect].append(met)
    return {effect: space.any_of(nodes) for effect, nodes in found.items()}


def applies(clause: Clause, domain: Domain) -> Node:
    """Return where every condition of a clause holds."""
    return domain.all_hold(questions(clause.when))


def withheld_items(
    party: Party, domain: Domain, kinds: Mapping[str, ObservableKind]
) -> dict[ItemKey, Node]:
    """Return, for each sort of item that some clause withholds, where it does."""
    space = domain.space
    found: dict[ItemKey, Node] = {}
    for clause in (*party.agreement.clauses, *party.safeguards):
        if not clause.withhold_items:
            continue
        met = applies(clause, domain)
        for key in items_of(((each, "") for each in clause.withhold_items), kinds):
            found[key] = space.either(found.get(key, EMPTY), met)
    found.pop(BY_LISTING, None)  # says something of the others, and is no sort itself
    return found
