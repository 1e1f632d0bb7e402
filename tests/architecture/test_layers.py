"""The layers hold, and nothing in the pure path reaches for the world outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "broker"

PURE = (
    "model",
    "errors.py",
    "audit.py",
    "seal.py",
    "keys.py",
    "canonical.py",
    "strict_yaml",
    "intake",
    "policy",
    "redact",
    "convert",
    "render",
    "guard",
    "rulebook.py",
    "leaving.py",
    "pipeline.py",
    "prove",
)
BANNED_CALLS = {
    "open",
    "input",
    "print",
    "eval",
    "exec",
    "compile",
    "__import__",
    "breakpoint",
}
BANNED_ATTRIBUTES = {
    "now",
    "utcnow",
    "today",
    "uuid1",
    "uuid4",
    "urandom",
    "environ",
    "getenv",
    "getLogger",
    "token_bytes",
    "token_hex",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
}


def pure_files() -> list[Path]:
    """Return the source files of layers 0 to 2."""
    found: list[Path] = []
    for name in PURE:
        path = PACKAGE / name
        # A module may be a file or grow into a package.
        package = PACKAGE / name.removesuffix(".py")
        found += sorted(package.rglob("*.py")) if package.is_dir() else [path]
    return found


def banned_uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of every call or attribute that reaches outside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in BANNED_CALLS:
                yield node.lineno, node.func.id
        elif isinstance(node, ast.Attribute) and node.attr in BANNED_ATTRIBUTES:
            yield node.lineno, node.attr


def test_import_contracts_hold() -> None:
    """Every import contract of `.importlinter` is kept."""
    # In a process of its own: it disables every logger that it finds.
    command = "from importlinter.cli import lint_imports as l; raise SystemExit(l())"
    told = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert 0 == told.returncode, told.stdout + told.stderr


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: path.name)
def test_pure_code_has_no_clock_chance_or_files(path: Path) -> None:
    """A file of layers 0 to 2 calls nothing that depends on time, chance or files."""
    tree = ast.parse(path.read_text("utf-8"))

    assert [] == list(banned_uses(tree))


def test_the_search_for_banned_uses_finds_them() -> None:
    """A clock, a file and chance are all found, so that the test above can fail."""
    tree = ast.parse("datetime.now()\nopen('x')\nuuid.uuid4()\nfine()\n")

    assert ["now", "open", "uuid4"] == sorted(name for _, name in banned_uses(tree))


def test_only_two_places_seal() -> None:
    """`leaving` seals what the rules share, `release` what people approved."""
    sealing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and "seal" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    }

    assert {"leaving.py", "release.py"} == sealing
