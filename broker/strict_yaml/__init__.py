"""Policy and mapping files, read so that nothing in them can mean two things.

Bytes of one YAML file -> `Document` (values that know their line) -> a typed model.

YAML guesses: it takes ``NO`` for false, ``12:30`` for a number of seconds and the
second of two equal keys for the truth. A policy must not be guessed at, so only these
exist: one document per file, texts, whole decimal numbers, ``true``, ``false``,
``null``, lists and mappings. Anchors, aliases, tags, merge keys, directives, tabs and
characters that a reader cannot see are errors.

Invariant: every problem is reported with its file, line and column.
"""

from __future__ import annotations

from broker.strict_yaml.document import Document, Parse, Path
from broker.strict_yaml.ending import unfinished
from broker.strict_yaml.loading import load, nearest


def parse(file: str, data: bytes) -> Document:
    """Read one file.

    Args:
        file: the name that problems are reported under.
        data: its bytes.

    Raises:
        RulebookError: it cannot be read without guessing; carries every problem found,
            or the first one where nothing after it can be trusted.
    """
    # Whoever has the documents already, as half of `besa check` has, reads no YAML.
    from broker.strict_yaml import reading

    return reading.parse(file, data)


__all__ = ["Document", "Parse", "Path", "load", "nearest", "parse", "unfinished"]
