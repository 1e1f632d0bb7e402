"""Every place at which a withheld value can be cut in two, in every way to write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from broker.guard.search import Wanted, searched
from tests.property.test_guard_split import VALUES, WRITINGS, _exactly

Cuts = Callable[[str, str], Iterator[tuple[str, str]]]


def _own(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves that are written each by itself."""
    for at in range(1, len(value)):
        yield _exactly(writing, value[:at]), _exactly(writing, value[at:])


def _first(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves of which only the first is written so."""
    for at in range(1, len(value)):
        yield _exactly(writing, value[:at]), value[at:]


def _second(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves of which only the second is written so."""
    for at in range(1, len(value)):
        yield value[:at], _exactly(writing, value[at:])


def _cut(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield the halves of one writing."""
    written = _exactly(writing, value)
    for at in range(1, len(written)):
        yield written[:at], written[at:]


def _holds(values: list[str], wanted: Wanted) -> set[str]:
    return searched(values, values, frozenset()).holding(wanted)


@pytest.mark.parametrize("ways", [_own, _first, _second, _cut])
@pytest.mark.parametrize("writing", WRITINGS)
def test_it_is_found_wherever_it_is_cut(writing: str, ways: Cuts) -> None:
    """Two neighbours that make the value, between others that do not, are a breach."""
    for value in VALUES:
        wanted = Wanted([value, "elsewhere.example"])
        for halves in ways(value, writing):
            assert {value} == _holds(["pari", *halves, "pas"], wanted), halves


@pytest.mark.parametrize("ways", [_own, _first, _second, _cut])
@pytest.mark.parametrize("writing", WRITINGS)
def test_it_is_found_where_nothing_follows(writing: str, ways: Cuts) -> None:
    """The last two values of a draft are no worse than those before them."""
    for value in VALUES:
        wanted = Wanted([value, "elsewhere.example"])
        for halves in ways(value, writing):
            assert {value} == _holds(["pari", *halves], wanted), halves


@pytest.mark.parametrize("writing", WRITINGS)
def test_one_half_says_nothing(writing: str) -> None:
    """Half a value by itself is no breach, in whatever way it is written."""
    for value in VALUES:
        half = len(value) // 2
        wanted = Wanted([value])

        assert set() == _holds(["pari", _exactly(writing, value[:half]), "pas"], wanted)
        assert set() == _holds(["pari", _exactly(writing, value[half:]), "pas"], wanted)
