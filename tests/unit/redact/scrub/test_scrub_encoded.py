"""What lies below an encoding is laid open, and noise is not."""

from __future__ import annotations

import base64

import pytest

from broker.redact.scrub.encoded import layers, opened


def as_hex(raw: bytes) -> list[str]:
    """Return what bytes read as when they are written in hexadecimal, with blanks."""
    return list(opened(raw.hex(" ")))


@pytest.mark.parametrize(
    ("word", "below"),
    [
        ("Ag%69m", ["Agim"]),
        ("Agim%20K+ola", ["Agim K ola"]),
        ("Arta%C3%AB", ["Artaë"]),
        ("A&#103;im", ["Agim"]),
        ("&amp;Arta", ["&Arta"]),
        ("\\u0041rta", ["Arta"]),
        ("\\u{10FFFF}", ["\U0010ffff"]),
        ("\\u{110000}", ["\\u{110000}"]),
        ("\\x41rta", ["Arta"]),
        ("=41=72ta", ["Arta"]),
        ("xn--rt-eja", ["rêt"]),
        ("XN--RT-EJA", ["rêt"]),
        ("xn--9", ["xn--9"]),
        ("QWdpbWky", ["Agimi2"]),
        ("QWdpbWkyQ", ["Agimi2"]),
        ("QWdpbSBLb2xh", ["Agim Kola"]),
        ("0x4172746120", ["Arta "]),
        ("41:72:74:61", ["Arta"]),
    ],
    ids=ascii,
)
def test_a_layer_is_laid_open(word: str, below: list[str]) -> None:
    """Each encoding is undone by itself, whatever cannot be stays as it was."""
    assert below == list(opened(word))


@pytest.mark.parametrize(
    "word",
    ["100%", "A&B", "C:\\temp", "a=b", "Artan", "xnor--", "QWdpbWk", "a+b"],
)
def test_what_is_no_encoding_has_nothing_below(word: str) -> None:
    """A sign that encodings use is none by itself, nor is a short word."""
    assert [] == list(opened(word))


@pytest.mark.parametrize(
    ("raw", "reads"),
    [
        (b"ABC\xff", True),  # three letters are the fewest
        (b"AB\xff\xff", False),
        (b"abcdefghi\x01", True),  # nine letters of ten are enough
        (b"abcdefghi\x01\x01", False),
        (b"abcd" + b"\xff" * 6, True),  # and four of ten bytes
        (b"abcd" + b"\xff" * 7, False),
        (b"abc" + b"\xff" * 7, False),
        ("漢字漢字漢字".encode(), False),
    ],
    ids=ascii,
)
def test_bytes_are_a_text_when_nearly_all_of_them_are(raw: bytes, reads: bool) -> None:
    """A few bytes that say nothing do not hide a text; a few letters are no text."""
    assert reads == (raw.decode("utf-8", "ignore") in as_hex(raw))


def test_noise_reads_as_nothing() -> None:
    """A hash is in hexadecimal and looks like base64, and has no text below it."""
    assert [] == list(layers("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"))
    assert [] == as_hex(b"A\0B\0")


def test_each_layer_is_laid_open_once() -> None:
    """What two encodings come to is there once; the word itself never is."""
    once = base64.b64encode(b"Agim Krasniqi").decode()
    twice = base64.b64encode(once.encode()).decode()

    assert [once, "Agim Krasniqi"] == list(layers(twice))
    assert [] == list(layers("100%"))


def test_four_layers_are_laid_open_and_no_fifth() -> None:
    """What lies below five encodings is out of reach."""
    word = "Agim Krasniqi"
    for _ in range(5):
        word = base64.b64encode(word.encode()).decode()

    *_, lowest = found = list(layers(word))

    assert 4 == len(found)
    assert base64.b64encode(b"Agim Krasniqi").decode() == lowest


def test_a_long_word_may_have_much_below_it() -> None:
    """What is below a word may be as long as the word, however long it is."""
    word = base64.b64encode(b"Agim Krasniqi " * 200).decode()

    assert [("Agim Krasniqi " * 200)] == list(layers(word))


def test_a_word_with_too_much_below_it_says_so() -> None:
    """A word that grows with every layer counts as one that hides something."""
    word = "%2541&amp;\\x41=3D41\\u0041&#37;42" * 40

    assert None is list(layers(word))[-1]
