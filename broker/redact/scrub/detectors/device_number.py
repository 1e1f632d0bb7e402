"""Numbers of telephones and SIM cards: IMEI and IMSI.

IMEI: 3GPP TS 23.003, 6.2 (fifteen digits, Luhn; sixteen with the software version).
IMSI: 3GPP TS 23.003, 2.2 (country, network, subscriber); the countries are those of
ITU-T E.212: 221 Kosovo, 276 Albania, 220 Serbia, 294 North Macedonia, 297 Montenegro.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from stdnum import luhn

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_CANDIDATE: Final = re.compile(r"(?<![\w.-])\d(?:[ /-]?\d){13,15}(?![\w-])(?!\.\d)")
_SIGNS: Final = re.compile(r"[ /-]")
_SAID: Final = re.compile(r"\b(?:imei|imeisv|imsi|sim)\b[^\d\n]{0,24}$")
# Who gives out type codes (GSMA TS.06): the first two digits.
_ISSUERS: Final = ("01", "35", "86", "91", "98", "99")
_COUNTRIES: Final = ("221", "276", "220", "294", "297")


class DeviceNumber(Detector):
    """A telephone or a SIM card: the operator knows who uses it."""

    name: ClassVar = "device number"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every IMEI, every IMSI of the region, and what is said to be one."""
        for found in _CANDIDATE.finditer(reading.text):
            digits = _SIGNS.sub("", found[0])
            if (
                before(reading, found.start(), _SAID, reach=36)
                or (len(digits) == 15 and digits[:3] in _COUNTRIES)
                or (
                    len(digits) == 15
                    and digits[:2] in _ISSUERS
                    and luhn.is_valid(digits)
                )
            ):
                yield found.span()
