"""Measure ways of doing the same thing against each other, on a noisy machine.

Named ways + chunks of input -> seconds per item, chunk by chunk. The ways take turns
on small chunks, so that a slow moment of the machine hits all of them alike. Two
figures are kept of each: the median, and the minimum, which noise touches least.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds per item of one way of doing something, chunk by chunk."""

    chunks: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median of all chunks."""
        return median(self.chunks)

    @property
    def best(self) -> float:
        """Return the fastest chunk."""
        return min(self.chunks)


def timed(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Return the seconds per item that some work takes on a chunk."""
    start = process_time()
    for item in items:
        work(item)
    return (process_time() - start) / len(items)


def timed_together(
    work: Callable[[Sequence[Any]], object], items: Sequence[Any]
) -> float:
    """Return the seconds per item that some work takes on a whole chunk."""
    start = process_time()
    work(items)
    return (process_time() - start) / len(items)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times longer one way takes than another.

    ``of_medians`` compares the two within each chunk and takes the median;
    ``of_minima`` compares the two fastest chunks.
    """

    of_medians: float
    of_minima: float


def ratio(slow: Timed, fast: Timed) -> Ratio:
    """Return how many times longer one way takes than another."""
    each = [a / b for a, b in zip(slow.chunks, fast.chunks, strict=True)]
    return Ratio(median(each), slow.best / fast.best)


@contextmanager
def settled() -> Iterator[None]:
    """Keep what was made before out of the garbage collector's way, for a while.

    What the rulebook and the libraries made lives as long as the process: looking at
    it again and again says nothing about an incident.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
