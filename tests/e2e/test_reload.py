"""Policies change while `besa run` runs: both of its processes take them up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.sandbox.misp import MispSandbox
from tests.e2e.office import Office, incident

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
KP = "kp-misp"


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation with policies of its own."""
    return Office(tmp_path / "home", monkeypatch, capsysbinary)


@contextmanager
def running(office: Office) -> Iterator[subprocess.Popen[bytes]]:
    """Run both processes until the test is over."""
    log = (office.home / "run.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "broker.cli", "run"], stderr=log, stdout=log
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def credential(office: Office, misp: MispSandbox, recipient: str) -> None:
    """Store the key of a recipient's MISP."""
    folder = office.home / "credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{recipient}.json"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(json.dumps({"key": misp.keys["sync"], "url": misp.url}))


def wait(office: Office, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the status says something, and return it."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (office.home / "besa.sqlite").exists():
            found: dict[str, Any] = office.besa("status", "--json").json
            if what(found):
                return found
        time.sleep(0.3)
    log = (office.home / "run.log").read_text("utf-8")
    pytest.fail(f"it did not come to pass; the log ends with {log[-2000:]}")


def delivered(found: dict[str, Any], recipient: str = KP) -> int:
    """Return how many editions a recipient has."""
    return sum(
        lane["delivered"] for lane in found["lanes"] if lane["recipient"] == recipient
    )


def waiting(found: dict[str, Any], recipient: str = KP) -> int:
    """Return how many editions wait for a recipient."""
    return sum(
        lane["queued"] for lane in found["lanes"] if lane["recipient"] == recipient
    )


C2 = {"classification": "malicious-code/c2-server", "confidence": 90}


def test_both_processes_take_up_what_is_right_and_only_that(
    office: Office, tmp_path: Path
) -> None:
    """A right change reaches both processes; a wrong one leaves all as it was.

    Suspending a recipient stops what is decided and what is delivered; a mistake in an
    agreement is alarmed, and sharing goes on under the last good rulebook.
    """
    for file in (office.policies / "cases" / "kp-cybercrime").iterdir():
        file.unlink()
    with MispSandbox(tmp_path / "misp") as misp, MispSandbox(tmp_path / "spo") as spo:
        credential(office, misp, KP)
        credential(office, spo, "spo-misp")
        with running(office):
            first = wait(office, lambda found: bool(found["in_force"]))["in_force"]
            office.publish(incident("CASE-1", **C2))
            wait(office, lambda found: delivered(found) == 1)

            office.edit(
                f"recipients/{KP}.yaml", "credential:", "suspended: true\ncredential:"
            )
            second = wait(office, lambda found: found["in_force"] != first)["in_force"]
            seen = wait_for_log(office, "the recipients have changed")
            office.publish(incident("CASE-2", **C2))
            wait(office, lambda found: delivered(found, "spo-misp") == 2)
            suspended = office.besa("status", "--json").json

            office.edit(
                "agreements/kp-cybercrime.yaml", "effect: share", "effect: shore"
            )
            told = wait(office, lambda found: bool(found["rulebook_trouble"]))
            office.publish(incident("CASE-3", **C2))
            after = wait(office, lambda found: delivered(found, "spo-misp") == 3)

            office.edit(
                "agreements/kp-cybercrime.yaml", "effect: shore", "effect: share"
            )
            office.edit(f"recipients/{KP}.yaml", "suspended: true\n", "")
            last = wait(office, lambda found: found["in_force"] == first)
            office.publish(incident("CASE-4", **C2))
            wait(office, lambda found: delivered(found) == 2)

    assert seen
    assert (1, 0) == (delivered(suspended), waiting(suspended))
    assert "agreements/kp-cybercrime.yaml:" in told["rulebook_trouble"]
    assert second == told["in_force"] == after["in_force"]
    assert "" == last["rulebook_trouble"]
    assert 0 == office.besa("audit", "verify").code
    decided = office.rows("SELECT DISTINCT uid, rulebook FROM decisions ORDER BY uid")
    assert [
        ("CASE-1", first),
        ("CASE-2", second),
        ("CASE-3", second),
        ("CASE-4", first),
    ] == decided


def wait_for_log(office: Office, text: str) -> bool:
    """Wait until the processes have said something."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if text in (office.home / "run.log").read_text("utf-8"):
            return True
        time.sleep(0.2)
    return False
