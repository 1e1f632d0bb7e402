"""Pydantic models are written so that they are made quickly."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "broker"
# Files of few models, or that a check does not import, and need names of later classes.
ELSEWHERE = {"model/reviewer.py", "replay.py"}
BASES = {"BaseModel", "PolicyFile", "_Part", "_Row", "_Table"}


def models(path: Path) -> list[str]:
    """Return the names of the pydantic models that a file defines."""
    return [
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and BASES & {base.id for base in node.bases if isinstance(base, ast.Name)}
    ]


FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if models(path) and str(path.relative_to(PACKAGE)) not in ELSEWHERE
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_annotations_are_not_texts(path: Path) -> None:
    """No file of models keeps annotations as texts that pydantic has to compile."""
    assert "from __future__ import annotations" not in path.read_text("utf-8")
