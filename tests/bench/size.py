"""How the path and the guard grow with an incident, and what stays in memory.

Incidents of 10 to 100,000 observables -> seconds per observable and the guard's part;
thousands of incidents -> resident memory.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

from broker import guard, pipeline
from broker.abreast import Way
from broker.model.incident import Incident
from broker.model.sharing import NO_HISTORY, Outcome
from broker.rulebook import Route, Rulebook
from tests.bench import incidents, world
from tests.bench.measure import settled


@dataclass(frozen=True, slots=True)
class Grown:
    """One size: microseconds of the path for each observable, the guard's of these."""

    observables: int
    path: float
    guard: float


def growth(sizes: tuple[int, ...]) -> list[Grown]:
    """Measure incidents of several sizes, per observable and output."""
    # What is imported and prepared once is no part of any.
    _check(_process(next(incidents.stream(seed=1))))
    return [_grown(size) for size in sizes]


# More than any document has: what a recipient's limit would hold is measured too.
_ANY_SIZE = 2**31


@cache
def _without_limits() -> Rulebook:
    """Return the shipped rulebook with every document small enough."""
    book = world.rulebook()
    return replace(book, routes=tuple(map(_unlimited, book.routes)))


def _unlimited(route: Route) -> Route:
    limits = route.recipient.limits.model_copy(update={"max_bytes": _ANY_SIZE})
    return replace(
        route,
        guard=replace(route.guard, max_bytes=_ANY_SIZE),
        recipient=route.recipient.model_copy(update={"limits": limits}),
    )


def _process(raw: bytes) -> Outcome:
    return pipeline.process(
        raw,
        rulebook=_without_limits(),
        keys=world.keys(),
        history=NO_HISTORY,
        now=world.NOW,
        content_type=world.NATIVE,
    )


def _grown(observables: int) -> Grown:
    count = max(2, 600 // observables) if observables <= 10_000 else 1
    path = 0.0
    with settled(), _watched() as looks:
        for raw in islice(incidents.stream(observables, observables), count):
            start = process_time()
            outcome = _process(raw)
            path += process_time() - start
            _check(outcome)
    outputs = count * len(_without_limits().routes) * observables
    return Grown(observables, path / outputs * 1e6, sum(looks) / outputs * 1e6)


@contextmanager
def _watched() -> Iterator[list[float]]:
    """Note how many seconds the guard takes for each step that the path lets it go."""
    inspecting = guard.inspecting
    spent: list[float] = []

    def watched(looks: Sequence[guard.Look], incident: Incident) -> Way[Any]:
        way = inspecting(looks, incident)
        while True:
            start = process_time()
            try:
                next(way)
            except StopIteration as ended:
                return ended.value
            finally:
                spent.append(process_time() - start)
            yield

    guard.inspecting = watched
    try:
        yield spent
    finally:
        guard.inspecting = inspecting


def _check(outcome: Outcome) -> None:
    # Among 100,000 made-up hashes and addresses one is withheld and, in one of its
    # writings, part of another by chance: such a draft is held, and no other.
    for share in outcome.shares:
        assert {breach.rule for breach in share.breaches} <= {"withheld-value"}
        assert share.sealed or share.draft


def memory(counts: tuple[int, ...]) -> list[tuple[int, float]]:
    """Return the resident memory, in MB, after so many incidents."""
    stream = incidents.stream(seed=99)
    found, done = [], 0
    for count in counts:
        for raw in islice(stream, count - done):
            world.process(raw)
        done = count
        gc.collect()
        found.append((count, _resident()))
    return found


def _resident() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
