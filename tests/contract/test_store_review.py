"""What the store promises about held shares, on every database that it runs on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.canonical import sha256_hex
from broker.errors import StoreError
from broker.model.sharing import Share, State
from broker.store import Approved, Held, Store
from tests.unit.store import samples
from tests.unit.store.samples import (
    KEY,
    KEYS,
    LATER,
    RULEBOOK,
    SOON,
    START,
    at,
    outcome,
    queued,
    withheld,
)

KP = "kp-cybercrime"


def hold(store: Store, uid: str = "a", revision: int = 1) -> Held:
    """Store a share that waits for a person."""
    made = outcome(uid, revision, samples.held(KP))
    store.commit([(at(revision), made)], START, KEY)
    return store.held()[0]


def approval(held: Held, reviewer: str) -> Approved:
    """Return a person's approval of what is held."""
    return Approved(0, reviewer, held.sha256, SOON, LATER, "statement", "")


def sealed(uid: str, number: int = 1) -> Share:
    """Return the share once it is sealed."""
    return queued(uid, KP, number)


def test_what_is_held_tells_where_it_came_from(store: Store) -> None:
    """A held share has its draft, its place in the source, and its publisher."""
    made = replace(outcome("a", 1, samples.held(KP)), publisher="u-arta")
    store.commit([(at(7), made)], START, KEY)
    found = store.held_item(store.held()[0].id)

    assert found is not None
    assert sha256_hex(found.body) == found.held.sha256
    assert (at(7), "u-arta", 1) == (
        found.position,
        found.held.publisher,
        found.held.newest,
    )
    assert {at(7)} == store.held_positions("kafka")


def test_two_people_make_it_ready(store: Store) -> None:
    """One approval is not enough, nor two by the same person; two people are."""
    held = hold(store)
    ready = []
    for name in ("arta", "arta", "besnik"):
        store.approve(held.id, approval(held, name))
        ready.append(store.held_ready(SOON))

    assert [(), (), (held.id,)] == ready
    assert ["arta", "besnik"] == [one.reviewer for one in store.held()[0].approvals]


def test_a_release_is_queued_and_on_record(store: Store) -> None:
    """A released share is sent, its draft is emptied, and the register is whole."""
    held = hold(store)
    for name in ("arta", "besnik"):
        store.approve(held.id, approval(held, name))
    store.release(held.id, sealed("a"), RULEBOOK, ["arta", "besnik"], SOON, KEY)
    ended = store.held(ended=True)[0]
    row = store.lease("kp-misp", "w", SOON, LATER)

    assert ("released", ()) == (ended.ended, ended.approvals)
    assert b"" == getattr(store.held_item(held.id), "body", None)
    assert row is not None
    assert ("a", 1) == (row.uid, row.sealed.edition)
    assert () == store.held_ready(LATER)
    assert 6 == store.check_register(KEYS).entries


def test_nothing_is_released_twice(store: Store) -> None:
    """A second release of the same share is refused, and stores nothing."""
    held = hold(store)
    store.release(held.id, sealed("a"), RULEBOOK, [], SOON, KEY)
    with pytest.raises(StoreError, match="does not wait any more"):
        store.release(held.id, sealed("a", 2), RULEBOOK, [], SOON, KEY)

    assert 1 == store.status(SOON).lanes[0].queued


def test_a_released_edition_is_remembered(store: Store) -> None:
    """The next revision is compared with, and numbered after, what was released."""
    held = hold(store)
    share = sealed("a")
    store.release(held.id, share, RULEBOOK, [], SOON, KEY)

    assert share.edition == store.histories(["a"])["a"].editions["kp-misp"]


def test_a_release_overtakes_what_is_not_sent_yet(store: Store) -> None:
    """An older edition that still waits is never sent after the released one."""
    store.commit([(at(0), outcome("a", 1, sealed("a", 1)))], START, KEY)
    store.commit([(at(1), outcome("a", 2, withheld(KP)))], START, KEY)
    held = hold(store, revision=3)
    store.release(held.id, sealed("a", 2), RULEBOOK, [], SOON, KEY)
    first = store.lease("kp-misp", "w", SOON, LATER)

    assert first is not None
    assert 2 == first.sealed.edition
    assert None is store.lease("kp-misp", "w", SOON, LATER)


