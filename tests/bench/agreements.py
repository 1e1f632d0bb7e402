"""What agreements cost that say nothing of an incident: 200 of them instead of 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from broker import pipeline, policy
from broker.keys import Keys, recipient_key
from broker.model.agreement import Safeguards, When
from broker.model.sharing import NO_HISTORY, State
from broker.pipeline import Received
from broker.rulebook import Route, Rulebook
from broker.strict_yaml import load, parse
from tests.bench import incidents, world
from tests.bench.measure import Timed, settled, timed

ALL = 200
"""Agreements in all; the shipped three share every incident of the stream."""
CHUNK = 10


@dataclass(frozen=True, slots=True)
class Grown:
    """Seconds per incident with 3 and with 200 agreements: the path, and deciding."""

    path_of_three: Timed
    path_of_all: Timed
    deciding_of_three: Timed
    deciding_of_all: Timed


@cache
def many() -> Rulebook:
    """Return the shipped rulebook with as many agreements more as make 200.

    Each is a shipped one, as long as it is, whose clauses speak of one type of incident
    that the stream does not have.
    """
    book = world.rulebook()
    name = "policies/safeguards.yaml"
    document = parse(name, (world.ROOT / name).read_bytes())
    safeguards = load(document, Safeguards)
    common = policy.compile_safeguards(safeguards, document, book.tables.kinds)
    others = tuple(
        _silent(book.routes[number % 3], number, common, book)
        for number in range(ALL - len(book.routes))
    )
    return replace(book, routes=book.routes + others)


def _silent(route: Route, number: int, common: policy.Common, book: Rulebook) -> Route:
    name = f"silent-{number}"
    never = {"classification_in": frozenset({"intrusions/burglary"})}
    clauses = tuple(
        clause.model_copy(
            update={
                "when": When.model_construct(
                    **{**clause.when.__dict__, "category_in": None, **never}
                )
            }
        )
        for clause in route.agreement.clauses
    )
    agreement = route.agreement.model_copy(
        update={"agreement": name, "recipient": name, "clauses": clauses}
    )
    recipient = route.recipient.model_copy(update={"recipient": name})
    rules = policy.compile_rules(
        agreement, recipient, common, route.document, book.tables.kinds
    )
    return replace(route, agreement=agreement, recipient=recipient, rules=rules)


@cache
def _keys() -> Keys:
    master = b"bench-master-secret".ljust(32, b".")
    names = [route.recipient.recipient for route in many().routes]
    known = world.keys()
    return replace(
        known,
        recipients={name: recipient_key(master, name) for name in names}
        | dict(known.recipients),
    )


def grow(turns: int, seed: int = 3) -> Grown:
    """Let both rulebooks take turns on the same incidents."""
    stream = incidents.stream(seed)
    few = world.rulebook()
    path: list[list[float]] = [[], []]
    deciding: list[list[float]] = [[], []]
    for book in (few, many()):
        _check(book, _received(stream, 1))
    with settled():
        for _ in range(turns):
            chunk = _received(stream, CHUNK)
            for which, book in enumerate((few, many())):
                path[which].append(timed(lambda r, b=book: _path(r, b), chunk))
                deciding[which].append(timed(lambda r, b=book: _decide(r, b), chunk))
    return Grown(*(Timed(tuple(each)) for each in (*path, *deciding)))


def _received(stream: Iterator[bytes], number: int) -> list[Received]:
    return [
        pipeline.receive(raw, world.NATIVE, rulebook=world.rulebook())
        for raw in islice(stream, number)
    ]


def _path(received: Received, book: Rulebook) -> None:
    pipeline.disclose(
        received, rulebook=book, keys=_keys(), history=NO_HISTORY, now=world.NOW
    )


def _decide(received: Received, book: Rulebook) -> None:
    hearing = policy.Hearing(policy.facts_of(received.incident, world.NOW), world.NOW)
    for route in book.routes:
        hearing.decide(route.rules)


def _check(book: Rulebook, received: list[Received]) -> None:
    """See that the first three share, and that all others say nothing."""
    for one in received:
        outcome = pipeline.disclose(
            one, rulebook=book, keys=_keys(), history=NO_HISTORY, now=world.NOW
        )
        states = [share.state for share in outcome.shares]
        expected = [State.QUEUED] * 3 + [State.WITHHELD] * (len(states) - 3)
        if states != expected:
            raise AssertionError(f"not as expected: {states[:5]}")
