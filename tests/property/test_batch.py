"""Incidents that go the path together: none changes what another one comes to."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import batch, pipeline
from broker.batch import disclose_each
from broker.model.sharing import NO_HISTORY, History, Outcome
from broker.pipeline import Received
from tests import world
from tests.strategies import realistic, shared_markings

# So few that revisions of one incident meet in most batches.
UIDS = ("KOS-1", "KOS-2", "KOS-3", "KOS-4")


@st.composite
def batches(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return incidents in any order, with revisions that come twice, late or new."""
    some = draw(st.lists(realistic(**shared_markings), min_size=1, max_size=4))
    return [
        {
            **draw(st.sampled_from(some)),
            "uid": draw(st.sampled_from(UIDS)),
            "revision": draw(st.integers(1, 3)),
        }
        for _ in range(draw(st.integers(1, 12)))
    ]


def one_by_one(received: list[Received]) -> list[Outcome]:
    """Return what comes of incidents that go alone, one after the other."""
    return _taken(received, lambda histories: map(_alone(histories), received))


def together(received: list[Received]) -> list[Outcome]:
    """Return what comes of the same incidents as a batch."""
    return _taken(received, lambda histories: _each(received, histories))


def _taken(received: list[Received], ways: Callable[[Any], Any]) -> list[Outcome]:
    """Take outcomes in order, each into its incident's history."""
    histories: dict[str, History] = {}
    found = []
    for one, outcome in zip(received, ways(histories), strict=True):
        uid = one.incident.uid
        known = histories.get(uid, NO_HISTORY)
        histories[uid] = pipeline.advance(known, outcome)
        found.append(outcome)
    return found


def _alone(histories: dict[str, History]) -> Callable[[Received], Outcome]:
    def disclosed(one: Received) -> Outcome:
        return pipeline.disclose(
            one,
            rulebook=world.rulebook(),
            keys=world.keys(),
            history=histories.get(one.incident.uid, NO_HISTORY),
            now=world.NOW,
        )

    return disclosed


def _each(received: list[Received], histories: dict[str, History]) -> Any:
    return disclose_each(
        received,
        histories,
        rulebook=world.rulebook(),
        keys=world.keys(),
        now=world.NOW,
    )


@given(batches())
def test_a_batch_comes_to_what_its_incidents_come_to_alone(
    incidents: list[dict[str, Any]],
) -> None:
    """Whatever goes together, in whatever order: each outcome is the same, to a byte.

    A second revision in one batch finds the history that the first one made.
    """
    received = [world.receive(incident) for incident in incidents]

    assert one_by_one(received) == together(received)


@given(batches(), st.integers(1, 12), st.integers(0, 20))
def test_it_makes_no_difference_how_many_go_abreast(
    incidents: list[dict[str, Any]], abreast: int, small: int
) -> None:
    """With any bounds of what may be in memory together, the outcomes are the same."""
    received = [world.receive(incident) for incident in incidents]
    usual = together(received)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(batch, "_ABREAST", abreast)
        monkeypatch.setattr(batch, "_SMALL", small)

        assert usual == together(received)


@given(st.lists(realistic(**shared_markings), min_size=2, max_size=6), st.data())
def test_an_error_with_one_incident_is_its_alone(
    incidents: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Where the path itself fails with one incident, the others never know."""
    received = [
        world.receive({**incident, "uid": f"KOS-{number}"})
        for number, incident in enumerate(incidents)
    ]
    broken = data.draw(st.sampled_from(received))
    usual = together(received)

    def failing(incident: Any, now: Any) -> Any:
        if incident is broken.incident:
            raise RuntimeError("Shpresa Kallëzuesja")
        return real(incident, now)

    real = vars(pipeline)["facts_of"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pipeline, "facts_of", failing)
        found = list(_each(received, {}))

    at = received.index(broken)
    assert isinstance(found.pop(at), RuntimeError)
    usual.pop(at)
    assert usual == found


def _widths(received: list[Received], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many incidents went abreast each time."""
    widths: list[int] = []
    side_by_side = vars(batch)["side_by_side"]

    def noted(ways: Any, width: int) -> Any:
        widths.append(len(ways))
        return side_by_side(ways, width)

    monkeypatch.setattr(batch, "side_by_side", noted)
    list(_each(received, {}))
    return widths


def test_no_uid_goes_abreast_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A further revision waits until the one before it has its outcome."""
    uids = ("A", "B", "B", "C", "A", "D")
    received = [world.receive(world.incident(uid=f"KOS-{uid}")) for uid in uids]

    assert [2, 4] == _widths(received, monkeypatch)


def test_a_large_incident_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small incidents go abreast as long as they are small together."""
    received = [
        world.receive(world.incident(uid=f"KOS-{number}", observables=_seen(size)))
        for number, size in enumerate((500, 520, 20, 1_100, 1, 1))
    ]

    assert [2, 1, 1, 2] == _widths(received, monkeypatch)


def _seen(size: int) -> list[dict[str, Any]]:
    addresses = (f"198.51.{at // 250}.{at % 250}" for at in range(size))
    return [{"kind": "ipv4", "value": value} for value in addresses]


def test_editions_count_on_within_a_batch() -> None:
    """Two revisions of one incident in one batch are its editions one and two."""
    incidents = [
        world.incident(revision=1),
        world.incident(revision=2, classification="fraud/masquerade"),
    ]
    first, second = together([world.receive(incident) for incident in incidents])

    for one, two in zip(first.shares, second.shares, strict=True):
        assert one.edition
        assert two.edition
        assert (1, 2) == (one.edition.number, two.edition.number)
        assert two.edition.modified - one.edition.modified >= timedelta(seconds=1)


def test_nothing_that_the_path_makes_is_garbage_in_a_circle() -> None:
    """What was made goes without the garbage collector, which rests meanwhile."""
    received = [
        world.receive(world.incident(uid=f"KOS-{number}")) for number in range(3)
    ]
    together(received)
    gc.collect()

    together(received)

    assert 0 == gc.collect()


def _first_of_batch(received: Received) -> Any:
    return next(_each([received], {}))


@pytest.mark.parametrize("taken", [_first_of_batch, _alone({})])
def test_the_garbage_collector_rests_on_the_way(
    taken: Callable[[Received], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is off on the way, and on again when the outcome is there."""
    resting: list[bool] = []
    real = vars(pipeline)["facts_of"]

    def noted(incident: Any, now: Any) -> Any:
        resting.append(not gc.isenabled())
        return real(incident, now)

    monkeypatch.setattr(pipeline, "facts_of", noted)
    taken(world.receive(world.FULL))

    assert [True] == resting
    assert gc.isenabled()
