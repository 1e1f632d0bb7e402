"""Lay open what is encoded: percent signs, entities, base64, hex, punycode, defanging.

Lines of documents -> every text that can be decoded from them, layer below layer.

The document is decoded rather than the values encoded: a document has few texts that
could be an encoding, and a value has very many encodings.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from typing import Final
from urllib.parse import unquote

from broker.errors import GuardError
from broker.guard.texts import SEPARATOR

# How many layers of encoding are laid open: base64 of percent of hex is three.
_LAYERS: Final = 4
# What unfolds into more letters than this, and than three times what it is made of,
# was made to wear the guard out.
_MOST: Final = 500_000
# What is still encoded below the last layer is held when it is as long as this; noise
# that happens to decode is shorter.
_TELLING: Final = 6
# What base64 of ASCII looks like: each byte's top bit is 0, so not every letter can
# stand at each of the four places.
# Only such runs are decoded; a value with other letters is looked for encoded.
_FOUR: Final = (
    "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
)
_FULL: Final = "[A-Za-f][A-HQ-Xg-nw-z0-3]"
_THIRD: Final = "[ABEFIJMNQRUVYZcdghklopstwx014589]"
# Six letters at least: four bytes, as long as the shortest name.
_BASE64: Final = re.compile(
    rf"{_FOUR}{_FULL}(?:{_THIRD}(?:[A-Za-z0-9+/_-](?:{_FOUR})*(?:{_FULL}{_THIRD}?)?)?)?"
)
# Each long run is found by its letters alone, and only then looked at as pairs. As
# bytes, because splitting these costs half of a search.
_NO_HEX_LETTERS: Final = bytes(
    byte if chr(byte) in "0123456789abcdefABCDEF" else 32 for byte in range(256)
)
_SHORTEST_HEX: Final = 6
_HEX: Final = re.compile(r"(?:[2-7][0-9A-Fa-f]|00|[Cc][3-5][89ABab][0-9A-Fa-f]){3,}")
# Base64 of UTF-16 with its byte order mark.
_BASE64_UTF16: Final = re.compile(r"(?://[4-7]|/v[89+/])[A-Za-z0-9+/]{8,}")
# Long enough to hold a value beyond ASCII, in base64 or hex.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_NO_HEX: Final = re.compile(r"[: +-]")
# Pairs with a sign before each, because signs are rarer than letters: the first pair is
# what stands before.
_SPACED_HEX: Final = re.compile(
    r"[: +-][0-9A-Fa-f]{2}[: +-][0-9A-Fa-f]{2}(?:[: +-][0-9A-Fa-f]{2})+"
)
_PAIR: Final = re.compile("[0-9A-Fa-f]{2}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
# Bytes written out one by one: quoted-printable (RFC 2045, 6.7; readers take small
# letters as well), and as in source code.
_BYTES: Final = re.compile(r"(?:=[0-9A-Fa-f]{2}|\\x[0-9a-fA-F]{2})+")
# The sign between a name and its value, which could be read as the first of a byte:
# "q=233=20..." begins with 233, and not with the byte 23.
_NAMED: Final = re.compile(r"(?<![\w.=-])([\w.-]+)=(?=[0-9A-Fa-f]{2})")
# How an event writes a character that MISP cannot store.
_CODE_POINT: Final = re.compile(r"\[U\+([0-9A-F]{5})\]")
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]+")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFANGED: Final = {
    "[.]": ".",
    "(.)": ".",
    "{.}": ".",
    "\\.": ".",
    "[dot]": ".",
    "(dot)": ".",
    "{dot}": ".",
    "[:]": ":",
    "[at]": "@",
    "(at)": "@",
    "{at}": "@",
    "[@]": "@",
    "hxxp": "http",
}
# An address spelled out in words, and the blanks as a form sends them.
_DOT: Final = re.compile(r"(?<=\w)[ \t+_-]+dot[ \t+_-]+(?=\w)")
_AT: Final = re.compile(r"(?<=\w)[ \t+_-]+at[ \t+_-]+(?=\w)")
_DEFANGED_BY_SIGN: Final = {
    sign: [mark for mark in _DEFANGED if mark.startswith(sign)]
    for sign in ("[", "(", "{", "\\", "hxxp")
}
_TAG: Final = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)


def laid_open(lines: list[str]) -> list[str]:
    """Return what can be decoded from lines, from the outside in, each text once.

    All lines are decoded in one go: a call for each would cost ten times as much.

    Raises:
        GuardError: that is too much to look into; the document is then held.
    """
    seen = {"", *lines}
    limit = max(_MOST, 3 * sum(map(len, lines)))
    found: list[str] = []
    # Nothing can be encoded in an id, only stand there.
    layer = [line for line in lines if len(line) != 36 or not _ID.fullmatch(line)]
    for _ in range(_LAYERS):
        layer = [text for text in dict.fromkeys(_decoded(layer)) if text not in seen]
        if not layer:
            break
        if sum(map(len, layer)) > limit:
            raise GuardError("a text has too many layers of encoding to look into")
        seen.update(layer)
        found += layer
    if layer and any(
        len(text) >= _TELLING and text not in seen for text in _decoded(layer)
    ):
        raise GuardError("a text has too many layers of encoding to look into")
    return found


def raw_bytes(texts: Iterable[str]) -> bytes:
    """Return the bytes that long runs of letters and digits may stand for.

    Text beyond ASCII cannot be told from noise there, so it is looked for as bytes.
    """
    joined = SEPARATOR.join(texts)
    found: list[bytes] = []
    for token in _TOKEN.findall(joined):
        # Base64 has capitals. Where in the run it begins is not known.
        if not token.islower() and not token.isdigit():
            found += [_base64(token[start:]) for start in range(4)]
    for run in (*_HEX_RUN.findall(joined), *_spaced_hex(joined)):
        digits = _NO_HEX.sub("", run)
        for start in range(2):
            part = digits[start:]
            found.append(bytes.fromhex(part[: len(part) // 2 * 2]))
    return b"\0\0\0\0".join(found)


def _decoded(lines: list[str]) -> list[str]:
    """Return what the lines hold one layer below."""
    joined = SEPARATOR.join(lines)
    found: list[str] = []
    for sign, mark, decode in _DECODERS:
        if sign in joined and mark in joined:
            marked = SEPARATOR.join([line for line in lines if mark in line])
            found += decode(marked).split(SEPARATOR)
    found += _spelled_out(joined.casefold())
    found += map(_readable, map(_base64, _BASE64.findall(joined)))
    if "//" in joined or "/v" in joined:
        for token in _BASE64_UTF16.findall(joined):
            found.append(_base64(token).decode("utf-16", "ignore"))
    found += map(_readable, map(bytes.fromhex, _HEX.findall(_hex_letters(joined))))
    for run in _spaced_hex(joined):
        found.append(_readable(bytes.fromhex(_NO_HEX.sub("", run))))
    return found


def _hex_letters(joined: str) -> str:
    """Return the long runs of hexadecimal digits."""
    runs = joined.encode("utf-8", "replace").translate(_NO_HEX_LETTERS).split()
    long = [run for run in runs if len(run) >= _SHORTEST_HEX]
    return b" ".join(long).decode("ascii")


def _spaced_hex(joined: str) -> list[str]:
    """Return runs of four pairs and more with a sign between each and the next."""
    found: list[str] = []
    for run in _SPACED_HEX.finditer(joined):
        start = run.start()
        first = joined[max(start - 2, 0) : start]
        if _PAIR.fullmatch(first):
            found.append(first + run[0])
        elif len(run[0]) > 9:
            found.append(run[0][1:])
    return found


def _spelled_out(lower: str) -> list[str]:
    """Return those of small-letter lines that are defanged or in punycode, opened."""
    found = ""
    marks = [
        mark
        for sign, marks in _DEFANGED_BY_SIGN.items()
        if sign in lower
        for mark in marks
        if mark in lower
    ]
    in_words = "dot" in lower and _DOT.search(lower) is not None
    if marks or in_words:
        found = SEPARATOR.join(
            [
                line
                for line in lower.split(SEPARATOR)
                if any(mark in line for mark in marks)
                or (in_words and _DOT.search(line))
            ]
        )
        for mark in marks:
            found = found.replace(mark, _DEFANGED[mark])
        if in_words:
            found = _AT.sub("@", _DOT.sub(".", found))
    if "xn--" in lower:
        found = SEPARATOR.join((found, opened_punycode(f"{found}{SEPARATOR}{lower}")))
    return found.split(SEPARATOR)


def opened_punycode(lower: str) -> str:
    """Return a small-letter text with its encoded domain labels in Unicode."""
    return _PUNYCODE.sub(_unicode_label, lower)


def _escaped(found: re.Match[str]) -> str:
    return chr(int(found[1] or found[2], 16))


def _code_point(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _written_out(found: re.Match[str]) -> str:
    raw = bytes.fromhex(re.sub(r"=|\\x", "", found[0]))
    return raw.decode("utf-8", "replace")


def _quoted_printable(lines: str) -> str:
    """Return lines decoded; those with two such signs also name apart from value."""
    named = [line for line in lines.split(SEPARATOR) if line.count("=") > 1]
    apart = _NAMED.sub(r"\1 ", SEPARATOR.join(named))
    return _BYTES.sub(_written_out, SEPARATOR.join((lines, apart)))


def _without_blanks(lines: str) -> str:
    """Return lines of base64 that a form joined by plus signs in one piece again.

    A single sign at the beginning belongs to a telephone number.
    """
    joined = [line for line in lines.split(SEPARATOR) if "+" in line[1:]]
    return SEPARATOR.join(joined).replace("+", "")


_DECODERS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("%", "%", unquote),
    ("&", "&", html.unescape),
    ("\\", "\\", partial(_ESCAPE.sub, _escaped)),
    ("\\", "\\x", partial(_BYTES.sub, _written_out)),
    ("=", "=", _quoted_printable),
    ("[", "[U+", partial(_CODE_POINT.sub, _code_point)),
    ("+", "+", _without_blanks),
    ("<", "</", partial(_TAG.sub, "")),
    # Whoever reads it sees what follows from right to left.
    ("\u202e", "\u202e", itemgetter(slice(None, None, -1))),
)
"""By the mark that a layer cannot be without: how the lines that have it are read.

Before each mark its first sign, which is found three times as fast.
"""


def _unicode_label(found: re.Match[str]) -> str:
    try:
        return found[0].encode("ascii").decode("idna")
    except UnicodeError:
        return found[0]


def _base64(token: str) -> bytes:
    plain = token.replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))


def _readable(raw: bytes) -> str:
    """Return bytes as text; none when too little of them is text to be a value."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"")  # UTF-16 of plain letters
    text = raw.decode("utf-8", "ignore")
    return text if len(text) >= 3 and len(text) * 3 >= len(raw) else ""
