"""The MISP adapter against a server that treats a client as a real MISP does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from broker.canonical import loads
from broker.deliver import Busy, Timeouts
from broker.deliver.misp import MispRecipient
from broker.deliver.misp_update import compose
from broker.errors import DeliveryError, Refused, Unavailable
from broker.model.sharing import Loss, ReceiptState
from broker.sandbox.misp import Knobs, MispSandbox
from broker.sandbox.misp.accounts import CSIRT, POLICE, Account, named_organisation
from broker.sandbox.misp.roles import RoleName
from tests.unit.deliver.events import (
    START,
    attribute,
    event,
    later,
    person,
    report,
    sealed,
    uuid,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNTS = (
    Account("sync", CSIRT, RoleName.SYNC),
    Account("police", POLICE, RoleName.PUBLISHER),
    Account("user", CSIRT, RoleName.USER),
    Account("readonly", CSIRT, RoleName.READONLY),
    Account("other", named_organisation("Other CERT"), RoleName.PUBLISHER),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MispSandbox]:
    """Give one stand-in MISP that the tests of this file share."""
    with MispSandbox(tmp_path_factory.mktemp("misp"), accounts=ACCOUNTS) as sandbox:
        yield sandbox


@pytest.fixture
def misp(server: MispSandbox) -> Iterator[MispSandbox]:
    """Give the stand-in MISP, well at the beginning and well in the end."""
    yield server
    server.faults = Knobs()


def to(misp: MispSandbox, account: str = "sync", **timeouts: float) -> MispRecipient:
    """Return the way to a MISP with somebody's key."""
    return MispRecipient(
        misp.url,
        misp.keys[account],
        timeouts=Timeouts(**{"connect": 5.0, "answer": 20.0, **timeouts}),
        clock=lambda: NOW,
    )


def ask(misp: MispSandbox, account: str, path: str, body: Any = None) -> Any:
    """Ask the server something with somebody's key."""
    answer = requests.request(
        "GET" if body is None else "POST",
        misp.url + path,
        json=body,
        headers={"Authorization": misp.keys[account], "Accept": "application/json"},
        timeout=20,
    )
    return answer.json()


def seen(misp: MispSandbox, made: dict[str, Any], account: str = "sync") -> Any:
    """Return an event as somebody sees it."""
    return ask(misp, account, f"/events/view/{made['uuid']}")["Event"]


def texts(shown: dict[str, Any]) -> list[str]:
    """Return all that an event's reports say, the deleted ones' as well."""
    return [part["content"] for part in shown["EventReport"] if part["content"]]


def values(shown: dict[str, Any]) -> list[str]:
    """Return the values of an event's attributes, sorted."""
    return sorted(part["value"] for part in shown["Attribute"])


def sent(recipient: MispRecipient) -> list[tuple[str, bytes]]:
    """Note every request that changes something, as it leaves."""
    noted: list[tuple[str, bytes]] = []
    client = recipient._client()

    def note(answer: requests.Response, **_: Any) -> None:
        if answer.request.body:
            path = str(answer.request.path_url)
            noted.append((path, bytes(answer.request.body)))  # type: ignore[arg-type]

    client._http.hooks["response"].append(note)
    return noted


# --- the plain way ---


def test_the_first_thing_sent_is_the_sealed_bytes(misp: MispSandbox) -> None:
    """An event that is new there leaves as exactly the bytes that were sealed."""
    made = event(
        attribute("203.0.113.7"), Object=[person("X")], EventReport=[report("t")]
    )
    edition = sealed(made)
    recipient = to(misp)
    noted = sent(recipient)

    receipt = recipient.deliver(edition)

    assert [("/events/add", edition.body)] == noted
    assert (ReceiptState.DELIVERED, (), edition.sha256, NOW) == (
        receipt.state,
        receipt.losses,
        receipt.sha256,
        receipt.at,
    )
    assert seen(misp, made)["id"] == receipt.remote_id


