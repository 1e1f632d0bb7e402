"""Put halves together: a value may be split over two attributes that are neighbours.

Values of a draft, in order -> the texts that neighbours make together, in whatever way
each half is written, and wherever one writing was cut in two.

Invariant: linear in the values. What each of them may mean is found once; of a long one
only the ends count, as far as half a name reaches in the longest writing.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Final, NamedTuple

from broker.errors import GuardError
from broker.guard.layers import LAYERS, TOO_DEEP, Opened
from broker.guard.texts import SEPARATOR, fold, squeeze, squeeze_each

# So much of the end of a value is looked at: forty letters as entities, written twice.
_END: Final = 1_000
# Signs of writings that take several letters for one: when they are cut, no part means
# anything. None is longer than this.
_CUT: Final = re.compile(r"[%=\\&<\[({]|xn--|\u202e")
_LONGEST_CUT: Final = 12
# Around a part of a mail's header that is written in another way (RFC 2047).
_HEADER: Final = re.compile(r"=\?[\w-]+\?[BbQq]\?|\?=")
# At the ends of a value base64 and hex may be as short as one letter of a name.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")
# What the first byte of a text can be: ASCII, or the first of a letter beyond it, or
# of UTF-16 that begins with the big end; as the first letter of base64, also for URLs.
_FIRST: Final = frozenset("ABIJKLMNOPQRSTUVWXYZabcdefwxyz04/_")
# With the little end first the second byte is small: the second letter of base64, of
# which four bits are the upper half of that byte.
_SECOND: Final = frozenset("AQgw")
# The second of two digits, or of "0x".
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEFx")
_LEAST_BEYOND: Final = 0x80
_LEAST_LEAD: Final = 0xC2
_PAIRS: Final = re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2})+)")
_SPACED_PAIRS: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[: +-][0-9A-Fa-f]{2})+")
# What no text has, and noise that happened to decode has soon.
_NOISE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NOISE_BYTES: Final = bytes(c for c in range(128) if _NOISE.match(chr(c)))
# Latin, Greek and Cyrillic end before this.
_BEYOND: Final = "\u0530"
_HIGH: Final = range(6)
# A value that means more than this was made to tire.
_MOST_MEANINGS: Final = 200
# Each letter where it stands, and others as zeros: so the places do not shift.
_AS_BASE64: Final = bytes(
    {"-": 43, "_": 47}.get(chr(c), c if chr(c).isalnum() or c in b"+/" else 65)
    for c in range(128)
) + bytes([65] * 128)
_AS_HEX: Final = bytes(
    c if chr(c) in "0123456789abcdefABCDEF" else 48 for c in range(256)
)
_BETWEEN_PAIRS: Final = b" :+-"
_BETWEEN: Final = frozenset(" :+-")
# ASCII, and the NULs of UTF-16; as many as the shortest value that is looked for in
# two halves has letters.
_IS_PRINTED: Final = bytes(c == 0 or 32 <= c < 127 for c in range(256))
_RUN: Final = b"\1" * 8
_LONG: Final = 8
# A text as long as this is looked through as fast as some hundred parts are asked for.
_LISTED: Final = 3_000


class Row(NamedTuple):
    """The values of a draft, in order."""

    values: list[str]
    # The beginning and the end of each.
    ends: list[tuple[str, str]]
    # What is to be decoded together.
    whole: list[str]

    @classmethod
    def of(cls, values: Iterable[str]) -> Row:
        """Line values up."""
        # What stands nowhere parts nothing.
        some = list(filter(None, values))
        ends = [(value[:_END], value[-_END:]) for value in some]
        return cls(some, ends, list(dict.fromkeys(_whole(some, ends))))


class _Half(NamedTuple):
    """Something that a value may mean, also without blanks and signs."""

    text: str
    bare: str
    # Whether a value that is looked for may go on behind it, or have begun before it.
    goes_on: bool
    has_begun: bool


class Seams:
    """Where values may be cut: parts of them that reach over each place to cut.

    Of eight letters one half has four: these and one of the other half stand together.
    So nearly all that stands beside each other by chance is left out.
    """

    __slots__ = ("_five", "_long", "_short", "_three")

    def __init__(self, bares: Iterable[str]) -> None:
        """Take values without blanks and signs."""
        some = list(bares)
        self._long = "\0".join(bare for bare in some if len(bare) >= _LONG)
        # An address may be no longer than four digits.
        self._short = "\0".join(bare for bare in some if len(bare) < _LONG)
        self._five = _parts(self._long, 5)
        self._three = _parts(self._short, 3)

    def half(self, text: str, bare: str) -> _Half:
        """Return a half, knowing whether it may be one of a value at all."""
        if len(self._long) > _LISTED:
            # Where all parts are listed, to look at each seam costs less.
            return _Half(text, bare, True, True)
        short, long = self._short, self._long
        return _Half(
            text,
            bare,
            bare[-4:] in long or (short != "" and bare[-1:] in short),
            bare[:4] in long or (short != "" and bare[:1] in short),
        )

    def meet(self, first: str, second: str) -> bool:
        """Say whether a value may end one text and go on in the next."""
        return (
            first[-4:] + second[:1] in self._five
            or first[-1:] + second[:4] in self._five
            or first[-2:] + second[:1] in self._three
            or first[-1:] + second[:2] in self._three
        )


class _Parts:
    """All parts of a short text that have so many letters, looked for when asked."""

    __slots__ = ("_length", "_text")

    def __init__(self, text: str, length: int) -> None:
        self._text, self._length = text, length

    def __contains__(self, part: object) -> bool:
        return (
            isinstance(part, str) and len(part) == self._length and part in self._text
        )


def _parts(text: str, length: int) -> Container[str]:
    """Return all parts of a text that have so many letters."""
    if 0 < len(text) <= _LISTED:
        return _Parts(text, length)
    return {text[at : at + length] for at in range(len(text) - length + 1)}


class Beside:
    """What values mean beside each other; each value is read once for all drafts."""

    __slots__ = ("_bare", "_below", "_meanings", "_opened", "_pairs", "_seams")

    def __init__(self, opened: Opened) -> None:
        """Decode with what is decoded already."""
        self._opened = opened
        # A text -> what it may mean one layer below. Few texts mean anything.
        self._below: dict[str, Sequence[str]] = {}
        # The same texts without blanks and signs.
        self._bare: dict[str, str] = {}
        # They and all that they may mean, and halves that have a seam between them:
        # all by where the values may be cut.
        self._seams: Seams | None = None
        self._meanings: dict[str, list[_Half]] = {}
        self._pairs: dict[tuple[str, str], list[str]] = {}

    def together(self, row: Row, seams: Seams) -> list[str]:
        """Return what neighbours mean together that they do not say openly.

        Of all that two halves may mean only what has a seam of a value between them.

        Raises:
            GuardError: that is too much to look into.
        """
        self._read(chain.from_iterable(row.ends))
        if seams is not self._seams:
            self._seams, self._meanings, self._pairs = seams, {}, {}
        texts = row.whole + self._opened.laid_open(row.whole)
        return [*texts, *self._halves(row.ends, seams)]

    def foresee(self, rows: Iterable[Row]) -> None:
        """Decode in one go what will be asked for in several drafts."""
        self._read(end for row in rows for ends in row.ends for end in ends)

    def _read(self, ends: Iterable[str]) -> None:
        """Find out what the ends of values mean, down to the last layer."""
        layer = ends
        for _ in range(LAYERS):
            new = [text for text in dict.fromkeys(layer) if text not in self._below]
            if not new:
                break
            self._opened.learn(new)
            self._bare.update(zip(new, _bares(new), strict=True))
            found = {
                text: inner
                for text in new
                if (inner := _inner(text, self._opened.below(text)))
            }
            self._below.update(dict.fromkeys(new, ()))
            self._below.update(found)
            layer = chain.from_iterable(found.values())

    def _halves(self, ends: list[tuple[str, str]], seams: Seams) -> Iterator[str]:
        """Yield the halves of neighbours, in all meanings, that make a value."""
        below = self._below
        for (_, first), (second, _) in pairwise(ends):
            # What two values say openly is looked for anyway.
            if below[first] or below[second]:
                # Several drafts have the same neighbours.
                found = self._pairs.get((first, second))
                if found is None:
                    found = self._pairs[first, second] = list(
                        _joined(
                            self._means(first, seams), self._means(second, seams), seams
                        )
                    )
                yield from found

    def _means(self, text: str, seams: Seams) -> list[_Half]:
        """Return a text and all that it may mean, from the outside in."""
        found = self._meanings.get(text)
        if found is None:
            seen = {text: None}
            layer = [text]
            for _ in range(LAYERS):
                inner = chain.from_iterable(self._below.get(one, ()) for one in layer)
                layer = [one for one in inner if one not in seen]
                if not layer:
                    break
                seen.update(dict.fromkeys(layer))
            found = self._meanings[text] = [
                seams.half(one, self._bare[one]) for one in seen if one in self._bare
            ]
            if len(found) > _MOST_MEANINGS:
                raise GuardError(TOO_DEEP)
        return found


def _joined(first: list[_Half], second: list[_Half], seams: Seams) -> Iterator[str]:
    """Yield two halves in all meanings in which a value may reach over both."""
    begun = [other for other in second if other.has_begun]
    for one in first:
        for other in second if one.goes_on else begun:
            if seams.meet(one.bare, other.bare):
                yield one.text + other.text


def _bares(texts: list[str]) -> list[str]:
    """Return texts folded, without blanks and signs."""
    # In one piece, because most of the price is the call.
    folded = fold(SEPARATOR.join(texts)).split(SEPARATOR)
    if len(folded) == len(texts):
        return squeeze_each(folded)
    return [squeeze(fold(text)) for text in texts]


def _whole(values: Sequence[str], ends: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what is to be decoded together: one writing that was cut in two."""
    # Few values end in such a sign: in one look at all of them.
    if _CUT.search(SEPARATOR.join([end[-_LONGEST_CUT:] for _, end in ends])):
        for (_, before), (after, _) in pairwise(ends):
            if _CUT.search(before, max(len(before) - _LONGEST_CUT, 0)):
                yield before + after
    # Nearly all of it is noise, in which a long run is found fastest as one sign.
    noise = b"\1".join(in_one_piece(values))
    flags = noise.translate(_IS_PRINTED) + b"\0"
    start = flags.find(_RUN)
    while start >= 0:
        end = flags.index(b"\0", start)
        yield noise[start:end].replace(b"\0", b"").decode("ascii")
        start = flags.find(_RUN, end)


