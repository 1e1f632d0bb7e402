"""The allowed shape of a whole document, checked in one pass over its bytes.

The paths of a guardrail -> a validator that reads the exact outgoing bytes with a
parser of its own (pydantic-core's, not the one that wrote them), refuses whatever is
not named, and collects every text in which a value could hide.

Path syntax: ``a.b`` for objects, ``a[].b`` for lists, ``objects[indicator].pattern``
for lists whose items are told apart by their ``type``, ``fields.*`` for any lower-case
key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import SchemaValidator, ValidationError, core_schema

from broker.canonical import loads
from broker.model.sharing import Breach

_UUID: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_TEXT: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_STEP: Final = re.compile(r"([^.\[\]]+)(?:\[([^\[\]]*)\])?")

# Shapes whose every possible value is harmless, so nothing can hide in them. A UUID
# could be made from a value; that it was not is checked where the id is recomputed.
_CLOSED: Final = {
    "uuid": rf"^{_UUID}$",
    "stix-id": rf"^[a-z0-9-]{{2,40}}--{_UUID}$",
    "timestamp": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$",
    "day": r"^\d{4}-\d{2}-\d{2}$",
    "digit": r"^\d$",
}


@dataclass(slots=True)
class _Node:
    """One step of a path while the tree of allowed paths grows."""

    shape: str = ""
    keys: dict[str, _Node] = field(default_factory=dict)
    items: _Node | None = None
    by_type: dict[str, _Node] = field(default_factory=dict)


class UnknownShapeError(ValueError):
    """A guardrail names a shape that does not exist, or a path that cannot be."""


def shape_names() -> tuple[str, ...]:
    """Return the names of all shapes that a guardrail may use."""
    return (*_CLOSED, "text", "epoch", "number", "flag", "const:VALUE", "one-of:A|B")


def compile_shapes(paths: Mapping[str, str]) -> SchemaValidator:
    """Prepare the paths of a guardrail.

    Raises:
        UnknownShapeError: a path or a shape cannot be understood; says which path.
    """
    root = _Node()
    for path, shape in paths.items():
        node = root
        for step in _steps(path):
            node = _descend(node, *step)
        node.shape = shape
    return SchemaValidator(_schema(root, ""))


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


def _descend(node: _Node, key: str, bracket: str | None) -> _Node:
    node = node.keys.setdefault(key, _Node())
    if bracket is None:
        return node
    if bracket:
        return node.by_type.setdefault(bracket, _Node())
    if node.items is None:
        node.items = _Node()
    return node.items


def _schema(node: _Node, path: str) -> core_schema.CoreSchema:
    if node.by_type:
        return core_schema.list_schema(_tagged(node, path))
    if node.items is not None:
        return core_schema.list_schema(_schema(node.items, f"{path}[]"))
    if node.keys:
        if set(node.keys) == {"*"}:
            key = core_schema.str_schema(pattern=r"^[a-z0-9_.\[\]]{1,80}$")
            return core_schema.dict_schema(key, _schema(node.keys["*"], f"{path}.*"))
        return _object(node.keys, path)
    return _leaf(node.shape, path)


def _tagged(node: _Node, path: str) -> core_schema.CoreSchema:
    choices: dict[Any, core_schema.CoreSchema] = {}
    for kind, inner in node.by_type.items():
        inner.keys["type"] = _Node(shape=f"const:{kind}")
        choices[kind] = _object(inner.keys, f"{path}[{kind}]")
    return core_schema.tagged_union_schema(choices, discriminator="type")


def _object(keys: Mapping[str, _Node], path: str) -> core_schema.CoreSchema:
    return core_schema.typed_dict_schema(
        {
            key: core_schema.typed_dict_field(
                _schema(inner, f"{path}.{key}"), required=False
            )
            for key, inner in keys.items()
        },
        extra_behavior="forbid",
        strict=True,
    )


def _leaf(shape: str, path: str) -> core_schema.CoreSchema:
    if shape in _CLOSED:
        return core_schema.str_schema(pattern=_CLOSED[shape], strict=True)
    name, _, rest = shape.partition(":")
    match name:
        case "text":
            return core_schema.str_schema(strict=True)
        case "epoch":
            return core_schema.str_schema(pattern=r"^\d{9,10}$", strict=True)
        case "number":
            # Small enough that no account or personal number fits in.
            return core_schema.int_schema(ge=0, le=999_999, strict=True)
        case "flag":
            return core_schema.bool_schema(strict=True)
        case "const" if rest:
            return core_schema.literal_schema([rest])
        case "one-of" if rest:
            return core_schema.literal_schema(rest.split("|"))
    raise UnknownShapeError(f"{path.lstrip('.')} has an unknown shape {shape!r}")


def read(
    shapes: SchemaValidator, body: bytes
) -> tuple[Any, set[str], tuple[Breach, ...]]:
    """Read a document; return it, the texts in it, and where it is not as allowed."""
    try:
        document = shapes.validate_json(body)
    except ValidationError as error:
        found = error.errors(
            include_url=False, include_context=False, include_input=False
        )
        breaches = {_breach(item["type"], item["loc"]): None for item in found}
        return None, set(), tuple(breaches)
    return document, _texts(body.decode()), ()


def _texts(document: str) -> set[str]:
    """Return every line of every text in a JSON document, keys included.

    Faster than walking the document, and it cannot overlook a branch.
    """
    lines, quotes = document.count("\\n"), document.count('\\"')
    if "\\\\" not in document and document.count("\\") == lines + quotes:
        # No other escapes: what stands between quotes is the text. A quote within one
        # is read as an apostrophe, as `fold` reads it in the values too.
        plain = document.replace('\\"', "'").replace("\\n", '""')
        return set(plain.split('"')[1::2])
    found = [loads(text.encode()) for text in set(_TEXT.findall(document))]
    return {line for text in found for line in text.split("\n")}


def _breach(kind: str, place: tuple[int | str, ...]) -> Breach:
    # A key that is not allowed may itself be a value: it is not repeated.
    known = place[:-1] if kind == "extra_forbidden" else place
    path = ".".join("[]" if isinstance(step, int) else step for step in known)
    rule = "not-allowed" if kind == "extra_forbidden" else "wrong-shape"
    return Breach(rule, path.replace(".[]", "[]"))
