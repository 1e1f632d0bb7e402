"""Places on the earth, in degrees: decimal, or with minutes and seconds.

Four decimals are eleven metres; two numbers with fewer are taken for a place only where
words say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_LAT: Final = r"[+-]?(?:[0-8]?\d|90)\.\d"
_LON: Final = r"[+-]?(?:1[0-7]\d|0?\d?\d|180)\.\d"
_FINE: Final = re.compile(
    rf"(?<![\w.,]){_LAT}{{4,12}}°?(?: ?[NSns])?(?: ?[,;/] ?| ){_LON}{{4,12}}°?"
    r"(?: ?[EWew](?!\w))?(?!\d)"
)
_COARSE: Final = re.compile(
    rf"(?<![\w.,]){_LAT}{{1,12}}°?(?: ?[NSns])?(?: ?[,;/] ?| ){_LON}{{1,12}}°?"
    r"(?: ?[EWew](?!\w))?(?!\d)"
)
# Europe, where four decimals by themselves are taken for a place.
_SOUTH, _NORTH, _WEST, _EAST = 34.0, 72.0, -25.0, 45.0
_NUMBER: Final = re.compile(r"[+-]?\d+\.\d+")
_LETTERS: Final = re.compile(
    rf"(?<![\w.,])(?:{_LAT}{{1,12}} ?°? ?[ns][ ,;/]{{1,3}}{_LON}{{1,12}} ?°? ?[ew]"
    r"|[ns] ?\d{1,2}[ °]{1,2}\d{1,2}\.\d{1,5}'?[ ,;/]{1,3}[ew] ?\d{1,3}[ °]{1,2}"
    r"\d{1,2}\.\d{1,5}'?)(?!\w)"
)
_NAMED: Final = re.compile(
    r"\blat(?:itude)?[\"']? ?[=:] ?[\"']?[+-]?\d{1,2}\.\d{2,12}[\"']?[^\w+-]{1,4}"
    r"(?:lon|lng|long|longitude)[\"']? ?[=:] ?[\"']?[+-]?\d{1,3}\.\d{2,12}"
)
_HALF: Final = (
    r"\d{1,3} ?° ?\d{1,2}(?:\.\d{1,4})? ?'{1,2} ?"
    r"(?:\d{1,2}(?:\.\d{1,4})? ?(?:\"|'') ?)?"
)
_MINUTES: Final = re.compile(
    rf"(?<![\w.]){_HALF}[NSns]?[ ,]{{0,3}}{_HALF}[EWew]?(?![\w])"
)
_SAID: Final = re.compile(
    r"(?:\b(?:koordinat\w*|coordinat\w*|gps|lokacion\w*|lokacij\w*|location|position"
    r"|pozicion\w*|pozicij\w*)\b|geo:|[?&@](?:q|ll)?=?)[^\d\n+-]{0,16}$"
)


class Coordinates(Detector):
    """A place, often a home."""

    name: ClassVar = "coordinates"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every pair of degrees."""
        for found in _FINE.finditer(reading.lower):
            north, east = map(float, _NUMBER.findall(found[0])[:2])
            if _SOUTH <= north <= _NORTH and _WEST <= east <= _EAST:
                yield found.span()
        for pattern in (_NAMED, _MINUTES, _LETTERS):
            for found in pattern.finditer(reading.lower):
                yield found.span()
        for found in _COARSE.finditer(reading.lower):
            if before(reading, found.start(), _SAID, reach=32):
                yield found.span()
