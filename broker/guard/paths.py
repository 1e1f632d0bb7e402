"""The language of guardrails: paths, and the shapes of what stands there.

Paths of a guardrail -> the tree that they make.

Path syntax: ``a.b`` for objects, ``a[].b`` for lists, ``objects[indicator].pattern``
for lists whose items are told apart by their ``type``, ``fields.*`` for any lower-case
key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# A key has no sign that JSON would have to escape.
_STEP: Final = re.compile(r'([^.\[\]"\\\x00-\x1f]+)(?:\[([^\[\]]*)\])?')
_UUID: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
# Shapes whose every possible value is harmless, so nothing can hide in them. A UUID
# could be made from a value; that it was not is checked where the id is recomputed.
CLOSED: Final = {
    "uuid": re.compile(_UUID),
    "stix-id": re.compile(rf"[a-z][a-z0-9-]{{1,40}}--{_UUID}"),
    "timestamp": re.compile(
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z", re.ASCII
    ),
    "day": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "digit": re.compile(r"\d", re.ASCII),
}
# Ten digits can be a personal number: an epoch is checked and collected as well.
EPOCH: Final = re.compile(r"\d{9,10}", re.ASCII)
ANY_KEY: Final = re.compile(r"[a-z0-9_.\[\]]{1,80}")
# Small enough that no account or personal number fits in.
LARGEST: Final = 999_999


class UnknownShapeError(ValueError):
    """A guardrail names a shape that does not exist, or a path that cannot be."""


def shape_names() -> tuple[str, ...]:
    """Return the names of all shapes that a guardrail may use."""
    open_ = ("text", "epoch", "number", "flag", "value")
    return (*CLOSED, *open_, "const:VALUE", "one-of:A|B")


def words_of(shape: str) -> tuple[str, ...]:
    """Return the words of a closed list; none when the shape is no such list."""
    name, _, rest = shape.partition(":")
    return tuple(rest.split("|")) if name in ("const", "one-of") and rest else ()


@dataclass(slots=True)
class Node:
    """One step of a path while the tree of allowed paths grows."""

    shape: str = ""
    keys: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    by_type: dict[str, Node] = field(default_factory=dict)


def tree(paths: Mapping[str, str]) -> Node:
    """Return the tree of allowed paths.

    Raises:
        UnknownShapeError: a path cannot be read; says which.
    """
    root = Node()
    for path, shape in paths.items():
        node = root
        for step in _steps(path):
            node = _descend(node, *step)
        node.shape = shape
    return root


def of_type(kind: str, node: Node) -> Node:
    """Return what an object of a type may have, the type itself among it."""
    node.keys["type"] = Node(shape=f"const:{kind}")
    return node


def _steps(path: str) -> list[tuple[str, str | None]]:
    steps: list[tuple[str, str | None]] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if not found:
            raise UnknownShapeError(f"the path {path} cannot be read")
        steps.append((found[1], found[2]))
        position = found.end()
        if position < len(path):
            if path[position] != ".":
                raise UnknownShapeError(f"the path {path} cannot be read")
            position += 1
    return steps


def _descend(node: Node, key: str, bracket: str | None) -> Node:
    node = node.keys.setdefault(key, Node())
    if bracket is None:
        return node
    if bracket:
        return node.by_type.setdefault(bracket, Node())
    if node.items is None:
        node.items = Node()
    return node.items
