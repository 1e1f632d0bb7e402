"""Find values that are withheld elsewhere in the incident, all of them in one pass.

Withheld and kept values -> `Withheld`, which finds them in a `Reading`. A value is
looked for without blanks and signs, so that spacing and grouping do not hide it (Aho-
Corasick).

Invariants: a short value must stand by itself; what is found within an address takes
the whole address with it; what the recipient sees anyway, and as a whole, stays.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation

from broker.model.incident import Shape
from broker.redact.scrub.detectors import Span
from broker.redact.scrub.names import Names
from broker.redact.scrub.reading import Reading, fold
from broker.redact.scrub.words import GENERIC, SHARED_MAILBOXES

_SHORTEST: Final = 3
# From here on a value is found inside of words, too: nothing else looks like it.
_UNMISTAKABLE: Final = 8
_ENDING: Final = 4
_NATIONAL: Final = 8
_LONGEST: Final = 2_000
_ALNUM: Final = re.compile(r"[^\W_]")
# An address goes on over these; a sentence does not.
_ADDRESS: Final = re.compile(r"[^\s<>\"'()\[\]{},;|]+")
_TAIL: Final = ".:!?"
_CODES: Final = 20
_DIALLED: Final = re.compile(r"(?<![\w.,:/-])[+(]{0,2}\d[\d ()/.-]*$")
# An address with blanks, hyphens or a line break between its letters.
_GAPPED: Final = re.compile(r"(?<![\w.:])[0-9a-f](?:[ \n-]{0,2}[0-9a-f.:]){3,80}(?!\w)")
_GAP: Final = re.compile(r"[ \n-]")
_NO_DIGIT: Final = re.compile(r"\D")
_SECOND_LEVEL: Final = frozenset(
    {"com", "org", "net", "edu", "gov", "co", "ac", "rks-gov"}
)

LABELS: Final[dict[Shape, str]] = {
    Shape.NAME: "name",
    Shape.EMAIL: "e-mail",
    Shape.PHONE: "phone number",
    Shape.IP: "IP address",
    Shape.DOMAIN: "domain",
    Shape.URL: "URL",
    Shape.HASH: "hash",
    Shape.ACCOUNT: "account",
    Shape.TIME: "time",
    Shape.AMOUNT: "amount",
}
_OTHER: Final = "text"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that a recipient may not see: its shape, and whether a person's name."""

    value: str
    shape: Shape
    person: bool = True

    @property
    def label(self) -> str:
        """What stands in the value's place."""
        return LABELS.get(self.shape, _OTHER)


class Withheld:
    """All values of one incident that one recipient may, and may not, see."""

    __slots__ = (
        "_addresses",
        "_among",
        "_forms",
        "_kept",
        "_labels",
        "_names",
        "_search",
        "_search_addresses",
    )

    def __init__(self, hidden: Iterable[Hidden], kept: Iterable[str] = ()) -> None:
        """Take the values that are hidden, and those that are seen as they are."""
        values = list(dict.fromkeys(hidden))
        self._names = Names(
            (each.value, each.person) for each in values if each.shape is Shape.NAME
        )
        forms: dict[str, str] = {}
        for each in values:
            for form in _forms(each):
                if len(form) >= _SHORTEST:
                    forms.setdefault(form[:_LONGEST], each.label)
        self._kept = {
            form for value in kept if len(form := _squeeze(fold(value))) >= _SHORTEST
        }
        self._forms = [*forms, *(form for form in self._kept if form not in forms)]
        self._labels = forms
        self._addresses = list(
            dict.fromkeys(
                fold(each.value).partition("/")[0]
                for each in values
                if each.shape is Shape.IP
            )
        )
        self._search = _automaton(self._forms)
        self._among = frozenset(self._addresses)
        self._search_addresses = _automaton(self._addresses)

    def find(self, reading: Reading) -> tuple[set[Span], list[tuple[int, int]]]:
        """Return where withheld values stand, and where kept ones do."""
        found = {Span(*place, "name") for place in self._names.find(reading)}
        found.update(self._hidden_addresses(reading.lower))
        kept: list[tuple[int, int]] = []
        if self._search is None:
            return found, kept
        squeezed, places = _squeezed(reading.lower)
        runs = [run.span() for run in _ADDRESS.finditer(reading.lower)]
        for index, start, end in self._search.find_matches_as_indexes(
            squeezed, overlapping=True
        ):
            form = self._forms[index]
            first, last = places[start], places[end - 1] + 1
            if form in self._kept and _stands_alone(reading.lower, first, last, 0):
                kept.append((first, last))
            label = self._labels.get(form)
            if label is not None and _is_meant(reading.lower, form, first, last):
                first, last = _whole(reading.lower, runs, first, last)
                if label == LABELS[Shape.PHONE]:
                    first = _with_codes(reading.lower, first)
                found.add(Span(first, last, label))
        return found, kept

    def _hidden_addresses(self, lower: str) -> Iterator[Span]:
        """Yield withheld addresses within words, with gaps, or over two lines."""
        if self._search_addresses is None:
            return
        for _, first, last in self._search_addresses.find_matches_as_indexes(
            lower, overlapping=True
        ):
            if not _same(lower[first - 1 : first], lower[first]) and not _same(
                lower[last - 1], lower[last : last + 1]
            ):
                yield Span(first, last, LABELS[Shape.IP])
        for run in _GAPPED.finditer(lower):
            joined = _GAP.sub("", run[0]).strip(".:")
            if joined in self._among and joined not in run[0]:
                yield Span(*run.span(), LABELS[Shape.IP])


