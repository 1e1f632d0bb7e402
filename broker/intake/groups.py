"""Observables that belong together by the message's own word.

Observables, numbered as they were read -> the same, where a group holds two or more.

Invariant: a message puts them together by its form, such as one object or one system;
nothing is put together because it looks alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from broker.model.incident import Observable

# As many as an incident can number.
MOST = 100_000


def settled(found: Iterable[Observable]) -> tuple[Observable, ...]:
    """Return observables with groups of two or more, numbered from 1, each once."""
    seen = tuple(found)
    members = Counter(each.group for each in seen if each.group)
    if not members:
        return seen
    numbers: dict[int, int] = {}
    made: dict[Observable, None] = {}
    for each in seen:
        group = each.group
        if group is not None:
            # One thing alone belongs to nothing.
            alone = members[group] == 1
            number = None if alone else numbers.setdefault(group, len(numbers) + 1)
            each = each.model_copy(update={"group": number})
        made.setdefault(each)
    return tuple(made)