def test_the_recipient_sees_it(misp: MispSandbox) -> None:
    """The recipient's own analyst sees a published event with its tags."""
    made = event(attribute("203.0.113.7"), distribution="1", tags=("tlp:amber", "x:y"))

    to(misp).deliver(sealed(made))

    shown = seen(misp, made, "police")
    assert ["203.0.113.7"] == values(shown)
    assert shown["published"]
    assert ["tlp:amber", "x:y"] == sorted(tag["name"] for tag in shown["Tag"])


def test_delivering_again_changes_nothing(misp: MispSandbox) -> None:
    """The same edition a second time leaves the event exactly as it was."""
    made = event(
        attribute("203.0.113.7"), Object=[person("X")], EventReport=[report("t")]
    )
    first = to(misp).deliver(sealed(made))
    before = seen(misp, made)
    recipient = to(misp)
    noted = sent(recipient)

    second = recipient.deliver(sealed(made))

    assert before == seen(misp, made)
    assert first == second
    assert ["/events/add"] == [path for path, _ in noted]


def test_values_that_misp_rewrites_are_no_loss(misp: MispSandbox) -> None:
    """What MISP only writes in another form counts as kept."""
    made = event(
        attribute("PHISH.example.", "domain"),
        attribute("hxxp://phish[.]example/Login", "url"),
        attribute("2001:0db8:0000::1", "ip-src"),
        attribute("203.0.113.9/32"),
        attribute(
            "D41D8CD98F00B204E9800998ECF8427E", "md5", category="Payload delivery"
        ),
        attribute("AS64500", "AS"),
        attribute("203.0.113.7:443", "ip-dst|port"),
        attribute("A@Example.test", "email-src", category="Payload delivery"),
        attribute("münchen.example", "domain"),
        attribute("198.51.100.4", first_seen="2026-05-01T10:00:00Z"),
    )

    receipt = to(misp).deliver(sealed(made))

    assert () == receipt.losses


# --- updates ---


def test_an_update_brings_exactly_the_new_edition(misp: MispSandbox) -> None:
    """After an update the recipient has the new values and tags, and no old ones."""
    kept, gone = attribute("203.0.113.1"), attribute("203.0.113.2")
    made = event(kept, gone, tags=("tlp:amber", "old:tag"))
    recipient = to(misp)
    recipient.deliver(sealed(made))
    changed = later({**kept, "value": "203.0.113.10", "comment": "new"})
    newer = later(made, Attribute=[changed, attribute("203.0.113.3")], info="Changed")
    newer["Tag"] = [{"name": "tlp:green"}]

    receipt = recipient.deliver(sealed(newer, 2))

    shown = seen(misp, made)
    assert () == receipt.losses
    assert ["203.0.113.10", "203.0.113.3"] == values(shown)
    assert ["tlp:green"] == [tag["name"] for tag in shown["Tag"]]
    assert "Changed" == shown["info"]
    assert shown["published"]


def test_an_update_wins_over_an_edit_on_the_server(misp: MispSandbox) -> None:
    """An edition lands even if somebody's edit made the server's event newer."""
    made = event(attribute("203.0.113.1"))
    to(misp).deliver(sealed(made))
    edited = {
        **made,
        "timestamp": str(START + 50_000),
        "info": "edited",
        "Attribute": [],
    }
    edited["Attribute"] = [attribute("198.51.100.9", timestamp=str(START + 50_000))]
    ask(misp, "sync", f"/events/edit/{made['uuid']}", {"Event": edited})

    to(misp).deliver(sealed(later(made), 2))

    shown = seen(misp, made)
    assert (made["info"], ["203.0.113.1"]) == (shown["info"], values(shown))
    assert START + 50_001 == int(shown["timestamp"])


def test_what_was_deleted_on_the_server_comes_back(misp: MispSandbox) -> None:
    """What the edition has and somebody deleted on the server is undeleted."""
    made = event(
        attribute("203.0.113.1"), Object=[person("X")], EventReport=[report("t")]
    )
    to(misp).deliver(sealed(made))
    wiped = later(made, 5)
    for kind in ("Attribute", "Object", "EventReport"):
        for part in wiped[kind]:
            part["deleted"] = True
    ask(misp, "sync", f"/events/edit/{made['uuid']}", {"Event": wiped})
    assert [] == seen(misp, made)["Attribute"]

    receipt = to(misp).deliver(sealed(later(made), 2))

    shown = seen(misp, made)
    assert () == receipt.losses
    assert ["203.0.113.1"] == values(shown)
    assert [["X"]] == [values(part) for part in shown["Object"]]
    assert ["t"] == [part["content"] for part in shown["EventReport"]]


