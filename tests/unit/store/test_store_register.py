"""Whoever edits the store and not the whole signed register is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import sqlite

from broker import audit as chain
from broker.canonical import dumps, loads
from broker.errors import AuditError
from broker.store import Store
from broker.store.connect import open_database
from broker.store.tables import audit, decisions, head, outbox
from broker.store.verify import _ROWS
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
    withheld,
)

KP = "kp-cybercrime"


def filled(folder: Path) -> Store:
    """Return a store with three disclosures, of which the first was delivered."""
    store = samples.opened(folder)
    for n, uid in enumerate("abc"):
        shares = (queued(uid, KP, 1), withheld("sprk"))
        store.commit([(at(n), outcome(uid, 1, *shares))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row
    store.finish(row, receipt(row))
    return store


def no_row(connection: Connection) -> None:
    """Remove a row that was disclosed."""
    connection.execute(delete(outbox).where(outbox.c.id == 2))


def other_bytes(connection: Connection) -> None:
    """Change what a row says it sent."""
    changed = update(outbox).where(outbox.c.id == 1).values(sha256="f" * 64)
    connection.execute(changed)


def other_recipient(connection: Connection) -> None:
    """Send a row to somebody else."""
    changed = update(outbox).where(outbox.c.id == 2).values(recipient="fiu-misp")
    connection.execute(changed)


def extra_row(connection: Connection) -> None:
    """Add a row that nobody disclosed."""
    row = dict(connection.execute(select(outbox)).mappings().first() or {})
    row |= {"id": 99, "uid": "z", "state": "queued"}
    connection.execute(insert(outbox), [row])


def denied_delivery(connection: Connection) -> None:
    """Pretend that a delivery did not happen."""
    changed = update(outbox).where(outbox.c.id == 1).values(state="queued")
    connection.execute(changed)


def invented_delivery(connection: Connection) -> None:
    """Pretend that a delivery happened."""
    changed = update(outbox).where(outbox.c.id == 2).values(state="delivered")
    connection.execute(changed)


def forgotten_decision(connection: Connection) -> None:
    """Remove a decision."""
    connection.execute(delete(decisions).where(decisions.c.uid == "b"))


def altered_link(connection: Connection) -> None:
    """Change a fact in the register."""
    facts = audit.c.facts
    text = connection.scalar(select(facts).where(audit.c.number == 1)) or ""
    changed = text.replace('"withheld":1', '"withheld":0')
    assert changed != text
    connection.execute(update(audit).where(audit.c.number == 1).values(facts=changed))


def missing_link(connection: Connection) -> None:
    """Remove a link from the middle of the register."""
    connection.execute(delete(audit).where(audit.c.number == 4))


def cut_off_end(connection: Connection) -> None:
    """Remove the last link."""
    last = select(audit.c.number).order_by(audit.c.number.desc()).limit(1)
    number = connection.scalar(last)
    connection.execute(delete(audit).where(audit.c.number == number))


def cut_off_end_and_head(connection: Connection) -> None:
    """Remove the last link, and put the head back to the one before."""
    cut_off_end(connection)
    newest = select(audit).order_by(audit.c.number.desc()).limit(1)
    row = connection.execute(newest).one()
    connection.execute(update(head).values(entries=row.number, digest=row.digest))


def told_twice(connection: Connection) -> None:
    """Add a link, properly chained, that repeats the first disclosure."""
    first = connection.execute(select(audit).where(audit.c.number == 1)).one()
    chained(connection, loads(first.facts))


def chained(connection: Connection, facts: Any) -> None:
    """Add a disclosure at the end, with a hash that fits."""
    state = connection.execute(select(head)).one()
    number = state.entries + 1
    link = chain.link(number, "2026-05-01", "disclosure", facts, state.digest)
    row = {
        "number": link.number,
        "at": link.at,
        "kind": link.kind,
        "facts": dumps(facts).decode(),
        "previous": link.previous,
        "digest": link.digest,
    }
    connection.execute(insert(audit), [row])
    connection.execute(update(head).values(entries=link.number, digest=link.digest))


def unreadable_facts(connection: Connection) -> None:
    """Put something into the register that is no JSON."""
    connection.execute(update(audit).where(audit.c.number == 3).values(facts="{"))


def no_text(connection: Connection) -> None:
    """Put bytes where the register has a text, which SQLite does not mind."""
    changed = "UPDATE audit SET kind = x'00ff' WHERE number = 3"
    connection.exec_driver_sql(changed)


def facts_that_are_a_list(connection: Connection) -> None:
    """Add a link with a hash that fits, and facts that have no names."""
    chained(connection, ["inc-1"])


def an_edition_of_no_database(connection: Connection) -> None:
    """Add a link with a hash that fits, of an edition that no column can hold."""
    chained(connection, {"uid": "a", "agreement": KP, "edition": 2**63})


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (no_row, "entry 4 tells of a row that is missing"),
        (other_bytes, "entry 1 tells of other bytes"),
        (other_recipient, "entry 4 tells of another recipient"),
        (extra_row, "outbox row 99 has no disclosure entry"),
        (denied_delivery, "entry 10 tells of a delivery that is gone"),
        (invented_delivery, "outbox row 2 has no delivery entry"),
        (forgotten_decision, "tells of 6 decisions, and the store has 4"),
        (altered_link, "entry 1 was altered"),
        (missing_link, "entry 4 is missing"),
        (cut_off_end, "ends at entry 9, and the store knows of another"),
        (cut_off_end_and_head, "outbox row 1 has no delivery entry"),
        (told_twice, "entry 11 tells of a disclosure a second time"),
        (unreadable_facts, "entry 3 was altered"),
        (no_text, "entry 3 was altered"),
        (facts_that_are_a_list, "entry 11 was altered"),
        (an_edition_of_no_database, "entry 11 tells of a row that is missing"),
    ],
)
def test_harm_is_found(
    tmp_path: Path, harm: Callable[[Connection], None], named: str
) -> None:
    """Each way of editing the store is found, and the message names where."""
    store = filled(tmp_path)
    assert 10 == store.check_register(KEYS).entries
    database = open_database(samples.url_of(tmp_path))
    with database.write() as connection:
        harm(connection)
    database.close()

    with pytest.raises(AuditError, match=named):
        store.check_register(KEYS)

    store.close()


def test_a_register_signed_by_a_stranger_is_refused(tmp_path: Path) -> None:
    """A checkpoint counts only with a key that the verifier knows."""
    with filled(tmp_path) as store, pytest.raises(AuditError, match="unknown key"):
        store.check_register({})


def test_a_long_register_is_checked_in_parts(tmp_path: Path) -> None:
    """A register of more links than are looked up at once is checked as a whole."""
    with samples.opened(tmp_path) as store:
        uids = [f"inc-{n}" for n in range(500)]
        batch = [
            (at(n), outcome(uid, 1, queued(uid, KP, 1))) for n, uid in enumerate(uids)
        ]
        store.commit(batch, START, KEY)

        assert 501 == store.check_register(KEYS).entries


def test_how_far_it_is_is_told(tmp_path: Path) -> None:
    """Whoever asks is told how many links of how many were checked, to the end."""
    told: list[tuple[int, int]] = []
    with filled(tmp_path) as store:
        store.check_register(KEYS, lambda checked, of: told.append((checked, of)))

    assert [(10, 10)] == told


def test_a_link_finds_its_row_by_an_index(tmp_path: Path) -> None:
    """What a long register asks the outbox for is never looked for row by row."""
    with filled(tmp_path):
        database = open_database(samples.url_of(tmp_path))
    question = _ROWS.params(uids=["a", "b"], first=1, last=2).compile(
        dialect=sqlite.dialect(),
        compile_kwargs={"literal_binds": True},
    )
    with database.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}").all()
    database.close()

    assert ["SEARCH"] == [row.detail.split()[0] for row in plan]
