"""What was decided on, kept without any value, and decided once more on another day.

`Outcome` -> the same with its `Facts` as JSON, for the store; decisions of the past and
a rulebook -> what it would have decided otherwise. Pure.

Only the verdict can be replayed: which fields a recipient would have got depends on the
incident's values, which nobody keeps.

Invariants: what is kept are words of closed lists, bounds and days; money is cut to two
digits, so that a threshold of two digits is met or missed as it was; of free words only
those are kept that are written like a word. What was decided without facts, by an older
Besa, is counted and never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from broker import policy
from broker.canonical import dumps
from broker.model.decision import Decision, Effect
from broker.model.presence import OPTIONAL_FIELDS
from broker.model.sharing import Outcome
from broker.pipeline import Received
from broker.policy import Facts
from broker.release import held_until
from broker.rulebook import Route, Rulebook

# "banking", "public administration", "e-commerce": and never a number or an address.
_WORD: Final = re.compile(r"[^\W\d_]+(?:[ &/-]{1,3}[^\W\d_]+){0,3}")
_LONGEST_WORD: Final = 40
_DIGITS: Final = 2
_WITHOUT: Final = frozenset({"fields", "victim_sectors", "loss"})
_NAMES: Final = tuple(field.name for field in fields(Facts))


def written(facts: Facts) -> str:
    """Return facts as JSON, to be kept beside the decision."""
    said = {
        name: _plain(getattr(facts, name)) for name in _NAMES if name not in _WITHOUT
    }
    loss, there = facts.loss, facts.fields
    said |= {
        "fields": [path for path in OPTIONAL_FIELDS if path in there],
        "victim_sectors": sorted(filter(_is_word, facts.victim_sectors)),
        "loss": [loss.currency, coarse(loss.hundredths)] if loss else None,
    }
    return dumps(said).decode()


def noted(
    outcome: Outcome,
    received: Received,
    rulebook: Rulebook,
    publisher: str,
    now: datetime,
) -> Outcome:
    """Add what the store keeps beside the decisions: facts, publisher, and time."""
    if outcome.duplicate or outcome.conflict:
        return outcome
    waits: dict[str, datetime] = {}
    for share in outcome.shares:
        until = held_until(received.incident, share, rulebook)
        if until is not None:
            waits[share.decision.agreement] = until
    facts = written(policy.facts_of(received.incident, now))
    return replace(outcome, facts=facts, publisher=publisher, waits_until=waits)


def read(text: str) -> Facts | None:
    """Return the facts that were kept; nothing if these are not all of them."""
    try:
        kept = _Kept.model_validate_json(text)
    except ValidationError:
        return None
    return Facts(**{name: getattr(kept, name) for name in _NAMES})


def _kept_model() -> type[BaseModel]:
    """Return a model of facts as they are kept: with a set where `Facts` only asks."""
    hints = get_type_hints(Facts) | {"fields": frozenset[str]}
    definitions: dict[str, Any] = {name: (hints[name], ...) for name in _NAMES}
    config = ConfigDict(extra="forbid", frozen=True)
    return create_model("_Kept", __config__=config, **definitions)


_Kept: Final = _kept_model()


def coarse(hundredths: int) -> int:
    """Return an amount cut to its first two digits, and one more if anything was cut.

    An amount is then on the same side of every bound that has at most two digits other
    than zeros, and nobody can tell it from its neighbours.
    """
    unit: int = 10 ** max(0, len(str(hundredths)) - _DIGITS)
    cut = hundredths // unit * unit
    return cut if cut == hundredths else cut + 1


def _is_word(text: str) -> bool:
    return len(text) <= _LONGEST_WORD and _WORD.fullmatch(text) is not None


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value  # a word of a closed list is written as what it says


@dataclass(frozen=True, slots=True)
class Past:
    """One decision of the past: under which agreement, what, on which facts, when."""

    uid: str
    revision: int
    agreement: str
    recipient: str
    effect: str
    facts: str
    at: datetime


class Change(StrEnum):
    """What another rulebook would have made of a decision."""

    SHARED = "newly shared"
    HELD = "newly held for a person"
    NOT_HELD = "shared without a person"
    WITHHELD = "no longer shared"

    @property
    def widens(self) -> bool:
        """Whether something leaves that did not, or that a person had looked at."""
        return self in (Change.SHARED, Change.NOT_HELD)


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that would have been another one, and the clauses that say so."""

    past: Past
    effect: Effect
    clauses: tuple[str, ...]

    @property
    def change(self) -> Change:
        """What would have changed, in words."""
        return _CHANGES[self.effect, Effect(self.past.effect)]


