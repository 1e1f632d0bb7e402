"""The real PyMISP client works against the stand-in as it does against a MISP."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from pymisp import (
    MISPAttribute,
    MISPEvent,
    MISPEventReport,
    MISPObject,
    MISPServerError,
    MISPSighting,
    PyMISP,
    PyMISPError,
)

from tests.contract.misp_target import START, MispTarget, fresh

TIMEOUT = 60


@pytest.fixture
def client(misp: MispTarget) -> Iterator[Any]:
    """Give PyMISP, connected to the server; it needs a slash behind a path."""
    logging.getLogger("pymisp").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield PyMISP(misp.url + "/", misp.key, ssl=misp.verify, timeout=TIMEOUT)


@pytest.fixture
def stored(misp: MispTarget, client: Any) -> MISPEvent:
    """Give an event with two attributes that PyMISP has just added."""
    event = new_event(misp)
    event.add_attribute("domain", "a.example", comment="first")
    event.add_attribute("ip-dst", "203.0.113.7")
    event.add_tag("tlp:amber")
    added = client.add_event(event, pythonify=True)
    assert isinstance(added, MISPEvent)
    return added


def new_event(misp: MispTarget) -> MISPEvent:
    """Return an event that is deleted when the test is over."""
    event = MISPEvent()
    event.uuid = fresh()
    event.info = "Besa contract test with PyMISP"
    event.distribution = 0
    misp.added.append(event.uuid)
    return event


def plain(answer: Any) -> dict[str, Any]:
    """Return an answer that must be a JSON object."""
    assert isinstance(answer, dict)
    return answer


def reread(client: Any, event: MISPEvent, **options: Any) -> MISPEvent:
    """Read an event back."""
    found = client.get_event(event.uuid, pythonify=True, **options)
    assert isinstance(found, MISPEvent)
    return found


def test_client_is_constructed(misp: MispTarget, client: Any) -> None:
    """The constructor reads version, user, role and attribute types from the server."""
    assert client.misp_instance_version["version"].startswith("2.")
    assert client._current_role.perm_sync
    assert "ip-dst" in client.describe_types["types"]
    assert misp.key not in str(client.get_user("me"))


def test_client_with_a_wrong_key_is_not_constructed(misp: MispTarget) -> None:
    """A wrong key makes the constructor raise."""
    with pytest.raises(PyMISPError):
        PyMISP(misp.url + "/", "x" * 40, ssl=misp.verify, timeout=TIMEOUT)


def test_event_is_added_and_read(client: Any, stored: Any) -> None:
    """What was added can be read back, with its tags and attributes."""
    found = reread(client, stored)

    assert ["a.example", "203.0.113.7"] == [one.value for one in found.attributes]
    assert ["tlp:amber"] == [tag.name for tag in found.tags]
    assert client.event_exists(stored.uuid)
    assert not client.event_exists(fresh())


def test_event_is_updated(client: Any, stored: Any) -> None:
    """A changed event is updated; the server's time counts, since PyMISP sends none."""
    stored.attributes[0].comment = "second"
    stored.info = "changed"

    updated = client.update_event(stored, pythonify=True)

    assert isinstance(updated, MISPEvent)
    assert ("changed", "second") == (updated.info, updated.attributes[0].comment)


def test_exact_bytes_are_posted(misp: MispTarget, client: Any) -> None:
    """``direct_call`` with bytes posts exactly those; errors come back as a dict."""
    event_uuid = fresh()
    misp.added.append(event_uuid)
    body = (
        f'{{"Event":{{"uuid":"{event_uuid}","info":"bytes","timestamp":"{START}"}}}}'
    ).encode()

    first = plain(client.direct_call("events/add", body))
    second = plain(client.direct_call("events/add", body))

    assert str(START) == first["Event"]["timestamp"]
    assert 404 == second["errors"][0]


def test_event_is_published_and_unpublished(client: Any, stored: Any) -> None:
    """Publishing sets the mark, unpublishing takes it off."""
    client.publish(stored)
    published = reread(client, stored).published
    client.unpublish(stored)

    assert (True, False) == (published, reread(client, stored).published)


def test_event_is_deleted_and_blocked(client: Any, stored: Any) -> None:
    """A deleted event is gone and cannot be added again."""
    gone = plain(client.delete_event(stored))
    again = plain(client.add_event(stored))

    assert "Event deleted." == gone["message"]
    assert not client.event_exists(stored.uuid)
    assert 403 == again["errors"][0]


