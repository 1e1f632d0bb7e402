"""Many rows into one table with one statement, at the driver's own speed.

SQLAlchemy writes the statement once per table and database; after that the rows go to
the driver as they are, because converting them row by row costs more than storing them.
So a row must hold only what both drivers know: int, str, bytes, bool and None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

Row = Mapping[str, Any]


def add_many(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns; without rows, do nothing."""
    if rows:
        text, ordered = _statement(table, tuple(rows[0]), connection.dialect)
        parameters = [ordered(row) for row in rows] if ordered else list(rows)
        connection.exec_driver_sql(text, parameters)


@lru_cache(maxsize=64)
def _statement(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> tuple[str, Callable[[Row], Any] | None]:
    """Return the text, and how to put a row in its order if it counts positions."""
    compiled = insert(table).inline().compile(dialect=dialect, column_keys=columns)
    positions = compiled.positiontup
    return str(compiled), itemgetter(*positions) if positions else None
