"""Waiting for what happens by itself in another thread, process or server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(found: Callable[[], T], seconds: float = 120) -> T:
    """Ask until something is found or the time is up; return the last answer.

    The deadline is for what never happens. It says nothing of how fast it should be.
    """
    deadline = time.monotonic() + seconds
    while not (there := found()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return there
