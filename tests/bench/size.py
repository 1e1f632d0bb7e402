"""How the path and the guard grow with an incident, and what stays in memory.

Incidents of 10 to 100,000 observables -> seconds per observable and the guard's share;
thousands of incidents -> resident memory.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from time import process_time

from broker import guard, pipeline
from broker.model.sharing import NO_HISTORY, Draft, Outcome, Share
from broker.rulebook import Route, Rulebook
from tests.bench import incidents, world
from tests.bench.measure import settled


@dataclass(frozen=True, slots=True)
class Grown:
    """One size: observables, microseconds of the path for each, the guard's share."""

    observables: int
    path: float
    guard: float


def growth(sizes: tuple[int, ...]) -> list[Grown]:
    """Measure incidents of several sizes, per observable and output."""
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
    count = max(2, 200 // observables) if observables <= 10_000 else 1
    stream = incidents.stream(observables, observables)
    routes = _without_limits().routes
    path = watched = 0.0
    with settled():
        for raw in islice(stream, count):
            start = process_time()
            outcome = _process(raw)
            path += process_time() - start
        for raw in islice(stream, count):
            received = pipeline.receive(raw, world.NATIVE, rulebook=world.rulebook())
            outcome = _process(raw)
            looks = list(map(_look, outcome.shares, routes))
            _forget()
            start = process_time()
            guard.inspect_all(looks, received.incident)
            watched += process_time() - start
    outputs = count * len(routes) * observables
    return Grown(observables, path / outputs * 1e6, watched / outputs * 1e6)


def _look(share: Share, route: Route) -> guard.Look:
    # Among 100,000 made-up hashes and addresses one is withheld and, in one of its
    # writings, part of another by chance: such a draft is held, and no other.
    assert {breach.rule for breach in share.breaches} <= {"withheld-value"}
    made = share.sealed or share.draft
    assert made is not None
    draft = Draft(made.recipient, made.wire, made.body)
    return guard.Look(draft, route.guard, share.decision.withheld_items)


def _forget() -> None:
    """Empty the guard's memory of lines, so that it sees each document anew."""
    for name in dir(guard.texts):
        clear = getattr(getattr(guard.texts, name), "cache_clear", None)
        if clear is not None:
            clear()


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
