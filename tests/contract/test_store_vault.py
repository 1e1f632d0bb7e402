"""What the store promises about the vault and its requests, on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import StoreError
from broker.model.reveal import Deposit
from broker.store import Approved, Asking, Denial, Store, open_store
from tests.unit.store import samples
from tests.unit.store.samples import KEY, KEYS, LATER, MINUTE, SOON, START, at, outcome

KP, RECIPIENT = "kp-cybercrime", "kp-misp"
DAY = timedelta(days=1)
INDEX = "ab" * 32


def deposit(index: str = INDEX, *, days: int = 30, box: bytes = b"box") -> Deposit:
    """Return something locked away."""
    field = "victims[].name"
    return Deposit(RECIPIENT, 1, index, 1, field, KP, timedelta(days=days), box)


def queue(
    store: Store, uid: str, *deposits: Deposit, now: datetime = START, offset: int = 1
) -> None:
    """Queue a share with what is locked away of it."""
    share = replace(samples.queued(uid, KP, 1), deposits=deposits)
    store.commit([(at(offset), outcome(uid, 1, share))], now, KEY)


def found(store: Store, now: datetime, *places: str) -> Deposit | None:
    """Return what lies at a place."""
    return store.locked_away(RECIPIENT, 1, places or (INDEX,), now)


def asking(now: datetime = START) -> Asking:
    """Return what somebody asks."""
    why = ("PPN-2026-1", "PPR 12/26", "to hear the victim")
    return Asking(RECIPIENT, "p-" + "a" * 16, *why, "u-erza", "u-erza", now)


def approval(name: str, now: datetime = SOON, until: datetime = LATER) -> Approved:
    """Return a person's approval."""
    return Approved(0, name, "", now, until, f"{name} says so", "")


def test_what_is_locked_away_is_found_at_its_place_only(store: Store) -> None:
    """A deposit is found by recipient, epoch and index together."""
    queue(store, "a", deposit(), deposit("cd" * 32, box=b"other"))
    seen = found(store, SOON)

    assert seen is not None
    assert (b"box", "victims[].name", 1) == (seen.box, seen.field, seen.number)
    assert b"other" == getattr(found(store, SOON, "ef" * 32, "cd" * 32), "box", None)
    assert None is found(store, SOON, "ef" * 32)
    assert None is store.locked_away("fiu-misp", 1, (INDEX,), SOON)
    assert None is store.locked_away(RECIPIENT, 2, (INDEX,), SOON)


def test_a_value_that_comes_again_is_kept_longer_and_never_shorter(
    store: Store,
) -> None:
    """One pseudonym has one row, kept for as long as the longest-kept share with it."""
    queue(store, "a", deposit(days=10, box=b"first"))
    queue(store, "b", deposit(days=30), deposit(days=20), offset=2)
    queue(store, "c", deposit(days=1), offset=3)
    late = found(store, START + 30 * DAY - MINUTE)

    assert b"first" == getattr(late, "box", None)
    assert None is found(store, START + 30 * DAY)


def test_a_deposit_is_stored_with_its_share_or_not_at_all(store: Store) -> None:
    """When the batch is refused, nothing of it is in the vault either."""
    queue(store, "a", offset=1)
    share = replace(samples.queued("b", KP, 1), deposits=(deposit(),))
    stale = replace(outcome("a", 1, samples.queued("a", KP, 2)), duplicate=True)
    batch = [
        (at(2), outcome("b", 1, share)),
        (at(3), replace(stale, revision=2, incident_sha256="f" * 64)),
    ]
    with pytest.raises(StoreError):
        store.commit(batch, SOON, KEY)

    assert None is found(store, SOON)


def test_a_release_locks_away_what_it_queues(store: Store) -> None:
    """A share that was held has its deposits in the vault once it is released."""
    store.commit([(at(1), outcome("a", 1, samples.held(KP)))], START, KEY)
    before = found(store, SOON)
    share = replace(samples.queued("a", KP, 1), deposits=(deposit(),))
    store.release(store.held()[0].id, share, samples.RULEBOOK, ["x", "y"], SOON, KEY)

    assert None is before
    assert None is not found(store, LATER)


def test_what_is_past_its_time_is_deleted_once(store: Store) -> None:
    """A purge deletes what is over, keeps the rest, and is on record if it did."""
    queue(store, "a", deposit(days=1), deposit("cd" * 32, days=2))
    early = store.purge_vault(START + DAY - MINUTE)
    entries = store.check_register(KEYS).entries
    gone = store.purge_vault(START + DAY)
    again = store.purge_vault(START + DAY)

    assert (0, 1, 0) == (early, gone, again)
    assert entries + 1 == store.check_register(KEYS).entries
    assert None is not found(store, SOON, "cd" * 32)
    assert None is found(store, SOON)


