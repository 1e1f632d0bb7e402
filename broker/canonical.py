"""Canonical JSON: one document, one sequence of bytes.

JSON values -> bytes as RFC 8785 (JSON Canonicalization Scheme) defines them, for the
documents that Besa makes: ASCII object keys and whole numbers. Within these, sorting
keys by code point equals sorting by UTF-16 unit, and no number has two spellings.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


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


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
