"""Facts about the quick yes: what it accepts, and what it leaves to the exact check."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest

from broker.guard.accept import (
    _MOST_PLANS,
    _MOST_WORDS,
    Objects,
    Shaped,
    accepted,
    each_by_type,
    each_of,
    is_flag,
)

ONE = "0e3dbe81-3c9c-4f6e-8a5b-5d0e5d6b5a01"
OTHER = "abcdef01-2345-8789-b012-3456789abcde"
TAG = Objects({"name": Shaped(text=True), "type": Shaped(words=frozenset({"tag"}))})
OBJECT = Objects(
    {
        "type": Shaped(words=frozenset({"url", "text"})),
        "category": Shaped(words=frozenset({"Other"})),
        "uuid": Shaped(uuid=True),
        "parent": Shaped(uuid=True),
        "value": Shaped(text=True),
        "comment": Shaped(text=True),
        "timestamp": Shaped(epoch=True, test=str.isdecimal),
        "to_ids": Shaped(test=is_flag),
        "Tag": Shaped(inner=each_of(TAG.accept)),
        "Main": Shaped(inner=TAG.accept),
    }
)

ACCEPTED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"type": "url"}, []),
    ({"type": "url", "category": "Other"}, []),
    ({"value": "v"}, ["v"]),
    ({"value": "v", "comment": "c"}, ["v", "c"]),
    ({"comment": "c", "value": "v"}, ["c", "v"]),
    ({"uuid": ONE}, []),
    ({"uuid": ONE, "parent": OTHER, "value": "v"}, ["v"]),
    ({"timestamp": "1777827983"}, ["1777827983"]),
    ({"to_ids": True}, []),
    ({"to_ids": False}, []),
    ({"Tag": []}, []),
    ({"Tag": [{"name": "a"}, {"name": "b"}], "value": "v"}, ["a", "b", "v"]),
    ({"value": "v", "Main": {"name": "a"}, "comment": "c"}, ["v", "a", "c"]),
]

LEFT: list[Any] = [
    [],
    None,
    "text",
    {"new": "x"},
    {"type": "ip"},
    {"type": "url", "category": "text"},
    {"type": "url", "category": None},
    {"type": ["url"]},
    {"value": 5},
    {"value": None},
    {"value": "v", "comment": ["c"]},
    {"timestamp": "now"},
    {"timestamp": 5},
    {"to_ids": 1},
    {"to_ids": "true"},
    {"uuid": ONE.upper()},
    {"uuid": ONE[:-1]},
    {"uuid": ONE + "0"},
    {"uuid": ONE.replace("-4", "-9")},
    {"uuid": ONE.replace("-4", "-0")},
    {"uuid": ONE.replace("-8", "-7")},
    {"uuid": ONE.replace("-8", "-c")},
    {"uuid": ONE.replace("-", "0")},
    {"uuid": ONE.replace("e", "g")},
    {"uuid": ONE.replace("e", "é")},
    {"uuid": 5},
    # Together they would read as two.
    {"uuid": ONE[:-1], "parent": ONE[-1] + OTHER},
    {"uuid": "", "parent": ONE + OTHER},
    {"Tag": {"name": "a"}},
    {"Tag": [{"name": "a"}, {"label": "b"}]},
    {"Tag": [{"name": "a"}, {"name": 5}]},
    {"Tag": [[]]},
    {"Main": [{"name": "a"}]},
    {"Main": {"type": "url"}},
]


@pytest.mark.parametrize(("value", "texts"), ACCEPTED, ids=str)
def test_what_is_allowed_is_accepted_at_once(
    value: dict[str, Any], texts: list[str]
) -> None:
    """An object of allowed keys and shapes needs no exact check; its texts are told."""
    for _ in range(2):  # the second time by what was remembered
        found: list[str] = []

        assert accepted(OBJECT.accept, value, found) is True
        assert texts == found


@pytest.mark.parametrize("value", LEFT, ids=str)
def test_what_is_not_is_left_to_the_exact_check(value: Any) -> None:
    """A key, word, shape or UUID that is not as allowed is not accepted."""
    assert accepted(OBJECT.accept, value, []) is False


def test_a_list_is_as_good_as_its_objects() -> None:
    """One object of a list that is not as allowed leaves all of it."""
    good = {"value": "v"}
    texts: list[str] = []

    assert accepted(OBJECT.accept_all, [good, {"to_ids": True}, good], texts) is True
    assert ["v", "v"] == texts
    for other in ([good, {"new": 1}], [[good]], [good, None], good, "text", None):
        assert accepted(OBJECT.accept_all, other, []) is False


def test_objects_are_told_apart_by_their_type() -> None:
    """What has a type that is not allowed, or none, is not accepted."""
    accept = each_by_type({"tag": TAG.accept})
    tag = {"type": "tag", "name": "a"}
    texts: list[str] = []

    assert accepted(accept, [], []) is True
    assert accepted(accept, [tag, tag], texts) is True
    assert ["a", "a"] == texts
    for other in (
        tag, {}, "", "tag", None, [{"name": "a"}], [tag, {"type": "url"}], [tag, []],
        [{"type": "tag", "name": 5}], [{"type": ["tag"]}],
    ):  # fmt: skip
        assert accepted(accept, other, []) is False


def test_no_more_than_a_fixed_number_is_remembered() -> None:
    """Whatever arrives, what is remembered does not grow, and the answers stay."""
    keys = [f"key-{number}" for number in range(24)]
    objects = Objects(dict.fromkeys(keys, Shaped(text=True)))
    for chosen in combinations(keys, 2):
        value = dict.fromkeys(chosen, "v")
        assert accepted(objects.accept, value, []) is True
    assert _MOST_PLANS == len(objects._plans) < 24 * 23 // 2

    words = frozenset(str(number) for number in range(70))
    pairs = Objects({"one": Shaped(words=words), "other": Shaped(words=words)})
    for one, other in product(sorted(words), repeat=2):
        assert accepted(pairs.accept, {"one": one, "other": other}, []) is True
    [plan] = pairs._plans.values()
    assert _MOST_WORDS == len(plan.known) < 70 * 70
