"""Canonical JSON: one document, one sequence of bytes; and one name, one UUID.

JSON values -> bytes as RFC 8785 (JSON Canonicalization Scheme) defines them, for the
documents that Besa makes: ASCII object keys and whole numbers. Within these, sorting
keys by code point equals sorting by UTF-16 unit, and no number has two spellings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final

import orjson

# RFC 4122, 4.3: the two top bits of this digit are the variant, 10.
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises:
        TypeError: the value is not JSON (orjson.JSONEncodeError is one).
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes) -> Any:
    """Return the JSON value of UTF-8 bytes.

    Raises:
        ValueError: not JSON (orjson.JSONDecodeError is one).
    """
    return orjson.loads(data)


quoted: Final = encode_basestring
"""Return a text as canonical JSON: the same as `dumps`, but a text, and so as one part
of many. What JSON need not escape stands as it is (RFC 8785, 3.2.2.2)."""


def around(constant: Mapping[str, Any], *holes: str) -> list[str]:
    """Return the canonical JSON of an object around values that are yet to come.

    Between the pieces belong the values of ``holes``, as JSON, in the order of their
    keys: ``first + one + second + other + third``.
    """
    pieces = ["{"]
    for number, name in enumerate(sorted((*constant, *holes))):
        pieces[-1] += f"{',' if number else ''}{dumps(name).decode()}:"
        if name in holes:
            pieces.append("")
        else:
            pieces[-1] += dumps(constant[name]).decode()
    pieces[-1] += "}"
    return pieces


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def uuid5(namespace: bytes, name: bytes) -> str:
    """Return a version 5 UUID (RFC 4122, 4.3).

    Written out because the standard library's UUID object costs five times its SHA-1.
    """
    h = hashlib.sha1(namespace + name, usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"
