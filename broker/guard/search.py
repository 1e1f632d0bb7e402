"""Search a document for withheld values, all of them at once.

The texts of a document -> `Searched`; values -> `Wanted`; both -> the values that stand
in the document in any form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

from broker.guard.beside import Beside, Row, Seams, in_one_piece
from broker.guard.forms import (
    Forms,
    number,
    raw_forms,
    short_forms,
    text_forms,
    told_bare,
)
from broker.guard.layers import Opened, raw_bytes
from broker.guard.texts import (
    NO_LETTER_APART,
    SEPARATOR,
    Lines,
    as_it_looks,
    fold,
    lines_of,
    squeeze,
    squeeze_each,
    without,
    words_of,
)
from broker.guard.tripwires import TRIPWIRES

# Signs that stand within a number, or at the edges of lines and cells. A dot is not
# among them: it makes an amount of a number.
_GROUPING: Final = b" ()+-/_\t\r\n|>*#"
# A number of so many digits does not come about where two others meet.
_SPLIT: Final = 8
# So many comparisons cost as much as the automaton that makes one pass of them.
_ONE_PASS: Final = 300_000
# And so many cost as much as a list of every place where a word stands.
_BY_ONE: Final = 10**7


class Searched:
    """Texts as they are searched: as they stand there, and what they hold encoded."""

    __slots__ = (
        "_beside",
        "_numbers",
        "_opened",
        "_row",
        "_squeezed",
        "_texts",
        "_words",
        "_written",
    )

    def __init__(self, lines: Lines, row: Row, opened: Opened, beside: Beside) -> None:
        """Lay the texts open, and fold them.

        Args:
            lines: the texts of one document.
            row: those texts that stand for one thing each: one value may be split
                over two of them.
            opened: knows what is encoded in texts.
            beside: knows what values mean beside each other.

        Raises:
            GuardError: a text has too many layers of encoding.
        """
        beneath = opened.laid_open(lines.to_open)
        self._texts = lines.to_open + beneath
        self._row, self._beside = row, beside
        # The texts first and together: a value may be split over two of them.
        whole = SEPARATOR.join(lines.whole)
        deeper = SEPARATOR.join(lines.rejoined + beneath)
        self._written = SEPARATOR.join((fold(whole), fold(deeper)))
        alike = as_it_looks(SEPARATOR.join((whole, deeper)))
        self._opened = SEPARATOR.join((self._written, alike))
        self._squeezed = squeeze(self._opened)
        self._numbers = without(self._opened, _GROUPING)
        self._words: str | None = None

    @property
    def size(self) -> int:
        """How many letters are searched."""
        return len(self._opened)

    def tripped(self, names: Iterable[str]) -> list[str]:
        """Return those of some tripwires that the texts touch, in order."""
        return [name for name in sorted(names) if TRIPWIRES[name](self._written)]

    def holding(
        self, wanted: Wanted, withheld: Collection[str] | None = None
    ) -> set[str]:
        """Return the values that stand in the texts in any form.

        Only for those that are ``withheld`` here is it looked where they stand; the
        texts are full of the others.
        """
        mine = set(wanted.values if withheld is None else withheld)
        found: set[str] = set()
        apart = self._beside.together(self._row, wanted.seams)
        neighbours, spelled = _neighbours(self._row.values, apart)
        for form in wanted.texts.within(self._opened, mine):
            if _stands_apart(form, self._opened):
                found.update(wanted.texts.forms[form])
        # Spaced out, or split over neighbours.
        squeezed = f"{self._squeezed}\0{neighbours}"
        for bare in wanted.bares.within(squeezed, mine):
            found.update(wanted.bares.forms[bare])
        if wanted.longest.within(self._opened, mine):
            if self._words is None:
                self._words = f" {words_of(self._opened)} "
            for short in wanted.shorts.within(self._words, mine):
                found.update(wanted.shorts.forms[short])
        # Addresses also with their signs, as they are nothing without.
        neighbours = f"{neighbours}\0{spelled}"
        found.update(self._numbers_among(wanted, mine, neighbours))
        if wanted.beyond:
            found.update(self._encoded_among(wanted.raw_forms(), apart))
        return found

    def _numbers_among(
        self, wanted: Wanted, mine: set[str], neighbours: str
    ) -> Iterable[str]:
        """Yield the values that are numbers and stand there, however grouped."""
        both = f"{self._numbers}\0{neighbours}"
        for digits in wanted.numbers.within(both, mine):
            for text, least in ((self._numbers, 0), (neighbours, _SPLIT)):
                if len(digits) < least or digits not in text:
                    continue
                apart = _between(digits, text, str.isdigit)
                for value in wanted.numbers.forms[digits]:
                    if apart or value not in wanted.alone:
                        yield value

    def _encoded_among(
        self, forms: Mapping[bytes, list[str]], apart: list[str]
    ) -> set[str]:
        """Return the values beyond ASCII that stand there as bytes."""
        cut = b"\0\0\0\0".join(in_one_piece(self._row.values))
        raw = raw_bytes(self._texts + apart) + cut
        if not raw:
            return set()
        if len(forms) * len(raw) > _ONE_PASS:
            matches = BytesAhoCorasick(list(forms)).find_matches_as_indexes
            if not matches(raw):
                return set()
        return {value for form in forms if form in raw for value in forms[form]}


def searched(
    texts: Iterable[str], values: Iterable[str], known: frozenset[str]
) -> Searched:
    """Return a document as it is searched by itself.

    Args:
        texts: every text of the document.
        values: those that stand for one thing each.
        known: lines that are in every such document.

    Raises:
        GuardError: a text has too many layers of encoding.
    """
    opened = Opened()
    return Searched(lines_of(texts, known), Row.of(values), opened, Beside(opened))


class Words:
    """Many words that are looked for at once, in as many texts as need be."""

    __slots__ = ("_automata", "forms")

    def __init__(self, forms: Forms) -> None:
        """Take the words, each with the values that are written so."""
        self.forms = forms
        self._automata: dict[tuple[str, ...], AhoCorasick] = {}

    def within(self, text: str, mine: set[str]) -> Collection[str]:
        """Return the words of some values that occur in a text.

        In time linear to both. Who looks for values that others may see, too, would
        find these everywhere.
        """
        words = [
            word for word, values in self.forms.items() if not mine.isdisjoint(values)
        ]
        if len(words) * len(text) <= _ONE_PASS:
            return [word for word in words if word in text]
        matches = self._automaton(tuple(words)).find_matches_as_indexes
        # One match is enough to look closer.
        if not matches(text):
            return ()
        if len(words) * len(text) <= _BY_ONE:
            return [word for word in words if word in text]
        return {words[index] for index, _, _ in matches(text, overlapping=True)}

    def _automaton(self, words: tuple[str, ...]) -> AhoCorasick:
        """Return the automaton of some words, made once for drafts of one profile."""
        if words not in self._automata:
            self._automata[words] = AhoCorasick(
                words, implementation=Implementation.ContiguousNFA
            )
        return self._automata[words]


class Wanted:
    """Values in every form in which they are looked for, made once for all texts."""

    __slots__ = (
        "_raw",
        "_seams",
        "alone",
        "bares",
        "beyond",
        "longest",
        "numbers",
        "shorts",
        "texts",
        "values",
    )

    def __init__(self, values: Sequence[str]) -> None:
        """Make the forms of values, each of which is named once."""
        self.values = values
        texts = text_forms(values)
        bares, others = told_bare(texts)
        self.texts = Words(others)
        self.bares = Words(bares)
        shorts = short_forms(texts)
        self.shorts = Words(shorts)
        # The longest word of each: where none stands, none of them does.
        longest: Forms = {}
        for short, its in shorts.items():
            longest.setdefault(max(short.split(), key=len), []).extend(its)
        self.longest = Words(longest)
        numbers: Forms = {}
        # Those that may not be part of a longer number.
        self.alone: set[str] = set()
        for value in values:
            digits, alone = number(value)
            if digits:
                numbers.setdefault(digits, []).append(value)
            if alone:
                self.alone.add(value)
        self.numbers = Words(numbers)
        self.beyond = [value for value in values if not value.isascii()]
        self._raw: dict[bytes, list[str]] | None = None
        self._seams: Seams | None = None

    @property
    def seams(self) -> Seams:
        """Where the values may be cut in two."""
        if self._seams is None:
            numbers = squeeze_each(self.numbers.forms) if self.numbers.forms else ()
            self._seams = Seams((*self.bares.forms, *numbers))
        return self._seams

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self.values)

    def raw_forms(self) -> Mapping[bytes, list[str]]:
        """Return the values beyond ASCII by the bytes in which they may be carried."""
        if self._raw is None:
            self._raw = {}
            for value in self.beyond:
                for form in raw_forms(value):
                    self._raw.setdefault(form, []).append(value)
        return self._raw


def _neighbours(values: list[str], apart: Iterable[str]) -> tuple[str, str]:
    """Return what values say beside each other, without blanks and signs.

    And what they mean together as it is written.
    """
    joined = "".join(values)
    more = fold(SEPARATOR.join(apart))
    together = SEPARATOR.join((fold(joined), as_it_looks(joined), more))
    folded = fold(SEPARATOR.join(values)).split(SEPARATOR)
    halves = SEPARATOR.join(map("".join, pairwise(filter(_half, folded))))
    return f"{without(together, NO_LETTER_APART)}\0{halves}", more


# What half an address may be.
_half: Final = re.compile(r"[0-9a-f.:]{1,39}").fullmatch


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
