"""Lay open what is encoded: percent signs, entities, base64, hex, punycode, defanging.

Lines of documents -> every text that can be decoded from them, layer below layer.

The document is decoded rather than the values encoded: a document has few texts that
could be an encoding, and a value has very many encodings.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Final
from urllib.parse import unquote

from broker.errors import GuardError
from broker.guard.runs import Places, Runs
from broker.guard.texts import SEPARATOR

# How many layers of encoding are laid open: base64 of percent of hex is three.
LAYERS: Final = 4
TOO_DEEP: Final = "a text has too many layers of encoding to look into"
# What unfolds into more letters than this, and than three times what it is made of,
# was made to wear the guard out.
MOST: Final = 500_000
# What is still encoded below the last layer is held when it is as long as this; noise
# that happens to decode is shorter.
_TELLING: Final = 6
# Base64 of UTF-16 with its byte order mark.
_BASE64_UTF16: Final = re.compile(r"(?://[4-7]|/v[89+/])[A-Za-z0-9+/]{8,}")
# Long enough to hold a value beyond ASCII, in base64 or hex.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]{12,}")
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
# A UUID (RFC 9562, section 4): by its variant, no sixteen letters of ASCII are one.
_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_ID_LENGTH: Final = 36
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
# Before the blanks stands a letter, or the first underscore of them: who looks behind
# each underscore reads a line of nothing else to its end each time.
_WORD: Final = r"(?:(?<=[^\W_])|((?<![ \t+_-])[ \t+-]*_))"
_DOT: Final = re.compile(rf"{_WORD}[ \t+_-]+dot[ \t+_-]+(?=\w)")
_AT: Final = re.compile(rf"{_WORD}[ \t+_-]+at[ \t+_-]+(?=\w)")
# With a domain behind it, as "at" is a common word. No domain is longer (RFC 1035,
# 2.3.4): what goes on counts as one, so that a text that says "at" again and again is
# not read to its end each time.
_HOST: Final = r"(?:\.\w|[\w-])"
_AT_DOMAIN: Final = re.compile(
    rf"{_WORD}[ \t+_-]+at[ \t+_-]+(?=[\w-]{{1,253}}+{_HOST})"
)
# One of these stands wherever something is written with signs, defanged, or as bytes
# one by one.
_IS_SIGN: Final = bytes(chr(c) in "%&\\=[+<({" for c in range(256))
# And one of these, or of addresses, wherever it is with letters alone.
_WORDS: Final = ("hxxp", "xn--", "dot", "\u202e")
_AT_HOST: Final = re.compile(rf"at[ \t+_-]++[\w-]{{0,253}}+{_HOST}")
_TAG: Final = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)


class Opened:
    """What texts hold encoded: each is decoded once, whoever asks for it."""

    __slots__ = ("_below",)

    def __init__(self) -> None:
        """Know nothing yet."""
        self._below: dict[str, Sequence[str]] = {}

    def laid_open(self, lines: Collection[str]) -> list[str]:
        """Return what can be decoded from lines, from the outside in, each text once.

        Raises:
            GuardError: that is too much to look into; the document is then held.
        """
        self.learn(lines)
        # Most lines hold nothing, and in an id nothing can be encoded, only stand.
        layer = [
            line
            for line in lines
            if self._below[line]
            and not (len(line) == _ID_LENGTH and _ID.fullmatch(line))
        ]
        if not layer:
            return []
        seen = {"", *lines}
        limit = max(MOST, 3 * sum(map(len, lines)))
        found: list[str] = []
        for _ in range(LAYERS):
            beneath = dict.fromkeys(self._decoded(layer))
            layer = [text for text in beneath if text not in seen]
            if not layer:
                break
            if sum(map(len, layer)) > limit:
                raise GuardError(TOO_DEEP)
            seen.update(layer)
            found += layer
        if layer and any(
            len(text) >= _TELLING and text not in seen for text in self._decoded(layer)
        ):
            raise GuardError(TOO_DEEP)
        return found

    def foresee(self, texts: Iterable[str]) -> None:
        """Decode many texts down to the last layer, each layer in one go.

        Where that is too much, it is left to whoever has the texts to find out.
        """
        layer = list(dict.fromkeys(texts))
        limit = max(MOST, 3 * sum(map(len, layer)))
        for _ in range(LAYERS + 1):
            self.learn(layer)
            inner = chain.from_iterable(map(self._below.__getitem__, layer))
            layer = [text for text in dict.fromkeys(inner) if text not in self._below]
            if not layer or sum(map(len, layer)) > limit:
                break

    def learn(self, texts: Iterable[str]) -> None:
        """Decode texts one layer deep, as many as are new in one go.

        A call for each would cost ten times as much.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._below]
        self._below.update(dict.fromkeys(new, ()))
        found: dict[str, dict[str, None]] = {}
        for index, text in _decoded(new) if new else ():
            if text and text != new[index]:
                found.setdefault(new[index], {})[text] = None
        self._below.update((line, tuple(inner)) for line, inner in found.items())

    def holding(self, texts: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
        """Return those texts that hold anything, and what, one layer below."""
        self.learn(texts)
        below = self._below
        return [(text, below[text]) for text in texts if below[text]]

    def _decoded(self, texts: list[str]) -> Iterator[str]:
        self.learn(texts)
        return chain.from_iterable(map(self._below.__getitem__, texts))


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
    spaced = [digits for _, digits in Runs(joined).spaced_hex()]
    for digits in (*_HEX_RUN.findall(joined), *spaced):
        for start in range(2):
            part = digits[start:]
            found.append(bytes.fromhex(part[: len(part) // 2 * 2]))
    return b"\0\0\0\0".join(found)


def _decoded(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield what lines hold one layer below, each with the number of its line."""
    joined = SEPARATOR.join(lines)
    runs = Runs(joined)
    at = Places(lines)
    worded = set(_worded(joined, at))
    for number in worded.union(_signed(runs.letters, at)):
        line = lines[number]
        for mark, decode in _DECODERS:
            if mark in line:
                yield number, decode(line)
        if (
            number in worded
            or "[" in line
            or "(" in line
            or "{" in line
            or "\\." in line
        ):
            for text in _spelled_out(line.casefold()):
                yield number, text
    for place, token in runs.base64():
        if text := _readable(_base64(token)):
            yield at[place], text
    if "//" in joined or "/v" in joined:
        for found in _BASE64_UTF16.finditer(joined):
            yield at[found.start()], _base64(found[0]).decode("utf-16", "ignore")
    for place, digits in runs.hex():
        if text := _readable(bytes.fromhex(digits)):
            yield at[place], text


def _signed(letters: bytes, at: Places) -> Iterator[int]:
    """Yield the numbers of the lines with a sign that layers are written with."""
    marked = letters.translate(_IS_SIGN)
    place = marked.find(1)
    while place >= 0:
        number = at[place]
        yield number
        place = marked.find(1, at.end(number))


def _worded(joined: str, at: Places) -> Iterator[int]:
    """Yield the numbers of the lines that may be encoded without any such sign."""
    lower = joined.casefold()
    if len(lower) > len(joined):
        # A letter became two, and no place is where it was.
        yield from range(at[len(joined)] + 1)
        return
    for word in _WORDS:
        if word in lower:
            for found in re.finditer(word, lower):
                yield at[found.start()]
    for found in _AT_HOST.finditer(lower):
        yield at[found.start()]


def _spelled_out(lower: str) -> Iterator[str]:
    """Yield a small-letter line without defanging, and with punycode opened."""
    found = lower
    for mark, meant in _DEFANGED.items():
        if mark in found:
            found = found.replace(mark, meant)
    if "dot" in found and _DOT.search(found):
        found = _AT.sub(r"\1@", _DOT.sub(r"\1.", found))
    else:
        found = _AT_DOMAIN.sub(r"\1@", found)
    if found != lower:
        yield found
    if "xn--" in lower:
        yield opened_punycode(found)
        yield opened_punycode(lower)


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


def _quoted_printable(line: str) -> str:
    return _BYTES.sub(_written_out, line)


def _apart_from_name(line: str) -> str:
    """Return a line with two such signs decoded, the name apart from its value."""
    return _quoted_printable(_NAMED.sub(r"\1 ", line)) if line.count("=") > 1 else ""


def _without_blanks(line: str) -> str:
    """Return base64 that a form joined by plus signs in one piece again.

    A single sign at the beginning belongs to a telephone number.
    """
    return line.replace("+", "") if "+" in line[1:] else ""


_DECODERS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("%", unquote),
    ("&", html.unescape),
    ("\\", partial(_ESCAPE.sub, _escaped)),
    ("\\x", partial(_BYTES.sub, _written_out)),
    ("=", _quoted_printable),
    ("=", _apart_from_name),
    ("[U+", partial(_CODE_POINT.sub, _code_point)),
    ("+", _without_blanks),
    ("</", partial(_TAG.sub, "")),
    # Whoever reads it sees what follows from right to left.
    ("\u202e", itemgetter(slice(None, None, -1))),
)
"""By the mark that a layer cannot be without: how the lines that have it are read."""


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
