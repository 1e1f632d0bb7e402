"""Search a laid-open document for withheld values.

The lines of a document -> `Searched`, which says whether a value stands in it in any
form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from broker.guard.forms import forms, number, raw_forms
from broker.guard.texts import fold, laid_open, lines_of, raw_bytes, squeeze

# A dot is not among them: it makes an amount of a number.
_GROUPING: Final = b" ()+-/_"


class Searched:
    """A document as it is searched, and the tripwires that it touches."""

    __slots__ = ("_lines", "_numbers", "_opened", "_raw", "_squeezed", "tripped")

    def __init__(
        self, texts: Iterable[str], values: Iterable[str], known: frozenset[str]
    ) -> None:
        """Lay the texts open.

        Args:
            texts: every text of the document.
            values: those that stand for one thing each: one value may be split over
                them.
            known: lines that are in every such document.
        """
        self._lines = lines_of(texts, known)
        self._opened, self.tripped = laid_open(self._lines)
        encoded = self._opened.encode("utf-8", "replace")
        self._squeezed = squeeze(self._opened) + b"\0" + squeeze(fold("".join(values)))
        self._numbers = encoded.translate(None, _GROUPING)
        self._raw: bytes | None = None

    @property
    def size(self) -> int:
        """How many letters are searched."""
        return len(self._opened)

    def holds(self, value: str) -> bool:
        """Say whether a value stands in the document in any form."""
        opened, squeezed = self._opened, self._squeezed
        for form in forms(value):
            if form.text in opened and _stands_apart(form.text, opened):
                return True
            # Spaced out, or split over neighbours.
            if form.bare and form.bare in squeezed:
                return True
        digits, alone = number(value)
        if digits and digits in self._numbers:
            edges = rb"(?<!\d)" + re.escape(digits) + rb"(?!\d)"
            if not alone or re.search(edges, self._numbers):
                return True
        return not value.isascii() and self._is_encoded(value)

    def _is_encoded(self, value: str) -> bool:
        if self._raw is None:
            self._raw = raw_bytes(self._lines)
        raw = self._raw
        return any(form in raw for form in raw_forms(value))


def _stands_apart(form: str, opened: str) -> bool:
    """Say whether a form that is in a text does not merely stand in a longer number.

    Short ones must stand alone as a word: three letters are part of many words.
    """
    if len(form) >= 5 and not (form[0].isdigit() or form[-1].isdigit()):
        return True
    edge = r"\w" if len(form) < 5 else r"\d"
    before = rf"(?<!{edge})" if len(form) < 5 or form[0].isdigit() else ""
    after = rf"(?!{edge})" if len(form) < 5 or form[-1].isdigit() else ""
    return re.search(before + re.escape(form) + after, opened) is not None