def in_one_piece(values: Iterable[str]) -> Iterator[bytes]:
    """Yield what values hold in base64 or hex that was cut in two, among noise.

    The values stand without anything between them, and are read from each place at
    which the writing may begin.
    """
    letters = "".join(values).encode("ascii", "replace")
    coded = letters.translate(_AS_BASE64)
    for start in range(4):
        part = coded[start:]
        # Letters that stand for zeros, so that the last of a writing count as well.
        yield binascii.a2b_base64(part + b"A" * (-len(part) % 4))
    digits = letters.translate(_AS_HEX, _BETWEEN_PAIRS)
    for start in range(2):
        end = start + (len(digits) - start) // 2 * 2
        yield binascii.a2b_hex(digits[start:end])


def _inner(text: str, opened: Sequence[str]) -> list[str]:
    """Return what a text may mean one layer below, at its ends also what is short."""
    found = [inner for inner in opened if not _NOISE.search(inner)]
    if "=?" in text:
        found.append(_HEADER.sub("", text))
    if text[2:3] in _BETWEEN and _SPACED_PAIRS.fullmatch(text):
        found += _readings(bytes.fromhex(re.sub(r"\W", "", text)))
    tokens = _TOKEN.findall(text)
    if tokens:
        found += _short(tokens[0])
        if len(tokens) > 1:
            found += _short(tokens[-1])
    return found


