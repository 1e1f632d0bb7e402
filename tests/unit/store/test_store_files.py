"""Where the store lies, who may read it, and what is said when it cannot be opened."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from broker.errors import StoreError
from broker.store import open_store
from broker.store.connect import open_database
from tests.unit.store import samples


def test_only_the_owner_may_read_the_store(tmp_path: Path) -> None:
    """The files of a new store cannot be read by anybody else."""
    with samples.opened(tmp_path) as store:
        store.alarm("kind", "place", "text", samples.START)
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()
        }

    assert {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600} == modes


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("not a url", "cannot be read"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:////no/such/folder/store.db", "folder of the store does not exist"),
        ("oracle://somewhere", "not installed"),
        ("nonsense://somewhere", "refused"),
    ],
)
def test_a_wrong_address_is_explained(url: str, said: str) -> None:
    """Each way of naming a store that cannot be opened has a message of its own."""
    with pytest.raises(StoreError, match=said):
        open_store(url)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    """A file with something else in it is left alone, and said to be no store."""
    other = tmp_path / "store.db"
    other.write_bytes(b"This is a letter and not a database." * 100)

    with pytest.raises(StoreError, match="not a database"):
        open_store(samples.url_of(tmp_path))

    assert b"This is a letter" == other.read_bytes()[:16]


def test_a_commit_survives_a_loss_of_power(tmp_path: Path) -> None:
    """Every connection syncs its commits, because offsets are confirmed after them."""
    database = open_database(samples.url_of(tmp_path))
    with database.read() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    database.close()

    assert (2, "wal") == (synchronous, mode)  # 2 is FULL


def test_processes_that_start_together_lay_out_one_store(tmp_path: Path) -> None:
    """Several processes that open a new store at the same moment all succeed."""
    code = (
        f"from broker.store import open_store; open_store({samples.url_of(tmp_path)!r})"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        for _ in range(4)
    ]

    said = [process.communicate(timeout=60)[1] for process in started]

    assert [b""] * 4 == said
    with samples.opened(tmp_path) as store:
        assert 0 == store.status(samples.SOON).audit_entries


@pytest.mark.parametrize("page", [4096, 8192])
def test_pages_are_put_in_their_place_after_16_mb(tmp_path: Path, page: int) -> None:
    """A store keeps the pages it was made with; check-points come by bytes."""
    if page == 4096:  # as an older Besa made it
        with closing(sqlite3.connect(tmp_path / "store.db")) as older:
            older.executescript("PRAGMA page_size = 4096; CREATE TABLE older (id);")
    database = open_database(samples.url_of(tmp_path))

    with database.read() as connection:
        ask = connection.exec_driver_sql
        there = ask("PRAGMA page_size").scalar_one()
        pages = ask("PRAGMA wal_autocheckpoint").scalar_one()
    database.close()

    assert (page, 16 * 1024 * 1024) == (there, there * pages)
