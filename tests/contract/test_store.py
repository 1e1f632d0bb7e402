"""What the store promises, on every database that it runs on.

SQLite always; PostgreSQL where one is installed, or named (see `tests.postgresql`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, update

from broker import seal
from broker.errors import StoreError
from broker.model.sharing import ReceiptState, State
from broker.store import Store, open_store
from broker.store.connect import open_database
from broker.store.tables import (
    SCHEMA,
    audit,
    dead_letters,
    held,
    inbox,
    meta,
    metadata,
    outbox,
)
from tests.unit.store import samples
from tests.unit.store.samples import (
    KEY,
    KEYS,
    LATER,
    MINUTE,
    SOON,
    START,
    at,
    letter,
    outcome,
    queued,
    receipt,
    stale,
    unchanged,
    withheld,
)

KP = "kp-cybercrime"


def rows(url: str, table: Any) -> list[dict[str, Any]]:
    """Return a table's rows, in the order of their first column."""
    database = open_database(url)
    try:
        with database.read() as connection:
            query = select(table).order_by(*table.c[:1])
            return [dict(row) for row in connection.execute(query).mappings()]
    finally:
        database.close()


def counts(url: str) -> dict[str, int]:
    """Return how many rows each table has."""
    database = open_database(url)
    try:
        with database.read() as connection:
            return {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in metadata.tables.items()
            }
    finally:
        database.close()


def kinds(url: str) -> list[str]:
    """Return the kinds of the register's links, oldest first."""
    return [row["kind"] for row in rows(url, audit)]


def test_what_is_leased_is_what_was_sealed(store: Store) -> None:
    """A sealed edition leaves the outbox as it went in, with a seal that holds."""
    share = queued("inc-1", KP, 1, size=5000)
    store.commit([(at(0), outcome("inc-1", 1, share))], START, KEY)

    row = store.lease("kp-misp", "w", SOON, LATER)

    assert row is not None
    assert share.sealed == row.sealed
    assert ("inc-1", KP, 1) == (row.uid, row.agreement, row.attempts)
    seal.verify(row.sealed, KEYS)


def test_a_batch_is_counted(store: Store) -> None:
    """The store says how many shares of a batch ended in which state."""
    batch = [
        (at(0), outcome("a", 1, queued("a", KP, 1), withheld("sprk"))),
        (at(1), outcome("b", 1, samples.held(KP), withheld("sprk"))),
        (at(2), letter(at(2))),
        (at(3), outcome("a", 2, unchanged(KP), withheld("sprk"))),
    ]

    done = store.commit(batch, START, KEY)

    assert (1, 1, 3, 1, 1) == (
        done.queued,
        done.held,
        done.withheld,
        done.unchanged,
        done.dead_letters,
    )


def test_a_delivery_that_comes_again_leaves_only_its_position(
    store: Store, url: str
) -> None:
    """Processing the same messages twice stores them once."""
    batch = [
        (at(0), outcome("a", 1, queued("a", KP, 1))),
        (at(1), letter(at(1))),
    ]
    store.commit(batch, START, KEY)
    before = counts(url)

    done = store.commit(batch, SOON, KEY)

    assert before == counts(url)
    assert (1, 0, 0) == (done.duplicates, done.queued, done.dead_letters)
    assert SOON == store.status(SOON).last_message_at


def test_a_duplicate_within_one_batch_is_stored_once(store: Store) -> None:
    """The same revision twice in one batch is stored once."""
    once = outcome("a", 1, queued("a", KP, 1))

    done = store.commit([(at(0), once), (at(1), once)], START, KEY)

    assert (1, 1) == (done.queued, done.duplicates)


def test_other_content_under_the_same_revision_alarms(store: Store, url: str) -> None:
    """A revision that comes again with other content is refused with an alarm, once."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    again = outcome("a", 1, content="other", conflict=True)

    first = store.commit([(at(1), again)], SOON, KEY)
    second = store.commit([(at(1), again)], LATER, KEY)

    alarm = store.status(LATER).alarms[0]
    assert (1, 1) == (first.conflicts, second.conflicts)
    assert ("conflict", 2) == (alarm.kind, alarm.times)
    assert 1 == kinds(url).count("conflict")


def test_a_conflict_that_the_pipeline_could_not_see_is_seen(store: Store) -> None:
    """An old revision that comes again with other content is a conflict, not stale."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    store.commit([(at(1), outcome("a", 2, unchanged(KP)))], START, KEY)

    done = store.commit([(at(2), outcome("a", 1, stale(KP), content="x"))], SOON, KEY)

    assert (1, 0) == (done.conflicts, done.stale)


