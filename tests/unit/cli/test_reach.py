"""What `besa check` tries together is found as if it had been tried alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from broker.cli.reach import _held, _probes, _Trial
from broker.guard.shapes import Shapes
from broker.model.agreement import Guardrail
from broker.rulebook import Route
from broker.rulebook.sources import read
from tests import world

_LAST = (".value", ".to_ids")
_WORDS = ("|mutex", "|url", "|person")


def _without(paths: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield guardrails without one path, and without one of the words they allow."""
    for path in paths:
        if path.startswith("Event.Attribute[]") and path.endswith(_LAST):
            yield {name: shape for name, shape in paths.items() if name != path}
    for word in _WORDS:
        yield {name: shape.replace(word, "") for name, shape in paths.items()}


def _alone(route: Route) -> list[tuple[str, str]]:
    """Return what is held when everything is tried by itself."""
    trial, seen = _Trial(route), dict[bytes, tuple[str, str]]()
    for probe in _probes(world.rulebook().tables.kinds):
        for _, left, breach in trial.found([probe]):
            seen.setdefault(left, (probe.subject, breach))
    return list(seen.values())


@pytest.mark.parametrize("agreement", ["fiu", "kp-cybercrime"])
def test_together_as_alone(agreement: str) -> None:
    """Of every guardrail that is too narrow the same is told, in the same order."""
    [route] = [
        each
        for each in world.rulebook().routes
        if each.agreement.agreement == agreement
    ]
    rails = read(world.files()).all_of("guardrail", Guardrail)
    probes, told = list(_probes(world.rulebook().tables.kinds)), 0
    assert [] == _held(probes, route)
    for paths in _without(dict(rails[route.agreement.guardrail].model.paths)):
        narrow = replace(route.guard, shapes=Shapes(paths))
        other = replace(route, guard=narrow)

        expected = _alone(other)

        assert expected == _held(probes, other)
        told += bool(expected)
    assert told > 2
