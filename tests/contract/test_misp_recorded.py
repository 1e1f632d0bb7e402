"""The stand-in MISP answers every recorded exchange as the real MISP 2.5.1 did.

The recording is replayed in order against a fresh server that has the recording's
organisations and roles, and the nine older events that the recorded answers relate to.

Two answers are equal when status, content type, location and JSON are equal, but for
what :data:`SERVER_GIVEN` lists, each with its reason. Numbers that a server gives are
not ignored: they must be those of the recording under one renaming for the whole
replay. Server times must be the time of this server's clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from broker.sandbox.misp import Account, MispSandbox, Organisation, RoleName

RECORDING: Final = json.loads(
    (Path(__file__).parent / "data" / "misp-2.5.1-exchanges.json").read_text()
)
EXCHANGES: Final[list[dict[str, Any]]] = RECORDING["exchanges"]
NAMES: Final = [f"{one['step']:02}-{one['name']}" for one in EXCHANGES]

CERT = Organisation("CERT-X", "11111111-aaaa-4aaa-8aaa-111111111111")
POLICE = Organisation("POLICE-UNIT", "22222222-bbbb-4bbb-8bbb-222222222222")
ACCOUNTS: Final = (
    Account("sync", CERT, RoleName.SYNC),
    Account("publisher", CERT, RoleName.PUBLISHER),
    Account("user", CERT, RoleName.USER),
    Account("readonly", CERT, RoleName.READONLY),
    Account("police", POLICE, RoleName.PUBLISHER, "analyst@police.test"),
)
CLOCK: Final = 1_795_300_100
CLOCK_STAMP: Final = "2026-11-21 22:28:20"

# What the older events have in common with the recorded ones is not in the recording;
# these values make them related to exactly the same events.
SHARED_VALUES: Final = {
    "478fa9a5-5aac-5164-8700-174ccabbe80b": ("domain", "phish.example"),
    "b3ca9be8-3f85-5eba-9b2b-88c1d565fece": ("iban", "XK051212012345678906"),
    "b4d74879-8714-5bc8-a0c2-d47decce578a": ("ip-dst", "203.0.113.10"),
}

# The recording says "bad json" and keeps no body; any text that is not JSON is meant.
UNREADABLE: Final = {"bad json": '{"Event": '}

SERVER_GIVEN: Final[tuple[tuple[str, str, str], ...]] = (
    # path in the answer, what it is, and why it cannot be equal
    (r"/uuid", "server uuid", "every server has its own"),
    (r"/User/nids_sid", "digits", "a random number of the account"),
    (
        r"/User/(date_created|date_modified|last_pw_change|last_api_access)",
        "time",
        "when the account was made and last used",
    ),
    (
        r"/(Role|Organisation)/(created|modified|date_created|date_modified)",
        "stamp",
        "when the server was set up",
    ),
    (r"(.*/)?Event/id", "event", "the server counts its events"),
    (r".*/event_id", "event", "the server counts its events"),
    (r"/id", "event", "the server counts its events (edit, publish)"),
    (r"/url", "event url", "an event's number in the path of an error or success"),
    (r"/(name|message)", "event in text", "an event's number inside a message"),
    (r"/\[0\]/id", "event", "the server counts its events (index)"),
    (r".*/publish_timestamp", "time", "when the event was published here"),
    (r".*/sighting_timestamp", "time", "when the sighting was reported here"),
    (r".*/Attribute/\[\d+\]/id", "attribute", "the server counts its attributes"),
    (r".*/attribute_id", "attribute", "the server counts its attributes"),
    (r".*/Tag/\[\d+\]/id", "tag", "the server counts its tags"),
    (r".*/Tag/\[\d+\]/colour", "colour", "a new tag gets a colour from the server"),
    (r".*/EventReport/\[\d+\]/id", "report", "the server counts its reports"),
    (r".*/Sighting/\[\d+\]/id", "sighting", "the server counts its sightings"),
    (r"(.*/)?ShadowAttribute(/\[\d+\])?/id", "proposal", "the server counts proposals"),
    (
        r"(.*/)?ShadowAttribute(/\[\d+\])?/uuid",
        "proposal uuid",
        "the proposal was sent without one",
    ),
    (
        r"(.*/)?ShadowAttribute(/\[\d+\])?/timestamp",
        "time",
        "the proposal was sent without one",
    ),
)
_PATTERNS: Final = [(re.compile(path), kind) for path, kind, _ in SERVER_GIVEN]
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT_TEXT: Final = re.compile(r"(Invalid ID `)(\d+)")
_EVENT_URL: Final = re.compile(r"(/events/(?:edit/|publish/)?)(\d+)")


def kind_of(path: str) -> str | None:
    """Return what stands at a path of an answer when the server gives it, or None."""
    return next((kind for pattern, kind in _PATTERNS if pattern.fullmatch(path)), None)


@dataclass
class Renaming:
    """What the recording calls a thing, and what this server calls it."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def ours(self, kind: str, theirs: Any, ours: Any) -> Any:
        """Return what must stand in our answer where the recording has ``theirs``."""
        self.used.add(kind)
        if kind == "time":
            return str(CLOCK) if theirs != "0" else "0"  # 0 is "never", not a time
        if kind == "stamp":
            return CLOCK_STAMP
        if kind == "digits":
            return ours if str(ours).isdigit() else "digits"
        if kind == "colour":
            return ours if re.fullmatch(r"#[0-9a-f]{6}", str(ours)) else "a colour"
        if kind == "server uuid":
            return ours if _UUID.fullmatch(str(ours)) else "a uuid"
        if kind == "event url":
            return self.url(theirs)
        if kind == "event in text":
            return _EVENT_TEXT.sub(lambda hit: hit[1] + self.event(hit[2]), theirs)
        return self._renamed(kind, theirs, ours)

    def _renamed(self, kind: str, theirs: Any, ours: Any) -> Any:
        if _UUID.fullmatch(str(theirs)) and kind != "proposal uuid":
            return theirs  # a uuid where other answers have a number, as in a deletion
        known = self.names.setdefault((kind, theirs), ours)
        others = [
            name for (k, name), mine in self.names.items() if k == kind and mine == ours
        ]
        assert [theirs] == others or known != ours, (
            "two things of theirs are one of ours"
        )
        return known

    def url(self, theirs: str) -> str:
        """Return a path of the recording with this server's numbers."""
        return _EVENT_URL.sub(lambda hit: hit[1] + self.event(hit[2]), theirs)

    def event(self, theirs: str) -> str:
        """Return this server's number of an event of the recording."""
        return self.names.get(("event", theirs), theirs)

    def expected(self, theirs: Any, ours: Any, path: str = "") -> Any:
        """Return what our answer must be, given the recorded one."""
        kind = kind_of(path)
        if kind is not None and isinstance(theirs, str):
            return self.ours(kind, theirs, ours)
        if isinstance(theirs, dict):
            mine = ours if isinstance(ours, dict) else {}
            return {
                name: self.expected(value, mine.get(name), f"{path}/{name}")
                for name, value in theirs.items()
            }
        if isinstance(theirs, list):
            mine_list = ours if isinstance(ours, list) else []
            padded = [*mine_list, *[None] * len(theirs)]
            return [
                self.expected(value, padded[at], f"{path}/[{at}]")
                for at, value in enumerate(theirs)
            ]
        return theirs


