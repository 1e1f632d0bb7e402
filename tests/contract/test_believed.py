"""What we believe a recipient holds, on both databases."""

from __future__ import annotations

from dataclasses import replace

from broker.model.sharing import Loss
from broker.store import Store, open_store
from broker.store.believed import believed, cases, sealed_of, shares
from broker.store.connect import open_database
from tests.unit.store import samples
from tests.unit.store.samples import (
    KEY,
    LATER,
    MINUTE,
    SOON,
    START,
    at,
    outcome,
    queued,
    receipt,
)

KP, SPRK = "kp-cybercrime", "sprk"
LANE = "kp-misp"


def commit(store: Store, count: int, number: int = 1) -> list[str]:
    """Store an edition of each of some incidents, for two recipients."""
    uids = [f"I-{n:03d}" for n in range(count)]
    batch = [
        (
            at(1000 * number + n),
            outcome(uid, number, queued(uid, KP, number), queued(uid, SPRK, number)),
        )
        for n, uid in enumerate(uids)
    ]
    store.commit(batch, START, KEY)
    return uids


def test_every_case_is_believed_once(url: str) -> None:
    """However many cases there are, each comes once, and only of this recipient."""
    with open_store(url) as store:
        uids = commit(store, 30)
    database = open_database(url)

    found = believed(database, LANE, cases(database, LANE))

    assert uids == [belief.uid for belief in found]
    assert {LANE} == {belief.recipient for belief in found}
    assert {belief.share for belief in found} == shares(database, LANE)
    database.close()


def test_what_arrived_comes_with_its_bytes_and_losses(url: str) -> None:
    """Of a case the newest edition that arrived counts, with what was lost of it."""
    lost = Loss(samples.share_of("I-000", LANE), "a tag was not kept")
    with open_store(url) as store:
        commit(store, 2)
        row = store.lease(LANE, "w", SOON, LATER)
        assert row
        store.finish(row, receipt(row))
        commit(store, 1, number=2)
        row = store.lease(LANE, "w", SOON + MINUTE, LATER)
        while row and row.uid != "I-000":
            row = store.lease(LANE, "w", SOON + MINUTE, LATER)
        assert row
        store.finish(row, replace(receipt(row), losses=(lost,)))
        body = row.sealed.body
    database = open_database(url)

    first, second = believed(database, LANE, cases(database, LANE))
    sealed = sealed_of(database, [first, second])

    assert (2, 2, frozenset({lost})) == (first.edition, first.newest, first.losses)
    assert (0, frozenset()) == (second.edition, second.losses)
    assert [(first, body)] == [(of, one.body) for of, one in sealed.items()]
    database.close()
