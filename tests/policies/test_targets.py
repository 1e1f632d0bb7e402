"""What an attack was aimed at is a victim's, whatever role is written beside it."""

from __future__ import annotations

import pytest

from broker.model.incident import Role
from tests import world

KINDS = ("target-machine", "target-organisation", "target-location", "target-external")
VALUE = "Hidroregjioni-7731"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", KINDS)
def test_no_recipient_sees_a_target_as_somebody_elses(kind: str, role: Role) -> None:
    """No recipient gets such a value, not even as an attacker's."""
    target = {"kind": kind, "value": VALUE, "role": role}
    shares = world.disclose(world.incident(observables=[target])).shares
    bodies = [share.sealed.body for share in shares if share.sealed]

    assert len(world.RECIPIENTS) == len(bodies)
    assert [] == [body for body in bodies if VALUE.encode() in body]
