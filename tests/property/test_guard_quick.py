"""Quick looks of the guard never pass over what the slow look would find."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.guard import layers, texts, tripwires
from broker.guard.beside import Seams
from broker.guard.search import Wanted, searched

_FEW_LETTERS = st.text("ab1", max_size=9)
_SIGNS = st.text("0123456789abcdefABCDEFg -.\x1fé", max_size=80)


@given(st.lists(_FEW_LETTERS, max_size=6), _FEW_LETTERS, _FEW_LETTERS)
def test_no_seam_is_passed_over(values: list[str], first: str, second: str) -> None:
    """Where a value reaches over two halves, one of them is known to be a half."""
    seams = Seams(values)
    one, other = seams.half("", first), seams.half("", second)

    assert not seams.meet(first, second) or one.goes_on or other.has_begun


@given(st.lists(_FEW_LETTERS, max_size=6), _FEW_LETTERS, _FEW_LETTERS)
def test_listed_parts_are_those_that_are_searched(
    values: list[str], first: str, second: str
) -> None:
    """Many values have the same seams as few, whichever way these are looked up."""
    expected = Seams(values).meet(first, second)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["broker.guard.beside"], "_LISTED", 0)
        many = Seams(values)
    half = many.half("", first)

    assert expected == many.meet(first, second)
    assert not expected or half.goes_on or many.half("", second).has_begun


def _split_by_blanks(joined: str) -> Iterator[tuple[int, str]]:
    """Yield runs of hexadecimal digits that may be text, run by run."""
    letters = joined.encode("ascii", "replace")
    blanked = bytes(c if chr(c) in "0123456789abcdefABCDEF" else 32 for c in letters)
    place = 0
    for run in blanked.split(b" "):
        for found in layers._HEX.finditer(run):
            yield place + found.start(), found[0].decode("ascii")
        place += len(run) + 1


@given(_SIGNS)
def test_runs_of_hex_are_those_of_each_word(joined: str) -> None:
    """Every run of hexadecimal digits is found where it is."""
    assert list(_split_by_blanks(joined)) == list(layers._hex_runs(joined))


_PIECES = st.lists(
    st.sampled_from(
        [
            "4111111111111111",
            "4111 1111-1111 1111",
            "4222222222222",
            "378282246310005",
            "٤١١١ ١١١١ ١١١١ ١١١١",
            "1234567892",
            "1506985910124",
            "id",
            "jmbg",
            "no93860",
            "11117947",
            "xk05 1212 0123 4567 8906",
            "0",
            "1",
            " ",
            "-",
            "?",
            ".",
            "_",
            "x",
            "A",
            "٤",
            "é",
            "\n",
            "\x1f",
        ]
    ),
    max_size=8,
)


@given(_PIECES)
def test_every_card_of_the_pattern_is_looked_at(pieces: list[str]) -> None:
    """A card is told wherever the pattern finds one in the whole text."""
    text = "".join(pieces)
    expected = any(map(tripwires._luhn, tripwires._CARD.findall(text)))

    assert expected is tripwires.TRIPWIRES["payment-card"](text)


@given(_PIECES)
def test_every_number_of_the_pattern_is_looked_at(pieces: list[str]) -> None:
    """A personal number is told wherever a pattern finds one in the whole text."""
    text = "".join(pieces)
    ten = any(
        tripwires._has_check_digit(found[0])
        and tripwires._PERSONAL.search(
            text, max(found.start() - 60, 0), found.end() + 60
        )
        for found in tripwires._TEN.finditer(text)
    )
    thirteen = any(map(tripwires._is_jmbg, tripwires._THIRTEEN.findall(text)))

    assert (ten or thirteen) is tripwires.TRIPWIRES["personal-number"](text)


@given(_PIECES)
def test_every_beginning_of_an_account_is_looked_at(pieces: list[str]) -> None:
    """Accounts are looked for wherever the pattern finds a beginning."""
    text = "".join(pieces)
    expected = [found.span() for found in tripwires._IBAN.finditer(text)]

    assert expected == [found.span() for found in tripwires._ibans(text)]


_SOME = st.lists(
    st.text("ab1.:-+ …éж\x1f", min_size=1, max_size=12)
    | st.sampled_from(["Era Hoxha", "ana-era", "+383 44 111 222", "111222", "eraana"])
    | st.sampled_from(["1.22.3.44", "3.44", "022", "0011", "2001:db8::1", "db8::1"]),
    max_size=6,
)


@given(_SOME, _SOME, _SOME, st.booleans())
def test_what_stands_there_leaves_a_trace(
    values: list[str], texts_: list[str], row: list[str], many: bool
) -> None:
    """No value is passed over that stands in the texts, or in two neighbours."""
    text = searched([*texts_, *row], row, frozenset())
    wanted = Wanted(list(dict.fromkeys(values)))
    apart = text._beside.together(text._row, wanted.seams)
    expected = text._exactly(wanted.values, apart)

    with pytest.MonkeyPatch.context() as patch:
        if many:
            patch.setattr(sys.modules["broker.guard.search"], "_ONE_PASS", 0)
            patch.setattr(sys.modules["broker.guard.search"], "_BY_ONE", 0)
            assert expected == text._exactly(wanted.values, apart)
        squeezed = text._squeezed(apart)
        assert expected <= wanted.traces.within(squeezed, set(values))
        found = text.holding(wanted)
    assert expected == found - (set(wanted.beyond) - expected)


def _put_together(parts: list[str]) -> Iterator[str]:
    """Yield broken lines in one piece, line by line."""
    whole: list[str] = []
    for part in parts:
        if texts._goes_on(part):
            whole.append(part.rstrip("\r").removesuffix("="))
        elif whole:
            yield "".join((*whole, part))
            whole = []
    if len(whole) > 1:
        yield "".join(whole)


@given(st.lists(st.sampled_from(["ends.", "goes=", "on 1", "a" * 20, "", "is 2.\r"])))
def test_broken_lines_are_put_together(parts: list[str]) -> None:
    """Lines are in one piece up to the first that does not go on."""
    assert list(_put_together(parts)) == list(texts._unfolded(parts))


def test_short_values_that_share_their_longest_word_are_both_found() -> None:
    """Whose longest word stands there is looked for, whoever else has that word."""
    wanted = Wanted(["Era Hoxha", "Ana Hoxha"])

    assert {"Era Hoxha"} == searched(["Era, Hoxha"], [], frozenset()).holding(wanted)
    assert {"Ana Hoxha"} == searched(["Ana; Hoxha"], [], frozenset()).holding(wanted)
