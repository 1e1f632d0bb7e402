"""The error tree is drawn as it is."""

from __future__ import annotations

import re
import types

from broker import errors
from broker.errors import BesaError


def drawn() -> dict[str, str]:
    """Return each error in the drawing with its parent, read from the indentation."""
    parents: dict[str, str] = {}
    open_branches: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^[ |]*(?:'-|\|-)? ?([A-Z][A-Za-z]+)(?:\s|$)", line)
        if found is None or not hasattr(errors, found[1]):
            continue
        depth = found.start(1)
        open_branches = [(at, name) for at, name in open_branches if at < depth]
        parents[found[1]] = open_branches[-1][1] if open_branches else "Exception"
        open_branches.append((depth, found[1]))
    return parents


def defined(module: types.ModuleType) -> dict[str, str]:
    """Return each error class of a module with the name of its parent class."""
    return {
        name: thing.__bases__[0].__name__
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, BesaError)
    }


def test_every_error_is_in_the_drawing_under_its_parent() -> None:
    """The tree in the docstring of `broker.errors` is the tree of the classes."""
    assert defined(errors) == drawn()


def test_every_error_says_what_it_means() -> None:
    """Each error class has a docstring of its own."""
    assert [] == [
        name for name in defined(errors) if not vars(getattr(errors, name))["__doc__"]
    ]
