"""Agreements that say nothing of an incident: most of them, of most incidents.

A `Hearing` -> for each agreement its share, if it says nothing; else it must be asked.

Invariants: what is answered here is what the agreement would answer, because nothing
but what the answers are remembered by can change it; whatever else may (a safeguard, an
embargo, a withdrawal, how old the incident is) leads to asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from broker.model.sharing import Share, State
from broker.policy import Hearing, Rules, Topic
from broker.policy.rules import Asked


class _Remembered(NamedTuple):
    """The shares of all agreements, as long as none of the safeguards speaks up."""

    shares: tuple[Share | None, ...]
    safeguards: tuple[Asked, ...]


class Silence:
    """What the agreements say of incidents on one topic, as far as that is nothing.

    Args:
        rules: those of every agreement, in order; None where another agreement may
            have the say in its place.
    """

    __slots__ = ("_nothing", "_remembered", "_rules", "_shares")

    def __init__(self, rules: Sequence[Rules | None]) -> None:
        self._rules = tuple(rules)
        self._nothing = (None,) * len(self._rules)
        self._remembered: dict[Topic, _Remembered] = {}
        # By decision: an agreement has few, whatever the topic. Each share holds its
        # decision, so that an id stays its own.
        self._shares: dict[int, Share] = {}

    def about(self, hearing: Hearing) -> tuple[Share | None, ...]:
        """Return the share of each agreement that says nothing of an incident.

        It is that of a recipient who was given nothing of the incident before.
        """
        topic = hearing.topic
        if topic is None:
            return self._nothing
        known = self._remembered.get(topic)
        if known is None:
            known = self._asked(hearing, topic)
        if any(map(hearing.speaks_up, known.safeguards)):
            return self._nothing
        return known.shares

    def _asked(self, hearing: Hearing, topic: Topic) -> _Remembered:
        """Ask every agreement once, and forget what was said on another day."""
        safeguards: dict[int, Asked] = {}
        shares: list[Share | None] = []
        for rules in self._rules:
            denied = None if rules is None else hearing.denied(rules)
            share = None
            if rules is not None and denied is not None:
                above = hearing.safeguards_of(rules)
                safeguards[id(above)] = above
                share = self._shares.get(id(denied))
                if share is None:
                    share = Share(denied, State.WITHHELD)
                    self._shares[id(denied)] = share
            shares.append(share)
        if any(other.day != topic.day for other in self._remembered):
            self._remembered.clear()
        found = _Remembered(tuple(shares), tuple(safeguards.values()))
        self._remembered[topic] = found
        return found
