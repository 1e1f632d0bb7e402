"""Who may see and do what on the stand-in MISP."""

from __future__ import annotations

import uuid

import pytest

from tests.unit.sandbox.misp.conftest import CERT, POLICE, START, Client, event

NO_RIGHT = "You do not have permission to use this functionality."


@pytest.mark.parametrize(
    ("distribution", "seen"),
    [("0", False), ("1", True), ("2", True), ("3", True)],
)
def test_distribution_decides_who_else_sees_an_event(
    client: Client, distribution: str, seen: bool
) -> None:
    """Another organisation sees an event from distribution 1 on, published or not."""
    shown = client.add("sync", distribution=distribution)
    found = client.post(
        "police", "/events/restSearch", {"returnFormat": "json"}
    ).json()["response"]

    assert seen == bool(client.view("police", shown["uuid"]))
    assert seen == (shown["uuid"] in [one["Event"]["uuid"] for one in found])
    assert client.view("admin", shown["uuid"])


def test_private_attribute_is_shown_to_its_organisation_only(client: Client) -> None:
    """An attribute with distribution 0 does not leave its organisation."""
    sent = event("open.example", "secret.example", distribution="1")
    sent["Attribute"][1]["distribution"] = "0"
    client.post("sync", "/events/add", sent)
    secret = sent["Attribute"][1]["uuid"]

    seen = {
        role: [one["value"] for one in client.view(role, sent["uuid"])["Attribute"]]
        for role in ("user", "police", "admin")
    }

    both = ["open.example", "secret.example"]
    assert {"user": both, "police": ["open.example"], "admin": both} == seen
    assert 404 == client.send("police", "GET", f"/attributes/view/{secret}").status_code
    assert (
        []
        == client.post(
            "police", "/attributes/restSearch", {"value": "secret.example"}
        ).json()["response"]["Attribute"]
    )


def test_deleted_attributes_are_shown_to_their_organisation_only(
    client: Client,
) -> None:
    """Others never see what was soft-deleted, even when they ask for it."""
    shown = client.add("sync", "a.example", distribution="1")
    client.post("sync", f"/attributes/delete/{shown['Attribute'][0]['uuid']}")

    assert 1 == len(client.view("sync", shown["uuid"], "/deleted:1")["Attribute"])
    assert [] == client.view("police", shown["uuid"], "/deleted:1")["Attribute"]


def test_relations_do_not_reveal_hidden_events(client: Client) -> None:
    """An event that the reader may not see is not named as related."""
    client.add("sync", "same.example", distribution="0")
    open_event = client.add("sync", "same.example", distribution="1")

    assert 1 == len(client.view("user", open_event["uuid"])["RelatedEvent"])
    assert [] == client.view("police", open_event["uuid"])["RelatedEvent"]


def test_very_common_value_relates_nothing(client: Client) -> None:
    """A value that more than 20 attributes share says nothing about a case."""
    for _ in range(20):
        client.add("sync", "common.example")
    last = client.add("sync", "common.example")
    beyond = client.add("sync", "common.example")

    assert (20, 0) == (len(last["RelatedEvent"]), len(beyond["RelatedEvent"]))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/events/add"),
        ("POST", "/events/edit/1"),
        ("POST", "/events/delete/1"),
        ("POST", "/events/publish/1"),
        ("POST", "/attributes/add/1"),
        ("POST", "/sightings/bulkSaveSightings/1"),
        ("POST", "/shadow_attributes/add/1"),
        ("POST", "/tags/attachTagToObject"),
        ("GET", "/eventBlocklists/index"),
    ],
)
def test_read_only_role_changes_nothing(client: Client, method: str, path: str) -> None:
    """A read-only account is refused by every call that changes something."""
    client.add("sync")

    answer = client.send("readonly", method, path, {})

    assert (403, NO_RIGHT) == (answer.status_code, answer.json()["message"])


