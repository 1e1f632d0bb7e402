"""Proofs tell observables apart by the lists, where some line does."""

from __future__ import annotations

from itertools import chain

import pytest

from broker.errors import RulebookError
from broker.intake.values import normal
from broker.model.known_good import LOOKED_UP, NO_LISTS, KnownGood, Listed
from broker.prove import words
from broker.prove.compare import Comparison, compare
from broker.prove.listing import Listing
from broker.prove.never import proved, refuted
from broker.prove.outcome import Sort
from broker.prove.side import tried
from tests.edited import edited, side
from tests.unit import given

KP = "policies/agreements/kp-cybercrime.yaml"
GUARDS = "policies/safeguards.yaml"
RESOLVERS = "mappings/known-good/public-resolvers.yaml"
KINDS = given.kinds()
CLAUSE = "  - id: sabotage\n"
STAYS = """  - id: everybody-uses-it
    cites: "MoU art. 5"
    effect: share
    when: {classification_in: [availability/sabotage], tlp_at_most: green}
    withhold_items:
      - {of: observables, listed: true}

"""
LISTED = (KP, CLAUSE, f"{STAYS}{CLAUSE}")
PLAIN = (KP, CLAUSE, f"{STAYS}{CLAUSE}".replace(", listed: true", ""))
NARROW = (KP, CLAUSE, f"{STAYS}{CLAUSE}".replace("listed: true", "listed: false"))
WITHOUT = STAYS.partition("    withhold")[0] + "\n"
SHARES = (KP, CLAUSE, f"{WITHOUT}{CLAUSE}")


def changed(
    old: tuple[tuple[str, str, str], ...], new: tuple[tuple[str, str, str], ...]
) -> Comparison:
    """Compare two edited rulebooks; every witness shows its change on the real path."""
    found = compare(side(*old), side(*new))
    for field in found.fields:
        path = field.fields[0].replace("[]", "[0]", 1)
        for trial, outcome in (
            (field.trial.old, field.old),
            (field.trial.new, field.new),
        ):
            seen = {became for name, became in trial.outcomes if name == path}
            assert {outcome.method} == seen, field
    return found


@pytest.fixture(scope="module")
def lists() -> Listed:
    """Return the shipped lists."""
    return side().listed


def test_every_kind_has_its_examples(lists: Listed) -> None:
    """Each example is a value of its kind, and gets the answer that it stands for."""
    listing = Listing([lists], KINDS)

    for kind, row in KINDS.items():
        examples = listing.examples(kind)
        assert (False,) in examples
        for answers, value in examples.items():
            assert normal(value, row) is not None
            assert answers == (lists.holds(row.shape, value),)
        if row.shape not in LOOKED_UP:
            assert [(False,)] == list(examples)
    for kind in ("ipv4", "ipv6", "domain", "url", "md5", "sha256"):
        assert {(True,), (False,)} == set(listing.examples(kind))


def test_examples_of_two_rulebooks(lists: Listed) -> None:
    """Where two rulebooks have other lists, each pair of answers has a value."""
    listing = Listing([lists, NO_LISTS], KINDS)

    assert {(True, False), (False, False)} == set(listing.examples("ipv4"))
    assert {(True, True), (False, False)} == set(
        Listing([lists, lists], KINDS).examples("ipv4")
    )


def test_an_example_is_found_where_documents_are_listed() -> None:
    """Where the usual examples are all listed, another address and name is found."""
    everything = Listed(
        [
            KnownGood(
                list="a",
                title="A",
                networks=("0.0.0.0/1", "192.0.2.0/24", "198.51.100.0/24"),
                names=(".example", ".test", ".invalid"),
            ),
            KnownGood(list="b", title="B", networks=("203.0.113.0/24",)),
        ]
    )
    listing = Listing([everything], KINDS)

    for kind in chain(("ipv4", "domain", "url")):
        shape = KINDS[kind].shape
        assert everything.holds(shape, listing.examples(kind)[(False,)]) is False


