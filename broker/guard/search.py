"""Search a document for withheld values, all of them at once.

The texts of a document -> `Searched`; values -> `Wanted`; both -> the values that stand
in the document in any form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

from broker.guard.beside import Beside, Row, Seams, in_one_piece
from broker.guard.forms import (
    Forms,
    number,
    raw_forms,
    short_forms,
    tells,
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
    squeezed_bytes,
    without,
    words_of,
)
from broker.guard.tripwires import TRIPWIRES

# Signs that stand within a number, or at the edges of lines and cells. A dot is not
# among them: it makes an amount of a number.
_GROUPING: Final = b" ()+-/_\t\r\n|>*#"
# So many comparisons cost as much as the automaton that makes one pass of them.
_ONE_PASS: Final = 200_000
# And so many cost as much as a list of every place where a word stands.
_BY_ONE: Final = 10**7
# The automaton costs by the letter; so many do not occur by chance.
_PIECE: Final = 10


class Searched:
    """Texts as they are searched: as they stand there, and what they hold encoded."""

    __slots__ = ("_alike", "_beside", "_row", "_texts", "_written")

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
        self._alike = as_it_looks(SEPARATOR.join((whole, deeper)))

    @property
    def size(self) -> int:
        """How many letters are searched."""
        return len(self._written) + len(self._alike)

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
        apart = self._beside.together(self._row, wanted.seams)
        # Nearly no value leaves a trace; those that do are looked at closely.
        traced = wanted.traces.within(self._squeezed(apart), mine)
        found = self._exactly(traced, apart) if traced else set()
        if wanted.beyond:
            found |= self._encoded_among(wanted.raw_forms(), apart)
        return found

    def _squeezed(self, apart: list[str]) -> bytes:
        """Return all that is searched without blanks and signs, one after the other."""
        values = SEPARATOR.join(self._row.values)
        folded = fold(values)
        halves = [one for one in folded.split(SEPARATOR) if _is_half(one)]
        parts = [self._written, self._alike, folded, *halves, *map(fold, apart)]
        if not values.isascii():
            joined = values.replace(SEPARATOR, "")
            parts += (fold(joined), as_it_looks(joined))
        return squeezed_bytes(SEPARATOR.join(parts))

    def _exactly(self, values: Collection[str], apart: list[str]) -> set[str]:
        """Return those of a few values that stand in the texts in any form."""
        opened = SEPARATOR.join((self._written, self._alike))
        neighbours, spelled = _neighbours(self._row.values, apart)
        texts = text_forms(list(values))
        bares, others = told_bare(texts)
        found: set[str] = set()
        for form in _standing(others, opened):
            if _stands_apart(form, opened):
                found.update(others[form])
        # Spaced out, or split over neighbours.
        for bare in _standing(bares, f"{squeeze(opened)}\0{neighbours}"):
            found.update(bares[bare])
        if shorts := short_forms(texts):
            for short in _standing(shorts, f" {words_of(opened)} "):
                found.update(shorts[short])
        found.update(_numbers_among(values, opened, f"{neighbours}\0{spelled}"))
        return found

    def _encoded_among(
        self, forms: Mapping[bytes, list[str]], apart: list[str]
    ) -> set[str]:
        """Return the values beyond ASCII that stand there as bytes."""
        cut = b"\0\0\0\0".join(in_one_piece(self._row.values))
        raw = raw_bytes(self._texts + apart) + cut
        if len(forms) * len(raw) > _ONE_PASS:
            matches = BytesAhoCorasick(list(forms)).find_matches_as_indexes
            if not matches(raw):
                return set()
        return {value for form in forms if form in raw for value in forms[form]}


def _standing(forms: Collection[str], text: str) -> Iterable[str]:
    """Return those of some forms that stand in a text, however many there are."""
    if len(forms) * len(text) <= _BY_ONE:
        return [form for form in forms if form in text]
    some = list(forms)
    automaton = AhoCorasick(some, implementation=Implementation.ContiguousNFA)
    matches = automaton.find_matches_as_indexes(text, overlapping=True)
    return {some[index] for index, _, _ in matches}


def _numbers_among(
    values: Collection[str], opened: str, neighbours: str
) -> Iterator[str]:
    """Yield the values that are numbers and stand there, however grouped.

    ``neighbours`` has addresses also with their signs, as they are nothing without.
    """
    text = f"{without(opened, _GROUPING)}\0{neighbours}"
    told = {value: number(value) for value in values}
    there = set(_standing({digits for digits, _ in told.values() if digits}, text))
    for value, (digits, alone) in told.items():
        if digits in there and (not alone or _between(digits, text, str.isdigit)):
            yield value


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
    row = Row.of(values)
    return Searched(lines_of(texts, known), row, opened, Beside(opened, [row]))


class Words:
    """Many words that are looked for at once, in as many texts as need be."""

    __slots__ = ("_automaton", "_everywhere", "_forms", "_pieces")

    def __init__(self, forms: Mapping[bytes, list[str]]) -> None:
        """Take the words, each with the values that it is of."""
        self._forms = forms
        self._automaton: BytesAhoCorasick | None = None
        # Of a long word a piece from its middle is looked for first.
        self._pieces: dict[bytes, list[bytes]] = {}
        self._everywhere: list[bytes] = []

    def within(self, text: bytes, mine: set[str]) -> set[str]:
        """Return those of some values of which a word occurs in a text.

        In time linear to both. Who looks for values that others may see, too, would
        find these everywhere.
        """
        forms = self._forms
        words: Collection[bytes] = forms
        if len(forms) * len(text) > _ONE_PASS:
            words = set(self._in_one_pass(text))
        mine_among = [word for word in words if not mine.isdisjoint(forms[word])]
        # Where very many have left a piece, the close look says which stand there.
        if len(mine_among) * len(text) <= _BY_ONE:
            mine_among = [word for word in mine_among if word in text]
        return {value for word in mine_among for value in forms[word] if value in mine}

    def _in_one_pass(self, text: bytes) -> Iterator[bytes]:
        """Yield the words of which a piece occurs in a text."""
        if self._automaton is None:
            for word in self._forms:
                start = max(len(word) - _PIECE, 0) // 2
                self._pieces.setdefault(word[start : start + _PIECE], []).append(word)
            # What is left of a value of signs stands everywhere.
            self._everywhere = self._pieces.pop(b"", [])
            self._automaton = BytesAhoCorasick(
                list(self._pieces), implementation=Implementation.ContiguousNFA
            )
        yield from self._everywhere
        words = list(self._pieces.values())
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True)
        for index in {index for index, _, _ in matches}:
            yield from words[index]


class Wanted:
    """Values that are looked for, and the traces that each of them leaves.

    A trace is what is left of a form without blanks and signs. A value that stands
    anywhere in any form leaves one of its traces in what is left of the text: whatever
    is taken away from both takes no part out of another. Who has left none does not
    stand there.
    """

    __slots__ = ("_cut", "_raw", "_seams", "beyond", "traces", "values")

    def __init__(self, values: Sequence[str]) -> None:
        """Make the traces of values, each of which is named once."""
        self.values = values
        texts = text_forms(values)
        # Most values end in a letter, and are no number.
        some = [value for value in values if not value[-1:].isalpha()]
        numbers = {value: digits for value in some if (digits := number(value)[0])}
        lines = [text.replace(SEPARATOR, "") for text in texts]
        bares = squeeze_each((*lines, *numbers.values())) if lines else []
        traces: Forms = {}
        for bare, its in zip(bares, texts.values(), strict=False):
            traces[bare] = traces[bare] + its if bare in traces else its
        for bare, value in zip(bares[len(texts) :], numbers, strict=True):
            traces[bare] = [*traces.get(bare, ()), value]
        # Short words are told by the longest of them, whatever stands between.
        for short, its in short_forms(texts).items():
            longest = max(short.split(), key=len)
            traces[longest] = [*traces.get(longest, ()), *its]
        self.traces = Words({trace.encode(): its for trace, its in traces.items()})
        self._cut = [*filter(tells, bares[: len(texts)]), *bares[len(texts) :]]
        self.beyond = [value for value in values if not value.isascii()]
        self._raw: dict[bytes, list[str]] | None = None
        self._seams: Seams | None = None

    @property
    def seams(self) -> Seams:
        """Where the values may be cut in two."""
        if self._seams is None:
            self._seams = Seams(self._cut)
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
    halves = SEPARATOR.join(map("".join, pairwise(filter(_is_half, folded))))
    return f"{without(together, NO_LETTER_APART)}\0{halves}", more


def _is_half(folded: str) -> bool:
    """Say whether a text may be half an address."""
    return 0 < len(folded) < 40 and not folded.strip("0123456789abcdef.:")


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
