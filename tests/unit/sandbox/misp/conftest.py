"""A stand-in MISP with all roles for the tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from broker.sandbox.misp import Account, MispSandbox, RoleName, named_organisation

CERT: Final = named_organisation("CERT", "11111111-1111-4111-8111-111111111111")
POLICE: Final = named_organisation("Police", "22222222-2222-4222-8222-222222222222")
ACCOUNTS: Final = (
    Account("sync", CERT, RoleName.SYNC),
    Account("publisher", CERT, RoleName.PUBLISHER),
    Account("user", CERT, RoleName.USER),
    Account("readonly", CERT, RoleName.READONLY),
    Account("police", POLICE, RoleName.PUBLISHER),
)
START: Final = 1_780_000_000


class Client:
    """Speaks to a stand-in with the key of one account at a time."""

    def __init__(self, server: MispSandbox) -> None:
        self.server = server

    def send(
        self, role: str, method: str, path: str, body: Any = None
    ) -> requests.Response:
        """Send one request as an account, on a connection of its own."""
        return requests.request(
            method,
            self.server.url + path,
            json=body,
            headers={"Authorization": self.server.keys[role], "Connection": "close"},
            timeout=10,
        )

    def post(self, role: str, path: str, body: Any = None) -> requests.Response:
        """Send a POST."""
        return self.send(role, "POST", path, body)

    def add(self, role: str = "sync", *values: str, **fields: Any) -> dict[str, Any]:
        """Add an event with domains in it, which must work; return it."""
        answer = self.post(role, "/events/add", {"Event": event(*values, **fields)})
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()["Event"]
        return shown

    def view(self, role: str, event_uuid: str, options: str = "") -> dict[str, Any]:
        """Read an event as an account; empty when it may not be seen."""
        answer = self.send(role, "GET", f"/events/view/{event_uuid}{options}")
        shown: dict[str, Any] = answer.json().get("Event", {})
        return shown

    def set_faults(self, **knobs: Any) -> requests.Response:
        """Set the fault knobs over HTTP."""
        return self.post("admin", "/sandbox/faults", knobs)


def event(*values: str, **fields: Any) -> dict[str, Any]:
    """Return an event with a domain attribute for each value."""
    return {
        "uuid": str(uuid.uuid4()),
        "info": "A case",
        "timestamp": str(START),
        "distribution": "0",
        "Attribute": [
            {
                "uuid": str(uuid.uuid4()),
                "type": "domain",
                "value": value,
                "timestamp": str(START),
            }
            for value in values
        ],
        **fields,
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MispSandbox]:
    """Give a fresh server with an account for each role."""
    with MispSandbox(tmp_path / "misp", accounts=ACCOUNTS) as sandbox:
        yield sandbox


@pytest.fixture
def client(server: MispSandbox) -> Client:
    """Give a client of the fresh server."""
    return Client(server)
