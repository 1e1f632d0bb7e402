"""Facts about where a value stands, and which lines are read as one."""

from __future__ import annotations

import pytest

from broker.guard.search import Wanted, Words, _between, searched
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
