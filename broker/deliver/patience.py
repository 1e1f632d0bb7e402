"""How often a recipient is asked: after failures, and within a minute.

Failures so far -> how long to wait; attempts so far -> whether one more may begin.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait between attempts, and when to give up. Times in seconds.

    The wait doubles with every attempt from ``first`` to ``longest``, and is then cut
    by up to half at random, so that lanes do not knock all at once.
    """

    first: float = 1.0
    longest: float = 900.0
    give_up_after: float = 7 * 86_400.0
    most_attempts: int = 0  # 0: as many as fit into ``give_up_after``
    # After so many failures one after the other, the lane waits, and then tries one.
    strikes: int = 3
    strikes_of_events: int = 10  # the same for failures that may be an event's own

    def wait(self, failures: int, chance: Random) -> float:
        """Return how long to wait after so many failures."""
        doubled = self.first * 2.0 ** min(max(failures, 1) - 1, 40)
        return min(self.longest, doubled) * chance.uniform(0.5, 1.0)


class Pace:
    """How many attempts a recipient gets within any minute; 0: as many as it takes."""

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._begun: deque[datetime] = deque()

    def allows(self, now: datetime) -> bool:
        """Say whether one more attempt may begin now."""
        while self._begun and now - self._begun[0] >= _MINUTE:
            self._begun.popleft()
        return not self._most or len(self._begun) < self._most

    def note(self, now: datetime) -> None:
        """Count an attempt that begins."""
        if self._most:
            self._begun.append(now)
