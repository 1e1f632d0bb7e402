"""Work that a second process does while this one goes on.

A function without arguments -> a function that waits for what it returns. The second
process is a copy of this one, so that the work sees all that was made before.

Invariants: the result is the same as if the work had been done here, and it is done
here whenever the copy cannot be made or does not finish; no copy outlives the `with`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Begin work that changes nothing, and yield what waits for its result.

    An error of the work is raised there, because it is then done once more, here.
    """
    reader, writer = os.pipe()
    child = _copy()
    if child == 0:
        os.close(reader)
        _give(work, writer)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a pipe has no path
        if child is None:
            yield work
            return
        ended: list[int] = []

        def result() -> T:
            data = pipe.read()
            ended.append(os.waitpid(child, 0)[1])
            if ended != [0]:
                return work()
            made: T = pickle.loads(data)  # noqa: S301 - by ourselves, a moment ago
            return made

        try:
            yield result
        finally:
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _copy() -> int | None:
    """Return the number of a copy of this process, 0 within it; None for no copy.

    With one processor it would win nothing, and beside other threads it might wait for
    ever for what one of them held.
    """
    if (os.cpu_count() or 1) < 2 or threading.active_count() > 1:
        return None
    try:
        return os.fork()
    except OSError:
        return None


def _give(work: Callable[[], object], writer: int) -> NoReturn:
    """Do the work within the copy, hand the result over, and end without a word."""
    code = 1
    try:
        with contextlib.suppress(BaseException), open(writer, "wb") as pipe:
            pickle.dump(work(), pipe, pickle.HIGHEST_PROTOCOL)
            pipe.flush()
            code = 0
    finally:
        os._exit(code)
