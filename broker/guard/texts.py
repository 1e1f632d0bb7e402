"""Make texts comparable: whatever way a value is written, it reads the same here.

Texts of a document -> one folded text with every hidden layer (percent signs, entities,
base64, hex, punycode, defanging) laid open beside it; a value -> the forms to look for.

The document is decoded rather than the values encoded: a document has few texts that
could be an encoding, and a value has very many encodings.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

# How many layers of encoding are laid open: base64 of percent of hex is three.
_LAYERS: Final = 4
_SEPARATOR: Final = "\x1f"
# Letters that are no base letter with an accent, but are read as one.
_LETTERS: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ł": "l", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss"}
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[:\s-]?){4,}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_DEFANGED: Final = (
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("[:]", ":"),
    ("[at]", "@"),
    ("(at)", "@"),
    ("[@]", "@"),
    ("hxxp", "http"),
)
_SQUEEZE: Final = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return a text without case, accents and invisible characters."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(c for c in text if not unicodedata.combining(c))
        return text.translate(_LETTERS)
    return text.casefold()


def squeeze(folded: str) -> str:
    """Return only the letters and digits of a folded text."""
    return _SQUEEZE.sub("", folded)


def laid_open(texts: list[str]) -> str:
    """Return all texts, folded, with every hidden layer laid open beside them."""
    layer = _SEPARATOR.join(texts)
    found = [layer]
    seen = {layer}
    for _ in range(_LAYERS):
        decoded = [text for text in _decoded(layer) if text not in seen]
        if not decoded:
            break
        layer = _SEPARATOR.join(decoded)
        seen.update(decoded)
        found.append(layer)
    return fold(_SEPARATOR.join(found))


def _decoded(text: str) -> Iterator[str]:
    """Yield what the text holds one layer below."""
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)
    lower = text.casefold()
    if any(mark in lower for mark, _ in _DEFANGED):
        for mark, plain in _DEFANGED:
            lower = lower.replace(mark, plain)
        yield lower
    if "xn--" in lower:
        yield _PUNYCODE.sub(_unicode_label, text)
    for token in _BASE64.findall(text):
        yield from _from_base64(token)
    for run in _HEX.findall(text):
        yield from _readable(bytes.fromhex(re.sub(r"[:\s-]", "", run)))


def _unicode_label(found: re.Match[str]) -> str:
    try:
        return found[0].encode("ascii").decode("idna")
    except UnicodeError:
        return found[0]


def _from_base64(token: str) -> Iterator[str]:
    plain = token.replace("-", "+").replace("_", "/")
    # A value encoded inside something longer may start at any of four letters.
    for offset in range(4):
        part = plain[offset:]
        part = part[: len(part) - len(part) % 4] or part
        try:
            raw = base64.b64decode(part + "=" * (-len(part) % 4))
        except binascii.Error:
            continue
        yield from _readable(raw)
    tail = len(plain) % 4
    if tail in (2, 3):
        yield from _readable(base64.b64decode(plain + "=" * (4 - tail)))


def _readable(raw: bytes) -> Iterator[str]:
    """Yield bytes as text, unless nothing in them could be a value."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"")  # UTF-16 of plain letters
    text = raw.decode("utf-8", "ignore")
    if len(text) >= 4 and sum(c.isprintable() for c in text) * 4 >= len(text) * 3:
        yield text


def forms(value: str) -> tuple[str, ...]:
    """Return the folded forms in which a value is looked for in a laid-open text."""
    folded = fold(value).strip()
    found = {folded}
    try:
        address = ip_address(folded)
    except ValueError:
        pass
    else:
        pointer = address.reverse_pointer
        found.add(pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa"))
        found.add(address.exploded)
        found.add(address.compressed)
    return tuple(found)
