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

# Where a card number may stand. A set of ASCII letters is looked for at a third of the
# price of digits of all scripts.
_DIGITS: Final = re.compile(r"[0-9 -]{13,}")
_SHORTEST_CARD: Final = 13
_ANY_DIGITS: Final = re.compile(r"[\d -]{13,}")


def _payment_card(text: str) -> bool:
    digits = _DIGITS if text.isascii() else _ANY_DIGITS
    return any(
        _luhn(card)
        for run in digits.finditer(text)
        if len(run[0].replace(" ", "").replace("-", "")) >= _SHORTEST_CARD
        for card in _CARD.findall(text[max(run.start() - 1, 0) : run.end() + 1])
    )


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


def _private_key(text: str) -> bool:
    return "-----" in text and _KEY.search(text) is not None


def _password(text: str) -> bool:
    # The words first: looking for each is cheap, the whole pattern is not.
    if not ("=" in text or ":" in text):
        return False
    named = (
        "passw" in text
        or "pwd" in text
        or "fjalekalimi" in text
        or "lozinka" in text
        or "sifra" in text
    )
    return named and _PASSWORD.search(text) is not None


TRIPWIRES: Final[dict[str, Callable[[str], bool]]] = {
    "payment-card": _payment_card,
    "private-key": _private_key,
    "password": _password,
}

_NONE: Final = frozenset[str]()


def tripped(text: str) -> frozenset[str]:
    """Return the names of the tripwires that a folded text touches."""
    touched = [name for name, touches in TRIPWIRES.items() if touches(text)]
    return frozenset(touched) if touched else _NONE
