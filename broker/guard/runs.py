"""Find the runs of letters in a text that base64 or hexadecimal digits may be.

A text -> runs, each with the place where it begins.

All letters are looked at together: the text becomes one number with a byte for each
letter, whose bits tell what the letter may be. Copies of it, each moved by one letter
more, are laid upon each other, and what is left are the places where all the first
letters of a run are what they must be. Most texts have none.

Invariant: each run is found that its pattern would find in the whole text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from broker.guard.texts import SEPARATOR

# What base64 of ASCII looks like: each byte's top bit is 0, so not every letter can
# stand at each of the four places.
# Only such runs are decoded; a value with other letters is looked for encoded.
_FIRST: Final = "A-Za-f"
_SECOND: Final = "A-HQ-Xg-nw-z0-3"
_THIRD: Final = "ABEFIJMNQRUVYZcdghklopstwx014589"
_ANY: Final = "A-Za-z0-9+/_-"
_FULL: Final = f"[{_FIRST}][{_SECOND}]"
_FOUR: Final = f"{_FULL}[{_THIRD}][{_ANY}]"
# Six letters at least: four bytes, as long as the shortest name.
_BASE64: Final = re.compile(
    rf"{_FOUR}{_FULL}(?:[{_THIRD}](?:[{_ANY}](?:{_FOUR})*(?:{_FULL}[{_THIRD}]?)?)?)?"
)
_DIGIT: Final = "0-9A-Fa-f"
_HEX: Final = re.compile(rf"(?:[2-7][{_DIGIT}]|00|[Cc][3-5][89ABab][{_DIGIT}]){{3,}}")
_SIGN: Final = ": +-"
# Pairs with a sign before each: the first pair is what stands before.
_SPACED_HEX: Final = re.compile(rf"(?:[{_SIGN}][{_DIGIT}]{{2}}){{3,}}")
_PAIR: Final = re.compile(rf"[{_DIGIT}]{{2}}")
_NO_HEX: Final = re.compile(rf"[{_SIGN}]")
# At the ends of a value base64 and hex may be as short as one letter of a name.
_TOKEN: Final = re.compile(rf"[{_ANY}]{{2,}}={{0,2}}")
# What each letter of base64 stands for, also of that for URLs.
_SIX_BITS: Final = {
    letter: at % 64
    for at, letter in enumerate(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
}


def _with(*ranges: range, of: int = 64) -> str:
    """Return the letters of base64 whose last bits make a number of some ranges."""
    return "".join(
        letter
        for letter, bits in _SIX_BITS.items()
        if any(bits % of in each for each in ranges)
    )


# The first letter of base64, by what the first byte of a text can be: ASCII; of a
# letter beyond it; of UTF-16 that begins with the big end, or with its mark; the end of
# a line.
_ASCII: Final = _with(range(8, 32))
_LEAD: Final = _with(range(48, 53))
_BIG_END: Final = _with(range(2))
_MARK: Final = "/_"
_LINE_END: Final = _with(range(2, 4))
FIRST: Final = frozenset(_ASCII + _LEAD + _BIG_END + _MARK + _LINE_END)
# With the little end first the second byte is small: the second letter of base64, of
# which four bits are the upper half of that byte.
SECOND: Final = frozenset("AQgw")
# The second letter, by what the second byte can be: ASCII, the first of a letter beyond
# it, or its last. The third letter, where the third byte can be the first of a letter,
# and where it is small.
_ASCII_ON: Final = _with(range(1), range(2, 8), of=16)
_LEAD_ON: Final = _with(range(12, 14), of=16)
_TAIL: Final = _with(range(8, 12), of=16)
_NEXT: Final = _with(range(2), range(3, 4), of=4)
_SMALL: Final = _with(range(1), of=4)
# The first of two digits, by what the first byte can be. A small byte in two digits.
_HEX_FIRST: Final = "02-7C-Dc-dFf"


def _bits(*classes: str) -> bytes:
    """Return for each letter which of some classes it belongs to."""
    patterns = [re.compile(f"[{letters}]") for letters in classes]
    return bytes(
        sum(bool(pattern.match(chr(c))) << bit for bit, pattern in enumerate(patterns))
        for c in range(256)
    )


_BASE64_BITS: Final = _bits(_FIRST, _SECOND, _THIRD, _ANY)
_ENDS_BITS: Final = (
    _bits(_ANY, _ASCII, _ASCII_ON, _NEXT, _LEAD, _TAIL, _BIG_END, _SMALL),
    _bits(_MARK + _LINE_END, "AQgw", "A-X", _HEX_FIRST, _LEAD_ON, _DIGIT, "0", "0-5"),
)
_HEX_BITS: Final = _bits("2-7", _DIGIT, "0", "Cc", "3-5", "89ABab", _SIGN)


class Places:
    """Tells in which of some lines, joined by a separator, a place lies."""

    __slots__ = ("_ends", "_lines")

    def __init__(self, lines: Sequence[str]) -> None:
        """Take the lines."""
        self._lines = lines
        self._ends: list[int] = []

    def __getitem__(self, place: int) -> int:
        """Return the number of the line that has a place."""
        if not self._ends:
            # The separator after a line counts as its end.
            self._ends = list(accumulate([len(line) + 1 for line in self._lines]))
        return bisect_right(self._ends, place)

    def end(self, number: int) -> int:
        """Return the place behind a line, once any other place was asked for."""
        return self._ends[number]

    def start(self, number: int) -> int:
        """Return where a line begins, once any other place was asked for."""
        return self._ends[number - 1] if number else 0


class Runs:
    """The runs in one text."""

    __slots__ = ("_each", "_text", "letters")

    def __init__(self, text: str) -> None:
        """Take a text."""
        self._text = text
        # One byte for each letter, so that places stay what they are.
        self.letters = text.encode("ascii", "replace")
        self._each = _each(len(text))

    def base64(self) -> Iterator[tuple[int, str]]:
        """Yield runs that may be base64 of ASCII."""
        is_a = self._number(_BASE64_BITS)
        two = is_a & is_a >> 9
        yield from self._found(_BASE64, two & is_a >> 18 & is_a >> 27 & two >> 32)

    def hex(self) -> Iterator[tuple[int, str]]:
        """Yield the digits of runs of hexadecimal digits that may be text."""
        is_a = self._number(_HEX_BITS)
        # ASCII, or the NULs between letters of two bytes; and a letter beyond it.
        two = is_a & is_a >> 9 | is_a >> 2 & is_a >> 10
        four = is_a >> 3 & is_a >> 12 & is_a >> 21 & is_a >> 25
        begins = -1
        for _ in range(3):
            begins = two & begins >> 16 | four & begins >> 32
        yield from self._found(_HEX, begins)
        yield from self._spaced(is_a)

    def spaced_hex(self) -> Iterator[tuple[int, str]]:
        """Yield the digits of four pairs and more with a sign between each two."""
        yield from self._spaced(self._number(_HEX_BITS))

    def _spaced(self, is_a: int) -> Iterator[tuple[int, str]]:
        pair = is_a >> 6 & is_a >> 9 & is_a >> 17
        for start, run in self._found(_SPACED_HEX, pair & pair >> 24 & pair >> 48):
            first = self._text[max(start - 2, 0) : start]
            if _PAIR.fullmatch(first):
                yield start - 2, _NO_HEX.sub("", first + run)
            elif len(run) > 9:
                yield start, _NO_HEX.sub("", run)

    def _number(self, bits: bytes) -> int:
        """Return the text as a number: what comes later stands higher."""
        return int.from_bytes(self.letters.translate(bits), "little")

    def _found(
        self, pattern: re.Pattern[str], begins: int
    ) -> Iterator[tuple[int, str]]:
        """Yield what a pattern finds at the places where it may begin."""
        begins &= self._each
        if not begins:
            return
        places = begins.to_bytes(len(self.letters), "little")
        place = places.find(1)
        while place >= 0:
            found = pattern.match(self._text, place)
            if found:
                yield place, found[0]
            place = places.find(1, found.end() if found else place + 1)


def first_and_last(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the first and the last run of each text where it may mean something.

    There a half may be written that is no longer than a letter or two.
    """
    # A run ends at the end of the last text as well: there stands what is no letter.
    joined = SEPARATOR.join((*texts, SEPARATOR, ""))
    letters = joined.encode("ascii", "replace")
    is_a, has = (int.from_bytes(letters.translate(b), "little") for b in _ENDS_BITS)
    each = _each(len(letters))
    no = each ^ is_a & each
    # Byte by byte, each of which may be the last.
    on = is_a >> 10 & (no >> 24 | is_a >> 19) | has >> 12
    plain = is_a >> 1 & (no >> 16 | on)
    beyond = is_a >> 4 & is_a >> 13
    big_end = is_a >> 6 & (no >> 24 | is_a >> 23)
    little_end = has >> 9 & has >> 18
    # Also behind "0x".
    pair = has >> 5 & has >> 13 & (has >> 3 | has >> 22 & has >> 31) | has >> 6
    digits = pair & (no >> 16 | has >> 21 & has >> 29)
    begins = is_a & is_a >> 8 & (no << 8 | 1)
    telling = begins & (plain | beyond | big_end | little_end | has | digits)
    if not telling:
        return
    starts = begins.to_bytes(len(letters), "little")
    places = telling.to_bytes(len(letters), "little")
    at = Places(texts)
    place = places.find(1)
    while place >= 0:
        number = at[place]
        text = at.start(number), at.end(number)
        token = _TOKEN.match(joined, place)
        if token and place in (starts.find(1, *text), starts.rfind(1, *text)):
            yield texts[number], token[0]
        place = places.find(1, place + 1)


def _each(size: int) -> int:
    """Return the lowest bit in the byte of each letter."""
    return int.from_bytes(b"\1" * size, "little")
