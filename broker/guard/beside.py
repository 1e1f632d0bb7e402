"""Put halves together: a value may be split over two attributes that are neighbours.

Values of drafts, in order -> the texts that neighbours make together, in whatever way
each half is written, and wherever one writing was cut in two.

Invariant: linear in the values. What each of them may mean is found once; of a long one
only the ends count, as far as half a name reaches in the longest writing.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from typing import Final

from broker.errors import GuardError
from broker.guard.ends import meant_by
from broker.guard.layers import LAYERS, TOO_DEEP, Opened
from broker.guard.runs import Places
from broker.guard.texts import SEPARATOR, fold, squeeze, squeeze_each

# So much of the end of a value is looked at: forty letters as entities, written twice.
_END: Final = 1_000
# Signs of writings that take several letters for one: when they are cut, no part means
# anything. None is longer than this.
_CUT: Final = re.compile(r"[%=\\&<\[({]|xn--|\u202e")
_LONGEST_CUT: Final = 12
_IS_CUT: Final = bytes(chr(c) in "%=\\&<[({" for c in range(256))
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
# ASCII, and the NULs of UTF-16; as many as the shortest value that is looked for in
# two halves has letters.
_IS_PRINTED: Final = bytes(c == 0 or 32 <= c < 127 for c in range(256))
_RUN: Final = b"\1" * 8
# What has fewer letters without the NULs does not unfold to so many.
_LEAST: Final = 6
# The places at which base64 may begin.
_FROM: Final = [slice(start, None) for start in range(4)]
# What parts others in base64 and in hex, and is no text.
_APART_BASE64: Final = b"////"
_APART_HEX: Final = b"ff"
_LONG: Final = 8
# So many parts are looked for one by one as fast as a text is taken apart.
_FEW: Final = 100

Pair = tuple[str, str]
"""The end of a value, and the beginning of the next."""
Half = tuple[str, str]
"""Something that a value may mean, and the same without blanks and signs."""


class Row:
    """The values of a draft, in order."""

    __slots__ = ("pairs", "values")

    def __init__(self, values: list[str]) -> None:
        """Take values, none of which is empty."""
        self.values = values
        self.pairs: list[Pair] = list(pairwise(values))
        if max(map(len, values), default=0) > _END:
            self.pairs = [(one[-_END:], other[:_END]) for one, other in self.pairs]

    @classmethod
    def of(cls, values: Iterable[str]) -> Row:
        """Line values up."""
        # What stands nowhere parts nothing.
        return cls(list(filter(None, values)))


class Seams:
    """Where values may be cut: parts of them that reach over each place to cut.

    Of eight letters one half has four: these and one of the other half stand together.
    So nearly all that stands beside each other by chance is left out.
    """

    __slots__ = ("_long", "_short")

    def __init__(self, bares: Iterable[str]) -> None:
        """Take values without blanks and signs."""
        some = list(bares)
        self._long = "\0".join([bare for bare in some if len(bare) >= _LONG])
        # An address may be no longer than four digits.
        self._short = "\0".join([bare for bare in some if len(bare) < _LONG])

    def met(
        self, neighbours: Mapping[Pair, tuple[list[Half], list[Half]]]
    ) -> dict[Pair, list[str]]:
        """Return halves put together over which a value may reach, by neighbours.

        Args:
            neighbours: all that each of the two may mean.
        """
        found: dict[Pair, dict[str, None]] = {}
        for text, most in ((self._long, 4), (self._short, 2)):
            for pair, whole in _over(neighbours, text, most) if text else ():
                found.setdefault(pair, {})[whole] = None
        return {pair: list(wholes) for pair, wholes in found.items()}


def _over(
    neighbours: Mapping[Pair, tuple[list[Half], list[Half]]], text: str, most: int
) -> Iterator[tuple[Pair, str]]:
    """Yield halves put together over which some letters of a text reach.

    So many of one half, and one of the other. Few halves end or begin with as many that
    stand there at all, and only these are put beside others.
    """
    ends = {bare[-most:] for firsts, _ in neighbours.values() for _, bare in firsts}
    ends.update(bare[:most] for _, halves in neighbours.values() for _, bare in halves)
    known = _there([end for end in ends if len(end) == most], text)
    if not known:
        return
    over: dict[str, list[tuple[Pair, str]]] = {}
    for pair, (firsts, seconds) in neighbours.items():
        begun = [half for half in seconds if half[1][:most] in known]
        for one, bare in firsts:
            end, last = bare[-most:], bare[-1:]
            if end in known:
                for other, its in seconds:
                    over.setdefault(end + its[:1], []).append((pair, one + other))
            for other, its in begun:
                over.setdefault(last + its[:most], []).append((pair, one + other))
    for part in _there({part for part in over if len(part) > most}, text):
        yield from over[part]


def _there(parts: Collection[str], text: str) -> Collection[str]:
    """Return those parts, all of one length, that stand in a text."""
    if len(parts) <= _FEW:
        return {part for part in parts if part in text}
    # As tuples, because of these a text is made without a step of our own for each.
    letters = set(map(tuple, parts))
    length = len(next(iter(letters)))
    windows = zip(*[text[at:] for at in range(length)], strict=False)
    return set(map("".join, letters.intersection(windows)))


class Beside:
    """What values mean beside each other in the drafts of one incident.

    Most neighbours are the same in several drafts, and are looked at once.
    """

    __slots__ = ("_below", "_met", "_opened", "_pairs", "_seams", "_tiring", "_whole")

    def __init__(self, opened: Opened, rows: Sequence[Row]) -> None:
        """Line up the values of all drafts; what they hold is decoded by others."""
        self._opened = opened
        self._pairs = dict.fromkeys(chain.from_iterable(row.pairs for row in rows))
        cut = _cut(self._pairs)
        self._whole = {
            row: list(dict.fromkeys([*filter(None, map(cut.get, row.pairs)), *pieces]))
            for row, pieces in zip(rows, _pieces(rows), strict=True)
        }
        # A text -> what it may mean one layer below. Few texts mean anything.
        self._below: dict[str, Sequence[str]] = {}
        # By where values may be cut: the halves that have a seam between them, and
        # neighbours that mean too much to look into.
        self._seams: Seams | None = None
        self._met: dict[Pair, list[str]] = {}
        self._tiring: set[Pair] = set()

    @property
    def whole(self) -> Iterable[str]:
        """What is to be decoded together, of all drafts."""
        return chain.from_iterable(self._whole.values())

    def together(self, row: Row, seams: Seams) -> list[str]:
        """Return what neighbours mean together that they do not say openly.

        Of all that two halves may mean only what has a seam of a value between them.

        Args:
            row: one of those that were lined up.
            seams: where values may be cut.

        Raises:
            GuardError: that is too much to look into.
        """
        whole = self._whole[row]
        texts = whole + self._opened.laid_open(whole) if whole else []
        if seams is not self._seams:
            self._look(seams)
        if not self._tiring.isdisjoint(row.pairs):
            raise GuardError(TOO_DEEP)
        if self._met:
            met = filter(None, map(self._met.get, row.pairs))
            texts.extend(chain.from_iterable(met))
        return texts

    def _look(self, seams: Seams) -> None:
        """Look at all neighbours."""
        below = self._below
        self._read(chain.from_iterable(self._pairs))
        # What two values say openly is looked for anyway.
        pairs = [pair for pair in self._pairs if below[pair[0]] or below[pair[1]]]
        texts = dict.fromkeys(chain.from_iterable(pairs))
        means = {text: self._means(text) for text in texts}
        every = list(dict.fromkeys(chain.from_iterable(means.values())))
        bare = dict(zip(every, _bares(every), strict=True))
        halves = {
            text: [(one, bare[one]) for one in its]
            for text, its in means.items()
            if len(its) <= _MOST_MEANINGS
        }
        self._tiring = {
            (one, other)
            for one, other in pairs
            if one not in halves or other not in halves
        }
        self._met = seams.met(
            {
                (one, other): (halves[one], halves[other])
                for one, other in pairs
                if one in halves and other in halves
            }
        )
        self._seams = seams

    def _read(self, ends: Iterable[str]) -> None:
        """Find out what the ends of values mean, down to the last layer."""
        layer = ends
        for _ in range(LAYERS):
            new = [text for text in dict.fromkeys(layer) if text not in self._below]
            if not new:
                break
            found = meant_by(new, self._opened)
            self._below.update(dict.fromkeys(new, ()))
            self._below.update(found)
            layer = chain.from_iterable(found.values())

    def _means(self, text: str) -> list[str]:
        """Return a text and all that it may mean, from the outside in."""
        below = self._below
        seen = {text: None}
        layer = [text]
        while layer:
            inner = [one for outer in layer for one in below.get(outer, ())]
            layer = [one for one in inner if one not in seen]
            seen.update(dict.fromkeys(layer))
        return list(seen)


def _bares(texts: list[str]) -> list[str]:
    """Return texts folded, without blanks and signs."""
    # In one piece, because most of the price is the call.
    folded = fold(SEPARATOR.join(texts)).split(SEPARATOR)
    if len(folded) == len(texts):
        return squeeze_each(folded)
    return [squeeze(fold(text)) for text in texts]


def _cut(pairs: Iterable[Pair]) -> dict[Pair, str]:
    """Return neighbours in one piece where one writing may have been cut in two."""
    ends = list({one: None for one, _ in pairs})
    cut = {
        end
        for end in _cut_short(ends)
        if _CUT.search(end, max(len(end) - _LONGEST_CUT, 0))
    }
    return {pair: "".join(pair) for pair in pairs if pair[0] in cut} if cut else {}


def _cut_short(ends: list[str]) -> Iterable[str]:
    """Return those texts that have a sign of a writing: few, in one look at all."""
    joined = SEPARATOR.join(ends)
    if "xn--" in joined or not joined.isascii():
        return ends
    marked = joined.encode("ascii").translate(_IS_CUT)
    at = Places(ends)
    found = []
    place = marked.find(1)
    while place >= 0:
        number = at[place]
        found.append(ends[number])
        place = marked.find(1, at.end(number))
    return found


def _pieces(rows: Sequence[Row]) -> list[list[str]]:
    """Return for each row the long runs that it holds in one piece, cut in two."""
    found: list[list[str]] = [[] for _ in rows]
    coded = [_codes(row.values) for row in rows]
    base64 = [part for parts, _ in coded for part in parts]
    digits = [part for _, parts in coded for part in parts]
    # Where each ends once it is decoded, with what parts it from the next.
    ends = [len(part) // 4 * 3 + 3 for part in base64]
    ends += [len(part) // 2 + 1 for part in digits]
    ends = list(accumulate(ends))
    # Nearly all of it is noise, in which a long run is found fastest as one sign.
    noise = binascii.a2b_base64(b"".join([part + _APART_BASE64 for part in base64]))
    noise += binascii.a2b_hex(b"".join([part + _APART_HEX for part in digits]))
    flags = noise.translate(_IS_PRINTED)
    start = flags.find(_RUN)
    while start >= 0:
        # What parts others is at the end as well.
        end = flags.index(b"\0", start)
        text = noise[start:end].replace(b"\0", b"").decode("ascii")
        if len(text) >= _LEAST:
            part = bisect_right(ends, start)
            of_base64 = part < len(base64)
            row = part // 4 if of_base64 else (part - len(base64)) // 2
            found[row].append(text)
        start = flags.find(_RUN, end)
    return found


def _codes(values: Iterable[str]) -> tuple[list[bytes], list[bytes]]:
    """Return values as base64 and hex from each place at which these may begin.

    The values stand without anything between them.
    """
    letters = "".join(values).encode("ascii", "replace")
    coded = letters.translate(_AS_BASE64)
    # Letters that stand for zeros, so that the last of a writing count as well.
    base64 = [part + b"A" * (-len(part) % 4) for part in map(coded.__getitem__, _FROM)]
    digits = letters.translate(_AS_HEX, _BETWEEN_PAIRS)
    even = len(digits) // 2 * 2
    return base64, [digits[:even], digits[1 : len(digits) - 1 + len(digits) % 2]]


def in_one_piece(values: Iterable[str]) -> Iterator[bytes]:
    """Yield what values hold in base64 or hex that was cut in two, among noise."""
    base64, digits = _codes(values)
    yield from map(binascii.a2b_base64, base64)
    yield from map(binascii.a2b_hex, digits)
