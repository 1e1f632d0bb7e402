"""Many agreements as files, and how long `besa check` takes over them as a process.

A number -> a folder of policies: the shipped ones, and as many more as are wanted, each
with a recipient, clauses and a case of its own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import yaml

from tests.bench import world
from tests.bench.measure import Timed

SHIPPED: Final = ("kp-cybercrime", "fiu", "special-prosecution")
MANY: Final = 60
_LEVELS: Final = ("low", "medium", "high", "critical")
_MARKINGS: Final = ("clear", "green", "amber")


def write(folder: Path, number: int) -> None:
    """Write policies with that many agreements, the shipped ones among them."""
    policies = folder / "policies"
    unwanted = shutil.ignore_patterns("examples")
    shutil.copytree(world.ROOT / "policies", policies, ignore=unwanted)
    for count in range(number - len(SHIPPED)):
        name = f"partner-{count}"
        like = SHIPPED[count % len(SHIPPED)]
        agreement = yaml.safe_load((policies / f"agreements/{like}.yaml").read_text())
        recipient = yaml.safe_load(
            (policies / f"recipients/{agreement['recipient']}.yaml").read_text()
        )
        recipient |= {"recipient": name, "url": f"https://misp.{name}.example"}
        clauses = [_another(each, count) for each in agreement["clauses"]]
        agreement |= {"agreement": name, "recipient": name, "clauses": clauses}
        agreement |= {"retention_days": 30 + count}
        _write(policies / f"agreements/{name}.yaml", agreement)
        _write(policies / f"recipients/{name}.yaml", recipient)
        _write(policies / f"cases/{name}/a-weakness.yaml", _case(count))


def _another(clause: dict[str, Any], count: int) -> dict[str, Any]:
    """Return a clause with bounds that no other agreement has all of."""
    when = dict(clause.get("when", {}))
    if clause["effect"] == "share":
        when["confidence_at_least"] = count
        when.setdefault("severity_at_least", _LEVELS[count % 3])
        when["tlp_at_most"] = _MARKINGS[count // 3 % 3]
    return {**clause, "when": when}


def _case(count: int) -> dict[str, Any]:
    return {
        "case": "a-weakness",
        "why": "A weakness is not an offence.",
        "at": "2026-06-15T12:00:00Z",
        "incident": {
            "uid": f"KOS-CERT-2026-{count}",
            "revision": 1,
            "revised_at": "2026-06-14T09:00:00Z",
            "title": "A weakness",
            "classification": "vulnerable/vulnerable-system",
            "severity": "high",
            "tlp": "green",
        },
        "expect": {"effect": "withhold"},
    }


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def check_times(number: int, turns: int) -> tuple[Timed, Timed]:
    """Run `besa check` over that many agreements; return wall and processor seconds."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), number)
        found = list(_checks(Path(name), number, turns))
    walls, busy = zip(*found, strict=True)
    return Timed(tuple(walls)), Timed(tuple(busy))


def _checks(folder: Path, number: int, turns: int) -> Iterator[tuple[float, float]]:
    command = [sys.executable, "-m", "broker.cli", "check", str(folder)]
    # An installed Besa is compiled; to compile it anew each time takes longer than it.
    unkept = "PYTHONDONTWRITEBYTECODE"
    environment = {name: os.environ[name] for name in os.environ if name != unkept}
    for turn in range(turns + 1):
        before, start = _busy(), perf_counter()
        done = subprocess.run(
            command,
            cwd=world.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        took = perf_counter() - start, _busy() - before
        if f"partner-{number - len(SHIPPED) - 1}" not in done.stdout:
            raise AssertionError(f"not as expected: {done.stdout[-200:]}")
        if turn:  # the first one compiles what has not been compiled yet
            yield took


def _busy() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
