"""Search a document for withheld values, all of them at once.

The texts of a document -> `Searched`; values -> those of them that stand in it in any
form.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

from broker.guard.forms import bare_forms, number, raw_forms, text_forms
from broker.guard.texts import (
    SEPARATOR,
    fold,
    laid_open,
    lines_of,
    raw_bytes,
    squeeze,
    without,
)
from broker.guard.tripwires import tripped

# A dot is not among them: it makes an amount of a number.
_GROUPING: Final = b" ()+-/_"
# So many comparisons cost as much as the automaton that makes one pass of them.
_ONE_PASS: Final = 300_000


class Searched:
    """A document as it is searched, and the tripwires that it touches."""

    __slots__ = ("_numbers", "_opened", "_squeezed", "_texts", "tripped")

    def __init__(
        self, texts: Iterable[str], values: Iterable[str], known: frozenset[str]
    ) -> None:
        """Lay the texts open.

        Args:
            texts: every text of the document.
            values: those that stand for one thing each: one value may be split over
                them.
            known: lines that are in every such document.

        Raises:
            GuardError: a text has too many layers of encoding.
        """
        lines = lines_of(texts, known)
        beneath = laid_open(lines)
        self._texts = lines + beneath
        # The lines first and together: a value may be split over two of them.
        self._opened = SEPARATOR.join(
            (fold(SEPARATOR.join(lines)), fold(SEPARATOR.join(beneath)))
        )
        self._squeezed = f"{squeeze(self._opened)}\0{squeeze(fold(''.join(values)))}"
        self._numbers = without(self._opened, _GROUPING)
        self.tripped = tripped(self._opened)

    @property
    def size(self) -> int:
        """How many letters are searched."""
        return len(self._opened)

    def holding(self, values: Sequence[str]) -> set[str]:
        """Return the values that stand in the document in any form."""
        found: set[str] = set()
        texts = text_forms(values)
        for form in occurring(texts, self._opened):
            if _stands_apart(form, self._opened):
                found.update(texts[form])
        # Spaced out, or split over neighbours.
        bares = bare_forms(texts)
        for bare in occurring(bares, self._squeezed):
            found.update(bares[bare])
        found.update(self._numbers_among(values))
        beyond = [value for value in values if not value.isascii()]
        if beyond:
            found.update(self._encoded_among(beyond))
        return found

    def _numbers_among(self, values: Sequence[str]) -> Iterable[str]:
        """Yield the values that are numbers and stand there, however grouped."""
        numbers = [(value, *number(value)) for value in values]
        there = occurring({digits for _, digits, _ in numbers}, self._numbers)
        for value, digits, alone in numbers:
            if digits in there:
                edges = rf"(?<!\d){re.escape(digits)}(?!\d)"
                if not alone or re.search(edges, self._numbers):
                    yield value

    def _encoded_among(self, values: Iterable[str]) -> Iterable[str]:
        """Yield the values beyond ASCII that stand there as bytes."""
        raw = raw_bytes(self._texts)
        return (v for v in values if any(form in raw for form in raw_forms(v)))


def occurring(needles: Collection[str], text: str) -> set[str]:
    """Return those of many words that occur in a text, in time linear to both."""
    wanted = [needle for needle in needles if needle]
    if len(wanted) * len(text) > _ONE_PASS:
        automaton = AhoCorasick(wanted, implementation=Implementation.ContiguousNFA)
        # One match is enough to look closer; nearly always there is none.
        if not automaton.find_matches_as_indexes(text):
            return set()
    return {needle for needle in wanted if needle in text}


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
