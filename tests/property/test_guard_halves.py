"""Every place at which a withheld value can be cut in two, in every way to write it."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from broker.errors import GuardError
from broker.guard.beside import Beside, Row, Seams, _bares, in_one_piece
from broker.guard.ends import _readings
from broker.guard.layers import Opened
from broker.guard.search import Wanted, searched
from tests.property.test_guard_split import VALUES, WRITINGS, _exactly

Cuts = Callable[[str, str], Iterator[tuple[str, str]]]


def _own(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves that are written each by itself."""
    for at in range(1, len(value)):
        yield _exactly(writing, value[:at]), _exactly(writing, value[at:])


def _first(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves of which only the first is written so."""
    for at in range(1, len(value)):
        yield _exactly(writing, value[:at]), value[at:]


def _second(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield halves of which only the second is written so."""
    for at in range(1, len(value)):
        yield value[:at], _exactly(writing, value[at:])


def _cut(value: str, writing: str) -> Iterator[tuple[str, str]]:
    """Yield the halves of one writing."""
    written = _exactly(writing, value)
    for at in range(1, len(written)):
        yield written[:at], written[at:]


def _holds(values: list[str], wanted: Wanted) -> set[str]:
    return searched(values, values, frozenset()).holding(wanted)


@pytest.mark.parametrize("ways", [_own, _first, _second, _cut])
@pytest.mark.parametrize("writing", WRITINGS)
def test_it_is_found_wherever_it_is_cut(writing: str, ways: Cuts) -> None:
    """Two neighbours that make the value, between others that do not, are a breach."""
    for value in VALUES:
        wanted = Wanted([value, "elsewhere.example"])
        for halves in ways(value, writing):
            assert {value} == _holds(["pari", *halves, "pas"], wanted), halves


@pytest.mark.parametrize("ways", [_own, _first, _second, _cut])
@pytest.mark.parametrize("writing", WRITINGS)
def test_it_is_found_where_nothing_follows(writing: str, ways: Cuts) -> None:
    """The last two values of a draft are no worse than those before them."""
    for value in VALUES:
        wanted = Wanted([value, "elsewhere.example"])
        for halves in ways(value, writing):
            assert {value} == _holds(["pari", *halves], wanted), halves


@pytest.mark.parametrize("writing", WRITINGS)
def test_one_half_says_nothing(writing: str) -> None:
    """Half a value by itself is no breach, in whatever way it is written."""
    for value in VALUES:
        half = len(value) // 2
        wanted = Wanted([value])

        assert set() == _holds(["pari", _exactly(writing, value[:half]), "pas"], wanted)
        assert set() == _holds(["pari", _exactly(writing, value[half:]), "pas"], wanted)


@pytest.mark.parametrize(
    ("value", "first", "second", "meets"),
    [
        ("krasniqi", "kras", "niqi", True),
        ("krasniqi", "k", "rasniqi", True),
        ("krasniqi", "krasniq", "i", True),
        ("krasniqi", "xkras", "nx", True),
        ("krasniqi", "xxxas", "niqx", False),
        ("krasniqi", "xs", "niqix", True),
        ("krasniqi", "xs", "niqx", False),
        ("krasniqi", "xrasn", "ix", True),
        ("krasniqi", "xasn", "ix", False),
        ("krasniq", "kr", "as", True),
        ("krasniq", "xkr", "ax", True),
        ("krasniq", "xk", "rax", True),
        ("krasniq", "xr", "xx", False),
        ("krasniq", "xiq", "xx", False),
        ("1234", "1", "234", True),
        ("1234", "123", "4", True),
        ("abc", "ab", "c", True),
        ("abc", "a", "bc", True),
    ],
)
def test_a_seam_is_where_a_value_is_cut(
    value: str, first: str, second: str, meets: bool
) -> None:
    """Four letters on one side and one on the other tell, of a short value two."""
    halves = {("x", "y"): ([("x", first)], [("y", second)])}
    met = {("x", "y"): ["xy"]} if meets else {}

    assert met == Seams([value]).met(halves)
    assert met == Seams(["elsewhere", value, "other"]).met(halves)


@pytest.mark.parametrize("length", range(1, 9))
def test_one_piece_is_read_from_every_place(length: int) -> None:
    """Whatever stands before it, a writing over two values is decoded."""
    coded = base64.b64encode(b"Shpresa Kallezuesja").decode()
    digits = b"Shpresa Kallezuesja".hex()
    before = "zzzzzzzz"[:length]

    for written in (coded, digits, b"Shpresa Kallezuesja".hex(":")):
        halves = [before + written[:9], written[9:]]
        found = list(in_one_piece(halves))

        assert 6 == len(found)
        assert any(b"Shpresa Kallezuesja" in raw for raw in found), halves


@pytest.mark.parametrize("before", [[], ["pari"]])
def test_one_piece_may_begin_the_first_value(before: list[str]) -> None:
    """A writing over the first two values is read like any other."""
    coded = base64.b64encode(b"Shpresa Kallezuesja").decode()

    row = Row.of([*before, coded[:9], coded[9:], "pas"])

    whole = Beside(Opened(), [row]).whole

    assert any("Shpresa Kallezuesja" in text for text in whole)


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        (b"Arta", ["Arta"]),
        ("Ë".encode(), ["Ë"]),
        (b"\xc2\xa9", ["©"]),
        (b"\xc1\xa9", []),
        (b"\x7f", []),
        (b"Art\xff", []),
        ("Ar".encode("utf-16-le"), ["Ar"]),
        ("Ar".encode("utf-16-be"), ["Ar"]),
        ("Ар".encode("utf-16-le"), ["Ар"]),
        ("Ар".encode("utf-16-be"), ["Ар"]),
        ("Artaë".encode("utf-16"), ["Artaë"]),
        ("漢字".encode(), []),
        ("\u0530a".encode(), []),
        (b"A\0r", []),
    ],
    ids=ascii,
)
def test_bytes_read_in_these_ways(raw: bytes, texts: list[str]) -> None:
    """As UTF-8 or UTF-16 of the scripts of the region, and without controls."""
    assert texts == [
        text.removeprefix("\ufeff") for text in dict.fromkeys(_readings(raw))
    ]


def test_a_value_that_holds_a_separator_is_one() -> None:
    """What parts texts may stand in one of them, and parts nothing there."""
    assert ["ab", "c"] == _bares(["a\x1fB", "C"])
    assert ["a", "c"] == _bares(["A", "C."])


@pytest.mark.parametrize(("most", "held"), [(12, False), (11, True)])
def test_what_may_mean_too_much_is_held(
    most: int, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value has no more than so many meanings, or nobody looks into it."""
    monkeypatch.setattr(sys.modules["broker.guard.beside"], "_MOST_MEANINGS", most)
    codes = (base64.b64encode(f"{number:02}ab".encode()) for number in range(3))
    tiring = " ".join(f"%41&#66;{code.decode()}" for code in codes)
    row, other = Row.of([tiring, "krasniqi"]), Row.of(["shpresa", "krasniqi"])
    beside = Beside(Opened(), [row, other])
    seams = Seams(["krasniqi"])

    assert [] == beside.together(other, seams)
    with pytest.raises(GuardError) if held else nullcontext():
        beside.together(row, seams)
