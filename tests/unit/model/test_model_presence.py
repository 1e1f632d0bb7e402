"""Which fields of an incident are there: each path, looked for by itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from broker.model.incident import Incident
from broker.model.presence import OPTIONAL_FIELDS, present
from tests import world
from tests.strategies import incidents


@given(incidents())
def test_exactly_those_fields_are_present_that_have_a_value(
    message: dict[str, Any],
) -> None:
    """Every path is present if, walked step by step, it ends at some value."""
    incident = world.receive(message).incident
    walked = {path for path in OPTIONAL_FIELDS if _walked([incident], path.split("."))}

    assert walked == present(incident)


def _walked(holders: list[Any], steps: list[str]) -> bool:
    found: list[Any] = []
    name = steps[0]
    for holder in holders:
        value = getattr(holder, name.removesuffix("[]"))
        if name.endswith("[]"):
            found.extend(value)
        elif value is not None:
            found.append(value)
    return bool(found) and (len(steps) == 1 or _walked(found, steps[1:]))


def test_a_part_without_fields_is_present() -> None:
    """A party of which nothing is known still is a party."""
    incident = world.receive(world.incident(victims=[{"kind": "person"}])).incident

    found = {path for path in present(incident) if path.startswith("victims")}

    assert {"victims[]"} == found


def test_what_is_always_there_is_not_optional() -> None:
    """A field that every incident has cannot be asked for."""
    required = {n for n, info in Incident.model_fields.items() if info.is_required()}

    assert set() == required & set(OPTIONAL_FIELDS)
