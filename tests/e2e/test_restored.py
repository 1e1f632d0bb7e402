"""A store that was restored from an older copy: nothing is lost, nothing comes back.

Real Kafka, stand-in MISPs, the commands that docs/delivery.md tells an operator to use.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from broker.demo.stage import Stage, staged
from tests.contract.kafka_fixtures import needs_kafka
from tests.e2e.test_kill import book

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300), needs_kafka]

PHISHING = {
    "revision": 1,
    "revised_at": "2026-11-20T10:00:00Z",
    "title": "Page that imitates a bank",
    "classification": "fraud/phishing",
    "severity": "high",
    "tlp": "amber",
    "observables": [
        {"kind": "url", "value": "https://bank.example/a", "role": "attacker"}
    ],
}


class Office:
    """Commands at a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store = stage.home / "besa.sqlite"

    def besa(self, *said: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [sys.executable, "-m", "broker.cli", *map(str, said)],
            env=self.stage.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def must(self, *said: str | Path) -> str:
        """Run a command that has to go well; return what it printed."""
        done = self.besa(*said)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def publish(self, *uids: str) -> None:
        """Publish incidents."""
        for uid in uids:
            file = self.stage.home / f"{uid}.json"
            file.write_text(json.dumps({"uid": uid, **PHISHING}))
            self.must("publish", file)

    def work(self) -> None:
        """Decide and deliver everything."""
        self.must("consume", "--until-idle")
        self.must("dispatch", "--until-idle")

    def restore(self, copy: Path) -> None:
        """Put a copy in the store's place."""
        for ending in ("-wal", "-shm"):
            Path(f"{self.store}{ending}").unlink(missing_ok=True)
        shutil.copyfile(copy, self.store)

    def reconciled(self, *said: str) -> tuple[int, dict[str, Any]]:
        """Compare; return the exit code and what was found."""
        done = self.besa("reconcile", "--json", *said)
        return done.returncode, json.loads(done.stdout)


def findings(told: dict[str, Any]) -> dict[str, set[str]]:
    """Return what was found of each incident, whoever holds it."""
    found: dict[str, set[str]] = {}
    for recipient in told["recipients"]:
        for row in recipient["rows"]:
            found.setdefault(row["uid"], set()).add(row["finding"])
    return found


def test_a_restored_store_loses_nothing_and_brings_nothing_back() -> None:
    """As docs/delivery.md says: compare, read again, recall again, then send."""
    with staged(book(), spool=False, keep=False, tell=lambda _: None) as stage:
        office = Office(stage)
        copy = stage.home / "copy.sqlite"
        office.publish("EARLY-1", "EARLY-2")
        office.work()
        office.must("db", "backup", copy)
        office.publish("LATE-1", "LATE-2")
        office.work()
        for uid in ("EARLY-1", "LATE-1"):
            office.must("recall", uid, "--because", "it was a mistake")
        office.work()
        office.restore(copy)

        refused = [
            office.besa("consume", "--until-idle"),
            office.besa("run", "--until-idle"),
            office.besa("reconcile", "--repair"),
        ]
        code, told = office.reconciled()
        office.must("consume", "--read-again", "--until-idle")
        for uid in ("EARLY-1", "LATE-1"):
            office.must("recall", uid, "--because", "taken back before the restore")
        office.work()
        after, agreed = office.reconciled()

    for one in refused:
        assert 3 == one.returncode, one.args
        assert "messages 2 to 3 of csirt.incidents[0]" in one.stderr
        assert "Traceback" not in one.stderr
    assert 1 == code
    assert {"recalled"} == findings(told)["EARLY-1"]
    assert {"extra"} == findings(told)[""]
    assert "EARLY-2" not in findings(told)
    (part,) = told["source"]["partitions"]
    assert "2..3 were confirmed to Kafka and never stored" in part["problem"]
    assert 0 == after, agreed
    assert {} == findings(agreed)
