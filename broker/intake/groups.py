"""Observables that belong together by the message's own word.

Observables, numbered as they were read -> the same, in groups of two to a hundred.

Invariant: a message puts them together by its form, such as one object or one system;
nothing is put together because it looks alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from broker.model.incident import Observable

# As many as an incident can number.
MOST: Final = 100_000
_LARGEST: Final = 100


def settled(found: Iterable[Observable]) -> tuple[Observable, ...]:
    """Return observables with groups of 2 to 100, numbered from 1, each once."""
    seen = tuple(found)
    members = Counter(each.group for each in seen if each.group)
    if not members:
        return seen
    numbers: dict[int, int] = {}
    made: dict[Observable, None] = {}
    for each in seen:
        group = each.group
        if group is not None:
            # One thing alone belongs to nothing, and a thousand are not one thing.
            is_group = 2 <= members[group] <= _LARGEST
            number = numbers.setdefault(group, len(numbers) + 1) if is_group else None
            each = each.model_copy(update={"group": number})
        made.setdefault(each)
    return tuple(made)
