"""What an attack was aimed at is a victim's, whatever role is written beside it."""

from __future__ import annotations

import pytest

from broker.model.incident import Role
from tests import world

TARGETS = ("target-machine", "target-organisation", "target-location")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", [*TARGETS, "target-external"])
def test_no_recipient_sees_a_target_as_somebody_elses(kind: str, role: Role) -> None:
    """No profile keeps such a value, not even as an attacker's."""
    for route in world.rulebook().routes:
        plan = route.plan.lists["observables"].items[kind, role]
        value = next(leaf for leaf in plan.leaves if leaf.name == "value")

        assert not value.as_it_is, route.recipient.recipient