@dataclass(frozen=True)
class Replayed:
    """One exchange: what must have come back, and what came back."""

    expected: Mapping[str, Any]
    actual: Mapping[str, Any]


@dataclass(frozen=True)
class Replay:
    """The whole replay."""

    exchanges: list[Replayed]
    renaming: Renaming


def older_events() -> list[dict[str, Any]]:
    """Return the events that the recorded server had before, oldest number first."""
    found: dict[str, dict[str, Any]] = {}
    for one in EXCHANGES:
        body = one["response"]["body"]
        shown = body.get("Event", {}) if isinstance(body, dict) else {}
        for related in shown.get("RelatedEvent", ()):
            kind, value = SHARED_VALUES[shown["uuid"]]
            names = (
                "info date threat_level_id analysis timestamp distribution published"
            )
            before = related["Event"]
            found[before["uuid"]] = {
                "id": before["id"],
                "uuid": before["uuid"],
                **{name: before[name] for name in names.split()},
                "Attribute": [{"type": kind, "value": value}],
            }
    return sorted(found.values(), key=lambda one: int(one["id"]))


def send(
    server: MispSandbox,
    role: str,
    request: Mapping[str, Any],
    renaming: Renaming,
    name: str,
) -> requests.Response:
    """Send a recorded request, with this server's numbers in it."""
    key = "no-such-key" if role == "wrong" else server.keys[role]
    body = request["body"]
    if isinstance(body, dict) and str(body.get("id", "")).isdigit():
        body = {**body, "id": renaming.event(body["id"])}
    text = UNREADABLE.get(name) or (None if body is None else json.dumps(body))
    return requests.request(
        request["method"],
        server.url + request["path"],
        data=text,
        headers={
            "Authorization": key,
            "Accept": "application/json",
            "Content-Type": "application/json",
        },
        timeout=10,
    )


