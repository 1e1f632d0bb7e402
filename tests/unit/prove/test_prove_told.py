"""What compare says beside a difference: the fields, the incidents, the example."""

from __future__ import annotations

import pytest

from broker.model.decision import Effect
from broker.model.sharing import KEPT, WITHHELD
from broker.prove.compare import Comparison, compare
from broker.prove.moves import Move
from tests.edited import side

KP = "policies/agreements/kp-cybercrime.yaml"
PROFILE = "policies/profiles/investigation.yaml"
LOWER = (
    KP,
    "        - abusive-content/spam\n      severity_at_least: high",
    "        - abusive-content/spam\n      severity_at_least: medium",
)
TITLE = (PROFILE, "  title: keep\n", "  title: mask\n")
SABOTAGE = (
    "    when: {classification_in: [availability/sabotage], tlp_at_most: amber}\n"
)


@pytest.mark.parametrize(
    "change",
    [
        LOWER,
        TITLE,
        ("policies/recipients/kp-misp.yaml", "publish: true", "publish: false"),
    ],
    ids=("verdicts", "fields", "terms"),
)
def test_one_difference_is_enough(change: tuple[str, str, str]) -> None:
    """That nothing changes is never said where anything does."""
    found = compare(side(), side(change))

    assert 1 == sum(map(bool, (found.verdicts, found.fields, found.terms)))
    assert not found.is_empty


def test_the_fields_are_those_of_the_side_that_discloses() -> None:
    """What is newly disclosed goes as the new profile says, not as the old one did."""
    there = compare(side(), side(LOWER, TITLE))
    back = compare(side(LOWER, TITLE), side())

    for found, move in (
        (there, Move.NEWLY_DISCLOSED),
        (back, Move.NO_LONGER_DISCLOSED),
    ):
        [change] = (each for each in found.verdicts if each.move is move)
        assert ("title",) == change.fields["mask"]
        assert "title" not in change.fields[KEPT]
        assert WITHHELD not in change.fields
        assert "description" not in {p for each in change.fields.values() for p in each}


def test_what_is_only_held_instead_says_no_fields() -> None:
    """Where the same fields leave or wait as before, none is listed."""
    sabotage = "    effect: share\n" + SABOTAGE
    found = compare(side(), side((KP, sabotage, sabotage.replace("share", "review"))))

    assert {Move.NOW_HELD} == {each.move for each in found.verdicts}
    assert [{}] == [each.fields for each in found.verdicts]


def test_a_field_that_changes_everywhere_needs_no_conditions() -> None:
    """What a profile does it does in every incident, and so nothing limits it."""
    line = "    - {method: pseudonym, only: {consent: [unknown]}}\n"
    kept = line.replace("pseudonym", "keep")

    for old, new in (TITLE[1:], (line, kept)):
        [change] = compare(side(), side((PROFILE, old, new))).fields
        assert () == change.conditions


def test_the_example_of_a_field_is_shared_if_any_is() -> None:
    """An example that a person would hold first comes only where there is no other."""
    look = (
        KP,
        "  - id: sabotage\n",
        "  - id: look\n    cites: a\n    effect: review\n"
        "    when: {classification_in: [abusive-content/spam]}\n\n  - id: sabotage\n",
    )
    # Of the sorts of victims, the minors are always held.
    sector = (PROFILE, "  victims[].sector: keep\n", "  victims[].sector: mask\n")

    for change in (TITLE, sector):
        assert Effect.SHARE is _one_example(compare(side(look), side(look, change)))


def _one_example(found: Comparison) -> Effect:
    [change] = found.fields
    assert change.trial.old.effect is change.trial.new.effect
    return change.trial.new.effect


@pytest.mark.parametrize(
    "items",
    [
        "{of: victims}",
        "{of: observables, kind: [iban, ipv4]}",
        "{of: observables, role: [victim]}",
        "{of: suspects, minor: true}",
    ],
)
def test_fields_that_a_clause_withholds_say_in_which_incidents(items: str) -> None:
    """Nobody may believe that items stay here in incidents of which no clause says so.

    Kinds and fields that cannot be in the same incidents change in some of them.
    """
    withholds = f"{SABOTAGE}    withhold_items: [{items}]\n"
    found = compare(side(), side((KP, SABOTAGE, withholds)))

    assert found.fields
    for change in found.fields:
        assert change.conditions
        for phrases in change.conditions:
            assert "type availability/sabotage" in phrases
            assert "TLP amber or less" in phrases


def test_a_longer_hold_back_holds_the_days_between() -> None:
    """What was old enough before and is not any more is held, to the day."""
    old, new = (
        side((KP, "\nclauses:\n", f"\nembargo: {{cites: a, hold_back_days: {days}}}"
              "\nclauses:\n"))
        for days in (3, 4)
    )  # fmt: skip
    [change] = compare(old, new).verdicts

    assert Move.NOW_HELD is change.move
    assert (Effect.SHARE, Effect.REVIEW) == (
        change.trial.old.effect,
        change.trial.new.effect,
    )
    for phrases in change.conditions:
        assert "age in days 3 to 3" in phrases