def _automaton(forms: list[str]) -> AhoCorasick | None:
    if not any(forms):
        return None
    return AhoCorasick(forms, implementation=Implementation.ContiguousNFA)


def _forms(hidden: Hidden) -> Iterator[str]:
    """Yield how a value reads without blanks and signs, whole and in telling parts."""
    value = fold(hidden.value)
    match hidden.shape:
        case Shape.IP | Shape.FLAG | Shape.CODE:
            return  # every address is found; the others say nothing by themselves
        case Shape.TIME:
            yield from _moments(value)
            return
        case Shape.AMOUNT:
            yield _squeeze(value)
            yield _squeeze(value.partition(".")[0])
            return
        case Shape.PHONE:
            digits = _NO_DIGIT.sub("", value)
            if len(digits) >= _NATIONAL:
                yield digits[-_NATIONAL:]
            yield digits
            return
        case Shape.NAME if not hidden.person and _squeeze(value) in GENERIC:
            return
    yield _squeeze(value)
    match hidden.shape:
        case Shape.EMAIL:
            yield from _mailbox(value)
        case Shape.URL:
            yield from _host(value)
        case Shape.DOMAIN:
            yield from _label(value)


def _moments(value: str) -> Iterator[str]:
    """Yield a time as it was written, and its clock without the day."""
    yield _squeeze(value)
    day, letter_t, clock = value.partition("t")
    yield _squeeze(day + clock.rstrip("z"))
    if letter_t and clock[:5] != "00:00":
        yield _squeeze(clock.rstrip("z"))
        if clock[6:8] != "00":
            yield _squeeze(clock[:5])


def _mailbox(value: str) -> Iterator[str]:
    local = _squeeze(value.partition("@")[0])
    if len(local) >= 5 and local not in SHARED_MAILBOXES:
        yield local


def _host(value: str) -> Iterator[str]:
    host = value.partition("://")[2].partition("/")[0].rpartition("@")[2]
    host = host.partition(":")[0]
    # An address by its numbers is found as such.
    if "." in host and not host.rpartition(".")[2].isdigit():
        yield _squeeze(host)


def _label(value: str) -> Iterator[str]:
    """Yield the label that its owner chose, where it is no word of every day."""
    labels = value.strip(".").split(".")
    if len(labels) > 1:
        labels.pop()
    while len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels.pop()
    chosen = labels[-1]
    if len(chosen) >= 8 or re.search(r"[-\d]", chosen):
        yield _squeeze(chosen)


def _squeeze(folded: str) -> str:
    return "".join(_ALNUM.findall(folded))


def _squeezed(lower: str) -> tuple[str, list[int]]:
    places = [found.start() for found in _ALNUM.finditer(lower)]
    return "".join([lower[place] for place in places]), places


def _is_meant(lower: str, form: str, first: int, last: int) -> bool:
    """Say whether a place where a value was found is not just letters that meet."""
    if len(form) >= _UNMISTAKABLE and not form.isdigit():
        return True
    if form.isdigit():
        alone = last >= len(lower) or not lower[last].isdigit()
        before = first == 0 or not lower[first - 1].isdigit()
        # A telephone number may have its codes before it.
        return alone and (before or len(form) >= _NATIONAL)
    return _stands_alone(lower, first, last, _ENDING if len(form) >= 5 else 0)


def _stands_alone(lower: str, first: int, last: int, ending: int) -> bool:
    """Say whether a place is one or more whole words, give or take an ending."""
    if first and _same(lower[first - 1], lower[first]):
        return False
    if last < len(lower) and lower[last].isdigit() and lower[last - 1].isdigit():
        return False  # an ending is made of letters
    end = last
    while (
        end < len(lower) and end - last <= ending and _same(lower[end - 1], lower[end])
    ):
        end += 1
    return end - last <= ending


def _same(one: str, other: str) -> bool:
    """Say whether two letters belong to one word, or two digits to one number."""
    return (one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit())


def _with_codes(lower: str, first: int) -> int:
    """Return where a telephone number begins, with its codes."""
    line = lower[max(0, first - _CODES) : first]
    found = _DIALLED.search(line)
    return first - (len(line) - found.start()) if found else first


def _whole(
    lower: str, runs: list[tuple[int, int]], first: int, last: int
) -> tuple[int, int]:
    """Return a place with the rest of the word or address that it stands in."""
    first = runs[bisect_right(runs, (first, len(lower))) - 1][0]
    last = runs[bisect_right(runs, (last - 1, len(lower))) - 1][1]
    while last > first + 1 and lower[last - 1] in _TAIL:
        last -= 1
    return first, last
