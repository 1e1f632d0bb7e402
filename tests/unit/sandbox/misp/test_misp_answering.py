"""The form by which a person answers on an event's page, in a unit's name."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.unit.sandbox.misp.conftest import POLICE, Client, event

TAG = 'besa:feedback="case-opened"'


def page(client: Client, path: str) -> str:
    """Return a page as a browser gets it."""
    headers = {"Accept": "text/html", "Connection": "close"}
    return requests.get(client.server.url + path, headers=headers, timeout=10).text


def say(client: Client, origin: str = "", **asked: str) -> requests.Response:
    """Send the form as a browser does."""
    return requests.post(
        client.server.url + "/sandbox/say",
        data={"as": POLICE.uuid, **asked},
        headers={"Origin": origin or client.server.url, "Connection": "close"},
        allow_redirects=False,
        timeout=10,
    )


@pytest.fixture
def sent(client: Client) -> dict[str, Any]:
    """Return an event that the CSIRT has pushed."""
    made = event("a.example", distribution="1")
    answer = client.send("sync", "POST", "/events/add", {"Event": made})
    assert 200 == answer.status_code
    found: dict[str, Any] = answer.json()["Event"]
    return found


def seen(client: Client, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the event as the CSIRT reads it back."""
    answer = client.send("sync", "GET", f"/events/view/{sent['uuid']}")
    found: dict[str, Any] = answer.json()["Event"]
    return found


def test_the_form_is_for_who_looks_as_somebody(
    client: Client, sent: dict[str, Any]
) -> None:
    """Everyone sees the event; only the eyes of an organisation have a form."""
    assert "/sandbox/say" not in page(client, f"/events/{sent['uuid']}")
    assert "/sandbox/say" in page(client, f"/events/{sent['uuid']}?as={POLICE.uuid}")


def test_every_way_of_answering(client: Client, sent: dict[str, Any]) -> None:
    """What a person says by the form stands in the event as a client's words would."""
    about = sent["Attribute"][0]["uuid"]
    ways = [
        {"way": "sighting", "about": about, "text": "Prizren"},
        {"way": "false-positive", "about": about},
        {"way": "note", "text": "our note"},
        {"way": "agree", "about": about, "text": "fits"},
        {"way": "proposal", "text": "another value"},
        {"way": "tag", "text": TAG},
    ]

    answers = [say(client, event=sent["uuid"], **one) for one in ways]

    assert [303] * len(ways) == [answer.status_code for answer in answers]
    shown = seen(client, sent)
    inside = shown["Attribute"][0]
    assert ["0", "1"] == [one["type"] for one in inside["Sighting"]]
    assert {POLICE.uuid} == {one["Organisation"]["uuid"] for one in inside["Sighting"]}
    assert [("90", "fits")] == [(o["opinion"], o["comment"]) for o in inside["Opinion"]]
    assert ["our note"] == [one["note"] for one in shown["Note"]]
    assert ["another value"] == [one["value"] for one in shown["ShadowAttribute"]]
    assert [(TAG, True)] == [(one["name"], one["local"]) for one in shown["Tag"]]
    assert "our note" in page(client, f"/events/{sent['uuid']}?as={POLICE.uuid}")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"way": "sighting"}, 403),
        ({"way": "tag", "text": ""}, 403),
        ({"way": "shout", "text": "x"}, 404),
        ({"way": "note", "about": "x"}, 404),
        ({"way": "note", "event": "none"}, 404),
        ({"way": "note", "as": ""}, 403),
    ],
)
def test_what_makes_no_sense_is_said(
    client: Client, sent: dict[str, Any], asked: dict[str, str], status: int
) -> None:
    """A form that lacks something gets a page that says so, and changes nothing."""
    answer = say(client, **{"event": sent["uuid"], **asked})

    assert status == answer.status_code
    assert "Note" not in seen(client, sent)


def test_no_other_site_can_answer(client: Client, sent: dict[str, Any]) -> None:
    """A form that another site's page sends is refused."""
    asked = {"event": sent["uuid"], "way": "note", "text": "x"}

    answer = say(client, "https://evil.example", **asked)

    assert 403 == answer.status_code
    assert "Note" not in seen(client, sent)


def test_what_was_said_is_no_markup(client: Client, sent: dict[str, Any]) -> None:
    """Words of a person are text on the page, whatever they look like."""
    say(client, event=sent["uuid"], way="note", text="<script>alert(1)</script>")

    shown = page(client, f"/events/{sent['uuid']}")
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
