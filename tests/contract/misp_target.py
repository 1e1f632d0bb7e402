"""A MISP to test against: the stand-in, or a live one that the environment names.

Invariants: on a live server every event and sharing group has a fresh uuid and is
deleted afterwards, and nothing else is touched. The tests ask only for what a sync
user's key may do. What stays behind is told in ``docs/delivery.md``.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import requests

URL_NAME: Final = "BESA_TEST_MISP_URL"
KEY_NAME: Final = "BESA_TEST_MISP_KEY"
CA_NAME: Final = "BESA_TEST_MISP_CA"
UNCHECKED: Final = "none"
"""The value of BESA_TEST_MISP_CA with which no certificate is checked."""
TIMEOUT: Final = 60
START: Final = 1_780_000_000
"""The timestamp that events of these tests begin with."""
ELSEWHERE: Final = {
    "uuid": "7d2a0a52-6a86-4c1d-9d0a-8b6f0e8f5c11",
    "name": "Besa contract test",
}
"""The other organisation of these tests: always the same, for a server keeps it."""
RIGHTS: Final = (
    "perm_sync",
    "perm_publish",
    "perm_tagger",
    "perm_tag_editor",
    "perm_sharing_group",
    "perm_sighting",
    "perm_analyst_data",
    "perm_audit",
)
"""What the role "Sync user" may do as MISP ships it, as far as these tests do it."""


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
    verify: bool | str = True
    session: requests.Session = field(default_factory=requests.Session)
    added: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

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
            method,
            self.url + path,
            headers=headers,
            timeout=TIMEOUT,
            verify=self.verify,
            **more,
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
        for what in self.said:  # notes would outlive the event that they are about
            self.send("POST", f"/analystData/delete/{what}")
        for event_uuid in self.added:
            if event_uuid:
                self.send("POST", f"/events/delete/{event_uuid}")
        for group_uuid in self.groups:
            self.send("POST", f"/sharing_groups/delete/{group_uuid}")
        self.session.close()

    def problem(self) -> str:
        """Say what is missing for these tests; empty when nothing is."""
        try:
            answer = self.send("GET", "/users/view/me")
        except requests.RequestException as error:
            return f"{URL_NAME}: {self.url} does not answer ({type(error).__name__})"
        if answer.status_code == 403:
            return f"{KEY_NAME}: the server does not accept the key"
        try:
            role = answer.json()["Role"]
        except (ValueError, LookupError, TypeError):
            return f"{URL_NAME}: what answers at {self.url} is not a MISP"
        lacking = [right for right in RIGHTS if role.get(right) not in (True, 1, "1")]
        if lacking:
            return f"{KEY_NAME}: the role {role.get('name')} lacks {', '.join(lacking)}"
        return ""


def live_target() -> MispTarget | None:
    """Return the live server that the environment names, if it names one."""
    url, key = (os.environ.get(name, "").strip() for name in (URL_NAME, KEY_NAME))
    trusted = os.environ.get(CA_NAME, "").strip()
    verify = False if trusted == UNCHECKED else trusted or True
    if not (url and key):
        return None
    return MispTarget(url.rstrip("/"), key, live=True, verify=verify)


def values(shown: dict[str, Any]) -> dict[str, str]:
    """Return the values of an event's attributes by uuid."""
    return {one["uuid"]: one["value"] for one in shown["Attribute"]}


def tag_names(shown: dict[str, Any]) -> list[str]:
    """Return the names of an event's tags."""
    return [one["name"] for one in shown.get("Tag", [])]
