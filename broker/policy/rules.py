"""One agreement, made ready to be asked: its clauses by the type of incident.

`Agreement` + `Recipient` + `Safeguards` -> `Rules`. All that follows from the type of
an incident alone is worked out here, once per type, so that an agreement that says
nothing of a type costs next to nothing, and yet its trace names every clause.

Invariant: a clause that a type rules out says the same as if it had been asked: its
conditions on the type come first in the closed set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from broker.model.agreement import Agreement, Clause, Recipient, Safeguards
from broker.model.decision import (
    NO_ITEMS,
    NOTIFY,
    OUT_OF_DATES,
    Decision,
    Effect,
    Finding,
    ItemKey,
)
from broker.model.mapping import ObservableKind
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category
from broker.policy.conditions import CONDITIONS, Check
from broker.policy.items import withheld_items
from broker.strict_yaml import Document, Path

_TYPES: Final = frozenset(RSIT_TYPES)
_TYPES_OF: Final = {
    category: frozenset(name for name in RSIT_TYPES if rsit_category(name) == category)
    for category in RSIT_CATEGORIES
}


class Rule(NamedTuple):
    """A clause, ready to be asked: its checks, and the findings they lead to.

    ``items`` stay here when it matches; ``fast`` says that it was a review, which the
    fast lane made a notification.
    """

    checks: tuple[tuple[Check, Finding], ...]
    matched: Finding
    items: Mapping[ItemKey, str]
    fast: bool = False


class Asked(NamedTuple):
    """What is asked about incidents of one type, in the order of the file.

    A rule that the type rules out has no checks left, and its finding ready. ``quiet``
    is what all say when none matches, where that can be only one thing.
    """

    rules: tuple[Rule, ...]
    quiet: tuple[Finding, ...] | None
    silent: bool  # the type rules all of them out


ByType = Mapping[str, Asked]


@dataclass(frozen=True, slots=True)
class Common:
    """The safeguards, ready to be asked: once per incident, for all agreements."""

    normal: ByType
    fast: ByType  # the same with the fast lane open


class Lane(NamedTuple):
    """Clauses and safeguards as they are asked in the normal or in the fast lane.

    ``denied`` is the whole decision for a type of which no clause speaks, when nothing
    else speaks of the incident either.
    """

    clauses: ByType
    safeguards: ByType
    denied: Mapping[str, Decision]


@dataclass(frozen=True, slots=True)
class Rules:
    """One agreement, ready to be asked."""

    agreement: str
    recipient: str
    start: date
    until: date
    clearance_tlp: int
    clearance_pap: int
    hold_back_days: int
    out_of_dates: Finding
    suspended: Finding | None
    above_clearance: Finding
    withdrawn: Finding
    embargoed: Finding
    held_back: Finding
    notified: Finding
    normal: Lane
    fast: Lane  # when somebody's life is in danger


def compile_safeguards(
    safeguards: Safeguards, doc: Document, kinds: Mapping[str, ObservableKind]
) -> Common:
    """Prepare what counts for every agreement; ``doc`` is the file it was read from."""
    clauses = [
        _Source(f"safeguard:{clause.id}", clause, doc, ("safeguards", index))
        for index, clause in enumerate(safeguards.safeguards)
    ]
    normal = _by_type(clauses, kinds, fast=False)
    has_fast = any(clause.fast_lane for clause in safeguards.safeguards)
    fast = _by_type(clauses, kinds, fast=True) if has_fast else normal
    return Common(normal, fast)


def compile_rules(
    agreement: Agreement,
    recipient: Recipient,
    common: Common,
    doc: Document,
    kinds: Mapping[str, ObservableKind],
) -> Rules:
    """Prepare an agreement, with the safeguards that count for everybody.

    ``doc`` is the file that it was read from: every finding names the line that it
    comes from. ``kinds`` are those of observables.
    """
    in_recipient = f"recipients/{recipient.recipient}.yaml"
    normal, fast = _lanes(agreement, recipient, common, doc, kinds)
    return Rules(
        agreement.agreement,
        recipient.recipient,
        agreement.valid.start,
        agreement.valid.until,
        recipient.clearance.tlp.rank,
        recipient.clearance.pap.rank,
        agreement.embargo.hold_back_days if agreement.embargo else 0,
        _withholds(
            OUT_OF_DATES, doc.where(("valid",)), "the agreement is not in force"
        ),
        _withholds("suspended", in_recipient, "the recipient is suspended")
        if recipient.suspended
        else None,
        _withholds("clearance", in_recipient, "the marking is above the clearance"),
        _withholds("withdrawn", doc.where(("on_withdrawal",)), "it was withdrawn"),
        _found("embargo", Effect.REVIEW, doc.where(()), "the embargo has not ended"),
        _found(
            "hold-back",
            Effect.REVIEW,
            doc.where(("embargo",)),
            "the agreement holds back what is this new",
        ),
        _found(
            NOTIFY,
            Effect.SHARE,
            doc.where(("fast_lane",)),
            "a threat to life: a person is told, and not asked",
        ),
        normal,
        fast,
    )


def _lanes(
    agreement: Agreement,
    recipient: Recipient,
    common: Common,
    doc: Document,
    kinds: Mapping[str, ObservableKind],
) -> tuple[Lane, Lane]:
    clauses = [
        _Source(clause.id, clause, doc, ("clauses", index))
        for index, clause in enumerate(agreement.clauses)
    ]

    def lane(of: ByType, safeguards: ByType) -> Lane:
        denied: dict[str, Decision] = {}
        alike: dict[tuple[int, int], Decision] = {}
        for name, asked in of.items():
            above, said = safeguards[name].quiet, asked.quiet
            if not asked.silent or above is None or said is None:
                continue
            key = (id(above), id(said))
            if key not in alike:
                alike[key] = Decision(
                    agreement.agreement,
                    recipient.recipient,
                    Effect.WITHHOLD,
                    (*above, *said),
                    NO_ITEMS,
                )
            denied[name] = alike[key]
        return Lane(of, safeguards, denied)

    of = _by_type(clauses, kinds, fast=False)
    normal = lane(of, common.normal)
    if agreement.fast_lane is None:
        return normal, normal
    if any(clause.fast_lane for clause in agreement.clauses):
        of = _by_type(clauses, kinds, fast=True)
    return normal, lane(of, common.fast)


def _found(name: str, effect: Effect, where: str, because: str) -> Finding:
    return Finding(name, effect, True, where, because)


def _withholds(name: str, where: str, because: str) -> Finding:
    return _found(name, Effect.WITHHOLD, where, because)


class _Source(NamedTuple):
    """A clause with its name in findings, and where it stands."""

    name: str
    clause: Clause
    doc: Document
    at: Path


def _by_type(
    sources: list[_Source], kinds: Mapping[str, ObservableKind], *, fast: bool
) -> dict[str, Asked]:
    of_type = [_of_type(source, kinds, fast=fast) for source in sources]
    # Most types of incident are asked about exactly as others are.
    alike: dict[tuple[int, ...], Asked] = {}
    made: dict[str, Asked] = {}
    for name in RSIT_TYPES:
        rules = tuple([by_type[name] for by_type in of_type])
        key = tuple(map(id, rules))
        if key not in alike:
            silent = all(_is_ruled_out(rule) for rule in rules)
            alike[key] = Asked(rules, _quiet(rules), silent)
        made[name] = alike[key]
    return made


def _is_ruled_out(rule: Rule) -> bool:
    return not rule.checks and not rule.matched.matched


def _quiet(rules: tuple[Rule, ...]) -> tuple[Finding, ...] | None:
    """Return what rules say when none matches, where that can be only one thing."""
    said: list[Finding] = []
    for rule in rules:
        if _is_ruled_out(rule):
            said.append(rule.matched)
        elif len(rule.checks) == 1:
            said.append(rule.checks[0][1])
        else:
            return None
    return tuple(said)


def _rule(source: _Source, kinds: Mapping[str, ObservableKind], *, fast: bool) -> Rule:
    name, clause, doc, at = source
    where = doc.where(at)
    checks = tuple(
        (
            CONDITIONS[field](bound),
            Finding(name, clause.effect, False, where, f"{field} does not hold"),
        )
        for field, bound in clause.when.written()
    )
    because = "all its conditions hold" if checks else "it has no conditions"
    lines = [
        (items, doc.where((*at, "withhold_items", number)))
        for number, items in enumerate(clause.withhold_items)
    ]
    replaced = fast and clause.fast_lane and clause.effect is Effect.REVIEW
    if replaced:
        because = f"{because}; the fast lane replaces the review"
    effect = Effect.SHARE if replaced else clause.effect
    matched = _found(name, effect, where, because)
    return Rule(checks, matched, withheld_items(lines, kinds), replaced)


def _of_type(
    source: _Source, kinds: Mapping[str, ObservableKind], *, fast: bool
) -> dict[str, Rule]:
    """Return what is left of a rule for each type of incident."""
    rule, when = _rule(source, kinds, fast=fast), source.clause.when
    named = (when.classification_in, when.category_in)
    written = [bound for bound in named if bound is not None]
    left = dict.fromkeys(RSIT_TYPES, rule._replace(checks=rule.checks[len(written) :]))
    # From the last to the first, because the first that fails is the one that is said.
    for number in reversed(range(len(written))):
        refused = Rule((), rule.checks[number][1], {})
        about = written[number]
        if about is when.category_in:
            about = frozenset().union(*map(_TYPES_OF.__getitem__, about))
        left.update(dict.fromkeys(_TYPES - about, refused))
    return left
