"""Facts about values that were made to get past the guard, or to wear it out."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from broker.canonical import dumps
from broker.errors import GuardError, IntakeError
from broker.guard import inspect
from broker.guard.search import Wanted, searched
from broker.model.sharing import Breach, Draft, State
from tests import world

NOBODY = frozenset[str]()


def found(text: str, *values: str) -> set[str]:
    """Return the values that the guard finds in a text."""
    return searched([text], [], NOBODY).holding(Wanted(values))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Agim Kçira", "\u202earicK migA"),
        ("Agim Kçira", "told by \u202earicK migA\u202c himself"),
        ("Agim Kçira", "A\u200bg\u200bim \u2066K\u2069çira"),
        ("Agim Kçira", "\u200fAgim\u200f \u200fKçira\u200f"),
        ("Agim Kçira", "Agim\x00 K\x00çira"),
        ("Agim\u200b Kçira", "Agim Kçira"),
        ("\u202eAgim Kçira", "agim kcira"),
    ],
)
def test_marks_that_nobody_sees(value: str, text: str) -> None:
    """Marks of direction, empty characters and NUL hide nothing, on neither side."""
    assert {value} == found(text, value)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_nested_encodings_are_opened(layers: int) -> None:
    """A name in base64 within base64 is found, four layers deep."""
    assert {"Agim Kcira"} == found(_nested("Agim Kcira", layers), "Agim Kcira")


@pytest.mark.parametrize("layers", [5, 6, 7])
def test_deeper_ones_are_held(layers: int) -> None:
    """What is encoded deeper than the guard looks is not let through unseen."""
    with pytest.raises(GuardError, match="too many layers"):
        found(_nested("Agim Kcira", layers), "Agim Kcira")


def _nested(text: str, layers: int) -> str:
    for _ in range(layers):
        text = base64.b64encode(text.encode()).decode()
    return text


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Era", "a new era begins", True),
        ("Era", "the operation was considerable", False),
        ("Drin", "by the river Drin", True),
        ("Drin", "the valley of Drini", False),
        ("Qendra", "https://qendra.example/konto", True),
        ("Qendra", "https://www.mbi-qendra-jone.example", True),
        ("Era", "https://era.example/", True),
        ("Era", "https://operations.example/", False),
    ],
)
def test_names_that_are_common_words(name: str, text: str, expected: bool) -> None:
    """A short name is found as a whole word; a longer one within others as well.

    Also where it is a label of a domain: whoever reads the domain reads the name.
    """
    assert expected is (name in found(text, name))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (b'"title":"a\\u0000b"', "title"),
        (b'"title":"a\\ud800b"', ""),
        (b'"title":"a\xed\xa0\x80b"', ""),
        (b'"title":"a\xffb"', ""),
        (b'"description":"' + b"x" * 2**20 + b'"', "description"),
        (b'"title":"' + b"x" * 2**20 + b'"', "title"),
    ],
    ids=["NUL", "escaped surrogate", "surrogate", "no UTF-8", "1 MB", "1 MB line"],
)
def test_intake_refuses_what_nobody_can_compare(change: bytes, where: str) -> None:
    """NUL, half characters and values of 1 MB are refused, and never repeated."""
    plain = world.incident(title=None, description=None)
    body = json.dumps(plain).encode()[:-1] + b"," + change
    if b"title" not in change:
        body += b',"title":"t"'
    with pytest.raises(IntakeError) as caught:
        world.pipeline.receive(body + b"}", rulebook=world.rulebook(), now=world.NOW)

    assert where in str(caught.value)
    assert len(str(caught.value)) < 300


def _inspected(change: Any) -> tuple[Breach, ...]:
    share = world.share(world.FULL)
    assert share.sealed
    document = json.loads(share.sealed.body)
    change(document["Event"])
    route = world.route()
    incident = world.receive(world.FULL).incident
    return inspect(Draft("kp-misp", route.wire, dumps(document)), incident, route.guard)


def test_a_value_at_the_end_of_a_megabyte_is_found() -> None:
    """A text of 1 MB is read to its end."""
    text = "harmless words, " * 65_536

    assert () == _inspected(lambda event: event.update(info=text))
    [breach] = _inspected(lambda event: event.update(info=f"{text}Shpresa Kallezuesja"))
    assert "reporter.name" == breach.about


def test_a_document_with_half_a_character_is_held() -> None:
    """A draft with a lone surrogate is no JSON document to the guard."""
    share = world.share(world.FULL)
    assert share.sealed
    body = share.sealed.body.replace(b'"info":"', b'"info":"\\ud800', 1)
    route = world.route()
    incident = world.receive(world.FULL).incident

    [breach] = inspect(Draft("kp-misp", route.wire, body), incident, route.guard)
    assert "not-json" == breach.rule


def test_thousands_of_withheld_values_and_one_of_them_leaks() -> None:
    """Among 5,000 withheld addresses the one that stands in the title is found."""
    victims = [
        {"kind": "ipv4", "value": f"100.64.{n // 250}.{n % 250 + 1}", "role": "victim"}
        for n in range(5_000)
    ]
    seen = [{"kind": "domain", "value": "hyrja.example", "role": "attacker"}]
    made = world.incident(
        observables=seen + victims,
        reporter={"name": "Shpresa Kallëzuesja"},
        handling_caveats=["Nothing of 100.64.19.250 may be told"],
    )

    share = world.share(made, "fiu-misp")

    assert State.HELD is share.state
    assert ["observables[].value"] == [each.about for each in share.breaches]
