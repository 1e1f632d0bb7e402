"""Which attribute types and categories MISP 2.5.1 knows, as its own answer lists them.

``describe_types.json`` (recorded from a real server) -> look-up tables.

Invariants: read once, never changed. The file holds the recorded answer and nothing
else, so a newer MISP is followed by recording it again.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final

import orjson

_COMPOSITE_WITHOUT_BAR: Final = "malware-sample"


def words(text: str) -> tuple[str, ...]:
    """Names that are written in one text with blanks between them."""
    return tuple(text.split())


@cache
def described() -> dict[str, Any]:
    """The whole answer to ``attributes/describeTypes``."""
    source = resources.files(__package__).joinpath("describe_types.json")
    answer: dict[str, Any] = orjson.loads(source.read_bytes())
    return answer


@cache
def kinds() -> frozenset[str]:
    """Every attribute type, such as ``ip-dst``."""
    return frozenset(described()["types"])


@cache
def categories() -> dict[str, frozenset[str]]:
    """Every category with the attribute types that may stand in it."""
    mapping = described()["category_type_mappings"]
    return {category: frozenset(types) for category, types in mapping.items()}


def default_category(kind: str) -> str:
    """The category that MISP chooses when an attribute names none."""
    return str(described()["sane_defaults"][kind]["default_category"])


def default_to_ids(kind: str) -> int:
    """Whether MISP thinks a type fit for detection when nobody says: 1 or 0."""
    return int(described()["sane_defaults"][kind]["to_ids"])


def composite(kind: str) -> bool:
    """Whether a type's value is two values joined by a bar, as ``ip-dst|port``."""
    return "|" in kind or kind == _COMPOSITE_WITHOUT_BAR
