"""Two agreements of one recipient in the store: a case is one, in order and number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import StoreError
from broker.store import Store
from broker.store.believed import believed, queue_again
from broker.store.recalls import SHARED_AGAIN, Cause
from tests.unit.store import samples
from tests.unit.store.samples import (
    KEY,
    KEYS,
    LATER,
    MINUTE,
    SOON,
    START,
    at,
    outcome,
    queued,
    withheld,
)

KP, NEXT, LANE = "kp-cybercrime", "kp-second", "kp-misp"
ENDED = replace(withheld(KP), aside=True)


def test_the_successor_waits_for_what_is_being_sent(store: Store) -> None:
    """While an edition of the first is under way, none of the second is leased."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    first = store.lease(LANE, "v", START, LATER)
    assert first is not None
    store.commit([(at(1), outcome("a", 2, ENDED, queued("a", NEXT, 2)))], SOON, KEY)
    blocked = store.lease(LANE, "w", SOON, LATER)
    store.postpone(first, "away", SOON, SOON)
    second = store.lease(LANE, "w", SOON, LATER)

    assert blocked is None
    assert second is not None
    assert (NEXT, 2) == (second.agreement, second.sealed.edition)
    store.check_register(KEYS)


@pytest.mark.parametrize("order", [1, -1])
def test_what_waits_under_the_first_is_overtaken(store: Store, order: int) -> None:
    """In whatever order a batch has the two, only the successor's edition goes out."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    shares = [ENDED, queued("a", NEXT, 2)][::order]
    done = store.commit([(at(1), outcome("a", 2, *shares))], SOON, KEY)
    row = store.lease(LANE, "w", SOON, LATER)

    assert 1 == done.superseded
    assert row is not None
    assert 2 == row.sealed.edition


@pytest.mark.parametrize("number", [1, 2])
def test_a_number_is_never_used_again(store: Store, number: int) -> None:
    """An edition that rests on an old history is refused, with its whole batch."""
    story = [
        (at(0), outcome("a", 1, queued("a", KP, 1))),
        (at(1), outcome("a", 2, queued("a", KP, 2))),
    ]
    store.commit(story, START, KEY)
    late = outcome("a", 3, ENDED, queued("a", NEXT, number))
    with pytest.raises(StoreError, match="newer edition"):
        store.commit([(at(2), outcome("b", 1, withheld(KP))), (at(3), late)], SOON, KEY)

    assert ["a"] == list(store.histories(["a", "b"]))
    assert 2 == store.histories(["a"])["a"].revision


def test_two_of_one_recipient_in_one_batch_are_refused(store: Store) -> None:
    """Two editions with one number would be two documents that are called the same."""
    both = outcome("a", 1, queued("a", KP, 1), queued("a", NEXT, 1))
    with pytest.raises(StoreError, match="newer edition"):
        store.commit([(at(0), both)], START, KEY)


def test_the_confirmation_of_a_recall_ends_with_the_successor(store: Store) -> None:
    """What the successor shares again needs no confirmation that it was erased."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    deliver(store)
    taken = ("a", queued("a", KP, 2, retracts=True), Cause.ORDERED)
    store.take_back([taken], SOON, KEY)
    deliver(store)
    store.commit([(at(1), outcome("a", 2, ENDED, queued("a", NEXT, 3)))], SOON, KEY)
    deliver(store)

    assert [SHARED_AGAIN] == [one.closed for one in store.recalls(everything=True)]


def test_a_case_is_believed_once(store: Store) -> None:
    """What the recipient should hold is the successor's edition, and it is repaired."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    deliver(store)
    store.commit([(at(1), outcome("a", 2, ENDED, queued("a", NEXT, 2)))], SOON, KEY)
    deliver(store)
    [belief] = believed(store.database, LANE, ["a"])
    refused = queue_again(store.database, belief, "arta", "a test", SOON)
    again = store.lease(LANE, "w", SOON, LATER)

    assert (NEXT, 2, 2) == (belief.agreement, belief.edition, belief.newest)
    assert "" == refused
    assert again is not None
    assert (NEXT, 2) == (again.agreement, again.sealed.edition)


def deliver(store: Store) -> None:
    """Deliver everything that waits."""
    while row := store.lease(LANE, "w", LATER, LATER + MINUTE):
        assert store.finish(row, samples.receipt(row, SOON))