def test_objects_and_reports_follow_the_edition(misp: MispSandbox) -> None:
    """Objects and reports change, lose parts and disappear as the edition says."""
    stays, goes = person("Stays"), person("Goes")
    second = attribute("M", "text", category="Other", object_relation="alias")
    stays["Attribute"].append(second)
    made = event(Object=[stays, goes], EventReport=[report("one"), report("two")])
    to(misp).deliver(sealed(made))
    less = later({**stays, "Attribute": stays["Attribute"][:1]})
    less["Attribute"][0]["value"] = "Changed"
    kept = later({**made["EventReport"][0], "content": "1"})
    newer = later(made, Object=[less], EventReport=[kept])

    receipt = to(misp).deliver(sealed(newer, 2))

    shown = seen(misp, made)
    assert () == receipt.losses
    assert [["Changed"]] == [values(part) for part in shown["Object"]]
    assert ["1"] == texts(shown)


def test_an_event_that_gets_a_new_object_is_still_published(misp: MispSandbox) -> None:
    """A new object in an update unpublishes an event on the way, and not in the end."""
    made = event(attribute("203.0.113.1"))
    to(misp).deliver(sealed(made))

    receipt = to(misp).deliver(sealed(later(made, Object=[person("New")]), 2))

    assert () == receipt.losses
    assert seen(misp, made)["published"]


def test_a_field_that_is_no_longer_disclosed_disappears(misp: MispSandbox) -> None:
    """MISP keeps a field that an update omits; such an attribute is made anew."""
    dated = attribute(
        "203.0.113.1", first_seen="2026-05-01T10:00:00Z", comment="victim"
    )
    made = event(dated)
    to(misp).deliver(sealed(made))
    bare = {k: v for k, v in later(dated).items() if k not in ("first_seen", "comment")}

    receipt = to(misp).deliver(sealed(later(made, Attribute=[bare]), 2))

    (shown,) = seen(misp, made)["Attribute"]
    assert () == receipt.losses
    assert (dated["uuid"], None, "") == (
        shown["uuid"],
        shown["first_seen"],
        shown["comment"],
    )


def test_a_recall_leaves_nothing_but_the_notice(misp: MispSandbox) -> None:
    """After a recall the recipient sees the notice and none of the contents."""
    made = event(
        attribute("203.0.113.1"),
        Object=[person("X")],
        EventReport=[report("t")],
        distribution="1",
    )
    to(misp).deliver(sealed(made))
    notice = later(made, info="Withdrawn", Attribute=[], Object=[], EventReport=[])
    notice["published"] = False

    receipt = to(misp).deliver(sealed(notice, 2))

    shown = seen(misp, made)
    assert () == receipt.losses
    assert ("Withdrawn", [], [], [], False) == (
        shown["info"],
        shown["Attribute"],
        shown["Object"],
        texts(shown),
        shown["published"],
    )


def test_what_others_added_stays(misp: MispSandbox) -> None:
    """Sightings and proposals of the recipient survive an update."""
    made = event(attribute("203.0.113.1"), distribution="1")
    to(misp).deliver(sealed(made))
    where = f"/shadow_attributes/add/{made['uuid']}"
    proposal = {"type": "domain", "category": "Network activity", "value": "p.example"}
    ask(misp, "police", where, proposal)
    sighting = {
        "uuid": uuid(),
        "attribute_uuid": made["Attribute"][0]["uuid"],
        "type": "0",
        "source": "case 17",
        "date_sighting": str(START),
    }
    ask(misp, "police", f"/sightings/bulkSaveSightings/{made['uuid']}", [sighting])

    to(misp).deliver(sealed(later(made, info="Changed"), 2))

    shown = seen(misp, made)
    assert ["p.example"] == [part["value"] for part in shown["ShadowAttribute"]]
    assert [sighting["uuid"]] == [
        part["uuid"] for part in shown["Attribute"][0]["Sighting"]
    ]


