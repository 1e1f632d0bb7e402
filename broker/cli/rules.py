"""`besa check` and `besa schema`: the policies, and the incident's shape."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.cases import CaseResult
    from broker.errors import Problem
    from broker.rulebook import Rulebook
    from broker.strict_yaml import Document, Parse

_WATCH_SECONDS: Final = 0.5
_BEFORE: Final = 60
_WIDEST: Final = 100
_CASES: Final = "policies/cases/"


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="A folder with policies and mappings in it; else those in use.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again whenever a file is saved.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check policies and mappings, and run their test cases.

    Shows every problem with its file, line and column. Exit code 1 when there is one.
    """
    if watch and as_json:
        terminal.wrong_usage("--watch is for a person, and --json for a program")
    if watch:
        gc.enable()  # see `broker.cli.app.besa`
        _watch(_folders(folder))
        return
    if not _check(_folders(folder), as_json=as_json):
        raise typer.Exit(ExitCode.NO)


def _check(folders: tuple[Path, Path], *, as_json: bool) -> bool:
    """Check once and say what was found; return whether the rulebook may be used.

    In two processes: a second one reads what the files say while this one imports what
    makes a rulebook of it; then, while this one runs the cases and proves what must
    never happen, another tries what the guardrails have a place for.
    """
    from broker.cli.beside import beside
    from broker.errors import RulebookError
    from broker.settings import read_rulebook_files
    from broker.strict_yaml import parse as read
    from broker.strict_yaml import unfinished

    files = read_rulebook_files(*folders)
    with beside(lambda: _parsed(files, read)) as parsed:
        # To import these takes as long as to read the files.
        from broker.cases import run_cases
        from broker.cli.reach import too_narrow
        from broker.prove.never import disproved
        from broker.rulebook import build, lapses

        parse = _known(parsed(), read)
    try:
        book = build(files, parse)
    except RulebookError as error:
        _report(None, (), error.problems, (), files, as_json=as_json)
        return False
    with beside(lambda: tuple(too_narrow(files, book, parse))) as tried:
        results = run_cases(files, book, parse)
        broken = disproved(files, book, parse)
        if broken:
            _report(None, (), broken, (), files, as_json=as_json)
            return False
        narrow = tried()
    failed = (problem for result in results for problem in result.problems)
    problems = (*unfinished(files), *failed)
    ending = (lapse.problem() for lapse in lapses(book, datetime.now(UTC).date()))
    warnings = (*book.warnings, *ending, *narrow)
    _report(book, results, problems, warnings, files, as_json=as_json)
    return not problems


def _parsed(files: Mapping[str, bytes], read: Parse) -> dict[str, Document]:
    """Return what files say, of those that can be read."""
    from broker.errors import RulebookError

    found: dict[str, Document] = {}
    for name, data in files.items():
        # What is wrong with the others is said when it is their turn.
        with contextlib.suppress(RulebookError):
            found[name] = read(name, data)
    return found


def _known(documents: Mapping[str, Document], read: Parse) -> Parse:
    """Return what reads a file that is not among the documents."""
    return lambda name, data: documents.get(name) or read(name, data)


def _watch(folders: tuple[Path, Path]) -> None:
    """Check, and check again after each change, until the person stops it."""
    from broker.errors import BesaError

    seen: object = None
    while True:
        now = _state(folders)
        if now != seen:
            seen = now
            terminal.stdout().clear()
            try:
                _check(folders, as_json=False)
            except BesaError as error:
                # A folder that is gone for a moment, or a file that cannot be read.
                terminal.note(str(error))
            when = datetime.now().astimezone().strftime("%H:%M:%S")
            terminal.note(f"checked at {when}; Ctrl-C ends it")
        time.sleep(_WATCH_SECONDS)