def test_a_late_revision_is_stored_as_stale(store: Store, url: str) -> None:
    """A revision older than one processed is kept on record and shares nothing."""
    store.commit([(at(0), outcome("a", 2, queued("a", KP, 1)))], START, KEY)

    done = store.commit([(at(1), outcome("a", 1, stale(KP)))], SOON, KEY)

    assert 1 == done.stale
    assert [1, 2] == sorted(row["revision"] for row in rows(url, inbox))
    assert 2 == store.histories(["a"])["a"].revision


def test_a_newer_edition_supersedes_an_unsent_one(store: Store) -> None:
    """Of two editions that wait, only the newer is sent; the other has a receipt."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)

    done = store.commit([(at(1), outcome("a", 2, queued("a", KP, 2)))], SOON, KEY)

    row = store.lease("kp-misp", "w", SOON, LATER)
    told = store.unpublished_receipts()
    assert 1 == done.superseded
    assert row is not None
    assert 2 == row.sealed.edition
    assert None is store.lease("kp-misp", "w", SOON, LATER)
    assert [(1, ReceiptState.SUPERSEDED)] == [
        (one.receipt.edition, one.receipt.state) for one in told
    ]


def test_two_editions_in_one_batch_leave_only_the_newer(store: Store) -> None:
    """An edition that is overtaken within its own batch is never sent."""
    batch = [
        (at(0), outcome("a", 1, queued("a", KP, 1))),
        (at(1), outcome("a", 2, queued("a", KP, 2))),
        (at(2), outcome("a", 3, queued("a", KP, 3))),
    ]

    done = store.commit(batch, START, KEY)

    row = store.lease("kp-misp", "w", SOON, LATER)
    assert 2 == done.superseded
    assert row is not None
    assert 3 == row.sealed.edition


def test_an_edition_under_way_ends_before_the_next_begins(store: Store) -> None:
    """While an edition is being sent, a newer one of the same incident waits."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    first = store.lease("kp-misp", "w", SOON, LATER)
    assert first is not None
    store.commit([(at(1), outcome("a", 2, queued("a", KP, 2)))], SOON, KEY)

    during = store.lease("kp-misp", "v", SOON, LATER)
    store.finish(first, receipt(first))
    after = store.lease("kp-misp", "v", SOON, LATER)

    assert during is None
    assert after is not None
    assert 2 == after.sealed.edition


def test_another_incident_need_not_wait(store: Store) -> None:
    """Two workers may send two incidents to one recipient at the same time."""
    for n, uid in enumerate("ab"):
        store.commit([(at(n), outcome(uid, 1, queued(uid, KP, 1)))], START, KEY)

    taken = [store.lease("kp-misp", worker, SOON, LATER) for worker in "vw"]

    assert ["a", "b"] == [row.uid for row in taken if row]


def test_an_overtaken_edition_is_not_tried_again(store: Store) -> None:
    """An attempt that fails after something newer was decided ends as superseded."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    first = store.lease("kp-misp", "w", SOON, LATER)
    assert first is not None
    store.commit([(at(1), outcome("a", 2, queued("a", KP, 2)))], SOON, KEY)

    store.postpone(first, "not reachable", SOON, SOON)

    lane = store.status(SOON).lanes[0]
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert (1, 1) == (lane.queued, lane.superseded)
    assert row is not None
    assert 2 == row.sealed.edition


def test_a_lease_that_ran_out_is_taken_over(store: Store) -> None:
    """When a worker disappears another takes over, and the first may not finish."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    lost = store.lease("kp-misp", "w", START, SOON)
    assert lost is not None

    early = store.lease("kp-misp", "v", SOON - MINUTE / 2, LATER)
    taken = store.lease("kp-misp", "v", SOON, LATER)

    assert early is None
    assert taken is not None
    assert (lost.id, 2) == (taken.id, taken.attempts)
    assert not store.finish(lost, receipt(lost))
    assert not store.fail(lost, "x", SOON)
    assert not store.postpone(lost, "x", SOON, SOON)
    assert store.finish(taken, receipt(taken))


