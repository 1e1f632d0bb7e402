"""The forms in which the guard looks for a value, one by one."""

from __future__ import annotations

import pytest

from broker.guard.forms import number, raw_forms, short_forms, text_forms, told_bare


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("Shpresa Kallëzuesja", "shpresa kallezuesja"),
        ("Đorđe Ilić", "djordje ilic"),
        ("Đorđe Ilić", "dorde ilic"),
        ("Рaul", "raul"),
        ("Рaul", "paul"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "bucher.example"),
    ],
)
def test_a_value_is_looked_for_as_it_may_be_spelled(value: str, form: str) -> None:
    """Without accents, with other letters for the same sound, and by its look."""
    assert {value} == set(text_forms([value])[form])


def test_an_ipv4_address_has_these_notations() -> None:
    """As it is, as a number, in columns, backwards and as a machine's name."""
    assert {
        "203.0.113.77",
        "3405803853",
        "cb00714d",
        "203.000.113.077",
        "77.113.0.203",
        "203-0-113-77",
        "77-113-0-203",
    } == set(text_forms(["203.0.113.77"]))


def test_an_ipv6_address_has_these_notations() -> None:
    """In full, backwards, and with each run of zeros left out in turn."""
    found = set(text_forms(["2001:DB8:0:1::5"]))

    backwards = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert {
        backwards,
        "2001:0db8:0000:0001:0000:0000:0000:0005",
        "2001:db8:0:1:0:0:0:5",
        "2001:db8:0:1::5",
        "2001:db8::1:0:0:0:5",
        "2001:db8:0:1::0:0:5",
        "2001:db8:0:1::0:5",
        "2001:db8:0:1:0::0:5",
        "2001:db8:0:1:0::5",
        "2001:db8:0:1:0:0::5",
    } == found


def test_an_ipv6_network_ends_with_zeros() -> None:
    """The run of zeros at its end can be left out in part, too."""
    found = text_forms(["2001:db8::"])

    assert {"2001:db8::", "2001:db8:0:0:0:0:0::", "2001:db8::0"} <= set(found)


@pytest.mark.parametrize("value", ["a.b", "300.1.1.1", "1:2"])
def test_what_only_looks_like_an_address_has_one_form(value: str) -> None:
    """Dots and colons make no address."""
    assert [value] == list(text_forms([value]))


def test_a_value_of_nothing_has_no_form() -> None:
    """Blanks alone are nowhere to be found, instead of everywhere."""
    assert {} == text_forms(["  ", ""])


def test_a_value_that_holds_a_separator_is_not_taken_for_two() -> None:
    """The sign that parts values within the guard does not mix them up."""
    forms = text_forms(["one\x1ftwo", "three"])

    assert {"one\x1ftwo": ["one\x1ftwo"], "three": ["three"]} == forms


def test_two_values_that_read_the_same_share_a_form() -> None:
    """A form names every value that is written so."""
    assert {"ana": ["Ana", "ANA"]} == text_forms(["Ana", "ANA"])


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("shpresa kallezuesja", "shpresakallezuesja"),
        ("abcd efgh", "abcdefgh"),
        ("abcd efg", ""),
        ("1234 56789", ""),
    ],
)
def test_only_long_words_are_told_without_blanks(text: str, bare: str) -> None:
    """A short form, or a number, is looked for with its signs only."""
    value = ["v"]

    assert told_bare({text: value}) == (
        ({bare: value}, {}) if bare else ({}, {text: value})
    )


def test_of_no_forms_none_are_bare() -> None:
    """Nothing stays nothing."""
    assert ({}, {}) == told_bare({})


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ana ora", " ana ora "),
        ("ana-ora", " ana ora "),
        ("abcdef ghijk", " abcdef ghijk "),
        ("abcdef ghijkl", ""),
        ("anaora", ""),
        ("ana.", ""),
        ("ana 12", ""),
    ],
)
def test_short_words_are_told_word_for_word(text: str, form: str) -> None:
    """Two short words count in a row; one word, a number or long words do not."""
    assert ({form: ["v"]} if form else {}) == short_forms({text: ["v"]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("044 111 222", ("044111222", False)),
        ("123456789", ("123456789", False)),
        ("+383 44 111 222", ("44111222", False)),
        ("0038344111222", ("44111222", False)),
        ("203.0.113.77", ("203.0.113.77", True)),
        ("044 111 22", ("", False)),
        ("12345678", ("", False)),
        ("1.1.1.1", ("", False)),
        ("report 123456789", ("", False)),
        ("123456789 b", ("", False)),
        ("1" * 40, ("1" * 40, False)),
        ("1" * 41, ("", False)),
        ("", ("", False)),
    ],
)
def test_a_number_is_told_without_grouping(
    value: str, expected: tuple[str, bool]
) -> None:
    """A dialled number by its last eight digits; an address stands alone."""
    assert expected == number(value)


def test_a_value_beyond_ascii_has_these_bytes() -> None:
    """In three encodings, composed and not, in small letters and capitals."""
    found = raw_forms(" Šć ")

    for text in ("Šć", "šć", "ŠĆ", "S\u030cc\u0301"):
        assert text.encode() in found
        assert text.encode("utf-16-le") in found
        assert text.encode("utf-16-be") in found
    assert len(found) == len(set(found))


def test_three_bytes_are_found_by_chance() -> None:
    """Bytes are looked for when they are four or more."""
    found = raw_forms("ëa")

    assert "ëa".encode() not in found
    assert "ëa".encode("utf-16-le") in found
