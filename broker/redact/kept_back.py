"""Which single items of an incident a clause keeps back, and the line that says so.

The withheld items of a decision + an item + `Plan` -> ``file:line``, or nothing.

Invariant: a value that cannot be looked up counts as listed and as not listed, so that
whichever a line withholds, it stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.model.decision import BY_LISTING, ItemKey
from broker.redact.plan import Plan


def line_of(
    withheld: Mapping[ItemKey, str],
    plan: Plan,
    name: str,
    told: tuple[Any, ...],
    item: Mapping[str, Any],
) -> str | None:
    """Return the line by which an item of a list stays here; None when none does.

    ``told`` is what the plan tells the items of this list apart by.
    """
    where = withheld.get((name, told))
    if where is not None or name != BY_LISTING[0] or BY_LISTING not in withheld:
        return where
    listed = plan.listed.holds(plan.kinds[item["kind"]].shape, item["value"])
    for state in (True, False):
        if listed is None or listed is state:
            where = withheld.get((name, (*told, state)))
            if where is not None:
                return where
    return None
