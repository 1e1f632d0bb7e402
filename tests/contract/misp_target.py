"""A MISP to test against: the stand-in, or a live one that the environment names.

Invariants: on a live server every event has a fresh uuid and is deleted afterwards, and
nothing else is touched. The tests ask only for what a sync user's key may do.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import requests

URL_NAME: Final = "BESA_TEST_MISP_URL"
KEY_NAME: Final = "BESA_TEST_MISP_KEY"
TIMEOUT: Final = 60
START: Final = 1_780_000_000
"""The timestamp that events of these tests begin with."""


def fresh() -> str:
    """Return a uuid that no server knows."""
    return str(uuid.uuid4())


def attribute(kind: str, value: object, **fields: Any) -> dict[str, Any]:
    """Return an attribute in the category that suits its type best."""
    made = {"uuid": fresh(), "type": kind, "value": value, "timestamp": str(START)}
    return {**made, **fields}


def event(*attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a new event, visible to its own organisation only."""
    return {
        "uuid": fresh(),
        "info": "Besa contract test",
        "date": "2026-05-28",
        "distribution": "0",
        "threat_level_id": "2",
        "analysis": "1",
        "timestamp": str(START),
        "Attribute": list(attributes),
        **fields,
    }


def later(sent: dict[str, Any], seconds: int = 10, **fields: Any) -> dict[str, Any]:
    """Return an event or part of one with a newer timestamp and some changes."""
    return {**sent, "timestamp": str(int(sent["timestamp"]) + seconds), **fields}


def bare_update(sent: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a newer update of an event that holds none of its attributes."""
    return {**later(sent), "Attribute": [], **fields}


@dataclass
class MispTarget:
    """A server with one key, and the events to delete in the end."""

    url: str
    key: str
    live: bool
    session: requests.Session = field(default_factory=requests.Session)
    added: list[str] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        **more: Any,
    ) -> requests.Response:
        """Send one request as a client of the API does."""
        headers = {
            "Authorization": self.key if key is None else key,
            "Accept": "application/json",
            "Content-Type": "application/json",
            **more.pop("headers", {}),
        }
        if body is not None:
            more["json"] = body
        return self.session.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT, **more
        )

    def add(self, sent: dict[str, Any]) -> requests.Response:
        """Add an event; it is deleted when the test is over."""
        self.added.append(sent.get("uuid", ""))
        return self.send("POST", "/events/add", {"Event": sent})

    def added_event(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Add an event, which must work, and return what the server made of it."""
        answer = self.add(sent)
        assert answer.status_code == 200, answer.text
        return self.body(answer)

    def edit(self, sent: dict[str, Any]) -> requests.Response:
        """Send an update of an event."""
        return self.send("POST", f"/events/edit/{sent['uuid']}", {"Event": sent})

    def edited_event(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Send an update, which must work, and return what the server made of it."""
        answer = self.edit(sent)
        assert answer.status_code == 200, answer.text
        return self.body(answer)

    def view(self, event_uuid: str, options: str = "") -> dict[str, Any]:
        """Read an event back."""
        return self.body(self.send("GET", f"/events/view/{event_uuid}{options}"))

    def exists(self, event_uuid: str) -> bool:
        """Say whether the server shows an event."""
        return self.send("GET", f"/events/view/{event_uuid}").status_code == 200

    @staticmethod
    def body(answer: requests.Response) -> dict[str, Any]:
        """Return the event of an answer."""
        found: dict[str, Any] = answer.json()["Event"]
        return found

    def clean(self) -> None:
        """Delete what the test added."""
        for event_uuid in self.added:
            if event_uuid:
                self.send("POST", f"/events/delete/{event_uuid}")
        self.session.close()


def live_target() -> MispTarget | None:
    """Return the live server that the environment names, if it names one."""
    url, key = os.environ.get(URL_NAME), os.environ.get(KEY_NAME)
    return MispTarget(url.rstrip("/"), key, live=True) if url and key else None


def values(shown: dict[str, Any]) -> dict[str, str]:
    """Return the values of an event's attributes by uuid."""
    return {one["uuid"]: one["value"] for one in shown["Attribute"]}


def tag_names(shown: dict[str, Any]) -> list[str]:
    """Return the names of an event's tags."""
    return [one["name"] for one in shown.get("Tag", [])]
