"""Compare finds what changed, says where, and shows it on the real path."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.decision import Effect
from broker.model.sharing import KEPT, WITHHELD
from broker.prove.compare import Comparison, compare
from broker.prove.moves import EFFECTS, Move
from tests.edited import side

KP = "policies/agreements/kp-cybercrime.yaml"
FIU = "policies/agreements/fiu.yaml"
SERIOUS = "        - abusive-content/spam\n      severity_at_least: "


def changed(*changes: tuple[str, str, str]) -> Comparison:
    """Compare the shipped rulebook with an edited one; every witness is tried."""
    found = compare(side(), side(*changes))
    for each in found.verdicts:
        assert EFFECTS[each.move] == (each.trial.old.effect, each.trial.new.effect)
    for field in found.fields:
        assert ("", "") == (field.trial.old.failure, field.trial.new.failure)
        for trial, outcome in (
            (field.trial.old, field.old),
            (field.trial.new, field.new),
        ):
            path = field.fields[0]
            names = {path, path.replace("[]", "[0]", 1)}
            seen = {became for name, became in trial.outcomes if name in names}
            assert {outcome.method} == seen, field
    return found


def test_nothing_changes_in_the_same_rulebook() -> None:
    """A rulebook differs in nothing from itself."""
    found = compare(side(), side())

    assert found.is_empty
    assert not found.widens


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Example of", "# An example of"),
        ("note: Always referred, and at once.", "note: Always, and at once."),
        # No clause shares what is below the threshold of nothing.
        (
            "when: {category_in: [vulnerable]}",
            "when: {category_in: [vulnerable, test]}",
        ),
    ],
)
def test_a_change_of_words_changes_nothing(old: str, new: str) -> None:
    """A comment, a note or a clause that changes no verdict is proved to do nothing."""
    assert changed((KP, old, new)).is_empty


def test_a_clause_that_is_written_in_two_changes_nothing() -> None:
    """What two clauses say is what one said before."""
    one = "  - id: sabotage\n"
    two = (
        "  - id: sabotage-clear\n"
        '    cites: "MoU art. 4(2)"\n'
        "    effect: share\n"
        "    when: {classification_in: [availability/sabotage], tlp_at_most: green}\n\n"
        "  - id: sabotage\n"
    )

    assert changed((KP, one, two)).is_empty


def test_a_lower_threshold_discloses_newly() -> None:
    """Exactly the severity between the thresholds is disclosed, to one recipient."""
    found = changed((KP, f"{SERIOUS}high", f"{SERIOUS}medium"))
    [change] = found.verdicts

    assert found.widens
    assert ("kp-misp", Move.NEWLY_DISCLOSED) == (change.recipient, change.move)
    assert change.shadow
    [phrases] = change.conditions
    assert "severity medium" in phrases
    assert "TLP amber or less" in phrases
    assert ("serious-attempts",) == change.trial.new.clauses
    assert "title" in change.fields[KEPT]


def test_a_higher_threshold_discloses_no_longer() -> None:
    """The way back widens nothing."""
    found = changed((KP, f"{SERIOUS}high", f"{SERIOUS}critical"))

    assert [Move.NO_LONGER_DISCLOSED] == [each.move for each in found.verdicts]
    assert not found.widens


@pytest.mark.parametrize(
    ("old", "new", "move", "widens"),
    [
        ("share", "review", Move.NOW_HELD, False),
        ("share", "withhold", Move.NO_LONGER_DISCLOSED, False),
        ("review", "share", Move.RELEASED, True),
        ("review", "withhold", Move.NO_LONGER_HELD, False),
        ("withhold", "share", Move.NEWLY_DISCLOSED, True),
        ("withhold", "review", Move.NEWLY_HELD, True),
    ],
)
def test_every_move_between_verdicts_has_its_name(
    old: str, new: str, move: Move, widens: bool
) -> None:
    """The six ways in which a verdict can change are told apart."""
    clause = (
        "  - id: sabotage\n"
        '    cites: "MoU art. 4(2)"\n'
        "    effect: {}\n"
        "    when: {{classification_in: [availability/sabotage], tlp_at_most: amber}}\n"
    )
    shipped = clause.format("share")
    one, other = (
        side((KP, shipped, clause.format(old))),
        side((KP, shipped, clause.format(new))),
    )
    found = compare(one, other)
    main = found.verdicts[0]

    assert {"kp-misp"} == {each.recipient for each in found.verdicts}
    assert (move, widens) == (main.move, found.widens)
    assert (Effect(old), Effect(new)) == (
        main.trial.old.effect,
        main.trial.new.effect,
    )


def test_a_field_is_newly_seen() -> None:
    """A line of a profile that is changed shows the field, the items and the lines."""
    found = changed(
        (
            "policies/profiles/investigation.yaml",
            "{method: pseudonym, only: {consent: [unknown]}}",
            "{method: keep, only: {consent: [unknown]}}",
        )
    )
    [change] = found.fields

    assert () == found.verdicts
    assert ("victims[].name",) == change.fields
    assert ("consent unknown; no minor",) == change.items
    assert ("pseudonym", KEPT) == (change.old.method, change.new.method)
    assert change.widens


def test_a_field_that_cannot_be_there_is_no_difference() -> None:
    """What becomes of minors matters to nobody who never gets an incident with one."""
    never = (
        "policies/safeguards.yaml",
        "effect: review\n    when: {minor_involved: true}",
        "effect: withhold\n    when: {minor_involved: true}",
    )
    line = (
        "policies/profiles/financial.yaml",
        "    - {method: pseudonym, only: {minor: true}}\n    - {method: keep}\n",
        "    - {method: withhold, only: {minor: true}}\n    - {method: keep}\n",
    )

    assert 1 == len(compare(side(), side(line)).fields)
    assert compare(side(never), side(never, line)).is_empty


def test_items_that_a_clause_withholds() -> None:
    """An item that a clause withholds is not seen, where the clause applies."""
    clause = (
        "    when: {classification_in: [availability/sabotage], tlp_at_most: amber}\n"
    )
    items = "    withhold_items: [{of: observables, role: [victim]}]\n"
    found = changed((KP, clause, clause + items))
    back = compare(side((KP, clause, clause + items)), side())

    assert () == found.verdicts
    assert not found.widens
    assert {WITHHELD} == {each.new.method for each in found.fields}
    assert all(each.fields[0].startswith("observables[].") for each in found.fields)
    assert all("availability/sabotage" in str(each.conditions) for each in found.fields)
    assert back.widens


def test_a_longer_agreement_discloses_on_more_days() -> None:
    """A new last day is newly disclosed on exactly the days between."""
    found = changed((FIU, "until: 2028-12-31", "until: 2029-06-30"))
    [change] = found.verdicts

    assert "from 2029-01-01 until 2029-06-30" == change.period
    assert ("none", "fiu") == change.agreements
    assert {"valid.until"} == {term.name for term in found.terms}


@pytest.mark.parametrize(
    ("file", "old", "new", "name", "widens"),
    [
        ("recipients/kp-misp", "misp.police", "misp.other", "url", True),
        ("recipients/kp-misp", "max_bytes: 5000000", "max_bytes: 4000000",
         "limits.max_bytes", False),
        ("recipients/kp-misp", "max_bytes: 5000000", "per_minute: 6",
         "limits.per_minute", False),
        ("recipients/kp-misp", "publish: true", "publish: true\ndeletes: false",
         "deletes", True),
        ("recipients/kp-misp", "publish: true", "publish: true\ncollection: another",
         "collection", True),
        ("recipients/kp-misp", "publish: true", "publish: false", "publish", False),
        ("recipients/kp-misp", "distribution: 1", "distribution: 0",
         "distribution", False),
        ("recipients/kp-misp", "credential: kp-misp", "credential: another",
         "credential", True),
        ("agreements/fiu", "attribution: hidden", "attribution: aliased",
         "attribution", True),
        ("agreements/fiu", "attribution: hidden",
         "attribution: hidden\non_expiry: keep", "on_expiry", True),
        ("agreements/fiu", "attribution: hidden",
         "attribution: hidden\non_retention: retract", "on_retention", False),
        ("agreements/fiu", "attribution: hidden",
         "attribution: hidden\nreveal: {cites: art. 9}", "reveal.cites", True),
        ("agreements/fiu", "retention_days: 1825", "retention_days: 1826",
         "retention_days", True),
        ("agreements/fiu", "retention_days: 1825", "retention_days: 30",
         "retention_days", False),
        ("agreements/fiu", "onward: forbidden", "onward: with-consent", "onward", True),
        ("agreements/fiu", "on_withdrawal: retract", "on_withdrawal: keep",
         "on_withdrawal", True),
        ("agreements/fiu", "\nclauses:\n", '\nreveal: {cites: "art. 9"}\nclauses:\n',
         "reveal.cites", True),
        ("guardrails/misp-financial", "tripwires: [payment-card, private-key, ",
         "tripwires: [private-key, ", "tripwires", True),
        ("guardrails/misp-financial", "  Event.uuid: uuid\n",
         "  Event.uuid: uuid\n  Event.comment: text\n", "paths.Event.comment", True),
        ("guardrails/misp-financial", "max_bytes: 2000000", "max_bytes: 1000000",
         "max_bytes", False),
    ],
)  # fmt: skip
def test_terms_around_the_clauses(
    file: str, old: str, new: str, name: str, widens: bool
) -> None:
    """What stands around the clauses is reported, and whether it may widen."""
    found = changed((f"policies/{file}.yaml", old, new))

    assert [(name, widens)] == [(term.name, term.widens) for term in found.terms]
    assert widens == found.widens


ORGANISATION = """publish: true
organisation:
  name: Somebody
  uuid: 5f2b0e3c-7a53-4c9e-9d0e-0c4a1f6f2a11
