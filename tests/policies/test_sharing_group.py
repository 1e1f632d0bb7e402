"""A recipient on a MISP that others use: its cases are for a sharing group only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.errors import RulebookError
from broker.model.sharing import State
from broker.prove.compare import compare
from broker.rulebook import Rulebook, build
from tests import world
from tests.edited import edited, side

GROUP = "5f3c9a52-7d0e-4c86-9f0a-3f1de1b6a7c4"
RECIPIENT, GUARDRAIL = "policies/recipients/kp-misp.yaml", "policies/guardrails/"
GROUPED = (
    RECIPIENT,
    "distribution: 1\n",
    f"sharing_group:\n  uuid: {GROUP}\n  name: Cybercrime\n"
    "  organisations:\n"
    "    - {name: Police, uuid: 0b5a6a1e-8a7b-4c8e-9d83-5b8f0d7f2a11}\n",
)
ALLOWED = (
    f"{GUARDRAIL}misp-police.yaml",
    "  Event.distribution: const:1\n",
    f"  Event.distribution: const:4\n  Event.SharingGroup.uuid: const:{GROUP}\n",
)


def event_of(book: Rulebook) -> dict[str, Any]:
    """Return what the police get of an incident."""
    share = world.share(world.incident(), book=book)
    assert share.sealed, share
    return dict(json.loads(share.sealed.body)["Event"])


def test_an_event_for_a_group_names_it() -> None:
    """The event has MISP's distribution 4 and the group's UUID, and is sealed so."""
    event = event_of(build(edited(GROUPED, ALLOWED)))

    assert ("4", {"uuid": GROUP}) == (event["distribution"], event["SharingGroup"])


def test_an_event_for_all_on_the_server_names_no_group() -> None:
    """Without a group nothing changes."""
    event = event_of(world.rulebook())

    assert ("1", False) == (event["distribution"], "SharingGroup" in event)


def test_the_guardrail_must_know_the_group() -> None:
    """A group that the guardrail does not name is held, not sent."""
    share = world.share(world.incident(), book=build(edited(GROUPED)))

    assert State.HELD is share.state
    assert ["not-allowed"] == [breach.rule for breach in share.breaches]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([(RECIPIENT, "publish: true\n", GROUPED[2])], "no other distribution"),
        ([GROUPED, (RECIPIENT, "misp\nurl", "taxii\ncollection: c\nurl")], "kind misp"),
    ],
)
def test_a_group_is_for_misp_and_instead_of_a_distribution(
    changes: list[tuple[str, str, str]], words: str
) -> None:
    """What cannot be meant is an error of the recipient's file."""
    with pytest.raises(RulebookError, match=words):
        build(edited(*changes))


def test_leaving_a_group_is_called_a_widening() -> None:
    """`besa policy compare` tells of an event that more people will see."""
    found = compare(side(GROUPED, ALLOWED), side())
    left = [term for term in found.terms if term.name.startswith("sharing_group.")]
    assert left
    assert all(term.widens for term in left)
