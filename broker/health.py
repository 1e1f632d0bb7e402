"""Watches source and lanes while a process runs, and keeps their alarms true.

A store + limits -> alarms that stand while something is wrong, and end by themselves.
Every running process does this: when one of them dies, the others still tell.

Invariants: it raises nothing, because what it watches must go on; it writes only when
an alarm begins, ends or changes its words.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from broker.errors import StoreError
from broker.store import Store
from broker.store.health import Limits

_LOG: Final = logging.getLogger("besa.health")
_EVERY_SECONDS: Final = 30.0


class Health:
    """Looks at source and lanes, twice a minute at most.

    Args:
        limits: when silence and waiting become alarms.
        clock: returns the time in UTC.
    """

    def __init__(self, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._limits = limits
        self._clock = clock
        self._next = 0.0

    def look(self, store: Store) -> None:
        """Raise and end alarms, if it is time to look again."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        try:
            store.look_at_health(self._limits, self._clock())
        except StoreError as error:
            _LOG.warning("source and lanes were not looked at: %s", error)
