"""Facts about ways: pieces of work that go through their stages together."""

from __future__ import annotations

import pytest

from broker.abreast import Way, side_by_side, to_its_end, tried


def _way(name: str, stages: int, trace: list[str]) -> Way[str]:
    for stage in range(stages):
        trace.append(f"{name}{stage}")
        yield
    return name.upper()


class Broken(Exception):  # noqa: N818 - it breaks, and is no error of Besa
    """What a way may raise."""


def _broken() -> Way[str]:
    yield
    raise Broken


def test_all_pass_a_stage_before_any_goes_on() -> None:
    """A stage is used by all ways, one after the other, before the next stage is."""
    trace: list[str] = []
    ways = {1: _way("a", 2, trace), 2: _way("b", 3, trace), 3: _way("c", 0, trace)}

    made = to_its_end(side_by_side(ways, 3))

    assert ["a0", "b0", "a1", "b1", "b2"] == trace
    assert [(1, "A"), (2, "B"), (3, "C")] == list(made.items())


def test_no_more_begin_than_may_go_abreast() -> None:
    """The third way begins when the two before it have ended."""
    trace: list[str] = []
    ways = {name: _way(name, 2, trace) for name in "abc"}

    to_its_end(side_by_side(ways, 2))

    assert ["a0", "b0", "a1", "b1", "c0", "c1"] == trace


def test_ways_within_ways_keep_pace() -> None:
    """What goes abreast may itself be made of ways that do."""
    trace: list[str] = []
    pairs = {
        pair: side_by_side({name: _way(name, 2, trace) for name in pair}, 2)
        for pair in ("ab", "cd")
    }

    made = to_its_end(side_by_side(pairs, 2))

    assert ["a0", "b0", "c0", "d0", "a1", "b1", "c1", "d1"] == trace
    assert {"ab": {"a": "A", "b": "B"}, "cd": {"c": "C", "d": "D"}} == made


def test_an_error_is_the_whole_ones_unless_it_is_tried() -> None:
    """An error stops all that go abreast; a tried way returns its error."""
    with pytest.raises(Broken):
        to_its_end(side_by_side({1: _broken(), 2: _way("b", 1, [])}, 2))

    made = to_its_end(side_by_side({1: tried(_broken), 2: _way("b", 3, [])}, 2))

    assert isinstance(made[1], Broken)
    assert "B" == made[2]
