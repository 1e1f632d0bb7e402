"""What is taken back, on both databases, with the shipped policies and real seals."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from broker.errors import StoreError
from broker.model.agreement import OnExpiry, OnRetention
from broker.recall import GONE_ALARM
from broker.store import Store
from broker.store.recall_orders import FAILED_ALARM, Kind
from broker.store.recalls import NEEDLESS, OVERDUE_ALARM, SHARED_AGAIN
from broker.store.register import entries
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given
from tests.unit.store import samples


@pytest.fixture
def desk(store: Store) -> Desk:
    """Return a consume zone over the store."""
    return Desk(store)


def links(store: Store, kind: str) -> list[dict[str, Any]]:
    """Return the facts of the register's links of one kind."""
    with store.database.read() as connection:
        return [dict(link.facts) for link in entries(connection) if link.kind == kind]


def test_a_word_takes_back_what_was_delivered(desk: Desk) -> None:
    """The recipient gets an edition without contents, without the source's help."""
    desk.publish()
    [first] = desk.deliver()
    order = desk.order()
    desk.take()
    [second] = desk.deliver()

    assert not first.sealed.retracts
    assert second.sealed.retracts
    assert first.sealed.share == second.sealed.share
    event = json.loads(second.sealed.body)["Event"]
    assert ([], []) == (event["Attribute"], event["Object"])
    assert "bank" not in second.sealed.body.decode()
    assert [order.id] == [one.id for one in desk.orders() if one.done_at]
    desk.store.check_register(given.public())


def test_the_register_keeps_no_word_of_a_person(desk: Desk) -> None:
    """Who gave the order stands in the register; why stands there as a digest only."""
    desk.publish()
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    [ordered], [recalled] = (
        links(desk.store, "recall order"),
        links(desk.store, "recall"),
    )
    with desk.store.database.read() as connection:
        register = " ".join(str(link.facts) for link in entries(connection))

    assert ("arta", KP) == (ordered["by"], ordered["agreement"])
    assert 64 == len(ordered["because_sha256"])
    assert ("ordered", "arta") == (recalled["cause"], recalled["by"])
    assert "hospital" not in register
    assert "the address was a hospital's" == desk.orders()[0].because


def test_the_same_words_have_another_digest_each_time(desk: Desk) -> None:
    """Nobody can guess a reason from the register by trying reasons."""
    desk.publish()
    desk.order(agreement=KP)
    desk.order(recipient="fiu-misp")
    first, second = links(desk.store, "recall order")

    assert first["because_sha256"] != second["because_sha256"]


def test_a_word_may_be_about_one_recipient(desk: Desk) -> None:
    """What others have stays with them, and newer revisions still reach them."""
    desk.publish()
    desk.deliver()
    desk.order(recipient="kp-misp")
    desk.take()
    desk.publish(revision=2, title="Another title")
    held = {one.agreement for one in desk.store.held()}

    assert {KP} == {one.agreement for one in desk.store.recalls()}
    assert {KP} == held


def test_a_word_twice_is_one_recall(desk: Desk) -> None:
    """The same order again takes nothing back a second time."""
    desk.publish()
    desk.deliver()
    first = desk.order()
    desk.take()
    second, new = desk.store.order_recall(
        Kind.RECALL, "besnik", "again", desk.now, uid=UID
    )
    desk.take()

    assert (first.id, False) == (second.id, new)
    assert 1 == len(desk.deliver())
    assert 1 == len([one for one in desk.store.recalls() if one.agreement == KP])


def test_what_waits_in_the_outbox_never_leaves(desk: Desk) -> None:
    """A first edition that nobody has tried to send ends with the order itself."""
    desk.publish()
    desk.order()
    before = desk.lease()
    desk.take()

    assert before is None
    assert [] == desk.deliver()
    assert () == desk.store.recalls(everything=True)
    assert ["it was recalled"] == [
        one["reason"] for one in links(desk.store, "delivery") if one["agreement"] == KP
    ]
    desk.store.check_register(given.public())


def test_what_failed_cannot_be_tried_again_after_a_recall(desk: Desk) -> None:
    """An operator's retry sends nothing that somebody has recalled."""
    desk.publish()
    row = desk.lease()
    assert row is not None
    desk.store.fail(row, "wrong key", desk.now)
    desk.order()
    retried = desk.store.retry_failed("kp-misp", desk.now)
    desk.take()

    assert 0 == retried
    assert [True] == [one.sealed.retracts for one in desk.deliver()]


