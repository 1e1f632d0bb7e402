"""What one sealed document showed that another one does not: what it takes back.

Two bodies of one case at one recipient -> the words and values of the first that the
second lacks. Nothing here says what they are to anybody: they are counted and compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

# They are new in every edition, or follow from what stands beside them.
_NOT_CONTENT: Final = frozenset(
    {"id", "uuid", "timestamp", "publish_timestamp", "created", "modified", "date"}
)
# Lines of the summary about the edition and the agreement, not about the incident.
_ABOUT_ITSELF: Final = (
    "- Edition ",
    "- Never shared under the agreement: ",
    "- Shared in part, or in another form: ",
)


def lost(before: bytes, after: bytes) -> frozenset[tuple[str, str]]:
    """Return what a document held that another one does not, by key and line.

    Counted are words and values, not ids and times of the document itself. When the
    first cannot be read, everything is lost.
    """
    return _lines(before) - _lines(after) if before else frozenset({("", "")})


def _lines(body: bytes) -> frozenset[tuple[str, str]]:
    return frozenset(_said(json.loads(body), ""))


def _said(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _NOT_CONTENT and not name.endswith(("_ref", "_refs")):
                yield from _said(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, key)
    else:
        for line in str(value).split("\n"):
            if not line.startswith(_ABOUT_ITSELF):
                yield key, line
