"""The cell of a domain that a real incident is in, found apart from the product."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from broker.policy import Facts
from broker.prove.domain import Domain
from broker.prove.facts import FACTS


def cell(domain: Domain, facts: Facts, at: datetime) -> tuple[int, ...]:
    """Return the cell that an incident is in."""
    found: list[int] = []
    for index, variable in enumerate(domain.variables):
        values = _values(variable.fact, facts, at)
        if not variable.members:
            found.append(_atom(domain, index, values))
            continue
        others = variable.fact in ("victim_sectors", "victim_countries") and any(
            value not in _every(domain, variable.fact) for value in values
        )
        has = any(each in values for each in variable.members)
        found.append(int(has or (others and _is_other(domain, index))))
    return tuple(found)


def _every(domain: Domain, fact: str) -> set[Any]:
    return {m for v in domain.variables if v.fact == fact for m in v.members}


def _is_other(domain: Domain, index: int) -> bool:
    """Say whether a variable is that of the words that no clause names."""
    variable = domain.variables[index]
    named = {
        word
        for question in domain.questions()
        if question.fact == variable.fact
        for word in question.bound
    }
    return any(member not in named for member in variable.members)


def _values(fact: str, facts: Facts, at: datetime) -> Any:
    if fact == "day":
        return at.date()
    if fact == "embargoed":
        until = facts.embargo_until
        return until is not None and until > at
    if fact == "fields":
        return facts.fields
    return getattr(facts, fact)


def _atom(domain: Domain, index: int, value: Any) -> int:
    """Return the atom of a value: the one whose every answer is the same."""
    variable = domain.variables[index]
    for atom, values in enumerate(variable.atoms):
        if value in values:
            return atom
    # A number or a day of which the domain has only the neighbours.
    questions = [q for q in domain.questions() if q.fact == variable.fact]
    view = FACTS[variable.fact].seen

    def answers(one: Any) -> list[bool]:
        seen = SimpleNamespace(**(view(one) if view else {variable.fact: one}))
        return [bool(question.holds(seen)) for question in questions]

    wanted = answers(value)
    return next(
        atom
        for atom, values in enumerate(variable.atoms)
        if answers(values[0]) == wanted and (values[0] is None) == (value is None)
    )