def replay_one(
    server: MispSandbox, one: Mapping[str, Any], renaming: Renaming
) -> Replayed:
    """Replay one exchange and put both answers side by side."""
    answer = send(server, one["role"], one["request"], renaming, one["name"])
    recorded, body = one["response"], answer.json()
    location = recorded["location"]
    expected = {
        "status": recorded["status"],
        "content_type": recorded["content_type"],
        "location": location and server.url + renaming.url(location),
        "body": renaming.expected(recorded["body"], body),
    }
    actual = {
        "status": answer.status_code,
        "content_type": answer.headers["Content-Type"],
        "location": answer.headers.get("Location"),
        "body": body,
    }
    return Replayed(expected, actual)


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Replay the whole recording, in order, against a fresh server."""
    home = tmp_path_factory.mktemp("recorded")
    renaming = Renaming()
    with MispSandbox(home, accounts=ACCOUNTS, clock=lambda: CLOCK) as server:
        for before in older_events():
            request = {
                "method": "POST",
                "path": "/events/add",
                "body": {"Event": before},
            }
            answer = send(server, "sync", request, renaming, "older event")
            renaming.names[("event", before["id"])] = answer.json()["Event"]["id"]
        done = [replay_one(server, one, renaming) for one in EXCHANGES]
        yield Replay(done, renaming)


@pytest.mark.parametrize("at", range(len(EXCHANGES)), ids=NAMES)
def test_the_recorded_exchange_is_answered_alike(replay: Replay, at: int) -> None:
    """The answer is the recorded one, but for what a server gives by itself."""
    exchange = replay.exchanges[at]

    assert exchange.expected == exchange.actual


def test_the_whole_recording_is_replayed(replay: Replay) -> None:
    """All 49 recorded exchanges are compared."""
    assert 49 == len(replay.exchanges)


def test_every_exception_from_equality_is_needed(replay: Replay) -> None:
    """Each kind of thing that may differ does occur: the list has no dead entry."""
    listed = {kind for _, kind, _ in SERVER_GIVEN}

    assert listed == replay.renaming.used


def test_related_events_are_compared_too(replay: Replay) -> None:
    """The recorded answers relate events to nine older ones, and ours do as well."""
    related = {
        entry["Event"]["uuid"]
        for exchange in replay.exchanges
        if isinstance(exchange.actual["body"], dict)
        for entry in exchange.actual["body"].get("Event", {}).get("RelatedEvent", ())
    }
    older = {one["uuid"] for one in older_events()}

    assert older == related
    assert 9 == len(older)


def test_the_comparison_finds_a_difference() -> None:
    """A changed value, a missing key and a number out of step are all noticed."""
    renaming = Renaming()
    theirs = {"Event": {"id": "1", "info": "a"}}
    renaming.expected(theirs, {"Event": {"id": "7", "info": "a"}})

    for ours in (
        {"Event": {"id": "7", "info": "b"}},
        {"Event": {"id": "7"}},
        {"Event": {"id": "8", "info": "a"}},
        {"Event": {"id": "7", "info": "a", "more": "x"}},
    ):
        assert renaming.expected(theirs, ours) != ours