def test_a_lost_lease_of_an_overtaken_edition_ends(store: Store) -> None:
    """An edition whose worker disappeared is not sent once something newer is."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    store.lease("kp-misp", "w", START, SOON)
    store.commit([(at(1), outcome("a", 2, queued("a", KP, 2)))], SOON, KEY)

    row = store.lease("kp-misp", "v", SOON, LATER)

    assert row is not None
    assert 2 == row.sealed.edition
    assert 1 == store.status(SOON).lanes[0].superseded


def test_leases_of_the_dead_are_reclaimed(store: Store) -> None:
    """The lease of a worker that is known to be dead can be taken over at once."""
    for n, uid in enumerate("ab"):
        store.commit([(at(n), outcome(uid, 1, queued(uid, KP, 1)))], START, KEY)
    store.lease("kp-misp", "dead", START, LATER)
    store.lease("kp-misp", "alive", START, LATER)

    lost = store.reclaim(lambda worker: worker == "dead")

    row = store.lease("kp-misp", "new", START, LATER)
    assert 1 == lost
    assert row is not None
    assert "a" == row.uid
    assert None is store.lease("kp-misp", "new", START, LATER)


def test_a_postponed_edition_waits(store: Store) -> None:
    """An edition in back-off is not leased before its time, and others are."""
    batch = [(at(n), outcome(u, 1, queued(u, KP, 1))) for n, u in enumerate("ab")]
    store.commit(batch, START, KEY)
    first = store.lease("kp-misp", "w", START, LATER)
    assert first is not None
    store.postpone(first, "not reachable", SOON, START)

    other = store.lease("kp-misp", "w", START, LATER)
    nothing = store.lease("kp-misp", "w", START, LATER)
    pending = store.pending("kp-misp", START)
    again = store.lease("kp-misp", "w", SOON, LATER)

    assert other is not None
    assert "b" == other.uid
    assert nothing is None
    assert (0, 1, 1, SOON) == (
        pending.due,
        pending.leased,
        pending.waiting,
        pending.next_attempt_at,
    )
    assert again is not None
    assert "a" == again.uid


def test_what_may_no_longer_be_shared_is_not_sent(store: Store) -> None:
    """A withheld or held revision stops an older edition that is not sent yet."""
    for uid, share in (("a", withheld(KP)), ("b", samples.held(KP))):
        store.commit([(at(0), outcome(uid, 1, queued(uid, KP, 1)))], START, KEY)
        store.commit([(at(1), outcome(uid, 2, share))], SOON, KEY)

    assert None is store.lease("kp-misp", "w", SOON, LATER)


def test_a_recall_is_sent_whatever_comes_after(store: Store) -> None:
    """A later withheld revision does not stop a recall that is still on its way."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row is not None
    store.finish(row, receipt(row))
    recall = queued("a", KP, 2, retracts=True)
    store.commit([(at(1), outcome("a", 2, recall))], SOON, KEY)
    store.commit([(at(2), outcome("a", 3, withheld(KP)))], SOON, KEY)

    sent = store.lease("kp-misp", "w", SOON, LATER)

    assert sent is not None
    assert sent.sealed.retracts


def test_a_recall_within_a_batch_is_sent_whatever_comes_after(store: Store) -> None:
    """The same holds when both come in one batch."""
    batch = [
        (at(1), outcome("a", 1, queued("a", KP, 1, retracts=True))),
        (at(2), outcome("a", 2, withheld(KP))),
    ]
    store.commit(batch, START, KEY)

    assert store.lease("kp-misp", "w", SOON, LATER) is not None


