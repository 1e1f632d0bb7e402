"""The personal number of Kosovo, and the JMBG of older and Serbian documents.

Kosovo: ten digits; the last is 11 less the sum of the others, weighted 4 3 2 7 6 5 4 3
2, modulo 11, where 10 and 11 become 0; numbers that begin with 9 have no such digit.
(The algorithm is known from implementations; the instruction itself, MIA 06/2016, has
to be confirmed.) One number in ten has that digit by chance, so words around it must
say that it is one.

JMBG: thirteen digits that begin with a birthday, with a check digit of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, after, before
from broker.redact.scrub.reading import Reading

_TEN: Final = re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){9}(?![\w-])(?!\.\d)")
_THIRTEEN: Final = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12}(?![\w-])(?!\.\d)")
_SIGNS: Final = re.compile(r"[ -]")
_WORDS: Final = (
    r"(?:numr\w* personal\w*|nr\W{0,2}personal\w*|nr\W{0,2}i? ?leternjoftim\w*"
    r"|numr\w* (?:i|te|e) (?:leternjoftim\w*|identitet\w*|id)|leternjoftim\w*"
    r"|licn\w* (?:broj\w*|kart\w*)|maticn\w* broj\w*|jmbg\w*|br\W{0,2}lk|embg"
    r"|personal (?:id|number|no|nr)\w*|(?:national )?id (?:number|no|card|nr)\w*"
    r"|identity (?:card|number)\w*|\bn\.?p\b)"
)
_SAID: Final = re.compile(rf"\b{_WORDS}\W{{0,6}}(?:\w{{1,12}}\W{{1,4}}){{0,2}}$")
_NEAR: Final = re.compile(rf"\b{_WORDS}")
_PASSPORT: Final = re.compile(
    r"\b(?:passport|pasaport\w*|pasos\w*)\b[^\d\n]{0,24}?\b([a-z]{0,2}\d{7,9})\b"
)
# So many in one text, all with the right digit, are no chance.
_SEVERAL: Final = 3
_WEIGHTS: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2)
_JMBG_WEIGHTS: Final = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


class PersonalNumber(Detector):
    """The number under which a state knows a person."""

    name: ClassVar = "personal number"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every number that is said to be one, and every right JMBG."""
        tens = list(_TEN.finditer(reading.text))
        right = [_has_check_digit(_SIGNS.sub("", found[0])) for found in tens]
        several = len(tens) >= _SEVERAL and all(right)
        for found, is_right in zip(tens, right, strict=True):
            if (
                several
                or before(reading, found.start(), _SAID, reach=48)
                or (is_right and _is_near(reading, found))
            ):
                yield found.span()
        for found in _THIRTEEN.finditer(reading.text):
            digits = _SIGNS.sub("", found[0])
            if is_jmbg(digits) or before(reading, found.start(), _SAID, reach=48):
                yield found.span()
        for found in _PASSPORT.finditer(reading.lower):
            yield found.span(1)


def _is_near(reading: Reading, found: re.Match[str]) -> bool:
    return before(reading, found.start(), _NEAR, reach=80) or after(
        reading, found.end(), _NEAR, reach=40
    )


def _has_check_digit(digits: str) -> bool:
    if digits[0] == "9":
        return True
    total = sum(w * int(d) for w, d in zip(_WEIGHTS, digits, strict=False))
    return int(digits[9]) == (11 - total % 11) % 11 % 10


def is_jmbg(digits: str) -> bool:
    """Say whether thirteen digits are a birthday, a region and a right check digit."""
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:7])
    if not (1 <= day <= 31 and 1 <= month <= 12 and (year >= 890 or year <= 50)):
        return False
    total = sum(w * int(d) for w, d in zip(_JMBG_WEIGHTS, digits, strict=False))
    return int(digits[12]) == (11 - total % 11) % 11 % 10
