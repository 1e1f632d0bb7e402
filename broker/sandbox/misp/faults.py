"""Faults that the stand-in MISP shows on demand, so that clients can prove themselves.

Knobs (Python object, command line or ``POST /sandbox/faults``) -> misbehaviour.

Invariants: with no knob set there is no fault. Setting the knobs replaces all of them
and starts every count anew. Probabilities come from a seeded generator: the same seed
and the same requests give the same faults. ``/sandbox/`` itself is never hurt.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from broker.sandbox.misp.store import SandboxError


class Refusal(StrEnum):
    """How the server refuses to talk."""

    CLOSE = "close"
    """It takes a connection and closes it at once."""
    STOP = "stop"
    """It does not listen at all: connection refused."""


class When(StrEnum):
    """Whether a 500 comes before the work is done or after it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What shall go wrong; every field's default is "nothing".

    Args:
        drop_every: every n-th attribute is left out, without a word or a log entry.
        drop_types: attributes of these types are left out in the same way.
        error_next: the next n requests are answered 500.
        error_probability: so likely is a 500 for any request, 0 to 1.
        error_when: ``before`` the work is done, or ``after`` it (done, yet 500).
        seed: where the generator of the probabilities starts.
        delay: seconds that every answer is late.
        refuse: ``close`` connections at once, or ``stop`` listening.
        refuse_for: seconds after which ``stop`` ends by itself; 0 is never.
        die_after: the process dies in the next add that has stored so many attributes.
        half_next: the next n answers break off in the middle.
    """

    drop_every: int = 0
    drop_types: tuple[str, ...] = ()
    error_next: int = 0
    error_probability: float = 0.0
    error_when: When = When.BEFORE
    seed: int = 0
    delay: float = 0.0
    refuse: Refusal | None = None
    refuse_for: float = 0.0
    die_after: int = 0
    half_next: int = 0

    @classmethod
    def read(cls, given: object) -> Self:
        """Knobs from JSON.

        Raises:
            SandboxError: an unknown knob, or a value of the wrong kind.
        """
        if not isinstance(given, Mapping):
            raise SandboxError("faults: a JSON object is needed")
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(map(str, given)) - known)
        if unknown:
            raise SandboxError(
                f"faults: unknown {unknown[0]}; known are {sorted(known)}"
            )
        read: dict[str, Any] = {
            name: _READERS[name](name, value) for name, value in given.items()
        }
        return cls(**read)

    def shown(self) -> dict[str, Any]:
        """The knobs as JSON."""
        return asdict(self)


def _count(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise SandboxError(f"faults: {name} must be a whole number of 0 or more")


def _amount(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise SandboxError(f"faults: {name} must be a number of 0 or more")


def _likelihood(name: str, value: object) -> float:
    if _amount(name, value) > 1:
        raise SandboxError(f"faults: {name} must lie between 0 and 1")
    return _amount(name, value)


def _kinds(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise SandboxError(f"faults: {name} must be a list of attribute types")


def _refusal(name: str, value: object) -> Refusal | None:
    if value is None:
        return None
    if value in list(Refusal):
        return Refusal(str(value))
    raise SandboxError(f"faults: {name} must be close, stop or null")


def _when(name: str, value: object) -> When:
    if value in list(When):
        return When(str(value))
    raise SandboxError(f"faults: {name} must be before or after")


_READERS: Final = {
    "drop_every": _count,
    "drop_types": _kinds,
    "error_next": _count,
    "error_probability": _likelihood,
    "error_when": _when,
    "seed": _count,
    "delay": _amount,
    "refuse": _refusal,
    "refuse_for": _amount,
    "die_after": _count,
    "half_next": _count,
}


class Faults:
    """The knobs as they stand now, with what is left of each count."""

    def __init__(self, knobs: Knobs | None = None) -> None:
        self._guard = threading.Lock()
        self.set(knobs or Knobs())

    def set(self, knobs: Knobs) -> None:
        """Replace all knobs and start every count anew."""
        with self._guard:
            self._knobs = knobs
            self._errors_left = knobs.error_next
            self._halves_left = knobs.half_next
            self._attributes_seen = 0
            self._chance = random.Random(knobs.seed)  # noqa: S311 - must repeat itself

    def clear(self) -> None:
        """Let everything go right again."""
        self.set(Knobs())

    @property
    def knobs(self) -> Knobs:
        """The knobs as they were last set."""
        return self._knobs

    def fails(self) -> When | None:
        """Whether this request is answered 500, and when; uses up one of the count."""
        with self._guard:
            if self._errors_left:
                self._errors_left -= 1
                return self._knobs.error_when
            likely = self._knobs.error_probability
            unlucky = likely > 0 and self._chance.random() < likely
            return self._knobs.error_when if unlucky else None

    def halves(self) -> bool:
        """Whether this answer breaks off in the middle; uses up one of the count."""
        with self._guard:
            cut = self._halves_left > 0
            self._halves_left -= cut
            return cut

    def drops(self, kind: str) -> bool:
        """Whether this attribute is left out without a word."""
        if kind in self._knobs.drop_types:
            return True
        every = self._knobs.drop_every
        if not every:
            return False
        with self._guard:
            self._attributes_seen += 1
            return self._attributes_seen % every == 0

    def dies(self, stored: int) -> bool:
        """Whether the process dies now that an add has stored so many attributes."""
        return 0 < self._knobs.die_after <= stored
