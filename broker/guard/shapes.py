"""Check a whole document against the paths that its guardrail allows.

The exact outgoing bytes -> the document and the texts in which a value could hide, or
what is wrong with it, and where.

Nearly every document is as allowed, and `typed` reads it at once. Whatever it does not
read is looked at here value by value, by a parser that did not write it either.

Invariant: what is read is either checked against a closed shape or collected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from pydantic_core import from_json

from broker.canonical import dumps
from broker.errors import GuardError
from broker.guard.paths import (
    ANY_KEY,
    CLOSED,
    EPOCH,
    LARGEST,
    Node,
    UnknownShapeError,
    of_type,
    tree,
    words_of,
)
from broker.guard.typed import Typed
from broker.model.sharing import Breach

_Check = Callable[[Any, list[str]], None]
"""Takes a value and a list for the texts in it; raises where it is not as allowed."""


class _NotAllowed(Exception):  # noqa: N818 - internal, carries the place outwards
    def __init__(self, rule: str, *steps: str) -> None:
        self.rule = rule
        self.steps = list(steps)  # from the inside out


class Read(NamedTuple):
    """A document and the texts in it, each once; or what is wrong with it."""

    document: Any
    texts: list[str]
    breaches: tuple[Breach, ...] = ()


class Shapes:
    """The allowed paths of one guardrail, ready to read documents."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Take the paths, each with its shape.

        Raises:
            UnknownShapeError: a path or a shape cannot be understood; says which path.
        """
        self._tree = tree(paths)
        self._check = _check(self._tree, "")

    @cached_property
    def _typed(self) -> Typed:
        # Made for the first document: who only looks at a guardrail needs no types.
        return Typed(self._tree)

    def read(self, body: bytes) -> Read:
        """Return a document and its texts, or where it is not as allowed.

        An object of the document has its keys as attributes, as far as these can be
        named so; one that is absent is none.

        Raises:
            GuardError: only one of two looks finds something wrong with it; then it
                must not leave.
        """
        known = self._typed.read(body)
        if known is not None:
            return Read(*known)
        exact = self.read_exactly(body)
        if not exact.breaches:
            raise GuardError("two looks at the shape of a document do not agree")
        return exact

    def read_exactly(self, body: bytes) -> Read:
        """Return a document as dictionaries, checked value by value, and its texts.

        This takes longer, and tells what is not as allowed, and where.
        """
        texts: list[str] = []
        try:
            document = from_json(body, allow_inf_nan=False)
            self._check(document, texts)
        except ValueError:
            return _refused("not-json")
        except _NotAllowed as found:
            return _refused(found.rule, "".join(reversed(found.steps)).lstrip("."))
        if dumps(document) != body:
            # Two keys of one name, or blanks: something would be read differently
            # elsewhere.
            return _refused("not-canonical")
        return Read(document, list(dict.fromkeys(texts)))


def _refused(rule: str, path: str = "") -> Read:
    return Read(None, [], (Breach(rule, path),))


def _check(node: Node, path: str) -> _Check:
    if node.by_type:
        return _list(_by_type(node, path))
    if node.items is not None:
        return _list(_check(node.items, f"{path}[]"))
    if set(node.keys) == {"*"}:
        return _any_keys(_check(node.keys["*"], f"{path}.*"))
    if node.keys:
        return _object(node.keys, path)
    return _leaf(node.shape, path.lstrip("."))


def _object(nodes: Mapping[str, Node], path: str) -> _Check:
    rules = {key: _check(node, f"{path}.{key}") for key, node in nodes.items()}

    def check(value: Any, texts: list[str]) -> None:
        if type(value) is not dict:
            raise _NotAllowed("wrong-shape")
        for key, inner in value.items():
            rule = rules.get(key)
            if rule is None:
                # The key may itself be a value: it is not repeated.
                raise _NotAllowed("not-allowed")
            try:
                rule(inner, texts)
            except _NotAllowed as found:
                found.steps.append(f".{key}")
                raise

    return check


def _any_keys(inner: _Check) -> _Check:
    def check(value: Any, texts: list[str]) -> None:
        if type(value) is not dict:
            raise _NotAllowed("wrong-shape")
        for key, item in value.items():
            if not ANY_KEY.fullmatch(key):
                raise _NotAllowed("not-allowed")
            texts.append(key)
            inner(item, texts)

    return check


def _list(inner: _Check) -> _Check:
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


def _by_type(node: Node, path: str) -> _Check:
    checks: dict[Any, _Check] = {}
    for kind, inner in node.by_type.items():
        checks[kind] = _check(of_type(kind, inner), f"{path}[{kind}]")

    def check(value: Any, texts: list[str]) -> None:
        kind = value.get("type") if type(value) is dict else None
        chosen = checks.get(kind) if type(kind) is str else None
        if chosen is None:
            raise _NotAllowed("not-allowed")
        chosen(value, texts)

    return check


def _leaf(shape: str, path: str) -> _Check:
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
    if words := words_of(shape):
        return _matching(frozenset(words).__contains__)
    if shape not in CLOSED:
        raise UnknownShapeError(f"{path} has an unknown shape {shape!r}")
    return _matching(CLOSED[shape].fullmatch)


def _matching(test: Callable[[str], object]) -> _Check:
    def check(value: Any, texts: list[str]) -> None:  # noqa: ARG001
        if type(value) is not str or not test(value):
            raise _NotAllowed("wrong-shape")

    return check


def _text(value: Any, texts: list[str]) -> None:
    if type(value) is not str:
        raise _NotAllowed("wrong-shape")
    texts.append(value)


def _epoch(value: Any, texts: list[str]) -> None:
    if type(value) is not str or not EPOCH.fullmatch(value):
        raise _NotAllowed("wrong-shape")
    texts.append(value)


def _number(value: Any, texts: list[str]) -> None:  # noqa: ARG001
    if type(value) is not int or not 0 <= value <= LARGEST:
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
