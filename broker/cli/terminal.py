"""What every command says, and how it ends: text, JSON, errors and exit codes.

Results go to standard output, everything else to standard error. Exit codes: 0 yes or
done, 1 the answer is no, 2 wrong usage, 3 a fault.

Invariants: an error is one clear line and never a traceback (unless ``--debug`` asks
for it); no colour where nobody looks (a pipe, ``NO_COLOR``); colour never says anything
that a word or a sign does not say too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import traceback
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from broker.errors import AuditError, BesaError, IntakeError, RulebookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from broker.cli.console import Console


class ExitCode(IntEnum):
    """How a command ends."""

    OK = 0
    NO = 1
    USAGE = 2
    FAULT = 3


INTERRUPTED: Final = 130  # what a shell reports for Ctrl-C
BROKEN_PIPE: Final = 141  # what a shell reports when the reader has gone

AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, for programs.")
]

_state = {"debug": False}


def show_tracebacks() -> None:
    """Let unexpected errors show their traceback: for developers only.

    A traceback may quote the values that a function was working on.
    """
    _state["debug"] = True


def stdout() -> Console:
    """Return the console for results."""
    from broker.cli.console import Console

    return Console()


def stderr() -> Console:
    """Return the console for everything that is not a result."""
    from broker.cli.console import Console

    return Console(to_stderr=True)


def plain(text: str) -> str:
    """Return a text as it may be shown on a terminal.

    What an attacker wrote must not move the cursor, ring the bell or turn the reading
    direction around, so every character that shows nothing becomes a replacement
    character.
    """
    return "".join(
        char if char.isprintable() else " " if char in "\n\t\r" else "�"
        for char in text
    )


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number and what it counts: ``1 message``, ``2 messages``."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def print_json(value: Any) -> None:
    """Print a result as JSON, indented, in the order in which it was built."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # A lone surrogate or a terminal that is not UTF-8 must not end in a traceback.
    write(text.encode("utf-8", "backslashreplace") + b"\n")


def as_json(value: Any) -> Any:
    """Return records as JSON values: times in RFC 3339, and everything else by name."""
    from dataclasses import asdict, is_dataclass
    from datetime import datetime

    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case dict():
            return {name: as_json(inner) for name, inner in value.items()}
        case list() | tuple():
            return [as_json(inner) for inner in value]
    return value


def write(data: bytes) -> None:
    """Write bytes to standard output as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def read_input(file: Path, most: int = -1) -> bytes:
    """Return what is in a file, or in standard input when it is called ``-``.

    Ends the command as wrongly used when there is no such file.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with file.open("rb") as stream:
            return stream.read(most)
    except IsADirectoryError:
        wrong_usage(f"{file}: is a folder; name one file in it")
    except OSError as error:
        wrong_usage(f"{file}: {error.strerror or 'cannot be read'}")


def note(text: str) -> None:
    """Tell the person at the terminal something that is not part of the result."""
    _say("besa: ", "", text)


def warn(text: str) -> None:
    """Tell the person at the terminal something that they should not overlook."""
    _say("besa: warning: ", "yellow", text)


def stop(code: ExitCode, problem: str = "") -> NoReturn:
    """End the command with this exit code, after saying why."""
    if problem:
        _say("besa: ", "bold red", problem)
    raise typer.Exit(int(code))


def wrong_usage(problem: str) -> NoReturn:
    """End the command because it was called in a way that makes no sense."""
    stop(ExitCode.USAGE, problem)


def run(app: Callable[[], None]) -> int:
    """Run the program and return its exit code, whatever happens inside.

    Every error that Besa can explain becomes its message, everything else a short
    apology.
    """
    _show_what_cannot_be_shown()
    try:
        app()
    except SystemExit as ended:
        return _flushed(ended.code if isinstance(ended.code, int) else ExitCode.FAULT)
    except BesaError as error:
        return _explained(error)
    except BrokenPipeError:
        return _nobody_reads()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last line of defence
        return _unexpected(error)
    return _flushed(ExitCode.OK)


def _show_what_cannot_be_shown() -> None:
    """Let letters that a terminal does not have appear as their numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that it tidies up."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


@contextlib.contextmanager
def on_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on SIGTERM and Ctrl-C, for a loop that ends in good order.

    A second Ctrl-C ends the process at once.
    """
    told: list[int] = []

    def tell(number: int, _frame: object) -> None:
        if told and number == signal.SIGINT:
            raise KeyboardInterrupt
        told.append(number)
        stop()

    before = {n: signal.signal(n, tell) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def log_to_stderr(level: str) -> None:
    """Write Besa's own log lines to standard error, one line each.

    Other libraries' lines are left out below a warning: they may quote what they send.
    """
    import logging

    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING
    )
    logging.getLogger("besa").setLevel(level.upper())


def exit_code_of(error: BesaError) -> ExitCode:
    """Return what an error means for the exit code.

    An incident that cannot be read and a register that was altered are answers; the
    rest are faults.
    """
    return (
        ExitCode.NO if isinstance(error, IntakeError | AuditError) else ExitCode.FAULT
    )


def _explained(error: BesaError) -> int:
    if _state["debug"]:
        traceback.print_exc()
    if isinstance(error, RulebookError):
        for problem in error.problems:
            _say("besa: ", "bold red", str(problem))
    else:
        _say("besa: ", "bold red", str(error) or type(error).__name__)
    return exit_code_of(error)


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.strerror:
        where = error.filename or "not done"
        _say("besa: ", "bold red", f"{where}: {error.strerror}")
        return ExitCode.FAULT
    if _state["debug"]:
        traceback.print_exc()
    # Only the kind of the error: its text may quote an incident.
    _say(
        "besa: ",
        "bold red",
        f"unexpected {type(error).__name__}; this is a mistake in Besa "
        "(`besa --debug ...` shows where)",
    )
    return ExitCode.FAULT


def _flushed(code: int) -> int:
    """Write what is still waiting; the reader may be gone by now."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except OSError as error:
        _nobody_reads()
        return _unexpected(error)
    return code


def _nobody_reads() -> int:
    # The interpreter flushes once more when it ends, and would complain about it.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _say(prefix: str, style: str, text: str) -> None:
    """Print one line to standard error, in colour only where a person looks."""
    try:
        if sys.stderr.isatty():
            from rich.text import Text

            line = Text(prefix, style=style) + Text(text, style="default")
            stderr().print(line, soft_wrap=True)
        else:
            sys.stderr.write(f"{prefix}{text}\n")
    except BrokenPipeError:
        _state["debug"] = False
