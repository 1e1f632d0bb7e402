"""Tripwires: texts that must never leave, whatever any policy says.

Laid-open text of a document -> which tripwires it touches. A guardrail names those that
count for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

# Not the digits within an IBAN, a hash or a longer number.
_CARD: Final = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])")
_KEY: Final = re.compile(r"-----begin [a-z0-9 ]*private key-----")
# Read as "password=..." or "password: ...", in the languages of the region.
_PASSWORD: Final = re.compile(
    r"\b(?:password|passwd|pwd|fjalekalimi|lozinka|sifra)\s*[=:]\s*\S{4,}"
)


def _payment_card(text: str) -> bool:
    # A card number has 13 digits at least.
    return len(text) > 12 and any(_luhn(found) for found in _CARD.findall(text))


def _luhn(text: str) -> bool:
    """Say whether digits can be a card number.

    Source of the check digit: ISO/IEC 7812-1, annex B.
    """
    digits = [int(c) for c in text if c.isdigit()]
    # Every IMEI has 15 digits and such a check digit; such cards begin with 34 or 37.
    no_card = len(digits) == 15 and digits[:2] not in ([3, 4], [3, 7])
    if no_card or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


TRIPWIRES: Final[dict[str, Callable[[str], bool]]] = {
    "payment-card": _payment_card,
    "private-key": lambda text: "-----" in text and bool(_KEY.search(text)),
    "password": lambda text: (
        ("=" in text or ":" in text) and bool(_PASSWORD.search(text))
    ),
}


def tripped(text: str) -> frozenset[str]:
    """Return the names of the tripwires that a folded text touches."""
    return frozenset(name for name, touches in TRIPWIRES.items() if touches(text))
