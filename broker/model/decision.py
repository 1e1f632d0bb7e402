"""What was decided about one incident under one agreement, and why.

Invariant: a decision names clauses and places in policy files, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

# A list of the incident and what tells its items apart: ("observables", (kind, role)),
# ("victims", (party, consent, minor)), ("suspects", (party, minor)). Where a line tells
# observables apart by the lists, too: ("observables", (kind, role, listed)).
ItemKey = tuple[str, tuple[Any, ...]]
BY_LISTING: Final[ItemKey] = ("observables", ("listed",))
"""Stands among withheld items when some are told apart by whether they are listed.

So that nobody else has values looked up.
"""

NOTIFY: Final = "notify"
OUT_OF_DATES: Final = "validity"
RECALLED: Final = "recalled"
"""What asks for review when a person has taken the incident back."""
OWN_NAMES: Final = frozenset(
    {NOTIFY, OUT_OF_DATES, RECALLED, "clearance", "embargo", "error", "hold-back"}
    | {"retention", "suspended", "tightened", "withdrawn"}
)
"""What Besa calls its own findings, by which it tells them from those of clauses."""
NO_ITEMS: Final[Mapping[ItemKey, str]] = MappingProxyType({})


class Effect(StrEnum):
    """The verdict: ``withhold`` beats ``review``, which beats ``share``."""

    SHARE = "share"
    REVIEW = "review"
    WITHHOLD = "withhold"

    @property
    def rank(self) -> int:
        """How restrictive: 0 share, 1 review, 2 withhold."""
        return _RANK[self]

    @staticmethod
    def strictest(effects: Iterable[Effect]) -> Effect:
        """Return the most restrictive effect; without any, withhold (default deny)."""
        return max(effects, key=_RANK.__getitem__, default=Effect.WITHHOLD)


_RANK = {effect: rank for rank, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one clause said: whether it applied, and if not, which condition failed.

    ``where`` is ``file:line`` of the clause in the policy files.
    """

    clause: str
    effect: Effect
    matched: bool
    where: str
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict for one recipient under one agreement, with its trace.

    ``withheld_items`` are the sorts of items that stay here although the incident may
    be shared, each with the ``file:line`` of the clause that says so.
    """

    agreement: str
    recipient: str
    effect: Effect
    findings: tuple[Finding, ...]
    withheld_items: Mapping[ItemKey, str] = field(default_factory=lambda: NO_ITEMS)

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that decided: those that matched with the winning effect."""
        return tuple(
            finding.clause
            for finding in self.findings
            if finding.matched and finding.effect is self.effect
        )

    @property
    def notifies(self) -> bool:
        """Whether a person must be told that the fast lane replaced their review."""
        clauses = [finding.clause for finding in self.findings]
        return self.effect is Effect.SHARE and NOTIFY in clauses
