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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from broker.guard.tripwires import tripped

# How many layers of encoding are laid open: base64 of percent of hex is three.
_LAYERS: Final = 4
_SEPARATOR: Final = "\x1f"
# Letters that are no base letter with an accent, but are read as one.
_LETTERS: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ł": "l", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss"}
)
# What base64 of ASCII looks like: each byte's top bit is 0, so not every letter can
# stand at each of the four places.
# Only such runs are decoded; a value with other letters is looked for encoded.
_BASE64: Final = re.compile(
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-])+"
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3](?:[ABEFIJMNQRUVYZcdghklopstwx014589])?)?"
)
_HEX: Final = re.compile(r"(?:[2-7][0-9A-Fa-f]|00|[Cc][3-5][89ABab][0-9A-Fa-f]){3,}")
_SPACED_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[: -]){3,}[0-9A-Fa-f]{2}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]+")
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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
_NO_LETTER: Final = bytes(c for c in range(128) if not chr(c).isalnum())


def fold(text: str) -> str:
    """Return a text without case, accents and invisible characters.

    Both sorts of straight quotes are one: a document may have escaped the double one.
    """
    text = text.casefold().replace('"', "'")
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))
    return _ACCENTS.sub("", text).translate(_LETTERS)


def squeeze(folded: str) -> bytes:
    """Return a folded text without blanks and signs, as UTF-8."""
    return folded.encode("utf-8", "replace").translate(None, _NO_LETTER)


def laid_open(texts: Iterable[str]) -> tuple[str, frozenset[str]]:
    """Return all texts folded, with every hidden layer laid open beside its line.

    And the names of the tripwires that any of them touches.
    """
    # Each line once, in the order of the document.
    lines: dict[str, None] = {}
    for text in texts:
        lines.update(dict.fromkeys(text.split("\n")) if "\n" in text else {text: None})
    found = [_opened(line) for line in lines]
    touched = [names for _, names in found if names]
    opened = _SEPARATOR.join([text for text, _ in found])
    return opened, frozenset[str]().union(*touched)


# Most lines are the same in every document (types, tags, the agreement's terms).
@lru_cache(maxsize=4096)
def _opened(line: str) -> tuple[str, frozenset[str]]:
    """Return a line folded, with what can be decoded from it; and its tripwires."""
    if len(line) == 36 and _ID.fullmatch(line):
        return line, frozenset()  # nothing can be encoded in it, only stand there
    seen = {line: None}
    layer = [line]
    for _ in range(_LAYERS):
        decoded = {text: None for known in layer for text in _decoded(known)}
        layer = [text for text in decoded if text not in seen]
        if not layer:
            break
        seen.update(dict.fromkeys(layer))
    opened = fold(line) if len(seen) == 1 else _SEPARATOR.join(map(fold, seen))
    return opened, tripped(opened)


def _decoded(text: str) -> Iterator[str]:
    """Yield what the text holds one layer below."""
    if "%" in text:
        yield unquote(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)
    lower = text.casefold()
    if "[" in lower or "(" in lower or "{" in lower or "hxxp" in lower:
        for mark, plain in _DEFANGED:
            lower = lower.replace(mark, plain)
        yield lower
    if "xn--" in lower:
        yield _PUNYCODE.sub(_unicode_label, lower)
    for token in _BASE64.findall(text):
        if len(token) > 5:
            yield from _from_base64(token)
    for run in _HEX.findall(text):
        yield from _readable(bytes.fromhex(run))
    for run in _SPACED_HEX.findall(text) if len(text) > 10 else ():
        yield from _readable(bytes.fromhex(re.sub(r"[: -]", "", run)))


def _unicode_label(found: re.Match[str]) -> str:
    try:
        return found[0].encode("ascii").decode("idna")
    except UnicodeError:
        return found[0]


def _from_base64(token: str) -> Iterator[str]:
    plain = token.replace("-", "+").replace("_", "/")
    yield from _readable(binascii.a2b_base64(plain + "=" * (-len(plain) % 4)))


def _readable(raw: bytes) -> Iterator[str]:
    """Yield bytes as text, unless too little of them is text to be a value."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"")  # UTF-16 of plain letters
    text = raw.decode("utf-8", "ignore")
    if len(text) >= 3 and len(text) * 3 >= len(raw):
        yield text


_ADDRESS: Final = re.compile(r"[0-9a-f:.]*[.:][0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Form:
    """A folded form of a value, and the same without blanks and signs."""

    text: str
    bare: bytes


@lru_cache(maxsize=4096)
def forms(value: str) -> tuple[Form, ...]:
    """Return the forms in which a value is looked for in a laid-open text."""
    return tuple(Form(text, squeeze(text)) for text in _spellings(value))


def _spellings(value: str) -> Iterator[str]:
    folded = fold(value).strip()
    yield folded
    if not value.isascii():
        yield from _encoded(value)
    if not _ADDRESS.fullmatch(folded):
        return
    try:
        address = ip_address(folded)
    except ValueError:
        return
    pointer = address.reverse_pointer
    yield pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    if address.version == 6:
        yield address.exploded
        yield address.compressed


def _encoded(value: str) -> Iterator[str]:
    """Yield base64 of a value beyond ASCII, folded, wherever it starts in a text."""
    for spelled in (value, value.lower(), value.upper()):
        raw = spelled.encode("utf-8", "replace")
        for start in range(3):
            # The letters at both ends also depend on what stands before and after.
            text = base64.b64encode(b"\0" * start + raw).decode().rstrip("=")
            yield fold(text[(0, 2, 3)[start] : -1])
