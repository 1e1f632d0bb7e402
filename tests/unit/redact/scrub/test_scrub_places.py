"""What is cut out of a text goes as a whole, and nothing beside it."""

from __future__ import annotations

from base64 import b64encode
from itertools import chain, combinations

import pytest

from broker.model.incident import Shape
from broker.redact.scrub import Hidden, Scrubber
from broker.redact.scrub.detectors import Span
from broker.redact.scrub.scrubber import _merged, _outside

# 32 letters, of which neither half says anything.
CODE = b64encode(b"arta.gashi@posta.example").decode()
GONE = "[encoded text removed]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"shih: {CODE} sot", f"shih: {GONE} sot"),
        (f"shih: {CODE[:16]}\n{CODE[16:]} sot", f"shih: {GONE} sot"),
        (f"shih: {CODE[:16]}\r\n{CODE[16:]} sot", f"shih: {GONE} sot"),
        (f"a\n\nb\nshih: {CODE[:20]}\n{CODE[20:]}", f"a\n\nb\nshih: {GONE}"),
        # What a line of whole width is followed by may be the end of the code.
        (f"{CODE[:16]}\n{CODE[16:]}\nsot dje", f"{GONE} dje"),
        (f"{CODE[:16]}\n{CODE[16:]}\n", f"{GONE}\n"),
        (f"{CODE[:16]}\r\n{CODE[16:]}\r\n", f"{GONE}\r\n"),
        (f"{CODE[:16]}\n{CODE[16:]}\n, dje", f"{GONE}\n, dje"),
        (f"x {CODE[:16]}\n{CODE[16:]}", f"x {GONE}"),
        (f"x {CODE[:16]}\n{CODE[16:]}\n\nsot", f"x {GONE}\n\nsot"),
        (f"x {CODE[:20]}\n{CODE[20:]}. Sot", f"x {GONE}. Sot"),
    ],
    ids=ascii,
)
def test_a_code_goes_on_over_the_end_of_a_line(text: str, expected: str) -> None:
    """A code that was broken to fit a width is read, and goes with all its lines."""
    assert expected == Scrubber().scrub(text)


def test_a_code_goes_on_over_many_lines() -> None:
    """Only the last line of a code may be short."""
    code = b64encode(b"." * 14 + b"arta.gashi@posta.example" + b"." * 40).decode()
    lines = [code[at : at + 16] for at in range(0, len(code), 16)]
    text = "Para.\n" + "\n".join(lines) + "\nPas."

    assert f"Para.\n{GONE}\nPas." == Scrubber().scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "de ad be ef 00 11 22 33",
        f"{b64encode(b'nothing of interest here').decode()}\nfollows",
        "aaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",
        "\naaaaaaaaaaaaaaaaaaaaaaaaaaaa\n- b",
    ],
)
def test_a_code_that_says_nothing_stays(text: str) -> None:
    """Long words and codes are no reason to cut anything out."""
    scrubber = Scrubber([Hidden("J51224099K", Shape.ACCOUNT)])

    assert text == scrubber.scrub(text)


PLACES = [(start, end) for start in range(5) for end in range(start + 1, 6)]


def test_only_what_is_seen_anyway_lets_a_place_stay() -> None:
    """Wherever kept places lie, what none of them covers whole is cut out."""
    for kept in chain.from_iterable(combinations(PLACES, many) for many in range(4)):
        left = _outside([Span(*place, "name") for place in PLACES], list(kept))

        covered = [
            (start, end)
            for start, end in PLACES
            if any(first <= start and end <= last for first, last in kept)
        ]
        cut = [span[:2] for span in left]
        assert sorted(cut) == sorted(set(PLACES) - set(covered))


def test_kept_places_far_apart_let_what_they_cover_stay() -> None:
    """A long text may name what is shared often, and what is not, between."""
    kept = [(at, at + 4) for at in range(0, 60, 6)]
    places = [Span(at, at + 2, "name") for at in range(60)]

    left = _outside(places, kept)

    assert [at for at in range(60) if at % 6 > 2] == [span.start for span in left]


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("abcdef", [(0, 3, "a"), (3, 6, "b")], [(0, 3, "a"), (3, 6, "b")]),
        ("abcdef", [(0, 3, "a"), (3, 6, "a")], [(0, 6, "a")]),
        ("abc, f", [(0, 3, "a"), (5, 6, "a")], [(0, 6, "a")]),
        ("abc,, -f", [(0, 3, "a"), (7, 8, "a")], [(0, 3, "a"), (7, 8, "a")]),
        ("abc, f", [(0, 3, "a"), (5, 6, "b")], [(0, 3, "a"), (5, 6, "b")]),
        ("abcdef", [(0, 3, "a"), (2, 6, "b")], [(0, 6, "b")]),
        ("abcdef", [(0, 3, "b"), (2, 5, "a")], [(0, 5, "b")]),
        ("abcdef", [(0, 6, "a"), (2, 4, "b")], [(0, 6, "a")]),
        ("abcdefghijkl", [(5, 8, "a"), (7, 12, "b")], [(5, 12, "b")]),
        ("abcdef", [(2, 4, "a"), (0, 1, "b")], [(0, 1, "b"), (2, 4, "a")]),
    ],
)
def test_places_that_meet_are_one(
    text: str, spans: list[tuple[int, int, str]], expected: list[tuple[int, int, str]]
) -> None:
    """They are named after the longer; two of one sort side by side are one, too."""
    assert expected == _merged([Span(*span) for span in spans], text)
