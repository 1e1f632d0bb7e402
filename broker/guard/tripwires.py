"""Tripwires: texts that must never leave, whatever any policy says.

Laid-open text of a document -> which tripwires it touches. A guardrail names those that
count for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

# Not the digits within an IBAN, a hash or a longer number. A dot is part of a number
# between digits only: after the last one it ends the sentence.
_CARD: Final = re.compile(r"(?<!\w)(?<!\d\.)\d(?:[ -]?\d){12,18}(?!\w|\.\d)")
_KEY: Final = re.compile(r"-----begin [a-z0-9 ]*private key-----")
# Read as "password=..." or "password: ...", in the languages of the region.
_PASSWORD: Final = re.compile(
    r"\b(?:password|passwd|pwd|fjalekalimi|lozinka|sifra)\s*[=:]\s*\S{4,}"
)

# Every sign of a text as what it may be part of: a run of one is then found as fast as
# a word. A sign beyond ASCII is encoded as "?", and may be a digit of another script.
_IN_CARD: Final = bytes(48 if chr(c) in "0123456789 -?" else 65 for c in range(256))
_IN_NUMBER: Final = bytes(48 if 48 <= c <= 57 else 65 for c in range(256))
_SHORTEST_CARD: Final = 13
_SHORTEST_NUMBER: Final = 10


def _runs(text: str, alike: bytes, shortest: int) -> Iterator[tuple[int, int]]:
    """Yield where runs of signs that are alike as zeros begin and end."""
    # One byte for each letter, so that places stay what they are.
    signs = text.encode("ascii", "replace").translate(alike) + b"A"
    run = b"0" * shortest
    start = signs.find(run)
    while start >= 0:
        end = signs.index(b"A", start)
        yield start, end
        start = signs.find(run, end)


def _payment_card(text: str) -> bool:
    for start, end in _runs(text, _IN_CARD, _SHORTEST_CARD):
        run = text[start:end]
        # Most are dates and case numbers, or digits at the end of a longer word.
        if len(run) - run.count(" ") - run.count("-") < _SHORTEST_CARD:
            continue
        if start and run.isdecimal() and text[start - 1].isalnum():
            continue
        if any(map(_luhn, _CARD.findall(text[max(start - 2, 0) : end + 2]))):
            return True
    return False


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


# As people write beside it what the number is, in the languages of the region.
_PERSONAL: Final = re.compile(
    r"personal|leternjofti|licni|licne|maticni|identi|jmbg|(?<![^\W_])id(?![^\W_])"
)
_TEN: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{10}(?!\d|\.\d)", re.ASCII)
_THIRTEEN: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{13}(?!\d|\.\d)", re.ASCII)
_WEIGHTS: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2)
_OLD_WEIGHTS: Final = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
# How far from the number such a word may stand.
_BESIDE: Final = 60


def _personal_number(text: str) -> bool:
    """Say whether a personal number stands in a text.

    One number in ten has a fitting check digit by chance, so that a word must say what
    it is. A date of birth within the number says as much as a word.
    Source: Kosovo, weights 4 3 2 7 6 5 4 3 2 modulo 11, numbers that begin with 9 have
    no check digit (to be confirmed against Administrative Instruction 06/2016); the
    thirteen digits of the former Yugoslavia (JMBG), weights 7 to 2 twice modulo 11.
    """
    for start, end in _runs(text, _IN_NUMBER, _SHORTEST_NUMBER):
        if _TEN.match(text, start) and _has_check_digit(text[start:end]):
            around = text[max(start - _BESIDE, 0) : end + _BESIDE]
            if _PERSONAL.search(around):
                return True
        if _THIRTEEN.match(text, start) and _is_jmbg(text[start:end]):
            return True
    return False


def _has_check_digit(digits: str) -> bool:
    if digits[0] == "9":
        return True
    rest = _weighed(digits, _WEIGHTS)
    return int(digits[9]) == (0 if rest < 2 else 11 - rest)


def _is_jmbg(digits: str) -> bool:
    day, month = int(digits[:2]), int(digits[2:4])
    if not (1 <= day <= 31 and 1 <= month <= 12 and digits[4] in "09"):
        return False
    rest = _weighed(digits, _OLD_WEIGHTS)
    return rest != 1 and int(digits[12]) == (11 - rest) % 11


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    # The check digit at the end has no weight.
    pairs = zip(digits, weights, strict=False)
    return sum(int(digit) * weight for digit, weight in pairs) % 11


# How long an account number is, by country. Source: the IBAN registry of ISO 13616.
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "no", 16: "be", 18: "dk fi nl fo gl", 19: "mk si",
        20: "at ba ee kz lt lu xk",
        21: "ch hr li lv", 22: "bg de gb ge ie me rs va", 23: "ae gi il tl",
        24: "ad cz es md pk ro sa se sk tn vg", 25: "pt ao", 26: "is tr",
        27: "fr gr it mc sm", 28: "al az cy do gt hu lb pl by", 29: "br eg ps ua",
        31: "mt", 33: "ru", 30: "jo kw",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN: Final = re.compile(r"(?<!\w)[a-z]{2}\d\d(?=[ -]?[a-z0-9]{4})", re.ASCII)
_NO_IBAN: Final = re.compile("[ -]")
# Small letters and digits each as one of them.
_IN_IBAN: Final = bytes(
    97 if chr(c) in "abcdefghijklmnopqrstuvwxyz"
    else 48 if chr(c) in "0123456789"
    else 32
    for c in range(256)
)  # fmt: skip


def _ibans(text: str) -> Iterator[re.Match[str]]:
    """Yield the beginnings of account numbers: country and check digits."""
    signs = b" " + text.encode("ascii", "replace").translate(_IN_IBAN)
    start = signs.find(b" aa00")
    while start >= 0:
        if found := _IBAN.match(text, start):
            yield found
        start = signs.find(b" aa00", start + 1)


def _iban(text: str) -> bool:
    """Say whether an account number stands in a text, in one piece or in groups.

    Source of the check digits: ISO 13616 with ISO/IEC 7064, MOD 97-10.
    """
    for found in _ibans(text):
        length = _IBAN_LENGTHS.get(found[0][:2], 0)
        # In groups of four there is a sign after each of them.
        for written in (length, length + (length - 1) // 4):
            piece = text[found.start() : found.start() + written]
            after = text[found.start() + written :][:1]
            plain = _NO_IBAN.sub("", piece)
            whole = len(plain) == length and plain.isascii() and plain.isalnum()
            if length and whole and not after.isalnum() and _fits(plain):
                return True
    return False


def _fits(iban: str) -> bool:
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


TRIPWIRES: Final[dict[str, Callable[[str], bool]]] = {
    "payment-card": _payment_card,
    "private-key": _private_key,
    "password": _password,
    "personal-number": _personal_number,
    "iban": _iban,
}
