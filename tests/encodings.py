"""Ways in which one value is written: what the guard must see through.

A value -> the same value in another notation. Where a notation does not apply (a name
is no domain), the value comes back as it is.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

_SERBIAN: Final = dict(
    zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True)
) | {"љ": "lj", "њ": "nj", "џ": "dž"}
_PLAIN: Final = {"đ": "dj", "ž": "z", "ć": "c", "č": "c", "š": "s"}


def _base64_within(before: str) -> Callable[[str], str]:
    """Write a value in base64 of a longer text: it then starts at another bit."""
    return lambda value: base64.b64encode(f"{before}{value} and".encode()).decode()


def _utf16(value: str, codec: str) -> str:
    return base64.b64encode(value.encode(codec)).decode()


def _wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _bytes(value: str, style: str) -> str:
    return "".join(style.format(byte) for byte in value.encode())


def _domain(value: str) -> str:
    whole = "." in value and not set(value) & set(" @/:")
    return value.encode("idna").decode() if whole else value


def _pointer(value: str) -> str:
    parts = value.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return ".".join(reversed(parts)) + ".in-addr.arpa"
    return value


def _host(value: str) -> str:
    pointer = _pointer(value)
    if pointer == value:
        return value
    return value.replace(".", "-") + ".dsl.provider.example"


def _mathematical(value: str) -> str:
    def bold(letter: str) -> str:
        if "A" <= letter <= "Z":
            return chr(0x1D400 + ord(letter) - ord("A"))
        if "a" <= letter <= "z":
            return chr(0x1D41A + ord(letter) - ord("a"))
        return letter

    return "".join(map(bold, value))


def _as_misp_keeps_it(value: str) -> str:
    return "".join(c if ord(c) < 65536 else f"[U+{ord(c):X}]" for c in value)


def _full_width(value: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def _latin(value: str) -> str:
    def letter(one: str) -> str:
        found = _SERBIAN.get(one.lower(), one)
        return found.capitalize() if one.isupper() else found

    return "".join(map(letter, value))


def _latin_ascii(value: str) -> str:
    def letter(one: str) -> str:
        found = _PLAIN.get(one.lower(), one)
        return found.capitalize() if one.isupper() else found

    return "".join(map(letter, _latin(value)))


def _word(value: str) -> str:
    """Write a value as mail headers do (RFC 2047, quoted-printable)."""
    coded = "".join(
        "_" if byte == 32 else chr(byte) if 47 < byte < 123 and byte not in b"=?_"
        else f"={byte:02X}" for byte in value.encode()
    )  # fmt: skip
    return f"=?UTF-8?Q?{coded}?="


_CYRILLIC_ALIKE: Final = str.maketrans(
    "aceijopsxyhABCEHIJKMOPSTXY", "асеіјорѕхуһАВСЕНІЈКМОРЅТХУ"
)
_GREEK_ALIKE: Final = str.maketrans("aopxvABEHIKMNOPTXYZ", "αορχνΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")


def _as_number(value: str) -> str:
    parts = value.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return f"http://{int.from_bytes(bytes(map(int, parts)))}/"
    return value


def _in_columns(value: str) -> str:
    parts = value.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return ".".join(part.zfill(3) for part in parts)
    return value


ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "within a word": lambda v: f"x{v}x" if len(v) > 4 and not v[0].isdigit()
    and not v[-1].isdigit() else v,
    "defanged": lambda v: v.replace(".", "[.]").replace("@", "[at]")
    .replace("http", "hxxp"),
    "defanged, other signs": lambda v: v.replace(".", "(dot)").replace("@", "(at)"),
    "URL": lambda v: quote(v, safe=""),
    "percent signs": lambda v: _bytes(v, "%{:02X}"),
    "percent signs twice": lambda v: quote(quote(v, safe=""), safe=""),
    "base64": _base64_within(""),
    "base64, one byte in": _base64_within("x"),
    "base64, two bytes in": _base64_within("xy"),
    "base64, in a sentence": _base64_within("the one who told us was "),
    "base64 for URLs": lambda v: base64.urlsafe_b64encode(v.encode()).decode()
    .rstrip("="),
    "base64 twice": lambda v: base64.b64encode(base64.b64encode(v.encode())).decode(),
    "base64 in lines": lambda v: _wrapped(
        base64.b64encode(f"it was told to us by {v}, who saw it".encode()).decode(), 32
    ),
    "base64 of UTF-16, little end": lambda v: _utf16(v, "utf-16-le"),
    "base64 of UTF-16, big end": lambda v: _utf16(v, "utf-16-be"),
    "base64 of UTF-16, marked": lambda v: _utf16(v, "utf-16"),
    "base64, accents apart": lambda v: base64.b64encode(
        unicodedata.normalize("NFD", v).encode()
    ).decode(),
    "hex": lambda v: v.encode().hex(),
    "hex, capitals": lambda v: v.encode().hex().upper(),
    "hex, spaced": lambda v: v.encode().hex(" "),
    "hex, colons": lambda v: v.encode().hex(":"),
    "hex, as a form sends it": lambda v: v.encode().hex("+"),
    "hex, 0x": lambda v: "0x" + v.encode().hex(),
    "hex of UTF-16": lambda v: v.encode("utf-16-le").hex(),
    "hex in lines": lambda v: _wrapped(f"it was told by {v}".encode().hex(), 32),
    "bytes of source code": lambda v: _bytes(v, "\\x{:02x}"),
    "accents apart": lambda v: unicodedata.normalize("NFD", v),
    "punycode": _domain,
    "reversed pointer": _pointer,
    "customer's host": _host,
    "entities": lambda v: "".join(f"&#{ord(c)};" for c in v),
    "entities, hex": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "entities of HTML": html.escape,
    "JSON": lambda v: json.dumps(v)[1:-1],
    "JSON, every letter": lambda v: "".join(f"\\u{ord(c):04x}" for c in v),
    "JSON twice": lambda v: json.dumps(json.dumps(v)),
    "zero-width blanks": "\u200b".join,
    "zero-width joiners": "\u2060".join,
    "isolates": lambda v: "\u2066" + "\u2069".join(v),
    "variation selectors": "\ufe0f".join,
    "soft hyphens": "\u00ad".join,
    "tags": "\U000e0041".join,
    "spaced": " ".join,
    "dashes": "-".join,
    "bent quotes and long dashes": lambda v: v.replace("'", "’").replace("-", "–"),
    "long dashes between letters": "–".join,
    "broken line": lambda v: f"{v[: len(v) // 2]}\n{v[len(v) // 2 :]}",
    "full width": _full_width,
    "mathematical letters": _mathematical,
    "mathematical letters, in MISP": lambda v: _as_misp_keeps_it(_mathematical(v)),
    "quoted-printable": lambda v: quopri.encodestring(v.encode(), quotetabs=True)
    .decode(),
    "quoted-printable, every byte": lambda v: _bytes(v, "={:02X}"),
    "mail header, Q": _word,
    "mail header, B": lambda v: f"=?UTF-8?B?{base64.b64encode(v.encode()).decode()}?=",
    "look-alikes, Cyrillic": lambda v: v.translate(_CYRILLIC_ALIKE),
    "look-alikes, Greek": lambda v: v.translate(_GREEK_ALIKE),
    "address as a number": _as_number,
    "address in columns": _in_columns,
    "words on lines": lambda v: v.replace(" ", "\n"),
    "words on quoted lines": lambda v: f"> {v}".replace(" ", "\n> "),
    "words on lines of Windows": lambda v: v.replace(" ", "\r\n"),
    "words apart": lambda v: v.replace(" ", "  \t "),
    "words in cells": lambda v: v.replace(" ", " | "),
    "tags of HTML": lambda v: f"<b>{v[:2]}</b>{v[2:]}",
    "escaped dots": lambda v: v.replace(".", "\\."),
    "dot and at in words": lambda v: v.replace(".", " dot ").replace("@", " at "),
    "Serbian in Latin": _latin,
    "Serbian in ASCII": _latin_ascii,
}  # fmt: skip
