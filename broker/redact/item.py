"""What becomes of one object of an incident: an ordered list of fields, each decided.

`Leaf`s, written when the rulebook is loaded -> `Item`. Which fields an object has is
found out for each incident; what follows from that is worked out only once for each
combination of fields, and remembered in `Item.choices`.

Invariant: what an object does not have, and what no rule lets through, is in no choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from broker.keys import RecipientKey
from broker.model.sharing import Mark

Apply = Callable[[Any, RecipientKey], Any]


class Leaf(NamedTuple):
    """One field: if it is seen, what is applied to it, and what the ledger says."""

    name: str
    seen: bool
    apply: Apply | None  # None where it leaves as it is
    mark: Mark
    withheld: Mark  # instead of ``mark``, when the method leaves nothing


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of an object that has certain fields, and only those."""

    names: tuple[str, ...]  # of the fields that are seen, in order
    changed: tuple[tuple[str, Apply], ...]  # those that leave in another form
    marks: tuple[Mark, ...]
    leaves: tuple[Leaf, ...]


class Choices(dict[tuple[str, ...], Choice]):
    """The choices of items with the same leaves, by the fields that an object has.

    ``lists`` says that some field is a list, which may be empty.
    """

    def __init__(self, leaves: tuple[Leaf, ...]) -> None:
        super().__init__()
        self._leaves = leaves
        self.lists = any(leaf.mark[0].endswith("[]") for leaf in leaves)

    def __missing__(self, names: tuple[str, ...]) -> Choice:
        there = tuple(leaf for leaf in self._leaves if leaf.name in names)
        seen = tuple((leaf.name, leaf.apply) for leaf in there if leaf.seen)
        kept = tuple(name for name, _ in seen)
        changed = tuple((name, apply) for name, apply in seen if apply is not None)
        marks = tuple(leaf.mark for leaf in there)
        made = self[names] = Choice(kept, changed, marks, there)
        return made


class Item:
    """The plan of one object: its own fields and the parts within it.

    ``lists`` says that some field is a list, which may be empty. ``about`` is what the
    plan says of an observable that is seen: its ``kind`` as its value is now, and
    whether the value is ``exact``, the one that was seen.
    """

    __slots__ = ("about", "choices", "lists", "parts")

    def __init__(
        self,
        choices: Choices,
        parts: tuple[tuple[str, Item], ...] = (),
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.choices = choices
        self.lists = choices.lists
        self.parts = parts
        self.about = about


class Items:
    """The plans of a list's items, each made when it is first asked for.

    There are hundreds of combinations, of which few incidents have more than ten.
    """

    __slots__ = ("_keys", "_known", "_made")

    def __init__(self, keys: Iterable[Any], made: Callable[[Any], Item]) -> None:
        self._keys = {key: key for key in keys}
        self._made = made
        self._known: dict[Any, Item] = {}

    def __iter__(self) -> Iterator[Any]:
        """Yield all that items of the list are told apart by."""
        return iter(self._keys)

    def get(self, told: Any) -> Item | None:
        """Return the plan of items of a sort; None where there can be no such item."""
        item = self._known.get(told)
        if item is None and told in self._keys:
            # By the words of the model: what is equal to one may be a plain text.
            item = self._known[told] = self._made(self._keys[told])
        return item
