"""A line that withholds items names sorts, and asks for lists only where it says so."""

from __future__ import annotations

from broker.model.agreement import Items
from broker.model.decision import BY_LISTING
from broker.model.incident import Role
from broker.policy.items import withheld_items, without_sense
from tests.unit import given

KINDS = given.kinds()
EVERY = len(KINDS) * len(Role)


def test_without_the_word_nothing_is_looked_up() -> None:
    """A line that does not say listed means both, and asks for no list."""
    found = withheld_items([(Items(of="observables"), "a:1")], KINDS)

    assert BY_LISTING not in found
    assert EVERY == len(found)
    assert {2} == {len(told) for _, told in found}


def test_listed_is_one_more_word() -> None:
    """What a line says of lists is added to what it says of kinds and roles."""
    line = Items(
        of="observables",
        listed=True,
        kind=frozenset({"ipv4"}),
        role=frozenset({Role.UNKNOWN}),
    )
    found = withheld_items([(line, "a:1")], KINDS)

    assert {
        BY_LISTING: "a:1",
        ("observables", ("ipv4", Role.UNKNOWN, True)): "a:1",
    } == found


def test_lines_are_added_up() -> None:
    """A line about all and one about listed ones are both there, with their places."""
    lines = [
        (Items(of="observables", listed=False), "a:1"),
        (Items(of="observables", role=frozenset({Role.VICTIM})), "a:2"),
    ]
    found = withheld_items(lines, KINDS)

    assert "a:2" == found["observables", ("ipv4", Role.VICTIM)]
    assert "a:1" == found["observables", ("ipv4", Role.VICTIM, False)]
    assert ("observables", ("ipv4", Role.VICTIM, True)) not in found


def test_nobody_else_is_listed() -> None:
    """Victims and suspects cannot be told apart by lists."""
    assert [] == without_sense(Items(of="observables", listed=False))
    assert ["listed"] == without_sense(Items(of="victims", listed=True))
    assert ["listed"] == without_sense(Items(of="suspects", listed=False))
