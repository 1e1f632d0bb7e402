"""`besa verify`, as the receiver of sealed files runs it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.deliver.file_drop import FileDrop
from tests.unit.deliver.events import attribute, event, sealed
from tests.unit.store.samples import KEY

Besa = Callable[..., Any]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """Give a folder with one sealed file."""
    folder = tmp_path / "drop"
    folder.mkdir()
    made = sealed(event(attribute("203.0.113.7")))
    FileDrop(folder, clock=lambda: datetime(2026, 6, 1, tzinfo=UTC)).deliver(made)
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Give the CSIRT's public key as a file."""
    made = tmp_path / "csirt.pem"
    made.write_bytes(KEY.public_pem())
    return made


def test_good_files_are_good(besa: Besa, home: Path, drop: Path, key: Path) -> None:
    """A folder as it was left is good, and nothing is made at the receiver's."""
    ended = besa("verify", drop, "--key", key, "--json")

    assert (0, True) == (ended.code, ended.json["ok"])
    assert ["kp-misp"] == [each["recipient"] for each in ended.json["files"]]
    assert "1 as sealed." in besa("verify", drop, "--key", key).text
    assert not home.exists()


def test_an_altered_file_is_named(besa: Besa, drop: Path, key: Path) -> None:
    """A file that was altered is named with what is wrong; the exit code is 1."""
    (body,) = drop.glob("*.misp-event.json")
    body.write_bytes(body.read_bytes() + b" ")

    ended = besa("verify", drop, "--key", key, "--json")

    assert (1, False) == (ended.code, ended.json["ok"])
    assert "not the one that was sealed" in ended.json["files"][0]["problem"]


def test_for_somebody_else_is_not_for_us(besa: Besa, drop: Path, key: Path) -> None:
    """With --recipient a file that is sealed for another one is not accepted."""
    assert 0 == besa("verify", drop, "-k", key, "-r", "kp-misp").code
    assert 1 == besa("verify", drop, "-k", key, "-r", "fiu-misp").code


def test_an_empty_folder_is_no_proof(besa: Besa, tmp_path: Path, key: Path) -> None:
    """Where no sealed file is, the answer is no."""
    (tmp_path / "empty").mkdir()

    assert 1 == besa("verify", tmp_path / "empty", "--key", key).code


def test_wrong_arguments_are_wrong_usage(besa: Besa, drop: Path, key: Path) -> None:
    """A key that is none, and a path that is not there, are wrong usage."""
    (drop / "no.pem").write_text("x")

    assert 2 == besa("verify", drop, "--key", drop / "no.pem").code
    assert 2 == besa("verify", drop / "nothing", "--key", key).code