def test_an_order_about_one_recipient_stops_no_other(desk: Desk) -> None:
    """What waits for others still goes out."""
    desk.publish()
    desk.order(agreement="special-prosecution")

    assert 1 == len(desk.deliver())


def test_a_recall_that_was_never_needed_is_closed(desk: Desk) -> None:
    """Where an agreement ends before anything was sent, nobody has to confirm it."""
    desk.publish()
    desk.with_validity(until=desk.now.date() - timedelta(days=1))
    desk.take()
    sent = desk.deliver()

    assert [] == sent
    assert [NEEDLESS] == [one.closed for one in desk.store.recalls(everything=True)]
    assert () == desk.store.recalls()


def test_what_is_being_sent_is_taken_back_afterwards(desk: Desk) -> None:
    """A recall during an attempt goes out behind it: a part may have arrived."""
    desk.publish()
    row = desk.lease()
    assert row is not None
    desk.order()
    desk.take()
    while_sent = desk.lease()
    desk.store.postpone(row, "503", desk.now + timedelta(minutes=1), desk.now)
    [sent] = desk.deliver()

    assert while_sent is None
    assert sent.sealed.retracts
    assert (2, True) == (sent.sealed.edition, sent.sealed.retracts)


def test_a_recipient_that_is_dead_gets_the_recall_first(desk: Desk) -> None:
    """After a weekend, what never arrived is not sent any more; the recall is."""
    desk.publish()
    row = desk.lease()
    assert row is not None
    desk.store.postpone(row, "refused", desk.now + timedelta(minutes=5), desk.now)
    desk.order()
    desk.take()
    desk.later(days=2)
    sent = desk.deliver()

    assert [True] == [one.sealed.retracts for one in sent]


def test_a_newer_revision_waits_for_a_person(desk: Desk) -> None:
    """After a recall nothing of the incident is shared, and the reason names who."""
    desk.publish()
    desk.deliver()
    desk.order()
    desk.take()
    desk.deliver()
    desk.later(days=1)
    desk.publish(revision=2, title="Corrected")
    held = [one for one in desk.store.held() if one.agreement == KP]

    assert ["recalled on 2026-11-21, by arta"] == [one.why for one in held]
    assert [] == desk.deliver()


def test_a_newer_revision_waits_although_the_order_is_not_followed_yet(
    desk: Desk,
) -> None:
    """From the moment of the order on, nothing of the incident is shared."""
    desk.publish()
    desk.order()
    desk.publish(revision=2, title="Corrected")
    before = desk.lease()
    desk.take()

    assert before is None
    assert [] == desk.deliver()
    assert {one.why for one in desk.store.held()} == {"recalled on 2026-11-21, by arta"}


def test_a_threat_to_life_waits_too(desk: Desk) -> None:
    """No fast lane leads around what a person has taken back."""
    desk.publish(urgency="threat-to-life")
    desk.order()
    desk.take()
    desk.publish(revision=2, urgency="threat-to-life", title="Corrected")

    assert KP in {one.agreement for one in desk.store.held()}
    assert [] == desk.deliver()


def test_what_was_decided_before_the_order_is_not_stored_after_it(desk: Desk) -> None:
    """Two processes: one decides on an old history, the other stores the order."""
    desk.publish()
    old = desk.store.histories([UID])[UID]
    desk.order()
    outcome = given.disclose(old, revision=2, uid=UID, title="Corrected")
    with pytest.raises(StoreError, match="recalled meanwhile"):
        desk.store.commit([(samples.at(9), outcome)], desk.now)

    assert 1 == desk.store.histories([UID])[UID].revision


def test_a_release_by_two_people_shares_it_again(desk: Desk) -> None:
    """What two people release leaves, and lifts the recall under that agreement."""
    desk.publish()
    desk.deliver()
    desk.order()
    desk.take()
    desk.deliver()
    desk.publish(revision=2, title="Corrected")
    desk.release(KP)
    again = desk.deliver()
    desk.publish(revision=3, title="Corrected once more")
    third = desk.deliver()

    assert [False] == [one.sealed.retracts for one in again]
    assert [False] == [one.sealed.retracts for one in third]
    [recall] = [
        one for one in desk.store.recalls(everything=True) if one.agreement == KP
    ]
    assert SHARED_AGAIN == recall.closed
    assert KP not in {one.agreement for one in desk.store.held()}
    desk.store.check_register(given.public())


