"""The way to the database: SQLite on one machine, PostgreSQL for several.

URL -> `Database`, which gives transactions: `read()` sees one moment, `write()` is all
or nothing. What only one of the two databases understands stands in this file alone.

Durability: a message is confirmed to Kafka after its batch is committed, so a committed
batch must survive a loss of power. SQLite therefore writes ahead (WAL) with
``synchronous=FULL``: one sync per commit, and a commit holds a whole batch.

# INVARIANT: no error leaves this file with a statement's parameters in it.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    OperationalError,
    SQLAlchemyError,
)

from broker.audit import GENESIS
from broker.errors import StoreError, StoreUnavailable
from broker.store.tables import SCHEMA, head, meta, metadata, version

_BUSY_SECONDS: Final = 20.0
_LOCKS: Final[dict[str, threading.Lock]] = {}
_WRITES: Final = "besa_writes"
# Bytes of an SQLite store: of a page, of pages in memory, and of the file that changes
# are written to before they are put in their place.
_PAGE: Final = 8 * 1024
_CACHE: Final = 8 * 1024 * 1024
_CHECKPOINT: Final = 16 * 1024 * 1024
# What is wrong with the store itself, and not with what it was asked to do.
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "is busy: another process keeps it locked; try again",
    sqlite3.SQLITE_LOCKED: "is busy: another process keeps it locked; try again",
    sqlite3.SQLITE_FULL: "has no room left: its disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: its disk has an error",
    sqlite3.SQLITE_NOMEM: "has no memory left",
    sqlite3.SQLITE_PERM: "may not be used by this user",
    sqlite3.SQLITE_READONLY: "cannot be written",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "is damaged; see `besa db check`",
    sqlite3.SQLITE_NOTADB: "is no SQLite file",
}
# The same by class of SQLSTATE (PostgreSQL's manual, appendix A).
_POSTGRESQL: Final = {
    "08": "is not reachable",
    "25": "takes no changes just now",
    "40": "gave way to somebody else; try again",
    "53": "has no room left, or too many connections",
    "55": "is busy; try again",
    "57": "is being shut down or started",
    "58": "cannot be read or written: its disk has an error",
}
# Any number does, as long as every Besa uses the same one.
_CREATION_LOCK: Final = 7_305_041
_LANE_LOCKS: Final = 7_305_042


class Database:
    """An open store: hands out transactions and explains what goes wrong in them.

    May be shared by threads; each transaction has a connection of its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.postgresql = engine.dialect.name == "postgresql"
        self._writing = None if self.postgresql else _lock_of(engine.url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees the store as it is at its first question.

        Raises:
            StoreError: the database is not reachable or refuses.
        """
        with _explained(), self._engine.connect() as connection:
            if self.postgresql:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is stored as a whole, or not at all.

        Raises:
            StoreError: the database is not reachable or refuses; nothing was stored.
        """
        with _explained(), self._turn(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the other threads of this process that write to the same file.

        SQLite has one writer. Who finds it busy sleeps and looks again, up to a tenth
        of a second later: a dispatcher's lanes would be asleep most of their time.
        """
        # Who has waited in vain asks SQLite all the same, which says what is wrong.
        mine = self._writing and self._writing.acquire(timeout=_BUSY_SECONDS)
        try:
            yield
        finally:
            if self._writing and mine:
                self._writing.release()

    def close(self) -> None:
        """Give all connections back to the system."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open the store at a URL, and lay its tables out if it is new.

    Args:
        url: ``sqlite:////var/lib/besa/store.db`` or ``postgresql+psycopg://...``.

    Raises:
        StoreError: the URL is wrong, the place cannot be reached, or another Besa
            wrote the store; says what to do.
    """
    database = connect(url)
    try:
        _lay_out(database)
    except BaseException:
        database.close()
        raise
    return database


def connect(url: str) -> Database:
    """Open the database at a URL, whatever is in it.

    Raises:
        StoreError: the URL is wrong, or the place cannot be used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "the store's URL cannot be read (write sqlite:////folder/store.db)"
        ) from None
    with _explained():
        engine = _sqlite(parsed) if _is_sqlite(parsed) else _server(parsed)
    return Database(engine)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _server(url: URL) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ImportError as error:
        raise StoreError(
            f"this kind of store needs a driver that is not installed: {error.name}"
        ) from None


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("the store must be a file: one in memory forgets")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise StoreError(f"the folder of the store does not exist: {path.parent}")
    if not path.exists():
        _create_private(path)
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS}
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _lock_of(url: URL) -> threading.Lock:
    """Return the lock that all threads of this process share for a file."""
    file = str(Path(url.database or "").absolute())
    return _LOCKS.setdefault(file, threading.Lock())  # at once, for all threads


