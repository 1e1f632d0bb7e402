"""Bank accounts: IBANs by their check digits, and numbers that are said to be one.

Source: ISO 13616 and ISO 7064, MOD 97-10; structures of countries from python-stdnum. A
Kosovo IBAN is XK, two check digits and sixteen digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar, Final

from stdnum import iban

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_CANDIDATE: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d[ -]?\d(?:[ -]{0,2}[A-Za-z0-9]){11,30}"
)
_LOCAL: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,17}(?![\w-])")
_GIVEN: Final = re.compile(
    r"\b(?:iban(?:-\w{1,3})?|account\w*|llog\.? ?bankare|llogari\w*"
    r"|xhirollogari\w*|racun\w*|ziro|konto|acc)\b"
    r"[^\d\n]{0,25}$"
)
# How long an IBAN is in each country (the registry of ISO 13616).
_LENGTHS: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_LENGTH_OF: Final = {
    country: length for length, named in _LENGTHS.items() for country in named.split()
}


class BankAccount(Detector):
    """An account: its bank knows whose it is."""

    name: ClassVar = "account number"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every IBAN, and every long number that is said to be an account."""
        text = reading.text
        place = 0
        while found := _CANDIDATE.search(text, place):
            start = found.start()
            end = _end(found[0])
            if not (end and _is_iban(found[0][:end])):
                # Mistyped, it still is somebody's: as far as its digits go.
                said = before(reading, start, _GIVEN, reach=40)
                end = (end or _digits_end(found[0])) if said else 0
            if end:
                yield start, start + end
                place = start + end
            else:
                place = start + 2
        for found in _LOCAL.finditer(text):
            if before(reading, found.start(), _GIVEN, reach=40):
                yield found.span()


@lru_cache(maxsize=1024)
def _is_iban(written: str) -> bool:
    # Which banks a country has is not asked: its registers change.
    return bool(iban.is_valid(written, check_country=False))


def _end(written: str) -> int:
    """Return where an IBAN of the country that it begins with would end, or 0."""
    length = _LENGTH_OF.get(written[:2].upper(), 0)
    places = [i + 1 for i, sign in enumerate(written) if sign not in " -"]
    if not length or length > len(places):
        return 0
    end = places[length - 1]
    return end if end == len(written) or not written[end].isalnum() else 0


def _digits_end(written: str) -> int:
    return max(i + 1 for i, sign in enumerate(written) if sign.isdigit())
