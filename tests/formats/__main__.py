"""Writes what is generated from messages; see `tests.formats.shown`."""

from __future__ import annotations

import sys

from tests.formats.shown import write

if __name__ == "__main__":
    sys.stdout.write(write())
