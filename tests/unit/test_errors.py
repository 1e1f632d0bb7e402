"""Facts about how errors speak."""

from __future__ import annotations

import pytest

from broker import errors
from broker.errors import (
    BesaError,
    DeliveryError,
    DisclosureError,
    IntakeError,
    Problem,
    Refused,
    RulebookError,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            IntakeError("a[0].b", "it is wrong", "mend it"),
            "a[0].b: it is wrong (mend it)",
        ),
        (IntakeError("a", "it is wrong"), "a: it is wrong"),
        (IntakeError("", "it is wrong"), "it is wrong"),
        (DeliveryError("not reachable"), "not reachable"),
        (Unavailable("busy", 503), "busy (HTTP 503)"),
        (Refused("no rights", 403), "no rights (HTTP 403)"),
    ],
    ids=str,
)
def test_error_says_where_what_and_what_to_do(error: BesaError, expected: str) -> None:
    """An error reads as one line: the place, the problem and the advice."""
    assert expected == str(error)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem("p.yaml", 3, 7, "wrong", "mend it"), "p.yaml:3:7: wrong (mend it)"),
        (Problem("p.yaml", 3, 7, "wrong"), "p.yaml:3:7: wrong"),
        (Problem("p.yaml", 0, 0, "missing"), "p.yaml: missing"),
    ],
    ids=str,
)
def test_problem_names_its_place(problem: Problem, expected: str) -> None:
    """A problem names file, line and column, or the file alone."""
    assert expected == str(problem)


def test_rulebook_error_holds_every_problem() -> None:
    """An error of the rulebook has one line for each problem, in their order."""
    problems = (Problem("a.yaml", 1, 1, "one"), Problem("b.yaml", 2, 1, "two"))

    error = RulebookError(problems)

    assert "a.yaml:1:1: one\nb.yaml:2:1: two" == str(error)
    assert problems == error.problems


def test_every_error_can_be_caught_as_one() -> None:
    """Every error that the product raises of its own is a BesaError."""
    own = [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, Exception)
    ]

    assert 13 <= len(own)
    assert [] == [error for error in own if not issubclass(error, BesaError)]


@pytest.mark.parametrize(
    "error", [errors.RedactionError, errors.ConversionError, errors.GuardError]
)
def test_stages_fail_as_disclosures(error: type[BesaError]) -> None:
    """An error of a stage between decision and seal is an error of the disclosure."""
    assert issubclass(error, DisclosureError)
