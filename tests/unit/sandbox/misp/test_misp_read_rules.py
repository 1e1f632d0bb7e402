"""Rules that were read in MISP 2.5.1 and not observed; a recording may correct them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from broker.sandbox.misp import MispSandbox
from tests.unit.sandbox.misp.conftest import ACCOUNTS, START, Client, event


def test_equal_values_in_one_update_are_both_stored(client: Client) -> None:
    """An update compares with what is stored, not with what comes along."""
    sent = event()
    client.post("sync", "/events/add", sent)
    twice = event("same.example", "same.example")["Attribute"]
    update = {**sent, "timestamp": START + 1, "Attribute": twice}

    shown = client.post("sync", f"/events/edit/{sent['uuid']}", update).json()["Event"]

    assert 2 == len(shown["Attribute"])


def test_one_uuid_twice_in_an_update_breaks_it(client: Client) -> None:
    """The database refuses the second, and with it all attributes of the update."""
    sent = event()
    client.post("sync", "/events/add", sent)
    one, other = event("a.example", "b.example")["Attribute"]
    same = [one, {**other, "uuid": one["uuid"]}]

    answer = client.post(
        "sync",
        f"/events/edit/{sent['uuid']}",
        {**sent, "timestamp": START + 1, "Attribute": same},
    )

    assert 500 == answer.status_code
    assert [] == client.view("sync", sent["uuid"])["Attribute"]


def test_publishing_update_without_a_change_keeps_the_publish_time(
    tmp_path: Path,
) -> None:
    """Only an update that changes something counts as a new publication."""
    now = [START]
    with MispSandbox(tmp_path, accounts=ACCOUNTS, clock=lambda: now[0]) as server:
        client = Client(server)
        sent = event("a.example", published=True)
        client.post("sync", "/events/add", sent)
        now[0] += 100
        path = f"/events/edit/{sent['uuid']}"

        quiet = client.post("sync", path, {**sent, "timestamp": START + 1})
        loud = client.post(
            "sync", path, {**sent, "timestamp": START + 2, "info": "new"}
        )

    assert [(True, str(START)), (True, str(START + 100))] == [
        (one.json()["Event"]["published"], one.json()["Event"]["publish_timestamp"])
        for one in (quiet, loud)
    ]


def test_new_object_in_a_publishing_update_is_published(client: Client) -> None:
    """The object unpublishes the event, and the update publishes it again."""
    sent = event("a.example", published=True)
    client.post("sync", "/events/add", sent)
    inner = {"type": "text", "value": "x", "object_relation": "x"}
    group: dict[str, Any] = {
        "uuid": str(uuid.uuid4()),
        "name": "thing",
        "meta-category": "misc",
        "template_uuid": str(uuid.uuid4()),
        "Attribute": [inner],
    }
    update = {**sent, "timestamp": START + 1, "Object": [group]}

    shown = client.post("sync", f"/events/edit/{sent['uuid']}", update).json()["Event"]

    assert (True, 1) == (shown["published"], len(shown["Object"]))


def test_attributes_of_a_locked_event_are_removed_by_the_sync_user(
    client: Client,
) -> None:
    """In an event that came by synchronisation, other roles delete nothing."""
    foreign = {"uuid": str(uuid.uuid4()), "name": "Elsewhere"}
    shown = client.add("sync", "a.example", Orgc=foreign, locked=True)
    path = f"/attributes/delete/{shown['Attribute'][0]['uuid']}"

    codes = [client.post(role, path).status_code for role in ("publisher", "sync")]

    assert [403, 200] == codes


@pytest.mark.parametrize("hard", [False, True])
def test_object_is_deleted_by_itself(client: Client, hard: bool) -> None:
    """An object goes with its attributes: hidden, or for good."""
    inner = {"type": "text", "value": "x", "object_relation": "x"}
    group = {
        "uuid": str(uuid.uuid4()),
        "name": "thing",
        "meta-category": "misc",
        "template_uuid": str(uuid.uuid4()),
        "Attribute": [inner],
    }
    shown = client.add("sync", Object=[group])

    answer = client.post("sync", f"/objects/delete/{group['uuid']}", {"hard": hard})

    assert 200 == answer.status_code
    assert [] == client.view("sync", shown["uuid"])["Object"]
    left = client.view("sync", shown["uuid"], "/deleted:1")["Object"]
    assert (0 if hard else 1) == len(left)


def test_restored_attribute_is_shown_again(client: Client) -> None:
    """A hidden attribute can be taken back."""
    shown = client.add("sync", "a.example")
    wanted = shown["Attribute"][0]["uuid"]
    client.post("sync", f"/attributes/delete/{wanted}")

    client.post("sync", f"/attributes/restore/{wanted}")

    assert [wanted] == [
        one["uuid"] for one in client.view("sync", shown["uuid"])["Attribute"]
    ]


def test_attribute_changed_alone_must_be_newer(client: Client) -> None:
    """``attributes/edit`` refuses an old timestamp by 405 and a bad value by 403."""
    shown = client.add("sync", "a.example")
    path = f"/attributes/edit/{shown['Attribute'][0]['uuid']}"

    old = client.post("sync", path, {"comment": "x", "timestamp": START})
    bad = client.post("sync", path, {"value": "no dots", "timestamp": START + 1})
    good = client.post("sync", path, {"comment": "x", "timestamp": START + 1})

    assert [405, 403, 200] == [one.status_code for one in (old, bad, good)]
    assert "x" == good.json()["Attribute"]["comment"]
