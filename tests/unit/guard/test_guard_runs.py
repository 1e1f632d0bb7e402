"""Facts about where base64 and hexadecimal digits are found in a text."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from broker.guard.runs import Places, Runs, first_and_last

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
FOR_URLS = "-_"
NO_LETTERS = "=. \x1fé?~"
DIGITS = "0123456789abcdefABCDEF"
# Letters of the region, and what else may be text.
LATIN = [*map(chr, range(0x20, 0x7F)), *map(chr, range(0xC0, 0x180))]
GREEK, CYRILLIC = map(chr, range(0x391, 0x3CA)), map(chr, range(0x400, 0x460))
# The writings of a half, after which nothing has to be taken away.
CODES: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    "hex": bytes.hex,
    "hex, capitals": lambda raw: raw.hex().upper(),
    "hex, 0x": lambda raw: f"0x{raw.hex()}",
}
CODECS = ("utf-8", "utf-16-le", "utf-16-be", "utf-16")


def _longest_at_each(
    text: str, beginning: Callable[[str], str]
) -> Iterator[tuple[int, str]]:
    """Yield from left to right what stands at each place, each letter once."""
    place = 0
    while place < len(text):
        run = beginning(text[place:])
        if run:
            yield place, run
        place += len(run) or 1


def _six_bits(letter: str) -> str:
    at = BASE64.index({"-": "+", "_": "/"}.get(letter, letter))
    return f"{at:06b}"


def _base64_of_ascii(text: str) -> str:
    """Return the longest beginning of which each eighth bit is 0; six letters."""
    for end in range(len(text), 5, -1):
        some = text[:end]
        if (
            end % 4 != 1
            and all(letter in BASE64 + FOR_URLS for letter in some)
            and "1" not in "".join(map(_six_bits, some))[::8]
        ):
            return some
    return ""


@pytest.mark.parametrize("at", range(13))
def test_base64_is_found_by_the_top_bits_of_its_bytes(at: int) -> None:
    """Wherever a letter is changed, a run ends before the first byte beyond ASCII."""
    code = base64.b64encode(b"Krasniqi!").decode() + "S"
    for before, letter in product(["", "\x1f"], BASE64 + FOR_URLS + NO_LETTERS):
        changed = before + code[:at] + letter + code[at + 1 :]
        expected = list(_longest_at_each(changed, _base64_of_ascii))

        assert expected == list(Runs(changed).base64()), changed


@pytest.mark.parametrize("letters", range(13))
@pytest.mark.parametrize("behind", ["", "=", "\x1fx", "é"])
def test_base64_has_six_letters_at_least(letters: int, behind: str) -> None:
    """Four bytes are as short as a name; of two letters more no byte is left over."""
    code = base64.b64encode(b"Krasniqi!").decode()[:letters]
    whole = code[:-1] if letters % 4 == 1 else code
    expected = [(1, whole)] if letters >= 6 else []

    assert expected == list(Runs(f".{code}{behind}").base64())


def _hex_of_letters(text: str) -> str:
    """Return the longest beginning that is three letters and more, or NULs."""
    for end in range(len(text) // 2 * 2, 5, -2):
        if all(digit in DIGITS for digit in text[:end]):
            read = bytes.fromhex(text[:end]).decode("utf-8", "replace")
            if len(read) > 2 and all(
                c == "\0" or " " <= c <= "\x7f" or "À" <= c <= "ſ" for c in read
            ):
                return text[:end]
    return ""


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("before", ["", "é", "\x1f", "4"])
def test_hex_is_found_by_its_bytes(at: int, before: str) -> None:
    """Bytes of ASCII text, and the NULs of UTF-16; no control, and no byte beyond."""
    for byte in range(256):
        raw = bytearray(b"Arta")
        raw[at] = byte
        for digits in (before + raw.hex(), before + raw.hex().upper()):
            expected = list(_longest_at_each(digits, _hex_of_letters))

            assert expected == list(Runs(digits).hex()), digits


@pytest.mark.parametrize("text", ["{}bc", "b{}c", "bc{}", "{}{}c", "b{}{}", "{}{}{}"])
def test_hex_of_letters_beyond_ascii_is_found(text: str) -> None:
    """A letter with an accent is one of three, wherever it stands."""
    for letter in LATIN:
        digits = text.replace("{}", letter).encode().hex()

        assert [(1, digits)] == list(Runs(f"g{digits}").hex()), letter
        assert [] == list(Runs(f"g{digits[:4]}").hex()), letter


@pytest.mark.parametrize("digit", [*DIGITS, "g", "/", ":", "é", "\x1f", ""])
def test_each_digit_of_hex_may_be_small_or_a_capital(digit: str) -> None:
    """What is no digit, and half a byte, end a run."""
    for start in range(6, 13):
        text = ("4b7261736e69")[:start] + digit

        assert list(_longest_at_each(text, _hex_of_letters)) == list(Runs(text).hex())


@pytest.mark.parametrize("sign", [" ", ":", "+", "-"])
@pytest.mark.parametrize("before", ["", "z", "4", "x9"])
@pytest.mark.parametrize("behind", ["", "z", "4", "x9"])
def test_pairs_with_a_sign_between_them_are_four_and_more(
    sign: str, before: str, behind: str
) -> None:
    """Bytes written one by one; a sign may stand before the first of them."""
    for many in range(7):
        pairs = ["4a", "e6", "b0", "0F", "ff", "61"][:many]
        text = f"z{sign.join(pairs)}{sign}{behind}"
        expected = [(1, "".join(pairs))] if many > 3 else []
        led = f"{before}{sign}{sign.join(pairs)}{behind and 'z'}"
        place = len(before)
        if many:
            assert expected == list(Runs(text).spaced_hex()), text
            assert [(place, "".join(pairs))] * (many > 3) == list(
                Runs(led).spaced_hex()
            ), led


@pytest.mark.parametrize("sign", [",", ".", "/", ";", "_", "  ", "", "é"])
def test_other_signs_part_no_bytes(sign: str) -> None:
    """One blank, colon, plus or minus is between two bytes, and nothing else."""
    assert [] == list(Runs(sign.join(["9a", "e6", "b0", "0f", "ff"])).spaced_hex())


def test_spaced_pairs_are_told_behind_hex_in_one_piece() -> None:
    """Both are hexadecimal; the pairs may be any bytes, as a mark of UTF-16 is."""
    text = "ff:fe:41:00:72:00, 4b7261736e 4142434 9"

    assert [(19, "4b7261736e"), (30, "414243"), (0, "fffe41007200")] == list(
        Runs(text).hex()
    )
    assert [(0, "fffe41007200")] == list(Runs(text).spaced_hex())


def test_several_runs_are_found_each_where_it_stands() -> None:
    """One run ends where the next may begin; what is too short is passed over."""
    text = "QXJ0YQ, QXJ0YQ==\x1fQXJ\x1fQXJ0YXN6"

    assert [(0, "QXJ0YQ"), (8, "QXJ0YQ"), (21, "QXJ0YXN6")] == list(Runs(text).base64())
    assert [] == list(Runs("").base64()) == list(Runs("").hex())


def test_a_place_is_of_the_line_that_it_lies_in() -> None:
    """The sign behind a line is its own; an empty line has nothing else."""
    lines = ["ab", "", "c", "def"]
    at = Places(lines)

    assert [0, 0, 0, 1, 2, 2, 3, 3, 3, 3] == [at[place] for place in range(10)]
    assert [0, 3, 4, 6] == [at.start(number) for number in range(4)]
    assert [3, 4, 6, 10] == [at.end(number) for number in range(4)]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("codec", CODECS)
def test_a_letter_in_code_is_told_at_both_ends(codec: str, code: str) -> None:
    """Half a value may be one letter: its code is told first, last and alone."""
    letters = [*LATIN, *GREEK, *CYRILLIC]
    for whole in (letters, [f"{letter}{letter}a" for letter in letters]):
        codes = [CODES[code](letter.encode(codec)) for letter in whole]
        texts = [
            text
            for each in codes
            for text in (each, f"x! {each}", f"{each} !x", f"x {each}, {each} x")
        ]
        told = set(first_and_last(texts))
        missed = [
            each
            for each in codes
            if {(each, each), (f"x! {each}", each), (f"{each} !x", each)} - told
        ]

        assert [] == missed


def test_only_the_first_and_the_last_run_are_told() -> None:
    """Between them is no end of a value; each text has its own."""
    texts = ["", "QQ== Qg==. Qw==", "", "Qg==", "x, Qw== ;", "x"]

    assert [
        ("QQ== Qg==. Qw==", "QQ=="),
        ("QQ== Qg==. Qw==", "Qw=="),
        ("Qg==", "Qg=="),
        ("x, Qw== ;", "Qw=="),
    ] == list(first_and_last(texts))
    assert [] == list(first_and_last([]))


@pytest.mark.parametrize("code", ["QQ", "41", "0x41", "QQA", "AEE", "4100", "0041"])
def test_a_run_is_all_letters_that_stand_together(code: str) -> None:
    """Its fillings are part of it, two at most; a single letter is no run."""
    texts = [f"{code}{filling}." for filling in ("", "=", "==")]

    assert [(text, text[:-1]) for text in texts] == list(first_and_last(texts))
    assert [(f"{code}===", f"{code}==")] == list(first_and_last([f"{code}==="]))
    assert [(f"Q. {code}", code)] == list(first_and_last([f"Q. {code}"]))


def test_ordinary_texts_are_passed_over() -> None:
    """What begins and ends like no code has none there to be looked at."""
    texts = [
        "Shpresa Kallezuesja",
        "shpresa@kooperativa.example",
        "https://koop.example/login?id=7",
        "The server answered at noon.",
        "kos-cert",
        "phishing",
        "+383 44 111 222",
        "8080",
        "x",
    ]

    assert [] == list(first_and_last(texts))
