"""A store of any older schema becomes today's and keeps all that was in it.

``data/schema-N.*.sql`` are dumps of stores that the code of schema N made and filled,
on both databases.
"""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from broker.errors import StoreError
from broker.store import open_store
from broker.store.standing import standing
from broker.store.tables import SCHEMA, metadata
from broker.store.upgrade import backup, look, upgrade
from tests import postgresql
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, LATER, SOON, at, outcome, queued

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=range(1, SCHEMA))
def schema(request: pytest.FixtureRequest) -> int:
    """Return an older schema."""
    return int(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, schema: int, tmp_path: Path) -> str:
    """Return the URL of a store as the code of an older schema left it."""
    if request.param == "postgresql" and not postgresql.is_there():
        pytest.skip(postgresql.MISSING)
    dump = (DATA / f"schema-{schema}.{request.param}.sql").read_text("utf-8")
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "store.db") as store:
            store.executescript(dump)
        return samples.url_of(tmp_path)
    engine = create_engine(postgresql.url())
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.exec_driver_sql(dump.replace("%", "%%"))
    engine.dispose()
    return postgresql.url()


def rows(url: str, table: str) -> list[tuple[Any, ...]]:
    """Return a table's rows, sorted."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
    engine.dispose()
    return sorted(tuple(row) for row in found)


def shape(url: str) -> dict[str, Any]:
    """Return what the database says of every table."""
    engine = create_engine(url)
    seen = inspect(engine)
    found = {
        table: (
            [
                (each["name"], str(each["type"]), each["nullable"], each["default"])
                for each in seen.get_columns(table)
            ],
            seen.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (each["name"] or "", *each["column_names"])
                for each in seen.get_indexes(table)
            ),
            sorted(
                sorted(each["column_names"])
                for each in seen.get_unique_constraints(table)
            ),
        )
        for table in seen.get_table_names()
    }
    engine.dispose()
    return found


def test_an_old_store_is_refused_with_the_command_to_run(old: str) -> None:
    """Nobody shares from a store of an older schema; the message says what to do."""
    with pytest.raises(StoreError, match="besa db upgrade"):
        open_store(old)


def test_an_old_store_keeps_what_it_has(old: str, schema: int) -> None:
    """After the upgrade every old row is there, and the register is whole."""
    outbox, register = rows(old, "outbox"), rows(old, "audit")
    done = upgrade(old)

    assert (schema, SCHEMA) == done
    assert outbox == rows(old, "outbox")
    assert register == rows(old, "audit")
    with open_store(old) as store:
        assert len(register) == store.check_register(KEYS).entries
        waiting = {(one.uid, one.revision) for one in store.held()}
        ended = {(one.uid, one.ended) for one in store.held(ended=True) if one.ended}
    assert {("b", 2)} == waiting
    assert {("b", "superseded")} == ended


def test_an_upgraded_store_goes_on(old: str) -> None:
    """New incidents are stored, sent and registered behind the old ones."""
    upgrade(old)
    with open_store(old) as store:
        batch = [(at(9), outcome("z", 1, queued("z", "kp-cybercrime", 1)))]
        done = store.commit(batch, SOON, KEY)
        row = store.lease("kp-misp", "w", SOON, LATER)
        store.check_register(KEYS)

    assert 1 == done.queued
    assert row is not None
    assert "z" == row.uid


def renewed(url: str) -> None:
    """Add what an older Besa stored of case a under a following agreement.

    It numbered anew: edition 1 of the same case, whose edition 3 under the first
    agreement has a higher number and an earlier row.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in ("editions", "outbox"):
            names = [each["name"] for each in inspect(engine).get_columns(table)]
            names = [name for name in names if name not in ("id", "recipient")]
            number = "number" if table == "editions" else "edition"
            more = {"recipient": "'kp-misp'"} if table == "outbox" else {}
            for agreement, edition in (("kp-cybercrime", 3), ("kp-second", 1)):
                new = {"agreement": f"'{agreement}'", number: str(edition), **more}
                columns = [*names, *more]
                chosen = [new.get(name, name) for name in columns]
                connection.execute(
                    text(
                        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608
                        f"SELECT {', '.join(chosen)} FROM {table} WHERE uid = 'a' "
                        f"AND agreement = 'kp-cybercrime' AND {number} = 1"
                    )
                )
    engine.dispose()


