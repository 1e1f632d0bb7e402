"""How a command ends: one clear line, the right exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.cli import terminal
from broker.errors import (
    AuditError,
    BesaError,
    IntakeError,
    Problem,
    RulebookError,
    SettingsError,
    StoreError,
)

Besa = Callable[..., Any]


def raises(error: BaseException) -> int:
    """Run a program that raises, and return its exit code."""

    def program() -> None:
        raise error

    return terminal.run(program)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IntakeError("title", "it is empty"), 1),
        (AuditError("entry 3 was altered"), 1),
        (SettingsError("no keys"), 3),
        (StoreError("not reachable"), 3),
        (RulebookError((Problem("a.yaml", 1, 2, "odd"),)), 3),
        (BesaError("something"), 3),
        (KeyboardInterrupt(), 130),
        (ValueError("a secret value"), 3),
        (FileNotFoundError(2, "No such file", "x.json"), 3),
    ],
)
def test_every_error_has_its_exit_code(error: BaseException, code: int) -> None:
    """An answer of no is 1, a fault is 3, Ctrl-C is 130."""
    assert code == raises(error)


def test_an_unexpected_error_shows_neither_traceback_nor_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What nobody foresaw is named by its kind only: its text may quote an incident."""
    raises(ValueError("Arta Trilluari"))
    said = capsys.readouterr().err

    assert "ValueError" in said
    assert "Arta" not in said
    assert "Traceback" not in said


def test_every_problem_of_a_rulebook_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A wrong rulebook shows all its problems, each with file, line and advice."""
    first = Problem("a.yaml", 1, 2, "odd", "make it even")
    second = Problem("b.yaml", 0, 0, "missing")
    raises(RulebookError((first, second)))

    assert [
        "besa: a.yaml:1:2: odd (make it even)",
        "besa: b.yaml: missing",
    ] == capsys.readouterr().err.splitlines()


def test_text_of_an_attacker_cannot_drive_the_terminal() -> None:
    """Escape sequences and characters that turn the text around are made visible."""
    assert "a�[31mb �c" == terminal.plain("a\x1b[31mb\n\u202ec")
    assert "Përditësim 📱 Превара" == terminal.plain("Përditësim 📱 Превара")


def test_a_reader_that_has_gone_is_no_error(incident: Path) -> None:
    """`besa preview ... | head -1` says nothing about a broken pipe."""
    command = f"{sys.executable} -m broker.cli preview {incident} --json | head -1"
    ended = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "BESA_HOME": str(incident.parent / "none")},
    )

    assert b"{\n" == ended.stdout
    assert b"Broken" not in ended.stderr
    assert b"Traceback" not in ended.stderr


def printed(
    incident: Path, to: Path, **around: str
) -> subprocess.CompletedProcess[str]:
    """Let a preview be written to a file."""
    with to.open("w") as stream:
        return subprocess.run(
            [sys.executable, "-m", "broker.cli", "preview", str(incident)],
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **around},
            timeout=60,
            check=False,
        )


def test_a_reader_of_tables_that_has_gone_is_no_answer(incident: Path) -> None:
    """Nor is it where a table is printed; "no" would be another exit code."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as gone:
        done = subprocess.run(
            [sys.executable, "-m", "broker.cli", "preview", str(incident)],
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert terminal.BROKEN_PIPE == done.returncode
    assert "Traceback" not in done.stderr


def test_what_cannot_be_written_is_said(incident: Path) -> None:
    """A full disk is named, and is no mistake in Besa."""
    done = printed(incident, Path("/dev/full"))

    assert 3 == done.returncode
    assert "No space left on device" in done.stderr.splitlines()[-1]


def test_letters_that_a_terminal_lacks_are_shown_as_numbers(
    incident: Path, tmp_path: Path
) -> None:
    """A terminal that knows Latin letters only shows the others, too."""
    out = tmp_path / "out"

    done = printed(incident, out, PYTHONIOENCODING="latin-1")

    assert 0 == done.returncode, done.stderr
    assert "\\u2248" in out.read_text("latin-1")


def test_nothing_is_coloured_in_a_pipe(besa: Besa, incident: Path) -> None:
    """What is not a terminal gets no escape sequences."""
    assert b"\x1b" not in besa("preview", incident).out


@pytest.mark.parametrize(
    "name", ["91-bad-not-json", "92-bad-unknown-type", "93-bad-impossible-times"]
)
def test_bad_input_is_one_line_with_its_place(
    besa: Besa, incidents: Path, name: str
) -> None:
    """An unreadable incident is the answer no, on one line, without a traceback."""
    ended = besa("preview", incidents / f"{name}.json")

    assert 1 == ended.code
    assert 1 == len(ended.err.strip().splitlines())
    assert "vishing" not in ended.err


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries")]
)
def test_one_is_not_many(number: int, said: str) -> None:
    """What is counted stands in the singular exactly when there is one."""
    assert said == terminal.counted(number, "entry", "entries")
    assert said.replace("entries", "keys").replace("entry", "key") == (
        terminal.counted(number, "key")
    )
