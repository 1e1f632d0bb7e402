"""What the store promises about what units say, on every database that it runs on."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from broker.model.feedback import FeedbackKind, FeedbackWord, Said
from broker.store import Store, open_store
from broker.store.feedback import Traced
from broker.store.rounds import AskedShare
from tests.unit.store import samples
from tests.unit.store.samples import KEY, LATER, SOON, START, at, outcome, queued

KP, TO = "kp-cybercrime", "kp-misp"
EVERY = timedelta(minutes=5)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def deliver(store: Store, uid: str, number: int = 1, when: datetime = SOON) -> str:
    """Deliver an edition of an incident to the police; return the event's UUID."""
    store.commit(
        [(at(number), outcome(uid, number, queued(uid, KP, number)))], START, KEY
    )
    row = store.lease(TO, "w", LATER, LATER + HOUR)
    assert row is not None
    assert store.finish(row, samples.receipt(row, when))
    return row.sealed.share


def said(number: int = 1, **fields: object) -> Said:
    """Return a note that a unit wrote."""
    made = {
        "kind": FeedbackKind.NOTE,
        "word": FeedbackWord.REMARK,
        "about": "a" * 36,
        "key": f"note/{number}",
        "at": START,
        "words": {"note": f"Agim {number}"},
    }
    return Said(**{**made, **fields})  # type: ignore[arg-type]


def asked(store: Store, now: datetime, *first: str, most: int = 10) -> list[str]:
    """Return the incidents that a round looks at."""
    return [one.uid for one in store.hearing.shares_to_ask(TO, first, now, most)]


def look(store: Store, uid: str, now: datetime, *found: Said) -> int:
    """Look at an incident's case; return how much was new."""
    share = samples.share_of(uid, TO)
    return store.hearing.record(TO, AskedShare(share, uid, KP, 1), found, now)


# --- rounds


def test_a_round_begins_once(store: Store) -> None:
    """A second process that wants to ask the same recipient is told that one does."""
    first = store.hearing.claim_round(TO, START, EVERY)
    again = store.hearing.claim_round(TO, START + EVERY / 2, EVERY)
    other = store.hearing.claim_round("fiu-misp", START, EVERY)
    later = store.hearing.claim_round(TO, START + EVERY, EVERY)

    assert first is not None
    assert again is None
    assert (other, later) == (first, first)


def test_two_at_the_same_time_begin_one_round(url: str) -> None:
    """However many processes want to begin, one of them does."""
    with open_store(url) as store:
        store.hearing.claim_round(TO, START, EVERY)
        begun: list[datetime | None] = []

        def begin() -> None:
            begun.append(store.hearing.claim_round(TO, START + HOUR, EVERY))

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert 1 == len([one for one in begun if one is not None])


def test_a_clock_that_went_back_silences_nobody(store: Store) -> None:
    """When the last round lies in the future, a new one begins."""
    store.hearing.claim_round(TO, START + 10 * DAY, EVERY)

    assert store.hearing.claim_round(TO, START, EVERY) is not None


def test_a_round_asks_from_the_last_one_that_ended(store: Store) -> None:
    """A round that broke off does not count: the next asks from the one before."""
    store.hearing.claim_round(TO, START, EVERY)
    store.hearing.end_round(TO, START)
    broken = store.hearing.claim_round(TO, START + HOUR, EVERY)
    after = store.hearing.claim_round(TO, START + 2 * HOUR, EVERY)

    assert (START, START) == (broken, after)


def test_only_what_arrived_is_asked_for(store: Store) -> None:
    """A case that only waits in the outbox is not looked for at the recipient."""
    deliver(store, "a")
    store.commit([(at(2), outcome("b", 1, queued("b", KP, 1)))], START, KEY)

    assert ["a"] == asked(store, LATER)


def test_the_newest_edition_that_arrived_counts(store: Store) -> None:
    """Two editions of a case are one case, at its newest edition."""
    deliver(store, "a", 1)
    deliver(store, "a", 2)

    (one,) = store.hearing.shares_to_ask(TO, (), LATER, 10)

    assert ("a", KP, 2) == (one.uid, one.agreement, one.edition)