def test_a_case_of_two_agreements_is_numbered_on(old: str) -> None:
    """What an older Besa numbered twice goes on after the highest number there is."""
    renewed(old)
    upgrade(old)
    with open_store(old) as store:
        history = store.histories(["a"])["a"]
        edition = history.editions["kp-misp"]
        [standing_there], _ = standing(store.database, uid="a", recipient="kp-misp")
        low = [(at(9), outcome("a", 9, queued("a", "kp-second", 3)))]
        with pytest.raises(StoreError, match="newer edition"):
            store.commit(low, SOON, KEY)
        next_one = [(at(9), outcome("a", 9, queued("a", "kp-second", 4)))]
        done = store.commit(next_one, SOON, KEY)

    assert (3, "kp-second") == (edition.number, history.under["kp-misp"])
    assert 3 == standing_there.before("kp-second").number
    assert ("kp-second", 1) == (
        standing_there.agreement,
        standing_there.edition.number,
    )
    assert 1 == done.queued


def test_an_upgraded_store_is_like_a_new_one(old: str, tmp_path: Path) -> None:
    """Tables that were migrated and tables that were laid out are the same."""
    upgrade(old)
    migrated = shape(old)
    if old.startswith("sqlite"):
        new = samples.url_of(tmp_path, "new.db")
    else:
        new = samples.empty("postgresql", tmp_path)
    open_store(new).close()

    assert shape(new) == migrated
    assert set(metadata.tables) == set(migrated)


def test_an_upgrade_happens_once(old: str) -> None:
    """A second upgrade changes nothing and says so."""
    upgrade(old)

    assert (SCHEMA, SCHEMA) == upgrade(old)
    assert look(old).current


def test_an_upgrade_that_fails_changes_nothing(old: str, schema: int) -> None:
    """When a step fails, the store is as it was, and can be upgraded later."""
    in_the_way = max(set(metadata.tables) - set(shape(old)) - {"alembic_version"})
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {in_the_way} (id INTEGER)"))
    before = shape(old)
    with pytest.raises(StoreError):
        upgrade(old)
    after = shape(old)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {in_the_way}"))
    engine.dispose()

    assert before == after
    assert (schema, SCHEMA) == upgrade(old)


def test_an_empty_database_is_laid_out(url: str) -> None:
    """Migrations alone, from nothing, make a store that can be used."""
    assert (None, SCHEMA) == upgrade(url)
    with open_store(url) as store:
        assert 0 == store.check_register({}).entries


def test_a_copy_is_whole_private_and_never_overwrites(tmp_path: Path) -> None:
    """A backup made while the store is open can be opened, by its owner only."""
    url, copy = samples.url_of(tmp_path), tmp_path / "copy.db"
    with open_store(url) as store:
        store.commit([(at(0), outcome("a", 1, queued("a", "sprk", 1)))], SOON, KEY)
        size = backup(url, copy)
    with pytest.raises(StoreError, match="cannot be made"):
        backup(url, copy)

    assert copy.stat().st_size == size > 0
    assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
    assert not list(tmp_path.glob("copy.db-*"))
    with open_store(samples.url_of(tmp_path, "copy.db")) as store:
        assert 2 == store.check_register(KEYS).entries


def test_a_copy_of_postgresql_is_for_its_own_tool(tmp_path: Path) -> None:
    """The command to copy PostgreSQL is named, without the password."""
    url = "postgresql+psycopg://besa:hunter2@db.example/besa"
    with pytest.raises(StoreError, match="pg_dump") as refused:
        backup(url, tmp_path / "copy")

    assert "hunter2" not in str(refused.value)
    assert [] == list(tmp_path.iterdir())
