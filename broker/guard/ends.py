"""Read the ends of values, which may be halves: also what is as short as one letter.

Texts -> what each may mean one layer below.

Invariant: what has controls, or letters of no script of the region, is noise that
happened to decode.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Final

from broker.guard.layers import Opened
from broker.guard.runs import FIRST, SECOND, Places, first_and_last
from broker.guard.texts import SEPARATOR

# Around a part of a mail's header that is written in another way (RFC 2047).
_HEADER: Final = re.compile(r"=\?[\w-]+\?[BbQq]\?|\?=")
_LEAST_BEYOND: Final = 0x80
_LEAST_LEAD: Final = 0xC2
_PAIRS: Final = re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2})+)")
# At one end of a text; it reads the same from the other end.
_SPACED_PAIRS: Final = re.compile(
    rf"{SEPARATOR}[^\w{SEPARATOR}]*([0-9A-Fa-f]{{2}}(?:[: +-][0-9A-Fa-f]{{2}})+)(?!\w)"
)
# What no text has, and noise that happened to decode has soon.
_NOISE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NOISE_BYTES: Final = bytes(c for c in range(128) if _NOISE.match(chr(c)))
# Latin, Greek and Cyrillic end before this.
_BEYOND: Final = "\u0530"
_HIGH: Final = range(6)


def meant_by(texts: Sequence[str], opened: Opened) -> dict[str, list[str]]:
    """Return what texts may mean one layer below, at their ends also what is short."""
    found = {
        text: some
        for text, inners in opened.holding(texts)
        if (some := [inner for inner in inners if not _NOISE.search(inner)])
    }
    for text in texts:
        if "=?" in text:
            found.setdefault(text, []).append(_HEADER.sub("", text))
    for text, raw in _spaced(texts):
        found.setdefault(text, []).extend(_readings(raw))
    for text, token in first_and_last(texts):
        found.setdefault(text, []).extend(_short(token))
    return {text: some for text, some in found.items() if some}


def _spaced(texts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes with signs between them that texts begin or end with."""
    joined = SEPARATOR.join(("", *texts, ""))
    at = Places(texts)
    # What parts a text from the one before has the place at which the text begins.
    for found in _SPACED_PAIRS.finditer(joined):
        yield texts[at[found.start()]], _bytes(found[1])
    for found in _SPACED_PAIRS.finditer(joined[::-1]):
        behind = len(joined) - 1 - found.start()
        yield texts[at[behind - 1]], _bytes(found[1][::-1])


def _bytes(pairs: str) -> bytes:
    return bytes.fromhex(re.sub(r"\W", "", pairs))


def _short(token: str) -> Iterator[str]:
    """Yield what a run of letters and digits means that may be short."""
    if digits := _PAIRS.fullmatch(token):
        yield from _readings(bytes.fromhex(digits[1]))
    if token[0] in FIRST or token[1] in SECOND:
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
