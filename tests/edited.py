"""The shipped rulebook with something changed, for tests of what a change does."""

from __future__ import annotations

from broker.prove.side import Side, side_of
from tests import world


def edited(*changes: tuple[str, str, str]) -> dict[str, bytes]:
    """Return the shipped files with texts replaced, each in one file, once."""
    files = dict(world.files())
    for name, old, new in changes:
        text = files[name].decode()
        assert old in text, (name, old)
        files[name] = text.replace(old, new, 1).encode()
    return files


def side(*changes: tuple[str, str, str]) -> Side:
    """Return the shipped rulebook with texts replaced, as the proofs see it."""
    return side_of(edited(*changes))
