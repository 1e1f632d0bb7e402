"""What the guard stopped is explained by every command, and the value never named."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.office import Office, incident

SECRET = "Shpresa Kallezuesja"
# An observable is no free text: what stands there encoded only the guard sees.
WRITTEN = base64.b64encode(f"told by {SECRET} herself".encode()).decode()
WHY = "withheld-value at the whole document, a value of reporter.name"


@pytest.fixture
def office(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Office:
    """Give an installation with three reviewers."""
    return Office(tmp_path / "home", monkeypatch, capsysbinary)


def leaking() -> dict[str, Any]:
    """Return an incident whose reporter stands encoded in an observable."""
    agent = {"kind": "user-agent", "value": f"x {WRITTEN}", "role": "attacker"}
    return incident(
        classification="fraud/phishing",
        reporter={"name": SECRET},
        observables=[agent],
    )


def stopped(office: Office) -> dict[str, Any]:
    """Publish and read such an incident; return what is held."""
    office.publish(leaking())
    office.consume()
    return office.held()


def named(text: bytes | str) -> list[str]:
    """Return the value, and what it was written as, where either is named."""
    said = text.decode() if isinstance(text, bytes) else text
    return [each for each in (SECRET, WRITTEN) if each in said]


def test_explain_says_which_field_was_found(office: Office) -> None:
    """`besa explain` names the rule and the field beside the clauses, not the value."""
    office.publish(leaking())
    said = office.besa("explain", office.home / "incident.json", "-r", "kp-misp").out

    assert WHY in " ".join(said.decode().split())
    assert [] == named(said)


def test_status_alarm_and_list_say_why_it_is_held(office: Office) -> None:
    """Status, with its alarm, and the list of what is held name the field only."""
    stopped(office)
    status, listed = office.besa("status"), office.besa("held", "list")
    machine = office.besa("status", "--json")
    [alarm] = machine.json["alarms"]

    assert "breach" == alarm["kind"]
    for said in (status.out.decode(), listed.out.decode(), machine.out.decode()):
        assert "withheld-value" in said
        assert "reporter.name" in said
        assert [] == named(said)


def test_an_item_says_why_and_cannot_be_released(office: Office) -> None:
    """`besa held show` explains the breach above the draft, and nobody releases it."""
    held = stopped(office)
    shown = office.besa("held", "show", str(held["id"])).out.decode()
    why, draft = shown.split("What the guard stopped")

    assert WHY in " ".join(why.split())
    assert [] == named(why)
    assert [WRITTEN] == named(draft)
    assert "What would leave" not in shown
    refused = office.approve("arta")
    assert 1 == refused.code
    assert [] == named(refused.err)
    assert [] == office.rows("SELECT uid FROM outbox")


def test_no_table_but_the_draft_names_the_value(office: Office) -> None:
    """Of all that is stored only the draft that was stopped has the value."""
    stopped(office)
    master = "SELECT name FROM sqlite_master WHERE type = 'table'"
    naming = {
        table
        for (table,) in office.rows(master)
        for row in office.rows(f"SELECT * FROM {table}")  # noqa: S608 - its own tables
        for cell in row
        if isinstance(cell, str | bytes) and named(str(cell))
    }

    assert {"held"} == naming
