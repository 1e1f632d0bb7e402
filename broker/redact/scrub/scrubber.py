"""Scrub a text: cut out what may not be seen, and say what sort of thing it was.

A text + the values withheld elsewhere in the incident -> the same text with
``[name removed]`` or ``[e-mail removed]`` in their place.

Invariants: nothing about what is cut out stays, not its length and not how many words
it had; what an encoding hides is read like the rest; a text of any sort gives a text.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from broker.redact.scrub.detectors import DETECTORS, Span
from broker.redact.scrub.encoded import layers
from broker.redact.scrub.reading import Reading, read, readings
from broker.redact.scrub.withheld import Hidden, Withheld

_ENCODED: Final = "encoded text"
# Between two of the same sort: so many there were is not told either.
_BETWEEN: Final = re.compile(r"[\s,;/&+._'’-]{0,3}")
# What could be an encoding: long words, or words with the signs of one.
_WORD: Final = re.compile(r"[^\s<>\"()]+")
_SPACED_HEX: Final = re.compile(
    r"(?<!\w)[0-9A-Fa-f]{2}(?:[ :+-][0-9A-Fa-f]{2}){5,}(?!\w)"
)
# What a line ends and begins with that was broken only to fit a width.
_TOKEN: Final = string.ascii_letters + string.digits + "+/_=-"
_BROKEN: Final = 16
_SIGNS: Final = re.compile(r"[%&\\=]|xn--|[A-Za-z0-9+/_-]{12}", re.IGNORECASE)
# What makes a reader see another order of letters than the one that is written.
_REVERSED: Final = re.compile("[\u202b\u202e\u2067]([^\u202c\u2069\n]*)")
_CONTROLS: Final = re.compile("[\x00\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def placeholder(label: str) -> str:
    """Return what stands in the place of something of this sort."""
    return f"[{label} removed]"


class Scrubber:
    """Scrubs the free texts of one incident for one recipient."""

    __slots__ = ("_withheld",)

    def __init__(self, hidden: Iterable[Hidden] = (), kept: Iterable[str] = ()) -> None:
        """Take what is hidden elsewhere, and what the recipient sees as it is."""
        self._withheld = Withheld(hidden, kept)

    def scrub(self, text: str) -> str:
        """Return the text without what may not be seen."""
        cuts = _merged(self._cuts(text), text)
        pieces: list[str] = []
        done = 0
        for start, end, label in cuts:
            pieces += (text[done:start], placeholder(label))
            done = end
        pieces.append(text[done:])
        return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", "".join(pieces)))

    def _cuts(self, text: str) -> Iterator[Span]:
        """Yield what is to be cut out, by its place in the text itself."""
        for reading in readings(text):
            for start, end, label in self.find(reading):
                yield Span(*reading.place(start, end), label)
        yield from self._in_encodings(text)
        for found in _REVERSED.finditer(text):
            backwards = read(found[1][::-1])
            for _, _, label in self.find(backwards):
                yield Span(found.start(), found.end(), label)

    def find(self, reading: Reading) -> list[Span]:
        """Return everything in a reading that may not be seen."""
        hidden, kept = self._withheld.find(reading)
        detected = [
            Span(start, end, detector.name)
            for detector in DETECTORS
            for start, end in detector.find(reading)
        ]
        found = [span for span in (*detected, *hidden) if span.end > span.start]
        return _outside(found, kept) if kept else found

    def _in_encodings(self, text: str) -> Iterator[Span]:
        """Yield the words that hold something when they are decoded."""
        for found in _WORD.finditer(text):
            if _SIGNS.search(found[0]) and self._holds(found[0]):
                yield Span(found.start(), found.end(), _ENCODED)
        for found in _SPACED_HEX.finditer(text):
            if self._holds(found[0]):
                yield Span(found.start(), found.end(), _ENCODED)
        for start, end in _over_lines(text):
            if self._holds("".join(text[start:end].split())):
                yield Span(start, end, _ENCODED)

    def _holds(self, word: str) -> bool:
        """Say whether something is hidden in an encoding, or so much that it may be."""
        return any(inner is None or self.find(read(inner)) for inner in layers(word))


def _over_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a long word goes on over the end of a line, or of several."""
    if "\n" not in text:
        return
    begin: int | None = None
    place = end = 0
    for line in text.split("\n"):
        whole = line.rstrip("\r")
        head = len(whole) - len(whole.lstrip(_TOKEN))
        tail = len(whole) - len(whole.rstrip(_TOKEN))
        if begin is not None and (head < len(whole) or head < _BROKEN):
            yield begin, place + head if head else end
            begin = None
        if begin is None and tail >= _BROKEN:
            begin = place + len(whole) - tail
        end = place + len(whole)
        place += len(line) + 1
    if begin is not None:
        yield begin, end


def _outside(found: list[Span], kept: list[tuple[int, int]]) -> list[Span]:
    """Return the spans that do not lie within something that is seen anyway."""
    places = sorted(kept)
    starts = [start for start, _ in places]
    # How far those reach that begin no later than each.
    reach = list(accumulate((end for _, end in places), max))
    outside: list[Span] = []
    for span in sorted(found):
        before = bisect_right(starts, span.start)
        if not before or reach[before - 1] < span.end:
            outside.append(span)
    return outside


def _merged(spans: Iterable[Span], text: str) -> list[Span]:
    """Return spans in order, those that meet in one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if not merged:
            merged.append(span)
            continue
        last = merged[-1]
        meets = span.start < last.end
        near = span.label == last.label and _BETWEEN.fullmatch(
            text, last.end, max(last.end, span.start)
        )
        if meets or near:
            longer = span if span.end - span.start > last.end - last.start else last
            merged[-1] = Span(last.start, max(last.end, span.end), longer.label)
        else:
            merged.append(span)
    return merged