def test_history_is_the_newest_revision_and_edition(store: Store) -> None:
    """A history has the newest revision, and one edition per agreement."""
    first = outcome("a", 1, queued("a", KP, 1), queued("a", "sprk", 1))
    second = outcome("a", 2, queued("a", KP, 2), unchanged("sprk"))
    store.commit([(at(0), first), (at(1), second)], START, KEY)

    history = store.histories(["a", "b"])

    assert ["a"] == list(history)
    assert (2, second.incident_sha256) == (
        history["a"].revision,
        history["a"].incident_sha256,
    )
    assert {"kp-misp": samples.edition(2), "sprk-misp": samples.edition(1)} == dict(
        history["a"].editions
    )


def test_what_never_arrived_is_not_taken_for_known(store: Store) -> None:
    """An edition that was stopped unsent is sent anew, and needs no taking back."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    store.commit([(at(1), outcome("a", 2, withheld(KP)))], SOON, KEY)

    edition = store.histories(["a"])["a"].editions["kp-misp"]

    assert (1, "", True) == (edition.number, edition.content, edition.retracts)


def test_what_may_have_arrived_counts_as_arrived(store: Store) -> None:
    """After an attempt that failed half-way, something may have to be taken back."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row is not None
    store.commit([(at(1), outcome("a", 2, samples.held(KP)))], SOON, KEY)
    store.postpone(row, "no answer in time", SOON, SOON)

    edition = store.histories(["a"])["a"].editions["kp-misp"]

    assert ("", False) == (edition.content, edition.retracts)


