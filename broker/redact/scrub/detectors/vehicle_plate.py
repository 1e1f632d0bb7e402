"""Number plates of Kosovo, and whatever is said to be a plate.

RKS: region 01 to 07, three digits, two letters (01-123-AB). Before: three digits, KS,
three digits (123-KS-456).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_PLATE: Final = re.compile(
    r"(?<![\w.-])(?:0[1-7][ -]?\d{3}[ -]?[A-Z]{2}|\d{3}[ -]?KS[ -]?\d{3})(?![\w-])"
)
# Those of neighbours could be a model or a room as well.
_OTHER: Final = re.compile(
    r"(?<![\w.-])(?:[A-Z]{2}[ -]?\d{3,5}[ -]?[A-Z]{2}"
    r"|[A-Z]{1,3}[ -]\d{3,4}[ -]?[A-Z]{0,2}"
    r"|0[1-7][ -]?\d{3}[ -]?[A-Z]{2}|\d{3}[ -]?KS[ -]?\d{3})(?![\w-])",
    re.IGNORECASE,
)
_SAID: Final = re.compile(
    r"\b(?:targ\w*|tabel\w*|tablic\w*|registarsk\w*|regjistrim\w*|plates?|registration|licen[cs]e"
    r"|vetur\w*|automjet\w*|vozil\w*)\b[^\n]{0,16}$"
)


class VehiclePlate(Detector):
    """A number plate: the register knows whose vehicle it is."""

    name: ClassVar = "plate"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield plates of Kosovo, and others where the words before say so."""
        for found in _PLATE.finditer(reading.text):
            yield found.span()
        for found in _OTHER.finditer(reading.text):
            if before(reading, found.start(), _SAID, reach=36):
                yield found.span()
