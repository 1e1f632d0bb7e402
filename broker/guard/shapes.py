"""The allowed shape of a whole document, checked in one pass over its bytes.

The paths of a guardrail -> a reader that parses the exact outgoing bytes with a parser
of its own (not the one that wrote them), refuses whatever is not named, and collects
every text in which a value could hide.

Path syntax: ``a.b`` for objects, ``a[].b`` for lists, ``objects[indicator].pattern``
for lists whose items are told apart by their ``type``, ``fields.*`` for any lower-case
key.

Invariant: what is read is either checked against a closed shape or collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from broker.guard.accept import (
    Accept,
    Objects,
    Shaped,
    accepted,
    each_by_type,
    each_of,
    is_flag,
)
from broker.model.sharing import Breach

_UUID: Final = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_STEP: Final = re.compile(r"([^.\[\]]+)(?:\[([^\[\]]*)\])?")

# Shapes whose every possible value is harmless, so nothing can hide in them. A UUID
# could be made from a value; that it was not is checked where the id is recomputed.
_CLOSED: Final = {
    "uuid": re.compile(_UUID),
    "stix-id": re.compile(rf"[a-z][a-z0-9-]{{1,40}}--{_UUID}"),
    "timestamp": re.compile(
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z", re.ASCII
    ),
    "day": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "digit": re.compile(r"\d", re.ASCII),
}
# Ten digits can be a personal number: an epoch is checked and collected as well.
# One document has one moment, written forty times.
_is_epoch: Final = lru_cache(maxsize=64)(re.compile(r"\d{9,10}", re.ASCII).fullmatch)
_ANY_KEY: Final = re.compile(r"[a-z0-9_.\[\]]{1,80}")
# Small enough that no account or personal number fits in.
_LARGEST: Final = 999_999

Check = Callable[[Any, list[str]], None]
Test = Callable[[str], object]  # says whether a text is of a closed shape


class UnknownShapeError(ValueError):
    """A guardrail names a shape that does not exist, or a path that cannot be."""


class _NotAllowed(Exception):  # noqa: N818 - internal, carries the place outwards
    def __init__(self, rule: str, *steps: str) -> None:
        self.rule = rule
        self.steps = list(steps)  # from the inside out


def shape_names() -> tuple[str, ...]:
    """Return the names of all shapes that a guardrail may use."""
    open_ = ("text", "epoch", "number", "flag", "value")
    return (*_CLOSED, *open_, "const:VALUE", "one-of:A|B")


def read(check: Check, body: bytes) -> tuple[Any, list[str], tuple[Breach, ...]]:
    """Read a document; return it, the texts in it, and where it is not as allowed."""
    texts: list[str] = []
    try:
        # Few values are there twice, so only the keys are worth remembering.
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return None, texts, (Breach("not-json", ""),)
    try:
        check(document, texts)
    except _NotAllowed as found:
        path = "".join(reversed(found.steps)).lstrip(".")
        return None, texts, (Breach(found.rule, path),)
    return document, texts, ()


@dataclass(slots=True)
class _Node:
    """One step of a path while the tree of allowed paths grows."""

    shape: str = ""
    keys: dict[str, _Node] = field(default_factory=dict)
    items: _Node | None = None
    by_type: dict[str, _Node] = field(default_factory=dict)

    @property
    def is_leaf(self) -> bool:
        return not (self.keys or self.items or self.by_type)

    @property
    def is_object(self) -> bool:
        """Whether it is an object of which each key is named."""
        named = bool(self.keys) and set(self.keys) != {"*"}
        return named and self.items is None and not self.by_type


def compile_shapes(paths: Mapping[str, str]) -> Check:
    """Prepare the paths of a guardrail.

    Nearly every document is as allowed, and a quick look says so. Whatever that look
    does not accept, the exact check decides.

    Raises:
        UnknownShapeError: a path or a shape cannot be understood; says which path.
    """
    exact = exact_shapes(paths)
    quick = _quick(_tree(paths))

    def check(value: Any, texts: list[str]) -> None:
        some: list[str] = []
        if accepted(quick, value, some):
            texts += some
        else:
            exact(value, texts)

    return check


def exact_shapes(paths: Mapping[str, str]) -> Check:
    """Return the exact check, which tells what is not as allowed, and where.

    Raises:
        UnknownShapeError: a path or a shape cannot be understood; says which path.
    """
    return _check(_tree(paths), "")


def _tree(paths: Mapping[str, str]) -> _Node:
    """Return the tree of allowed paths."""
    root = _Node()
    for path, shape in paths.items():
        node = root
        for step in _steps(path):
            node = _descend(node, *step)
        node.shape = shape
    return root


def _quick(node: _Node) -> Accept:
    """Return what accepts most values that the exact check of a node accepts."""
    if node.by_type:
        return each_by_type(
            {kind: _quick(_of_type(kind, one)) for kind, one in node.by_type.items()}
        )
    if node.items is not None:
        if node.items.is_object:
            return _objects(node.items).accept_all
        return each_of(_quick(node.items))
    if node.is_object:
        return _objects(node).accept
    exact = _check(node, "")

    def accept(value: Any, texts: list[str], uuids: list[str]) -> bool:  # noqa: ARG001
        try:
            exact(value, texts)
        except _NotAllowed:
            return False
        return True

    return accept


def _objects(node: _Node) -> Objects:
    return Objects({key: _shaped(inner) for key, inner in node.keys.items()})


def _shaped(node: _Node) -> Shaped:
    if not node.is_leaf:
        return Shaped(inner=_quick(node))
    name, _, rest = node.shape.partition(":")
    if name in ("const", "one-of") and rest:
        return Shaped(words=frozenset(rest.split("|")))
    match node.shape:
        case "uuid":
            return Shaped(uuid=True)
        case "text":
            return Shaped(text=True)
        case "flag":
            return Shaped(test=is_flag)
        case "epoch":
            return Shaped(epoch=True, test=_is_epoch)
    test = _closed(node.shape)
    return Shaped(inner=_quick(node)) if test is None else Shaped(test=test)


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


def _check(node: _Node, path: str) -> Check:
    if node.by_type:
        return _list(_by_type(node, path))
    if node.items is not None:
        return _list(_check(node.items, f"{path}[]"))
    if set(node.keys) == {"*"}:
        return _any_keys(_check(node.keys["*"], f"{path}.*"))
    if node.keys:
        return _object(node.keys, path)
    return _leaf(node.shape, path.lstrip("."))


def _object(nodes: Mapping[str, _Node], path: str) -> Check:
    # Most of a document are closed shapes: these are tested right here, by one call
    # into C each. What else there is has a rule.
    tests: dict[str, Test] = {}
    rules: dict[str, Check] = {}
    for key, node in nodes.items():
        test = _closed(node.shape) if node.is_leaf else None
        if test is not None:
            tests[key] = test
        else:
            rules[key] = _check(node, f"{path}.{key}")

    def check(value: Any, texts: list[str]) -> None:
        if type(value) is not dict:
            raise _NotAllowed("wrong-shape")
        for key, inner in value.items():
            test = tests.get(key)
            if test is not None:
                if type(inner) is str and test(inner):
                    continue
                raise _NotAllowed("wrong-shape", f".{key}")
            rule = rules.get(key)
            if type(inner) is str and (
                rule is _text or (rule is _epoch and _is_epoch(inner))
            ):
                texts.append(inner)
                continue
            if rule is _flag and type(inner) is bool:
                continue
            if rule is None:
                # The key may itself be a value: it is not repeated.
                raise _NotAllowed("not-allowed")
            try:
                rule(inner, texts)
            except _NotAllowed as found:
                found.steps.append(f".{key}")
                raise

    return check


def _any_keys(inner: Check) -> Check:
    def check(value: Any, texts: list[str]) -> None:
        if type(value) is not dict:
            raise _NotAllowed("wrong-shape")
        for key, item in value.items():
            if not _ANY_KEY.fullmatch(key):
                raise _NotAllowed("not-allowed")
            texts.append(key)
            inner(item, texts)

    return check


def _list(inner: Check) -> Check:
    def check(value: Any, texts: list[str]) -> None:
        if type(value) is not list:
            raise _NotAllowed("wrong-shape")
        try:
            for item in value:
                inner(item, texts)
        except _NotAllowed as found:
            found.steps.append("[]")
            raise

    return check


def _by_type(node: _Node, path: str) -> Check:
    checks: dict[str, Check] = {}
    for kind, inner in node.by_type.items():
        checks[kind] = _check(_of_type(kind, inner), f"{path}[{kind}]")

    def check(value: Any, texts: list[str]) -> None:
        chosen = checks.get(value.get("type", "")) if type(value) is dict else None
        if chosen is None:
            raise _NotAllowed("not-allowed")
        chosen(value, texts)

    return check


def _of_type(kind: str, node: _Node) -> _Node:
    """Return what an object of a type may have, the type itself among it."""
    node.keys["type"] = _Node(shape=f"const:{kind}")
    return node


def _closed(shape: str) -> Test | None:
    """Return the test of a shape in which nothing can hide, if it is one."""
    name, _, rest = shape.partition(":")
    if name in ("const", "one-of") and rest:
        return frozenset(rest.split("|")).__contains__
    pattern = _CLOSED.get(shape)
    return pattern.fullmatch if pattern else None


def _leaf(shape: str, path: str) -> Check:
    match shape.partition(":")[0]:
        case "text":
            return _text
        case "epoch":
            return _epoch
        case "number":
            return _number
        case "flag":
            return _flag
        case "value":
            return _value
    test = _closed(shape)
    if test is None:
        raise UnknownShapeError(f"{path} has an unknown shape {shape!r}")
    return _matching(test)


def _matching(test: Test) -> Check:
    def check(value: Any, texts: list[str]) -> None:  # noqa: ARG001
        if type(value) is not str or not test(value):
            raise _NotAllowed("wrong-shape")

    return check


def _text(value: Any, texts: list[str]) -> None:
    if type(value) is not str:
        raise _NotAllowed("wrong-shape")
    texts.append(value)


def _epoch(value: Any, texts: list[str]) -> None:
    if type(value) is not str or not _is_epoch(value):
        raise _NotAllowed("wrong-shape")
    texts.append(value)


def _number(value: Any, texts: list[str]) -> None:  # noqa: ARG001
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise _NotAllowed("wrong-shape")


def _flag(value: Any, texts: list[str]) -> None:  # noqa: ARG001
    if type(value) is not bool:
        raise _NotAllowed("wrong-shape")


def _value(value: Any, texts: list[str]) -> None:
    """Take a text, a list of texts, a number or a flag: one field of an incident."""
    if type(value) is list:
        for each in value:
            _text(each, texts)
    elif type(value) is str:
        texts.append(value)
    elif type(value) is int:
        _number(value, texts)
    else:
        _flag(value, texts)
