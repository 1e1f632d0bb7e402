"""Facts about what the ends of values mean, however short these are."""

from __future__ import annotations

import base64
from itertools import product

import pytest

from broker.guard.ends import _readings, _short, meant_by
from broker.guard.layers import Opened
from tests.unit.guard.test_guard_runs import CODECS, CODES, CYRILLIC, GREEK, LATIN

LETTERS = (*LATIN, *GREEK, *CYRILLIC, "\t", "\n", "\r")
CONTROLS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0))} - set("\t\n\r")
# Where something changes from one to the next, and what lies between.
BYTES = (
    *range(8), 9, 10, 11, 13, 14, 31, 32, 65, 126, 127, 128, 159, 160, 176, 191, 192,
    193, 194, 195, 197, 207, 208, 209, 212, 213, 216, 223, 224, 254, 255,
)  # fmt: skip


def _meant(text: str) -> list[str]:
    return meant_by([text], Opened()).get(text, [])


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("word", ["{}", "{}{}", "{}a", "a{}", "ab{} c"])
def test_short_codes_are_read_at_both_ends(code: str, codec: str, word: str) -> None:
    """Every letter of the region, by itself and beside others, in every code."""
    words = [word.replace("{}", letter) for letter in LETTERS]
    codes = {each: CODES[code](each.encode(codec)) for each in words}
    meant = meant_by(
        [text for c in codes.values() for text in (c, f"!! {c}", f"{c} !!")], Opened()
    )
    missed = [
        text
        for word, c in codes.items()
        for text in (c, f"!! {c}", f"{c} !!")
        if word not in [each.lstrip("\ufeff") for each in meant.get(text, ())]
    ]

    assert [] == missed


def _texts_of(raw: bytes) -> set[str]:
    """Return what bytes say in some encoding, in letters of the region only."""
    said = set()
    for codec in CODECS:
        try:
            text = raw.decode(codec)
        except UnicodeError:
            continue
        if codec == "utf-16" and raw[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        if text and max(text) < "\u0530" and CONTROLS.isdisjoint(text):
            said.add(text)
    return said


@pytest.mark.parametrize("length", [1, 2])
def test_bytes_are_read_in_every_way_in_which_they_are_text(length: int) -> None:
    """As UTF-8 and as UTF-16, without controls, and in the scripts of the region."""
    for raw in map(bytes, product(BYTES, repeat=length)):
        assert _texts_of(raw) == set(_readings(raw)), raw


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "noise", ["\0", "\x0b", "\x1f", "\x7f", "\x9f", "\u0530", "漢"]
)
def test_what_has_noise_anywhere_is_no_text(codec: str, noise: str) -> None:
    """A control, or a letter of no script of the region, says that it is no text."""
    for at, word in product(range(5), ["Arta", "Ёлка"]):
        raw = (word[:at] + noise + word[at:]).encode(codec)
        read = [text for text in _readings(raw) if word[:1] in text]

        assert [] == read, raw


@pytest.mark.parametrize("sign", [" ", ":", "-", "+"])
@pytest.mark.parametrize("before", ["", "see: ", "x ", "(", "! "])
def test_few_spaced_pairs_are_read_at_both_ends(sign: str, before: str) -> None:
    """Two bytes with a sign between them are half a name, whatever else is there."""
    written = [(half, half.encode()) for half in ("Ar", "Art", "Ë", "ËË", "Arti 1")]
    written += [("Др", "Др".encode(codec)) for codec in ("utf-16-le", "utf-16-be")]
    for half, raw in written:
        for pairs in (raw.hex(sign), raw.hex(sign).upper()):
            assert half in _meant(f"{before}{pairs}")
            assert half in _meant(f"{pairs}{before[::-1]}")
    assert "Ar" in _meant(f"{before}41{sign}72")
    assert "Art" in _meant(f"41{sign}72 74{before[::-1]}")


def test_spaced_pairs_are_of_their_own_text() -> None:
    """Of many texts each is told what it begins and ends with, also an empty one."""
    texts = ["", "41:72", "x", "", "42 72 x", "see 43 72", "x 44 72 x", "45 72, 46 72"]
    meant = meant_by(texts, Opened())

    assert {
        "41:72": {"Ar"},
        "42 72 x": {"Br"},
        "see 43 72": {"Cr"},
        "45 72, 46 72": {"Er", "Fr"},
    } == {
        text: pairs
        for text, its in meant.items()
        if (pairs := {one for one in its if len(one) == 2})
    }