def test_events_are_searched(client: Any, stored: Any) -> None:
    """Events are found by uuid, by value and in the index."""
    by_uuid = client.search(uuid=stored.uuid, pythonify=True)
    by_value = client.search(uuid=stored.uuid, value="a.example", metadata=True)
    in_index = client.search_index(eventid=stored.uuid, pythonify=True)

    assert [stored.uuid] == [one.uuid for one in by_uuid]
    assert [stored.uuid] == [one["Event"]["uuid"] for one in by_value]
    assert [stored.uuid] == [one.uuid for one in in_index]


def test_attributes_are_searched(client: Any, stored: Any) -> None:
    """Attributes are found by event and type."""
    found = client.search("attributes", uuid=stored.uuid, type_attribute="domain")

    assert ["a.example"] == [one["value"] for one in plain(found)["Attribute"]]


def test_attribute_is_added_changed_and_deleted(client: Any, stored: Any) -> None:
    """One attribute goes through its life by itself."""
    new = MISPAttribute()
    new.from_dict(type="domain", value="b.example")
    added = client.add_attribute(stored, new, pythonify=True)
    assert isinstance(added, MISPAttribute)
    added.comment = "changed"

    changed = client.update_attribute(added, pythonify=True)
    there = client.attribute_exists(added)
    client.delete_attribute(added)
    hidden = reread(client, stored, deleted=True)
    client.delete_attribute(added, hard=True)

    assert isinstance(changed, MISPAttribute)
    assert ("changed", True) == (changed.comment, there)
    assert [True] == [
        one.deleted for one in hidden.attributes if one.uuid == added.uuid
    ]
    assert not client.attribute_exists(added)


def test_object_is_added(client: Any, stored: Any) -> None:
    """An object made from PyMISP's own template is stored with its attributes."""
    account = MISPObject("bank-account")
    account.add_attribute("iban", "XK051212012345678906")

    client.add_object(stored, account)

    found = reread(client, stored).get_objects_by_name("bank-account")
    assert ["XK051212012345678906"] == [one.value for one in found[0].attributes]


def test_report_is_added_and_deleted(client: Any, stored: Any) -> None:
    """A report is added to an event's number, listed, and marked as deleted."""
    report = MISPEventReport()
    report.from_dict(name="Summary", content="# Summary")
    added = client.add_event_report(stored.id, report, pythonify=True)
    assert isinstance(added, MISPEventReport)

    listed = client.get_event_reports(stored.id, pythonify=True)
    client.delete_event_report(added)

    assert ["Summary"] == [one.name for one in listed]
    shown = reread(client, stored).event_reports
    assert [] == [one.name for one in shown if not one.deleted]


def test_sighting_is_added_and_listed(client: Any, stored: Any) -> None:
    """A sighting of an attribute is listed with its source."""
    sighting = MISPSighting()
    sighting.from_dict(type="0", source="KP")

    client.add_sighting(sighting, stored.attributes[0])

    found = client.sightings(stored.attributes[0], pythonify=True)
    assert ["KP"] == [one.source for one in found]


def test_tag_is_attached_and_removed(client: Any, stored: Any) -> None:
    """A tag is hung on an event and taken off."""
    client.tag(stored, "tlp:green")
    tagged = [tag.name for tag in reread(client, stored).tags]
    client.untag(stored, "tlp:green")

    assert ["tlp:amber", "tlp:green"] == tagged
    assert ["tlp:amber"] == [tag.name for tag in reread(client, stored).tags]


def test_proposal_is_listed_and_accepted(client: Any, stored: Any) -> None:
    """A proposed attribute becomes part of the event when it is accepted."""
    proposal = MISPAttribute()
    proposal.from_dict(type="domain", value="proposed.example", comment="seen in case")
    made = plain(client.add_attribute_proposal(stored, proposal))

    listed = client.attribute_proposals(stored, pythonify=True)
    client.accept_attribute_proposal(made["ShadowAttribute"]["id"])

    found = reread(client, stored)
    assert ["proposed.example"] == [one.value for one in listed]
    assert "proposed.example" in [one.value for one in found.attributes]


def test_server_errors_raise(misp: MispTarget, client: Any) -> None:
    """A 500 makes PyMISP raise, where a 4xx comes back as a dict."""
    event = new_event(misp)
    event.info = "\N{GRINNING FACE}"

    with pytest.raises(MISPServerError):
        client.add_event(event)


def test_server_log_is_searched(misp: MispTarget, client: Any) -> None:
    """The log tells which attribute was dropped."""
    event = new_event(misp)
    event.add_attribute("ip-dst", "not an ip")
    added = client.add_event(event, pythonify=True)
    assert isinstance(added, MISPEvent)

    title = f"%dropped due to validation for Event {added.id} failed%"
    found = client.search_logs(title=title)

    assert 1 == len(found)
