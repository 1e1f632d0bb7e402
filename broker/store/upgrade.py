"""An older store becomes today's, in one transaction; and a copy of it before that.

URL -> what schema is there; migrated with Alembic (`migrations/versions/`); copied
while others write (SQLite's backup, https://sqlite.org/backup.html).

Invariants: a migration is stored as a whole or not at all; a copy that was not proved
whole is not left behind; nothing here is imported by a process that shares.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.engine import make_url

from broker.errors import StoreError
from broker.store.connect import Database, connect, lock_layout, schema_of
from broker.store.tables import SCHEMA, audit, meta, version

_PAGES: Final = 1000  # copied at a time; others may write in between


@dataclass(frozen=True, slots=True)
class Found:
    """What was found at the store's URL.

    ``schema`` is nothing where there is no store yet. ``damage`` is empty when the
    database finds itself whole, or cannot be asked (PostgreSQL).
    """

    schema: int | None
    needed: int
    entries: int
    damage: str

    @property
    def current(self) -> bool:
        """Whether this Besa can use it as it is."""
        return self.schema == self.needed and not self.damage


def look(url: str) -> Found:
    """Look at the store without changing it.

    Raises:
        StoreError: the database cannot be reached or read.
    """
    database = connect(url)
    try:
        found = schema_of(database)
        entries, damage = 0, ""
        if found is not None:
            with database.read() as connection:
                count = select(func.count()).select_from(audit)
                entries = connection.scalar(count) or 0
                damage = _damage(connection)
    finally:
        database.close()
    return Found(found, SCHEMA, entries, damage)


def _damage(connection: Connection) -> str:
    if connection.dialect.name != "sqlite":
        return ""
    said = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    return "" if said == "ok" else f"SQLite finds damage: {said}"


def upgrade(url: str) -> tuple[int | None, int]:
    """Bring the store to today's schema; return the schema before and after.

    Raises:
        StoreError: a newer Besa wrote it, or the database refused; nothing is changed.
    """
    database = connect(url)
    try:
        before = schema_of(database)
        if before is not None and before > SCHEMA:
            raise StoreError(
                f"the store has schema {before}, and this Besa knows {SCHEMA}: "
                "it was written by a newer one"
            )
        if before != SCHEMA:
            _migrate(database)
    finally:
        database.close()
    return before, SCHEMA


def _migrate(database: Database) -> None:
    # Loaded here: only this command needs it, and it takes longer than most commands.
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "broker.store:migrations")
    with database.write() as connection:
        lock_layout(connection)
        settings.attributes["connection"] = connection
        _mark(connection)
        command.upgrade(settings, "head")


def _mark(connection: Connection) -> None:
    """Note the schema of a store that was laid out before there were migrations."""
    known = inspect(connection)
    if not known.has_table(meta.name) or known.has_table(version.name):
        return
    found = connection.scalar(select(meta.c.value).where(meta.c.name == "schema"))
    version.create(connection)
    connection.execute(version.insert(), [{"version_num": str(found)}])


def backup(url: str, to: Path) -> int:
    """Copy a SQLite store to a new file, while others use it; return its bytes.

    Raises:
        StoreError: it is not SQLite, there is no store, the file exists already, or
            the copy is not whole; no file is left behind then.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        name = parsed.database or "besa"
        raise StoreError(
            "this store is PostgreSQL, which has its own tool for a copy: "
            f"pg_dump --format=custom --file={to} {name}"
        )
    source = Path(parsed.database or "")
    if not source.is_file():
        raise StoreError(f"there is no store at {source}")
    try:
        # Made with its mode: there is no moment when others can read it.
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreError(f"{to} cannot be made: {error.strerror}") from None
    try:
        _copy(source, to)
    except (sqlite3.Error, StoreError) as error:
        to.unlink()
        raise StoreError(f"the copy failed: {error}") from None
    return to.stat().st_size


def _copy(source: Path, to: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(to)) as writing,
    ):
        reading.backup(writing, pages=_PAGES)
        # The copy is one file: without a journal beside it, it can be moved alone.
        writing.execute("PRAGMA journal_mode = DELETE")
        (said,) = writing.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise StoreError(f"SQLite finds damage in it: {said}")
