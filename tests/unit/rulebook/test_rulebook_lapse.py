"""Agreements that end are announced, 60, 30 and 7 days before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from broker.rulebook import Rulebook, build, lapses
from tests import world

POLICE = "policies/agreements/kp-cybercrime.yaml"
LAST = date(2026, 6, 30)


def book(*following: str) -> Rulebook:
    """Return a rulebook whose agreement with the police ends first, and others after.

    ``following`` are the first days of further agreements with the police.
    """
    text = world.files()[POLICE].decode()
    ending = text.replace("until: 2028-12-31", f"until: {LAST}")
    files = {**world.files(), POLICE: ending.encode()}
    for number, start in enumerate(following):
        name = f"kp-next-{number}"
        files[f"policies/agreements/{name}.yaml"] = (
            text.replace("agreement: kp-cybercrime", f"agreement: {name}")
            .replace("from: 2026-01-01", f"from: {start}")
            .encode()
        )
    return build(files)


@pytest.mark.parametrize(
    ("days", "within"), [(60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7)]
)
def test_an_end_is_announced(days: int, within: int) -> None:
    """From 60 days before its end on, with more urgency at 30 and 7."""
    [lapse] = lapses(book(), LAST - timedelta(days=days))

    assert ("kp-cybercrime", days, within) == (
        lapse.agreement,
        lapse.days,
        lapse.within,
    )


def test_an_end_far_away_is_not_announced() -> None:
    """Nobody is told of what is more than 60 days away."""
    assert () == lapses(book(), LAST - timedelta(days=61))


def test_what_has_ended_is_told() -> None:
    """That nothing more is shared is told, with the place of the last day."""
    [lapse] = lapses(book(), LAST + timedelta(days=1))
    problem = lapse.problem()

    assert "not in force since 2026-06-30: nothing more is shared" == lapse.words
    line = world.files()[POLICE].decode().splitlines()[problem.line - 1]
    assert line.startswith("valid:")
    assert line[problem.column - 1 :].startswith("2028-12-31")


@pytest.mark.parametrize("days", [-10, 0, 10])
def test_what_is_followed_at_once_is_done(days: int) -> None:
    """A following agreement that begins the next day needs no announcement."""
    assert () == lapses(book("2026-07-01"), LAST + timedelta(days=days))


@pytest.mark.parametrize(("days", "told"), [(-10, True), (1, True), (5, False)])
def test_a_gap_is_told(days: int, told: bool) -> None:
    """Days between two agreements are days without sharing."""
    assert told is bool(lapses(book("2026-07-05"), LAST + timedelta(days=days)))
