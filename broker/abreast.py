"""Take several pieces of work through their stages together.

`Way`s, each of which stops after each of its stages -> what each has come to. One after
the other would come to the same; but what a stage has just used, its code and what it
works on, is then still near the processor.

Invariant: what a way comes to does not depend on which others go beside it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

Way = Generator[None, None, T]
"""A piece of work that stops after each of its stages, and returns what it made."""


def side_by_side(ways: Mapping[K, Way[T]], width: int) -> Way[dict[K, T]]:
    """Take ways through each stage before any goes on to the next, some at a time.

    This is a way itself: it stops whenever all of these have stopped once. An error of
    one of them is an error of the whole; whose errors are its own catches them.
    """
    made: dict[K, T] = {}
    left = iter(ways.items())
    while going := dict(islice(left, width)):
        while going:
            for name, way in list(going.items()):
                try:
                    next(way)
                except StopIteration as ended:
                    made[name] = ended.value
                    del going[name]
            yield
    return {name: made[name] for name in ways}


def to_its_end(way: Way[T]) -> T:
    """Take a way through all that is left of it; return what it made."""
    with uncollected():
        while True:
            try:
                next(way)
            except StopIteration as ended:
                made: T = ended.value
                return made


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from running on the way.

    What is made there is alive together, so that it would be looked through again and
    again, for a tenth of the time. None of it is garbage: what the path makes holds no
    circles, and goes as soon as nothing needs it.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def tried(begin: Callable[[], Way[T]]) -> Way[T | Exception]:
    """Return an error of a way instead of raising it: it is no other way's error."""
    try:
        return (yield from begin())
    except Exception as error:
        return error
