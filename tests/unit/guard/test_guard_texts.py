"""Facts about how a text reads, whatever way it is written, and about its lines."""

from __future__ import annotations

import pytest

from broker.guard.texts import (
    Lines,
    as_it_looks,
    fold,
    lines_of,
    squeeze,
    squeeze_each,
    squeezed_bytes,
    words_of,
)

NONE: frozenset[str] = frozenset()
RUN = "abcdefghijklmnop"  # sixteen letters: it may be a code that goes on


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ARTA", "arta"),
        ("Kallëzuesja", "kallezuesja"),
        ("Đorđe Łukasz", "dorde lukasz"),
        ("Љубав и Џеп", "ljubav i dzep"),
        # Every letter of Serbian, one sentence; and of Russian.
        (
            "Љубазни фењерџија чађавог лица хоће да ми покаже штос",
            "ljubazni fenjerdzija cadavog lica hoce da mi pokaze stos",
        ),
        (
            "Съешь же ещё этих мягких французских булок, да выпей чаю",
            "ses ze esce etih mjagkih francuzskih bulok, da vypei caju",
        ),
        ("Ѓурѓица ќе ѕида", "gurgica ke dzida"),
        ("Їжак і", "izak i"),
        # Every letter of Ukrainian, one sentence; and a name with both of its own.
        (
            "Жебракують філософи при ґанку церкви в Гадячі, ще й шатро їхнє п'яне "
            "знаємо",
            "zebrakujut filosofi pri ganku cerkvi v gadjaci, sce i satro ihnje p'jane "
            "znajemo",
        ),
        ("ЄЛИЗАВЕТА Ґонта", "jelizaveta gonta"),
        ("Straße, Æbler, Œuvre", "strasse, aebler, oeuvre"),
        ("Iğdır", "igdir"),
        ("ﬁn", "fin"),
        ("𝐀rta", "arta"),
        ("a\u200bb\u00adc", "abc"),
        ("‘’‚‛“”„‟′«»‹›ʼʹ", "'" * 15),
        ('"a"', "'a'"),
        ("a‐‒–—―−⁃b", "a-------b"),
        ("a\u2028\u2029\u0085·•‧∙b", "a       b"),
        ("plain\x1fКуќа\x1fÇ", "plain\x1fkuka\x1fc"),
    ],
)
def test_a_text_reads_without_case_accents_and_scripts(text: str, read: str) -> None:
    """What looks or sounds the same is the same, line by line."""
    assert read == fold(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", ""),
        ("Kallëzuesja", ""),
        ("Рaul", "paul"),
        ("Αrta", "arta"),
        ("plain\x1fСоор", "plain\x1fcoop"),
    ],
)
def test_letters_of_other_scripts_are_read_as_what_they_look_like(
    text: str, read: str
) -> None:
    """Nothing is said of a text that has none of these."""
    assert read == as_it_looks(text)


@pytest.mark.parametrize(
    ("text", "squeezed", "words"),
    [
        ("a.b (c)", "abc", "a b c"),
        ("+383 44 111", "38344111", "383 44 111"),
        ("a_b--c", "abc", "a b c"),
        ("љ - b", "љb", "љ b"),
    ],
)
def test_signs_and_blanks_go(text: str, squeezed: str, words: str) -> None:
    """A text without them, or with one blank for each run of them."""
    assert squeezed == squeeze(text)
    assert squeezed.encode() == squeezed_bytes(text)
    assert [squeezed, "", squeezed] == squeeze_each([text, "- ", text])
    assert words == words_of(text)


def test_what_ends_a_word_is_the_same_in_each_script() -> None:
    """An ASCII text and one beyond it are parted at the same signs."""
    signs = "".join(sign for sign in map(chr, range(128)) if not sign.isalnum())

    assert "a b" == words_of(f"a{signs}b")
    assert "љ b" == words_of(f"љ{signs}b")


@pytest.mark.parametrize(
    ("texts", "known", "lines"),
    [
        ([], NONE, Lines([], [], [])),
        (["a", "b", "a"], NONE, Lines(["a", "b"], ["a", "b"], [])),
        (["a", "known"], {"known"}, Lines(["a"], ["a"], [])),
        (["a\nb", "c"], NONE, Lines(["a\nb", "c"], ["c", "a", "b"], [])),
        (["a\nknown\nb"], {"known"}, Lines(["a\nb"], ["a", "b"], [])),
        (["a=\nb"], NONE, Lines(["a=\nb"], ["a=", "b"], ["ab"])),
        (["a=\nb", "ab"], NONE, Lines(["a=\nb", "ab"], ["ab", "a=", "b"], [])),
        (["a=\nb"], {"ab"}, Lines(["a=\nb"], ["a=", "b"], [])),
        (["a=\nb"], {"b"}, Lines(["a="], ["a="], ["ab"])),
        (["x\ny", "a\nb"], NONE, Lines(["x\ny", "a\nb"], ["x", "y", "a", "b"], [])),
    ],
    ids=str,
)
def test_a_document_has_these_lines(
    texts: list[str], known: frozenset[str], lines: Lines
) -> None:
    """Each once and in order, without what every document says."""
    assert lines == lines_of(texts, frozenset(known))


def test_lines_and_those_put_together_may_hold_something() -> None:
    """A whole text of several lines is looked into line by line only."""
    assert ["a=", "b", "ab"] == lines_of(["a=\nb"], NONE).to_open


@pytest.mark.parametrize(
    ("text", "together"),
    [
        ("a\nb\nc", []),
        ("a=\nb\nc", ["ab"]),
        ("a=\nb=\nc", ["abc"]),
        ("a=\r\nb", ["ab"]),
        ("a\nb=", []),
        ("a=\nb=", ["ab"]),
        ("a=\nb\nc=\nd", ["ab", "cd"]),
        (f"{RUN}\nb", [f"{RUN}b"]),
        (f"see {RUN}\nb", [f"see {RUN}b"]),
        (f"{RUN[1:]}\nb", []),
        (f"{RUN[1:]} \nb", []),
        (f"{RUN}\r\nb", [f"{RUN}b"]),
        ("call 044\n111", ["call 044111"]),
        ("call 044.\n111", ["call 044.111"]),
        ("call 044,\n111", []),
    ],
)
def test_a_line_that_was_broken_is_put_together(text: str, together: list[str]) -> None:
    """It goes on after a long run, a number or a soft break (RFC 2045, 6.7)."""
    assert together == lines_of([text], NONE).rejoined
