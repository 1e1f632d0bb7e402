"""Facts about the exact check by itself, where nothing was accepted before it."""

from __future__ import annotations

from typing import Any

import pytest

from broker.canonical import dumps
from broker.guard.inspect import _values
from broker.guard.shapes import Shapes
from broker.model.sharing import Wire


@pytest.mark.parametrize(
    ("paths", "document", "said"),
    [
        ({"a": "epoch"}, {"a": "1777827983"}, None),
        ({"a": "epoch"}, {"a": "now"}, ("wrong-shape", "a")),
        ({"a": "epoch"}, {"a": 1777827983}, ("wrong-shape", "a")),
        ({"a": "one-of:x|y"}, {"a": "y"}, None),
        ({"a": "one-of:x|y"}, {"a": "z"}, ("wrong-shape", "a")),
        ({"a": "one-of:x|y"}, {"a": 5}, ("wrong-shape", "a")),
        ({"a": "uuid"}, {"a": ["x"]}, ("wrong-shape", "a")),
        ({"a[]": "one-of:x|y"}, {"a": ["x", "y"]}, None),
        ({"a[]": "one-of:x|y"}, {"a": ["x", "z"]}, ("wrong-shape", "a[]")),
        ({"a[]": "one-of:x|y"}, {"a": ["x", ["y"]]}, ("wrong-shape", "a[]")),
        ({"a[]": "epoch"}, {"a": ["1777827983"]}, None),
        ({"a[]": "epoch"}, {"a": ["now"]}, ("wrong-shape", "a[]")),
        ({"a": "number"}, {"a": 0}, None),
        ({"a": "number"}, {"a": 999_999}, None),
        ({"a": "number"}, {"a": -1}, ("wrong-shape", "a")),
        ({"a": "number"}, {"a": 1_000_000}, ("wrong-shape", "a")),
        ({"a": "number"}, {"a": True}, ("wrong-shape", "a")),
        ({"a.*": "value"}, {"a": {"b": "x"}}, None),
        ({"a.*": "value"}, {"a": {"b": ["x", "y"]}}, None),
        ({"a.*": "value"}, {"a": {"b": [["x"]]}}, ("wrong-shape", "a")),
        ({"a.*": "value"}, {"a": {"b": 5}}, None),
        ({"a.*": "value"}, {"a": {"b": 1_000_000}}, ("wrong-shape", "a")),
        ({"a.*": "value"}, {"a": {"b": False}}, None),
        ({"a.*": "value"}, {"a": {"b": None}}, ("wrong-shape", "a")),
        ({"a.*": "value"}, {"a": ["b"]}, ("wrong-shape", "a")),
        ({"a.*": "value"}, {"a": "b"}, ("wrong-shape", "a")),
        ({"o[x].v": "text"}, {"o": [{"type": "x", "v": "t"}]}, None),
        ({"o[x].v": "text"}, {"o": [{"type": "y", "v": "t"}]}, ("not-allowed", "o[]")),
        ({"o[x].v": "text"}, {"o": [["type"]]}, ("not-allowed", "o[]")),
        ({"o[x].v": "text"}, {"o": [{"type": ["x"]}]}, ("not-allowed", "o[]")),
        ({"o[x].v": "text"}, {"o": [{"type": "x", "v": 5}]}, ("wrong-shape", "o[].v")),
    ],
    ids=str,
)
def test_the_exact_check_says_what_and_where(
    paths: dict[str, str], document: Any, said: tuple[str, str] | None
) -> None:
    """What is allowed passes; what is not is told by its rule and its path."""
    breaches = Shapes(paths).read_exactly(dumps(document)).breaches

    assert ([said] if said else []) == [(one.rule, one.path) for one in breaches]


@pytest.mark.parametrize(
    ("wire", "document", "values"),
    [
        (
            Wire.STIX_MISP,
            {
                "objects": [
                    {"x_misp_value": "a"},
                    {"x_misp_attributes": [{"value": "b"}, {"value": "c"}]},
                    {"x_misp_value": "d"},
                ]
            },
            ["a", "b", "c", "d"],
        ),
        (
            Wire.STIX_BUNDLE,
            {
                "objects": [
                    {"type": "domain-name", "value": "a"},
                    {"type": "domain-name", "value": ["b"]},
                    {"type": "note", "value": "c"},
                    {"type": "ipv4-addr", "value": "d"},
                ]
            },
            ["a", "d"],
        ),
        (
            Wire.MISP_EVENT,
            {
                "Event": {
                    "Attribute": [{"value": "a"}, {"value": "b"}],
                    "Object": [{"Attribute": [{"value": "c"}]}, {}],
                }
            },
            ["a", "b", "c"],
        ),
    ],
)
def test_a_document_has_these_values_in_order(
    wire: Wire, document: Any, values: list[str]
) -> None:
    """A value may be split over two that stand beside each other here."""
    assert values == [value for value in _values(document, wire) if value]
