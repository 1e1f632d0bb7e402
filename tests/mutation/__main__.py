"""`python -m tests.mutation broker/guard`: does a test fail when the code changes?

Tries every mutant of a folder by the tests that run its line, fastest first, and prints
the survivors that no line of `verdicts.yaml` explains; with ``--json`` one JSON object
per mutant. What runs once, when a module is imported, is tried as well: by tests that
import the folder anew. It takes many minutes, and is no part of `make test`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings

from tests.mutation import report
from tests.mutation.mutants import Mutant
from tests.mutation.trial import Trial

# Without the slow suites: the leak corpus, databases, servers.
TESTS: Final = {
    "broker/guard": (
        "tests/unit/guard",
        "tests/property/test_guard_search.py",
    ),
    "broker/policy": ("tests/unit/policy",),
    "broker/prove": (
        "tests/unit/prove",
        "tests/property/test_compare_brute_force.py",
        "tests/property/test_compare_fields.py",
        "tests/property/test_plain_words.py",
    ),
    "broker/redact": ("tests/unit/redact",),
}
# What makes the rulebooks that most tests read, once in a process.
_SHARED: Final = {
    "tests.world": "rulebook",
    "tests.unit.given": "shipped",
}


def main() -> int:
    """Try mutants of a folder; the exit code says whether one survived unexplained."""
    chosen = _arguments()
    root = Path.cwd()
    if chosen.write:
        said = report.read(chosen.write)
        report.write(root, chosen.folder, said, chosen.commit)
        return 0
    files = sorted((root / chosen.folder).rglob("*.py"))
    again = report.survivors(chosen.again) if chosen.again else None

    def wanted(file: Path, mutant: Mutant) -> bool:
        name = str(file.relative_to(root))
        named = not chosen.files or any(part in name for part in chosen.files)
        return named and (again is None or (name, mutant.number) in again)

    tests = tuple(chosen.tests or TESTS.get(chosen.folder, ()))
    trial = Trial(files, tests, chosen.slowest, wanted, _rulebooks)
    with tempfile.TemporaryDirectory() as folder:
        _few_examples()
        os.environ["PYTEST_ADDOPTS"] = f"--basetemp={folder}/tests"
        said = []
        try:
            for one in _said(trial, files, root):
                said.append(one)
                if chosen.json:
                    sys.stdout.write(json.dumps(one, ensure_ascii=False) + "\n")
                    sys.stdout.flush()
        except LookupError as error:
            sys.stderr.write(f"the tests fail without any change: {error}\n")
            return 3
    for test in trial.record.left_out:
        sys.stderr.write(f"left out, as too slow: {test}\n")
    left = report.unexplained(said, report.verdicts(chosen.folder))
    if not chosen.json:
        sys.stdout.write(report.as_text(said, left))
    return 1 if left else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description=__doc__
    )
    add = parser.add_argument
    add("folder", help="what is changed, below the current folder")
    add("--files", nargs="+", help="only files with one of these in their path")
    add("--json", action="store_true", help="one JSON object per mutant")
    add("--tests", nargs="+", help="what should notice")
    add("--slowest", type=float, default=0.2, help="leave out tests of more seconds")
    add("--again", type=Path, help="try the survivors of an earlier --json")
    add("--write", nargs="+", type=Path, help="put earlier --json into the docs")
    add("--commit", default="unknown", help="the commit that they were run at")
    return parser.parse_args()


def _rulebooks() -> None:
    """Build the rulebooks that tests share, and import what the code imports late."""
    import_module("phonenumbers")
    for name, build in _SHARED.items():
        if name in sys.modules:
            getattr(sys.modules[name], build)()


def _few_examples() -> None:
    """Let Hypothesis try few examples, always the same, and not look for a smaller."""
    settings.register_profile(
        "mutation",
        derandomize=True,
        deadline=None,
        max_examples=15,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    os.environ["BESA_HYPOTHESIS"] = "mutation"


def _said(trial: Trial, files: list[Path], root: Path) -> Any:
    """Yield what there is to say of each mutant that was tried."""
    texts = {str(file): file.read_text("utf-8").splitlines() for file in files}
    for one in trial.endings():
        yield {
            "file": str(Path(one.file).relative_to(root)),
            "number": one.number,
            "line": one.line,
            "in": one.function,
            "text": texts[one.file][one.line - 1].strip(),
            "change": one.change,
            "ending": one.ending,
            "by": one.by,
        }


if __name__ == "__main__":
    sys.exit(main())
