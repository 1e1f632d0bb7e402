"""Sharing groups on a MISP that several organisations use: who sees a case there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from broker.deliver import Timeouts
from broker.deliver.misp import MispRecipient
from broker.errors import Refused
from broker.model.recipient import Organisation, SharingGroup
from broker.model.sharing import ReceiptState
from broker.sandbox.misp import MispSandbox
from broker.sandbox.misp.accounts import CSIRT, POLICE, Account, named_organisation
from broker.sandbox.misp.roles import RoleName
from tests.unit.deliver.events import attribute, event, later, sealed, uuid

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BANK = named_organisation("Bank")
ACCOUNTS = (
    Account("sync", CSIRT, RoleName.SYNC),
    Account("publisher", CSIRT, RoleName.PUBLISHER),
    Account("police", POLICE, RoleName.PUBLISHER),
    Account("bank", BANK, RoleName.PUBLISHER),
)


@pytest.fixture
def hub(tmp_path: Any) -> Iterator[MispSandbox]:
    """Give a stand-in MISP that the CSIRT, the police and a bank use."""
    with MispSandbox(tmp_path / "misp", accounts=ACCOUNTS) as sandbox:
        yield sandbox


def of(*organisations: Any, group: str = "") -> SharingGroup:
    """Return a group of these organisations."""
    members = tuple(
        Organisation(name=each.name, uuid=each.uuid) for each in organisations
    )
    return SharingGroup(uuid=group or uuid(), name="cybercrime", organisations=members)


def within(group: SharingGroup, **fields: Any) -> dict[str, Any]:
    """Return an event for a group, as it is sealed."""
    return event(
        attribute("198.51.100.7"),
        distribution="4",
        SharingGroup={"uuid": group.uuid},
        **fields,
    )


def to(
    hub: MispSandbox, group: SharingGroup | None, account: str = "sync"
) -> MispRecipient:
    """Return the way to the MISP, with or without a group."""
    return MispRecipient(
        hub.url,
        hub.keys[account],
        group=group,
        timeouts=Timeouts(5.0, 20.0, 60.0),
        clock=lambda: NOW,
    )


def ask(hub: MispSandbox, account: str, path: str, body: Any = None) -> Any:
    """Ask the server something with somebody's key."""
    answer = requests.request(
        "GET" if body is None else "POST",
        hub.url + path,
        json=body,
        headers={"Authorization": hub.keys[account], "Accept": "application/json"},
        timeout=20,
    )
    return answer.json()


def sees(hub: MispSandbox, account: str, made: dict[str, Any]) -> bool:
    """Say whether somebody sees an event."""
    return "Event" in ask(hub, account, f"/events/view/{made['uuid']}")


def test_only_the_agreed_organisations_see_it(hub: MispSandbox) -> None:
    """The group is made, the police see the case, and the bank on the same MISP not."""
    group = of(POLICE)
    made = within(group)
    receipt = to(hub, group).deliver(sealed(made))

    assert (ReceiptState.DELIVERED, ()) == (receipt.state, receipt.losses)
    assert sees(hub, "police", made)
    assert not sees(hub, "bank", made)
    found = ask(hub, "bank", "/attributes/restSearch", {"value": "198.51.100.7"})
    assert {"response": {"Attribute": []}} == found


def test_an_update_stays_within_the_group(hub: MispSandbox) -> None:
    """A second edition reaches the same organisations, and nobody else."""
    group = of(POLICE)
    first = within(group)
    second = later(first, Attribute=[attribute("evil.example", "domain")])
    way = to(hub, group)
    way.deliver(sealed(first))
    receipt = way.deliver(sealed(second, 2))

    assert () == receipt.losses
    shown = ask(hub, "police", f"/events/view/{first['uuid']}")["Event"]
    assert ["evil.example"] == [each["value"] for each in shown["Attribute"]]
    assert not sees(hub, "bank", first)


def test_a_group_with_somebody_else_gets_nothing(hub: MispSandbox) -> None:
    """When an administrator has put a bank into the group, nothing is sent."""
    wider = of(POLICE, BANK)
    to(hub, wider).deliver(sealed(within(wider)))
    agreed = of(POLICE, group=wider.uuid)
    made = within(agreed)

    with pytest.raises(Refused, match="not agreed"):
        to(hub, agreed).deliver(sealed(made))
    assert not sees(hub, "sync", made)


def test_a_group_that_lacks_somebody_is_told(hub: MispSandbox) -> None:
    """When an agreed organisation would not see the case, a person must look."""
    narrow = of(POLICE)
    to(hub, narrow).deliver(sealed(within(narrow)))
    agreed = of(POLICE, BANK, group=narrow.uuid)

    with pytest.raises(Refused, match="lacks an organisation"):
        to(hub, agreed).deliver(sealed(within(agreed)))


def test_a_group_open_to_servers_gets_nothing(hub: MispSandbox) -> None:
    """A group that roams to other servers is not the group that was agreed."""
    group = of(POLICE)
    members = [CSIRT, POLICE]
    named = [
        {"extend": True, "Organisation": {"uuid": each.uuid, "name": each.name}}
        for each in members
    ]
    body = {
        "uuid": group.uuid,
        "name": "x",
        "roaming": True,
        "SharingGroupOrg": named,
    }
    ask(hub, "sync", "/sharing_groups/add", body)

    with pytest.raises(Refused, match="open to whole servers"):
        to(hub, group).deliver(sealed(within(group)))


def test_a_key_that_may_make_no_group_is_told(hub: MispSandbox) -> None:
    """Making a group needs an account that synchronises; the reason says so."""
    group = of(POLICE)
    with pytest.raises(Refused, match="the key has no right to do this"):
        to(hub, group, "publisher").deliver(sealed(within(group)))


@pytest.mark.parametrize("configured", [True, False])
def test_what_was_sealed_for_another_group_is_not_sent(
    hub: MispSandbox, *, configured: bool
) -> None:
    """An edition goes into the group that it was sealed for, or nowhere."""
    made = within(of(POLICE))
    with pytest.raises(Refused, match="another sharing group"):
        to(hub, of(POLICE) if configured else None).deliver(sealed(made))
    assert not sees(hub, "sync", made)
