"""Make mutants of a module: each one small change that a test should notice.

Source -> mutants, each with the line it changed and the words for it. What is only read
by people or by the type checker (docstrings, annotations) is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
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

    line: int
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    unread = _annotations(tree)
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in unread:
            continue
        for kind in range(_kinds(node)):
            changed = deepcopy(tree)
            twin = next(
                each for at, each in enumerate(ast.walk(changed)) if at == number
            )
            before = ast.unparse(node)
            _change(twin, kind)
            after = ast.unparse(twin)
            if before != after:
                line = getattr(node, "lineno", 0)
                said = f"{_short(before)} -> {_short(after)}"
                yield Mutant(line, said, ast.unparse(changed))


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
