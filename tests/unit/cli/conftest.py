"""The command line as a person uses it, without starting a process for each test."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broker.cli import terminal
from broker.cli.app import app_for
from broker.settings import Settings

INCIDENTS = Path(__file__).parents[3] / "broker" / "demo" / "incidents"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed as its result."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """Its result as JSON."""
        return json.loads(self.out)


Besa = Callable[..., Ended]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder that all settings point to."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BESA_{name.upper()}", raising=False)
    monkeypatch.setenv("BESA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "home"


@pytest.fixture
def besa(
    home: Path,  # noqa: ARG001 - commands run in it
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Besa:
    """Return a function that runs `besa` with arguments in the empty home."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["besa", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsysbinary.readouterr()
        code = terminal.run(app_for(str(next(iter(arguments), ""))))
        said = capsysbinary.readouterr()
        return Ended(code, said.out, said.err.decode())

    return run


@pytest.fixture
def incidents() -> Path:
    """Return the folder of the demo incidents."""
    return INCIDENTS


@pytest.fixture
def incident() -> Path:
    """Return the demo incident that every recipient gets some of."""
    return INCIDENTS / "01-bank-phishing.json"


@pytest.fixture
def exercise() -> Path:
    """Return the demo incident that nobody gets."""
    return INCIDENTS / "09-test.json"
