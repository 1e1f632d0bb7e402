"""Facts about reading at once: what is read, and what is left to the exact check."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from broker.canonical import dumps
from broker.errors import GuardError
from broker.guard.paths import tree
from broker.guard.shapes import Shapes
from broker.guard.typed import Typed, plain

ONE = "0e3dbe81-3c9c-4f6e-8a5b-5d0e5d6b5a01"
OTHER = "abcdef01-2345-8789-b012-3456789abcde"
PATHS = {
    "type": "one-of:url|text",
    "category": "const:Other",
    "uuid": "uuid",
    "parent": "uuid",
    "value": "text",
    "comment": "text",
    "timestamp": "epoch",
    "at": "timestamp",
    "until": "timestamp",
    "on": "day",
    "level": "digit",
    "count": "number",
    "to_ids": "flag",
    "Tag[].name": "text",
    "Tag[].colour": "one-of:red|green",
    "Tag[].id": "uuid",
    "Main.name": "text",
    "ids[]": "stix-id",
    "any.*": "value",
    "o[a-b].x": "text",
    "o[a-b].ids[]": "uuid",
    "o[c]": "text",
}

READ: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"type": "url"}, []),
    ({"type": "url", "category": "Other"}, []),
    ({"value": "v"}, ["v"]),
    ({"value": ""}, [""]),
    ({"value": "v", "comment": "c"}, ["c", "v"]),
    ({"value": "v", "comment": "v"}, ["v"]),
    ({"uuid": ONE}, []),
    ({"uuid": ONE, "parent": OTHER, "value": "v"}, ["v"]),
    ({"timestamp": "1777827983"}, ["1777827983"]),
    ({"timestamp": "177782798"}, ["177782798"]),
    ({"at": "2026-11-20T09:30:00Z"}, []),
    ({"at": "2026-11-20T09:30:00.123Z", "on": "2026-11-20", "level": "0"}, []),
    ({"at": "2026-11-20T09:30:00.123Z", "until": "2026-11-20T09:30:00Z"}, []),
    ({"count": 0}, []),
    ({"count": 999_999}, []),
    ({"to_ids": True}, []),
    ({"to_ids": False}, []),
    ({"Tag": []}, []),
    ({"Tag": [{"name": "a", "id": ONE}, {"name": "b"}], "value": "v"}, ["a", "b", "v"]),
    ({"Tag": [{"name": "t"}], "comment": "c", "Main": {"name": "m"}}, ["m", "t", "c"]),
    ({"ids": [f"a-b--{ONE}", f"cd--{OTHER}"]}, []),
    ({"any": {}}, []),
    ({"any": {"a": "x", "b": ["y", "z"], "c": 5, "d": True}}, list("axbyzcd")),
    ({"o": []}, []),
    ({"o": [{"type": "c"}, {"type": "a-b", "x": "t", "ids": [ONE]}]}, ["t"]),
]

LEFT: list[Any] = [
    [],
    None,
    "text",
    {"new": "x"},
    {"type": "ip"},
    {"type": None},
    {"type": ["url"]},
    {"category": "text"},
    {"value": 5},
    {"value": None},
    {"value": "v", "comment": ["c"]},
    {"timestamp": "now"},
    {"timestamp": 1777827983},
    {"timestamp": "17778279831"},
    {"timestamp": "17778279"},
    {"timestamp": "177782798٣"},
    {"at": "2026-11-20T09:30:00"},
    {"at": "2026-11-20T09:30:00.1Z"},
    {"at": "2026-11-20T09:30:00Z\n2026-11-20T09:30:00Z"},
    {"on": "2026-11-20\n"},
    {"on": ""},
    {"level": "10"},
    {"level": 1},
    {"count": -1},
    {"count": 1_000_000},
    {"count": True},
    {"count": 1.0},
    {"to_ids": 1},
    {"to_ids": "true"},
    {"uuid": ONE.upper()},
    {"uuid": ONE[:-1]},
    {"uuid": ONE + "0"},
    {"uuid": ONE + "\n" + OTHER},
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
    {"uuid": "", "parent": ONE + "\n" + OTHER},
    {"Tag": {"name": "a"}},
    {"Tag": [{"name": "a"}, {"label": "b"}]},
    {"Tag": [{"name": "a"}, {"name": 5}]},
    {"Tag": [{"name": "a", "colour": "blue"}]},
    {"Tag": [{"id": ONE}, {"id": "a"}]},
    {"Tag": [[]]},
    {"Tag": None},
    {"Main": [{"name": "a"}]},
    {"Main": {"type": "url"}},
    {"ids": [ONE]},
    {"ids": [f"a--{ONE}"]},
    {"ids": [f"A-b--{ONE}"]},
    {"ids": [f"a-b--{ONE}", f"a-b--{ONE[:-1]}"]},
    {"ids": [f"a-b--{ONE}\n{ONE}"]},
    {"any": {"A": "x"}},
    {"any": {"a": None}},
    {"any": {"a": {}}},
    {"any": {"a": [5]}},
    {"any": []},
    {"o": [{"x": "t"}]},
    {"o": [{"type": "b", "x": "t"}]},
    {"o": [{"type": "c", "x": "t"}]},
    {"o": [{"type": ["c"]}]},
    {"o": [{"type": "a-b", "ids": [ONE, "a"]}]},
]


@cache
def _typed() -> Typed:
    return Typed(tree(PATHS))


@pytest.mark.parametrize(("value", "texts"), READ, ids=str)
def test_what_is_allowed_is_read_at_once(
    value: dict[str, Any], texts: list[str]
) -> None:
    """A document of allowed paths and shapes needs no exact check."""
    for _ in range(2):
        found = _typed().read(dumps(value))

        assert found is not None
        assert (value, texts) == (plain(found[0]), found[1])


@pytest.mark.parametrize("value", LEFT, ids=str)
def test_what_is_not_is_left_to_the_exact_check(value: Any) -> None:
    """A path, word or shape that is not as allowed is not read at once."""
    assert _typed().read(dumps(value)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} ",
        b"{}{}",
        b'{"value": "v"}',
        b'{"value":"v","comment":"c"}',
        b'{"value":"v","value":"v"}',
        b'{"value":"\\u0076"}',
        b'{"value":"\xff"}',
        b'{"value":"\\ud83d"}',
        b'{"count":-0}',
        b'{"count":1e0}',
        b'{"o":[{"x":"t","type":"a-b"}]}',
        b'{"any":{"b":"x","a":"y"}}',
        b'{"any":{"a":"x","a":"y"}}',
        b"[" * 100_000,
        b'{"Tag":' + b"[" * 100_000,
    ],
    ids=lambda body: body[:30],
)
def test_what_is_written_otherwise_is_left_to_the_exact_check(body: bytes) -> None:
    """What is not canonical is not read at once, whatever it says."""
    assert _typed().read(body) is None


def test_two_looks_that_do_not_agree_hold_the_share() -> None:
    """What is not read at once, and is not found wrong either, does not leave."""
    shapes = Shapes({"a": "text"})
    shapes._typed = _typed()

    with pytest.raises(GuardError):
        shapes.read(b'{"a":"x"}')


def test_a_document_has_its_keys_as_attributes() -> None:
    """As far as Python can name them so; what is absent is none."""
    read = Shapes(
        {"a": "text", "b[].c": "text", "b[].class": "text", "b-c": "text"}
    ).read

    document = read(b'{"a":"x","b":[{"c":"y"},{"class":"z"}],"b-c":"w"}').document

    assert "x" == document.a
    assert ["y", None] == [one.c for one in document.b]