def _short(token: str) -> Iterator[str]:
    """Yield what a run of letters and digits means that may be short."""
    if token[1] in _HEX_DIGITS and (digits := _PAIRS.fullmatch(token)):
        yield from _readings(bytes.fromhex(digits[1]))
    if token[0] in _FIRST or token[1] in _SECOND:
        plain = token.rstrip("=").replace("-", "+").replace("_", "/")
        if len(plain) % 4 != 1:
            padded = plain + "=" * (-len(plain) % 4)
            yield from _readings(binascii.a2b_base64(padded))


def _readings(raw: bytes) -> Iterator[str]:
    """Yield bytes as text in the ways in which all of them are text."""
    ways = []
    if raw.isascii() or raw[0] >= _LEAST_LEAD or raw[0] < _LEAST_BEYOND:
        # What is noise as a byte is noise as a letter: most of all that is no text.
        ways += ["utf-8"] if len(raw.translate(None, _NOISE_BYTES)) == len(raw) else []
    if len(raw) % 2 == 0:
        # One byte of each letter is small in UTF-16, as far as scripts go here.
        ways += ["utf-16-le"] if raw[1] in _HIGH and max(raw[1::2]) in _HIGH else []
        ways += ["utf-16-be"] if raw[0] in _HIGH and max(raw[::2]) in _HIGH else []
        ways += ["utf-16"] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else []
    for way in ways:
        try:
            text = raw.decode(way)
        except UnicodeError:
            continue
        if text and not _NOISE.search(text) and max(text) < _BEYOND:
            yield text
