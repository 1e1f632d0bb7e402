"""What a MISP shows of what others said: the stand-in, and a live one where it may be.

Facts of MISP 2.5.1, seen there; a sync user's own notes are enough to see most of them
on a live server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from broker.sandbox.misp import MispSandbox
from tests.contract.misp_target import MispTarget, attribute, event, fresh

ANYBODY = "1"  # a distribution: everybody on this server


def said(misp: MispTarget, kind: str, about: str, what: str, **fields: Any) -> Any:
    """Say something about a thing, and return what the server made of it."""
    body = {"distribution": ANYBODY, **fields}
    made = misp.send("POST", f"/analystData/add/{kind}/{about}/{what}", body).json()
    misp.said.insert(0, f"{kind}/{made[kind]['uuid']}")
    return made


def sighting(about: str, moment: int) -> dict[str, str]:
    """Return a sighting of an attribute, as a server hands on those of another."""
    one = {"uuid": fresh(), "attribute_uuid": about, "date_sighting": str(moment)}
    return {**one, "type": "0", "source": "KP"}


def test_a_note_is_shown_with_the_event(misp: MispTarget) -> None:
    """A note on an event stands in the event, and changes nothing else of it."""
    sent = event(attribute("ip-dst", "203.0.113.7"))
    before = misp.added_event(sent)

    made = said(misp, "Note", sent["uuid"], "Event", note="we know this one")
    shown = misp.view(sent["uuid"])

    assert [made["Note"]["uuid"]] == [note["uuid"] for note in shown["Note"]]
    assert ("we know this one", "Note", sent["uuid"]) == tuple(
        shown["Note"][0][name] for name in ("note", "note_type_name", "object_uuid")
    )
    assert before["timestamp"] == shown["timestamp"]


def test_an_opinion_is_shown_with_the_attribute(misp: MispTarget) -> None:
    """An opinion on an attribute stands in the attribute, as a number in text."""
    sent = event(attribute("ip-dst", "203.0.113.7"))
    misp.added_event(sent)
    about = sent["Attribute"][0]["uuid"]

    said(misp, "Opinion", about, "Attribute", opinion=10, comment="a proxy")
    (shown,) = misp.view(sent["uuid"])["Attribute"]

    assert [("10", "a proxy")] == [
        (str(one["opinion"]), one["comment"]) for one in shown["Opinion"]
    ]


def test_a_note_on_a_note_stands_in_it(misp: MispTarget) -> None:
    """What is said about a note is shown within the note."""
    sent = event()
    misp.added_event(sent)
    first = said(misp, "Note", sent["uuid"], "Event", note="one")["Note"]

    said(misp, "Note", first["uuid"], "Note", note="two")
    (outer,) = misp.view(sent["uuid"])["Note"]

    assert ["two"] == [inner["note"] for inner in outer["Note"]]


def test_sightings_are_found_by_time(misp: MispTarget) -> None:
    """A search for sightings takes both ends, and names event and attribute."""
    sent = event(attribute("ip-dst", "203.0.113.7"))
    misp.added_event(sent)
    about = sent["Attribute"][0]["uuid"]
    one = sighting(about, 1_780_000_100)
    misp.send("POST", f"/sightings/bulkSaveSightings/{sent['uuid']}", [one])

    def search(start: str, end: str) -> list[tuple[str, str]]:
        body = {"returnFormat": "json", "from": start, "to": end, "includeUuid": True}
        found = misp.send("POST", "/sightings/restSearch", body).json()["response"]
        seen = [each["Sighting"] for each in found]
        return [(each["event_uuid"], each["uuid"]) for each in seen]

    assert (sent["uuid"], one["uuid"]) in search("1780000000", "1780000200")
    assert (sent["uuid"], one["uuid"]) not in search("1780000150", "1780000200")


def test_sightings_without_an_end_are_of_the_last_month(misp: MispTarget) -> None:
    """A search with a beginning and no end is one for the last 30 days."""
    sent = event(attribute("ip-dst", "203.0.113.7"))
    misp.added_event(sent)
    about = sent["Attribute"][0]["uuid"]
    old = sighting(about, 1_500_000_000)
    misp.send("POST", f"/sightings/bulkSaveSightings/{sent['uuid']}", [old])

    body = {"returnFormat": "json", "from": "1400000000", "includeUuid": True}
    found = misp.send("POST", "/sightings/restSearch", body).json()["response"]

    assert old["uuid"] not in [each["Sighting"]["uuid"] for each in found]


# --- what only the server's own people do


@pytest.fixture
def police(stand_in: MispSandbox) -> Iterator[MispTarget]:
    """Give the stand-in MISP as the unit that it belongs to sees it."""
    target = MispTarget(stand_in.url, stand_in.keys["police"], live=False)
    yield target
    target.session.close()


@pytest.fixture
def csirt(stand_in: MispSandbox) -> Iterator[MispTarget]:
    """Give the stand-in MISP as the CSIRT that pushes to it sees it."""
    target = MispTarget(stand_in.url, stand_in.keys["sync"], live=False)
    yield target
    target.clean()


def new_tag(stand_in: MispSandbox, name: str) -> None:
    """Make a tag, as the server's administrator."""
    admin = MispTarget(stand_in.url, stand_in.keys["admin"], live=False)
    assert 200 == admin.send("POST", "/tags/add", {"name": name}).status_code
    admin.session.close()


