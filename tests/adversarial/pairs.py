"""Pairs of incidents that differ only in what one recipient may not see.

Numbers of pairs -> those of which that recipient would get different bytes, on either
wire. There must be none: what is withheld changes nothing, not even an order or an id.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from broker import pipeline
from broker.model.sharing import NO_HISTORY, Share
from tests import world
from tests.adversarial.canaries import DECLARED, Chance, by_kind, every_field
from tests.adversarial.canaries import incident as full
from tests.adversarial.corpus import both_keys, both_wires
from tests.adversarial.detector import method_of
from tests.profiles import places

# What stands for the incident at every recipient, and what decides how the rest is
# treated: another value of these may be told apart.
_FIXED: Final = frozenset({"uid", "revision", "revised_at"})
_TELL_APART: Final = frozenset({"kind", "role", "consent", "minor"})


@dataclass(slots=True)
class Compared:
    """What a run of pairs saw."""

    counts: Counter[str] = field(default_factory=Counter)
    different: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, other: Compared) -> None:
        """Take in what another part of the run saw."""
        self.counts += other.counts
        self.different += other.different


def run(numbers: range) -> Compared:
    """Compare what one recipient gets of both incidents of each pair."""
    found = Compared()
    for number in numbers:
        recipient = world.RECIPIENTS[number % len(world.RECIPIENTS)]
        one, two = pair(number, recipient)
        found.counts["pairs"] += 1
        found.counts["other values"] += one != two
        pairs = zip(_shares(one, recipient), _shares(two, recipient), strict=True)
        for (wire, first), (_, second) in pairs:
            found.counts["documents"] += 1
            found.counts[str(first.state)] += 1
            if _told(first) != _told(second):
                found.different.append((number, recipient, wire))
    return found


def pair(number: int, recipient: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two incidents that read alike for a recipient."""
    chance = Chance(number)
    one = full(chance)
    two = deepcopy(one)
    makers = every_field()
    for place in places(one):
        name = str(place.steps[-1])
        declared = DECLARED[place.path]
        withheld = method_of(recipient, place.path, place.item) == "withhold"
        if not withheld or place.path in _FIXED or name in _TELL_APART:
            continue
        if place.path == "observables[].value":
            continue  # the whole item is replaced below
        # Times must stay in order, and a code may decide.
        if declared.shape in ("time", "code"):
            continue
        inner: Any = two
        for step in place.steps[:-1]:
            inner = inner[step]
        maker = makers[place.path]
        count = chance.randint(1, 3)
        made = [maker.make(chance) for _ in range(count)]
        inner[name] = made if maker.many else made[0]
    two["observables"] = _observables(two["observables"], recipient, chance)
    return one, two


def _observables(
    items: list[dict[str, Any]], recipient: str, chance: Chance
) -> list[dict[str, Any]]:
    """Return the seen items in another order, among others that are not seen."""
    made: list[dict[str, Any]] = []
    for item in items:
        if method_of(recipient, "observables[].value", item) != "withhold":
            made.append(item)
            continue
        for _ in range(chance.randint(0, 2)):
            made.append({**item, "value": by_kind(item["kind"], chance)})
    chance.shuffle(made)
    return made


def _shares(incident: dict[str, Any], recipient: str) -> list[tuple[str, Share]]:
    book = both_wires(recipient)
    outcome = pipeline.disclose(
        world.receive(incident, book),
        rulebook=book,
        keys=both_keys(),
        history=NO_HISTORY,
        now=world.NOW,
    )
    return [
        (str(route.wire), share)
        for route, share in zip(book.routes, outcome.shares, strict=True)
    ]


def _told(share: Share) -> tuple[Any, ...]:
    carried = share.sealed or share.draft
    return (
        share.state,
        share.edition,
        share.redacted and share.redacted.view,
        carried and carried.body,
        share.sealed,
    )
