"""Law 5, seen from inside: an error deep in a stage is named by that stage alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from broker import pipeline
from broker.keys import Keys
from broker.model.sharing import NO_HISTORY, State
from tests import world

SECRET = "Shpresa Kallëzuesja"


class Unheard(Exception):  # noqa: N818 - what nobody has thought of
    """An error of a sort that no code of Besa knows."""


# Something deep in each stage, asked once for each recipient.
DEEP = {
    "policy": ("broker.policy.decide", "_verdict"),
    "redact": ("broker.redact.project", "_without_repeats"),
    "convert": ("broker.convert.parts", "flat"),
    "render": ("broker.render.misp_event", "_event"),
    "guard": ("broker.guard.inspect", "_marking_breaches"),
}


def failing_the_second_time(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails for the second recipient: the police."""
    called: list[None] = []

    def stage(*args: Any) -> Any:
        called.append(None)
        if len(called) == 2:
            raise Unheard(SECRET, args)
        return real(*args)

    return stage


@pytest.mark.parametrize("stage", DEEP)
def test_an_error_is_named_by_stage_and_sort(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unheard-of error deep in a stage holds that recipient, and says which stage.

    The incident has one part of each sort only, so that each is asked once for each
    recipient.
    """
    incident = world.incident(suspects=None, evidence=None, affected_systems=None,
                              financial_loss=None, victims=[
        {"kind": "person", "name": "Agim", "country": "XK", "consent": "given"}
    ])  # fmt: skip
    usual = world.disclose(incident).shares
    where, name = DEEP[stage]
    module = sys.modules[where]
    monkeypatch.setattr(module, name, failing_the_second_time(getattr(module, name)))

    fiu, kp, spo = world.disclose(incident).shares

    assert (usual[0], usual[2]) == (fiu, spo)
    assert State.HELD is kp.state
    assert kp.sealed is None
    assert SECRET not in repr(kp)
    assert f"{stage}: Unheard" == kp.failure


def test_the_error_stands_in_the_findings() -> None:
    """A key that is missing is found as an error of the path itself."""
    fewer = Keys(world.keys().signing, {})
    outcome = pipeline.disclose(
        world.receive(world.FULL),
        rulebook=world.rulebook(),
        keys=fewer,
        history=NO_HISTORY,
        now=world.NOW,
    )

    assert [State.HELD] * 3 == [share.state for share in outcome.shares]
    for share in outcome.shares:
        assert "disclose: KeyError" == share.failure
        assert ("error",) == share.decision.clauses
