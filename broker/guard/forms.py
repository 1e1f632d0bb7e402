"""The forms in which a withheld value is looked for.

A value -> how it reads once folded, in other notations, as bytes and as bare digits.

Invariant: what is found by chance is no form: a short number stands alone or not at
all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from broker.guard.texts import SEPARATOR, fold, opened_punycode, squeeze

_ADDRESS: Final = re.compile(r"[0-9a-f:.]*[.:][0-9a-f:.]+")
# Matched instead of parsed: an address object costs fifty times as much.
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
# A number that people group as they like: a telephone, a personal number, a card.
_GROUPED: Final = re.compile(r"\+?[\d ()/.-]{9,40}")
# A squeezed value shorter than this is found by chance between two others.
_SQUEEZED: Final = 8
# So many digits do not stand together by chance.
_DIGITS: Final = 9
# Without its country code a telephone number has eight digits, in Kosovo and around.
_NATIONAL: Final = 8


class Form(NamedTuple):
    """A folded form of a value, and the same without blanks and signs.

    ``bare`` is empty where it would be found by chance.
    """

    text: str
    bare: bytes


@lru_cache(maxsize=4096)
def forms(value: str) -> tuple[Form, ...]:
    """Return the forms in which a value is looked for in a laid-open text."""
    texts = dict.fromkeys(text for text in _spellings(value) if text)
    return tuple(Form(text, _bare(text)) for text in texts)


def _bare(text: str) -> bytes:
    # A short word, or a number next to other numbers, is found by chance.
    bare = squeeze(text)
    return bare if len(bare) >= _SQUEEZED and not bare.isdigit() else b""


@lru_cache(maxsize=4096)
def number(value: str) -> tuple[bytes, bool]:
    """Return a number as it reads without grouping, and whether it must stand alone.

    Empty when the value is no such number, or too short to be told from chance.
    """
    if not _GROUPED.fullmatch(value):
        return b"", False
    # One address is often the beginning of another one in the same network.
    if _ADDRESS.fullmatch(value):
        return value.encode(), True
    digits = "".join(c for c in value if c.isdigit()).encode()
    if len(digits) < _DIGITS:
        return b"", False
    dialled = value.startswith(("+", "00"))
    return (digits[-_NATIONAL:] if dialled else digits), False


@lru_cache(maxsize=4096)
def raw_forms(value: str) -> tuple[bytes, ...]:
    """Return a value beyond ASCII as the bytes in which something may carry it."""
    if value.isascii():
        return ()
    composed = [unicodedata.normalize(form, value) for form in ("NFC", "NFD")]
    spelled = [
        text
        for one in (value, *composed)
        for text in (one, one.lower(), one.upper(), one.title())
    ]
    found = dict.fromkeys(
        text.strip().encode(encoding, "replace")
        for text in spelled
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
    )
    return tuple(raw for raw in found if len(raw) > 3)


def _spellings(value: str) -> Iterator[str]:
    folded = fold(value).strip()
    # Lines of a document stand apart, so those of a value do as well.
    yield folded.replace("\n", SEPARATOR)
    if not value.isascii():
        # Without its own letter, Serbian writes one sound as two letters.
        yield fold(re.sub("[đђ]", "dj", value.casefold())).strip()
    if "xn--" in folded:
        yield fold(opened_punycode(folded))
    if _ADDRESS.fullmatch(folded):
        yield from _addresses(folded)


def _addresses(folded: str) -> Iterator[str]:
    """Yield the other notations of an address; nothing for what is none."""
    if _IPV4.fullmatch(folded):
        parts = folded.split(".")
        backwards = parts[::-1]
        yield ".".join(backwards)
        # As providers name the machines of their customers: 198-51-100-7.example.
        yield "-".join(parts)
        yield "-".join(backwards)
        return
    try:
        address = IPv6Address(folded)
    except ValueError:
        return
    yield address.reverse_pointer.removesuffix(".ip6.arpa")
    yield address.exploded
    yield address.compressed
    yield ":".join(f"{int(part, 16):x}" for part in address.exploded.split(":"))
