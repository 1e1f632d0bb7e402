"""Read a text as a person would: what is written in many ways reads the same here.

A text -> `Reading`: plain letters, with the place in the text that each came from.
Accents, invisible characters and defanging are gone; Cyrillic reads as Latin.

Invariants: one pass, linear in the text; every letter of the reading knows its place,
so that what is found can be cut out of the text itself; nothing in here can fail.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

# Letters that are no base letter with an accent, but are read as one.
_LATIN: Final = dict(zip("đĐðÐłŁøØıſ", "dDdDlLoOis", strict=True))
# By sound: Cyrillic as Serbian and Macedonian write it in Latin, without accents; with
# the letters that Ukrainian and Russian have beside these.
_SOUNDS: Final = {
    **dict(
        zip("абвгдђежзијклмнопрстћуфхцчш", "abvgddezzijklmnoprstcufhccs", strict=True)
    ),
    **dict(zip("ыэіґѓќ", "yeigdc", strict=True)),
    "љ": "lj",
    "њ": "nj",
    "џ": "dz",
    "ѕ": "dz",
    "ю": "ju",
    "я": "ja",
    "є": "je",
    "щ": "sc",
    "ь": "",
    "ъ": "",
}
# By look: a Cyrillic letter within a Latin word is there to be taken for another one.
_LOOKS: Final = dict(zip("аевгікмнорстухѕјԁԛԝһ", "aebrikmhopctyxsjdqwh", strict=True))
# Greek is not written here, so its letters always stand for what they look like.
_GREEK: Final = dict(zip("αβγεζηικμνορτυχω", "abyeznikmvoptuxw", strict=True))
# A capital may look like another letter than the small one does.
_GREEK_CAPITALS: Final = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
_SIGNS: Final = {
    **dict.fromkeys("‘’‚‛“”„‟«»‹›ʼʹ`´", "'"),
    **dict.fromkeys("′", "'"),
    **dict.fromkeys("″", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃", "-"),
    **dict.fromkeys("。·•‧∙", "."),
    "…": " ",
    "º": "°",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "ß": "ss",
    "\u2028": "\n",
    "\u2029": "\n",
    "\r": " ",
}
# Unicode's default-ignorable characters, and the controls that nobody sees either.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_ANY_LATIN: Final = re.compile("[A-Za-z]")
_RUN: Final = re.compile(r"\w+")
_OPEN: Final = r"[\[({<] ?"
_SHUT: Final = r" ?[\])}>]"
# How analysts keep an address from being clicked on, and crawlers from reading it.
_DEFANGED: Final = re.compile(
    rf" ?{_OPEN}(?P<dot>\.|dot|pike|tacka){_SHUT} ?"
    rf"| ?{_OPEN}(?P<at>@|at|et){_SHUT} ?"
    rf"|{_OPEN}(?P<colon>:|://){_SHUT}"
    r"|(?P<label>\[\.(?=[a-z0-9-]{1,63}\]))"
    r"|(?<=[\w.]\.[a-z0-9-])(?P<shut>\])"
    r"|\bh(?P<http>xx|\*\*|tt\*|__)p(?=s?\b)"
    r"|\\(?P<escaped>[.@:/-])",
    re.IGNORECASE,
)
# The same in words of their own: "arta dot gashi at posta dot example".
_IN_WORDS: Final = re.compile(
    r" (?:(?P<dot>dot|pike|tacka)|(?P<at>at|et)) ", re.IGNORECASE
)
_HAS_DOT_IN_WORDS: Final = re.compile(r" (?:dot|pike|tacka) ", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_MAY_BE_DEFANGED: Final = re.compile(r"[\[({<\\*_]|hxxp", re.IGNORECASE)
# Escapes of URLs, mail (RFC 2045, 6.7), source code, HTML, and what MISP cannot keep.
_ESCAPED: Final = re.compile(
    r"(?P<bytes>(?:%[0-9A-Fa-f]{2})+|(?:=[0-9A-F]{2})+|(?:\\{1,4}x[0-9A-Fa-f]{2})+)"
    r"|\\{1,4}u\{?(?P<code>[0-9A-Fa-f]{4,6})\}?"
    r"|\[U\+(?P<point>[0-9A-F]{4,6})\]"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
)
_NO_HEX: Final = re.compile(r"[%=\\x]+")
_LAYERS: Final = 4
_LARGEST: Final = 0x10FFFF


class Looks(StrEnum):
    """Which Cyrillic letters are read by their look, and not by their sound."""

    NONE = "none"
    MIXED = "mixed"  # those in words that have Latin letters, too
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it reads, and where each letter of it stands in the text."""

    source: str
    text: str
    lower: str  # the same in small letters, letter by letter
    starts: Sequence[int]
    ends: Sequence[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the reading stands in the text."""
        return self.starts[start], self.ends[end - 1]

    def is_cyrillic(self, start: int) -> bool:
        """Say whether a letter of the reading was written in Cyrillic."""
        return _CYRILLIC.match(self.source, self.starts[start]) is not None


def read(text: str) -> Reading:
    """Return the reading of a text, whatever it holds."""
    return _reading(text, text, range(len(text)), range(1, len(text) + 1))


def readings(text: str) -> Iterator[Reading]:
    """Yield every way in which a text can be read; mostly there is one.

    Apart from one another, because each may hide what another one shows: a letter of
    another alphabet may stand for its look or its sound, and ``tel=44123456`` is no
    escaped letter.
    """
    whole = (range(len(text)), range(1, len(text) + 1))
    plain = read(text)
    yield plain
    if _CYRILLIC.search(text):
        if _has_mixed(text):
            yield _reading(text, text, *whole, Looks.NONE)
        yield _reading(text, text, *whole, Looks.ALL)
    unescaped = read_unescaped(text)
    if unescaped is not None:
        yield unescaped
    if _TAG.search(text):
        yield _reading(text, *_rewritten(text, *whole, _TAG, _nothing))
    if _HAS_DOT_IN_WORDS.search(plain.text):
        places = (plain.starts, plain.ends)
        yield _reading(text, *_rewritten(plain.text, *places, _IN_WORDS, _sign_of_word))


def _has_mixed(text: str) -> bool:
    return any(
        _CYRILLIC.search(found[0]) and _ANY_LATIN.search(found[0])
        for found in _RUN.finditer(text)
    )


def read_unescaped(text: str) -> Reading | None:
    """Return the reading with escapes written out; None when there are none."""
    plain: str = text
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    for _ in range(_LAYERS):
        if not _ESCAPED.search(plain):
            break
        plain, starts, ends = _rewritten(plain, starts, ends, _ESCAPED, _unescape)
    return None if plain is text else _reading(text, plain, starts, ends)


def _reading(
    source: str,
    text: str,
    starts: Sequence[int],
    ends: Sequence[int],
    looks: Looks = Looks.MIXED,
) -> Reading:
    plain = text
    if not text.isascii() or _INVISIBLE.search(text) or "\r" in text:
        plain, places = _plain(text, looks)
        starts = [starts[place] for place in places]
        ends = [ends[place] for place in places]
    if _MAY_BE_DEFANGED.search(plain):
        plain, starts, ends = _rewritten(plain, starts, ends, _DEFANGED, _refang)
    lower = plain.lower()
    if len(lower) != len(plain):
        lower = "".join(_small(letter) for letter in plain)
    return Reading(source, plain, lower, starts, ends)


def fold(text: str) -> str:
    """Return a value as it reads, in small letters."""
    return read(text).lower


def _plain(text: str, looks: Looks) -> tuple[str, list[int]]:
    by_look = bytearray((looks is Looks.ALL).to_bytes() * len(text))
    if looks is Looks.MIXED and _CYRILLIC.search(text):
        for found in _RUN.finditer(text):
            if _CYRILLIC.search(found[0]) and _ANY_LATIN.search(found[0]):
                start, end = found.span()
                by_look[start:end] = b"\1" * (end - start)
    letters: list[str] = []
    starts: list[int] = []
    for place, letter in enumerate(text):
        plain = _letter(letter, bool(by_look[place]))
        letters.append(plain)
        if len(plain) == 1:
            starts.append(place)
        else:
            starts.extend([place] * len(plain))
    return "".join(letters), starts


@lru_cache(maxsize=8192)
def _letter(letter: str, by_look: bool) -> str:
    """Return what one letter reads as; nothing when nobody sees it."""
    if letter in "\n\t":
        return letter.replace("\t", " ")
    if letter in _SIGNS:
        return _SIGNS[letter]
    if _INVISIBLE.match(letter):
        return ""
    if "\ud800" <= letter <= "\udfff":
        return "\ufffd"  # a lone surrogate is no letter, and cannot be encoded
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    if letter.isspace():
        return " "
    apart = unicodedata.normalize("NFKD", letter)
    return "".join(
        _base(part, by_look) for part in apart if not unicodedata.combining(part)
    )


def _base(letter: str, by_look: bool) -> str:
    if letter in _LATIN:
        return _LATIN[letter]
    if letter in _GREEK_CAPITALS:
        return _GREEK_CAPITALS[letter]
    small = letter.lower()
    read_as = _LOOKS.get(small) if by_look else None
    if read_as is None:
        read_as = _SOUNDS.get(small, _GREEK.get(small))
    if read_as is None:
        return letter
    return read_as if letter == small else read_as.upper()


def _small(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 else letter


def _rewritten(
    plain: str,
    starts: Sequence[int],
    ends: Sequence[int],
    pattern: re.Pattern[str],
    write: Callable[[re.Match[str]], str],
) -> tuple[str, Sequence[int], Sequence[int]]:
    """Write parts of a text otherwise; each new letter has the place of its part."""
    pieces: list[str] = []
    first: list[int] = []
    last: list[int] = []
    done = 0
    for found in pattern.finditer(plain):
        start, end = found.span()
        pieces.append(plain[done:start])
        first.extend(starts[done:start])
        last.extend(ends[done:start])
        written = write(found)
        pieces.append(written)
        first.extend([starts[start]] * len(written))
        last.extend([ends[end - 1]] * len(written))
        done = end
    if not done:
        return plain, starts, ends
    pieces.append(plain[done:])
    first.extend(starts[done:])
    last.extend(ends[done:])
    return "".join(pieces), first, last


def _refang(found: re.Match[str]) -> str:
    if found["dot"] or found["label"]:
        return "."
    if found["at"]:
        return "@"
    if found["http"]:
        return "http"
    if found["shut"]:
        return ""
    return found["colon"] or found["escaped"] or ""


def _nothing(_: re.Match[str]) -> str:
    return ""


def _sign_of_word(found: re.Match[str]) -> str:
    return "." if found["dot"] else "@"


def _unescape(found: re.Match[str]) -> str:
    if found["bytes"]:
        raw = bytes.fromhex(_NO_HEX.sub("", found["bytes"]))
        return raw.decode("utf-8", "replace")
    if found["entity"]:
        return html.unescape(found["entity"])
    number = int(found["code"] or found["point"], 16)
    return chr(number) if number <= _LARGEST else found[0]
