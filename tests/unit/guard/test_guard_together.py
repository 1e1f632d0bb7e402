"""Facts about drafts of one incident that are looked at together."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from broker import guard
from broker.canonical import dumps
from broker.errors import GuardError
from broker.model.sharing import Draft
from tests import world

# Withheld from all three, and seen by some of them only.
NOBODY = str(world.FULL["reporter"]["name"])
SOME = [str(one["value"]) for one in world.FULL["observables"]]
# Layers upon layers: more than is looked into.
WORN = "%26amp;%5c&#x5c;[.]xn--a-b \\x41=41 " * 1_700
WRITINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: base64.b64encode(f"of {text} there".encode()).decode(),
    lambda text: text.encode().hex(),
)


def _looks(planted: dict[int, str]) -> list[guard.Look]:
    """Return the drafts of the full incident, with texts planted in some of them."""
    looks = []
    shares = world.disclose(world.FULL).shares
    for at, (share, route) in enumerate(
        zip(shares, world.rulebook().routes, strict=True)
    ):
        made = share.sealed or share.draft
        assert made is not None
        document = json.loads(made.body)
        document["Event"]["info"] += f" {planted.get(at, 'nothing')}"
        draft = Draft(made.recipient, made.wire, dumps(document))
        looks.append(guard.Look(draft, route.guard, share.decision.withheld_items))
    return looks


@pytest.mark.parametrize("write", WRITINGS, ids=["plain", "base64", "hex"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_together_is_found_what_each_holds_alone(
    at: int, write: Callable[[str], str]
) -> None:
    """A value in one draft is found in that one, and the others are as they were."""
    incident = world.receive(world.FULL).incident
    for value in (NOBODY, *SOME):
        looks = _looks({at: write(value)})
        alone = [
            guard.inspect(look.draft, incident, look.guard, look.withheld)
            for look in looks
        ]

        assert alone == guard.inspect_all(looks, incident)
    assert alone[at - 1] == guard.inspect_all(_looks({}), incident)[at - 1]


def test_one_that_is_too_much_holds_up_no_other() -> None:
    """Layers without end in one draft are that one's error; the others are searched."""
    incident = world.receive(world.FULL).incident

    first, second, third = guard.inspect_all(_looks({1: WORN}), incident)

    assert () == first
    assert isinstance(second, GuardError)
    assert () == third


def test_one_that_is_too_much_is_an_error_by_itself() -> None:
    """A draft that cannot be looked into is not one in which nothing was found."""
    incident = world.receive(world.FULL).incident
    look = _looks({1: WORN})[1]

    with pytest.raises(GuardError):
        guard.inspect(look.draft, incident, look.guard, look.withheld)


@pytest.mark.parametrize("part", ["shapes", "secrets"])
def test_what_goes_wrong_before_any_is_searched_is_of_one_only(part: str) -> None:
    """A guard that fails holds up its own draft, and each other is searched alone."""
    incident = world.receive(world.FULL).incident
    first, second, third = _looks({0: NOBODY})
    nothing: dict[str, Any] = {part: None}
    broken = second._replace(guard=replace(second.guard, **nothing))

    found = guard.inspect_all([first, broken, third], incident)

    assert guard.inspect_all([first], incident) == found[:1]
    assert isinstance(found[1], Exception)
    assert () == found[2]


def test_values_times_letters_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than can be searched in good time is an error, and not passed over."""
    incident = world.receive(world.FULL).incident
    look = _looks({})[0]
    monkeypatch.setattr(sys.modules["broker.guard.inspect"], "_MOST_WORK", 1_000)

    with pytest.raises(GuardError, match="split the incident"):
        guard.inspect(look.draft, incident, look.guard, look.withheld)
