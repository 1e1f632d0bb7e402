"""Find the names that are withheld, in any case that a language puts them into.

Withheld names + a `Reading` -> places. A name is looked for part by part: whole, in any
order, inflected, and by its initial beside another part.

Invariants: one pass over the words of a text, a few look-ups per word; a part that is a
word of every day counts only where it is written as a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from broker.redact.scrub.reading import Reading, fold
from broker.redact.scrub.words import COMMON, ENDINGS, GENERIC, LONGEST_ENDING, VOWELS

_WORD: Final = re.compile(r"[^\W\d_]+")
_JOINED: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)+")
# Between two parts of a name: "Krasniqi, A." and "arta_krasniqi".
_JOIN: Final = re.compile(r"[\W_]{0,3}")
_SHORTEST_ALONE: Final = 3
_SHORTEST_STEM: Final = 2
# One sound, written in Albanian and in Serbian.
_SOUNDS: Final = (
    ("dzh", "dz"), ("xh", "dz"), ("gj", "d"), ("dj", "d"), ("sh", "s"), ("zh", "z"),
    ("th", "t"), ("dh", "d"), ("ll", "l"), ("rr", "r"), ("lj", "l"), ("nj", "n"),
    ("ch", "c"), ("k", "c"),
    ("q", "c"), ("x", "dz"), ("y", "i"), ("w", "v"), ("h", ""), ("j", "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A withheld name: its parts as they read, and whether it is a person's."""

    parts: tuple[str, ...]
    person: bool

    @property
    def telling(self) -> int:
        """How many of its parts could not be in any other name."""
        return sum(part not in GENERIC for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Found:
    """A word of a text that may be a part of one or more names."""

    start: int
    end: int
    parts: dict[int, set[int]]  # name -> its parts


_NONE: Final[dict[int, set[int]]] = {}


class Names:
    """All withheld names of an incident, ready to be looked for."""

    __slots__ = ("_by_sound", "_by_stem", "_initials", "_names")

    def __init__(self, names: Iterable[tuple[str, bool]]) -> None:
        """Take names, and whether each is a person's."""
        self._names: list[Name] = []
        self._by_stem: dict[str, list[tuple[int, int]]] = {}
        self._by_sound: dict[str, list[tuple[int, int]]] = {}
        self._initials: dict[str, set[int]] = {}
        for value, person in dict.fromkeys(names):
            parts = tuple(_WORD.findall(fold(value)))
            if parts:
                self._add(Name(parts, person))
                self._add_joined(fold(value), parts)

    def _add(self, name: Name) -> None:
        number = len(self._names)
        self._names.append(name)
        for place, part in enumerate(name.parts):
            for key in {part, _without_dj(part)}:
                self._by_stem.setdefault(key, []).append((number, place))
            if len(part) >= _SHORTEST_ALONE:
                sound = _sound(part)
                self._by_sound.setdefault(sound, []).append((number, place))
            if name.person:
                self._initials.setdefault(part[0], set()).add(number)

    def _add_joined(self, folded: str, parts: tuple[str, ...]) -> None:
        """Let O'Brien be found as OBrien, too."""
        for found in _JOINED.finditer(folded):
            *_, last = pieces = _WORD.findall(found[0])
            entry = (len(self._names) - 1, parts.index(last))
            self._by_stem.setdefault("".join(pieces), []).append(entry)

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where a withheld name, or a telling part of one, stands."""
        if not self._names:
            return
        run: list[_Found] = []
        # A text repeats its words; most of them are no part of any name.
        known: dict[tuple[str, bool], dict[int, set[int]]] = {}
        parts: dict[int, set[int]] | None
        for found in _WORD.finditer(reading.lower):
            spelt = (found[0], reading.is_cyrillic(found.start()))
            if found.end() - found.start() == 1 and not (
                reading.text[found.start()].isupper() or spelt[0] in self._by_stem
            ):
                parts = _NONE  # a small letter by itself is a word, and no initial
            else:
                parts = known.get(spelt)
            if parts is None:
                parts = known[spelt] = self._match(*spelt)
            word = _Found(found.start(), found.end(), parts) if parts else None
            joined = run and _JOIN.fullmatch(reading.lower, run[-1].end, found.start())
            if not joined and run:
                yield from self._told(reading, run)
                run = []
            if word is not None:
                run.append(word)
            elif run:
                yield from self._told(reading, run)
                run = []
        if run:
            yield from self._told(reading, run)

    def _match(self, word: str, cyrillic: bool) -> dict[int, set[int]]:
        """Return which parts of which names a word may be."""
        parts: dict[int, set[int]] = {}
        for key in _stems(word):
            for number, place in self._by_stem.get(key, ()):
                if _may_be(word, self._names[number].parts[place]):
                    parts.setdefault(number, set()).add(place)
        if len(word) >= _SHORTEST_ALONE:
            for key in _stems(word):
                for number, place in self._by_sound.get(_sound(key), ()):
                    if _may_sound(word, self._names[number].parts[place]):
                        # By sound alone only where it cannot have been spelt.
                        mark = place if cyrillic else -1 - place
                        parts.setdefault(number, set()).add(mark)
        if len(word) == 1:
            for number in self._initials.get(word, ()):
                parts.setdefault(number, set())
        return parts

    def _told(self, reading: Reading, run: list[_Found]) -> Iterator[tuple[int, int]]:
        """Yield the words of a run that together, or alone, name somebody."""
        names = {number for word in run for number in word.parts}
        for number in names:
            yield from self._told_of(reading, run, number)

    def _told_of(
        self, reading: Reading, run: list[_Found], number: int
    ) -> Iterator[tuple[int, int]]:
        name = self._names[number]
        group: list[_Found] = []
        for word in [*run, None]:
            if word is not None and number in word.parts:
                group.append(word)
                continue
            if group:
                yield from _cut(reading, group, number, name)
            group = []


def _cut(
    reading: Reading, group: list[_Found], number: int, name: Name
) -> Iterator[tuple[int, int]]:
    """Yield what of neighbouring words is to be cut out."""
    places = {p if p >= 0 else -1 - p for word in group for p in word.parts[number]}
    telling = {p for p in places if name.parts[p] not in GENERIC}
    # Two parts beside one another are the name; so is a name with one part, or all of
    # one that has nothing telling in it.
    enough = len(places) >= 2 and len(telling) >= min(2, max(1, name.telling))
    if enough or len(places) == len(name.parts):
        exact = any(p >= 0 for word in group for p in word.parts[number])
        if exact or len(places) >= 2:
            yield group[0].start, group[-1].end
            return
    alone = [_tells_alone(reading, word, number, name) for word in group]
    if not any(alone):
        return
    for word, tells in zip(group, alone, strict=True):
        if tells or word.end - word.start == 1:
            yield word.start, word.end


def _tells_alone(reading: Reading, word: _Found, number: int, name: Name) -> bool:
    for place in word.parts[number]:
        if place < 0:
            continue
        part = name.parts[place]
        if part in GENERIC or len(part) < _SHORTEST_ALONE:
            continue
        if name.person and part not in COMMON:
            return True
        if reading.text[word.start].isupper():
            return True
    return False


def _stems(word: str) -> Iterator[str]:
    """Yield what a word may be a form of, as far as its own end tells."""
    yield word
    plain = _without_dj(word)
    if plain != word:
        yield plain
    for length in range(1, min(LONGEST_ENDING, len(word) - _SHORTEST_STEM) + 1):
        ending = word[-length:]
        if ending not in ENDINGS:
            continue
        stem = word[:-length]
        yield stem
        yield from (stem + vowel for vowel in "aeiou")
        # Serbian: Aleksandar, Aleksandra; Petar, Petru.
        if len(stem) >= 3 and stem[-1] in "rlnkc" and stem[-2] not in VOWELS:
            yield f"{stem[:-1]}a{stem[-1]}"


def _may_be(word: str, part: str) -> bool:
    """Say whether a word is a form of a part that one of its stems led to."""
    if word in (part, _without_dj(part)) or _without_dj(word) == _without_dj(part):
        return True
    # Short stems have too many forms: Era, Eres and Eren, but not Erin.
    if len(part) <= 3 and part[-1] in VOWELS:
        return word in {part[:-1] + end for end in ("a", "es", "en", "e", "u", "om")}
    return True


def _may_sound(word: str, part: str) -> bool:
    return word[0] == part[0] or _sound(word)[:1] == _sound(part)[:1]


def _without_dj(word: str) -> str:
    return word.replace("dj", "d")


def _sound(word: str) -> str:
    for written, sound in _SOUNDS:
        if written in word:
            word = word.replace(written, sound)
    return word
