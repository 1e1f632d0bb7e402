"""Facts about values that stand beside each other, and where one is cut in two."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from broker.errors import GuardError
from broker.guard.beside import Beside, Row, Seams, _bares, in_one_piece
from broker.guard.layers import Opened
from broker.guard.texts import fold, squeeze
from tests.encodings import ENCODINGS

VALUE, BARE = "Kallezuesja 14", "kallezuesja14"
WRITINGS = (
    "plain",
    "percent signs",
    "base64",
    "base64 for URLs",
    "base64 twice",
    "base64 of UTF-16, little end",
    "base64 of UTF-16, big end",
    "hex",
    "hex, colons",
    "hex of UTF-16",
    "bytes of source code",
    "entities",
    "entities, hex",
    "JSON, every letter",
    "tags",
    "quoted-printable, every byte",
    "mail header, Q",
)


def _base64(text: str, layers: int = 1) -> str:
    for _ in range(layers):
        text = base64.b64encode(text.encode()).decode()
    return text


def _write(writing: str, text: str) -> str:
    return _base64(text) if writing == "base64" else ENCODINGS[writing](text)


def _together(*rows: list[str], seams: Seams | None = None) -> list[list[str]]:
    """Return what the values of each row mean together, without blanks and signs."""
    lined = list(map(Row.of, rows))
    beside = Beside(Opened(), lined)
    seams = seams or Seams([BARE])
    return [
        [squeeze(fold(text)) for text in ("".join(row.values), *found)]
        for row in lined
        for found in [beside.together(row, seams)]
    ]


def _missed(halves: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the halves that do not make the value, between others and at the end."""
    rows = [row for one in halves for row in (["pari", *one, "pas"], ["pari", *one])]
    return [
        halves[at // 2]
        for at, found in enumerate(_together(*rows))
        if not any(BARE in text for text in found)
    ]


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("other", ["", "plain", "base64", "hex"])
def test_two_halves_mean_the_value_wherever_it_is_cut(writing: str, other: str) -> None:
    """Each half is written in its own way, the first as the second or otherwise."""
    cuts = [(VALUE[:at], VALUE[at:]) for at in range(1, len(VALUE))]
    for one, two in ((writing, other or writing), (other or writing, writing)):
        halves = [(_write(one, first), _write(two, second)) for first, second in cuts]

        assert [] == _missed(halves)


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("other", ["plain", "base64", "hex, colons", "hex, spaced"])
def test_two_halves_have_other_texts_around_them(writing: str, other: str) -> None:
    """What stands before the first half and behind the second hides neither."""
    cuts = [(VALUE[:at], VALUE[at:]) for at in range(1, len(VALUE))]
    for one, two in ((writing, other), (other, writing)):
        assert [] == _missed(
            [
                (f"see: {_write(one, first)}", f"{_write(two, second)} ok")
                for first, second in cuts
            ]
        )


@pytest.mark.parametrize("writing", WRITINGS)
def test_one_writing_means_the_value_wherever_it_is_cut(writing: str) -> None:
    """What is cut may be within one of the signs that the writing is made of."""
    whole = _write(writing, VALUE)

    assert [] == _missed([(whole[:at], whole[at:]) for at in range(1, len(whole))])


@pytest.mark.parametrize("layers", range(5))
@pytest.mark.parametrize("others", range(5))
def test_halves_are_read_four_layers_deep(layers: int, others: int) -> None:
    """As deep as whole texts are, the first half no less than the second."""
    halves = _base64("Kallezu", layers), _base64("esja 14", others)

    assert [] == _missed([halves])


def test_a_half_that_is_not_there_makes_no_value() -> None:
    """What two values say has to be of both, side by side and in this order."""
    first, second = _base64("Kallezu"), _base64("esja 14")
    rows = [[first, "x", second], [second, first], [first], [second], []]

    for found in _together(*rows):
        assert not any(BARE in text for text in found)


def test_what_stands_nowhere_parts_nothing() -> None:
    """Empty values are no neighbours."""
    row = Row.of(["", _base64("Kallezu"), "", "", _base64("esja 14"), ""])

    assert [(_base64("Kallezu"), _base64("esja 14"))] == row.pairs
    assert list(row.pairs[0]) == row.values
    assert [] == Row.of([]).pairs == Row.of(["", "one"]).pairs


@pytest.mark.parametrize("length", [999, 1_000, 1_001, 5_000])
def test_of_long_values_only_the_ends_are_neighbours(length: int) -> None:
    """A thousand letters: as many as half a name needs in the longest writing."""
    values = ["a" * length + "b", "c" + "d" * length, "e"]

    assert [
        (values[0][-1_000:], values[1][:1_000]),
        (values[1][-1_000:], "e"),
    ] == Row.of(values).pairs


@pytest.mark.parametrize("before", ["", ". " * 800])
def test_halves_are_read_at_the_ends_of_long_values(before: str) -> None:
    """However much stands before the first half and behind the second."""
    halves = before + _base64("Kallezu"), _base64("esja 14") + before

    assert [] == _missed([halves])


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
        ("krasniqi", "kras", "", False),
        ("krasniqi", "", "niqi", False),
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
@pytest.mark.parametrize("few", [0, 100])
def test_a_seam_is_where_a_value_is_cut(
    value: str,
    first: str,
    second: str,
    meets: bool,
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four letters on one side and one on the other tell, of a short value two."""
    monkeypatch.setattr(sys.modules["broker.guard.beside"], "_FEW", few)
    halves = {("x", "y"): ([("x", first)], [("y", second)])}
    met = {("x", "y"): ["xy"]} if meets else {}

    assert met == Seams([value]).met(halves)
    assert met == Seams(["elsewhere", value, "other"]).met(halves)
    assert {} == Seams([]).met(halves)


def test_a_seam_is_within_one_value() -> None:
    """The end of one value and the beginning of the next are no seam."""
    seams = Seams(["kallezuesja", "krasniqi", "abc", "def"])

    assert {} == seams.met({("x", "y"): ([("x", "esja")], [("y", "kras")])})
    assert {} == seams.met({("x", "y"): ([("x", "bc")], [("y", "de")])})


def test_each_meaning_is_put_beside_each_of_the_other() -> None:
    """Only those that meet are told, of each two neighbours by themselves, once."""
    firsts = [("K", "kras"), ("x", "xxxx"), ("A", "123")]
    seconds = [("N", "niqi"), ("4", "4"), ("y", "yyyy")]
    neighbours = {
        ("a", "b"): (firsts, seconds),
        ("c", "d"): ([("x", "xxxx")], seconds),
        ("e", "f"): (firsts[:1], seconds[:2]),
    }

    assert {("a", "b"): ["KN", "A4"], ("e", "f"): ["KN"]} == (
        Seams(["krasniqi", "1234", "krasniqi"]).met(neighbours)
    )


def _cuts(code: str) -> Iterator[list[str]]:
    for at in range(1, len(code)):
        yield [code[:at], code[at:]]


@pytest.mark.parametrize("length", range(8))
@pytest.mark.parametrize(
    "text", ["Shpresa Kallezuesja", "Вера Оштећена", "Köüßÿ>>>???~~~"]
)
def test_one_piece_is_read_from_every_place(length: int, text: str) -> None:
    """Whatever stands before it, a writing over two values is decoded whole."""
    raw = text.encode()
    before = "zzzzzzzz"[:length]
    codes = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    for written in (*codes, raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(" ")):
        for halves in _cuts(before + written):
            found = list(in_one_piece(halves))

            assert 6 == len(found)
            assert any(raw in piece for piece in found), halves


@pytest.mark.parametrize("length", range(8))
@pytest.mark.parametrize("code", ["base64", "hex", "base64 of UTF-16, little end"])
def test_one_piece_is_of_its_own_draft(length: int, code: str) -> None:
    """Of several drafts each is told what its own values hold together."""
    names = ["Shpresa Kallezuesja", "Arben Krasniqi 1", "Blerta Hoxhaj 22"]
    rows = [
        ["z" * (length + at), *(written[:9], written[9:])]
        for at, written in enumerate(map(ENCODINGS[code], names))
    ]
    told = _together(["nothing there"], *rows, ["nor here"])
    bare = ["shpresakallezuesja", "arbenkrasniqi1", "blertahoxhaj22"]

    assert [[], *([name] for name in bare), []] == [
        [name for name in bare if any(name in text for text in found)] for found in told
    ]


@pytest.mark.parametrize(
    ("text", "codec", "told"),
    [
        ("Krasniqi", "utf-8", True),
        ("Krasniq", "utf-8", False),
        ("Krasni", "utf-16-le", True),
        ("Krasni", "utf-16-be", True),
        ("Krasn", "utf-16-le", False),
        ("Krasn", "utf-16-be", False),
    ],
)
def test_one_piece_is_as_long_as_a_value(text: str, codec: str, told: bool) -> None:
    """Eight bytes that can be printed, or six letters with the NULs between them."""
    raw = b"\xff\xff" + text.encode(codec) + b"\xff\xff"
    for digits in (raw.hex(), base64.b64encode(raw).decode()):
        row = Row.of([digits[:7], digits[7:]])
        beside = Beside(Opened(), [row])

        assert told is any(text in each for each in beside.whole)


@pytest.mark.parametrize(
    "sign", ["%", "=", "\\", "&", "<", "[", "(", "{", "xn--", "\u202e"]
)
@pytest.mark.parametrize("others", [[], ["é"], ["x" * 40, "y&"]])
def test_a_writing_may_be_cut_within_one_of_its_signs(
    sign: str, others: list[str]
) -> None:
    """Up to twelve letters before the end, the next value is read as its other part."""
    for letters in range(20):
        first = f"pari{sign}" + "z" * letters
        row, other = Row.of([*others, "x", first, "pas"]), Row.of(["x", "pari", "pas"])
        beside = Beside(Opened(), [row, other])
        # The letters behind a long sign are zeros of base64, and none of the pair.
        there = f"{first}pas" in beside.whole

        assert (letters + len(sign) <= 12) is there, letters
        assert "paripas" not in beside.whole


@pytest.mark.parametrize(
    "code", ["base64", "hex", "percent signs", "bytes of source code"]
)
def test_one_writing_may_begin_the_first_value(code: str) -> None:
    """What is cut in the first value of all, from its first letter, is read as well."""
    whole = _write(code, VALUE)
    for at in range(1, len(whole)):
        [found] = _together([whole[:at], whole[at:], "pas"])

        assert any(BARE in text for text in found), whole[:at]


@pytest.mark.parametrize("sign", ["%", "=", "\\", "&", "<", "[", "(", "{"])
def test_a_value_may_be_nothing_but_a_sign(sign: str) -> None:
    """It is where a writing begins that the next value goes on with."""
    row = Row.of(["pari", sign, "41pas"])

    assert f"{sign}41pas" in Beside(Opened(), [row]).whole


def test_the_same_neighbours_are_put_together_once_for_each_draft() -> None:
    """Who has two halves that another draft has as well, is told of them, too."""
    halves = ["pari%4", "1pas"]
    one, two, none = Row.of(halves * 2), Row.of([*halves, "x"]), Row.of(halves[::-1])
    beside = Beside(Opened(), [one, two, none])

    assert ["pari%41pas", "pari%41pas"] == [
        text for text in beside.whole if text == "pari%41pas"
    ]
    assert "pariApas" in beside.together(one, Seams([]))
    assert "pariApas" in beside.together(two, Seams([]))
    assert "pariApas" not in beside.together(none, Seams([]))


def test_what_is_looked_for_may_change() -> None:
    """The same drafts are looked at anew for other values."""
    row = Row.of([_base64("Kras"), "niqi", _base64("Hox"), "haj Era"])
    beside = Beside(Opened(), [row])

    met = {"krasniqi": "Krasniqi", "hoxhajera": "Hoxhaj Era", "elsewhere": None}

    for bare, whole in (*met.items(), *met.items()):
        told = beside.together(row, Seams([bare]))

        assert [whole] * (whole is not None) == [
            text for text in told if text in met.values()
        ]


def test_what_is_said_openly_is_looked_for_by_others() -> None:
    """Two values of which neither means more than it says are not put together."""
    row = Row.of(["Kras", "niqi"])

    assert [] == Beside(Opened(), [row]).together(row, Seams(["krasniqi"]))


def test_a_value_that_holds_a_separator_is_one() -> None:
    """What parts texts may stand in one of them, and parts nothing there."""
    assert ["ab", "c"] == _bares(["a\x1fB", "C"])
    assert ["a", "c"] == _bares(["A", "C."])


@pytest.mark.parametrize(("most", "held"), [(12, False), (11, True)])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_may_mean_too_much_is_held(
    most: int, held: bool, swapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value has no more than so many meanings, or nobody looks into it."""
    monkeypatch.setattr(sys.modules["broker.guard.beside"], "_MOST_MEANINGS", most)
    codes = (_base64(f"{number:02}ab") for number in range(3))
    tiring = " ".join(f"%41&#66;{code}" for code in codes)
    values = [tiring, "krasniqi"][:: -1 if swapped else 1]
    row, other = Row.of(values), Row.of(["shpresa", "krasniqi"])
    beside = Beside(Opened(), [row, other])
    seams = Seams(["krasniqi"])

    assert [] == beside.together(other, seams)
    with pytest.raises(GuardError) if held else nullcontext():
        beside.together(row, seams)


def test_a_value_of_two_hundred_meanings_is_looked_into() -> None:
    """So many are more than any value has that was not made to tire."""
    assert 200 == sys.modules["broker.guard.beside"]._MOST_MEANINGS
