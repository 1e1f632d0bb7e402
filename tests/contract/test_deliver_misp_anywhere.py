"""What Besa makes of incidents arrives whole: on the stand-in as well as a real MISP.

The events are those of the golden files, to the letter but for their UUIDs, which are
new in every run, and for their distribution: nobody but the server's own organisation
sees them. With BESA_TEST_MISP_URL and BESA_TEST_MISP_KEY (a sync user's) set, all of
it also runs against that server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest

from broker.deliver import Timeouts
from broker.deliver.misp import MispRecipient
from broker.deliver.sealed_event import as_text
from broker.errors import Refused
from broker.model.recipient import Organisation, SharingGroup
from broker.model.sharing import ReceiptState
from tests.contract.misp_target import (
    ELSEWHERE,
    TIMEOUT,
    MispTarget,
    fresh,
    later,
    tag_names,
)
from tests.golden.record import EXPECTED
from tests.unit.deliver.events import later as all_later
from tests.unit.deliver.events import sealed

UUIDS: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)


def golden() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every event of the golden files with the name of its file."""
    for path in sorted(EXPECTED.glob("*/*.json")):
        wires = json.loads(path.read_text("utf-8"))["wires"]
        if "misp-event" in wires:
            yield f"{path.parent.name}/{path.stem}", wires["misp-event"]["Event"]


GOLDEN: Final = dict(golden())


def renewed(event: dict[str, Any], salt: UUID) -> dict[str, Any]:
    """Return an event with UUIDs that no server knows; those of templates stay."""
    known = {group["template_uuid"] for group in event["Object"]}

    def renew(found: re.Match[str]) -> str:
        return found[0] if found[0] in known else str(uuid5(salt, found[0]))

    made: dict[str, Any] = json.loads(UUIDS.sub(renew, json.dumps(event)))
    return {**made, "distribution": "0"}


def salt() -> UUID:
    """Return what makes the UUIDs of one test differ from those of all others."""
    return uuid5(NAMESPACE_URL, str(uuid4()))


def attributes(event: dict[str, Any]) -> set[str]:
    """Return the UUIDs of all attributes of an event, within objects and beside."""
    groups = [event, *event.get("Object", [])]
    return {one["uuid"] for group in groups for one in group.get("Attribute", [])}