def test_plain_user_makes_no_new_tag(client: Client) -> None:
    """An unknown tag of a user is left out in silence; a known one is attached."""
    client.add("sync", Tag=[{"name": "known"}])

    shown = client.add("user", Tag=[{"name": "known"}, {"name": "unknown"}])
    attached = client.post(
        "user", "/tags/attachTagToObject", {"uuid": shown["uuid"], "tag": "unknown"}
    )

    assert ["known"] == [tag["name"] for tag in shown["Tag"]]
    assert 403 == attached.status_code
    assert 403 == client.post("user", "/tags/add", {"name": "new"}).status_code
    assert 200 == client.post("sync", "/tags/add", {"name": "new"}).status_code


def test_plain_user_cannot_speak_for_others(client: Client) -> None:
    """The creator organisation that a user names is silently replaced by their own."""
    named = {"uuid": POLICE.uuid, "name": POLICE.name}

    assert CERT.uuid == client.add("user", Orgc=named)["Orgc"]["uuid"]
    assert POLICE.uuid == client.add("sync", Orgc=named)["Orgc"]["uuid"]


@pytest.mark.parametrize(
    ("role", "published"),
    [("sync", True), ("publisher", True), ("user", False), ("admin", True)],
)
def test_role_decides_whether_an_add_publishes(
    client: Client, role: str, published: bool
) -> None:
    """``published`` from a plain user is stored as unpublished, without an error."""
    assert published == client.add(role, "a.example", published=True)["published"]


def test_update_by_a_plain_user_never_publishes(client: Client) -> None:
    """A plain user's update unpublishes, whatever it says."""
    shown = client.add("sync", "a.example", published=True)
    sent = {"uuid": shown["uuid"], "timestamp": START + 10, "published": True}

    answer = client.post("user", f"/events/edit/{shown['uuid']}", sent)

    assert answer.json()["Event"]["published"] is False


def test_other_organisation_proposes_but_does_not_change(client: Client) -> None:
    """The police cannot change, publish, delete or tag a CSIRT's event."""
    shown = client.add("sync", "a.example", distribution="1")
    where = shown["uuid"]
    sent = {"uuid": where, "timestamp": START + 10, "info": "changed"}
    inside = shown["Attribute"][0]["uuid"]

    answers = {
        "edit": client.post("police", f"/events/edit/{where}", sent),
        "publish": client.post("police", f"/events/publish/{where}"),
        "delete": client.post("police", f"/events/delete/{where}"),
        "attribute": client.post(
            "police", f"/attributes/add/{where}", {"type": "text", "value": "x"}
        ),
        "remove": client.post("police", f"/attributes/delete/{inside}"),
        "proposal": client.post(
            "police", f"/shadow_attributes/add/{where}", {"type": "text", "value": "x"}
        ),
    }

    assert {
        "edit": 403,
        "publish": 405,
        "delete": 403,
        "attribute": 403,
        "remove": 403,
        "proposal": 200,
    } == {name: answer.status_code for name, answer in answers.items()}
    assert "A case" == client.view("sync", where)["info"]


def test_hidden_event_looks_like_one_that_does_not_exist(client: Client) -> None:
    """Another organisation's private event answers as an unknown uuid does."""
    hidden, unknown = client.add("sync")["uuid"], str(uuid.uuid4())

    for path in ("/events/view/{}", "/events/edit/{}", "/shadow_attributes/add/{}"):
        answers = [
            client.post("police", path.format(one), {"Event": {"info": "x"}})
            for one in (hidden, unknown)
        ]
        texts = [answer.json()["message"] for answer in answers]

        assert [404, 404] == [answer.status_code for answer in answers]
        assert texts[0] == texts[1]


def test_proposal_waits_for_the_events_organisation(client: Client) -> None:
    """Only the event's organisation accepts; then the proposal is an attribute."""
    shown = client.add("sync", "a.example", distribution="1")
    made = client.post(
        "police",
        f"/shadow_attributes/add/{shown['uuid']}",
        {"type": "domain", "value": "b.example"},
    ).json()["ShadowAttribute"]
    path = f"/shadow_attributes/accept/{made['id']}"

    refused = client.post("police", path)
    before = client.view("sync", shown["uuid"])
    accepted = client.post("sync", path)
    after = client.view("sync", shown["uuid"])

    assert [405, 200] == [refused.status_code, accepted.status_code]
    assert (1, 1) == (len(before["Attribute"]), len(before["ShadowAttribute"]))
    assert ["a.example", "b.example"] == [one["value"] for one in after["Attribute"]]
    assert [] == after["ShadowAttribute"]