def tagged(target: MispTarget, uuid: str, name: str, *, local: bool) -> int:
    """Hang a tag on something and return the answer's status."""
    body = {"uuid": uuid, "tag": name, "local": int(local)}
    answer: requests.Response = target.send("POST", "/tags/attachTagToObject", body)
    return answer.status_code


def names(shown: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the names of tags, and whether each is local."""
    return [(tag["name"], tag["local"]) for tag in shown.get("Tag", [])]


def test_a_local_tag_is_shown_in_a_view(
    stand_in: MispSandbox, csirt: MispTarget, police: MispTarget
) -> None:
    """The server's own people tag locally; who pushed sees it, and nothing changed."""
    sent = event(distribution="1")
    before = csirt.added_event(sent)
    new_tag(stand_in, 'besa:feedback="case-opened"')

    assert 200 == tagged(
        police, sent["uuid"], 'besa:feedback="case-opened"', local=True
    )

    shown = csirt.view(sent["uuid"])
    assert [('besa:feedback="case-opened"', True)] == names(shown)
    assert (before["timestamp"], before["published"]) == (
        shown["timestamp"],
        shown["published"],
    )


def test_a_local_tag_is_not_found_by_who_synchronises(
    stand_in: MispSandbox, csirt: MispTarget, police: MispTarget
) -> None:
    """A search by a sync user leaves local tags out, unless it asks for them."""
    sent = event(distribution="1")
    csirt.added_event(sent)
    new_tag(stand_in, "besa:local")
    tagged(police, sent["uuid"], "besa:local", local=True)

    def search(**more: Any) -> list[tuple[str, bool]]:
        body = {"returnFormat": "json", "uuid": sent["uuid"], **more}
        found = csirt.send("POST", "/events/restSearch", body).json()["response"]
        return names(found[0]["Event"])

    assert [] == search()
    assert [("besa:local", True)] == search(excludeLocalTags=0)


def test_an_update_leaves_local_tags(
    stand_in: MispSandbox, csirt: MispTarget, police: MispTarget
) -> None:
    """A newer edition of an event takes no local tag off."""
    sent = event(distribution="1")
    csirt.added_event(sent)
    new_tag(stand_in, "besa:kept")
    tagged(police, sent["uuid"], "besa:kept", local=True)

    shown = csirt.edited_event({**sent, "timestamp": "1790000000", "info": "newer"})

    assert "newer" == shown["info"]
    assert [("besa:kept", True)] == names(csirt.view(sent["uuid"]))


def test_only_the_servers_own_people_tag_locally(
    stand_in: MispSandbox, csirt: MispTarget
) -> None:
    """Who pushes from elsewhere cannot set a local tag."""
    sent = event()
    csirt.added_event(sent)
    new_tag(stand_in, "besa:theirs")

    assert 403 == tagged(csirt, sent["uuid"], "besa:theirs", local=True)


def test_a_note_for_ones_own_organisation_is_not_shown(
    csirt: MispTarget, police: MispTarget
) -> None:
    """A note with distribution 0 stays with the organisation that wrote it."""
    sent = event(distribution="1")
    csirt.added_event(sent)
    body = {"distribution": "0", "note": "ours alone"}
    police.send("POST", f"/analystData/add/Note/{sent['uuid']}/Event", body)

    assert "Note" not in csirt.view(sent["uuid"])
    assert ["ours alone"] == [
        note["note"] for note in police.view(sent["uuid"])["Note"]
    ]


def test_proposals_are_found_by_time(csirt: MispTarget, police: MispTarget) -> None:
    """The list of proposals can be asked for those since a moment."""
    sent = event(distribution="1")
    csirt.added_event(sent)
    path = f"/shadow_attributes/add/{sent['uuid']}"
    sent_one = {"type": "domain", "value": "proposed.example", "timestamp": 1780000500}
    made = police.send("POST", path, sent_one).json()["ShadowAttribute"]

    def since(moment: int) -> list[str]:
        found = csirt.send("GET", f"/shadow_attributes/index/timestamp:{moment}").json()
        return [each["ShadowAttribute"]["id"] for each in found]

    stamp = int(made["timestamp"])
    assert made["id"] in since(stamp)
    assert made["id"] not in since(stamp + 1)