_CHANGES: Final = {
    (Effect.SHARE, Effect.WITHHOLD): Change.SHARED,
    (Effect.SHARE, Effect.REVIEW): Change.NOT_HELD,
    (Effect.REVIEW, Effect.WITHHOLD): Change.HELD,
    (Effect.REVIEW, Effect.SHARE): Change.HELD,
    (Effect.WITHHOLD, Effect.SHARE): Change.WITHHELD,
    (Effect.WITHHOLD, Effect.REVIEW): Change.WITHHELD,
}


@dataclass(slots=True)
class Replayed:
    """What a replay saw: revisions, decisions, and what it could not replay."""

    incidents: int = 0
    decisions: int = 0
    without_facts: int = 0  # revisions that an older Besa decided


def replay(
    past: Iterable[Past], rulebook: Rulebook, counted: Replayed
) -> Iterator[Difference]:
    """Decide everything once more, at the moment when it was decided.

    Recipients are compared, and not the names of agreements: one that follows another
    under a new name and says the same changes nothing. A recipient that is new is asked
    about every incident; from one that has no agreement any more all is withheld.

    Args:
        past: decisions, with those on one revision next to one another.
        rulebook: the one to try.
        counted: what is seen is counted here.

    Yields:
        What would have been decided otherwise.

    Raises:
        RulebookError: a recipient has two agreements in force on one day.
    """
    known = {route.recipient.recipient for route in rulebook.routes}
    for decided in _by_revision(past):
        first = next(iter(decided.values()))
        counted.incidents += 1
        facts = read(first.facts)
        if facts is None:
            counted.without_facts += 1
            continue
        spoken = _spoken(decided.values())
        for recipient in sorted({*known, *spoken}):
            counted.decisions += 1
            then = spoken.get(recipient)
            day = (then or first).at.date()
            route = rulebook.speaks_for(recipient, day)
            if then is None:
                then = _never(first, _name(route), recipient)
            if route is None:
                now = Decision(then.agreement, recipient, Effect.WITHHOLD, ())
            else:
                now = policy.decide(facts, route.rules, then.at)
            if now.effect != then.effect:
                yield Difference(then, now.effect, now.clauses)


def _spoken(decided: Iterable[Past]) -> dict[str, Past]:
    """Return what was decided for each recipient; only one agreement had a say.

    The others, which were not in force, withheld.
    """
    spoken: dict[str, Past] = {}
    for one in decided:
        before = spoken.get(one.recipient)
        if before is None or before.effect == Effect.WITHHOLD:
            spoken[one.recipient] = one
    return spoken


def _name(route: Route | None) -> str:
    return route.agreement.agreement if route else ""


def _by_revision(past: Iterable[Past]) -> Iterator[Mapping[str, Past]]:
    group: dict[str, Past] = {}
    of: tuple[str, int] | None = None
    for one in past:
        if (one.uid, one.revision) != of and group:
            yield group
            group = {}
        of = (one.uid, one.revision)
        group[one.agreement] = one
    if group:
        yield group


def _never(of: Past, agreement: str, recipient: str) -> Past:
    """Return the decision that was never made: what is not agreed on is withheld."""
    return Past(
        of.uid,
        of.revision,
        agreement,
        recipient,
        Effect.WITHHOLD.value,
        of.facts,
        of.at,
    )
