"""Where the stand-in MISP keeps its state: one SQLite file in its home folder.

SQL -> rows; every request works inside one transaction.

Invariants: one process per home (a lock file), one connection, one request at a time
(:meth:`Store.working`), so no request sees half of another. What a request did before
MISP would have broken stays done (:meth:`Store.keep`), because a MISP is not atomic.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import orjson

from broker.errors import BesaError

Row = sqlite3.Row

_LOCAL_TAGS: Final = ("event_tags", "attribute_tags")
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


class SandboxError(BesaError):
    """The stand-in MISP cannot start or was set up wrongly."""


class Store:
    """The state of one stand-in MISP.

    Args:
        home: the folder that holds the state; made when missing, readable by its owner
            only, because it holds keys and incident data.
        clock: tells the time in seconds since 1970.

    Raises:
        SandboxError: another process already uses this home.
    """

    def __init__(self, home: Path, clock: Callable[[], float]) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock = clock
        self._closed = False
        self._guard = threading.RLock()
        self._file_lock = _locked(home / "misp.lock")
        self._connection = sqlite3.connect(
            home / "misp.sqlite", check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        schema = resources.files(__package__).joinpath("schema.sql")
        self._connection.executescript(schema.read_text())
        for table in _LOCAL_TAGS:
            # A home from before there were local tags.
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute(
                    f"ALTER TABLE {table} ADD COLUMN local INTEGER NOT NULL DEFAULT 0"
                )
        self._last_ids: dict[str, int] = {
            row["name"]: row["seq"]
            for row in self._connection.execute("SELECT * FROM sqlite_sequence")
        }

    def now(self) -> int:
        """The time in whole seconds since 1970."""
        return int(self._clock())

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Do one request alone; keep its work, or undo it when it fails.

        Raises:
            SandboxError: the server was stopped meanwhile.
        """
        with self._guard:
            if self._closed:
                raise SandboxError("the stand-in MISP was stopped")
            self._connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def keep(self) -> None:
        """Make what this request did so far final, whatever happens next."""
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row of a query."""
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """Change rows; answers how many were changed."""
        return self._connection.execute(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Add one row and answer its number."""
        return self.insert_many(table, [row])[0]

    def insert_many(self, table: str, rows: Iterable[Mapping[str, Any]]) -> list[int]:
        """Add rows that have the same fields, in one go; answers their numbers."""
        wanted = list(rows)
        if not wanted:
            return []
        first = self._last_ids.get(table, 0) + 1
        self._last_ids[table] = first + len(wanted) - 1
        fields = list(wanted[0])
        self._connection.executemany(
            f"INSERT INTO {table} (id, {', '.join(fields)})"  # noqa: S608 - our names
            f" VALUES (?{', ?' * len(fields)})",
            [(first + at, *row.values()) for at, row in enumerate(wanted)],
        )
        return list(range(first, first + len(wanted)))

    def update(self, table: str, row_id: int, fields: Mapping[str, Any]) -> None:
        """Change some fields of one row."""
        changes = ", ".join(f"{field} = ?" for field in fields)
        self.run(
            f"UPDATE {table} SET {changes} WHERE id = ?",  # noqa: S608 - our own names
            *fields.values(),
            row_id,
        )

    def close(self) -> None:
        """Close the file and let another process use the home."""
        with self._guard:
            self._closed = True
            self._connection.close()
        os.close(self._file_lock)


def json_list(values: Iterable[Any]) -> str:
    """Values for ``IN (SELECT value FROM json_each(?))``, however many they are."""
    return orjson.dumps(list(values)).decode()


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        message = f"{path.parent}: another stand-in MISP already uses this home"
        raise SandboxError(message) from None
    return descriptor
