"""Every fault knob of the stand-in MISP does what it says, and no more."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from broker.sandbox.misp import Knobs, MispSandbox, Refusal, SandboxError, When
from tests.unit.sandbox.misp.conftest import ACCOUNTS, START, Client, event


def values(shown: dict[str, Any]) -> list[str]:
    """Return the values of an event's attributes."""
    return [one["value"] for one in shown["Attribute"]]


def domains(count: int) -> list[str]:
    """Return some different domains."""
    return [f"d{number}.example" for number in range(count)]


def until(condition: Any, seconds: float = 5) -> bool:
    """Wait until a condition holds; say whether it ever did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_listening(server: MispSandbox) -> bool:
    """Say whether anybody takes connections at the server's address."""
    host, port = server.url.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    return True


def test_every_nth_attribute_is_dropped_without_a_trace(client: Client) -> None:
    """The dropped ones are missing, and neither answer nor log says so."""
    client.server.faults = Knobs(drop_every=3)

    shown = client.add("sync", *domains(7))

    kept = [name for name in domains(7) if name not in ("d2.example", "d5.example")]
    assert kept == values(shown)
    assert [] == client.post("admin", "/logs/index", {"title": "%dropped%"}).json()


def test_attributes_of_a_type_are_dropped(client: Client) -> None:
    """All attributes of the named types are missing, in adds and in updates."""
    client.server.faults = Knobs(drop_types=("iban",))
    account = {"type": "iban", "value": "XK051212012345678906"}
    sent = event("a.example")
    sent["Attribute"].append(account)

    added = client.add("sync", **sent)
    changed = {**sent, "timestamp": str(START + 1), "Attribute": [account]}
    updated = client.post("sync", f"/events/edit/{sent['uuid']}", changed)

    assert ["a.example"] == values(added) == values(updated.json()["Event"])


def test_next_requests_are_answered_500(client: Client) -> None:
    """So many requests fail before anything is done, and the one after works."""
    client.server.faults = Knobs(error_next=2)
    sent = event()

    codes = [client.post("sync", "/events/add", sent).status_code for _ in range(3)]

    assert [500, 500, 200] == codes


def test_500_after_the_work_leaves_the_work_done(client: Client) -> None:
    """The client sees an error, and the event is there."""
    client.server.faults = Knobs(error_next=1, error_when=When.AFTER)
    sent = event("a.example")

    answer = client.post("sync", "/events/add", sent)

    assert 500 == answer.status_code
    assert ["a.example"] == values(client.view("sync", sent["uuid"]))


def test_probable_errors_repeat_with_their_seed(client: Client) -> None:
    """The same seed gives the same errors, another seed gives others."""

    def outcome(seed: int) -> list[int]:
        client.server.faults = Knobs(error_probability=0.5, seed=seed)
        return [
            client.send("sync", "GET", "/servers/getVersion").status_code
            for _ in range(16)
        ]

    first, again, other = outcome(1), outcome(1), outcome(2)

    assert first == again != other
    assert {200, 500} == set(first)


def test_answers_are_late(client: Client) -> None:
    """A delay is kept by every answer."""
    client.server.faults = Knobs(delay=0.3)
    began = time.monotonic()

    answer = client.send("sync", "GET", "/servers/getVersion")

    assert 200 == answer.status_code
    assert time.monotonic() - began >= 0.3


def test_slow_server_times_a_client_out_but_goes_on(client: Client) -> None:
    """A client that gives up does not know that its event was stored."""
    client.server.faults = Knobs(delay=0.5)
    sent = event()

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            client.server.url + "/events/add",
            json=sent,
            headers={"Authorization": client.server.keys["sync"]},
            timeout=0.1,
        )

    client.server.faults = Knobs()
    assert until(lambda: client.view("sync", sent["uuid"]))


def test_connections_are_closed_at_once(client: Client) -> None:
    """The server takes the connection and hangs up without a word."""
    client.server.faults = Knobs(refuse=Refusal.CLOSE)

    with pytest.raises(requests.ConnectionError):
        client.send("sync", "GET", "/servers/getVersion")

    assert is_listening(client.server)
    assert 200 == client.set_faults().status_code
    assert 200 == client.send("sync", "GET", "/servers/getVersion").status_code


def test_nobody_listens(client: Client) -> None:
    """Connections are refused until the knob is turned back; the address stays."""
    where = client.server.url
    client.server.faults = Knobs(refuse=Refusal.STOP)
    deaf = is_listening(client.server)

    client.server.faults = Knobs()

    assert not deaf
    assert where == client.server.url
    assert 200 == client.send("sync", "GET", "/servers/getVersion").status_code


def test_server_that_stops_listening_comes_back_by_itself(client: Client) -> None:
    """Set over HTTP with a time, the refusal ends by itself."""
    answer = client.set_faults(refuse="stop", refuse_for=0.4)

    assert 200 == answer.status_code
    assert until(lambda: not is_listening(client.server))
    assert until(lambda: is_listening(client.server))
    assert 200 == client.send("sync", "GET", "/servers/getVersion").status_code