def test_proposal_to_change_hangs_on_its_attribute(client: Client) -> None:
    """Accepting a proposed change gives the attribute its new value."""
    shown = client.add("sync", "a.example", distribution="1")
    attribute = shown["Attribute"][0]["uuid"]
    path = f"/shadow_attributes/edit/{attribute}"
    made = client.post("police", path, {"value": "b.example"}).json()["ShadowAttribute"]

    hanging = client.view("sync", shown["uuid"])["Attribute"][0]["ShadowAttribute"]
    client.post("sync", f"/shadow_attributes/accept/{made['id']}")

    assert ["b.example"] == [one["value"] for one in hanging]
    assert [(attribute, "b.example")] == [
        (one["uuid"], one["value"])
        for one in client.view("sync", shown["uuid"])["Attribute"]
    ]


def test_discarded_proposal_is_gone(client: Client) -> None:
    """Its author may take a proposal back."""
    shown = client.add("sync", distribution="1")
    made = client.post(
        "police",
        f"/shadow_attributes/add/{shown['uuid']}",
        {"type": "text", "value": "x"},
    ).json()["ShadowAttribute"]

    assert client.post("police", f"/shadow_attributes/discard/{made['id']}").ok
    assert [] == client.view("sync", shown["uuid"])["ShadowAttribute"]


def test_sightings_of_others_are_shown_to_the_owner(client: Client) -> None:
    """The event's organisation sees who saw what; other readers see only their own."""
    shown = client.add("sync", "a.example", distribution="1")
    attribute = shown["Attribute"][0]["uuid"]
    for role in ("sync", "police"):
        client.post(role, f"/sightings/add/{attribute}", {"source": role})

    seen = {
        role: [
            one["source"]
            for one in client.view(role, shown["uuid"])["Attribute"][0]["Sighting"]
        ]
        for role in ("user", "police")
    }

    assert {"user": ["sync", "police"], "police": ["police"]} == seen


def test_only_the_site_administrator_lifts_the_blocklist(client: Client) -> None:
    """A deleted uuid can be added again after the administrator removed the entry."""
    sent = event()
    client.post("sync", "/events/add", sent)
    client.post("sync", f"/events/delete/{sent['uuid']}")
    path = f"/eventBlocklists/delete/{sent['uuid']}"

    refused = client.post("sync", path)
    blocked = client.post("admin", "/events/add", sent)
    listed = client.send("admin", "GET", "/eventBlocklists/index").json()
    lifted = client.post("admin", path)
    again = client.post("sync", "/events/add", sent)

    assert [403, 403, 200, 200] == [
        answer.status_code for answer in (refused, blocked, lifted, again)
    ]
    assert [sent["uuid"]] == [one["event_uuid"] for one in listed]


def test_log_is_read_by_its_author_and_the_administrator(client: Client) -> None:
    """One account does not read what another's requests left in the log."""
    sent = event()
    sent["Attribute"] = [{"type": "ip-dst", "value": "no address"}]
    client.post("sync", "/events/add", sent)

    entries = {
        role: len(client.post(role, "/logs/index", {"title": "%dropped%"}).json())
        for role in ("sync", "user", "police", "admin")
    }

    assert {"sync": 1, "user": 0, "police": 0, "admin": 1} == entries


def test_own_colleagues_delete_each_others_events(client: Client) -> None:
    """A plain user may delete what the sync user of the same organisation pushed."""
    shown = client.add("sync")

    assert 200 == client.post("user", f"/events/delete/{shown['uuid']}").status_code


def test_creator_mail_is_shown_to_the_creators_organisation(client: Client) -> None:
    """Other organisations do not learn which person made an event."""
    shown = client.add("sync", distribution="1")

    assert "event_creator_email" in client.view("user", shown["uuid"])
    assert "event_creator_email" not in client.view("police", shown["uuid"])