def _create_private(path: Path) -> None:
    """Make an empty file that only its owner may read, because of what it will hold.

    # INVARIANT: only SQLite itself ever opens the store. When a process closes any
    # file descriptor of a file, the system drops all its locks on that file (POSIX),
    # also those of other threads. So the file gets its name after it was closed.
    """
    try:
        number, made = tempfile.mkstemp(dir=path.parent, prefix=".besa-")  # mode 0600
        os.close(number)
        try:
            os.link(made, path)
        finally:
            Path(made).unlink()
    except FileExistsError:
        return  # another process was faster
    except OSError as error:
        raise StoreError(f"the store cannot be made: {error.strerror}") from None


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's own transactions begin late and never IMMEDIATE: begin them ourselves.
    connection.isolation_level = None
    # A sealed body is some 12 kB, and a page is written and summed by itself. A store
    # that was made with pages of another size keeps them.
    connection.execute(f"PRAGMA page_size = {_PAGE}")
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # A batch of disclosures changes some 3 MB: with less, pages leave and come back.
    connection.execute(f"PRAGMA cache_size = -{_CACHE // 1024}")
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    # Each check-point costs two syncs.
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT // page}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    # A transaction that reads first and writes later can be refused half-way; one that
    # is going to write waits for its turn at the start.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _lay_out(database: Database) -> None:
    if schema_of(database) is None:
        with database.write() as connection:
            lock_layout(connection)
            # Another process may have been faster: then there is nothing to do.
            if not inspect(connection).has_table(meta.name):
                metadata.create_all(connection)
                connection.execute(meta.insert(), _META_ROWS)
                connection.execute(head.insert(), [_HEAD_ROW])
                connection.execute(version.insert(), [{"version_num": str(SCHEMA)}])
    found = schema_of(database)
    if found is not None and found < SCHEMA:
        raise StoreError(
            f"the store has schema {found}, and this Besa needs {SCHEMA}: stop Besa, "
            "make a copy with `besa db backup FILE`, then run `besa db upgrade`"
        )
    if found != SCHEMA:
        raise StoreError(
            f"the store has schema {found}, and this Besa knows {SCHEMA} "
            "(use the Besa that wrote it, or a newer one)"
        )


def lock_layout(connection: Connection) -> None:
    """Let nobody else lay the tables out or migrate them until the transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})")


def lock_lane(connection: Connection, recipient: str) -> None:
    """Let nobody else lease from a recipient's lane until the transaction ends."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        lock = text("SELECT pg_advisory_xact_lock(:space, hashtext(:lane))")
        connection.execute(lock, {"space": _LANE_LOCKS, "lane": recipient})


_META_ROWS: Final = [
    {"name": "schema", "value": str(SCHEMA)},
    {"name": "rulebook", "value": ""},  # digest of the one that decided last
    {"name": "in_force", "value": ""},  # digest of the one that decides next
    {"name": "in_force_since", "value": ""},
    {"name": "recipients", "value": ""},  # digest of the recipients that go with it
]
_HEAD_ROW: Final = {"id": 1, "entries": 0, "digest": GENESIS}


def schema_of(database: Database) -> int | None:
    """Return the number of the schema that is there; nothing in an empty database.

    Raises:
        StoreError: the database cannot be read.
    """
    with database.read() as connection:
        if not inspect(connection).has_table(meta.name):
            return None
        found = connection.scalar(select(meta.c.value).where(meta.c.name == "schema"))
    return int(found) if found is not None and found.isdigit() else 0


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the database's errors into `StoreError`, without any parameter."""
    try:
        yield
    except DBAPIError as error:
        raise _refusal(error) from None
    except SQLAlchemyError as error:
        raise StoreError(f"the store refused ({type(error).__name__})") from None


def _refusal(error: DBAPIError) -> StoreError:
    """Return what a database refused, in words that never quote a row."""
    said = error.orig
    if isinstance(said, sqlite3.Error):  # it names only columns
        code = getattr(said, "sqlite_errorcode", 0) & 0xFF  # without what extends it
        if code in _SQLITE:
            return StoreUnavailable(f"the store {_SQLITE[code]} ({said})")
        return StoreError(f"the store refused ({type(error).__name__}: {said})")
    state = str(getattr(said, "sqlstate", None) or "")
    if isinstance(error, OperationalError) and said is not None and not state:
        # The driver's own words about the connection: no server had a statement yet,
        # or it is gone.
        words = str(said).partition("\n")[0]
        return StoreUnavailable(f"the store is not reachable: {words}")
    # PostgreSQL quotes the row in its messages, so only the number is told.
    named = f"({type(error).__name__}, SQLSTATE {state or 'unknown'})"
    if state[:2] in _POSTGRESQL:
        return StoreUnavailable(f"the store {_POSTGRESQL[state[:2]]} {named}")
    return StoreError(f"the store refused {named}")
