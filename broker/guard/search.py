"""Search a document for withheld values, all of them at once.

The texts of a document -> `Searched`; values -> those of them that stand in it in any
form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

from broker.guard.forms import (
    bare_forms,
    number,
    raw_forms,
    short_forms,
    text_forms,
)
from broker.guard.texts import (
    SEPARATOR,
    as_it_looks,
    fold,
    laid_open,
    lines_of,
    raw_bytes,
    squeeze,
    without,
)
from broker.guard.tripwires import TRIPWIRES

# Signs that stand within a number, or at the edges of lines and cells. A dot is not
# among them: it makes an amount of a number.
_GROUPING: Final = b" ()+-/_\t\r\n|>*#"
_NO_WORD: Final = re.compile(r"[\W_]+")
# A number of so many digits does not come about where two others meet.
_SPLIT: Final = 8
# So many comparisons cost as much as the automaton that makes one pass of them.
_ONE_PASS: Final = 300_000
# And so many cost as much as a list of every place where a word stands.
_BY_ONE: Final = 10**9


class Searched:
    """A document as it is searched."""

    __slots__ = (
        "_neighbours",
        "_numbers",
        "_opened",
        "_squeezed",
        "_texts",
        "_written",
    )

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
        beneath = laid_open(lines.single + lines.rejoined)
        self._texts = lines.single + lines.rejoined + beneath
        # The texts first and together: a value may be split over two of them.
        whole = SEPARATOR.join(lines.whole)
        deeper = SEPARATOR.join(lines.rejoined + beneath)
        self._written = SEPARATOR.join((fold(whole), fold(deeper)))
        alike = as_it_looks(SEPARATOR.join((whole, deeper)))
        self._opened = SEPARATOR.join((self._written, alike))
        beside = list(values)
        halves = SEPARATOR.join(map("".join, pairwise(filter(_half, beside))))
        self._neighbours = f"{squeeze(fold(''.join(beside)))}\0{halves}"
        self._squeezed = f"{squeeze(self._opened)}\0{self._neighbours}"
        self._numbers = without(self._opened, _GROUPING)

    @property
    def size(self) -> int:
        """How many letters are searched."""
        return len(self._opened)

    def tripped(self, names: Iterable[str]) -> list[str]:
        """Return those of some tripwires that the document touches, in order."""
        return [name for name in sorted(names) if TRIPWIRES[name](self._written)]

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
        shorts = short_forms(texts)
        if shorts:
            words = f" {_NO_WORD.sub(' ', self._opened)} "
            for short in occurring(shorts, words):
                found.update(shorts[short])
        found.update(self._numbers_among(values))
        beyond = [value for value in values if not value.isascii()]
        if beyond:
            found.update(self._encoded_among(beyond))
        return found

    def _numbers_among(self, values: Sequence[str]) -> Iterable[str]:
        """Yield the values that are numbers and stand there, however grouped."""
        numbers = [(value, *number(value)) for value in values]
        both = f"{self._numbers}\0{self._neighbours}"
        there = occurring({digits for _, digits, _ in numbers}, both)
        for value, digits, alone in numbers:
            if digits not in there:
                continue
            for text, least in ((self._numbers, 0), (self._neighbours, _SPLIT)):
                found = len(digits) >= least and digits in text
                if found and (not alone or _between(digits, text, str.isdigit)):
                    yield value

    def _encoded_among(self, values: Iterable[str]) -> set[str]:
        """Return the values beyond ASCII that stand there as bytes."""
        raw = raw_bytes(self._texts)
        forms: dict[bytes, list[str]] = {}
        for value in values if raw else ():
            for form in raw_forms(value):
                forms.setdefault(form, []).append(value)
        if len(forms) * len(raw) > _ONE_PASS:
            matches = BytesAhoCorasick(list(forms)).find_matches_as_indexes
            if not matches(raw):
                return set()
        return {value for form in forms if form in raw for value in forms[form]}


# What half an address may be.
_half: Final = re.compile(r"[0-9a-fA-F.:]{1,39}").fullmatch


def occurring(needles: Collection[str], text: str) -> set[str]:
    """Return those of many words that occur in a text, in time linear to both."""
    wanted = [needle for needle in needles if needle]
    if len(wanted) * len(text) <= _ONE_PASS:
        return {needle for needle in wanted if needle in text}
    automaton = AhoCorasick(wanted, implementation=Implementation.ContiguousNFA)
    # One match is enough to look closer; nearly always there is none.
    if not automaton.find_matches_as_indexes(text):
        return set()
    if len(wanted) * len(text) <= _BY_ONE:
        return {needle for needle in wanted if needle in text}
    return {
        wanted[index]
        for index, _, _ in automaton.find_matches_as_indexes(text, overlapping=True)
    }


def _stands_apart(form: str, opened: str) -> bool:
    """Say whether a form that is in a text does not merely stand in a longer number.

    Short ones must stand alone as a word: three letters are part of many words.
    """
    if len(form) < 5:
        return _between(form, opened, _is_word)
    if not (form[0].isdigit() or form[-1].isdigit()):
        return True
    return _between(form, opened, str.isdigit)


def _is_word(letter: str) -> bool:
    return letter == "_" or letter.isalnum()


def _between(form: str, text: str, inner: Callable[[str], bool]) -> bool:
    """Say whether a form stands anywhere in a text where it is not part of more.

    An edge that is no letter or digit itself ends the form wherever it stands.
    """
    first, last = inner(form[0]), inner(form[-1])
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        before = first and at > 0 and inner(text[at - 1])
        if not before and not (last and end < len(text) and inner(text[end])):
            return True
        at = text.find(form, at + 1)
    return False
