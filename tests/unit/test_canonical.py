"""Facts about canonical JSON, against RFC 8785 and a second implementation."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.canonical import dumps, loads, sha256_hex

# RFC 8785, 3.2.2 and 3.2.3, as far as the keys are ASCII and the numbers whole.
EXAMPLES: list[tuple[Any, bytes]] = [
    (
        {"string": '\u20ac$\u000f\nA\'B"\\\\"/'},
        b'{"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    ({"literals": [None, True, False]}, b'{"literals":[null,true,false]}'),
    (
        {"1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {}},
        b'{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"a":{}}',
    ),
    ({"b": 1, "a": 2, "A": 3, "_": 4}, b'{"A":3,"_":4,"a":2,"b":1}'),
    ([9007199254740991, -1, 0], b"[9007199254740991,-1,0]"),
    ("\u0000\u0008\u0009\u000c\u000d\u001f\u007f", b'"\\u0000\\b\\t\\f\\r\\u001f\x7f"'),
    ("\U0001f600\u2028", '"\U0001f600\u2028"'.encode()),
    ((1, (2,)), b"[1,[2]]"),
]

_KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(("value", "expected"), EXAMPLES, ids=lambda v: str(v)[:24])
def test_examples(value: Any, expected: bytes) -> None:
    """The bytes are those of the standard."""
    assert expected == dumps(value)


@given(_JSON)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_agrees_with_another_implementation(value: Any) -> None:
    """An independent implementation of RFC 8785 makes the same bytes."""
    assert rfc8785.dumps(value) == dumps(value)


@given(_JSON)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_survives_reading(value: Any) -> None:
    """What was written and read again is the same value."""
    assert value == loads(dumps(value))


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {"a": {1}}, b"bytes", object(), "\ud800", 2**70],
    ids=["a key", "a set", "bytes", "an object", "half a character", "a large number"],
)
def test_what_is_not_json_is_refused(value: Any) -> None:
    """A value that JSON cannot hold is an error and not a guess."""
    with pytest.raises(TypeError):
        dumps(value)


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b"\xff", b'"\\ud800"', b"[1,]"])
def test_what_is_no_json_text_is_refused(data: bytes) -> None:
    """Bytes that are not JSON in UTF-8 are an error."""
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        loads(data)


def test_digest_is_sha256() -> None:
    """The digest is SHA-256 in hex (FIPS 180-4, the message abc)."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert expected == sha256_hex(b"abc")
