"""The stand-in MISP as an HTTP server: addresses, connections and many at a time."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from broker.sandbox.misp import Knobs, views
from tests.unit.sandbox.misp.conftest import START, Client, event


@pytest.mark.parametrize(
    "path",
    [
        "/eventBlocklists/index",
        "/event_blocklists/index",
        "/eventBlocklists",
        "/EventBlocklists/index.json",
        "/admin/event_blocklists/index",
        "/event_blocklists/index/page:1",
        "/event_blocklists/index?x=1",
    ],
)
def test_address_may_be_written_in_many_ways(client: Client, path: str) -> None:
    """MISP's several notations of one address all lead to it."""
    answer = client.send("admin", "GET", path)

    assert (200, []) == (answer.status_code, answer.json())


def test_unknown_address_is_404(client: Client) -> None:
    """What the stand-in does not have, it says it does not have."""
    answer = client.post("sync", "/galaxies/import")

    assert 404 == answer.status_code
    assert "/galaxies/import" == answer.json()["url"]


@pytest.mark.parametrize("path", ["/events/add", "/events/delete/1", "/tags/add"])
def test_changing_address_wants_a_post(client: Client, path: str) -> None:
    """A GET changes nothing."""
    assert 405 == client.send("sync", "GET", path).status_code


def test_head_tells_whether_an_event_exists(client: Client) -> None:
    """HEAD answers like GET, without a body."""
    shown = client.add("sync")

    there = client.send("sync", "HEAD", f"/events/view/{shown['uuid']}")
    not_there = client.send("sync", "HEAD", f"/events/view/{uuid.uuid4()}")

    assert (200, b"") == (there.status_code, there.content)
    assert 404 == not_there.status_code


def test_event_is_found_by_its_number(client: Client) -> None:
    """The number that the server gave leads to the event, too."""
    shown = client.add("sync")

    for path in (f"/events/view/{shown['id']}", f"/events/{shown['id']}"):
        found = client.send("sync", "GET", path).json()["Event"]

        assert shown["uuid"] == found["uuid"]


def test_key_may_stand_in_either_header(client: Client) -> None:
    """``X-MISP-AUTH`` serves where a proxy eats ``Authorization``."""
    answer = requests.get(
        f"{client.server.url}/servers/getVersion",
        headers={"X-MISP-AUTH": client.server.keys["sync"]},
        timeout=10,
    )

    assert 200 == answer.status_code


def test_broken_compression_counts_as_no_body(client: Client) -> None:
    """A body that says it is gzip and is not holds no event."""
    headers = {
        "Authorization": client.server.keys["sync"],
        "Content-Encoding": "gzip",
    }
    where = f"{client.server.url}/events/add"

    for body in (b"plain", gzip.compress(b"{}")[:-4]):
        answer = requests.post(where, data=body, headers=headers, timeout=10)

        assert 405 == answer.status_code


def test_body_in_chunks_is_understood(client: Client) -> None:
    """A client may send its body piece by piece."""
    body = json.dumps(event("a.example")).encode()
    pieces = iter([body[:20], body[20:]])

    answer = requests.post(
        f"{client.server.url}/events/add",
        data=pieces,
        headers={"Authorization": client.server.keys["sync"]},
        timeout=10,
    )

    assert 200 == answer.status_code
    assert 1 == len(answer.json()["Event"]["Attribute"])


def test_connection_is_kept_alive(client: Client) -> None:
    """Several requests share one connection."""
    host, port = client.server.url.removeprefix("http://").split(":")
    ask = (
        f"GET /servers/getVersion HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: {client.server.keys['sync']}\r\n\r\n"
    ).encode()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(ask)

            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_one_uuid_from_many_clients_is_added_once(client: Client) -> None:
    """Of clients that add the same event at once, exactly one succeeds."""
    sent = event("a.example", "b.example")
    together = threading.Barrier(8)

    def add(_: int) -> int:
        together.wait()
        return client.post("sync", "/events/add", sent).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(add, range(8)))

    assert {200: 1, 404: 7} == codes
    assert 2 == len(client.view("sync", sent["uuid"])["Attribute"])


def test_many_clients_at_once_lose_nothing(client: Client) -> None:
    """Events pushed in parallel with one new tag are all there, and one tag is."""

    def add(number: int) -> str:
        shown = client.add("sync", f"d{number}.example", Tag=[{"name": "new"}])
        return str(shown["uuid"])

    with ThreadPoolExecutor(6) as pool:
        added = set(pool.map(add, range(30)))

    found = client.post("sync", "/events/index", {"minimal": 1}).json()
    tags = client.send("sync", "GET", "/tags/index").json()["Tag"]
    assert added == {one["uuid"] for one in found}
    assert ["new"] == [tag["name"] for tag in tags]


