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
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from operator import itemgetter, methodcaller
from typing import Final, NamedTuple
from urllib.parse import unquote

from broker.errors import GuardError

# How many layers of encoding are laid open: base64 of percent of hex is three.
_LAYERS: Final = 4
# What unfolds into more letters than this, and than three times what it is made of,
# was made to wear the guard out.
_MOST: Final = 500_000
# What is still encoded below the last layer is held when it is as long as this; noise
# that happens to decode is shorter.
_TELLING: Final = 6
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
# Each long run is found by its letters alone, and only then looked at as pairs.
_HEX_LETTERS: Final = re.compile(r"[0-9A-Fa-f]{6,}")
_HEX: Final = re.compile(r"(?:[2-7][0-9A-Fa-f]|00|[Cc][3-5][89ABab][0-9A-Fa-f]){3,}")
# Base64 of UTF-16 with its byte order mark.
_BASE64_UTF16: Final = re.compile(r"(?://[4-7]|/v[89+/])[A-Za-z0-9+/]{8,}")
# Long enough to hold a value beyond ASCII, in base64 or hex.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_NO_HEX: Final = re.compile(r"[: +-]")
# A line that may go on in the next: it ends within a long run of letters, in a number,
# or with a soft line break (RFC 2045, 6.7).
_GOES_ON: Final = re.compile(r"[A-Za-z0-9+/_-]{16}|.*(?:=|\d\.?)")
_SPACED_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[: +-]){3,}[0-9A-Fa-f]{2}")
# What every match of the one before holds, and hardly any text that has none.
_SPACES: Final = re.compile(r"[: +-][0-9A-Fa-f]{2}[: +-][0-9A-Fa-f]{2}[: +-]")
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
# Unicode's default-ignorable characters: nobody sees that they are there.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
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
_TAG: Final = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_NO_LETTER: Final = bytes(c for c in range(128) if not chr(c).isalnum())
_NO_LETTER_APART: Final = _NO_LETTER.replace(SEPARATOR.encode(), b"")


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
    text = _ACCENTS.sub("", text).casefold()
    return text if text.isascii() else text.translate(_LETTERS)


def as_it_looks(text: str) -> str:
    """Return a text folded, with letters of other scripts read as what they look like.

    Empty when it has none of these: `fold` reads Cyrillic by its sound.
    """
    if text.isascii() or not _LOOKS_ALIKE.search(text):
        return ""
    return fold(text.translate(_ALIKE))


def squeeze(folded: str) -> str:
    """Return a folded text without blanks and signs."""
    return without(folded, _NO_LETTER)


def squeeze_each(folded: Iterable[str]) -> list[str]:
    """Return folded texts without blanks and signs; none holds a separator."""
    return without(SEPARATOR.join(folded), _NO_LETTER_APART).split(SEPARATOR)


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

    def without_single(self) -> Lines:
        """Return them without the single lines: these stand in the whole texts."""
        return self._replace(single=[])


def lines_of(texts: Iterable[str], known: frozenset[str]) -> Lines:
    """Return texts and their lines, each once and in order, without known lines.

    A line that was broken only to fit a width is put together again.
    """
    whole: dict[str, None] = {}
    single: dict[str, None] = {}
    rejoined: dict[str, None] = {}
    for text in dict.fromkeys(texts):
        if "\n" not in text:
            if text not in known:
                whole[text] = single[text] = None
            continue
        parts = text.split("\n")
        left = [part for part in parts if part not in known]
        whole["\n".join(left)] = None
        single.update(dict.fromkeys(left))
        rejoined.update(dict.fromkeys(_unfolded(parts)))
    return Lines(
        list(whole),
        list(single),
        [line for line in rejoined if line not in single and line not in known],
    )


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
    spaced = _SPACED_HEX.findall(joined) if _SPACES.search(joined) else ()
    for run in (*_HEX_RUN.findall(joined), *spaced):
        digits = _NO_HEX.sub("", run)
        for start in range(2):
            part = digits[start:]
            found.append(bytes.fromhex(part[: len(part) // 2 * 2]))
    return b"\0\0\0\0".join(found)


def _decoded(lines: list[str]) -> list[str]:
    """Return what the lines hold one layer below."""
    joined = SEPARATOR.join(lines)
    found: list[str] = []
    for mark, decode in _DECODERS:
        if mark in joined:
            marked = SEPARATOR.join([line for line in lines if mark in line])
            found += decode(marked).split(SEPARATOR)
    found += _spelled_out(joined.casefold())
    found += map(_readable, map(_base64, _BASE64.findall(joined)))
    if "//" in joined or "/v" in joined:
        for token in _BASE64_UTF16.findall(joined):
            found.append(_base64(token).decode("utf-16", "ignore"))
    letters = SEPARATOR.join(_HEX_LETTERS.findall(joined))
    found += map(_readable, map(bytes.fromhex, _HEX.findall(letters)))
    if _SPACES.search(joined):
        for run in _SPACED_HEX.findall(joined):
            found.append(_readable(bytes.fromhex(_NO_HEX.sub("", run))))
    return found


def _spelled_out(lower: str) -> list[str]:
    """Return those of small-letter lines that are defanged or in punycode, opened."""
    found = ""
    marks = [mark for mark in _DEFANGED if mark in lower]
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


def _values_written_out(lines: str) -> str:
    """Return lines with two such signs or more, each name apart from its value."""
    found = [line for line in lines.split(SEPARATOR) if line.count("=") > 1]
    return _BYTES.sub(_written_out, _NAMED.sub(r"\1 ", SEPARATOR.join(found)))


_DECODERS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("%", unquote),
    ("&", html.unescape),
    ("\\", partial(_ESCAPE.sub, _escaped)),
    ("\\x", partial(_BYTES.sub, _written_out)),
    ("=", partial(_BYTES.sub, _written_out)),
    ("=", _values_written_out),
    ("[U+", partial(_CODE_POINT.sub, _code_point)),
    # As a form sends it, this is the blank between two lines of one piece of base64.
    ("+", methodcaller("replace", "+", "")),
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
