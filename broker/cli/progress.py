"""A bar for what takes long, where somebody looks.

Work that tells how far it is -> a line on standard error that is gone when it ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from broker.cli import terminal

Tell: TypeAlias = Callable[[str, int, int], None]
"""Told what is done just now, how much of it is done, and how much there is."""


def is_watched() -> bool:
    """Say whether a person sees both the result and what is said beside it."""
    return sys.stdout.isatty() and sys.stderr.isatty()


@contextmanager
def bar(*, shown: bool) -> Iterator[Tell]:
    """Give the way to tell how far something is; unless ``shown``, nobody is told."""
    if not shown:
        yield lambda _what, _done, _of: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=terminal.stderr(),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)

        def tell(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of or None)

        yield tell