def test_a_recipient_that_lost_the_event_gets_it_whole(misp: MispSandbox) -> None:
    """A later edition of an event that is not there is added as it was sealed."""
    made = event(attribute("203.0.113.1"))
    edition = sealed(made, 7)
    recipient = to(misp)
    noted = sent(recipient)

    recipient.deliver(edition)

    assert [("/events/add", edition.body)] == noted


def test_an_older_edition_is_refused(misp: MispSandbox) -> None:
    """An adapter that has sent an edition does not send an older one after it."""
    made = event(attribute("203.0.113.1"))
    recipient = to(misp)
    recipient.deliver(sealed(made, 2))

    with pytest.raises(Refused, match="a newer edition was sent before"):
        recipient.deliver(sealed(made, 1))


# --- faults ---


def test_dropped_attributes_are_losses(misp: MispSandbox) -> None:
    """What the server drops without a word is found and told."""
    good, bad = attribute("203.0.113.1"), attribute("phish.example", "domain")
    misp.faults = Knobs(drop_types=("domain",))

    receipt = to(misp).deliver(sealed(event(good, bad)))

    assert (Loss(bad["uuid"], "dropped by the server"),) == receipt.losses


def test_invalid_values_are_losses(misp: MispSandbox) -> None:
    """What the server's own checks drop is found and told, inside objects too."""
    bad, worse = attribute("not an address"), attribute("x", "no-such-type")
    thing = person("X")
    hidden = attribute("y", "no-such-type", object_relation="alias")
    thing["Attribute"].append(hidden)

    receipt = to(misp).deliver(sealed(event(bad, worse, Object=[thing])))

    assert {bad["uuid"], worse["uuid"], hidden["uuid"]} == {
        loss.id for loss in receipt.losses
    }


def test_a_loss_by_accident_is_repaired(misp: MispSandbox) -> None:
    """An attribute that was dropped once is sent again, and then it is no loss."""
    misp.faults = Knobs(drop_every=3)

    receipt = to(misp).deliver(
        sealed(event(*(attribute(f"203.0.113.{n}") for n in range(1, 5))))
    )

    assert () == receipt.losses


def test_an_attribute_id_of_another_event_is_a_loss(misp: MispSandbox) -> None:
    """An attribute whose UUID another event has is dropped by MISP, and told."""
    shared = attribute("203.0.113.1")
    to(misp).deliver(sealed(event(shared)))

    receipt = to(misp).deliver(sealed(event(shared)))

    assert (Loss(shared["uuid"], "dropped by the server"),) == receipt.losses


def test_a_role_that_may_not_publish_is_a_loss(misp: MispSandbox) -> None:
    """An event that our role may not publish is stored, and the receipt says so."""
    made = event(attribute("203.0.113.1"), tags=())

    receipt = to(misp, "user").deliver(sealed(made))

    assert (Loss(made["uuid"], "stored, and not published"),) == receipt.losses


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_error_is_tried_again(misp: MispSandbox, when: str) -> None:
    """After a 500, done or not done, the next attempt leaves one complete event."""
    made = event(attribute("203.0.113.1"))
    recipient = to(misp)
    sent(recipient)  # connects, so that the fault meets the add
    misp.faults = Knobs.read({"error_next": 1, "error_when": when})

    with pytest.raises(Unavailable) as caught:
        recipient.deliver(sealed(made))
    receipt = recipient.deliver(sealed(made))

    assert ("it has a fault", 500) == (caught.value.reason, caught.value.status)
    assert () == receipt.losses
    assert ["203.0.113.1"] == values(seen(misp, made))


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"refuse": "close"}, "not reachable"),
        ({"refuse": "stop"}, "not reachable"),
        ({"half_next": 1}, "not reachable"),
        ({"delay": 1.5}, "no answer in time"),
    ],
)
def test_a_server_that_is_away_is_tried_again(
    misp: MispSandbox, knobs: dict[str, Any], reason: str
) -> None:
    """Every way of being away means later, and later the event is complete."""
    made = event(attribute("203.0.113.1"))
    recipient = to(misp, answer=0.5)
    sent(recipient)
    misp.faults = Knobs.read(knobs)

    with pytest.raises(Unavailable, match=reason):
        recipient.deliver(sealed(made))
    misp.faults = Knobs()
    receipt = to(misp).deliver(sealed(made))

    assert () == receipt.losses


