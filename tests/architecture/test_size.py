"""Code stays small enough to be read at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "broker"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def lengths(path: Path) -> dict[str, int]:
    """Return the length in lines of every function of a file."""
    return {
        f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_is_short(path: Path) -> None:
    """No file of the product has more than 400 lines."""
    assert LONGEST_FILE >= len(path.read_text("utf-8").splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_are_short(path: Path) -> None:
    """No function of the product has more than 60 lines."""
    too_long = {k: n for k, n in lengths(path).items() if n > LONGEST_FUNCTION}

    assert {} == too_long


def test_most_functions_are_much_shorter() -> None:
    """Of all functions, 95 in 100 have at most 40 lines."""
    all_lengths = sorted(n for path in FILES for n in lengths(path).values())

    assert all_lengths[len(all_lengths) * 95 // 100] <= 40


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_module_says_what_it_is(path: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
