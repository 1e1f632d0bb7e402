"""Hardware addresses of network cards (IEEE 802, EUI-48)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_MAC: Final = re.compile(
    r"(?<![\w:.-])(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}"
    r"|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})(?![\w:-])(?!\.[0-9a-f]{4}\b)"
)
_BARE: Final = re.compile(r"(?<!\w)[0-9a-f]{12}(?!\w)")
_SAID: Final = re.compile(r"\bmac\b[^\n]{0,16}$")


class MacAddress(Detector):
    """A network card: it is in one machine only."""

    name: ClassVar = "MAC address"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every address with signs in it, and bare ones where it is said."""
        for found in _MAC.finditer(reading.lower):
            yield found.span()
        for found in _BARE.finditer(reading.lower):
            if before(reading, found.start(), _SAID, reach=24):
                yield found.span()
