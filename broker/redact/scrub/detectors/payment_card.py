"""Payment cards: numbers of a card scheme with the right check digit.

Source: ISO/IEC 7812-1 (length, issuer digits, Luhn); the schemes' published ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from stdnum import luhn

from broker.redact.scrub.detectors.detector import Detector, before
from broker.redact.scrub.reading import Reading

_CANDIDATE: Final = re.compile(r"(?<![\w.-])\d(?:[ .-]?\d){11,18}(?![\w-])(?!\.\d)")
_SIGNS: Final = re.compile(r"[ .-]")
# First digits of a scheme, and the lengths that its numbers have.
_SCHEMES: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12,14}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11,13}"  # Diners
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}"  # Discover
    r"|35\d{14}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50|5[6-9]|6\d)\d{10,17}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
    r"|9891\d{12}"  # Dina
)
_GIVEN: Final = re.compile(
    r"\b(?:card|kart\w*|visa|mastercard|maestro|pan|karic\w*|credit|debit)\b[^\d\n]{0,20}$"
)


class PaymentCard(Detector):
    """A card: money can be taken with it, and its bank knows whose it is."""

    name: ClassVar = "card number"

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield every card number, however it is grouped."""
        for found in _CANDIDATE.finditer(reading.text):
            digits = _SIGNS.sub("", found[0])
            if not _SCHEMES.fullmatch(digits):
                continue
            given = before(reading, found.start(), _GIVEN, reach=40)
            # A number that only some schemes of cards could have needs another hint.
            common = (
                digits[0] in "45" or digits[:2] in ("34", "37") or len(digits) == 16
            )
            if given or (common and luhn.is_valid(digits)):
                yield found.span()
