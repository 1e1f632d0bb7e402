"""`besa convert`: what Besa understands of a message in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from broker.cli import terminal
from broker.cli.input_files import (
    found_in,
    in_its_place,
    named,
    pieces_of,
    place_of,
    read_tables,
    say_what_is_left,
)
from broker.cli.look import FormatOption
from broker.cli.terminal import AsJson, ExitCode

if TYPE_CHECKING:
    from broker.intake.parsed import Parsed


def convert(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            parser=named,
            help="The message; - reads it from standard input.",
        ),
    ],
    to: Annotated[
        Literal["native"],
        typer.Option("--to", help="The format to convert to: Besa's own."),
    ] = "native",
    format_name: FormatOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what Besa understands of a message in any format.

    The incident is printed in Besa's own format, so that it can be kept, corrected and
    published; what was left behind is told on standard error, each with its path in
    the message. Nothing is sent and nothing is stored. A file with several incidents
    gives one line for each.
    """
    del to  # there is one for now, and naming it keeps scripts readable
    from broker.errors import IntakeError
    from broker.intake import read
    from broker.model.intake import CONTENT_TYPES

    tables = read_tables()
    said = CONTENT_TYPES[format_name] if format_name else None
    found: list[dict[str, Any]] = []
    refused = 0
    for path, piece in pieces_of(found_in([file]), tables, format_name):
        place = place_of(path, piece)
        try:
            if piece.problem is not None:
                raise piece.problem
            name, parsed = read(piece.body, said, tables)
        except IntakeError as problem:
            refused += 1
            terminal.warn(f"{place}: {in_its_place(problem, piece)}")
        else:
            found.append(_told(name, parsed, piece.where))
            say_what_is_left(place, name, parsed.left_behind)
    if as_json:
        terminal.print_json(found)
    else:
        _print([one["incident"] for one in found], alone=len(found) + refused == 1)
    if refused:
        terminal.stop(ExitCode.NO)


def _told(name: str, parsed: Parsed, where: str) -> dict[str, Any]:
    dumped = parsed.incident.model_dump(mode="json", exclude_none=True)
    # What is not said is what it is without saying so.
    incident = {key: value for key, value in dumped.items() if value not in ([], {})}
    return {
        "where": where,
        "format": name,
        "incident": incident,
        "left_behind": list(parsed.left_behind),
    }


def _print(incidents: list[dict[str, Any]], *, alone: bool) -> None:
    if alone and incidents:
        terminal.print_json(incidents[0])
        return
    from broker.canonical import dumps

    for incident in incidents:
        terminal.write(dumps(incident) + b"\n")
