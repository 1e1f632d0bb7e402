"""Everything that a recipient gets is traced to the field that it was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from broker.canonical import loads
from broker.origin import Origins, origins
from broker.redact import fields_of
from tests import world

AGREEMENTS = {
    "kp-misp": "kp-cybercrime",
    "spo-misp": "special-prosecution",
    "fiu-misp": "fiu",
}


def made(recipient: str, **changes: Any) -> tuple[Origins, dict[str, Any]]:
    """Return the origins of an incident at a recipient, and the event there."""
    incident = world.incident(**changes)
    share = world.share(incident, recipient)
    body = share.sealed or share.draft
    assert body is not None
    found = origins(
        world.receive(incident),
        AGREEMENTS[recipient],
        rulebook=world.rulebook(),
        keys=world.keys(),
        now=world.NOW,
    )
    assert found is not None
    return found, loads(body.body)["Event"]


def parts(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield everything in an event that somebody can say something about."""
    yield event
    yield from event["Attribute"]
    yield from event["EventReport"]
    for held in event["Object"]:
        yield held
        yield from held["Attribute"]


@pytest.mark.parametrize("recipient", AGREEMENTS)
def test_everything_has_an_origin(recipient: str) -> None:
    """Of no part of an event is it unknown where in the incident it comes from."""
    found, event = made(recipient)

    assert [] == [
        part["uuid"] for part in parts(event) if found.of(part["uuid"]) is None
    ]
    assert "" == found.of(event["uuid"])


@pytest.mark.parametrize("recipient", AGREEMENTS)
def test_exact_values_stand_where_the_path_says(recipient: str) -> None:
    """A value that was not changed by redaction is found in the field of its path."""
    found, event = made(recipient)
    observables = fields_of(world.receive(world.incident()).incident)["observables"]
    held = {part["uuid"]: part for part in parts(event) if "value" in part}
    checked = 0
    for uuid, part in held.items():
        path = re.fullmatch(r"observables\[(\d+)\]", found.of(uuid) or "")
        if path and "redacted" not in part.get("comment", "") and part["to_ids"]:
            value = observables[int(path[1])]["value"]
            assert str(value).casefold() == str(part["value"]).casefold()
            checked += 1

    assert checked or recipient == "fiu-misp"


def test_values_that_read_alike_have_several_origins() -> None:
    """Where two values look the same once redacted, both are named."""
    addresses = [
        {"kind": "ipv4", "value": f"198.51.100.{n}", "role": "victim"} for n in (7, 9)
    ]
    found, event = made("kp-misp", observables=addresses)

    assert "observables[0], observables[1]" in {
        found.of(part["uuid"]) for part in parts(event)
    }


def test_what_the_unit_added_has_no_origin() -> None:
    """A UUID that was never sent is traced to nothing."""
    found, _ = made("kp-misp")

    assert found.of("11111111-1111-4111-8111-111111111111") is None


def test_an_agreement_that_is_gone_has_no_origins() -> None:
    """Without the agreement in the rulebook nothing can be traced."""
    received = world.receive(world.incident())

    assert (
        origins(
            received,
            "no-such",
            rulebook=world.rulebook(),
            keys=world.keys(),
            now=world.NOW,
        )
        is None
    )