def test_reader_never_sees_a_part_of_an_add(client: Client) -> None:
    """Without the fault, an event appears with all its attributes at once."""
    sent = event(*[f"d{number}.example" for number in range(300)])
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            shown = client.view("sync", sent["uuid"])
            seen.add(len(shown["Attribute"]) if shown else 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    client.post("sync", "/events/add", sent)
    client.view("sync", sent["uuid"])
    done.set()
    watcher.join(timeout=20)

    assert seen <= {0, 300}


def test_own_failure_is_a_500_without_content(
    client: Client, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A mistake of the stand-in itself undoes the request and tells no value."""

    def fail(*_: Any) -> None:
        raise ValueError("secret.example")

    sent = event("secret.example")
    monkeypatch.setattr(views, "by_id", fail)
    answer = client.post("sync", "/events/add", sent)
    monkeypatch.undo()

    assert 500 == answer.status_code
    assert {} == client.view("sync", sent["uuid"])
    told = capfd.readouterr().err
    assert "ValueError" in told
    assert "secret.example" not in told + answer.text


def test_nothing_of_a_request_is_logged(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither addresses nor bodies reach the process's output."""
    client.add("sync", "secret.example")
    client.send("sync", "GET", "/events/view/secret.example")
    client.post("sync", "/events/add", event(info="\N{GRINNING FACE}"))

    told = capfd.readouterr()

    assert ("", "") == (told.out, told.err)


def test_stop_in_the_middle_ends_the_request_in_silence(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    """A request that still waits when the server stops gets no answer, and no fuss."""
    client.server.faults = Knobs(delay=5)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.add, "sync", "a.example")
        threading.Event().wait(0.3)
        client.server.stop()

        with pytest.raises(requests.ConnectionError):
            waiting.result(timeout=10)

    assert "" == capfd.readouterr().err


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"value": "a.example"}, {"first"}),
        ({"value": "%.example"}, {"first", "second"}),
        ({"type": "domain", "tags": "kind:a"}, {"first"}),
        ({"tags": ["kind:a", "kind:b"]}, {"first", "second"}),
        ({"eventinfo": "sec"}, {"second"}),
        ({"published": True}, {"second"}),
        ({"published": 0}, {"first"}),
        ({"timestamp": [START, START]}, {"first"}),
        ({"timestamp": START + 1}, {"second"}),
        ({"from": "2026-05-29"}, {"second"}),
        ({"to": "2026-05-28"}, {"first"}),
        ({"last": "1h"}, {"second"}),
        ({"org": "CERT"}, {"first", "second"}),
        ({"org": "Police"}, set()),
        ({"limit": 1}, {"first"}),
        ({"limit": 1, "page": 2}, {"second"}),
        ({"no_such_filter": "x"}, {"first", "second"}),
    ],
)
def test_filters_narrow_a_search(
    client: Client, asked: dict[str, Any], found: set[str]
) -> None:
    """Each filter of ``restSearch`` finds what it names."""
    first = {"info": "first", "date": "2026-05-28", "Tag": [{"name": "kind:a"}]}
    second = {"info": "second", "date": "2026-05-29", "Tag": [{"name": "kind:b"}]}
    client.add("sync", "a.example", **first)
    client.add("sync", "b.example", **second, timestamp=str(START + 10), published=True)

    answer = client.post("sync", "/events/restSearch", asked).json()["response"]

    assert found == {one["Event"]["info"] for one in answer}


def test_other_output_formats_are_refused(client: Client) -> None:
    """The stand-in writes JSON only, and says so."""
    answer = client.post("sync", "/events/restSearch", {"returnFormat": "stix2"})

    assert (404, "Invalid output format.") == (
        answer.status_code,
        answer.json()["message"],
    )


def test_index_lists_events_with_their_tags(client: Client) -> None:
    """The full index has a line for each event, and its tags."""
    client.add("sync", Tag=[{"name": "tlp:amber"}])

    lines = client.send("sync", "GET", "/events/index").json()

    assert [["tlp:amber"]] == [
        [tag["Tag"]["name"] for tag in one["EventTag"]] for one in lines
    ]


def test_reference_between_objects_is_shown(client: Client) -> None:
    """A reference between objects is kept; one that leads nowhere is left out."""
    here, there = str(uuid.uuid4()), str(uuid.uuid4())

    def group(name: str, *targets: str) -> dict[str, Any]:
        inner = {"type": "text", "value": name, "object_relation": "x"}
        return {
            "uuid": name,
            "name": "thing",
            "meta-category": "misc",
            "template_uuid": str(uuid.uuid4()),
            "Attribute": [inner],
            "ObjectReference": [
                {"referenced_uuid": target, "relationship_type": "uses"}
                for target in targets
            ],
        }

    shown = client.add(
        "sync", Object=[group(here, there, str(uuid.uuid4())), group(there)]
    )

    assert [[(there, "uses")], []] == [
        [(r["referenced_uuid"], r["relationship_type"]) for r in one["ObjectReference"]]
        for one in shown["Object"]
    ]
