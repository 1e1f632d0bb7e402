"""What every detector is: a name, and one function that finds places in a reading.

`Reading` -> spans, in the reading's own places. Each is linear: every pattern is
bounded, and what a pattern found is never searched again from the next letter on.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from broker.redact.scrub.reading import Reading


class Span(NamedTuple):
    """A part of a reading, and what it is: ``e-mail``, ``phone number``."""

    start: int
    end: int
    label: str


class Detector(ABC):
    """Finds one sort of personal data in a text."""

    name: ClassVar[str]

    @abstractmethod
    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where in the reading such data stands."""


def before(reading: Reading, start: int, words: re.Pattern[str], *, reach: int) -> bool:
    """Say whether one of these words stands before a place, in the same line."""
    line = reading.lower[max(0, start - reach) : start].rpartition("\n")[2]
    return words.search(line) is not None


def after(reading: Reading, end: int, words: re.Pattern[str], *, reach: int) -> bool:
    """Say whether one of these words stands behind a place, in the same line."""
    line = reading.lower[end : end + reach].partition("\n")[0]
    return words.search(line) is not None