def test_an_approval_before_the_order_does_not_count(desk: Desk) -> None:
    """Whoever approved did not know of the recall; two people must approve again."""
    desk.publish(classification="other/undetermined")
    held = next(one for one in desk.store.held() if one.agreement == KP)
    for name in ("besnik", "cufe"):
        desk.approve(held, name)
    ready = desk.store.held_ready(desk.now)
    desk.order()

    assert held.id in ready
    assert held.id not in desk.store.held_ready(desk.now)
    note = next(one.note for one in desk.store.held() if one.id == held.id)
    assert "recalled on 2026-11-21, by arta" == note


def test_a_lift_lets_newer_revisions_go(desk: Desk) -> None:
    """After a lift the rules alone decide about the next revision."""
    desk.publish()
    desk.deliver()
    desk.order()
    desk.take()
    desk.deliver()
    desk.order(Kind.LIFT)
    desk.publish(revision=2, title="Corrected")

    assert [False] == [one.sealed.retracts for one in desk.deliver()]


def test_a_recall_after_a_lift_counts(desk: Desk) -> None:
    """The newest word about an agreement is the one in force."""
    desk.publish()
    desk.order()
    desk.order(Kind.LIFT, agreement=KP)
    desk.order()
    desk.take()
    desk.publish(revision=2, title="Corrected")

    assert KP in {one.agreement for one in desk.store.held()}


def test_a_recall_of_what_was_withdrawn_does_nothing(desk: Desk) -> None:
    """What is taken back already is not taken back again."""
    desk.publish()
    desk.deliver()
    desk.publish(revision=2, status="withdrawn")
    desk.order()
    desk.take()

    assert [2] == [one.sealed.edition for one in desk.deliver()]
    assert ["withdrawn"] == [
        one.cause for one in desk.store.recalls() if one.agreement == KP
    ]


def test_a_recall_that_failed_is_made_anew(desk: Desk) -> None:
    """A recipient's server that would not delete is asked again by the same order."""
    desk.publish()
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    row = desk.lease()
    assert row is not None
    desk.store.fail(row, "the server would not delete", desk.now)
    desk.order(agreement=KP)
    desk.later(minutes=1)
    desk.take()
    [sent] = desk.deliver()

    assert (3, True) == (sent.sealed.edition, sent.sealed.retracts)
    assert [3] == [one.edition for one in desk.store.recalls()]


def test_without_its_agreement_an_order_stays_open(desk: Desk) -> None:
    """When the agreement's file is gone, there is an alarm until it is back."""
    desk.publish()
    desk.deliver()
    whole = desk.book
    desk.without_agreement()
    order = desk.order()
    desk.take()
    open_, alarms = desk.store.open_orders(), desk.alarms(FAILED_ALARM)
    desk.book = whole
    desk.restart()
    desk.take()

    assert [order.id] == [one.id for one in open_]
    assert "put its file back" in open_[0].note
    assert [f"{UID} {KP}"] == alarms
    assert () == desk.store.open_orders()
    assert [] == desk.alarms(FAILED_ALARM)
    assert [True] == [one.sealed.retracts for one in desk.deliver()]


def test_nothing_is_taken_back_from_somebody_else(desk: Desk) -> None:
    """When an agreement is with another recipient now, that one hears nothing."""
    desk.publish()
    desk.deliver()
    desk.with_recipient("spo-misp")
    desk.order(agreement=KP)
    desk.take()

    assert [f"{UID} {KP}"] == desk.alarms(FAILED_ALARM)
    assert [] == [one for one in desk.store.recalls() if one.agreement == KP]


def test_a_confirmation_ends_the_wait(desk: Desk) -> None:
    """Once, by edition or share, and never before the recall has arrived."""
    desk.publish()
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    [recall] = desk.store.recalls()
    early = desk.store.acknowledge_recall(UID, KP, recall.edition, desk.now, "tag")
    desk.deliver()
    old = desk.now - timedelta(days=1)
    before = desk.store.acknowledge_recall(UID, KP, recall.share, old, "tag")
    first = desk.store.acknowledge_recall(UID, KP, recall.share, desk.now, "tag")
    second = desk.store.acknowledge_recall(UID, KP, recall.edition, desk.now, "tag")

    assert (False, False, True, False) == (early, before, first, second)
    assert () == desk.store.recalls()
    assert ["tag"] == [one["how"] for one in links(desk.store, "recall acknowledged")]


