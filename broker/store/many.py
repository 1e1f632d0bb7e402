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
        text, ordered = _statement(table, tuple(rows[0]), _Way(connection.dialect))
        parameters = [ordered(row) for row in rows] if ordered else list(rows)
        connection.exec_driver_sql(text, parameters)


class _Way:
    """A dialect that equals every other one that writes statements as it does.

    Each open store has a dialect of its own.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._as = (type(dialect), dialect.paramstyle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Way) and self._as == other._as

    def __hash__(self) -> int:
        return hash(self._as)


@lru_cache(maxsize=64)
def _statement(
    table: Table, columns: tuple[str, ...], way: _Way
) -> tuple[str, Callable[[Row], Any] | None]:
    """Return the text, and how to put a row in its order if it counts positions."""
    made = insert(table).inline()
    compiled = made.compile(dialect=way.dialect, column_keys=columns)
    positions = compiled.positiontup
    return str(compiled), itemgetter(*positions) if positions else None