def test_what_arrived_before_still_has_to_be_taken_back(store: Store) -> None:
    """A stopped update does not hide that the recipient has the edition before it."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row is not None
    store.finish(row, receipt(row))
    store.commit([(at(1), outcome("a", 2, queued("a", KP, 2)))], SOON, KEY)
    store.commit([(at(2), outcome("a", 3, samples.held(KP)))], SOON, KEY)

    edition = store.histories(["a"])["a"].editions["kp-misp"]

    assert (2, "", False) == (edition.number, edition.content, edition.retracts)


def test_a_recall_that_failed_is_not_taken_for_done(store: Store) -> None:
    """After a recall that failed, the recipient still counts as having the content."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row is not None
    store.finish(row, receipt(row))
    recall = queued("a", KP, 2, retracts=True)
    store.commit([(at(1), outcome("a", 2, recall))], SOON, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row is not None
    store.fail(row, "refused", SOON)

    assert not store.histories(["a"])["a"].editions["kp-misp"].retracts


def test_a_batch_with_an_outdated_history_is_refused_whole(
    store: Store, url: str
) -> None:
    """When another process stored a newer revision meanwhile, nothing is stored."""
    store.commit([(at(0), outcome("a", 2, withheld(KP)))], START, KEY)
    before = counts(url)
    batch = [
        (at(1), outcome("b", 1, queued("b", KP, 1))),
        (at(2), outcome("a", 1, queued("a", KP, 1))),
    ]

    with pytest.raises(StoreError, match="meanwhile"):
        store.commit(batch, SOON, KEY)

    assert before == counts(url)


def test_an_edition_number_is_used_once(store: Store, url: str) -> None:
    """Two processes that number the same edition cannot both store it."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    before = counts(url)

    with pytest.raises(StoreError):
        store.commit([(at(1), outcome("a", 2, queued("a", KP, 1)))], SOON, KEY)

    assert before == counts(url)


def test_a_dead_letter_names_place_and_problem(store: Store) -> None:
    """A dead letter keeps the place, the problem and the digest, and is stored once."""
    store.commit([(at(7), letter(at(7)))], START)
    store.commit([(at(7), letter(at(7)))], SOON)
    remade = letter(at(7), sha256="d" * 64)  # the topic was made anew
    store.commit([(at(7), remade)], LATER)

    status = store.status(LATER)

    assert 2 == status.dead_letter_count
    assert (remade, LATER) == status.dead_letters[0]
    assert {"problem", "advice", "path", "sha256", "size"} < set(dead_letters.c.keys())
    assert "body" not in dead_letters.c


def test_a_held_draft_is_dropped_when_something_newer_is_decided(
    store: Store, url: str
) -> None:
    """A draft that waits for a person is emptied once a newer revision is decided."""
    store.commit([(at(0), outcome("a", 1, samples.held(KP)))], START, KEY)
    waiting = store.status(SOON)
    store.commit([(at(1), outcome("a", 2, withheld(KP)))], SOON, KEY)

    assert ("a", 1, "the agreement asks for review: c2-servers") == (
        waiting.held[0].uid,
        waiting.held_count,
        waiting.held[0].why,
    )
    assert 0 == store.status(SOON).held_count
    assert [b""] == [row["body"] for row in rows(url, held)]


def test_a_breach_and_an_error_alarm(store: Store) -> None:
    """What the guard or an error held back raises an alarm that names no value."""
    batch = [
        (at(0), outcome("a", 1, samples.held(KP, breach=True))),
        (at(1), outcome("b", 1, samples.held(KP, failure="disclose: KeyError"))),
    ]
    store.commit(batch, START, KEY)

    alarms = {alarm.kind: alarm.text for alarm in store.status(SOON).alarms}

    assert {
        "breach": "the guard found: canary at Event.info, a value of victims[].name",
        "failure": "disclose: KeyError failed",
    } == alarms


def test_alarms_end_when_their_cause_does(store: Store) -> None:
    """An alarm counts how often it was raised, and can be taken back."""
    for moment in (START, SOON):
        store.alarm("unreachable", "kp-misp", "not reachable", moment)
    raised = store.status(SOON).alarms

    store.calm("unreachable", "kp-misp")

    assert [(2, START, SOON)] == [(a.times, a.first_at, a.last_at) for a in raised]
    assert 0 == store.status(SOON).alarm_count


def test_status_counts_every_lane(store: Store) -> None:
    """The status counts each recipient's rows by state and knows the oldest."""
    for n, uid in enumerate("abcd"):
        store.commit([(at(n), outcome(uid, 1, queued(uid, KP, 1)))], START, KEY)
    done = store.lease("kp-misp", "w", START, LATER)
    failed = store.lease("kp-misp", "w", START, LATER)
    late = store.lease("kp-misp", "w", START, LATER)
    assert done
    assert failed
    assert late
    store.finish(done, receipt(done))
    store.fail(failed, "blocklisted", START)
    store.postpone(late, "no answer in time", LATER, START)

    status = store.status(START + 90 * MINUTE / 60)

    lane = status.lanes[0]
    assert ("kp-misp", 2, 0, 1, 0, 1) == (
        lane.recipient,
        lane.queued,
        lane.leased,
        lane.delivered,
        lane.superseded,
        lane.failed,
    )
    assert (90.0, "no answer in time") == (lane.oldest_seconds, lane.last_reason)
    assert samples.RULEBOOK == status.rulebook
    assert [at(3)] == [reached.position for reached in status.positions]
    assert kinds_of(store) == status.audit_entries


def kinds_of(store: Store) -> int:
    """Return how many links the register has."""
    return store.check_register(KEYS).entries


def test_the_register_tells_of_every_decision(store: Store, url: str) -> None:
    """Each share has one link, each batch a signed checkpoint, each attempt a link."""
    batch = [(at(0), outcome("a", 1, queued("a", KP, 1), withheld("sprk")))]
    store.commit(batch, START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row
    store.postpone(row, "not reachable", SOON, SOON)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row
    store.finish(row, receipt(row))

    verified = store.check_register(KEYS)

    assert ["disclosure", "decision", "checkpoint", "delivery", "delivery"] == kinds(
        url
    )
    assert (5, 1, 2) == (verified.entries, verified.checkpoints, verified.unsigned)


def test_the_register_holds_the_facts_and_no_value(store: Store, url: str) -> None:
    """A disclosure's link names recipient, clause, rulebook, digests and counts."""
    share = queued("a", KP, 1)
    assert share.sealed
    store.commit([(at(0), outcome("a", 1, share))], START, KEY)

    facts = orjson.loads(rows(url, audit)[0]["facts"])

    assert {
        "agreement": KP,
        "recipient": "kp-misp",
        "effect": "share",
        "state": "queued",
        "clauses": ["c2-servers"],
        "rulebook": samples.RULEBOOK,
        "uid": "a",
        "revision": 1,
        "incident_sha256": outcome("a", 1).incident_sha256,
        "counts": {"kept": 1, "changed": 0, "withheld": 1},
        "edition": 1,
        "share": share.sealed.share,
        "wire": "misp-event",
        "body_sha256": share.sealed.sha256,
        "retracts": False,
    } == facts


def test_receipts_are_published_once(store: Store) -> None:
    """A receipt is handed out until it is marked as published."""
    store.commit([(at(0), outcome("a", 1, queued("a", KP, 1)))], START, KEY)
    row = store.lease("kp-misp", "w", SOON, LATER)
    assert row
    store.finish(row, receipt(row))

    (told,) = store.unpublished_receipts()
    store.mark_published([told.id])

    assert ("a", KP, receipt(row)) == (told.uid, told.agreement, told.receipt)
    assert () == store.unpublished_receipts()


def test_failed_editions_can_be_queued_again(store: Store) -> None:
    """An operator may try failed editions again, unless something newer was decided."""
    for n, uid in enumerate("ab"):
        store.commit([(at(n), outcome(uid, 1, queued(uid, KP, 1)))], START, KEY)
        row = store.lease("kp-misp", "w", START, LATER)
        assert row
        store.fail(row, "the key is not accepted", START)
    store.commit([(at(2), outcome("b", 2, withheld(KP)))], SOON, KEY)

    again = store.retry_failed("kp-misp", SOON)

    row = store.lease("kp-misp", "w", SOON, LATER)
    assert 1 == again
    assert row
    assert ("a", 2) == (row.uid, row.attempts)
    assert None is store.lease("kp-misp", "w", SOON, LATER)
    store.check_register(KEYS)


def test_an_empty_batch_writes_nothing(store: Store, url: str) -> None:
    """Nothing processed leaves nothing, not even a checkpoint."""
    before = counts(url)

    store.commit([], START, KEY)

    assert before == counts(url)


def test_a_share_that_is_queued_must_be_sealed(store: Store, url: str) -> None:
    """A queued share without a seal is refused, with its whole batch."""
    unsealed = samples.held(KP)
    wrong = outcome("a", 1, replace(unsealed, state=State.QUEUED))

    with pytest.raises(StoreError, match="sealed"):
        store.commit([(at(0), wrong)], START, KEY)

    assert 0 == counts(url)["inbox"]


def test_a_store_of_a_newer_besa_is_refused(url: str) -> None:
    """A store with an unknown schema is refused, and the message says what to do."""
    open_store(url).close()
    database = open_database(url)
    with database.write() as connection:
        connection.execute(
            update(meta).where(meta.c.name == "schema").values(value="99")
        )
    database.close()

    with pytest.raises(StoreError, match=f"has schema 99, .* knows {SCHEMA} "):
        open_store(url)


def test_an_error_of_the_database_names_no_value(url: str) -> None:
    """What the database says about a row stays inside."""
    database = open_database(url)
    secret = {"name": "schema", "value": "Ardit Krasniqi"}
    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute(meta.insert(), [secret])
    database.close()

    assert "Ardit" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_many_incidents_have_their_histories(store: Store) -> None:
    """Histories of more incidents than fit into one question are all found."""
    uids = [f"inc-{n}" for n in range(1200)]
    store.commit([(at(n), outcome(uid, 1)) for n, uid in enumerate(uids)], START)

    assert set(uids) == set(store.histories(uids))


def test_the_outbox_gives_the_oldest_first(store: Store) -> None:
    """Editions leave in the order in which they were decided."""
    uids = [f"inc-{n}" for n in range(20)]
    store.commit(
        [(at(n), outcome(uid, 1, queued(uid, KP, 1))) for n, uid in enumerate(uids)],
        START,
        KEY,
    )

    sent = []
    while row := store.lease("kp-misp", "w", SOON, LATER + timedelta(hours=1)):
        sent.append(row.uid)
        store.finish(row, receipt(row))

    assert uids == sent
    assert {"delivered"} == {row["state"] for row in rows_of(store)}


def rows_of(store: Store) -> list[dict[str, Any]]:
    """Return the rows of the outbox."""
    with store._database.read() as connection:
        return [dict(row) for row in connection.execute(select(outbox)).mappings()]
