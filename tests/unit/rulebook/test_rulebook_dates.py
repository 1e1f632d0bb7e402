"""The dates of an agreement: what may be written, and what becomes of it."""

from __future__ import annotations

from datetime import date

import pytest

from broker.errors import RulebookError
from broker.prove.compare import compare
from broker.prove.matrix import matrix
from broker.rulebook import build, lapses
from tests.edited import edited, side

KP = "policies/agreements/kp-cybercrime.yaml"
VALID = "valid: {from: 2026-01-01, until: 2028-12-31}"


@pytest.mark.parametrize(
    ("written", "column", "said"),
    [
        ("{from: 2026-01-01, until: 9999-12-31}", 34, "at most 2099-12-31"),
        ("{from: 2026-01-01, until: 2100-01-01}", 34, "at most 2099-12-31"),
        ("{from: 0001-01-01, until: 2028-12-31}", 15, "at least 2000-01-01"),
        ("{from: 1999-12-31, until: 2028-12-31}", 15, "at least 2000-01-01"),
        ("{from: 2026-02-30, until: 2028-12-31}", 15, "a date such as"),
        ("{from: 20260101, until: 2028-12-31}", 15, "a date such as"),
        ("{from: 2029-01-01, until: 2028-12-31}", 34, "it ends before it begins"),
    ],
)
def test_a_date_that_cannot_be_is_refused_where_it_stands(
    written: str, column: int, said: str
) -> None:
    """A day that no incident can be of is an error at the date."""
    with pytest.raises(RulebookError) as refused:
        build(edited((KP, VALID, f"valid: {written}")))
    [problem] = refused.value.problems

    assert problem.message.startswith(said)
    assert (KP, 24, column) == (problem.file, problem.line, problem.column)


def test_an_agreement_without_an_end_is_written_to_the_last_day() -> None:
    """The widest dates that there are can be compared, shown and looked after."""
    widest = (KP, VALID, "valid: {from: 2000-01-01, until: 2099-12-31}")
    wide = side(widest)

    found = compare(side(), wide)
    trials = [(each.trial.old.effect, each.trial.new.effect) for each in found.verdicts]

    before, after = (
        "from 2000-01-01 until 2025-12-31",
        "from 2029-01-01 until 2099-12-31",
    )
    assert {f"{before} and {after}"} == {each.period for each in found.verdicts}
    assert all(old != new for old, new in trials)
    assert matrix(wide, date(2099, 12, 31)).columns
    ending = {each.agreement for each in lapses(wide.rulebook, date(2090, 1, 1))}
    assert "kp-cybercrime" not in ending