def references(event: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return which object refers to what, and how."""
    return {
        (group["uuid"], one["referenced_uuid"], one["relationship_type"])
        for group in event.get("Object", [])
        for one in group.get("ObjectReference", [])
    }


def reports(event: dict[str, Any]) -> dict[str, str]:
    """Return what the reports of an event say, the deleted ones' as well, by UUID."""
    written = event.get("EventReport", [])
    return {one["uuid"]: one["content"] for one in written if one["content"]}


def tags(event: dict[str, Any]) -> list[str]:
    """Return the tags of an event; a MISP that knows one in other letters keeps its."""
    return sorted(name.lower() for name in tag_names(event))


def pushed(
    misp: MispTarget,
    event: dict[str, Any],
    number: int = 1,
    group: SharingGroup | None = None,
) -> Any:
    """Deliver an event as an edition; it is deleted when the test is over."""
    misp.added.append(event["uuid"])
    timeouts = Timeouts(connect=10, answer=TIMEOUT)
    recipient = MispRecipient(
        misp.url,
        misp.key,
        verify=misp.verify,
        group=group,
        timeouts=timeouts,
        clock=lambda: NOW,
    )
    try:
        return recipient.deliver(sealed(event, number))
    finally:
        recipient.close()


def assert_holds(misp: MispTarget, event: dict[str, Any]) -> None:
    """Fail unless the server shows exactly what was pushed."""
    shown = misp.view(event["uuid"])
    assert attributes(event) == attributes(shown)
    assert references(event) == references(shown)
    assert reports(event) == reports(shown)
    assert tags(event) == tags(shown)
    assert (event["info"], event["published"]) == (shown["info"], shown["published"])


@pytest.mark.parametrize("name", GOLDEN)
def test_every_golden_event_arrives_without_a_loss(misp: MispTarget, name: str) -> None:
    """A MISP keeps every attribute, object, reference, report and tag of ours."""
    event = renewed(GOLDEN[name], salt())

    receipt = pushed(misp, event)

    # What MISP takes in no type of its own was written as text, and is there.
    told = tuple(as_text(event))
    assert (ReceiptState.DELIVERED, told) == (receipt.state, receipt.losses)
    assert_holds(misp, event)


def test_an_update_of_a_real_case_replaces_what_it_held(misp: MispTarget) -> None:
    """The second edition of a golden case stands there, and nothing of the first."""
    same = salt()
    first = renewed(GOLDEN["01-bank-phishing/kp-misp"], same)
    second = renewed(GOLDEN["21-bank-phishing-update/kp-misp"], same)
    pushed(misp, first)

    receipt = pushed(misp, second, 2)

    assert first["uuid"] == second["uuid"]
    assert (ReceiptState.DELIVERED, ()) == (receipt.state, receipt.losses)
    assert_holds(misp, second)


def test_the_same_edition_twice_changes_nothing(misp: MispTarget) -> None:
    """An edition delivered again leaves the event as it was, to its timestamp."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    pushed(misp, event)
    before = misp.view(event["uuid"])

    receipt = pushed(misp, event)

    assert (ReceiptState.DELIVERED, ()) == (receipt.state, receipt.losses)
    assert before == misp.view(event["uuid"])


def test_a_smaller_edition_takes_back_the_rest(misp: MispTarget) -> None:
    """What an edition does not hold any more is gone from view, objects included."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    pushed(misp, event)
    less = all_later(event, Object=[], Attribute=[], EventReport=[])
    less["Attribute"] = [later(event["Attribute"][0])]

    receipt = pushed(misp, less, 2)

    assert ReceiptState.DELIVERED == receipt.state
    assert_holds(misp, less)


def test_a_summary_that_was_taken_back_is_shown_to_nobody(misp: MispTarget) -> None:
    """A deleted report's text is not even in what a client reads without asking."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    pushed(misp, event)
    (text,) = reports(event).values()
    before = misp.send("GET", f"/events/view/{event['uuid']}").json()

    pushed(misp, all_later(event, EventReport=[]), 2)

    after = misp.send("GET", f"/events/view/{event['uuid']}/deleted:1").json()
    assert [text] == list(reports(before["Event"]).values())
    assert {} == reports(after["Event"])


def test_a_summary_that_somebody_deleted_there_is_taken_back_too(
    misp: MispTarget,
) -> None:
    """A MISP goes on showing a deleted report: an edition without it empties it."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    pushed(misp, event)
    wiped = all_later(event, 5)
    wiped["EventReport"][0]["deleted"] = True
    misp.edited_event(wiped)

    receipt = pushed(misp, all_later(event, 20, EventReport=[]), 2)

    assert ReceiptState.DELIVERED == receipt.state
    assert {} == reports(misp.view(event["uuid"], "/deleted:1"))


def test_an_edit_by_others_is_outlived(misp: MispTarget) -> None:
    """An update still arrives after the event was changed on the server."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    pushed(misp, event)
    tag = {"uuid": event["uuid"], "tag": "tlp:amber+strict"}
    misp.send("POST", "/tags/attachTagToObject", tag)
    gone = event["Attribute"][0]["uuid"]
    misp.send("POST", f"/attributes/delete/{gone}")

    receipt = pushed(misp, all_later(event, info="Second edition"), 2)

    assert ReceiptState.DELIVERED == receipt.state
    shown = misp.view(event["uuid"])
    assert attributes(event) == attributes(shown)
    assert ("Second edition", True) == (shown["info"], shown["published"])


def test_an_event_that_was_deleted_there_is_refused(misp: MispTarget) -> None:
    """A MISP blocks what its people deleted; that is said, and not tried for ever."""
    event = renewed(GOLDEN["03-c2-server/kp-misp"], salt())
    pushed(misp, event)
    misp.send("POST", f"/events/delete/{event['uuid']}")

    with pytest.raises(Refused, match="deleted there"):
        pushed(misp, event)


def within(misp: MispTarget, event: dict[str, Any]) -> tuple[SharingGroup, Any]:
    """Return a sharing group that no server knows, and an event sealed for it."""
    group = SharingGroup(
        uuid=fresh(),
        name=f"besa-test-{fresh()[:8]}",
        organisations=(Organisation(**ELSEWHERE),),
    )
    misp.groups.append(group.uuid)
    sealed_for = {"distribution": "4", "SharingGroup": {"uuid": group.uuid}}
    return group, {**event, **sealed_for}


def members(misp: MispTarget, group: SharingGroup) -> set[str]:
    """Return who is in a group, besides us."""
    found = misp.send("GET", f"/sharing_groups/view/{group.uuid}").json()
    there = {one["Organisation"]["uuid"] for one in found["SharingGroupOrg"]}
    return there - {misp.send("GET", "/users/view/me").json()["Organisation"]["uuid"]}


def test_a_case_is_for_the_organisations_of_its_group(misp: MispTarget) -> None:
    """The group is made, is for the agreed only, and both editions stay within it."""
    event = renewed(GOLDEN["01-bank-phishing/kp-misp"], salt())
    group, first = within(misp, event)

    receipts = [
        pushed(misp, first, 1, group),
        pushed(misp, all_later(first, info="Second edition"), 2, group),
    ]

    shown = misp.view(event["uuid"])
    assert [()] * 2 == [receipt.losses for receipt in receipts]
    assert {ELSEWHERE["uuid"]} == members(misp, group)
    assert ("4", group.uuid) == (shown["distribution"], shown["SharingGroup"]["uuid"])
    assert "Second edition" == shown["info"]


def test_a_group_that_somebody_else_joined_gets_nothing(misp: MispTarget) -> None:
    """A group that holds an organisation which was not agreed is not sent into."""
    event = renewed(GOLDEN["03-c2-server/kp-misp"], salt())
    wider, first = within(misp, event)
    pushed(misp, first, 1, wider)
    ours = misp.send("GET", "/users/view/me").json()["Organisation"]
    agreed = Organisation(name=ours["name"], uuid=ours["uuid"])
    narrow = wider.model_copy(update={"organisations": (agreed,)})

    with pytest.raises(Refused, match="not agreed"):
        pushed(misp, all_later(first), 2, narrow)