@pytest.mark.parametrize(
    "text",
    ["41.72", "41::72", "41:0z", "x41:72", "41:72x", "41:7", "41/72", "x 41:72 x"],
)
def test_other_signs_make_no_bytes_of_pairs(text: str) -> None:
    """Only what begins or ends a text is half a value, and pairs have one sign."""
    assert "Ar" not in _meant(text)
    assert "Ar" in _meant("41:72")


def test_pairs_of_noise_mean_nothing() -> None:
    """Bytes that are no text are none either with signs between them."""
    assert [] == [text for text in _meant("01:02") if len(text) == 2]
    assert [] == [text for text in _meant("aa:bb:cc") if len(text) > 1]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("=?UTF-8?Q?Kras?=", "Kras"),
        ("=?utf-8?b?S3Jhcw?=", "S3Jhcw"),
        ("=?iso-8859-2?q?Kras?= =?UTF-8?B?bmlxaQ?=", "Kras bmlxaQ"),
        ("Re: =?UTF-8?Q?Kras", "Re: Kras"),
        ("=?UTF-8?X?Kras?=", "=?UTF-8?X?Kras"),
    ],
)
def test_what_a_mail_header_has_around_it_is_taken_away(text: str, left: str) -> None:
    """The signs of RFC 2047 stand around the code, also where one end is missing."""
    assert left in _meant(text)


def test_a_half_at_the_end_of_a_header_keeps_its_signs_apart() -> None:
    """Only where a header may begin are its signs taken away."""
    assert "niqi" not in _meant("niqi?=")
    assert [] == _meant("what? = nothing")


def test_what_longer_runs_hold_is_told_without_noise() -> None:
    """What everybody reads in a text is part of it; what has controls is not."""
    texts = ["see a%62c", "a%00!", "416d616e", "4101020304", "nothing", "a&#98;c!"]

    assert {
        "see a%62c": ["see abc"],
        "416d616e": ["Aman", "Aman"],
        "a&#98;c!": ["abc!"],
    } == meant_by(texts, Opened())


@pytest.mark.parametrize(
    ("token", "meant"),
    [
        ("QXI=", ["Ar"]),
        ("QXI", ["Ar"]),
        ("QQ", ["A"]),
        ("QXJ0Y", []),
        ("w4s", ["Ë"]),
        ("xI0-", ["č>"]),
        ("xI0/", ["č?"]),
        ("xI0_", ["č?"]),
        ("gg", []),
        ("0x4172", ["Ar"]),
        ("0X4172", []),
        ("417", []),
        ("4f", ["O"]),
    ],
)
def test_a_run_is_read_as_base64_and_as_hex(token: str, meant: list[str]) -> None:
    """With and without filling, for URLs as well; half a byte is none."""
    assert meant == [each for each in _short(token) if max(each) < "\u0250"]


@pytest.mark.parametrize("before", ["", "x: "])
@pytest.mark.parametrize("behind", ["", " x"])
@pytest.mark.parametrize("codec", CODECS)
def test_bits_that_are_left_over_may_be_anything(
    before: str, behind: str, codec: str
) -> None:
    """Where base64 is cut, the last letter holds a part of what came next."""
    missed = []
    for word in ("A", "Ar", "Arb", "Ë", "Дж", "Џа1", "\n1"):
        raw = word.encode(codec)
        # Of one byte more two letters are whole, of two bytes more three.
        left = (0, 16, 4)[len(raw) % 3]
        for more in range(left):
            byte = more << (4 if left == 16 else 6)
            code = base64.b64encode(raw + bytes((byte,))).decode()
            text = f"{before}{code[: -(-len(raw) * 8 // 6)]}{behind}"
            if word not in [each.lstrip("\ufeff") for each in _meant(text)]:
                missed.append(text)

    assert [] == missed


@pytest.mark.parametrize("behind", ["", " ", ".", "!", " ?"])
@pytest.mark.parametrize("before", ["", " ", ".", "!", "? "])
def test_signs_around_a_code_do_not_hide_it(before: str, behind: str) -> None:
    """At an end is what has nothing but signs between it and the next value."""
    for code in ("QQ==", "41", "0x41", "QQA=", "4100"):
        assert "A" in _meant(f"{before}{code}{behind}")
        assert "A" in _meant(f"{before}{code} - QQQ{behind}") or code == "41"