"""
GROUP = """sharing_group:
  uuid: 5f2b0e3c-7a53-4c9e-9d0e-0c4a1f6f2a12
  name: Cases
  organisations: [{name: Somebody, uuid: 5f2b0e3c-7a53-4c9e-9d0e-0c4a1f6f2a11}]
"""


def test_who_else_is_named_at_a_recipient() -> None:
    """An organisation or a group that a recipient's file names is a widening."""
    named = changed(
        ("policies/recipients/kp-misp.yaml", "publish: true\n", ORGANISATION)
    )
    grouped = changed(("policies/recipients/kp-misp.yaml", "distribution: 1\n", GROUP))

    assert {"organisation.name", "organisation.uuid"} == {t.name for t in named.terms}
    assert {
        "distribution",
        "sharing_group.uuid",
        "sharing_group.name",
        "sharing_group.organisations",
    } == {term.name for term in grouped.terms}
    assert named.widens
    assert grouped.widens


@pytest.mark.parametrize(
    ("file", "old", "new", "about"),
    [
        ("known-good/own", "names: [.kos-cert.example]", "names: [.cert.example]",
         "lists of what is probably harmless"),
        ("markings", "{days: 2,", "{days: 3,", "markings"),
    ],
)  # fmt: skip
def test_a_table_that_is_written_otherwise_is_said(
    file: str, old: str, new: str, about: str
) -> None:
    """No table of the mappings can change without being named."""
    found = compare(side(), side((f"mappings/{file}.yaml", old, new)))

    assert [(about, True)] == [(term.about, term.widens) for term in found.terms]


