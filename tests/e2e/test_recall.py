"""A recall through the commands, from the terminal to the recipient's server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from broker.sandbox.misp import Knobs, MispSandbox, Refusal
from tests.e2e.office import Office, incident
from tests.e2e.test_feedback import tag
from tests.waiting import eventually

KP = "kp-misp"
UID = "KOS-2026-11"
WHY = ("--because", "the address belongs to a hospital")


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation with three reviewers."""
    return Office(tmp_path / "home", monkeypatch, capsysbinary)


@pytest.fixture
def misp(tmp_path: Path, office: Office) -> Iterator[MispSandbox]:
    """Start the police's MISP, and give the dispatch zone its key."""
    with MispSandbox(tmp_path / "misp") as server:
        credentials = office.home / "credentials"
        credentials.mkdir(mode=0o700)
        said = json.dumps({"key": server.keys["sync"], "url": server.url})
        handle = os.open(credentials / f"{KP}.json", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(said)
        yield server


def shared(revision: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an incident that the police get without a review."""
    made: dict[str, Any] = {"classification": "fraud/phishing", "severity": "high"}
    return incident(UID, revision, **{**made, **changes})


def event(office: Office, misp: MispSandbox) -> dict[str, Any]:
    """Return the event that the police's server holds."""
    share = office.rows("SELECT share FROM outbox")[0][0]
    answer = requests.get(
        f"{misp.url}/events/view/{share}",
        headers={"Authorization": misp.keys["sync"], "Accept": "application/json"},
        timeout=60,
    )
    answer.raise_for_status()
    return dict(answer.json()["Event"])


def values(found: dict[str, Any]) -> set[str]:
    """Return the values that an event shows."""
    parts = [*found["Attribute"], *(a for o in found["Object"] for a in o["Attribute"])]
    return {part["value"] for part in parts}


def test_a_recall_reaches_the_recipient_and_is_confirmed(
    office: Office, misp: MispSandbox
) -> None:
    """Taken back without the source's help, listed until somebody confirms it."""
    office.publish(shared())
    office.consume()
    office.besa("dispatch", "--until-idle")
    before = values(event(office, misp))
    shutil.rmtree(office.home / "spool")
    ordered = office.besa("recall", UID, *WHY, "--json")
    early = office.besa("recall", "acknowledge", UID, "-r", KP, "--by", "Lt. Hoti")
    office.consume()
    office.besa("dispatch", "--until-idle")
    found = event(office, misp)
    waiting = office.besa("recall", "list", "--json").json["recalls"]
    status = office.besa("status", "--json").json
    confirmed = office.besa("recall", "acknowledge", UID, "-r", KP, "--by", "Lt. Hoti")
    after = office.besa("recall", "list", "--json").json["recalls"]

    assert "198.51.100.1" in before
    assert [KP] == [one["recipient"] for one in ordered.json["has"]]
    assert set() == values(found)
    assert found["published"] is False
    assert 1 == early.code
    assert [(2, "ordered", False)] == [
        (one["edition"], one["cause"], one["overdue"]) for one in waiting
    ]
    assert waiting[0]["delivered_at"]
    assert 1 == status["recalls_waiting"]
    assert 0 == confirmed.code, confirmed.err
    assert [] == after
    assert 0 == office.besa("audit", "verify").code
    assert not office.rows("SELECT 1 FROM audit WHERE facts LIKE '%hospital%'")


def test_a_tag_of_the_unit_confirms_a_recall(office: Office, misp: MispSandbox) -> None:
    """What the unit says in its own MISP ends the wait, and not before it says so."""
    office.publish(shared())
    office.consume()
    office.besa("dispatch", "--until-idle")
    office.besa("recall", UID, *WHY)
    office.consume()
    office.besa("dispatch", "--until-idle")
    share = office.rows("SELECT share FROM outbox")[0][0]
    early = office.besa("feedback", "poll", "--json")
    before = office.besa("recall", "list", "--json").json["recalls"]
    tag(misp, share, 'besa:recall="acknowledged"')
    polled = office.besa("feedback", "poll", "--json")
    [recall] = office.besa("recall", "list", "--all", "--json").json["recalls"]

    assert (0, 0) == (early.code, polled.code), polled.err
    assert 1 == len(before)
    assert "tag" == recall["acknowledged_by"]
    assert recall["acknowledged_at"]
    assert 0 == office.besa("audit", "verify").code


def test_after_a_recall_two_people_share_it_again(
    office: Office, misp: MispSandbox
) -> None:
    """A newer revision is held and says why; what two release arrives again."""
    office.publish(shared())
    office.consume()
    office.besa("dispatch", "--until-idle")
    office.besa("recall", UID, *WHY)
    office.consume()
    office.besa("dispatch", "--until-idle")
    office.publish(shared(2, title="Corrected"))
    office.consume()
    held = office.held()
    office.approve("arta")
    one_person = office.rows("SELECT count(*) FROM outbox")[0][0]
    office.approve("besnik")
    office.consume()
    office.besa("dispatch", "--until-idle")

    assert held["why"].startswith("recalled on ")
    assert 2 == one_person
    assert "198.51.100.2" in values(event(office, misp))
    assert "198.51.100.1" not in values(event(office, misp))
    assert [] == office.besa("recall", "list", "--json").json["recalls"]
    assert 0 == office.besa("audit", "verify").code


def test_a_dead_recipient_gets_the_recall_when_it_is_back(
    office: Office, misp: MispSandbox
) -> None:
    """After a weekend, a server that was tried gets the recall and nothing before."""
    misp.faults = Knobs(refuse=Refusal.CLOSE)
    office.publish(shared(observables=_many(20)))
    with running(office):
        assert eventually(lambda: _attempts(office) >= 2)
        office.besa("recall", UID, *WHY)
        assert eventually(lambda: bool(_recalls(office)))
        during = _recalls(office)
        misp.faults = Knobs()
        assert eventually(lambda: _recalled(office))

    assert [None] == during
    assert set() == values(event(office, misp))
    assert [("superseded",), ("delivered",)] == office.rows(
        "SELECT state FROM outbox ORDER BY id"
    )
    assert 0 == office.besa("audit", "verify").code


def _attempts(office: Office) -> int:
    if not (office.home / "besa.sqlite").exists():
        return 0
    try:
        return sum(n for (n,) in office.rows("SELECT attempts FROM outbox"))
    except sqlite3.OperationalError:
        return 0  # the store is being made


def _recalls(office: Office) -> list[Any]:
    return [at for (at,) in office.rows("SELECT delivered_at FROM recalls")]


def _many(number: int) -> list[dict[str, Any]]:
    return [
        {"kind": "ipv4", "value": f"203.0.113.{n}", "role": "attacker"}
        for n in range(1, number + 1)
    ]


def test_an_agreement_ends_while_besa_runs(office: Office, misp: MispSandbox) -> None:
    """On its new last day the running processes take everything back by themselves."""
    office.publish(shared())
    with running(office):
        assert eventually(lambda: "198.51.100.1" in _shown(office, misp))
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        end_agreement(office, yesterday)
        assert eventually(lambda: _shown(office, misp) == set() and _recalled(office))

    assert ["expired"] == [
        one["cause"] for one in office.besa("recall", "list", "--json").json["recalls"]
    ]
    assert 0 == office.besa("audit", "verify").code


def test_a_recall_while_besa_runs(office: Office, misp: MispSandbox) -> None:
    """The terminal gives the word, and the two processes do the rest."""
    office.publish(shared())
    with running(office):
        assert eventually(lambda: "198.51.100.1" in _shown(office, misp))
        ended = office.besa("recall", UID, *WHY)
        assert eventually(lambda: _shown(office, misp) == set() and _recalled(office))

    assert 0 == ended.code


def end_agreement(office: Office, last: date) -> None:
    """Let the agreement with the police end on a day, as an operator does."""
    office.edit(
        "agreements/kp-cybercrime.yaml",
        "valid: {from: 2026-01-01, until: 2028-12-31}",
        f"valid: {{from: 2026-01-01, until: {last}}}",
    )


class running:  # noqa: N801 - read as a sentence
    """`besa run` in a process of its own, ended when the block ends."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def __enter__(self) -> None:
        """Start it."""
        log = (self._office.home / "run.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "run"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
        )
        log.close()

    def __exit__(self, *_: object) -> None:
        """End it in good order."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)


def _shown(office: Office, misp: MispSandbox) -> set[str]:
    """Return what the police's event shows; nothing yet when there is none."""
    if not (office.home / "besa.sqlite").exists():
        return {"-"}
    try:
        return values(event(office, misp))
    except (IndexError, sqlite3.OperationalError, requests.RequestException):
        return {"-"}  # the store, or the event, is being made


def _recalled(office: Office) -> bool:
    return [bool(at) for at in _recalls(office)] == [True]
