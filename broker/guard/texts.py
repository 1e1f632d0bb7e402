"""Make texts comparable: whatever way a value is written, it reads the same here.

Texts of a document -> one folded text with every hidden layer (percent signs, entities,
base64, hex, punycode, defanging) laid open beside it; a value -> the forms to look for.
Cyrillic is read as Latin, because one name is written in both.

The document is decoded rather than the values encoded: a document has few texts that
could be an encoding, and a value has very many encodings.
"""

from __future__ import annotations

import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from broker.errors import GuardError
from broker.guard.tripwires import tripped

# How many layers of encoding are laid open: base64 of percent of hex is three.
_LAYERS: Final = 4
# A line that unfolds into more letters than this was made to wear the guard out.
_MOST: Final = 500_000
SEPARATOR: Final = "\x1f"
# Letters that are no base letter with an accent, but are read as one.
_LATIN: Final = dict(zip("đðłøı", "ddloi", strict=True))
# Cyrillic as Serbian and Macedonian write it in Latin, without the accents.
_CYRILLIC: Final = dict(
    zip("абвгдђежзијклмнопрстћуфхцчшыэі", "abvgddezzijklmnoprstcufhccsyei", strict=True)
)
_TWO: Final = {
    "æ": "ae",
    "œ": "oe",
    "ß": "ss",
    "љ": "lj",
    "њ": "nj",
    "џ": "dz",
    "ѕ": "dz",
    "ю": "ju",
    "я": "ja",
    "щ": "sc",
    "ь": "",
    "ъ": "",
}
# Signs that look like one on every keyboard, and breaks that look like a blank.
_SIGNS: Final = {
    **dict.fromkeys("‘’‚‛“”„‟′″«»‹›ʼʹ", "'"),
    **dict.fromkeys("‐‒–—―−⁃", "-"),
    **dict.fromkeys("\u2028\u2029\u0085·•‧∙", " "),
}
_LETTERS: Final = str.maketrans(_LATIN | _CYRILLIC | _TWO | _SIGNS)
# What base64 of ASCII looks like: each byte's top bit is 0, so not every letter can
# stand at each of the four places.
# Only such runs are decoded; a value with other letters is looked for encoded.
_FOUR: Final = (
    "[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
)
# The first four stand outside of the repetition: a pattern that begins with a set of
# letters is searched for twice as fast as one that begins with a group.
_BASE64: Final = re.compile(
    rf"{_FOUR}(?:{_FOUR})*"
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3](?:[ABEFIJMNQRUVYZcdghklopstwx014589])?)?"
)
_HEX: Final = re.compile(r"(?:[2-7][0-9A-Fa-f]|00|[Cc][3-5][89ABab][0-9A-Fa-f]){3,}")
# Base64 of UTF-16 with its byte order mark.
_BASE64_UTF16: Final = re.compile(r"(?://[4-7]|/v[89+/])[A-Za-z0-9+/]{8,}")
# Long enough to hold a value beyond ASCII, in base64 or hex.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_NO_HEX: Final = re.compile(r"[: -]")
# A line that may go on in the next: it ends within a long run of letters, in a number,
# or with a soft line break (RFC 2045, 6.7).
_GOES_ON: Final = re.compile(r"[A-Za-z0-9+/_-]{16}|.*(?:=|\d\.?)")
_SPACED_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[: -]){3,}[0-9A-Fa-f]{2}")
# How every match of the one before, and of _HEX, begins: searched for at a third of
# their price.
_ANY_HEX: Final = re.compile(
    r"[0-9A-Fa-f][0-9A-Fa-f](?:[0-9A-Fa-f]{4}|(?:[: -][0-9A-Fa-f]{2}){3})"
)
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
# Bytes written out one by one: quoted-printable (RFC 2045, 6.7), and as in source code.
_BYTES: Final = re.compile(r"(?:=[0-9A-F]{2}|\\x[0-9a-fA-F]{2})+")
# How an event writes a character that MISP cannot store.
_CODE_POINT: Final = re.compile(r"\[U\+([0-9A-F]{5})\]")
_PUNYCODE: Final = re.compile(r"xn--[a-z0-9-]+")
# Unicode's default-ignorable characters: nobody sees that they are there.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
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

    All quotes are one: a document may have escaped the double one, a telephone may have
    bent it.
    """
    text = text.casefold().replace('"', "'")
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))
    # Once more, because a mathematical capital only now became a plain one.
    return _ACCENTS.sub("", text).casefold().translate(_LETTERS)


def squeeze(folded: str) -> bytes:
    """Return a folded text without blanks and signs, as UTF-8."""
    return folded.encode("utf-8", "replace").translate(None, _NO_LETTER)


def lines_of(texts: Iterable[str], known: frozenset[str]) -> list[str]:
    """Return the lines of all texts, each once and in order, without known ones.

    A line that was broken only to fit a width stands there in one piece as well.
    """
    lines: dict[str, None] = {}
    for text in dict.fromkeys(texts):
        if "\n" not in text:
            lines[text] = None
            continue
        parts = text.split("\n")
        lines.update(dict.fromkeys(parts))
        lines.update(dict.fromkeys(_unfolded(parts)))
    return [line for line in lines if line not in known]


def _unfolded(parts: list[str]) -> Iterator[str]:
    """Yield neighbouring lines in one piece when they were broken to fit a width."""
    whole: list[str] = []
    for part in parts:
        if _goes_on(part):
            whole.append(part.rstrip("\r").removesuffix("="))
        elif whole:
            yield "".join((*whole, part))
            whole = []
    if len(whole) > 1:
        yield "".join(whole)


@lru_cache(maxsize=4096)
def _goes_on(line: str) -> bool:
    end = line[-17:].rstrip("\r")
    return _GOES_ON.fullmatch(end[-16:]) is not None


def laid_open(lines: Iterable[str]) -> tuple[str, frozenset[str]]:
    """Return all lines folded, and after them every hidden layer laid open.

    And the names of the tripwires that any of them touches.
    """
    found = [_opened(line) for line in lines]
    beneath = [under for _, under, _ in found if under]
    touched = [names for _, _, names in found if names]
    # The lines first and together: a value may be split over two of them.
    opened = SEPARATOR.join([*[text for text, _, _ in found], *beneath])
    return opened, frozenset[str]().union(*touched)


def raw_bytes(lines: Iterable[str]) -> bytes:
    """Return the bytes that long runs of letters and digits may stand for.

    Text beyond ASCII cannot be told from noise there, so it is looked for as bytes.
    """
    return b"\0\0\0\0".join([raw for raw in map(_raw, lines) if raw])


@lru_cache(maxsize=4096)
def _raw(line: str) -> bytes:
    found: list[bytes] = []
    for text in _layers(line):
        for token in _TOKEN.findall(text):
            # Base64 has capitals. Where in the run it begins is not known.
            if not token.islower() and not token.isdigit():
                found += [_base64(token[start:]) for start in range(4)]
        for run in (*_HEX_RUN.findall(text), *_SPACED_HEX.findall(text)):
            digits = _NO_HEX.sub("", run)
            for start in range(2):
                part = digits[start:]
                found.append(bytes.fromhex(part[: len(part) // 2 * 2]))
    return b"\0\0\0\0".join(found)


@lru_cache(maxsize=4096)
def _layers(line: str) -> tuple[str, ...]:
    """Return a line and what can be decoded from it, from the outside in.

    Raises:
        GuardError: that is too much to look into; the document is then held.
    """
    seen = {line: None}
    layer = _decoded(line)
    for _ in range(_LAYERS):
        layer = [text for text in dict.fromkeys(layer) if text not in seen]
        if not layer:
            break
        seen.update(dict.fromkeys(layer))
        layer = [text for known in layer for text in _decoded(known)]
        if sum(map(len, layer)) > _MOST:
            raise GuardError("a text has too many layers of encoding to look into")
    return tuple(seen)


# Most lines are the same in every document (types, tags, the agreement's terms).
@lru_cache(maxsize=4096)
def _opened(line: str) -> tuple[str, str, frozenset[str]]:
    """Return a line folded, what can be decoded from it, and the tripwires of both."""
    if len(line) == 36 and _ID.fullmatch(line):
        return line, "", frozenset()  # nothing can be encoded in it, only stand there
    folded = fold(line)
    layers = _layers(line)
    if len(layers) == 1:  # as with nine lines in ten
        return folded, "", tripped(folded)
    under = SEPARATOR.join(map(fold, layers[1:]))
    return folded, under, tripped(folded + SEPARATOR + under if under else folded)


def _decoded(text: str) -> list[str]:
    """Return what the text holds one layer below."""
    found: list[str] = []
    if "%" in text:
        found.append(unquote(text))
    if "&" in text:
        found.append(html.unescape(text))
    if "\\" in text:
        found.append(_ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text))
    if "=" in text or "\\x" in text:
        found.append(_BYTES.sub(_written_out, text))
    if "[U+" in text:
        found.append(_CODE_POINT.sub(lambda m: chr(int(m[1], 16)), text))
    lower = text.casefold()
    if "[" in lower or "(" in lower or "{" in lower or "hxxp" in lower:
        for mark, plain in _DEFANGED:
            lower = lower.replace(mark, plain)
        found.append(lower)
    if "xn--" in lower:
        found.append(opened_punycode(lower))
    for token in _BASE64.findall(text):
        if len(token) > 5:
            found += _from_base64(token)
    if "//" in text or "/v" in text:
        for token in _BASE64_UTF16.findall(text):
            found.append(_base64(token).decode("utf-16", "ignore"))
    if _ANY_HEX.search(text):
        for run in _HEX.findall(text):
            found += _readable(bytes.fromhex(run))
        for run in _SPACED_HEX.findall(text):
            found += _readable(bytes.fromhex(_NO_HEX.sub("", run)))
    return found


def opened_punycode(lower: str) -> str:
    """Return a small-letter text with its encoded domain labels in Unicode."""
    return _PUNYCODE.sub(_unicode_label, lower)


def _written_out(found: re.Match[str]) -> str:
    raw = bytes.fromhex(re.sub(r"=|\\x", "", found[0]))
    return raw.decode("utf-8", "replace")


def _unicode_label(found: re.Match[str]) -> str:
    try:
        return found[0].encode("ascii").decode("idna")
    except UnicodeError:
        return found[0]


def _from_base64(token: str) -> Iterator[str]:
    yield from _readable(_base64(token))


def _base64(token: str) -> bytes:
    plain = token.replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))


def _readable(raw: bytes) -> Iterator[str]:
    """Yield bytes as text, unless too little of them is text to be a value."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"")  # UTF-16 of plain letters
    text = raw.decode("utf-8", "ignore")
    if len(text) >= 3 and len(text) * 3 >= len(raw):
        yield text