def _state(folders: tuple[Path, Path]) -> object:
    """Return what changes when a file is saved, added or removed."""
    from broker.errors import SettingsError
    from broker.yaml_folder import meant_as_yaml

    found: list[tuple[str, int, int]] = []
    for folder in folders:
        # What cannot be read, checking says.
        with contextlib.suppress(SettingsError):
            for path in meant_as_yaml(folder):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    found.append((str(path), status.st_mtime_ns, status.st_size))
    return found


def schema() -> None:
    """Print the JSON Schema of an incident.

    An incident that fits it can still be refused: for an impossible order of times, or
    a type that the RSIT does not have.
    """
    from broker.model.incident import Incident

    terminal.print_json(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:besa:incident:1",
            **Incident.model_json_schema(),
        }
    )


def _folders(folder: Path | None) -> tuple[Path, Path]:
    from broker.settings import read_settings

    settings = read_settings()
    if folder is None:
        return settings.policies_folder, settings.mappings_folder
    # A folder of policies alone is checked against the mappings in use.
    inside, beside = folder / "policies", folder / "mappings"
    return (
        inside if inside.is_dir() else folder,
        beside if beside.is_dir() else settings.mappings_folder,
    )


def _report(
    book: Rulebook | None,
    results: tuple[CaseResult, ...],
    problems: tuple[Problem, ...],
    warnings: tuple[Problem, ...],
    files: Mapping[str, bytes],
    *,
    as_json: bool,
) -> None:
    if as_json:
        terminal.print_json(
            {
                "ok": not problems,
                "rulebook": book.digest if book else None,
                "agreements": [route.agreement.agreement for route in book.routes]
                if book
                else [],
                "cases": {
                    "run": len(results),
                    "hold": sum(result.holds for result in results),
                },
                "problems": [_problem(problem, files) for problem in problems],
                "warnings": [_problem(warning, files) for warning in warnings],
            }
        )
        return
    for sign, told in (("✗", problems), ("!", warnings)):
        for each in told:
            _say(f"{sign} {each}")
            _show(each, files)
    if book is None:
        found = terminal.counted(len(problems), "problem")
        _say(f"{found}; the rulebook cannot be used.")
        return
    names = ", ".join(route.agreement.agreement for route in book.routes)
    width = get_terminal_size().columns
    for line in wrap(
        f"Rulebook {book.digest[:16]}: {names}", width, break_on_hyphens=False
    ):
        _say(line)
    if not results:
        _say("There are no cases.")
        return
    held = sum(result.holds for result in results)
    line = f"{held} of {terminal.counted(len(results), 'case')} hold"
    found = f"; {terminal.counted(len(problems), 'problem')}" if problems else ""
    _say(f"{line}{found}.")


def _say(line: str) -> None:
    """Print one line; Rich takes longer to import than all of them to be found."""
    typer.echo(terminal.plain(line))


def _problem(problem: Problem, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": _line(problem, files),
        "message": problem.message,
        "advice": problem.advice,
    }


def _show(problem: Problem, files: Mapping[str, bytes]) -> None:
    """Show the line that is meant, and where in it."""
    text = _line(problem, files)
    if not text.strip():
        return
    start = max(0, problem.column - _BEFORE)
    shown = text[start : start + _WIDEST]
    before = len(shown) - len(shown.lstrip())
    _say(f"    {shown.strip()}")
    caret = problem.column - 1 - start - before
    if 0 <= caret < len(shown):
        _say(f"    {' ' * caret}^")


def _line(problem: Problem, files: Mapping[str, bytes]) -> str:
    """Return the line of a file that a problem is about; nothing for a whole file.

    Nor of a case: what stands in it may be an incident, invented as it should be.
    """
    if problem.file.startswith(_CASES):
        return ""
    lines = files.get(problem.file, b"").split(b"\n")
    if not 0 < problem.line <= len(lines):
        return ""
    text = lines[problem.line - 1].decode("utf-8", "replace")
    # The file may hold anything; it must not move the cursor.
    return terminal.plain(text)
