"""Make mutants of a module: each one small change that a test should notice.

Source -> mutants, each with the line it changed and the words for it. What is only read
by people or by the type checker (docstrings, annotations) is left alone.

Invariant: what is not changed keeps its place, so that a line of a mutant is a line of
the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COUNTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change."""

    number: int  # among those of its module
    line: int
    change: str
    place: Place
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change is: the lines of its statement, and those of its function."""

    statement: range
    function: range
    name: str  # of the function and its class; empty where it is in none


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its lines.

    All share one tree: each is to be compiled before the next is asked for.
    """
    tree = ast.parse(source)
    unread = _annotations(tree)
    places = dict(_places(tree, Place(range(0), range(0), "")))
    number = 0
    for node in list(ast.walk(tree)):
        if id(node) in unread:
            continue
        kept, before = dict(node.__dict__), None
        for kind in range(_kinds(node)):
            before = before or ast.unparse(node)
            sort = type(node)
            _change(node, kind)
            after = ast.unparse(node)
            if before != after:
                said = f"{_short(before)} -> {_short(after)}"
                ast.fix_missing_locations(tree)
                line = kept.get("lineno", 0)
                yield Mutant(number, line, said, places[id(node)], tree)
                number += 1
            node.__class__ = sort
            node.__dict__.clear()
            node.__dict__.update(kept)


def _places(node: ast.AST, place: Place) -> Iterator[tuple[int, Place]]:
    """Yield where each node stands, by its id."""
    for part in ast.iter_child_nodes(node):
        inner = place
        if isinstance(part, ast.stmt):
            inner = replace(place, statement=_own_lines(part))
        yield id(part), inner
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            named = f"{place.name}.{part.name}".lstrip(".")
            inner = replace(inner, name=named)
            if isinstance(part, ast.FunctionDef):
                inner = replace(inner, function=_lines(part))
        yield from _places(part, inner)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _own_lines(node: ast.stmt) -> range:
    """Return the lines of a statement without those of the statements in it."""
    body = getattr(node, "body", None)
    if not body:
        return _lines(node)
    return range(node.lineno, max(node.lineno + 1, body[0].lineno))


def _annotations(tree: ast.AST) -> set[int]:
    """Return what only the type checker reads."""
    written = [
        getattr(node, name, None)
        for node in ast.walk(tree)
        for name in ("annotation", "returns")
    ]
    return {id(each) for one in written if one for each in ast.walk(one)}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _kinds(node: ast.AST) -> int:
    """Return in how many ways a node can be changed."""
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            return 2
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            return 1
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return 1
        case ast.BinOp(op=op) if type(op) in _COUNTED:
            return 1
        case ast.Constant(value=bool() | int()):
            return 1
        case (
            ast.Return(value=ast.expr()) | ast.Expr(value=ast.Yield() | ast.YieldFrom())
        ):
            return 1
        case ast.Continue() | ast.Break():
            return 1
    return 0


def _change(node: ast.AST, kind: int) -> None:
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            node.test = ast.Constant(bool(kind))
        case ast.Compare(ops=[op]):
            node.ops = [_COMPARED[type(op)]()]
        case ast.BoolOp():
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        case ast.UnaryOp():
            node.op = ast.Not()
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
        case ast.BinOp(op=op):
            node.op = _COUNTED[type(op)]()
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() as value):
            node.value = value + 1
        case ast.Return() | ast.Expr():
            node.value = ast.Constant(None)
        case ast.Continue() | ast.Break():
            node.__class__ = ast.Pass  # type: ignore[assignment]
