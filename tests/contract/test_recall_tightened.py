"""What narrower policies take back, on both databases, with the incidents at hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.source import SourceError
from broker.store import Store, recall_orders
from broker.store.recall_orders import Kind
from broker.tightened import LOST_ALARM, lost
from tests.contract.recall_desk import KP, UID, Desk
from tests.unit import given

AGREEMENT = "policies/agreements/kp-cybercrime.yaml"
PROFILE = "policies/profiles/investigation.yaml"
DETECTED = {"times": {"detected": "2026-11-18T07:07:07Z"}}


@pytest.fixture
def desk(store: Store) -> Desk:
    """Return a consume zone whose police have one incident."""
    made = Desk(store)
    made.publish(**DETECTED)
    made.deliver()
    return made


def look(desk: Desk, kind: Kind = Kind.TIGHTENED) -> list[tuple[str, str]]:
    """Let the shares be compared; return what was found of which agreement."""
    order = desk.order(kind, uid="")
    desk.take()
    found = recall_orders.findings(desk.store.database, order.id)
    assert [] == list(desk.store.open_orders())
    return [(one.agreement, one.what) for one in found]


def show_less(desk: Desk) -> None:
    """Let the police no longer see when an incident was detected."""
    desk.with_files(PROFILE, "times.detected: keep", "times.detected: withhold")


def share_no_more(desk: Desk) -> None:
    """Let the police no longer have cases of phishing."""
    desk.with_files(AGREEMENT, "        - fraud/phishing\n", "")


def event(body: bytes) -> dict[str, Any]:
    """Return the event in a body."""
    return dict(json.loads(body)["Event"])


def test_policies_that_changed_nothing_take_nothing_back(desk: Desk) -> None:
    """A comment in a file makes another rulebook, and the same shares."""
    desk.with_files(PROFILE, "  # --- The case.", "  # --- A case.")

    assert [] == look(desk)
    assert () == desk.store.recalls()


def test_what_is_not_shared_any_more_is_taken_back(desk: Desk) -> None:
    """Where no clause shares it, the recipient gets an edition without contents."""
    share_no_more(desk)
    found = look(desk)
    [sent] = desk.deliver()
    [recall] = desk.store.recalls()

    assert [(KP, "taken back")] == found
    assert sent.sealed.retracts
    assert ("tightened", True) == (recall.cause, recall.whole)
    assert [] == look(desk)
    desk.store.check_register(given.public())


def test_what_is_shown_no_more_is_taken_back_in_part(desk: Desk) -> None:
    """The recipient gets what the profile still shows; the rest is taken back."""
    show_less(desk)
    found = look(desk)
    [sent] = desk.deliver()
    [recall] = desk.store.recalls()

    assert [(KP, "taken back in part")] == found
    assert not sent.sealed.retracts
    assert "07:07:07" not in sent.sealed.body.decode()
    assert (2, False) == (recall.edition, recall.whole)
    assert recall.delivered_at is not None
    assert [] == look(desk)


def test_what_would_only_add_waits_for_the_next_revision(desk: Desk) -> None:
    """Wider policies send nothing by a look."""
    show_less(desk)
    look(desk)
    desk.deliver()
    desk.book = given.shipped()
    found = look(desk)

    assert [] == found
    assert [] == desk.deliver()


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    """It says what would be taken back, and nothing is queued."""
    share_no_more(desk)
    found = look(desk, Kind.LOOK)

    assert [(KP, "would be taken back")] == found
    assert [] == desk.deliver()
    assert () == desk.store.recalls()


def test_what_would_be_reviewed_is_left_to_people(desk: Desk) -> None:
    """Where a clause now asks for a person, a person decides what to do."""
    desk.with_files(
        AGREEMENT,
        "  - id: sabotage\n",
        "  - id: asked\n    cites: MoU art. 9\n    effect: review\n"
        "    when: {classification_in: [fraud/phishing]}\n\n  - id: sabotage\n",
    )

    assert [(KP, recall_orders.NEEDS_A_PERSON)] == look(desk)
    assert [] == desk.deliver()


def test_without_the_incident_its_verdict_still_counts(desk: Desk) -> None:
    """What is withheld on the facts that were kept is taken back without the source."""
    share_no_more(desk)
    desk.source.clear()

    assert [(KP, "taken back")] == look(desk)
    assert [True] == [one.sealed.retracts for one in desk.deliver()]


def test_without_the_incident_a_profile_needs_a_person(desk: Desk) -> None:
    """What cannot be compared stands in the list, and there is an alarm."""
    show_less(desk)
    desk.source.clear()

    assert [(KP, recall_orders.NEEDS_A_PERSON)] == look(desk)
    assert [f"{UID} {KP}"] == desk.alarms(LOST_ALARM)
    assert [] == desk.deliver()


def test_another_message_at_its_place_is_not_taken_for_it(desk: Desk) -> None:
    """A topic that was made anew holds other incidents at the old positions."""
    show_less(desk)
    for place in desk.source:
        desk.source[place] = given.raw(uid=UID, title="Somebody else's")

    assert [(KP, recall_orders.NEEDS_A_PERSON)] == look(desk)


def test_a_source_that_does_not_answer_is_asked_again(desk: Desk) -> None:
    """The order stays open until the source was read."""
    show_less(desk)
    kept = desk.source
    desk.source = Silent()
    desk.order(Kind.TIGHTENED, uid="")
    desk.take()
    open_ = desk.store.open_orders()
    desk.source = kept
    desk.restart()
    desk.take()

    assert 1 == len(open_)
    assert () == desk.store.open_orders()
    assert 1 == len(desk.deliver())


class Silent(dict[Any, bytes]):
    """A source that does not answer."""

    def __contains__(self, _place: object) -> bool:
        raise SourceError("the source does not answer")


def test_many_shares_are_compared(desk: Desk) -> None:
    """A look goes on behind what it has compared, and counts all of it."""
    for number in range(45):
        desk.publish(uid=f"KOS-2027-{number}", **DETECTED)
    share_no_more(desk)
    order = desk.order(Kind.TIGHTENED, uid="")
    while desk.store.open_orders():
        desk.take()
    [first] = [one for one in desk.orders() if one.id == order.id]

    assert "46 shares were looked at, 46 are concerned" == first.note
    assert 46 == len(desk.store.recalls())


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ({"a": "x", "id": "1"}, {"a": "x", "id": "2"}, set()),
        ({"a": "x"}, {"a": "x", "b": "y"}, set()),
        ({"a": ["x", "y"]}, {"a": ["y"]}, {("a", "x")}),
        ({"a": "x\n- Edition 1 of"}, {"a": "x\n- Edition 2 of"}, set()),
        ({"a": "x\ny"}, {"a": "x"}, {("a", "y")}),
        ({"a": 5}, {"a": 6}, {("a", "5")}),
        ({"object_refs": ["note--1"]}, {"object_refs": []}, set()),
    ],
)
def test_lost_is_what_the_other_does_not_say(
    before: Any, after: Any, gone: set[tuple[str, str]]
) -> None:
    """Words and values count; ids, times of the document and its number do not."""
    assert gone == lost(json.dumps(before).encode(), json.dumps(after).encode())


def test_of_what_cannot_be_read_everything_is_lost() -> None:
    """A share whose bytes are gone is compared as if it had held something."""
    assert lost(b"", b"{}")
