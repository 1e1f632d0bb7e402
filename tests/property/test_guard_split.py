"""Facts about withheld values that are split over two neighbouring attributes.

Each half in a writing of its own, or one writing of the whole cut anywhere; and the
drafts of the other recipients hold one half, both or none.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker import guard
from broker.canonical import dumps
from broker.model.sharing import Draft
from tests import world
from tests.encodings import ENCODINGS

# Withheld from all three recipients; between them: letters with and without accents,
# two scripts, a telephone, an address of each sort, an e-mail address.
VALUES: Final = (
    "Shpresa Kallëzuesja",
    "Вера Оштећена",
    "shpresa@kooperativa.example",
    "+383 44 111 222",
    "203.0.113.77",
    "Kumanova#2026",
)
# Ways to write a half so that nothing is added to it that whoever reads it must
# take away. `plain` first, so that shrinking ends there.
WRITINGS: Final = (
    "plain",
    "upper case",
    "URL",
    "percent signs",
    "percent signs twice",
    "base64",
    "base64 for URLs",
    "base64 twice",
    "base64 of UTF-16, little end",
    "base64 of UTF-16, big end",
    "base64 of UTF-16, marked",
    "hex",
    "hex, capitals",
    "hex, spaced",
    "hex, colons",
    "hex, as a form sends it",
    "hex, 0x",
    "hex of UTF-16",
    "bytes of source code",
    "accents apart",
    "entities",
    "entities, hex",
    "entities of HTML",
    "JSON",
    "JSON, every letter",
    "zero-width blanks",
    "tags",
    "full width",
    "mathematical letters, in MISP",
    "quoted-printable, every byte",
    "mail header, Q",
    "mail header, B",
)


def _exactly(writing: str, text: str) -> str:
    """Write a text with nothing before and after it."""
    if writing == "base64":
        return base64.b64encode(text.encode()).decode()
    return ENCODINGS[writing](text)


@cache
def _bodies() -> tuple[bytes, ...]:
    """Return the full incident as each recipient gets it."""
    shares = world.disclose(world.FULL).shares
    return tuple(share.sealed.body for share in shares if share.sealed)


def _looks(planted: dict[int, tuple[str, ...]]) -> list[guard.Look]:
    """Return all drafts, with values put in the place of the first attributes'."""
    looks = []
    routes = world.rulebook().routes
    for at, (body, route) in enumerate(zip(_bodies(), routes, strict=True)):
        document = json.loads(body)
        attributes = document["Event"]["Attribute"]
        for value, attribute in zip(planted.get(at, ()), attributes, strict=False):
            attribute["value"] = value
        draft = Draft(route.recipient.recipient, route.wire, dumps(document))
        looks.append(guard.Look(draft, route.guard))
    return looks


def _held(looks: list[guard.Look]) -> list[bool]:
    incident = world.receive(world.FULL).incident
    found = guard.inspect_all(looks, incident)
    return [
        not isinstance(each, Exception)
        and any(breach.rule == "withheld-value" for breach in each)
        for each in found
    ]


# What the other two recipients have of the halves: none, one of them, or both.
OTHERS: Final = st.lists(
    st.sampled_from(("none", "first", "second", "both")), min_size=2, max_size=2
)


def _planted(
    first: str, second: str, at: int, others: list[str]
) -> dict[int, tuple[str, ...]]:
    has = {
        "none": (),
        "first": (first, "nothing there"),
        "second": ("nothing here", second),
        "both": (first, second),
    }
    rest = [number for number in range(3) if number != at]
    return {at: has["both"]} | {
        number: has[what] for number, what in zip(rest, others, strict=True)
    }


@settings(max_examples=settings().max_examples * 5)
@given(
    st.sampled_from(VALUES),
    st.sampled_from(WRITINGS),
    st.sampled_from(WRITINGS),
    st.floats(0, 1),
    st.integers(0, 2),
    OTHERS,
)
@example(VALUES[1], "plain", "base64 of UTF-16, big end", 0.6, 0, ["none", "both"])
@example(VALUES[1], "base64 of UTF-16, big end", "hex", 0.3, 1, ["none", "first"])
@example(VALUES[1], "base64 of UTF-16, little end", "JSON", 0.6, 2, ["both", "both"])
@example(VALUES[0], "hex", "base64 of UTF-16, little end", 0.63, 0, ["none", "none"])
def test_two_halves_each_written_in_its_way_are_found(
    value: str, first: str, second: str, where: float, at: int, others: list[str]
) -> None:
    """Whatever two writings the halves have, and whoever else has one of them."""
    cut = 1 + round(where * (len(value) - 2))
    halves = _exactly(first, value[:cut]), _exactly(second, value[cut:])
    looks = _looks(_planted(*halves, at, others))

    assert _held(looks)[at], halves


@settings(max_examples=settings().max_examples * 5)
@given(
    st.sampled_from(VALUES),
    st.sampled_from(WRITINGS),
    st.floats(0, 1),
    st.integers(0, 2),
    OTHERS,
)
def test_a_writing_that_is_cut_anywhere_is_found(
    value: str, writing: str, where: float, at: int, others: list[str]
) -> None:
    """A value is written once and the writing cut, even within one of its signs."""
    written = _exactly(writing, value)
    cut = 1 + round(where * (len(written) - 2))
    looks = _looks(_planted(written[:cut], written[cut:], at, others))

    assert _held(looks)[at], (written[:cut], written[cut:])


@pytest.mark.parametrize("others", ["none", "first", "second"])
def test_one_half_alone_is_no_breach(others: str) -> None:
    """Who has only one half, has nothing; and what another has does not count."""
    first, second = (_exactly("base64", half) for half in ("Shpresa Ka", "llëzuesja"))
    looks = _looks(_planted(first, second, 1, [others, others]))

    assert [False, True, False] == _held(looks)
