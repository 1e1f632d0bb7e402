"""Quick looks of the guard never pass over what the slow look would find."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.guard import runs, texts, tripwires
from broker.guard.beside import Seams
from broker.guard.ends import _short
from broker.guard.runs import Runs, first_and_last
from broker.guard.search import Wanted, searched

_FEW_LETTERS = st.text("ab1", max_size=9)
_SIGNS = st.text("0123456789abcdefABCDEFg -.\x1fé", max_size=80)


def _reaches(value: str, first: str, second: str, most: int) -> bool:
    """Say whether letters of a value reach over two halves, one by one."""
    return any(
        len(part) == most + 1 and part in value
        for part in (first[-most:] + second[:1], first[-1:] + second[:most])
    )


@pytest.mark.parametrize("few", [0, 100])
@given(
    values=st.lists(_FEW_LETTERS, max_size=6),
    halves=st.lists(st.tuples(_FEW_LETTERS, _FEW_LETTERS), max_size=4),
)
def test_no_seam_is_passed_over(
    few: int, values: list[str], halves: list[tuple[str, str]]
) -> None:
    """Halves over which a value reaches are found, however many are looked for."""
    met = {
        (first, second)
        for first, second in halves
        for value in values
        if _reaches(value, first, second, 4 if len(value) >= 8 else 2)
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["broker.guard.beside"], "_FEW", few)
        found = Seams(values).met({(a, b): ([(a, a)], [(b, b)]) for a, b in halves})

    assert {pair: ["".join(pair)] for pair in met} == found


def _spaced(joined: str) -> Iterator[tuple[int, str]]:
    """Yield the digits of spaced pairs, by the pattern and what stands before it."""
    for run in runs._SPACED_HEX.finditer(joined):
        start, digits = run.start(), re.sub("[: +-]", "", run[0])
        before = joined[max(start - 2, 0) : start]
        if re.fullmatch("[0-9A-Fa-f]{2}", before):
            yield start - 2, before + digits
        elif len(digits) > 6:
            yield start, digits


@given(_SIGNS)
def test_runs_of_hex_are_those_of_the_pattern(joined: str) -> None:
    """Every run of hexadecimal digits is found where it is, spaced or not."""
    plain = [(run.start(), run[0]) for run in runs._HEX.finditer(joined)]
    spaced = list(Runs(joined).spaced_hex())

    assert list(_spaced(joined)) == spaced
    assert plain + spaced == list(Runs(joined).hex())


@given(st.text("AQIabdgz09+_é\x1f= ", max_size=60))
def test_runs_of_base64_are_those_of_the_pattern(joined: str) -> None:
    """Every run of letters is found that the pattern finds in the whole text."""
    expected = [(run.start(), run[0]) for run in runs._BASE64.finditer(joined)]

    assert expected == list(Runs(joined).base64())


@st.composite
def _ends(draw: st.DrawFn) -> str:
    """Draw a text that begins or ends with a code, or with what looks like one."""
    raw = draw(st.text("Aaxëđ 1\n漢", min_size=1, max_size=5)).encode(
        draw(st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be"]))
    )
    coded = draw(
        st.sampled_from(
            [
                *(base64.b64encode(raw).decode(), raw.hex(), f"0x{raw.hex()}"),
                base64.urlsafe_b64encode(raw).decode().rstrip("="),
                draw(st.text("AQIabdgz09x/_=", max_size=9)),
            ]
        )
    )
    before = draw(st.sampled_from(["", " ", "x ", "see: ", "\x1f"]))
    return before + coded + draw(st.sampled_from(["", " ", ". x", ", there", "\x1f"]))


@given(st.lists(_ends(), max_size=6, unique=True))
def test_no_end_that_means_anything_is_passed_over(texts: list[str]) -> None:
    """The first and the last run are told of every text where they can be read."""
    told = set(first_and_last(texts))

    for text in texts:
        tokens = runs._TOKEN.findall(text)
        for token in tokens[:1] + tokens[-1:]:
            assert (text, token) in told or not list(_short(token))


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
