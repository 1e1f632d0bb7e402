"""Telephone numbers of Kosovo and around, as people write them.

What could be a number is validated with the numbering plans of the phonenumbers
library. Before +383 (in use since 2016) numbers in Kosovo had the codes of Serbia (+381
28, 29, 38, 39), Monaco (+377 44, 45) and Slovenia (+386 43, 49); old contacts still
carry them, and the plans of today know only some of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar, Final

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_CANDIDATE: Final = re.compile(
    r"(?<![\w@#])(?<!\d[.,:/-])(?:\+ ?|\(\+?)?\d[\d ()/.-]{4,24}\d(?![\w@])"
)
_GROUP: Final = re.compile(r"[+(]*\d+")
_NO_DIGIT: Final = re.compile(r"\D")
_LEGACY: Final = re.compile(
    r"(?:\+|00)(?:377(?:44|45)\d{6}|386(?:43|49)\d{6}|381(?:28|29|38|39)\d{5,7})"
)
# What has groups of digits and is something else.
_OTHER: Final = re.compile(
    r"\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4}(?: .*)?"  # a day
    r"|\d{4}[./-]\d{1,2}[./-]\d{1,2}(?: .*)?"
    r"|\d{1,3}(?:\.\d{1,3}){3}"  # an address
    r"|\d+\.\d+"
)
_GIVEN: Final = re.compile(
    r"\b(?:tel|tlf|telefon\w*|mob\w*|cel\w*|gsm|phone|dial|call(?:ed|s)?|fax|faks\w*|viber"
    r"|whatsapp|signal|sms|kontakt\w*|thirr\w*|pozva\w*|zva[ot]\w*|zovi\w*|broja?"
    r" telefona|numr\w* i? ?telefon\w*)\b[^\d\n]{0,12}$"
)
_NOT_ONE: Final = re.compile(
    r"\b(?:order|porosi\w*|porudzbin\w*|ticket|tiket\w*|invoice|fatur\w*|faktur\w*|ref|ser|sn|s/n|part"
    r"|reference|referenc\w*|cve|rfc|serial|serik|serij\w*|build|version\w*|verzij\w*"
    r"|case|rast\w*|lend\w*|predmet\w*|protokoll?\w*|session|sesion\w*|dosje\w*|epoch"
    r"|timestamp|unix|id|iban|account|llogari\w*|racun\w*|imei|imsi|pid|port|bytes?"
    r"|bajt\w*|lines?|rows?)\b[^\w\n]{0,4}(?:(?:no|nr|br|number|numri|broj|id)"
    r"[^\w\n]{0,3})?$"
)
_REACH: Final = 28
_SHORTEST_ABROAD: Final = 9
_LOOSE: Final = 4
_REGIONS: Final = ("XK", "AL", "RS", "MK", "ME")


class PhoneNumber(Detector):
    """A telephone: somebody can be reached, and asked for at the operator."""

    name: ClassVar = "phone number"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every number; neighbours such as a year are cut away from it."""
        for found in _CANDIDATE.finditer(reading.text):
            yield from _within(reading, found)


def _within(reading: Reading, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    text, offset = found[0], found.start()
    groups = [group.span() for group in _GROUP.finditer(text)]
    given = before(reading, offset, _GIVEN, reach=_REACH)
    doubtful = before(reading, offset, _NOT_ONE, reach=_REACH)
    first = loose = 0
    # A year or a count before a number is no part of it; a long number that happens to
    # end like a telephone's is another thing.
    while first < len(groups) and loose <= _LOOSE:
        for last in range(min(len(groups), first + 7) - 1, first - 1, -1):
            start, end = groups[first][0], groups[last][1]
            if _is_phone(text[start:end], given=given, doubtful=doubtful):
                yield offset + start, offset + end
                first, loose = last, 0
                break
        else:
            start, end = groups[first]
            loose += end - start
        first += 1


@lru_cache(maxsize=4096)
def _is_phone(written: str, *, given: bool, doubtful: bool) -> bool:
    written = written.replace("(0)", "")
    digits = _NO_DIGIT.sub("", written)
    if not 6 <= len(digits) <= 15:
        return False
    if written.lstrip("(").startswith("+"):
        return _is_international(f"+{digits}", given=True)
    if _OTHER.fullmatch(written) and not digits.startswith("0"):
        return False
    if digits.startswith("00"):
        return _is_international(f"+{digits[2:]}", given=given)
    if doubtful:
        return False
    if digits.startswith("0"):
        # Without any separation it must be a number of Kosovo itself.
        regions = _REGIONS if given or digits != written else _REGIONS[:1]
        return any(_is_valid(digits, region) for region in regions)
    return given and (_is_valid(digits, "XK") or len(digits) >= 7)


def _is_international(digits: str, *, given: bool) -> bool:
    if _LEGACY.fullmatch(digits) or _is_valid(digits, None):
        return True
    return given and len(digits) > _SHORTEST_ABROAD


def _is_valid(digits: str, region: str | None) -> bool:
    # Not before it is needed: its tables are a tenth of all that a command imports.
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False