def test_longest_unseen_first(store: Store) -> None:
    """A round that cannot look at all takes what was looked at longest ago."""
    for uid in ("a", "b", "c"):
        deliver(store, uid)
    look(store, "a", LATER)
    look(store, "b", LATER + HOUR)
    look(store, "c", LATER + HOUR / 2)

    now = LATER + 2 * HOUR
    assert ["a", "c"] == asked(store, now, most=2)
    share = samples.share_of("b", TO)
    assert ["b", "a"] == asked(store, now, share, most=2)
    assert ["a", "c", "b"] == asked(store, now, "no-share-of-ours")


@pytest.mark.parametrize(
    ("age", "ago", "due"),
    [
        (DAY, timedelta(minutes=1), True),
        (20 * DAY, timedelta(minutes=59), False),
        (20 * DAY, timedelta(minutes=61), True),
        (100 * DAY, 23 * HOUR, False),
        (100 * DAY, 25 * HOUR, True),
    ],
)
def test_older_cases_are_asked_for_less_often(
    store: Store, age: timedelta, ago: timedelta, due: bool
) -> None:
    """Fresh cases every round, those of two months every hour, the rest every day."""
    now = START + 200 * DAY
    share = deliver(store, "a", when=now - age)
    look(store, "a", now - ago)

    assert due == (["a"] == asked(store, now))
    assert ["a"] == asked(store, now, share)


# --- what was said


def test_the_same_is_stored_once(store: Store) -> None:
    """What was found before is not new; what is beside it is."""
    deliver(store, "a")

    assert (2, 0, 1) == (
        look(store, "a", LATER, said(1), said(2)),
        look(store, "a", LATER, said(2), said(1)),
        look(store, "a", LATER, said(1), said(3)),
    )
    assert 3 == len(store.hearing.listed())


def test_an_id_follows_from_what_was_said_where(tmp_path: Path) -> None:
    """Another store that finds the same gives it the same id; other cases another."""
    ids = []
    for name in ("one.db", "two.db"):
        with samples.opened(tmp_path, name) as store:
            look(store, "a", LATER, said(1))
            look(store, "b", LATER, said(1))
            ids.append([one.id for one in store.hearing.listed()])

    assert ids[0] == ids[1]
    assert 2 == len(set(ids[0]))


