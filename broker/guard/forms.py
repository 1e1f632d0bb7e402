"""The forms in which a withheld value is looked for.

Values -> how they read once folded, in other notations, as bytes and as bare digits.

Invariant: what is found by chance is no form: a short number stands alone or not at
all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address
from typing import Final

from broker.guard.layers import opened_punycode
from broker.guard.texts import (
    SEPARATOR,
    as_it_looks,
    fold,
    squeeze_each,
)

_IN_ADDRESS: Final = "0123456789abcdef:."
_ADDRESS: Final = re.compile(r"[0-9a-f:.]*[.:][0-9a-f:.]+")
# Matched instead of parsed: an address object costs fifty times as much.
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
# A number that people group as they like: a telephone, a personal number, a card.
_GROUPED: Final = re.compile(r"\+?[\d ()/.-]{9,40}")
# A squeezed value shorter than this is found by chance between two others.
_SQUEEZED: Final = 8
# Seven letters, and signs between them.
_LONGEST_SHORT: Final = 12
_WORDS: Final = re.compile(r"[^\W_]+")
# So many digits do not stand together by chance.
_DIGITS: Final = 9
# Without its country code a telephone number has eight digits, in Kosovo and around.
_NATIONAL: Final = 8


Forms = dict[str, list[str]]
"""A form -> the values that are written so."""


def text_forms(values: Sequence[str]) -> Forms:
    """Return the forms in which values are looked for in a laid-open text."""
    found: Forms = {}
    for value, folded in zip(values, _folded(values), strict=True):
        text = folded.strip()
        if value.isascii() and "xn--" not in text and text.strip(_IN_ADDRESS):
            # Most values are written in one way only.
            found.setdefault(text, []).append(value)
            continue
        for form in _spellings(value, text):
            if form:
                found.setdefault(form, []).append(value)
    return found


def tells(bare: str) -> bool:
    """Say whether a form without blanks and signs is not found by chance."""
    return len(bare) >= _SQUEEZED and not bare.isdigit()


def told_bare(texts: Forms) -> tuple[Forms, Forms]:
    """Return forms without blanks and signs, and those that tell nothing so.

    A short word, or a number next to other numbers, is found by chance. The others
    need not be looked for with their signs: where they stand, they stand without.
    """
    bares: Forms = {}
    others: Forms = {}
    if not texts:
        return bares, others
    lines = [text.replace(SEPARATOR, "") for text in texts]
    for bare, text in zip(squeeze_each(lines), texts, strict=True):
        if tells(bare):
            bares.setdefault(bare, []).extend(texts[text])
        else:
            others[text] = texts[text]
    return bares, others


def short_forms(texts: Forms) -> Forms:
    """Return the forms of several words that are too short to be squeezed.

    They are looked for word for word, whatever stands between the words.
    """
    found: Forms = {}
    for text, values in texts.items():
        if len(text) > _LONGEST_SHORT or text.isalnum():
            continue
        words = _WORDS.findall(text)
        if len(words) > 1 and not any(word.isdigit() for word in words):
            found.setdefault(f" {' '.join(words)} ", []).extend(values)
    return found


def _folded(values: Sequence[str]) -> list[str]:
    # In one piece, because most of the price is the call.
    folded = fold(SEPARATOR.join(values)).split(SEPARATOR)
    return folded if len(folded) == len(values) else [fold(value) for value in values]


def number(value: str) -> tuple[str, bool]:
    """Return a number as it reads without grouping, and whether it must stand alone.

    Empty when the value is no such number, or too short to be told from chance.
    """
    # Most values end in a letter, and need no closer look.
    if value[-1:].isalpha() or not _GROUPED.fullmatch(value):
        return "", False
    # One address is often the beginning of another one in the same network.
    if _ADDRESS.fullmatch(value):
        return value, True
    digits = "".join(filter(str.isdigit, value))
    if len(digits) < _DIGITS:
        return "", False
    dialled = value.startswith(("+", "00"))
    return (digits[-_NATIONAL:] if dialled else digits), False


def raw_forms(value: str) -> tuple[bytes, ...]:
    """Return a value beyond ASCII as the bytes in which something may carry it."""
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


def _spellings(value: str, folded: str) -> Iterator[str]:
    yield folded
    if not value.isascii():
        yield as_it_looks(value).strip()
        # Without its own letter, Serbian writes one sound as two letters.
        yield fold(re.sub("[đђ]", "dj", value.casefold())).strip()
    if "xn--" in folded:
        yield fold(opened_punycode(folded))
    if ("." in folded or ":" in folded) and _ADDRESS.fullmatch(folded):
        yield from _addresses(folded)


def _addresses(folded: str) -> Iterator[str]:
    """Yield the other notations of an address; nothing for what is none."""
    if _IPV4.fullmatch(folded):
        parts = folded.split(".")
        packed = bytes(map(int, parts))
        # As numbers, which browsers and scripts read as addresses, and as old logs
        # write them in columns.
        yield str(int.from_bytes(packed))
        yield packed.hex()
        yield ".".join([part.zfill(3) for part in parts])
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
    groups = [f"{int(part, 16):x}" for part in address.exploded.split(":")]
    yield ":".join(groups)
    yield from _shortened(groups)


def _shortened(groups: list[str]) -> Iterator[str]:
    """Yield an address with each run of zero groups left out in turn.

    RFC 4291, 2.2 lets a writer leave out any of them, and a single group as well.
    """
    for start in range(len(groups)):
        for end in range(start + 1, len(groups) + 1):
            if groups[end - 1] != "0":
                break
            yield f"{':'.join(groups[:start])}::{':'.join(groups[end:])}"
