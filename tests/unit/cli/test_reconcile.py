"""`besa reconcile` from the terminal, on a real store and a real folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Besa = Callable[..., Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def drop(
    besa: Besa, incident: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give the folder of file drops to which an incident was delivered."""
    policies, folder = tmp_path / "policies", tmp_path / "out"
    shutil.copytree(ROOT / "policies", policies)
    folder.mkdir()
    for file in (policies / "recipients").glob("*.yaml"):
        kept = [
            line
            for line in file.read_text("utf-8").splitlines()
            if not line.startswith(("kind:", "url:", "credential:"))
        ]
        (folder / file.stem).mkdir()
        kept += ["kind: file-drop", f"url: file://{folder / file.stem}"]
        file.write_text("\n".join(kept) + "\n", "utf-8")
    monkeypatch.setenv("BESA_POLICIES", str(policies))
    assert besa("keys", "create").code == 0
    assert besa("publish", "--unchecked", incident).code == 0
    assert besa("consume", "--until-idle").code == 0
    assert besa("dispatch", "--until-idle").code == 0
    assert list(folder.rglob("*.seal.json"))
    return folder


@pytest.mark.usefixtures("drop")
def test_all_is_well(besa: Besa) -> None:
    """When everything is as it should be, the command says so and ends with 0."""
    ended = besa("reconcile", "--json")

    assert 0 == ended.code, ended.err
    assert ended.json["is_same"]
    assert ended.json["register"]["ok"]
    assert sum(one["same"] for one in ended.json["recipients"]) > 0


def test_a_difference_is_told_and_repaired(besa: Besa, drop: Path) -> None:
    """A lost file ends the command with 1; a repair and a dispatch bring it back."""
    body = next(drop.rglob("*.misp-event.json"))
    kept = body.read_bytes()
    body.unlink()

    told = besa("reconcile")
    assert 1 == told.code
    assert "missing" in told.text
    assert not body.exists()

    repaired = besa("reconcile", "--repair", "--json")
    rows = [row for one in repaired.json["recipients"] for row in one["rows"]]
    assert (1, ["queued"]) == (repaired.code, [row["repair"] for row in rows])
    assert besa("dispatch", "--until-idle").code == 0

    assert kept == body.read_bytes()
    assert 0 == besa("reconcile").code
    assert 0 == besa("audit", "verify").code


@pytest.mark.usefixtures("drop")
def test_an_unknown_recipient_is_wrong_usage(besa: Besa) -> None:
    """A recipient that does not exist is named, with those that do."""
    ended = besa("reconcile", "--recipient", "nobody")

    assert 2 == ended.code
    assert "no recipient nobody" in ended.err
