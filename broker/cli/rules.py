"""`besa check` and `besa schema`: the policies, and the incident's shape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli import terminal
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.cases import CaseResult
    from broker.errors import Problem
    from broker.rulebook import Rulebook


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
    as_json: AsJson = False,
) -> None:
    """Check policies and mappings, and run their test cases.

    Shows every problem with its file and line. Exit code 1 when there is one.
    """
    from broker import prove
    from broker.cases import run_cases
    from broker.errors import RulebookError
    from broker.settings import read_rulebook_files

    policies, mappings = _folders(folder)
    files = read_rulebook_files(policies, mappings)
    try:
        book = prove.proved(files)
    except RulebookError as error:
        _report(None, (), error.problems, as_json=as_json)
        raise typer.Exit(ExitCode.NO) from None
    results = run_cases(files, book)
    problems = tuple(problem for result in results for problem in result.problems)
    _report(book, results, problems, as_json=as_json)
    if problems:
        raise typer.Exit(ExitCode.NO)


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
    *,
    as_json: bool,
) -> None:
    warnings = book.warnings if book else ()
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
                "problems": [_problem(problem) for problem in problems],
                "warnings": [_problem(warning) for warning in warnings],
            }
        )
        return
    out = terminal.stdout()
    for problem in problems:
        out.print(f"✗ {problem}", soft_wrap=True)
    for warning in warnings:
        out.print(f"! {warning}", soft_wrap=True)
    if book is None:
        out.print(f"{_counted(len(problems), 'problem')}; the rulebook cannot be used.")
        return
    names = ", ".join(route.agreement.agreement for route in book.routes)
    out.print(f"Rulebook {book.digest[:16]}: {names}")
    if not results:
        out.print("There are no cases.")
        return
    held = sum(result.holds for result in results)
    line = f"{held} of {_counted(len(results), 'case')} hold"
    out.print(
        f"{line}; {_counted(len(problems), 'problem')}." if problems else f"{line}."
    )


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "advice": problem.advice,
    }


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
