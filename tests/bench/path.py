"""The pure path against the floor and against the plain way, per recipient output.

The path is measured as the consumer runs it, in batches; and one incident at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from broker import convert, pipeline, redact, render
from broker.batch import disclose_each
from broker.model.sharing import Outcome, State
from tests.bench import incidents, plain, world
from tests.bench.floor import Output, floor, output
from tests.bench.measure import Timed, settled, timed, timed_together

BATCH = 50
"""Incidents per turn: as many as the consumer takes at once, unless it is told else."""
FEW = 10
"""Incidents per turn of what goes one by one."""
PLAIN_EACH = 5
"""The plain way is so slow that it takes part in every fifth turn only."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds per output of the three ways, and what an output is like."""

    path: Timed  # in batches
    alone: Timed  # one incident after the other
    floor: Timed
    path_with_plain: Timed  # the turns in which the plain way took part
    plain: Timed
    ids: float
    size: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one incident became: the work for the floor and for the plain way."""

    raw: bytes
    outputs: tuple[Output, ...]
    ready: tuple[tuple[str, list[dict[str, Any]], dict[str, Any]], ...]


def compare(turns: int, seed: int = 1) -> Compared:
    """Let the three ways take turns on novel incidents."""
    stream = incidents.stream(seed)
    routes = len(world.rulebook().routes)
    for outcome in in_batch(list(islice(stream, BATCH))):
        _check(outcome)
    path, alone, low, beside, slow = [], [], [], [], []
    ids, sizes = [], []
    with settled():
        for number in range(turns):
            raws = list(islice(stream, BATCH))
            path.append(timed_together(in_batch, raws) / routes)
            # Only now: nothing may have seen these incidents before the path did.
            work = [_turn(raw) for raw in raws[:FEW]]
            each = [(turn.raw, turn.outputs) for turn in work]
            low.append(timed(floor, each) / routes)
            alone.append(timed(world.process, list(islice(stream, FEW))) / routes)
            if number % PLAIN_EACH == 0:
                ready = [given for turn in work[:2] for given in turn.ready]
                slow.append(timed(_plain, ready))
                beside.append(path[-1])
            ids += [len(made.ids) for turn in work for made in turn.outputs]
            sizes += [len(orjson.dumps(m.document)) for t in work for m in t.outputs]
    return Compared(
        Timed(tuple(path)),
        Timed(tuple(alone)),
        Timed(tuple(low)),
        Timed(tuple(beside)),
        Timed(tuple(slow)),
        sum(ids) / len(ids),
        sum(sizes) / len(sizes),
    )


def in_batch(raws: Sequence[bytes]) -> list[Outcome | Exception]:
    """Take incidents through the pure path as the consumer does with its batches."""
    book, keys, now = world.rulebook(), world.keys(), world.NOW
    received = [
        pipeline.receive(raw, world.NATIVE, rulebook=book, now=now) for raw in raws
    ]
    return list(disclose_each(received, {}, rulebook=book, keys=keys, now=now))


def _check(outcome: Outcome | Exception) -> None:
    if isinstance(outcome, Exception):
        raise outcome
    states = {share.state for share in outcome.shares}
    if states != {State.QUEUED}:
        raise AssertionError(f"not shared with all: {states}")


def _turn(raw: bytes) -> Turn:
    """Prepare an incident for the floor and the plain way; this is not measured."""
    outcome = world.process(raw)
    _check(outcome)
    incident = pipeline.receive(raw, world.NATIVE, rulebook=world.rulebook()).incident
    outputs, ready = [], []
    for share, route in zip(outcome.shares, world.rulebook().routes, strict=True):
        outputs.append(output(incident, share, route))
        assert share.edition
        assert share.sealed
        key = world.keys().recipients[route.recipient.recipient]
        redacted = redact.project(incident, route.plan, key)
        case = convert.Case(incident.uid, key.ids, share.edition)
        bundle = convert.to_stix(redacted, route.frame, case)
        objects = orjson.loads(render.stix_bundle(bundle))["objects"]
        event = orjson.loads(share.sealed.body)["Event"]
        ready.append((bundle.id, objects, event))
    return Turn(raw, tuple(outputs), tuple(ready))


def _plain(ready: tuple[str, list[dict[str, Any]], dict[str, Any]]) -> tuple[str, str]:
    bundle_id, objects, event = ready
    return plain.stix_bundle(bundle_id, objects), plain.misp_event(event)
