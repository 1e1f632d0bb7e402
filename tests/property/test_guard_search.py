"""Facts about the search for many values at once, against searching for each."""

from __future__ import annotations

import base64
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from broker.guard.search import Wanted, Words, searched

_WORDS = st.text("abc ", min_size=1, max_size=6)
_NOTHING = frozenset[str]()


@given(st.lists(_WORDS, max_size=30), st.text("abc ", max_size=200))
def test_one_pass_finds_what_a_search_for_each_finds(
    words: list[str], text: str
) -> None:
    """The automaton and the plain search find the same words."""
    long = (text + "-" * 1_000_001).encode()  # so much text takes the automaton
    there = {word for word in words if word in text}
    found = Words({word.encode(): [word] for word in words})

    assert there == found.within(long, set(words))
    assert there == found.within(text.encode(), set(words))


@given(st.lists(st.sampled_from(["Arben Krasniqi", "Blerta Hoxha", "Drin Gashi"])))
def test_values_are_found_however_many_stand_beside_them(names: list[str]) -> None:
    """Of many values exactly those are found that stand there, in any encoding."""
    others = [f"value-{number:06}-{number * 7919}" for number in range(2_000)]
    written = [
        form
        for name in names
        for form in (quote(name), base64.b64encode(name.encode()).decode())
    ]
    text = searched([*written, *others[::2]], written, _NOTHING)
    wanted = ["Arben Krasniqi", "Blerta Hoxha", "Drin Gashi", *others]
    assert {*names, *others[::2]} == text.holding(Wanted(wanted))


def test_nothing_is_looked_for_where_nothing_is_withheld() -> None:
    """Without a withheld value nothing is found, whatever the text is."""
    text = searched(["Arben Krasniqi"], [], _NOTHING)

    assert set() == text.holding(Wanted([]))
