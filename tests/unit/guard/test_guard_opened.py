"""Facts about what lies below a text: all of it, of the right line, and no more."""

from __future__ import annotations

import base64

import pytest

from broker.errors import GuardError
from broker.guard.layers import Opened, _readable, raw_bytes

WORD = "Ћирилица ту"


def _base64(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def _below(opened: Opened, line: str) -> tuple[str, ...]:
    return tuple(dict(opened.holding([line])).get(line, ()))


def _wrapped(text: str, layers: int) -> str:
    for _ in range(layers):
        text = _base64(text)
    return text


@pytest.mark.parametrize(
    ("line", "below"),
    [
        ("nothing", ()),
        ("100% & = < \\ xn-", ()),
        ("a%62c", ("abc",)),
        ("a&#98;c", ("abc",)),
        ("a+bc", ("abc",)),
        ("+9999", ()),
        ("416d61", ("Ama",)),
        ("416d6", ()),
        ("z 41 6d 61 6e", ("Aman",)),
        ("41 6d 61 6e", ("Aman",)),
        ("z 41 6d 61", ()),
        ("9a416d6162", ("Amab",)),
        ("xn--9.example", ()),
        ("xn--kop-sna.example", ("köop.example",)),
        ("koop[.]example", ("koop.example",)),
        ("koop(.)example", ("koop.example",)),
        ("koop{.}example", ("koop.example",)),
        ("koop\\.example", ("koop.example",)),
        ("hxxp://a", ("http://a",)),
        ("http[:]//a", ("http://a",)),
        ("koop[dot]example", ("koop.example",)),
        ("koop(dot)example", ("koop.example",)),
        ("koop{dot}example", ("koop.example",)),
        ("ana[at]koop", ("ana@koop",)),
        ("ana(at)koop", ("ana@koop",)),
        ("ana{at}koop", ("ana@koop",)),
        ("ana[@]koop", ("ana@koop",)),
        ("look at koop.example", ("look@koop.example",)),
        ("a dotty look at me (here)", ()),
        ("ana at koop dot example", ("ana@koop.example",)),
        ("q=233=20Rruga", ("q#3 Rruga", "q 233 Rruga")),
        ("a=41", ("aA",)),
        ("[U+1F600]", ("\U0001f600", "[U1F600]")),
        ("a</b>c", ("ac",)),
        ("ab\u202e", ("\u202eba",)),
        (_base64("of the bank"), ("of the bank",)),
        (base64.b64encode("\ufeffArta".encode("utf-16-be")).decode(), ("Arta",)),
    ],
)
def test_what_lies_below_a_line(line: str, below: tuple[str, ...]) -> None:
    """A writing is undone; a sign that writings have is none by itself."""
    assert below == _below(Opened(), line)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_letters_of_two_bytes_are_read_by_their_mark(codec: str) -> None:
    """Base64 of marked UTF-16 is opened in either order of bytes, by itself."""
    code = base64.b64encode(f"\ufeff{WORD}".encode(codec)).decode()

    assert WORD in _below(Opened(), code)


def test_what_lies_below_is_of_its_own_line() -> None:
    """Of many lines that are opened at once, each keeps what it holds."""
    held = {
        "x": (),
        "41 6d 61 6e": ("Aman",),
        "y": (),
        "9a416d6162": ("Amab",),
        _base64("of the bank"): ("of the bank",),
        "z": (),
        "z 41 6d 61 6e": ("Aman",),
        "416d61": ("Ama",),
        "a%62c": ("abc",),
        "": (),
    }
    opened = Opened()
    opened.learn(held)

    assert held == {line: _below(opened, line) for line in held}


def test_a_letter_that_becomes_two_hides_no_line_behind_it() -> None:
    """A Turkish capital is two signs in small letters, and moves every place."""
    held = {
        "İ" * 30: (),
        "koop dot example": ("koop.example",),
        "pipa dot example": ("pipa.example",),
    }
    opened = Opened()
    opened.learn(held)

    assert held == {line: _below(opened, line) for line in held}


def test_an_id_holds_nothing() -> None:
    """What reads like hexadecimal in an id is one; in any other text it is not."""
    made = "41424344-4142-4142-8142-414243444546"

    assert [] == Opened().laid_open([made])
    assert ["ABCD", "ABCDEF"] == Opened().laid_open([made + " "])
    assert ["ABCD", "ABCDEF"] == Opened().laid_open([made.replace("-", "_")])


@pytest.mark.parametrize(
    "made",
    [
        "41424344-4142-4142-4142-414243444546",
        "41424344-4142-9142-8142-414243444546",
        "41424344-4142-0142-8142-414243444546",
    ],
)
def test_what_is_only_laid_out_like_an_id_may_hold_something(made: str) -> None:
    """An id has a version and a variant; by the latter, no text of ASCII is one."""
    assert ["ABCD", "ABCDEF"] == Opened().laid_open([made])


def test_each_text_is_laid_open_once() -> None:
    """All layers are told, from the outside in, and none that is there already."""
    line = _wrapped("of the bank", 3)

    assert [_wrapped("of the bank", 2), _base64("of the bank"), "of the bank"] == (
        Opened().laid_open([line])
    )
    assert [] == Opened().laid_open([_base64("of the bank"), "of the bank"])


@pytest.mark.parametrize(("text", "held"), [("secret", True), ("secre", False)])
def test_what_is_still_encoded_below_the_last_layer_is_held(
    text: str, held: bool
) -> None:
    """Six letters may be a value, and fewer are noise that happened to decode."""
    line = _wrapped(text, 5)

    if held:
        with pytest.raises(GuardError):
            Opened().laid_open([line])
    else:
        assert 4 == len(Opened().laid_open([line]))


def test_what_is_known_below_the_last_layer_is_not_held() -> None:
    """What is encoded once more than can be looked into may stand there openly."""
    assert 4 == len(Opened().laid_open([_wrapped("secret", 5), "secret"]))


def test_what_unfolds_into_too_much_is_held() -> None:
    """A text that reads in many ways at once, and is long, was made to tire."""
    line = "%41&amp;\\x41=3D41\\u0041&#37;42<b></b>" * 5_000

    with pytest.raises(GuardError):
        Opened().laid_open([line])


def test_a_long_text_may_unfold_to_three_times_its_length() -> None:
    """A text of more letters than the bound is read, where it is encoded only once."""
    behind = "- " * 300_000

    assert [f"A{behind}"] == Opened().laid_open([f"%41{behind}"])


@pytest.mark.parametrize("before", ["", "1", "x", "xy", "xyz"])
@pytest.mark.parametrize("behind", ["", "x", "xy", "xyz"])
def test_bytes_are_found_wherever_a_run_begins_and_ends(
    before: str, behind: str
) -> None:
    """Letters beside a code do not hide any byte of it."""
    raw = WORD.encode()

    assert raw in raw_bytes([f"{before}{_base64(WORD).rstrip('=')}{behind}"])
    assert raw in raw_bytes([f"see {before[:1]}{raw.hex()}{behind} there"])
    assert raw in raw_bytes([f"{raw.hex(':')}"])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"ABC", "ABC"),
        (b"AB", ""),
        (b"A\0B\0C\0", "ABC"),
        (b"AB\0", "AB\0"),
        (b"ABCDEFG\0\0\0", "ABCDEFG\0\0\0"),
        (b"ABCDEF\0\0\0\0", "ABCDEF"),
        (b"ABC" + b"\xff" * 6, "ABC"),
        (b"ABC" + b"\xff" * 7, ""),
    ],
)
def test_bytes_are_text_when_a_third_of_them_is(raw: bytes, text: str) -> None:
    """A value may stand among bytes that say nothing; NULs are those of UTF-16."""
    assert text == _readable(raw)
