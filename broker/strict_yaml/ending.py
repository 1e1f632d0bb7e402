"""Whether files are whole, as far as their ends tell.

Files by name -> the problems of those that may be half-written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.errors import Problem

_ADVICE: Final = "it may be half-written; a finished file ends with a line break"


def unfinished(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Return a problem for each file that does not end with its line.

    Half a policy can be a policy: with fewer clauses that withhold. A file that was cut
    off seldom ends where a line does.
    """
    return tuple(
        Problem(name, data.count(b"\n") + 1, 1, "the last line has no end", _ADVICE)
        for name, data in sorted(files.items())
        if not data.endswith(b"\n")
    )
