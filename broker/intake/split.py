"""Takes a file apart into messages: one for each incident that it holds.

Bytes of a file -> `Piece` by `Piece`, with their places. JSON Lines, lists of objects,
lists of MISP events, IODEF documents in JSON with several incidents, and CSV tables are
taken apart. XML and STIX bundles with several cases are not: what is common to them
would have to be guessed, so their readers refuse them and say what to do.

Invariants: pieces come in the order of the file; what is not taken apart is one piece,
to the letter; a piece that is wrong does not hide the others.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from broker.canonical import dumps, loads
from broker.errors import IntakeError
from broker.intake import csv_rows
from broker.intake.looks import looks_like
from broker.intake.message import refuse_twice
from broker.model.mapping import Tables

# So many lines are looked at to tell JSON Lines from other JSON that is broken.
_LOOKED_AT: Final = 9


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of a file.

    ``where`` is empty for a file that is one message, else the number of a line, or
    the place in a list such as ``[3]``. With a ``problem`` there is no message.
    """

    where: str
    body: bytes = field(repr=False)
    problem: IntakeError | None = None


def pieces(
    raw: bytes, tables: Tables, format_name: str | None = None
) -> Iterator[Piece]:
    """Yield the messages of a file.

    ``format_name`` is the format if somebody has said it. A file that cannot be taken
    apart is one piece, whose reader says what is wrong with it.
    """
    try:
        if format_name == "csv" or (format_name is None and _is_csv(raw, tables)):
            yield from _rows(raw, tables)
        elif format_name == "iodef-xml" or raw.lstrip()[:1] == b"<":
            yield Piece("", raw)
        else:
            yield from _json(raw)
    except IntakeError as problem:
        yield Piece("", b"", problem)


def _is_csv(raw: bytes, tables: Tables) -> bool:
    try:
        return looks_like(raw, tables) == "csv"
    except IntakeError:
        return False


def _json(raw: bytes) -> Iterator[Piece]:
    try:
        value = loads(raw)
    except ValueError:
        yield from _lines(raw)
        return
    several = _several(value)
    if several is None:
        yield Piece("", raw)
        return
    if value == []:
        raise IntakeError("", "it is a list that holds no incident")
    # What is written anew would keep one of two that are said twice.
    refuse_twice(raw, value)
    for where, item in several:
        yield Piece(where, dumps(item))


def _several(value: Any) -> Iterator[tuple[str, Any]] | None:
    """Return what a JSON value holds, with places, if it is more than one message."""
    if isinstance(value, list):
        return ((f"[{number}]", item) for number, item in enumerate(value))
    if not isinstance(value, dict):
        return None
    answer, incidents = value.get("response"), value.get("Incident")
    if isinstance(answer, list) and len(answer) > 1:
        return ((f"response[{number}]", item) for number, item in enumerate(answer))
    if isinstance(incidents, list) and len(incidents) > 1 and "version" in value:
        return (
            (f"Incident[{number}]", {**value, "Incident": [item]})
            for number, item in enumerate(incidents)
        )
    return None


def _lines(raw: bytes) -> Iterator[Piece]:
    """Yield JSON Lines, if the file looks like it.

    Its first line is an object by itself; or each of the first ones begins an object,
    and one of them is whole: then one that is broken does not hide the others, be it
    the first.
    """
    lines = raw.split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
    first = [line.strip() for line in lines if line.strip()]
    objects = [_is_object(line) for line in first]
    begun = all(line.startswith(b"{") for line in first)
    if not any(objects[: None if begun else 1]):
        yield Piece("", raw)
        return
    for number, line in enumerate(io.BytesIO(raw), 1):
        if body := line.strip():
            yield Piece(str(number), body)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(loads(line), dict)
    except ValueError:
        return False


def _rows(raw: bytes, tables: Tables) -> Iterator[Piece]:
    header, rows = csv_rows.split(raw, tables)
    table = csv_rows.mapping_of(header, tables)
    mark = table.delimiter if table else ","
    if not rows:
        raise IntakeError("", "it has a header and no rows")
    for number, row in enumerate(rows, 1):
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=mark).writerows([header, row])
        yield Piece(f"row {number}", text.getvalue().encode())
