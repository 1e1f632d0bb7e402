"""Make texts comparable: whatever way a value is written, it reads the same here.

Texts of a document -> its lines, each once; a text -> how it reads once case, accents
and scripts are folded away. Cyrillic is read as Latin, because one name is written in
both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Final, NamedTuple

SEPARATOR: Final = "\x1f"
# Letters that are no base letter with an accent, but are read as one.
_LATIN: Final = dict(zip("đðłøı", "ddloi", strict=True))
# Cyrillic as Serbian and Macedonian write it in Latin, without the accents; with the
# letters that Ukrainian and Russian have beside these.
_CYRILLIC: Final = dict(
    zip(
        "абвгдђежзијклмнопрстћуфхцчшыэіґ",
        "abvgddezzijklmnoprstcufhccsyeig",
        strict=True,
    )
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
    "є": "je",
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
# Letters of other scripts that look like Latin ones, capital or small. Source: the
# confusables of Unicode Technical Standard 39, as far as they are letters in use.
_ALIKE_GREEK: Final = zip(
    "αβγεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abyeikvoptuxwabezhikmnoptyx", strict=True
)
_ALIKE_CYRILLIC: Final = zip(
    "авгекмнорстухијѕіһԁӏԛԝпьАВЕКМНОРСТУХИЈЅІҺԀӀԚԜПЬ",
    "abrekmhopctyxujsihdlqwnbabekmhopctyxujsihdlqwnb",
    strict=True,
)
_ALIKE_OTHERS: Final = zip("օսհոցզքѵѡɑɡɩıʏʀɴʜɪɢʟ", "ouhnguqvwagiiyrnhigl", strict=True)
_ALIKE: Final = str.maketrans(dict((*_ALIKE_GREEK, *_ALIKE_CYRILLIC, *_ALIKE_OTHERS)))
_LOOKS_ALIKE: Final = re.compile(
    "[\u0251\u0261\u0262\u0269\u026a\u0274\u0280\u028f\u029c\u029f"
    "\u0370-\u03ff\u0400-\u052f\u0561-\u0587]"
)
# A line that may go on in the next: it ends within a long run of letters, in a number,
# or with a soft line break (RFC 2045, 6.7).
_GOES_ON: Final = re.compile(r"[A-Za-z0-9+/_-]{16}|.*(?:=|\d\.?)")
# Unicode's default-ignorable characters: nobody sees that they are there.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_NO_WORD: Final = re.compile(r"[\W_]+")
_BLANKS: Final = bytes(c if chr(c).isalnum() else 32 for c in range(128)) + b" " * 128
_NO_LETTER: Final = bytes(c for c in range(128) if not chr(c).isalnum())
NO_LETTER_APART: Final = _NO_LETTER.replace(SEPARATOR.encode(), b"")


def fold(text: str) -> str:
    """Return a text without case, accents and invisible characters.

    All quotes are one: a document may have escaped the double one, a telephone may have
    bent it.
    """
    text = text.casefold().replace('"', "'")
    return text if text.isascii() else _each_beyond_ascii(_fold_beyond, text)


def _each_beyond_ascii(change: Callable[[str], str], text: str) -> str:
    """Change those lines of a text that are not ASCII; they are few, and it is dear."""
    lines = text.split(SEPARATOR)
    return SEPARATOR.join([line if line.isascii() else change(line) for line in lines])


def _fold_beyond(text: str) -> str:
    text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))
    # Once more, because a mathematical capital only now became a plain one.
    text = _ACCENTS.sub("", text).casefold()
    return text if text.isascii() else text.translate(_LETTERS)


def as_it_looks(text: str) -> str:
    """Return a text folded, with letters of other scripts read as what they look like.

    Empty when it has none of these: `fold` reads Cyrillic by its sound.
    """
    if text.isascii() or not _LOOKS_ALIKE.search(text):
        return ""
    return fold(_each_beyond_ascii(_as_latin, text))


def _as_latin(text: str) -> str:
    return text.translate(_ALIKE)


def squeeze(folded: str) -> str:
    """Return a folded text without blanks and signs."""
    return without(folded, _NO_LETTER)


def squeezed_bytes(folded: str) -> bytes:
    """Return a folded text without blanks and signs, as bytes."""
    return folded.encode("utf-8", "replace").translate(None, _NO_LETTER)


def squeeze_each(folded: Iterable[str]) -> list[str]:
    """Return folded texts without blanks and signs; none holds a separator."""
    return without(SEPARATOR.join(folded), NO_LETTER_APART).split(SEPARATOR)


def words_of(folded: str) -> str:
    """Return the words of a folded text, with one blank between each and the next."""
    if folded.isascii():
        # In a fifth of the time.
        words = folded.encode("ascii").translate(_BLANKS).split(b" ")
        return b" ".join(filter(None, words)).decode("ascii")
    return _NO_WORD.sub(" ", folded)


def without(text: str, signs: bytes) -> str:
    """Return a text without some ASCII signs."""
    # As bytes, because deleting from these costs a fifth.
    return text.encode("utf-8", "replace").translate(None, signs).decode()


class Lines(NamedTuple):
    """The texts of a document, each once: whole, by line, and lines put together."""

    whole: list[str]
    single: list[str]
    rejoined: list[str]

    @property
    def to_open(self) -> list[str]:
        """What something may be encoded in."""
        return self.single + self.rejoined


def lines_of(texts: Iterable[str], known: frozenset[str]) -> Lines:
    """Return texts and their lines, each once and in order, without known lines.

    A line that was broken only to fit a width is put together again.
    """
    whole = [text for text in dict.fromkeys(texts) if text not in known]
    broken = [at for at, text in enumerate(whole) if "\n" in text]
    if not broken:
        return Lines(whole, whole, [])
    single = dict.fromkeys(whole)
    for at in broken:
        del single[whole[at]]
    rejoined: dict[str, None] = {}
    for at in broken:
        parts = whole[at].split("\n")
        left = [part for part in parts if part not in known]
        whole[at] = "\n".join(left)
        single.update(dict.fromkeys(left))
        rejoined.update(dict.fromkeys(_unfolded(parts)))
    beside = [line for line in rejoined if line not in single and line not in known]
    return Lines(whole, list(single), beside)


def _unfolded(parts: list[str]) -> Iterator[str]:
    """Yield neighbouring lines in one piece when they were broken to fit a width."""
    going = [at for at, goes_on in enumerate(map(_goes_on, parts)) if goes_on]
    whole: list[str] = []
    for at, following in zip_longest(going, going[1:]):
        whole.append(parts[at].rstrip("\r").removesuffix("="))
        if following == at + 1:
            continue
        if at + 1 < len(parts):
            yield "".join((*whole, parts[at + 1]))
        elif len(whole) > 1:
            yield "".join(whole)
        whole = []


@lru_cache(maxsize=4096)
def _goes_on(line: str) -> bool:
    end = line[-17:].rstrip("\r")
    return _GOES_ON.fullmatch(end[-16:]) is not None