def test_what_is_superseded_is_not_released(store: Store) -> None:
    """Once a newer revision is decided, approvals of the older one end."""
    held = hold(store)
    for name in ("arta", "besnik"):
        store.approve(held.id, approval(held, name))
    store.commit([(at(2), outcome("a", 2, withheld(KP)))], SOON, KEY)
    old = store.held(ended=True)[0]

    assert () == store.held_ready(LATER)
    assert ("superseded", 2) == (old.ended, old.newest)
    with pytest.raises(StoreError, match="does not wait any more"):
        store.release(held.id, sealed("a"), RULEBOOK, [], SOON, KEY)


def test_an_approval_of_another_draft_is_refused(store: Store) -> None:
    """Who looked at an older draft cannot approve the one that is there now."""
    held = hold(store)
    seen = replace(approval(held, "arta"), sha256="0" * 64)

    with pytest.raises(StoreError, match="another draft"):
        store.approve(held.id, seen)


def test_held_again_needs_everybody_again(store: Store) -> None:
    """A new draft ends the approvals of the old one."""
    held = hold(store)
    for name in ("arta", "besnik"):
        store.approve(held.id, approval(held, name))
    made = samples.held(KP)
    draft = replace(made.draft, body=b'{"Event":{"n":2}}') if made.draft else None
    store.hold_again(held.id, replace(made, draft=draft), "c" * 64, SOON)
    again = store.held()[0]

    assert held.sha256 != again.sha256
    assert ((), "c" * 64) == (again.approvals, again.rulebook)
    assert () == store.held_ready(LATER)


def test_only_time_makes_it_ready(store: Store) -> None:
    """What nothing but an embargo holds is ready when the embargo ends, not before."""
    made = replace(outcome("a", 1, samples.held(KP)), waits_until={KP: SOON})
    store.commit([(at(1), made)], START, KEY)
    held = store.held()[0]

    assert () == store.held_ready(START)
    assert (held.id,) == store.held_ready(SOON)


def test_a_breach_is_not_held_by_time_alone(store: Store) -> None:
    """What the guard holds does not go out when an embargo ends."""
    made = outcome("a", 1, samples.held(KP, breach=True))
    store.commit([(at(1), replace(made, waits_until={KP: SOON}))], START, KEY)

    assert () == store.held_ready(LATER)


def test_the_same_incident_again_moves_its_place(store: Store) -> None:
    """Published again, a held incident is read from where it was seen last."""
    hold(store)
    store.commit([(at(99), outcome("a", 1, samples.held(KP)))], SOON, KEY)

    assert {at(99)} == store.held_positions("kafka")


def test_a_drop_is_on_record(store: Store) -> None:
    """A dropped share is not held and not shared, and the register tells by whom."""
    held = hold(store)
    store.drop(held.id, held.sha256, "arta", "not for them", SOON)

    assert 0 == store.status(SOON).held_count
    assert "dropped" == store.held(ended=True)[0].ended
    assert 3 == store.check_register(KEYS).entries


def test_another_rulebook_is_on_record_once(store: Store) -> None:
    """The store notes the rulebook in force, and ends the alarm about the last one."""
    store.alarm("rulebook", "", "changed policies are not in force: x", START)
    first = store.enforce("d" * 64, "r" * 64, SOON)
    again = store.enforce("d" * 64, "r" * 64, LATER)
    found = store.status(LATER)

    assert (True, False) == (first, again)
    assert ("d" * 64, SOON, "") == (
        found.in_force,
        found.in_force_since,
        found.rulebook_trouble,
    )
    assert "r" * 64 == store.recipients_in_force()


def test_a_fast_lane_tells_people(store: Store) -> None:
    """What leaves without review because a life is at stake raises an alarm."""
    share = sealed("a")
    told = replace(share.decision.findings[0], clause="notify")
    decision = replace(share.decision, findings=(*share.decision.findings, told))
    made = outcome("a", 1, replace(share, decision=decision))
    store.commit([(at(1), made)], START, KEY)

    assert State.QUEUED is share.state
    assert ["fast-lane"] == [alarm.kind for alarm in store.status(SOON).alarms]


def test_past_decisions_come_with_their_facts(store: Store) -> None:
    """Every decision since a moment can be read with what it was made on."""
    old = replace(outcome("a", 1, withheld(KP)), facts="{}")
    new = replace(outcome("b", 1, withheld(KP)), facts='{"x":1}')
    store.commit([(at(1), old)], START, KEY)
    store.commit([(at(2), new)], LATER, KEY)

    assert [("a", "{}"), ("b", '{"x":1}')] == [
        (one.uid, one.facts) for one in store.decided()
    ]
    assert ["b"] == [one.uid for one in store.decided(SOON)]
