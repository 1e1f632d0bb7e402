"""A sharing group as a server shows it, and whether anything may be sent into it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from broker.deliver.misp_client import MispClient
from broker.deliver.misp_group import make_sure
from broker.errors import Refused
from broker.model.recipient import Organisation, SharingGroup
from tests.unit.deliver.events import uuid

OURS, THEIRS = uuid(), uuid()
GROUP = SharingGroup(
    uuid=uuid(),
    name="cybercrime",
    organisations=(Organisation(name="Police", uuid=THEIRS),),
)


class Shown:
    """What a server answers when it is asked for the group."""

    organisation = OURS

    def __init__(self, **fields: Any) -> None:
        members = [{"Organisation": {"uuid": each}} for each in (OURS, THEIRS)]
        here = {"server_id": "0", "all_orgs": False}
        self.answer: dict[str, Any] = {
            "SharingGroup": {"uuid": GROUP.uuid, "active": True, "roaming": False},
            "SharingGroupOrg": members,
            "SharingGroupServer": [here],
            **fields,
        }

    def direct_call(self, _: str) -> dict[str, Any]:
        """Answer the group."""
        return {name: each for name, each in self.answer.items() if each is not None}


def check(shown: Shown) -> None:
    """Ask whether anything may be sent."""
    make_sure(cast(MispClient, shown), GROUP)


def test_a_group_of_the_agreed_on_this_server_is_right() -> None:
    """A group as MISP 2.5.1 shows it: the agreed and us, on that server only."""
    check(Shown())


@pytest.mark.parametrize(
    ("fields", "phrase"),
    [
        ({"SharingGroupOrg": None}, "does not show who is in"),
        ({"SharingGroupOrg": []}, "lacks an organisation"),
        ({"SharingGroupServer": [{"all_orgs": True}]}, "open to whole servers"),
        ({"SharingGroup": {"active": False}}, "not active"),
    ],
)
def test_a_group_that_is_not_known_to_be_right_gets_nothing(
    fields: dict[str, Any], phrase: str
) -> None:
    """Hidden members, missing ones, whole servers and inactive groups are refused."""
    with pytest.raises(Refused, match=phrase):
        check(Shown(**fields))
