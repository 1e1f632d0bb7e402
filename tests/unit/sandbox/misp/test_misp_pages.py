"""The pages that a person sees: complete, safe, and as the chosen reader sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from broker.sandbox.misp import markup
from tests.unit.sandbox.misp.conftest import CERT, POLICE, START, Client, event

EVIL = "<script>alert(1)</script>\"' onload=x"


def page(client: Client, path: str = "/") -> requests.Response:
    """Open a page as a browser does, without a key."""
    headers = {"Accept": "text/html,application/xhtml+xml", "Connection": "close"}
    return requests.get(client.server.url + path, headers=headers, timeout=10)


def rich_event(**fields: Any) -> dict[str, Any]:
    """Return an event with something of everything."""
    sent = event("a.example", "gone.example", distribution="1", **fields)
    inner = {"type": "iban", "value": "XK051212012345678906", "object_relation": "iban"}
    return {
        **sent,
        "Tag": [{"name": "tlp:amber"}, {"name": "case:kind", "colour": "#123456"}],
        "EventReport": [{"name": "Summary", "content": "# Head\n\n- one\n- **two**"}],
        "Object": [
            {
                "name": "bank-account",
                "meta-category": "financial",
                "template_uuid": "b4712203-95a8-4883-80e9-b566f5df11c9",
                "Attribute": [inner],
            }
        ],
    }


def test_list_shows_the_latest_change_first(client: Client) -> None:
    """Events stand in the order of their last change."""
    for at, title in enumerate(("oldest", "newest", "middle")):
        client.add("sync", info=title, timestamp=str(START + (0, 20, 10)[at]))

    shown = page(client)

    assert 200 == shown.status_code
    assert "text/html; charset=UTF-8" == shown.headers["Content-Type"]
    assert ["newest", "middle", "oldest"] == re.findall(
        r'class="title"[^>]*>([^<]*)<', shown.text
    )


def test_empty_server_says_so(client: Client) -> None:
    """A server without events has a page, too."""
    assert "No events yet." in page(client).text


def test_event_page_shows_everything(client: Client) -> None:
    """Facts, tags, report, object, attributes, proposals and sightings are there."""
    sent = rich_event()
    client.post("sync", "/events/add", sent)
    attribute = sent["Attribute"][0]["uuid"]
    client.post("police", f"/sightings/add/{attribute}", {"source": "case 17"})
    path = f"/shadow_attributes/add/{sent['uuid']}"
    client.post("police", path, {"type": "domain", "value": "proposed.example"})

    text = page(client, f"/events/{sent['uuid']}").text

    for wanted in (
        "A case",
        CERT.name,
        "28 May 2026",
        "TLP:AMBER",
        "case:kind",
        "#123456",
        "<h4>Head</h4>",
        "<strong>two</strong>",
        "bank-account",
        "XK051212012345678906",
        "a.example",
        "case 17",
        "proposed.example",
        POLICE.name,
    ):
        assert wanted in text


def test_deleted_attribute_is_shown_as_deleted(client: Client) -> None:
    """What was taken back is still there to see, and marked."""
    sent = event("gone.example", "kept.example")
    client.post("sync", "/events/add", sent)
    client.post("sync", f"/attributes/delete/{sent['Attribute'][0]['uuid']}")

    rows = re.findall(
        r"<tr[^>]*>.*?</tr>", page(client, f"/events/{sent['uuid']}").text
    )

    assert [True] == ["deleted" in row for row in rows if "gone.example" in row]
    assert [False] == ["deleted" in row for row in rows if "kept.example" in row]


@pytest.mark.parametrize(
    "fields",
    [
        {"info": EVIL},
        {"Tag": [{"name": EVIL, "colour": "red;}</style>"}]},
        {"EventReport": [{"name": EVIL, "content": f"# {EVIL}\n\n- `{EVIL}`"}]},
        {"Attribute": [{"type": "text", "value": EVIL, "comment": EVIL}]},
        {"Orgc": {"uuid": "33333333-3333-4333-8333-333333333333", "name": EVIL}},
    ],
    ids=["title", "tag", "report", "attribute", "organisation"],
)
def test_pages_hold_no_foreign_markup(client: Client, fields: dict[str, Any]) -> None:
    """Whatever a client sends is shown as text and nothing else."""
    shown = client.add("sync", **fields)

    for path in ("/", f"/events/{shown['uuid']}", f"/?q={EVIL}"):
        text = page(client, path).text

        assert "<script" not in text
        assert "</style>" not in text.split("</style>", 1)[1]
        assert "\"' onload" not in text


def test_pages_load_nothing(client: Client) -> None:
    """No page refers to anything outside itself, and the browser is told so."""
    sent = rich_event()
    client.post("sync", "/events/add", sent)

    for path in ("/", f"/events/{sent['uuid']}"):
        shown = page(client, path)

        assert not re.search(r"(src=|url\(|@import|<link|https?://)", shown.text)
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]


def test_pages_can_be_seen_with_anothers_eyes(client: Client) -> None:
    """Seen as an organisation, the pages show what that organisation may see."""
    hidden = client.add("sync", info="for CERT only")
    client.add("sync", info="for everyone here", distribution="1")

    seen = {
        name: page(client, f"/?as={uuid}").text
        for name, uuid in (("cert", CERT.uuid), ("police", POLICE.uuid), ("all", ""))
    }

    assert {"cert": True, "police": False, "all": True} == {
        name: "for CERT only" in text for name, text in seen.items()
    }
    assert all("for everyone here" in text for text in seen.values())
    assert 404 == page(client, f"/events/{hidden['uuid']}?as={POLICE.uuid}").status_code


def test_list_is_searched_and_paged(client: Client) -> None:
    """The list finds titles, and long lists come in pages."""
    for number in range(101):
        client.add("sync", info=f"case {number:03}")

    first, second = page(client), page(client, "/?page=2")
    found = page(client, "/?q=case 07")

    assert 100 == first.text.count('class="title"')
    assert 1 == second.text.count('class="title"')
    assert "page 1 of 2" in first.text
    assert 10 == found.text.count('class="title"')


@pytest.mark.parametrize("path", ["/events/999", "/events/view/x", "/nothing/here"])
def test_missing_page_is_explained(client: Client, path: str) -> None:
    """An unknown address gives a page that says so."""
    shown = page(client, path)

    assert 404 == shown.status_code
    assert shown.headers["Content-Type"].startswith("text/html")
    assert "There is no such" in shown.text


def test_client_without_a_browser_gets_json(client: Client) -> None:
    """The same address answers a program with JSON, and wants a key."""
    sent = client.add("sync")
    path = f"/events/{sent['uuid']}"

    assert client.send("sync", "GET", path).json()["Event"]["uuid"] == sent["uuid"]
    assert 403 == requests.get(client.server.url + path, timeout=10).status_code


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "never"),
        (1_780_000_000, "28 May 2026, 20:26 UTC"),
        (10**15, "unreadable"),
    ],
)
def test_times_are_written_for_people(seconds: object, text: str) -> None:
    """A time is written out with its zone; none is "never"."""
    assert text == markup.when(seconds)


@pytest.mark.parametrize(
    ("name", "css"),
    [
        ("tlp:red", "tlp-red"),
        ("TLP:AMBER+STRICT", "tlp-amber"),
        ("tlp:white", "tlp-clear"),
    ],
)
def test_tlp_labels_have_their_colours(name: str, css: str) -> None:
    """A TLP label is shown in the colour of the standard."""
    assert css in markup.tag({"name": name})
