"""Open what is encoded: one layer below a word of a text, if it reads as text.

A word -> what it decodes to, by percent signs, entities, escapes, base64, hexadecimal
and punycode.

Invariant: what is laid open is bounded by the length of the word, however it is nested;
a word that has more in it than that counts as one that hides something.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_OURS: Final = "\u0530"
_LAYERS: Final = 4
_SHORTEST: Final = 8
# How many letters are laid open for each letter of a word, and for any word.
_MOST: Final = 12
_LEAST: Final = 2_000
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_ESCAPE: Final = re.compile(r"\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})")
_QUOTED: Final = re.compile(r"(?:=[0-9A-F]{2})+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX: Final = re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2}[: +-]?){4,})")
_NO_HEX: Final = re.compile(r"[: +-]")
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]{1,59}", re.IGNORECASE)
_LARGEST_CODE_POINT: Final = 0x10FFFF


def layers(word: str) -> Iterator[str | None]:
    """Yield everything below a word, layer by layer; None when it is too much."""
    seen = {word}
    layer = [word]
    left = _MOST * len(word) + _LEAST
    for _ in range(_LAYERS):
        layer = [inner for outer in layer for inner in opened(outer)]
        layer = [inner for inner in dict.fromkeys(layer) if inner not in seen]
        if not layer:
            return
        seen.update(layer)
        yield from layer
        left -= sum(map(len, layer))
        if left < 0:
            yield None
            return


def opened(word: str) -> Iterator[str]:
    """Yield what a word reads as one layer below; nothing when it is not encoded."""
    if "%" in word and _PERCENT.search(word):
        yield unquote(word.replace("+", " "), errors="replace")
    if "&" in word and _ENTITY.search(word):
        yield html.unescape(word)
    if "\\" in word and _ESCAPE.search(word):
        yield _ESCAPE.sub(_character, word)
    if "=" in word and _QUOTED.search(word):
        yield _QUOTED.sub(_written_out, word)
    if "xn--" in word.lower():
        yield _PUNYCODE.sub(_label, word)
    if len(word) < _SHORTEST:
        return
    for token in _BASE64.findall(word):
        yield from _readable(_from_base64(token))
    for digits in _HEX.findall(word):
        yield from _readable(_from_hex(digits))


def _character(found: re.Match[str]) -> str:
    number = int(found[1] or found[2], 16)
    return chr(number) if number <= _LARGEST_CODE_POINT else found[0]


def _written_out(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "replace")


def _label(found: re.Match[str]) -> str:
    try:
        return found[0].lower().encode("ascii").decode("idna")
    except UnicodeError:
        return found[0]


def _from_base64(token: str) -> bytes:
    plain = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))


def _from_hex(digits: str) -> bytes:
    plain = _NO_HEX.sub("", digits)
    return bytes.fromhex(plain[: len(plain) // 2 * 2])


def _readable(raw: bytes) -> Iterator[str]:
    """Yield bytes as text if nearly all of them are text."""
    for codec in ("utf-8", "utf-16-le", "utf-16-be"):
        text = raw.decode(codec, "ignore")
        # Noise decodes to letters of the whole world; ours are among the first ones.
        ours = sum(letter < _OURS and letter.isprintable() for letter in text)
        if len(text) >= 3 and ours * 10 >= len(text) * 9 and ours * 10 >= len(raw) * 4:
            yield text