def test_a_statement_that_is_no_longer_proved_widens() -> None:
    """Whoever takes a statement out needs a second person."""
    statement = "  - id: test-never-leaves\n"
    renamed = "  - id: test-never\n"
    found = changed(("policies/safeguards.yaml", statement, renamed))

    assert [("statement test-never", False), ("statement test-never-leaves", True)] == [
        (term.about, term.widens) for term in found.terms
    ]


def test_a_statement_that_does_not_speak_of_a_recipient_any_more_widens() -> None:
    """A party whose role is written otherwise leaves what is proved of that role."""
    found = changed((FIU, "role: fiu", "role: ministry"))
    parties, statement = found.terms

    assert ("parties", False) == (parties.name, parties.widens)
    assert parties.new.startswith("KOS-CERT / csirt / duty@kos-cert.example, ")
    assert (
        "statement victims-numbers-never-reach-the-fiu",
        "fiu-misp",
        "not proved any more",
        True,
    ) == (statement.about, statement.name, statement.new, statement.widens)


def test_a_statement_that_speaks_of_one_more_recipient_does_not_widen() -> None:
    """More that is proved lets nothing through."""
    assert not changed((KP, "role: police", "role: fiu")).widens


def test_a_new_kind_of_observable_widens() -> None:
    """An incident with a kind that was not read before may now be shared."""
    row = """observables:
  - kind: robot
    data_class: technical
    shape: text
    stix: {type: user-account, property: user_id}
    misp: {type: text, category: Other}
"""
    found = compare(side(), side(("mappings/observables.yaml", "observables:\n", row)))

    assert found.widens
    assert ("kind robot", True) in [(term.about, term.widens) for term in found.terms]


def test_a_suspended_recipient_gets_nothing() -> None:
    """Suspending takes away everything, and lifting it gives everything."""
    line = "limits: {max_bytes: 2000000}"
    found = changed(
        ("policies/recipients/fiu-misp.yaml", line, f"{line}\nsuspended: true")
    )
    moves: set[Any] = {each.move for each in found.verdicts}

    assert {Move.NO_LONGER_DISCLOSED, Move.NO_LONGER_HELD} >= moves
    assert {"fiu-misp"} == {each.recipient for each in found.verdicts}
    assert not found.widens
