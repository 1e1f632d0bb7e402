"""`besa policy new` on a terminal: what makes no sense is asked again, at once."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Each answer, with a part of its question; what makes no sense comes first.
DIALOGUE = (
    ("short name", "Customs!"),
    ("short name", "customs"),
    ("other party", "Customs of Kosovo"),
    ("Its role", "polise"),
    ("Its role", "police"),
    ("duty officer", "duty@customs.example"),
    ("How it is reached", ""),
    ("address of its MISP", "http://customs.example"),
    ("address of its MISP", "https://misp.customs.example"),
    ("The act", "Customs code"),
    ("The articles", "art. 5"),
    ("What for", "catching"),
    ("What for", ","),
    ("What for", "discovery, criminal investigation"),
    ("first day", "1.1.2027"),
    ("first day", "2027-01-01"),
    ("last day", "2026-01-01"),
    ("last day", "2028-12-31"),
    ("strictest TLP", "purple"),
    ("strictest TLP", "green"),
    ("strictest PAP", ""),
    ("may keep", "five years"),
    ("may keep", "365"),
    ("What is shared", "nonsense"),
    ("What is shared", "fraud/phising"),
    ("What is shared", "fraud/phishing, malicious-code"),
    ("least severity", "hi"),
    ("least severity", ""),
    ("article of the memorandum", "MoU art. 4"),
)


class Terminal:
    """A program on a terminal of its own, with a person who reads before answering."""

    def __init__(self, folder: Path) -> None:
        """Start `besa policy new` on a copy of the shipped rulebook."""
        for name in ("policies", "mappings"):
            shutil.copytree(ROOT / name, folder / name)
        places = {
            f"BESA_{n.upper()}": str(folder / n) for n in ("policies", "mappings")
        }
        self._person, program = pty.openpty()
        self.run = subprocess.Popen(
            [sys.executable, "-m", "broker.cli", "policy", "new"],
            stdin=program,
            stdout=program,
            stderr=program,
            cwd=folder,
            env={**os.environ, **places, "PYTHONPATH": str(ROOT), "COLUMNS": "400"},
            start_new_session=True,
        )
        os.close(program)
        self.said = ""

    def read_until(self, text: str) -> None:
        """Read until a text has appeared, and keep all that was said."""
        fresh, end = "", time.monotonic() + 60
        while text not in fresh and time.monotonic() < end:
            if not select.select([self._person], [], [], 0.2)[0]:
                continue
            try:
                part = os.read(self._person, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                break
            fresh += part
        self.said += fresh
        assert text in fresh, self.said

    def answer(self, dialogue: Iterable[tuple[str, str]]) -> None:
        """Wait for each question, and answer it."""
        for question, text in dialogue:
            self.read_until(question)
            os.write(self._person, text.encode() + b"\n")

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._person, keys)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterable[Terminal]:
    """Start the questions, and end them with the test."""
    started = Terminal(tmp_path)
    yield started
    started.run.kill()
    started.run.wait()


def test_an_answer_without_sense_is_asked_for_again(
    terminal: Terminal, tmp_path: Path
) -> None:
    """No wrong answer costs the answers before it, and the files pass the check."""
    terminal.answer(DIALOGUE)
    terminal.read_until("every case holds")

    assert 0 == terminal.run.wait(60)
    for remark in (
        "did you mean police?",
        "catching is not known here",
        "at least one is needed",
        "nonsense is no RSIT type or category (besa mappings show taxonomy",
        "did you mean fraud/phishing?",
        "a number of days",
    ):
        assert remark in terminal.said
    written = (tmp_path / "policies/agreements/customs.yaml").read_text("utf-8")
    assert "malicious-code/c2-server" in written
    assert "fraud/phishing" in written


def test_questions_that_are_broken_off_write_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Whoever ends the questions is told that nothing was written."""
    before = sorted(tmp_path.rglob("*"))
    terminal.answer(DIALOGUE[:3])
    terminal.read_until("Its role")
    terminal.type(b"\x04")
    terminal.read_until("nothing was written")

    assert 1 == terminal.run.wait(60)
    assert before == sorted(tmp_path.rglob("*"))
