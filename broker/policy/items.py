"""Which single items a clause withholds: worked out once, for every sort of item.

The ``withhold_items`` of a clause + the kinds of observables -> `ItemKey` by ``file:
line``. An item of an incident is then looked up, never compared with words.

Invariant: the set of sorts is finite, and every item of an incident is of one of them.
Values are looked up in lists only where a line asks for that: `BY_LISTING`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

from broker.model.agreement import Items
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.incident import Consent, PartyKind, Role
from broker.model.mapping import ObservableKind

# By what the items of a list are told apart, in the order of an `ItemKey`.
TOLD_APART: Final[dict[str, tuple[str, ...]]] = {
    "observables": ("kind", "role"),
    "victims": ("party", "consent", "minor"),
    "suspects": ("party", "minor"),
}


def withheld_items(
    rules: Iterable[tuple[Items, str]], kinds: Mapping[str, ObservableKind]
) -> dict[ItemKey, str]:
    """Return every sort of item that is withheld, with the line that says so."""
    found: dict[ItemKey, str] = {}
    for items, where in rules:
        for told in _sorts(items.of, kinds):
            if _is_about(
                items, dict(zip(TOLD_APART[items.of], told, strict=True)), kinds
            ):
                if items.listed is not None:
                    found.setdefault(BY_LISTING, where)
                    told = (*told, items.listed)
                found.setdefault((items.of, told), where)
    return found


def _sorts(of: str, kinds: Mapping[str, ObservableKind]) -> Iterable[tuple[Any, ...]]:
    domains: dict[str, Iterable[Any]] = {
        "kind": kinds,
        "role": Role,
        "party": PartyKind,
        "consent": Consent,
        "minor": (False, True),
    }
    return product(*(domains[name] for name in TOLD_APART[of]))


def _is_about(
    items: Items, facts: Mapping[str, Any], kinds: Mapping[str, ObservableKind]
) -> bool:
    """Say whether a line is about such an item: all that is written must hold."""
    for name, value in facts.items():
        wanted = getattr(items, name)
        if wanted is None:
            continue
        if wanted is not value if isinstance(wanted, bool) else value not in wanted:
            return False
    if items.data_class is None:
        return True
    return kinds[facts["kind"]].data_class in items.data_class


def without_sense(items: Items) -> list[str]:
    """Return what is written although items of that list are not told apart by it."""
    told = {*TOLD_APART[items.of]}
    if "kind" in told:
        told |= {"data_class", "listed"}
    return [
        name
        for name in Items.model_fields
        if name != "of" and name not in told and getattr(items, name) is not None
    ]
