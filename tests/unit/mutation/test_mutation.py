"""Facts about the trial of mutants, with a small project of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
SOURCE = '''"""Sums."""

LIMIT = 3


def over(number):
    if number > LIMIT:
        return number - LIMIT
    return 0


def clipped(number):
    return number if number < 8 else 8


def down(number):
    while number > 0:
        number = number - 1
    return number


def untested():
    return 1


TABLE = [over(number) for number in range(6)]
'''
TESTS = """from pack.sums import TABLE, clipped, down, over


def test_over():
    assert [over(n) for n in (2, 3, 4, 5)] == [0, 0, 1, 2]


def test_table():
    assert TABLE == [0, 0, 0, 0, 1, 2]


def test_clipped():
    assert [clipped(n) for n in (7, 8, 9)] == [7, 8, 8]


def test_down():
    assert down(2) == 0
"""


def _tried(project: Path, tests: str = TESTS) -> tuple[int, list[dict[str, Any]]]:
    (project / "pack").mkdir()
    (project / "pack/__init__.py").write_text("")
    (project / "pack/sums.py").write_text(SOURCE)
    (project / "checks").mkdir()
    (project / "checks/test_sums.py").write_text(tests)
    command = [sys.executable, "-m", "tests.mutation", "pack", "--json", "--slowest=5"]
    # No report, no environment of the run that this test is part of.
    kept = {name: text for name, text in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [*command, "--tests", "checks"],
        cwd=project,
        env={**kept, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Give how each mutant of the small project ended, by function and change."""
    project = tmp_path_factory.mktemp("project")
    code, said = _tried(project)
    assert 1 == code
    # Mutants live in processes only.
    assert SOURCE == (project / "pack/sums.py").read_text()
    return {(one["in"], one["change"]): one["ending"] for one in said}


@pytest.mark.parametrize(
    ("function", "change"),
    [
        ("clipped", "number if number < 8 else 8 -> number if True else 8"),
        ("clipped", "return number if number < 8 else 8 -> return None"),
        ("down", "return number -> return None"),
    ],
)
def test_a_fault_in_a_function_is_found(
    endings: dict[tuple[str, str], str], function: str, change: str
) -> None:
    """A mutant of which a test tells the difference is killed."""
    assert "killed" == endings[function, change]


@pytest.mark.parametrize(
    ("function", "change"),
    [("", "3 -> 4"), ("over", "number - LIMIT -> number + LIMIT")],
)
def test_a_fault_at_import_is_found(
    endings: dict[tuple[str, str], str], function: str, change: str
) -> None:
    """A constant, and a function that makes one, is changed before it is imported."""
    assert "killed" == endings[function, change]


def test_an_endless_loop_is_ended(endings: dict[tuple[str, str], str]) -> None:
    """A mutant that never ends is told apart from one that a test killed."""
    assert "timed-out" == endings["down", "number - 1 -> number + 1"]


@pytest.mark.parametrize(
    ("function", "change"),
    [("clipped", "number < 8 -> number <= 8"), ("untested", "1 -> 2")],
)
def test_what_no_test_notices_survives(
    endings: dict[tuple[str, str], str], function: str, change: str
) -> None:
    """A mutant that does the same survives, and one that no test reaches."""
    assert "survived" == endings[function, change]


def test_nothing_is_tried_while_the_tests_fail(tmp_path: Path) -> None:
    """Where a test fails without any change, that is said and nothing is tried."""
    failing = f"{TESTS}\n\ndef test_wrong():\n    assert False\n"

    assert (3, []) == _tried(tmp_path, failing)
