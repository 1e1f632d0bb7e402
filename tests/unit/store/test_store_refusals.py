"""What a store says when it refuses, and whether that is about what it was asked."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from broker.errors import StoreError, StoreUnavailable
from broker.store import connect as connecting
from broker.store import open_store
from broker.store.connect import Database, connect, open_database
from tests.unit.store import samples


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Return an empty store."""
    return open_database(samples.url_of(tmp_path))


def test_a_full_disk_is_no_message_s_fault(database: Database) -> None:
    """A store without room for something says so, and is only unavailable."""
    row = "INSERT INTO meta VALUES ('x', hex(zeroblob(100000)))"
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # The pool gives the same connection again.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")

    with (
        pytest.raises(StoreUnavailable, match="its disk is full"),
        database.write() as connection,
    ):
        connection.exec_driver_sql(row)
    database.close()


def test_a_store_that_somebody_keeps_locked_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that another process does not let through says what to do."""
    monkeypatch.setattr(connecting, "_BUSY_SECONDS", 0.1)
    with open_store(samples.url_of(tmp_path)) as store:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match=r"is busy.*try again"):
            store.alarm("refused", "x", "y", samples.START)
        other.close()


def test_a_row_that_breaks_a_rule_is_refused_for_good(database: Database) -> None:
    """What no other moment would make right is not taken for an unavailable store."""
    with (
        pytest.raises(StoreError) as caught,
        database.write() as connection,
    ):
        connection.exec_driver_sql("INSERT INTO meta VALUES ('schema', 'secret')")

    assert StoreError is caught.type
    assert "secret" not in str(caught.value)
    database.close()


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_a_server_that_is_not_there_is_named(host: str) -> None:
    """The message says which server is not reachable, and never the password."""
    database = connect(f"postgresql+psycopg://besa:secret@{host}/besa")

    with pytest.raises(StoreUnavailable) as caught, database.read() as connection:
        connection.exec_driver_sql("SELECT 1")

    assert str(caught.value).startswith("the store is not reachable: ")
    assert host.partition(":")[0] in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    """A path that holds something else is refused with words that say what it is."""
    (tmp_path / "store.db").write_bytes(b"no database at all, but a text " * 100)

    with pytest.raises(StoreUnavailable, match="is no SQLite file"):
        open_store(samples.url_of(tmp_path))
