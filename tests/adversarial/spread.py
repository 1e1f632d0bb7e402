"""Spread a run over all processors, in parts that are put together again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, Protocol, TypeVar

_CHUNK: Final = 100


class Part(Protocol):
    """What a part of a run saw."""

    counts: Counter[str]

    def add(self, other: Any) -> None:
        """Take in what another part saw."""
        ...


P = TypeVar("P", bound=Part)


def spread(
    run: Callable[[range], P], count: int, first: int, told: Callable[[P], None]
) -> P:
    """Run so many numbers from a first one on; ``told`` hears how far it got."""
    end = first + count
    chunks = [range(at, min(at + _CHUNK, end)) for at in range(first + 1, end, _CHUNK)]
    # The first here, so that there is something to put the others into.
    whole = run(range(first, first + 1))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for part in pool.map(run, chunks):
            whole.add(part)
            told(whole)
    return whole
