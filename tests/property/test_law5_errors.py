"""Law 5: an error never shares.

Every stage is made to fail, for one recipient, with every sort of error. That recipient
gets nothing; the others get exactly what they would have got; nothing tells a value.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import convert, leaving, policy, redact, render
from broker.errors import ConversionError, GuardError, RedactionError
from broker.model.sharing import Outcome, Share, State
from tests import world
from tests.strategies import realistic

VICTIM = "kp-misp"
SECRET = "Shpresa Kallëzuesja"
STAGES: dict[str, tuple[Any, str]] = {
    "decide": (policy, "decide"),
    "project": (redact, "project"),
    "to_stix": (convert, "to_stix"),
    "render": (render, "misp_event"),
    "inspect": (import_module("broker.guard.inspect"), "_marking_breaches"),
    "seal": (leaving, "seal"),
}
ERRORS: tuple[Exception, ...] = (
    ValueError(SECRET),
    KeyError(SECRET),
    RecursionError(),
    MemoryError(),
    AssertionError(SECRET),
    RedactionError("a field"),
    ConversionError("a row"),
    GuardError("not finished"),
)


def failing_for_one(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """Return a stage that fails whenever it works for one recipient."""
    route = world.route(VICTIM)
    key = world.keys().recipients[VICTIM]
    about = (route.rules, key, route.frame, route.event_frame, route.guard)

    def stage(*args: Any, **named: Any) -> Any:
        told = (*args, *named.values())
        mine = any(arg is thing for arg in told for thing in about)
        drafted = getattr(args[0], "recipient", "") == VICTIM if args else False
        if mine or drafted:
            raise error
        return real(*args, **named)

    return stage


def by_recipient(outcome: Outcome) -> dict[str, Share]:
    """Return what became of each recipient."""
    return {share.decision.recipient: share for share in outcome.shares}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("stage", STAGES)
def test_a_failing_stage_holds_its_recipient_alone(
    stage: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipient whose stage fails gets nothing, the others the same bytes."""
    usual = by_recipient(world.disclose(world.incident()))
    module, name = STAGES[stage]
    monkeypatch.setattr(module, name, failing_for_one(getattr(module, name), error))

    found = by_recipient(world.disclose(world.incident()))

    broken = found.pop(VICTIM)
    usual.pop(VICTIM)
    assert usual == found
    assert broken.sealed is None
    assert State.HELD is broken.state
    assert SECRET not in repr(broken.failure)
    assert broken.failure


@given(made=realistic(), stage=st.sampled_from(sorted(STAGES)))
def test_whatever_the_incident_an_error_seals_nothing(
    made: dict[str, Any], stage: str
) -> None:
    """With a stage that always fails, no incident is sealed for anybody."""

    def failing(*_: Any, **__: Any) -> Any:
        raise RuntimeError(SECRET)

    module, name = STAGES[stage]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(module, name, failing)
        outcome = world.disclose(made)

    assert [None] * len(outcome.shares) == [share.sealed for share in outcome.shares]
    for share in outcome.shares:
        assert share.state in (State.HELD, State.WITHHELD)
        assert SECRET not in share.failure