def test_a_server_that_dies_half_way_is_repaired(tmp_path: Path) -> None:
    """An add that was cut off by a crash is completed by the next attempt."""
    made = event(*(attribute(f"203.0.113.{n}") for n in range(1, 21)))
    with MispSandbox(tmp_path, accounts=ACCOUNTS) as misp:
        recipient = to(misp)
        sent(recipient)
        misp.faults = Knobs(die_after=7)
        with pytest.raises(Unavailable, match="not reachable"):
            recipient.deliver(sealed(made))
    with MispSandbox(tmp_path, accounts=ACCOUNTS) as misp:
        assert 7 == len(seen(misp, made)["Attribute"])

        receipt = to(misp).deliver(sealed(made))

        assert () == receipt.losses
        assert 20 == len(seen(misp, made)["Attribute"])


def test_one_delivery_has_an_end(misp: MispSandbox) -> None:
    """A delivery whose time is over stops before its next request."""
    with pytest.raises(Unavailable, match="took too long"):
        to(misp, total=-1.0).deliver(sealed(event(attribute("203.0.113.1"))))


# --- refusals ---


@pytest.mark.parametrize(
    ("account", "phrase"),
    [
        ("readonly", "the key has no right to do this"),
        ("nobody", "the key is not accepted"),
    ],
)
def test_a_key_without_the_right_is_refused(
    misp: MispSandbox, account: str, phrase: str
) -> None:
    """A wrong key, or one that may only read, ends the delivery with a clear phrase."""
    misp.keys["nobody"] = "0" * 40

    with pytest.raises(Refused, match=phrase):
        to(misp, account).deliver(sealed(event(attribute("203.0.113.1"))))


def test_a_deleted_event_is_refused(misp: MispSandbox) -> None:
    """MISP blocks the UUID of a deleted event for ever, which a person must know."""
    made = event(attribute("203.0.113.1"))
    to(misp).deliver(sealed(made))
    ask(misp, "sync", f"/events/delete/{made['uuid']}", {})

    with pytest.raises(Refused, match="deleted there, which blocks it for ever"):
        to(misp).deliver(sealed(later(made), 2))


def test_an_event_of_another_organisation_is_left_alone(misp: MispSandbox) -> None:
    """An event that is not ours is refused and not touched, even if we may edit it."""
    made = event(attribute("203.0.113.1"), distribution="1")
    ask(misp, "other", "/events/add", {"Event": {**made, "info": "theirs"}})
    before = seen(misp, made, "admin")

    with pytest.raises(Refused, match="belongs to another organisation"):
        to(misp, "admin").deliver(sealed(made))

    assert before == seen(misp, made, "admin")


def test_a_hidden_event_is_refused(misp: MispSandbox) -> None:
    """An event with our UUID that we cannot even see is refused."""
    made = event(attribute("203.0.113.1"))
    ask(misp, "other", "/events/add", {"Event": made})

    with pytest.raises(Refused, match="hidden from us"):
        to(misp).deliver(sealed(made))


def test_an_unknown_sharing_group_is_refused(misp: MispSandbox) -> None:
    """A sharing group that MISP does not know is refused with its own phrase."""
    with pytest.raises(Refused, match="sharing group is not known") as caught:
        to(misp).deliver(sealed(event(distribution="4")))

    assert 405 == caught.value.status


def test_a_character_that_misp_cannot_store_is_refused(misp: MispSandbox) -> None:
    """MISP answers 500 to an emoji for ever, so trying again would be no use."""
    made = event(attribute("203.0.113.1"), info="phishing \U0001f3a3")

    with pytest.raises(Refused, match="a character that MISP cannot store"):
        to(misp).deliver(sealed(made))


# --- what must never be told ---


