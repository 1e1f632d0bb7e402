"""A text is read in every way in which somebody may read it, and in no other."""

from __future__ import annotations

import pytest

from broker.redact.scrub.reading import fold, read, readings


def ways(text: str) -> list[str]:
    """Return every way in which a text can be read."""
    return [reading.text for reading in readings(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Arta Gashi, 100% & a=b [x] 1<2", ["Arta Gashi, 100% & a=b [x] 1<2"]),
        ("рат", ["rat", "pat"]),  # by its sound, and by its look
        ("рart", ["part", "rart", "part"]),
        ("рат art", ["rat art", "pat art"]),
        ("x рart рат", ["x part rat", "x rart rat", "x part pat"]),
        ("A%67im", ["A%67im", "Agim"]),
        ("A=67im", ["A=67im", "Agim"]),
        ("A\\x67im", ["A\\x67im", "Agim"]),
        ("A\\u0067im", ["A\\u0067im", "Agim"]),
        ("A[U+0067]im", ["A[U+0067]im", "Agim"]),
        ("A&#103;im", ["A&#103;im", "Agim"]),
        ("A%2567im", ["A%2567im", "Agim"]),
        ("[U+10FFFF]", ["[U+10FFFF]", "\U0010ffff"]),
        ("[U+110000]", ["[U+110000]", "[U+110000]"]),
        ("Ar<b>ta</b>", ["Ar<b>ta</b>", "Arta"]),
        (
            "arta dot gashi at posta pike example",
            ["arta dot gashi at posta pike example", "arta.gashi@posta.example"],
        ),
        ("arta at posta", ["arta at posta"]),
    ],
    ids=ascii,
)
def test_every_way_to_read_a_text(text: str, expected: list[str]) -> None:
    """Letters by sound and look, escapes written out, without tags, words as signs."""
    assert expected == ways(text)


@pytest.mark.parametrize(
    "text", ["рат", "рart", "A%67im", "Ar<b>ta</b>", "a dot b at c dot d", "ßİ[.]ﬁ x"]
)
def test_all_of_a_reading_is_all_of_the_text(text: str) -> None:
    """However it is read, the first letter begins the text and the last ends it."""
    for reading in readings(text):
        assert (0, len(text)) == reading.place(0, len(reading.text)) or "<" in text
        for place in range(len(reading.text)):
            start, end = reading.place(place, place + 1)
            assert start < end <= len(text)


def test_a_letter_knows_its_place() -> None:
    """What is found in a reading is cut out of the text, from its first letter on."""
    [_, unescaped] = readings("1 A%67im 2")
    [_, untagged] = readings("1 Ar<b>ta</b> 2")

    assert (2, 8) == unescaped.place(2, 6)
    assert (3, 6) == unescaped.place(3, 4)
    assert (2, 9) == untagged.place(2, 6)


def test_a_letter_knows_its_alphabet() -> None:
    """A name may be spelt by ear only where it was written in Cyrillic."""
    reading = read("Агим Agim")

    assert "Agim Agim" == reading.text
    assert reading.is_cyrillic(0)
    assert not reading.is_cyrillic(5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İSA", "isa"),
        ("Straße", "strasse"),
        ("ΑΒΕ ΗΝΡ", "abe hnp"),
        ("Đorđe łø ıſ", "dorde lo is"),
        ("ë\na", "e\na"),
        ("a\rb", "a b"),
        ("a\x85b\u1680c\u2003d", "a b c d"),
        ("[x] a.c]om", "[x] a.com"),
        ("Æ", "ae"),
        ("٠١٢", "012"),
        ("a\u200bb", "ab"),
        ("a\tb\u00a0c", "a b c"),
        ("\ud800", "\ufffd"),
        ("Ж", "z"),
        ("Љ", "lj"),
        ("ЄЛИЗАВЕТА Ґонта, Її", "jelizaveta gonta, ii"),
        ("hxxps://a[.]b", "https://a.b"),
        ("hXXp", "http"),
        ("hxxpfoo", "hxxpfoo"),
        ("a(at)b{dot}c", "a@b.c"),
        ("a [dot] b", "a.b"),
        ("a[:]b", "a:b"),
        ("a\\.b\\@c", "a.b@c"),
        ("“a” ‘b’", "'a' 'b'"),
    ],
    ids=ascii,
)
def test_one_way_to_write_it(text: str, expected: str) -> None:
    """Accents, alphabets, invisible letters and defanging make no other value."""
    assert expected == fold(text)
