"""The database goes away or is full, under a running consumer and dispatcher."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from broker.dispatch import Dispatcher
from broker.errors import StoreError, StoreUnavailable
from broker.model.agreement import Recipient
from broker.model.sharing import Loss
from broker.store import Store, open_store
from broker.store.connect import Database, connect, open_database
from tests import postgresql
from tests.e2e.test_dispatch import QUICK, WAITS, commit, now, recipient
from tests.unit.store import samples
from tests.unit.store.samples import (
    KEY,
    KEYS,
    LATER,
    SOON,
    START,
    at,
    outcome,
    queued,
    receipt,
)
from tests.waiting import eventually

KP, LANE = "kp-cybercrime", "kp-misp"


def cut_all_connections(url: str) -> int:
    """End every other connection to the database, as its administrator can."""
    engine = create_engine(url)
    with engine.connect() as connection:
        cut = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    engine.dispose()
    return int(cut)


def half_a_transaction(database: Database, url: str) -> None:
    """Begin to write, and lose the connection before the end."""
    with database.write() as connection:
        half = "UPDATE meta SET value = 'half' WHERE name = 'rulebook'"
        connection.exec_driver_sql(half)
        cut_all_connections(url)
        connection.exec_driver_sql("SELECT 1")


def folder(tmp_path: Path) -> Recipient:
    """Return a recipient that is a folder."""
    (tmp_path / "out").mkdir()
    return recipient(LANE, f"file://{tmp_path / 'out'}", "file-drop")


@postgresql.needs_postgresql
class TestConnections:
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Return the URL of an empty PostgreSQL store."""
        return samples.empty("postgresql", tmp_path)

    def test_a_store_goes_on_after_its_connections_were_cut(self, url: str) -> None:
        """What was stored before a cut is there, and the next question is answered."""
        with open_store(url) as store:
            store.commit([(at(1), outcome("A", 1, queued("A", KP, 1)))], START, KEY)
            assert cut_all_connections(url) > 0

            row = store.lease(LANE, "w", SOON, LATER)
            assert row is not None
            cut_all_connections(url)
            assert store.finish(row, receipt(row))
            assert store.check_register(KEYS).entries > 0

    def test_a_cut_in_a_transaction_stores_nothing_of_it(self, url: str) -> None:
        """A connection that is cut half-way leaves nothing, and says so."""
        with open_store(url) as store:
            database: Database = store._database
            with pytest.raises(StoreError):
                half_a_transaction(database, url)
            assert "" == store.status(SOON).rulebook

    def test_lanes_go_on_after_cuts(self, url: str, tmp_path: Path) -> None:
        """A dispatcher that is cut off again and again delivers everything."""
        for n in range(30):
            commit(url, f"C-{n}", agreements=[KP])
        to = folder(tmp_path)
        more: Any = {"clock": now, "patience": QUICK, "timeouts": WAITS}
        dispatcher = Dispatcher(url, [to], {}, KEYS, **more)
        thread = threading.Thread(target=dispatcher.run, daemon=True)
        thread.start()
        store = open_store(url)
        for _ in range(5):
            before = min(delivered(store), 29)
            cut_all_connections(url)
            assert eventually(lambda least=before + 1: delivered(store) >= least)
        assert eventually(lambda: delivered(store) == 30)
        dispatcher.stop()
        thread.join(30)

        assert 30 == len(list((tmp_path / "out").glob("*.seal.json")))
        assert store.check_register(KEYS).entries > 0
        store.close()


def delivered(store: Store) -> int:
    """Return how many editions were delivered; nothing while the store is away."""
    try:
        return sum(lane.delivered for lane in store.status(now()).lanes)
    except StoreError:
        return -1


class TestFullDisk:
    @pytest.fixture
    def full(self, tmp_path: Path) -> Callable[[int], Store]:
        """Give a way to open a SQLite store that may grow by so many pages only."""

        def opened(pages: int) -> Store:
            url = samples.url_of(tmp_path)
            open_database(url).close()
            database = connect(url)
            with database.read() as connection:
                count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

            # The limit is of a connection: every new one of this pool gets it.
            def limit(made: Any, _record: Any) -> None:
                made.execute(f"PRAGMA max_page_count = {count + pages}")

            event.listen(database._engine, "connect", limit)
            database._engine.dispose()
            return Store(database)

        return opened

    def test_a_batch_on_a_full_disk_is_not_stored_at_all(
        self, full: Callable[[int], Store], tmp_path: Path
    ) -> None:
        """On a full disk nothing of a batch is stored, and the error says so."""
        store = full(10)
        batch = [
            (at(n), outcome(f"F-{n}", 1, queued(f"F-{n}", KP, 1, size=5000)))
            for n in range(40)
        ]
        with pytest.raises(StoreError, match="full"):
            store.commit(batch, START, KEY)
        assert {} == store.histories([f"F-{n}" for n in range(40)])
        store.close()

        with samples.opened(tmp_path) as mended:
            assert 40 == mended.commit(batch, START, KEY).queued
            assert mended.check_register(KEYS).entries > 0

    def test_a_delivery_that_cannot_be_written_down_is_made_again(
        self, full: Callable[[int], Store], tmp_path: Path
    ) -> None:
        """A receipt that found no room leaves the edition to be sent once more."""
        with samples.opened(tmp_path) as before:
            made = outcome("F-1", 1, queued("F-1", KP, 1))
            before.commit([(at(1), made)], START, KEY)
        store = full(0)
        row = store.lease(LANE, "w", SOON, LATER)
        assert row is not None
        many = tuple(Loss(f"{n:036d}", "dropped by the server") for n in range(5_000))
        with pytest.raises(StoreError, match="full"):
            store.finish(row, replace(receipt(row), losses=many))
        store.close()

        with samples.opened(tmp_path) as mended:
            mended.reclaim(lambda worker: worker == "w")
            again = mended.lease(LANE, "v", SOON, LATER)
            assert again is not None
            assert (2, True) == (again.attempts, mended.finish(again, receipt(again)))
            assert mended.check_register(KEYS).entries > 0


def test_a_store_that_is_away_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says when the store goes and when it is back, and not ten times a second.

    What else it says in between, such as that it is starting, is told as well.
    """
    caplog.set_level("INFO", "besa.dispatch")
    url = f"sqlite:///{tmp_path}/besa.sqlite"
    open_store(url).close()
    words = ["it is away", "it is away", "it is starting"]

    def watch(_store: Store) -> None:
        if words:
            raise StoreUnavailable(words.pop(0))

    Dispatcher(url, [], {}, KEYS, clock=now, watch=watch).run(until_idle=True)

    assert [
        "it is away; trying again",
        "it is starting; trying again",
        "the store answers again",
    ] == [record.getMessage() for record in caplog.records]
