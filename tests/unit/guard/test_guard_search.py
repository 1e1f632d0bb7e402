"""Facts about where a value stands, and which lines are read as one."""

from __future__ import annotations

import sys

import pytest

from broker.guard.search import Wanted, Words, _between, _standing, searched
from broker.guard.texts import lines_of, words_of


def holds(text: str, *values: str) -> set[str]:
    """Return which values stand in one text."""
    return searched([text], [], frozenset()).holding(Wanted(values))


@pytest.mark.parametrize(
    ("value", "text", "there"),
    [
        ("anna", "anna x", True),
        ("anna", "x anna", True),
        ("anna", "x-anna.", True),
        ("anna", "xanna", False),
        ("anna", "annax", False),
        ("anna", "_anna", False),
        ("anna", "9anna", False),
        ("anna", "xanna anna", True),
        ("annab", "xannabx", True),
        ("1abcd", "x1abcd", True),
        ("1abcd", "91abcd", False),
        ("1abcd", "91abcd, 1abcd", True),
        ("abcd1", "abcd1x", True),
        ("abcd1", "abcd12", False),
        ("abcd1", "xabcd1", True),
        ("abcd1", "9abcd1", True),
        ("044 111 222", "nr 044111222.", True),
        ("044 111 222", "nr 044-11/12 22.", True),
        ("044 111 222", "nr 044.111222.", False),
        ("203.0.113.7", "nr 203.0.113.7, 203.0.113.77", True),
        ("203.0.113.7", "nr 203.0.113.77", False),
    ],
)
def test_a_short_value_stands_apart(value: str, text: str, there: bool) -> None:
    """Four letters are a word, and digits are no part of a longer number."""
    assert ({value} if there else set()) == holds(text, value, "elsewhere.example")


@pytest.mark.parametrize(
    ("form", "text", "apart"),
    [
        ("12ab", "12ab 9", True),
        ("ab12", "ab12", True),
        ("ab12", "ab123 ab12", True),
        ("12ab", "912ab", False),
        ("ab", "x12", False),
    ],
)
def test_apart_from_digits(form: str, text: str, apart: bool) -> None:
    """At the ends of a text nothing stands beside it; one place apart is enough."""
    assert apart == _between(form, text, str.isdigit)


@pytest.mark.parametrize(
    ("number", "halves", "there"),
    [
        ("044 111 222", ("0441", "11222"), True),
        ("+383 44 111 222", ("+383 4411", "1222"), True),
        ("10.20.3.4", ("10.20", ".3.4"), True),
    ],
)
def test_a_number_over_two_values_is_found(
    number: str, halves: tuple[str, str], there: bool
) -> None:
    """Its digits stand together where two values meet."""
    found = searched(halves, halves, frozenset()).holding(Wanted([number]))

    assert ({number} if there else set()) == found


def _over(*values: str, wanted: str) -> bool:
    """Say whether a value is found that several attributes have parts of."""
    return {wanted} == searched(values, values, frozenset()).holding(Wanted([wanted]))


@pytest.mark.parametrize(
    "halves",
    [
        ("10.1", "9.3.4"),
        ("1", "0.19.3.4"),
        ("10.19.3.", "4"),
        ("fe80:", ":19:Ab:4"),
        ("fe80::19:ab", ":4"),
        ("10.1", "between them", "9.3.4"),
        ("2001:db8:85a3:1111:2222:8a2e:370:733", "4"),
        ("2001:0db8:85a3:1111:2222:8a2e:0370:733", "4"),
    ],
)
def test_an_address_over_two_values_is_found(halves: tuple[str, ...]) -> None:
    """It is nothing without its signs; what is no part of one is passed over."""
    wanted = "".join(half for half in halves if half != "between them").lower()

    assert _over("pari", *halves, "pas", wanted=wanted)
    assert not _over("pari", *halves, "pas", wanted=f"{wanted}1")
    assert not _over("pari", *halves[::-1], "pas", wanted=wanted)


def test_an_address_over_two_values_may_be_too_short() -> None:
    """Eight signs come about where two addresses meet, and nine do not."""
    assert not _over("1.2", ".3.44", wanted="1.2.3.44")
    assert _over("1.9", ".3.144", wanted="1.9.3.144")


@pytest.mark.parametrize(
    "values",
    [
        ["Раs", "hkolli"],
        # What an attribute says again stands in the text of the document only once.
        ["hkolli", "x", "Раs", "hkolli", "y"],
        ["Раs", "x", "y", "Раs", "hkolli", "z"],
    ],
)
def test_halves_are_also_read_by_their_look(values: list[str]) -> None:
    """Cyrillic that looks like Latin is read so where a value is in two halves."""
    assert _over(*values, wanted="Pashkolli")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("Ana, Era", True),
        ("ana... ERA!", True),
        ("Ana, Eraj", False),
        ("Anaera", False),
    ],
)
def test_two_short_words_are_found_side_by_side(text: str, there: bool) -> None:
    """Whatever stands between two words, of which neither is part of another."""
    assert ({"Ana Era"} if there else set()) == holds(f"by {text}", "Ana Era")


def test_nothing_is_found_where_nothing_is_looked_for() -> None:
    """Without a withheld value no text has one."""
    assert set() == holds("Arben Krasniqi")


def test_both_readings_are_searched() -> None:
    """A text of another script is searched as it sounds and as it looks."""
    assert 5 <= searched(["Vera"], [], frozenset()).size < 8
    assert 8 <= searched(["Вера"], [], frozenset()).size


def test_values_that_read_alike_are_both_found() -> None:
    """Two values that differ in signs only leave one trace, which is of both."""
    values = ["Arben Krasniqi", "Arben-Krasniqi", "arben krasniqi"]

    assert set(values) == holds("by Arben, Krasniqi", *values)


