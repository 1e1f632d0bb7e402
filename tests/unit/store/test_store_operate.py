"""What an operator does to rows of the outbox, on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import StoreError
from broker.store import Store, operate
from broker.store.connect import Database, open_database
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, LATER, SOON, at, outcome, queued

AGREEMENT, KP = "kp-cybercrime", "kp-misp"


@pytest.fixture(params=samples.DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty store."""
    opened = open_database(samples.empty(request.param, tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database) -> Store:
    """Give the verbs of the same store."""
    return Store(database)


def put(store: Store, number: int = 1, *, retracts: bool = False) -> int:
    """Store an edition of one incident; return its row."""
    share = queued("A", AGREEMENT, number, retracts=retracts)
    store.commit([(at(number), outcome("A", number, share))], SOON, KEY)
    return number


def leased(store: Store) -> object:
    """Try to take what may go out."""
    return store.lease(KP, "w", LATER, LATER)


def test_a_held_edition_does_not_go_out(store: Store, database: Database) -> None:
    """What an operator holds is not leased, and is listed as held with who and why."""
    row = put(store)
    operate.hold(database, row, "ana", "the unit asked us to wait", LATER)

    (found,) = operate.listed(database, states=["held"])
    assert leased(store) is None
    assert ("held", None) == (found.state, found.next_attempt_at)
    assert "held by ana: the unit asked us to wait" == found.last_reason
    assert () == operate.listed(database, states=["queued"])
    store.check_register(KEYS)


def test_a_held_edition_goes_out_after_a_retry(
    store: Store, database: Database
) -> None:
    """Retrying what is held lets it go out at once."""
    row = put(store)
    operate.hold(database, row, "ana", "wait", SOON)
    operate.retry(database, row, "ben", "they are ready", LATER)

    assert leased(store) is not None


def test_a_newer_edition_replaces_a_held_one(store: Store, database: Database) -> None:
    """A newer edition supersedes a held one, and goes out."""
    operate.hold(database, put(store), "ana", "wait", SOON)
    put(store, 2)

    assert ["superseded", "queued"] == [
        row.state
        for row in operate.listed(database, states=["superseded", "queued", "held"])
    ]
    assert leased(store) is not None


def test_a_dropped_edition_never_goes_out(store: Store, database: Database) -> None:
    """What is dropped ends as failed with a receipt, and no retry brings it back."""
    row = put(store)
    operate.drop(database, row, "ana", "shared by mistake", LATER)

    (receipt,) = store.unpublished_receipts()
    assert "dropped by ana: shared by mistake" == receipt.receipt.reason
    assert leased(store) is None
    assert 0 == store.retry_failed(KP, LATER)
    with pytest.raises(StoreError, match="dropped, or something newer"):
        operate.retry(database, row, "ben", "", LATER)
    assert () == operate.listed(database)
    store.check_register(KEYS)


def test_a_recall_is_not_dropped(store: Store, database: Database) -> None:
    """An edition that takes back cannot be dropped."""
    row = put(store, retracts=True)

    with pytest.raises(StoreError, match="would stay there"):
        operate.drop(database, row, "ana", "why not", LATER)
    assert leased(store) is not None


@pytest.mark.parametrize("change", [operate.hold, operate.drop, operate.retry])
def test_what_is_being_sent_is_left_alone(
    store: Store, database: Database, change: object
) -> None:
    """An edition under way can neither be held nor dropped nor retried."""
    row = put(store)
    assert leased(store) is not None

    with pytest.raises(StoreError, match="being sent just now"):
        change(database, row, "ana", "now", LATER)  # type: ignore[operator]


def test_a_failed_edition_is_queued_again(store: Store, database: Database) -> None:
    """Retrying what failed queues it anew; the register says who did it."""
    row = put(store)
    taken = store.lease(KP, "w", LATER, LATER)
    assert taken is not None
    store.fail(taken, "refused", LATER)
    assert ["failed"] == [each.state for each in operate.listed(database)]

    operate.retry(database, row, "ana", "key mended", LATER)

    assert leased(store) is not None
    store.check_register(KEYS)


def test_a_row_that_is_not_there_is_an_error(database: Database) -> None:
    """A number that no row has is named in the error."""
    with pytest.raises(StoreError, match="no row 7"):
        operate.hold(database, 7, "ana", "x", LATER)
    assert operate.shown(database, 7) is None