def test_two_that_find_the_same_store_it_once(url: str) -> None:
    """Several processes that look at one case at the same time store it once."""
    with open_store(url) as store:
        found = [said(number) for number in range(50)]
        new: list[int] = []
        threads = [
            threading.Thread(target=lambda: new.append(look(store, "a", LATER, *found)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (50, 50) == (sum(new), len(store.hearing.listed()))


def test_a_flood_comes_in_parts(store: Store) -> None:
    """At most a thousand are stored at once, and the case comes again for the rest."""
    deliver(store, "a")
    deliver(store, "b")
    flood = [said(number) for number in range(1_500)]

    first = look(store, "a", LATER, *flood)
    look(store, "b", LATER, said(1))
    next_round = asked(store, LATER + EVERY)
    second = look(store, "a", LATER, *flood)

    assert (1_000, 500) == (first, second)
    assert ["a", "b"] == next_round


def test_it_is_told_when_it_is_traced(store: Store) -> None:
    """Untraced, then traced and untold, then told: each thing once, oldest first."""
    hearing = store.hearing
    look(store, "a", LATER, said(1), said(2))
    first, second = hearing.untraced(10)
    hearing.trace(first.number, Traced("observables[1]", "", 3), "amber", "lead")
    (told,) = hearing.unpublished()
    hearing.mark_published([told.number])

    assert [second.number] == [one.number for one in hearing.untraced(10)]
    assert () == hearing.untraced(10, after=second.number)
    assert ("observables[1]", 3, "amber", "lead") == (
        told.field,
        told.revision,
        told.tlp,
        told.readers,
    )
    assert () == hearing.unpublished()


def test_the_list_has_no_words(store: Store) -> None:
    """Everything but the words comes back as it was found; the words when asked for."""
    look(store, "a", LATER, said(1, organisation="o" * 36, at=None))

    (one,) = store.hearing.listed()

    assert ("note", "remark", "a" * 36, None, LATER, "o" * 36, True) == (
        one.kind,
        one.word,
        one.about,
        one.at,
        one.seen_at,
        one.organisation,
        one.has_words,
    )
    assert "Agim" not in repr(one)
    assert {"note": "Agim 1"} == store.hearing.words(one.number)
    assert one == store.hearing.item(one.number)
    assert store.hearing.item(99) is None


def test_the_list_can_be_narrowed(store: Store) -> None:
    """By incident, recipient and word; newest first, and no more than asked for."""
    look(store, "a", LATER, said(1), said(2, word=FeedbackWord.AGREE))
    look(store, "b", LATER, said(3))
    hearing = store.hearing

    def uids(*found: object) -> list[str]:
        return [one.uid for one in found]  # type: ignore[attr-defined]

    assert ["b", "a", "a"] == uids(*hearing.listed())
    assert ["a", "a"] == uids(*hearing.listed(uid="a"))
    assert ["a"] == uids(*hearing.listed(words=["agree"]))
    assert [] == uids(*hearing.listed(recipient="fiu-misp"))
    assert ["b"] == uids(*hearing.listed(most=1))


def test_words_of_any_sort_are_kept(store: Store) -> None:
    """Every text comes back as it was, NUL and letters beyond the basic plane too."""
    odd = {"note": "a\x00b \N{GRINNING FACE} ë ' \" \\ \n"}
    look(store, "a", LATER, said(1, words=odd))

    (one,) = store.hearing.listed()
    assert odd == store.hearing.words(one.number)


def test_the_latest_day_of_secrecy_counts(store: Store) -> None:
    """Of several days until which an incident is to be kept secret, the last counts."""
    for number, day in enumerate((date(2027, 1, 31), date(2027, 3, 1)), 1):
        secret = FeedbackWord.KEEP_SECRET_UNTIL
        look(store, "a", LATER, said(number, word=secret, until=day, words={}))
    look(store, "b", LATER, said(1))

    assert date(2027, 3, 1) == store.hearing.secret_until("a")
    assert store.hearing.secret_until("b") is None


def test_reading_is_a_link_of_the_register(store: Store) -> None:
    """Who read which is in the register; the register still holds, without a word."""
    look(store, "a", LATER, said(1))
    (one,) = store.hearing.listed()
    before = store.status(LATER).audit_entries

    store.hearing.note_reading(one, "u-arta", LATER)

    assert before + 1 == store.status(LATER).audit_entries
    assert store.check_register(samples.KEYS).entries == before + 1


def test_the_revisions_behind_an_edition(store: Store) -> None:
    """Newest first, with where each was published; none of a later edition."""
    for number in (1, 2, 3):
        deliver(store, "a", number)

    found = store.hearing.revisions_of("a", "kp-misp", 2)

    assert [(2, 2, at(2)), (1, 1, at(1))] == [
        (one.revision, one.edition, one.position) for one in found
    ]
    assert () == store.hearing.revisions_of("a", "fiu-misp", 2)


def test_what_was_sent_is_what_was_sealed(store: Store) -> None:
    """The bytes that something was said about are those of its edition."""
    deliver(store, "a")
    look(store, "a", LATER, said(1))
    (one,) = store.hearing.listed()

    assert samples.body_of("a", TO, 1) == store.hearing.sent(one)


def test_times_are_utc(store: Store) -> None:
    """Times come back in UTC, to the millisecond."""
    when = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    look(store, "a", when, said(1, at=when))

    (one,) = store.hearing.listed()
    assert (when, when) == (one.at, one.seen_at)
