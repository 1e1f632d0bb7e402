"""The moment that a command looks at: `--at DATE`, or now.

What a person wrote -> a time in UTC. It takes the clock's place wherever a real
decision asks the clock, so there is no second meaning of "now".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from broker.cli import terminal

if TYPE_CHECKING:
    from pydantic import ValidationError

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WRITE: Final = "write a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z"

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="DATE",
        help="As it would be then: a day (from 00:00 UTC) or a time with its zone; "
        "without it, now.",
    ),
]


def moment(written: str | None) -> datetime | None:
    """Return the moment that `--at` names, as times in incidents are read.

    A day is its first moment in UTC, because agreements begin and end with days of UTC.
    Ends the command when it names none.
    """
    if written is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from broker.model.incident import Time

    text = f"{written}T00:00:00Z" if _DAY.fullmatch(written) else written
    try:
        found: datetime = TypeAdapter(Time).validate_python(text)
    except ValidationError as error:
        shown = terminal.plain(written)
        terminal.wrong_usage(f"--at {shown}: {_problem(error)}; {_WRITE}")
    return found


def words(at: datetime) -> str:
    """Return a moment for a person: ``2027-01-31 12:00 UTC``."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at.second else f"{at:%Y-%m-%d %H:%M} UTC"


def _problem(error: ValidationError) -> str:
    [found] = error.errors()
    if found["type"] == "timezone_aware":
        return "has no time zone"
    if "years" in found["msg"]:
        return "is not between the years 1980 and 2100"
    return "is no such day or time"