def test_what_nobody_confirms_is_overdue(desk: Desk) -> None:
    """After the days that are set there is an alarm, until it is confirmed."""
    desk.publish()
    desk.deliver()
    desk.order(agreement=KP)
    desk.take()
    desk.deliver()
    desk.later(days=6)
    desk.take()
    soon = desk.alarms(OVERDUE_ALARM)
    desk.later(days=2)
    desk.take()
    late = desk.alarms(OVERDUE_ALARM)
    desk.store.acknowledge_recall(UID, KP, 2, desk.now, "tag")

    assert ([], [f"{UID} {KP} edition 2"]) == (soon, late)
    assert [] == desk.alarms(OVERDUE_ALARM)


def test_an_agreement_that_ends_takes_back_by_itself(desk: Desk) -> None:
    """On the day after its last, without a revision, from its recipient alone."""
    desk.publish()
    desk.deliver()
    desk.publish(uid="KOS-2026-2")  # still in the outbox
    last = desk.now.date() + timedelta(days=1)
    desk.with_validity(until=last)
    desk.take()
    on_time = desk.store.recalls()
    desk.later(days=2)
    desk.take()
    again = desk.store.recalls()
    desk.later(hours=2)
    desk.take()

    assert () == on_time
    assert {(UID, KP), ("KOS-2026-2", KP)} == {(o.uid, o.agreement) for o in again}
    assert {"expired"} == {one.cause for one in again}
    assert again == desk.store.recalls()
    assert [UID] == [one.uid for one in desk.deliver()]
    desk.store.check_register(given.public())


def test_an_agreement_may_let_the_recipient_keep_it(desk: Desk) -> None:
    """Where it says so, nothing is taken back when it ends."""
    desk.publish()
    desk.deliver()
    desk.with_agreement(on_expiry=OnExpiry.KEEP)
    desk.with_validity(until=desk.now.date() - timedelta(days=1))
    desk.take()

    assert () == desk.store.recalls()


def test_who_has_a_following_agreement_keeps_what_it_has(desk: Desk) -> None:
    """A memorandum that was renewed takes nothing back from its recipient."""
    desk.publish()
    desk.deliver()
    desk.with_follower(from_=desk.now.date())
    desk.take()

    assert () == desk.store.recalls()


def test_an_agreement_whose_file_is_gone_is_no_agreement_that_ended(
    desk: Desk,
) -> None:
    """What was shared under it stays there, with an alarm until the file is back."""
    desk.publish()
    desk.deliver()
    whole = desk.book
    desk.without_agreement()
    desk.take()
    gone = desk.alarms(GONE_ALARM)
    desk.book = whole
    desk.take()

    assert [KP] == gone
    assert [] == desk.alarms(GONE_ALARM)
    assert () == desk.store.recalls()


def test_many_are_taken_back_in_rounds(desk: Desk) -> None:
    """An agreement with more than one look's worth of incidents loses all of them."""
    for number in range(105):
        desk.publish(uid=f"KOS-2026-{number}")
    desk.with_validity(until=desk.now.date() - timedelta(days=1))
    desk.take()
    first = len(desk.store.recalls())
    desk.take()

    assert (100, 105) == (first, len(desk.store.recalls()))


def test_a_period_that_is_over_takes_back(desk: Desk) -> None:
    """Where the agreement says so, and counted from the newest edition's delivery."""
    desk.with_agreement(on_retention=OnRetention.RETRACT, retention_days=10)
    desk.publish()
    desk.publish(uid="KOS-2026-2")
    desk.deliver()
    desk.later(days=5)
    desk.publish(revision=2, title="Another title")
    desk.deliver()
    desk.later(days=6)
    desk.take()
    first = {one.uid for one in desk.store.recalls()}
    desk.later(days=5)
    desk.take()
    causes = {(one.uid, one.cause) for one in desk.store.recalls()}

    assert {"KOS-2026-2"} == first
    assert {("KOS-2026-2", "retention"), (UID, "retention")} == causes


def test_a_period_that_is_over_leaves_the_rest_alone(desk: Desk) -> None:
    """Without the agreement's word, deleting is up to the recipient."""
    desk.publish()
    desk.deliver()
    desk.later(days=1900)
    desk.with_validity(until=date(2040, 1, 1))
    desk.take()

    assert "retention" not in {one.cause for one in desk.store.recalls()}


def test_of_an_incident_that_never_came_newer_word_counts(desk: Desk) -> None:
    """An order that is there before the incident keeps it back when it comes."""
    desk.order()
    desk.take()
    desk.publish()

    assert [] == desk.deliver()
    assert KP in {one.agreement for one in desk.store.held()}
