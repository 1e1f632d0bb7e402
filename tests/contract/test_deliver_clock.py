"""A recipient whose clock is an hour off, in either direction."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from broker.deliver.misp_compare import compare
from broker.sandbox.misp import MispSandbox
from tests.contract.test_deliver_misp import ask, seen, to, values
from tests.unit.deliver.events import attribute, event, later, sealed

HOUR = 3600


@pytest.mark.parametrize("off", [HOUR, -HOUR])
@pytest.mark.parametrize("edited", [True, False])
def test_an_update_arrives_whatever_the_time_is_there(
    tmp_path: Path, off: int, edited: bool
) -> None:
    """A clock that is wrong there, also one that stamped an edit, stops no update."""
    with MispSandbox(tmp_path, clock=lambda: time.time() + off) as misp:
        stamp = str(int(time.time()))
        first = attribute("203.0.113.1", timestamp=stamp)
        second = attribute("203.0.113.2", timestamp=stamp)
        made = event(first, second, timestamp=stamp)
        assert () == to(misp).deliver(sealed(made)).losses
        if edited:
            # The server stamps what somebody does with its own time.
            where = f"/attributes/edit/{first['uuid']}"
            ask(misp, "admin", where, {"comment": "looked at", "value": "203.0.113.9"})

        new: dict[str, Any] = later(made, 10, info="Changed")
        new["Attribute"] = new["Attribute"][:1]
        assert () == to(misp).deliver(sealed(new, 2)).losses

        shown = seen(misp, made)
        assert ("Changed", ["203.0.113.1"]) == (shown["info"], values(shown))
        again = seen(misp, made)
        assert not compare(new, again).in_content