@pytest.mark.parametrize("most", [0, 10**7])
def test_forms_within_others_stand_there_too(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many forms are looked for, one may begin before another ends."""
    monkeypatch.setattr(sys.modules["broker.guard.search"], "_BY_ONE", most)
    forms = ["abc", "bcd", "b", "abcde", "e", "ace"]

    assert {"abc", "bcd", "b"} == set(_standing(forms, "xabcdx"))


def test_a_number_has_seams_too() -> None:
    """Two halves of a number, each in a writing of its own, may meet."""
    halves = {("x", "y"): ([("x", "x4411")], [("y", "1222")])}

    assert {("x", "y"): ["xy"]} == Wanted(["+383 44 111 222"]).seams.met(halves)
    assert {} == Wanted(["elsewhere"]).seams.met(halves)


def test_only_what_is_withheld_here_is_looked_for() -> None:
    """Another recipient's secret is none of this one's."""
    text = searched(["annab besab"], [], frozenset())
    wanted = Wanted(["annab", "besab"])

    assert {"annab", "besab"} == text.holding(wanted)
    assert {"annab"} == text.holding(wanted, {"annab"})
    assert set() == text.holding(wanted, set())


@pytest.mark.parametrize("many", [2, 40, 3_000])
@pytest.mark.parametrize("size", [10, 20_000])
def test_many_words_are_found_in_any_text(many: int, size: int) -> None:
    """Few or many, in a short or a long text, the same words are found."""
    forms = {f"word{number}x".encode(): [f"value{number}"] for number in range(many)}
    words, mine = Words(forms), {f"value{number}" for number in range(0, many, 2)}

    assert set() == words.within(b"x" * size, mine)
    text = b"y" * size + f"-word{many - 2}x-word1x-word0x".encode()
    there = {forms[word][0] for word in forms if word in text} & mine
    for _ in range(2):
        assert there == words.within(text, mine)


def test_of_a_long_word_the_whole_is_looked_for() -> None:
    """A word of which only the middle is there is not there."""
    words = Words({b"abcdefghijklmnopqrstuvwxyz": ["alphabet"], b"": ["nothing"]})
    much = b"-" * 1_000_000

    assert {"nothing"} == words.within(
        much + b"-ghijklmnopqrstuvw", {"nothing", "alphabet"}
    )
    assert {"alphabet"} == words.within(
        much + b"abcdefghijklmnopqrstuvwxyz", {"alphabet"}
    )


def test_words_that_overlap_are_both_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """One word may begin before another ends, also where many are looked for."""
    words = Words({b"abcdefghij": ["a"], b"fghijklmno": ["f"], b"defgh": ["d"]})
    text = b"-abcdefghijklmno-"
    for most in (0, 200_000):
        monkeypatch.setattr(sys.modules["broker.guard.search"], "_ONE_PASS", most)

        assert {"a", "d", "f"} == words.within(text, {"a", "d", "f"})


@pytest.mark.parametrize("noise", [0, 40_000])
def test_bytes_are_found_among_much_else(noise: int) -> None:
    """A value beyond ASCII is found encoded in a text of any length."""
    value = "Ћирилица ту"
    code = "f7" * noise + "20" + value.encode().hex()

    assert {value} == holds(code, value, "Друга реч")
    assert set() == holds("f7" * (noise + 9), value, "Друга реч")


@pytest.mark.parametrize(
    ("text", "rejoined"),
    [
        ("first\nsecond", []),
        ("A" * 16 + "\nB", ["A" * 16 + "B"]),
        ("A" * 15 + "\nB", []),
        ("A" * 16 + "\r\nB", ["A" * 16 + "B"]),
        ("A" * 20 + "\n" + "B" * 20, ["A" * 20 + "B" * 20]),
        ("A" * 20 + "\n" + "B" * 20 + "\nC\nD", ["A" * 20 + "B" * 20 + "C"]),
        ("first\n" + "A" * 20, []),
        ("see ko=\r\nop here", ["see koop here"]),
        ("12.\n34", ["12.34"]),
        ("12\n34\nx", ["1234x"]),
        ("A" * 16 + "\nB\nC\n" + "D" * 16 + "\nE", ["A" * 16 + "B", "D" * 16 + "E"]),
    ],
)
def test_lines_that_were_broken_are_one(text: str, rejoined: list[str]) -> None:
    """A run of sixteen letters, a number or a soft break goes on in the next line."""
    lines = lines_of([text], frozenset())

    assert rejoined == lines.rejoined
    assert text.split("\n") == lines.single
    assert [text] == lines.whole


def test_known_lines_are_left_out() -> None:
    """Each line is there once, and what every document says is not."""
    texts = ["known", "one", "two\nknown\none", "one", "A" * 16 + "\nB", "A" * 16 + "B"]
    known = frozenset({"known"})

    lines = lines_of(texts, known)

    assert ["one", "two\none", "A" * 16 + "\nB", "A" * 16 + "B"] == lines.whole
    assert ["one", "A" * 16 + "B", "two", "A" * 16, "B"] == lines.single
    assert [] == lines.rejoined
    assert lines.single == lines.to_open
    assert [] == lines_of(["A" * 16 + "\nB"], frozenset({"A" * 16 + "B"})).rejoined


@pytest.mark.parametrize(
    ("folded", "words"),
    [("a-b  c", "a b c"), ("ë-b  c", "ë b c"), ("a_b", "a b"), ("abc", "abc")],
)
def test_words_have_one_blank_between_them(folded: str, words: str) -> None:
    """Signs are blanks, in ASCII and beyond."""
    assert words == words_of(folded)
