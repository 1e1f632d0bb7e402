"""`python -m tests.mutation broker/guard`: does a test fail when the code changes?

Works on a copy. Tries mutants in an order of chance that is always the same, until all
are tried or the time is up; prints the survivors, and with ``--json`` one JSON object
per mutant. It is slow, and no part of `make test`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from time import monotonic

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
_COPIED = ("broker", "tests", "policies", "mappings", "pyproject.toml")
# What a mutant that never ends is given.
_SECONDS = 300
_TESTS = {
    "broker/guard": ("tests/unit/guard", "tests/property/test_guard_search.py"),
    "broker/policy": ("tests/unit/policy",),
    "broker/redact": ("tests/unit/redact",),
}


def main() -> int:
    """Try mutants of a folder; the exit code says whether one survived."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description=__doc__
    )
    parser.add_argument("folder", choices=sorted(_TESTS), help="what is changed")
    parser.add_argument("--minutes", type=float, default=30, help="when to stop")
    parser.add_argument("--seed", type=int, default=1, help="another order")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--tests", nargs="+", help="what should notice")
    parser.add_argument(
        "--again", type=Path, help="what an earlier --json printed: try its survivors"
    )
    chosen = parser.parse_args()
    end = monotonic() + chosen.minutes * 60
    tests = tuple(chosen.tests or _TESTS[chosen.folder])
    found = [
        (path, each)
        for path in sorted((ROOT / chosen.folder).rglob("*.py"))
        for each in mutants(path.read_text("utf-8"))
    ]
    if chosen.again:
        known = _survivors(chosen.again)
        found = [
            (path, each)
            for path, each in found
            if (str(path.relative_to(ROOT)), each.change) in known
        ]
    Random(chosen.seed).shuffle(found)
    killed = survived = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy(copy)
        if not _passes(copy, tests, first=True):
            sys.stderr.write("the tests fail without any change\n")
            return 3
        for path, mutant in found:
            if monotonic() > end:
                break
            lives = _lives(copy, path.relative_to(ROOT), mutant, tests)
            killed, survived = killed + (not lives), survived + lives
            _say(path.relative_to(ROOT), mutant, lives=lives, as_json=chosen.json)
    tried = killed + survived
    if not chosen.json:
        sys.stdout.write(f"{tried} of {len(found)} tried, {survived} survived\n")
    return 1 if survived else 0


def _survivors(file: Path) -> set[tuple[str, str]]:
    tried = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {(one["file"], one["change"]) for one in tried if one["survived"]}


def _copy(to: Path) -> None:
    for name in _COPIED:
        here = ROOT / name
        if here.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(here, to / name, ignore=unwanted)
        else:
            shutil.copy(here, to / name)


def _lives(copy: Path, path: Path, mutant: Mutant, tests: tuple[str, ...]) -> bool:
    changed = copy / path
    kept, before = changed.read_text("utf-8"), changed.stat()
    try:
        changed.write_text(mutant.source, "utf-8")
        return _passes(copy, tests)
    finally:
        changed.write_text(kept, "utf-8")
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))


def _passes(copy: Path, tests: tuple[str, ...], *, first: bool = False) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    # The first run leaves the bytecode of what does not change, which is half of what
    # a run takes; a mutant's own would be mistaken for the next one's.
    environment["PYTHONDONTWRITEBYTECODE"] = "" if first else "1"
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _say(path: Path, mutant: Mutant, *, lives: bool, as_json: bool) -> None:
    if as_json:
        said = {"file": str(path), "line": mutant.line, "change": mutant.change}
        sys.stdout.write(json.dumps({**said, "survived": lives}) + "\n")
    elif lives:
        sys.stdout.write(f"{path}:{mutant.line}: {mutant.change}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