def test_nothing_of_body_or_key_is_logged(
    misp: MispSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At the loudest level, with a 500, a refusal and a success, no value is logged."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="pymisp")
    made = event(
        attribute("203.0.113.77", comment="Ardit Krasniqi"), info="Secret title"
    )
    recipient = to(misp)
    sent(recipient)
    misp.faults = Knobs(error_next=1)
    errors = []
    for _ in range(2):
        try:
            recipient.deliver(sealed(made))
        except DeliveryError as error:
            errors.append(repr(error) + str(error))
    try:
        to(misp, "readonly").deliver(sealed(event(info="Secret title")))
    except DeliveryError as error:
        errors.append(repr(error) + str(error))

    told = caplog.text + "".join(errors) + repr(recipient)
    assert 2 == len(errors)
    assert [] == [
        word
        for word in ("203.0.113.77", "Ardit", "Secret", misp.keys["sync"])
        if word in told
    ]


@contextmanager
def web_server(status: int, headers: dict[str, str], body: str) -> Iterator[Any]:
    """Give a server that is no MISP and always says the same; it notes what it gets."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.command, self.path))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    heard: list[tuple[str, str]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        thread.join()


def at(url: str, key: str = "k" * 40) -> MispRecipient:
    """Return the way to an address."""
    return MispRecipient(url, key, timeouts=Timeouts(5, 5, 20), clock=lambda: NOW)


def test_a_redirect_is_not_followed() -> None:
    """A server that points elsewhere gets nothing sent there."""
    with (
        web_server(200, {}, "{}") as (elsewhere, heard),
        web_server(307, {"Location": elsewhere + "/events/add"}, "") as (url, _),
        pytest.raises(Unavailable, match="not followed"),
    ):
        at(url).deliver(sealed(event()))

    assert [] == heard


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "phrase"),
    [
        (429, {"Retry-After": "17"}, "{}", Busy, "asks for patience"),
        (503, {"Retry-After": "17"}, "{}", Busy, "asks for patience"),
        (503, {}, "<html>", Unavailable, "asks for patience"),
        (502, {}, "<html>", Unavailable, "has a fault"),
        (200, {}, "<html>log in", Unavailable, "not a MISP"),
        (200, {}, '{"a":1}', Unavailable, "not a MISP"),
        (404, {}, "<html>", Unavailable, "no MISP at this address"),
        (401, {}, "{}", Refused, "key is not accepted"),
        (418, {}, "teapot", Refused, "does not accept the request"),
    ],
)
def test_answers_that_no_misp_gives(
    status: int, headers: dict[str, str], body: str, kind: type, phrase: str
) -> None:
    """What proxies and strangers answer is told apart: later, or never."""
    with (
        web_server(status, headers, body) as (url, _),
        pytest.raises(kind, match=phrase) as caught,
    ):
        at(url).deliver(sealed(event()))

    if kind is Busy:
        assert 17.0 == caught.value.retry_after


@pytest.mark.parametrize(
    ("url", "key", "phrase"),
    [
        ("http://", "k" * 40, "not written correctly"),
        ("http://127.0.0.1:9", "line\nbreak", "not written correctly"),
        ("http://127.0.0.1:1", "k" * 40, "not reachable"),
    ],
)
def test_a_wrong_address_or_key_is_explained(url: str, key: str, phrase: str) -> None:
    """An address or key that cannot be right is refused; one that is away is not."""
    with pytest.raises(DeliveryError, match=phrase):
        at(url, key).deliver(sealed(event()))


def test_a_password_file_does_not_replace_the_key(
    misp: MispSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ``.netrc`` on the machine has no say in how we log in."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))

    receipt = to(misp).deliver(sealed(event(attribute("203.0.113.1"))))

    assert ReceiptState.DELIVERED is receipt.state


def test_an_update_is_what_was_sealed(misp: MispSandbox) -> None:
    """Of an update, only timestamps and deletions are not in the sealed bytes."""
    made = event(attribute("203.0.113.1"), attribute("203.0.113.2"))
    recipient = to(misp)
    recipient.deliver(sealed(made))
    changed = {**later(made)["Attribute"][0], "comment": "New"}
    newer = later(made, Attribute=[changed], info="New")
    noted = sent(recipient)

    recipient.deliver(sealed(newer, 2))

    (update,) = [loads(body)["Event"] for path, body in noted if "edit" in path]
    removal = update["Attribute"].pop()
    assert newer == update
    assert (made["Attribute"][1]["uuid"], True) == (removal["uuid"], removal["deleted"])


def test_an_update_that_tells_more_is_not_sent(
    misp: MispSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the making of updates were wrong, its proof would stop the update."""

    def fake_compose(event: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
        return {**compose(event, held), "info": "more than was sealed"}

    made = event(attribute("203.0.113.1"))
    recipient = to(misp)
    recipient.deliver(sealed(made))
    before = seen(misp, made)
    monkeypatch.setattr("broker.deliver.misp.compose", fake_compose)

    with pytest.raises(Refused, match="more than was sealed; not sent"):
        recipient.deliver(sealed(later(made), 2))

    assert before == seen(misp, made)


def test_what_the_server_will_not_delete_is_not_delivered(
    misp: MispSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recall after which the server still shows the contents has not arrived."""

    def fake_compose(event: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
        newer = max(int(event["timestamp"]), int(held["timestamp"]) + 1)
        return {**event, "timestamp": str(newer)}

    made = event(attribute("203.0.113.1"))
    recipient = to(misp)
    recipient.deliver(sealed(made))
    monkeypatch.setattr("broker.deliver.misp.compose", fake_compose)

    with pytest.raises(Unavailable, match="keeps something that was taken back"):
        recipient.deliver(sealed(later(made, Attribute=[]), 2))


# --- references between objects ---


def reference(target: dict[str, Any], relationship: str) -> dict[str, Any]:
    """Make a reference to an object."""
    return {
        "uuid": uuid(),
        "referenced_uuid": target["uuid"],
        "relationship_type": relationship,
        "timestamp": str(START),
    }


def references(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """Return where the references of an event lead that are not deleted."""
    return [
        (each["referenced_uuid"], each["relationship_type"])
        for made in shown["Object"]
        for each in made["ObjectReference"]
        if not each["deleted"]
    ]


def test_references_arrive_and_are_taken_back(misp: MispSandbox) -> None:
    """References between objects are those of the newest edition."""
    one, other = person("One"), person("Other")
    one["ObjectReference"] = [reference(other, "uses")]
    made = event(Object=[one, other])
    recipient = to(misp)

    first = recipient.deliver(sealed(made))
    there = references(seen(misp, made))
    newer = later(made)
    knows = [reference(other, "knows")]
    newer["Object"][0]["ObjectReference"] = knows
    second = recipient.deliver(sealed(newer, 2))

    assert [(other["uuid"], "uses")] == there
    assert [(other["uuid"], "knows")] == references(seen(misp, made))
    assert ((), ()) == (first.losses, second.losses)


def test_a_reference_that_was_deleted_comes_back(misp: MispSandbox) -> None:
    """A reference of the edition that somebody deleted is there again afterwards."""
    one, other = person("One"), person("Other")
    one["ObjectReference"] = [reference(other, "uses")]
    made = event(Object=[one, other])
    to(misp).deliver(sealed(made))
    wiped = later(made, 5)
    wiped["Object"][0]["ObjectReference"][0]["deleted"] = True
    ask(misp, "sync", f"/events/edit/{made['uuid']}", {"Event": wiped})
    gone = references(seen(misp, made))

    receipt = to(misp).deliver(sealed(later(made), 2))

    assert [] == gone
    assert [(other["uuid"], "uses")] == references(seen(misp, made))
    assert () == receipt.losses


def test_the_receipt_tells_what_went_as_text(misp: MispSandbox) -> None:
    """A value that MISP takes as no such type is there as text; the receipt says so."""
    comment = "attacker; written as text: MISP takes no such value as iban"
    unfit = attribute("XK05-1212", "text", comment=comment)
    plain = attribute("a note", "text", comment="attacker")

    receipt = to(misp).deliver(sealed(event(unfit, plain)))

    assert (
        Loss(unfit["uuid"], "sent as text: MISP takes no such value as its type"),
    ) == receipt.losses