def test_open_connection_ends_when_nobody_listens(client: Client) -> None:
    """A connection kept alive is cut as well."""
    session = requests.Session()
    headers = {"Authorization": client.server.keys["sync"]}
    where = f"{client.server.url}/servers/getVersion"
    session.get(where, headers=headers, timeout=5)

    client.server.faults = Knobs(refuse=Refusal.STOP)

    with pytest.raises(requests.ConnectionError):
        session.get(where, headers=headers, timeout=5)


def test_death_in_an_add_leaves_a_part(client: Client) -> None:
    """The event stays with its first attributes and the timestamp that was sent."""
    client.server.faults = Knobs(die_after=2)
    sent = event(*domains(5), Tag=[{"name": "tlp:amber"}])

    with pytest.raises(requests.ConnectionError):
        client.post("sync", "/events/add", sent)

    assert until(lambda: not is_listening(client.server))
    assert client.server.dead
    client.server.stop()
    client.server.start()
    shown = client.view("sync", sent["uuid"])
    assert domains(2) == values(shown)
    assert str(START) == shown["timestamp"]
    assert ["tlp:amber"] == [tag["name"] for tag in shown["Tag"]]


def test_part_is_repaired_by_a_raised_timestamp_only(client: Client) -> None:
    """After a death, add is 404 and an equal update 403; a newer one repairs."""
    client.server.faults = Knobs(die_after=2)
    sent = event(*domains(5))
    with pytest.raises(requests.ConnectionError):
        client.post("sync", "/events/add", sent)
    client.server.stop()
    client.server.start()
    path = f"/events/edit/{sent['uuid']}"

    again = client.post("sync", "/events/add", sent)
    equal = client.post("sync", path, sent)
    newer = client.post("sync", path, {**sent, "timestamp": str(START + 1)})

    assert [404, 403, 200] == [one.status_code for one in (again, equal, newer)]
    assert domains(5) == values(newer.json()["Event"])


def test_add_with_fewer_attributes_survives(client: Client) -> None:
    """The server dies in the first add that is big enough, not before."""
    client.server.faults = Knobs(die_after=4)

    assert domains(3) == values(client.add("sync", *domains(3)))
    assert not client.server.dead


def test_answer_breaks_off_in_the_middle(client: Client) -> None:
    """The client gets half an answer, although the work is done."""
    client.server.faults = Knobs(half_next=1)
    sent = event("a.example")

    with pytest.raises(
        (requests.exceptions.ChunkedEncodingError, requests.ConnectionError)
    ):
        client.post("sync", "/events/add", sent)

    assert ["a.example"] == values(client.view("sync", sent["uuid"]))


def test_knobs_are_set_and_read_over_http(client: Client) -> None:
    """The site administrator's key sets all knobs at once and reads them."""
    client.set_faults(drop_every=2, drop_types=["iban"])

    shown = client.send("admin", "GET", "/sandbox/faults").json()

    assert Knobs(drop_every=2, drop_types=("iban",)) == client.server.faults
    assert (2, ["iban"], 0) == (
        shown["drop_every"],
        shown["drop_types"],
        shown["error_next"],
    )
    assert 0 == client.set_faults().json()["drop_every"]


def test_knobs_are_for_the_site_administrator(client: Client) -> None:
    """No other key reads or sets them."""
    answers = [
        client.send(role, method, "/sandbox/faults", {"error_next": 9})
        for role in ("sync", "police")
        for method in ("GET", "POST")
    ]

    assert [403] * 4 == [answer.status_code for answer in answers]
    assert Knobs() == client.server.faults


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"drop_evry": 1}, "unknown drop_evry"),
        ({"drop_every": -1}, "drop_every"),
        ({"drop_every": True}, "drop_every"),
        ({"drop_types": "iban"}, "drop_types"),
        ({"error_probability": 1.5}, "error_probability"),
        ({"error_when": "never"}, "error_when"),
        ({"refuse": "maybe"}, "refuse"),
        ({"delay": "long"}, "delay"),
        ([], "JSON object"),
    ],
)
def test_wrong_knobs_are_refused_by_name(client: Client, knobs: Any, told: str) -> None:
    """A knob that makes no sense is refused and named, and nothing changes."""
    answer = client.post("admin", "/sandbox/faults", knobs)

    assert 400 == answer.status_code
    assert told in answer.json()["message"]
    assert Knobs() == client.server.faults
    with pytest.raises(SandboxError, match=told.split()[-1]):
        Knobs.read(knobs)


def test_faults_can_hold_from_the_start(tmp_path: Path) -> None:
    """A server can be started with a fault, even the one of not listening."""
    knobs = Knobs(refuse=Refusal.STOP)
    with MispSandbox(tmp_path / "misp", accounts=ACCOUNTS, faults=knobs) as server:
        deaf = is_listening(server)
        server.faults = Knobs()

        assert not deaf
        assert is_listening(server)