def test_taking_the_word_out_of_a_clause_widens() -> None:
    """Without the line, listed values leave: the witness holds one, and it does."""
    found = changed((LISTED,), (SHARES,))

    assert found.widens
    assert found.fields
    assert {True} == {each.widens for each in found.fields}
    for each in found.fields:
        assert all("on a list" in said for said in each.items)
        [first, *_] = each.trial.witness.incident["observables"]
        assert side().listed.holds(KINDS[first["kind"]].shape, first["value"])
    assert {"kp-misp"} == {each.recipient for each in found.fields}


def test_writing_the_line_narrows() -> None:
    """The other way round, nothing widens."""
    assert not changed((SHARES,), (LISTED,)).widens


def test_both_answers_are_the_whole() -> None:
    """Withholding what is listed and what is not is withholding everything."""
    line = "      - {of: observables, listed: true}\n"
    both = (
        KP,
        CLAUSE,
        f"{STAYS}{CLAUSE}".replace(line, line + line.replace("true", "false")),
    )

    assert changed((PLAIN,), (both,)).is_empty


def test_what_is_on_no_list_is_the_rest() -> None:
    """Between the two answers, each value changes to the other side."""
    found = changed((LISTED,), (NARROW,))

    assert {True, False} == {each.widens for each in found.fields}
    said = {item for each in found.fields for item in each.items}
    assert any(item.endswith("on no list") for item in said)
    assert any(item.endswith("on a list") for item in said)


def test_other_lists_are_told_of() -> None:
    """A shorter list shares what it no longer holds, and the value is shown."""
    shorter = (RESOLVERS, "  - 8.8.8.8\n", "")
    found = changed((LISTED,), (LISTED, shorter))

    assert "lists of what is probably harmless" in {each.about for each in found.terms}
    said = {item for each in found.fields for item in each.items}
    assert said
    assert all("on a list before, and not any more" in item for item in said)
    assert {"8.8.8.8"} == {
        each.trial.witness.incident["observables"][0]["value"] for each in found.fields
    }
    assert not changed((SHARES,), (SHARES, shorter)).fields


NEVER = """never:
  - id: nothing-that-everybody-uses
    cites: "MoU art. 5"
    recipients: [kp-misp]
    fields: ["observables[].value"]
    only: {listed: true}
    when: {classification_in: [availability/sabotage], tlp_at_most: green}
"""


def test_a_statement_about_listed_values() -> None:
    """What is listed never reaches the police: true with the line, and not without."""
    stated = (GUARDS, "never:\n", NEVER)
    broken = side(SHARES, stated)
    [found] = [
        each for each in refuted(broken) if each.statement.startswith("nothing-that")
    ]
    [first, *_] = found.witness.incident["observables"]

    assert ("observables[0].value", "kept") in tried(
        broken, found.witness, "kp-misp"
    ).outcomes
    assert side().listed.holds(KINDS[first["kind"]].shape, first["value"])
    with pytest.raises(RulebookError):
        proved(edited(NARROW, stated))
    assert proved(edited(LISTED, stated)).routes


def test_a_statement_that_does_not_say_listed() -> None:
    """A line about listed values alone does not keep a statement about all."""
    stated = (GUARDS, "never:\n", NEVER.replace("    only: {listed: true}\n", ""))
    [found] = [
        each
        for each in refuted(side(LISTED, stated))
        if each.statement.startswith("nothing-that")
    ]
    [first, *_] = found.witness.incident["observables"]

    assert not side().listed.holds(KINDS[first["kind"]].shape, first["value"])
    assert proved(edited(PLAIN, stated)).routes


def test_only_observables_are_listed() -> None:
    """A statement about victims cannot say that they are listed."""
    victims = NEVER.replace("observables[].value", "victims[].name")
    with pytest.raises(RulebookError) as refused:
        proved(edited((GUARDS, "never:\n", victims)))

    assert "items of victims[].name are not told apart by listed" in str(refused.value)


def test_sorts_in_words() -> None:
    """What is said of a list is said once, and not of kinds that no list can hold."""
    listing = Listing([side().listed], KINDS)
    listed = [
        each
        for kind in KINDS
        for each in listing.each(Sort("observables", (kind, "victim")))
        if each.listed == (True,)
    ]
    accounts = list(listing.each(Sort("observables", ("iban", "victim"))))

    assert ("role victim; on a list",) == words.sorts(listed, KINDS, listing)
    assert ("kind iban; role victim",) == words.sorts(accounts, KINDS, listing)
