"""A quick yes to a document of the allowed shape; it never says no.

Paths of a guardrail as a tree -> a reader that takes each object by the keys it has,
and says whether every value has its shape. Whatever it does not know, the exact check
in `shapes` decides, which alone can tell what is wrong and where.

Invariant: what is accepted here, the exact check accepts, with the same texts in the
same order. Remembered are combinations of keys and of words of closed lists only, both
from the guardrail: no value of an incident, and no more than a fixed number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

# A guardrail's objects come with some dozens of sets of keys, and hundreds of pairs of
# a type and a category.
_MOST_PLANS: Final = 256
_MOST_WORDS: Final = 4_096
# Of more objects than these it is asked whether all have the same keys.
_FEW: Final = 3

# As a UUID is written: the places of hexadecimal digits, of the version and the
# variant, and of the dashes (RFC 9562, section 4).
_UUID: Final = 36
_PATTERN: Final = b"00000000-0000-0000-0000-000000000000"
_VERSION, _VARIANT = 14, 19
_DIGITS_ALIKE: Final = bytes(
    48 if chr(c) in "0123456789abcdef" else c for c in range(256)
)

Accept = Callable[[Any, list[str], list[str]], bool]
"""Takes a value, a list for its texts, and one for its UUIDs, which are not checked."""


class Shaped(NamedTuple):
    """What one key of an object may have: one of these is given."""

    words: frozenset[str] | None = None
    uuid: bool = False
    text: bool = False
    # Both a closed shape that is tested and a text that is collected.
    epoch: bool = False
    test: Callable[[Any], object] | None = None
    inner: Accept | None = None


class _Plan(NamedTuple):
    """How an object with certain keys is read."""

    words: Callable[[Any], tuple[Any, ...]]  # its words of closed lists, together
    lists: tuple[frozenset[str], ...]
    known: set[tuple[Any, ...]]  # which of these were in their lists before
    tested: tuple[tuple[str, Callable[[Any], object]], ...]
    uuids: Callable[[Any], tuple[Any, ...]]
    texts: Callable[[Any], tuple[Any, ...]]
    # The same in order, with what takes those that have something within.
    within: tuple[tuple[str, Accept | None], ...]


def _getter(keys: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the values of some keys."""
    if len(keys) > 1:
        return itemgetter(*keys)
    if not keys:
        return _nothing
    [key] = keys
    return lambda value: (value[key],)


def _nothing(_: Any) -> tuple[Any, ...]:
    return ()


def _with_inner(plan: _Plan, value: Any, texts: list[str], uuids: list[str]) -> bool:
    for key, inner in plan.within:
        if inner is None:
            texts.append(value[key])
        elif not inner(value[key], texts, uuids):
            return False
    return True


def is_flag(value: Any) -> bool:
    """Say whether a value is yes or no; a number is neither."""
    return type(value) is bool


class Objects:
    """Accepts objects that have some of the allowed keys, and nothing else."""

    __slots__ = ("_plans", "_shapes")

    def __init__(self, shapes: Mapping[str, Shaped]) -> None:
        """Take what each key may have."""
        self._shapes = shapes
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def accept(self, value: Any, texts: list[str], uuids: list[str]) -> bool:
        """Say whether an object is as allowed; no is no answer."""
        return self.accept_all([value], texts, uuids)

    def accept_all(self, values: Any, texts: list[str], uuids: list[str]) -> bool:
        """Say whether each object of a list is as allowed; no is no answer."""
        if type(values) is not list or {*map(type, values)} - {dict}:
            return False
        plans = self._plans
        if len(values) > _FEW and len(sorts := {*map(tuple, values)}) == 1:
            [keys] = sorts
            plan = plans.get(keys) or self._planned(keys)
            if plan is None:
                return False
            if not plan.within:
                return _all_alike(plan, values, texts, uuids)
        for value in values:
            keys = tuple(value)
            plan = plans.get(keys) or self._planned(keys)
            if plan is None:
                return False
            words = plan.words(value)
            if words not in plan.known and not _in_lists(plan, words):
                return False
            for key, test in plan.tested:
                if not test(value[key]):
                    return False
            uuids += plan.uuids(value)
            if not plan.within:
                texts += plan.texts(value)
            elif not _with_inner(plan, value, texts, uuids):
                return False
        return True

    def _planned(self, keys: tuple[str, ...]) -> _Plan | None:
        """Return how objects with such keys are read, if all of them are allowed."""
        shapes = self._shapes
        if not all(key in shapes for key in keys):
            return None
        listed = [key for key in keys if shapes[key].words is not None]
        said = [
            key
            for key in keys
            if shapes[key].text or shapes[key].epoch or shapes[key].inner
        ]
        inner = tuple((key, shapes[key].inner) for key in said)
        plan = _Plan(
            _getter(listed),
            tuple(words for key in listed if (words := shapes[key].words) is not None),
            set(),
            tuple((key, test) for key in keys if (test := shapes[key].test)),
            _getter([key for key in keys if shapes[key].uuid]),
            _getter(said),
            inner if any(shapes[key].inner for key in said) else (),
        )
        if len(self._plans) < _MOST_PLANS:
            self._plans[keys] = plan
        return plan


def _all_alike(
    plan: _Plan, values: list[Any], texts: list[str], uuids: list[str]
) -> bool:
    """Say whether objects of the same keys are as allowed, key by key."""
    for words in {*map(plan.words, values)}:
        if words not in plan.known and not _in_lists(plan, words):
            return False
    for key, test in plan.tested:
        if not all(map(test, map(itemgetter(key), values))):
            return False
    uuids += chain.from_iterable(map(plan.uuids, values))
    texts += chain.from_iterable(map(plan.texts, values))
    return True


def _in_lists(plan: _Plan, words: tuple[Any, ...]) -> bool:
    """Say whether words are in their lists, and remember it."""
    if not all(map(frozenset.__contains__, plan.lists, words)):
        return False
    if len(plan.known) < _MOST_WORDS:
        plan.known.add(words)
    return True


def each_of(inner: Accept) -> Accept:
    """Return what accepts a list of values."""

    def accept(value: Any, texts: list[str], uuids: list[str]) -> bool:
        return type(value) is list and all(inner(one, texts, uuids) for one in value)

    return accept


def each_by_type(kinds: Mapping[str, Accept]) -> Accept:
    """Return what accepts a list of objects that are told apart by their type."""

    def accept(value: Any, texts: list[str], uuids: list[str]) -> bool:
        if type(value) is not list:
            return False
        return all(
            type(one) is dict
            and (inner := kinds.get(one.get("type", ""))) is not None
            and inner(one, texts, uuids)
            for one in value
        )

    return accept


def accepted(accept: Accept, document: Any, texts: list[str]) -> bool:
    """Say whether a document is as allowed, and add its texts; no is no answer."""
    uuids: list[str] = []
    try:
        return (
            accept(document, texts, uuids)
            and {*map(type, texts)} <= {str}
            and _are_uuids(uuids)
        )
    except (TypeError, ValueError):
        # What is no text where a text belongs cannot be joined, matched or looked up.
        return False


def _are_uuids(uuids: list[str]) -> bool:
    """Say whether all of some values are UUIDs, in one look at all of them."""
    if {*map(len, uuids)} - {_UUID}:
        return False
    joined = "".join(uuids)
    letters = joined.encode("ascii")
    return (
        letters.translate(_DIGITS_ALIKE) == _PATTERN * len(uuids)
        and not joined[_VERSION::_UUID].strip("12345678")
        and not joined[_VARIANT::_UUID].strip("89ab")
    )
