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
from broker.errors import Refused
from broker.model.sharing import ReceiptState
from tests.contract.misp_target import TIMEOUT, MispTarget, later, tag_names
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
    """Return the reports of an event by UUID."""
    return {one["uuid"]: one["content"] for one in event.get("EventReport", [])}


def tags(event: dict[str, Any]) -> list[str]:
    """Return the tags of an event; a MISP that knows one in other letters keeps its."""
    return sorted(name.lower() for name in tag_names(event))


def pushed(misp: MispTarget, event: dict[str, Any], number: int = 1) -> Any:
    """Deliver an event as an edition; it is deleted when the test is over."""
    misp.added.append(event["uuid"])
    timeouts = Timeouts(connect=10, answer=TIMEOUT)
    recipient = MispRecipient(
        misp.url,
        misp.key,
        verify=not misp.live,
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

    assert (ReceiptState.DELIVERED, ()) == (receipt.state, receipt.losses)
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