def test_what_was_purged_is_overwritten(tmp_path: Path) -> None:
    """In SQLite's file nothing is left of what was deleted, not even encrypted."""
    file, box = tmp_path / "store.db", bytes(range(7, 207))
    for purged in (False, True):
        with open_store(samples.url_of(tmp_path)) as store:
            if purged:
                assert 1 == store.purge_vault(START + 2 * DAY)
            else:
                queue(store, "a", deposit(days=1, box=box))

        assert [file] == sorted(tmp_path.iterdir())  # no journal beside it
        assert purged is (box not in file.read_bytes())


def test_two_people_open_a_request_until_the_first_expires(store: Store) -> None:
    """One person, or one person twice, opens nothing; two people do, for a time."""
    number = store.ask_reveal(asking())
    given = [
        store.approve_reveal(number, approval(name, until=until))
        for name, until in (
            ("arta", LATER),
            ("arta", LATER + MINUTE),
            ("besnik", LATER + 2 * MINUTE),
        )
    ]
    seen = store.reveal(number)

    assert [None, None, LATER + MINUTE] == given
    assert seen is not None
    assert ["arta", "besnik"] == sorted(one.reviewer for one in seen.approvals)
    assert asking() == replace(seen.asking, salt="")
    assert (LATER + MINUTE, 0) == (seen.until, seen.shown)
    with pytest.raises(StoreError, match="approved by two people already"):
        store.approve_reveal(number, approval("cufe"))


def test_an_approval_that_expired_does_not_complete_another(store: Store) -> None:
    """When the second approves after the first's time, two are still needed."""
    number = store.ask_reveal(asking())
    store.approve_reveal(number, approval("arta", until=SOON))
    late = approval("besnik", SOON + MINUTE)

    assert None is store.approve_reveal(number, late)
    assert LATER == store.approve_reveal(number, approval("cufe", SOON + MINUTE))


def test_every_show_is_counted_and_none_comes_too_early_or_late(store: Store) -> None:
    """Showing is put on record between approval and expiry, and refused otherwise."""
    number = store.ask_reveal(asking())
    by = ("arta", "besnik")
    with pytest.raises(StoreError, match="may not be shown"):
        store.reveal_shown(number, "u-erza", "u-erza", by, SOON)
    for name in by:
        store.approve_reveal(number, approval(name))
    entries = store.check_register(KEYS).entries
    times = [store.reveal_shown(number, "u", "u", by, SOON) for _ in range(2)]
    with pytest.raises(StoreError, match="may not be shown"):
        store.reveal_shown(number, "u", "u", by, LATER + MINUTE)
    store.reveal_refused(number, "u", "u", "expired", LATER + MINUTE)

    assert [1, 2] == times
    assert entries + 3 == store.check_register(KEYS).entries


@pytest.mark.parametrize("approved", [False, True])
def test_a_denial_is_final(store: Store, approved: bool) -> None:
    """Once denied, a request is not approved, shown or denied again; all is kept."""
    number, other = store.ask_reveal(asking()), store.ask_reveal(asking())
    for name in ("arta", "besnik") if approved else ():
        store.approve_reveal(number, approval(name))
    entries = store.check_register(KEYS).entries
    denial = Denial("cufe", SOON, "the order is about somebody else")
    store.deny_reveal(number, denial, "u-cufe")
    seen, untouched = store.reveal(number), store.reveal(other)

    assert seen is not None
    assert untouched is not None
    assert (denial, None) == (seen.denial, untouched.denial)
    assert [number] == [one.id for one in store.reveals() if one.denial]
    assert entries + 1 == store.check_register(KEYS).entries
    for again in (
        lambda: store.approve_reveal(number, approval("dea")),
        lambda: store.reveal_shown(number, "u-erza", "u-erza", ("arta",), SOON),
        lambda: store.deny_reveal(number, denial, "u-cufe"),
    ):
        with pytest.raises(StoreError, match="was denied by cufe"):
            again()
    with pytest.raises(StoreError, match="no request"):
        store.deny_reveal(other + 1, denial, "u-cufe")


def test_the_reason_is_on_record_as_a_digest(store: Store) -> None:
    """The register proves the words of a reason, and cannot tell or be guessed from."""
    one, other = (store.reveal(store.ask_reveal(asking())) for _ in range(2))
    assert one is not None
    assert other is not None

    assert 32 == len(one.asking.salt)
    assert one.asking.reason == other.asking.reason
    assert one.asking.reason_sha256 != other.asking.reason_sha256


def test_requests_are_listed_newest_first(store: Store) -> None:
    """Each request has a number of its own; one that is not there is nothing."""
    first, second = store.ask_reveal(asking()), store.ask_reveal(asking(SOON))

    assert [second, first] == [one.id for one in store.reveals()]
    assert None is store.reveal(second + 1)
    with pytest.raises(StoreError, match="no request"):
        store.approve_reveal(second + 1, approval("arta"))
