"""Facts about what of an incident would tell anything, found by itself."""

from __future__ import annotations

from typing import Any

import pytest

from broker.guard.telling import (
    TOLD_APART,
    Telling,
    is_telling,
    is_told,
    name_within,
    owner_of,
    reader,
    sorter,
    texts_of,
)
from tests.unit import given

DIGEST = "5f" * 32


def _told(**fields: Any) -> list[tuple[str, str]]:
    """Return the telling texts of an incident but its own, each with its path."""
    texts = Telling(given.incident(**fields)).texts
    own = set(given.fields().values())
    return [(text, place.path) for text, place in texts if text not in own]


def test_an_incident_tells_its_texts() -> None:
    """Texts and names, single or in lists and items, each with the path it is at."""
    assert [
        ("Pages of a bank", "title"),
        ("green books", "handling_caveats[]"),
        ("Ana", "reporter.name"),
        ("ana@koop.example", "reporter.contacts.email"),
        ("1200.50", "financial_loss.amount"),
        ("XK051212012345678906", "financial_loss.accounts[]"),
        ("Era", "victims[].name"),
        ("era@koop.example", "victims[].contacts.email"),
        ("Drin", "victims[].name"),
        ("koop.example", "observables[].value"),
        ("a server", "observables[].comment"),
        ("a disk", "evidence[].name"),
        (DIGEST, "evidence[].sha256"),
        ("a till", "affected_systems[].name"),
        ("KOS-2025-7", "relations[].uid"),
    ] == _told(
        title="Pages of a bank",
        handling_caveats=["green books", "red"],
        language="sq",
        confidence=75,
        reporter={"name": "Ana", "contacts": {"email": "ana@koop.example"}},
        financial_loss={
            "amount": "1200.50",
            "currency": "EUR",
            "accounts": ["XK051212012345678906"],
        },
        victims=[
            {
                "kind": "person",
                "name": "Era",
                "contacts": {"email": "era@koop.example"},
            },
            {"kind": "person", "name": "Drin", "minor": True},
        ],
        observables=[
            {"kind": "domain", "value": "koop.example", "comment": "a server"},
        ],
        evidence=[{"name": "a disk", "sha256": DIGEST, "size": 4096}],
        affected_systems=[{"name": "a till"}],
        relations=[{"uid": "KOS-2025-7"}],
    )


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("Era", True),
        ("Er", False),
        ("victim", False),
        ("Person", False),
        ("GREEN", False),
        ("green book", True),
    ],
)
def test_short_texts_and_words_of_every_document_tell_nothing(
    text: str, tells: bool
) -> None:
    """Three letters that no closed list has may be a name, alone and in a field."""
    assert tells == is_telling(text)
    assert ([(text, "reporter.name")] if tells else []) == _told(
        reporter={"name": text}
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("title", True),
        ("observables[].value", True),
        ("victims[].personal_number", True),
        ("evidence[].sha256", True),
        ("financial_loss.amount", True),
        ("financial_loss.currency", False),
        ("confidence", False),
        ("evidence[].size", False),
        ("victims[].minor", False),
        ("victims[].country", False),
        ("times.detected", False),
    ],
)
def test_codes_flags_counts_and_times_tell_nothing(path: str, told: bool) -> None:
    """What is of a closed list, or counts, is the same in thousands of incidents."""
    assert told == is_told(path)


def test_items_that_no_rule_tells_apart_share_their_places() -> None:
    """A place is one for all items of a sort, and another for those of another."""
    incident = given.incident(
        observables=[
            {"kind": "domain", "value": "a.example", "role": "victim"},
            {"kind": "domain", "value": "b.example", "role": "victim"},
            {"kind": "domain", "value": "c.example", "role": "attacker"},
        ]
    )
    first, second, third = [
        place
        for text, place in Telling(incident).texts
        if place.path == "observables[].value"
    ]

    assert first is second
    assert first is not third
    assert ("observables", ("domain", "victim")) == first.sort
    assert ("observables", ("domain", "attacker")) == third.sort


@pytest.mark.parametrize(
    ("uid", "digest"),
    [
        (f"intelmq:sha256:{DIGEST}", DIGEST),
        ("n6:0123456789abcdef0123456789abcdef", ""),
        ("KOS-2026-1", ""),
    ],
)
def test_a_uid_made_of_the_message_has_a_digest(uid: str, digest: str) -> None:
    """It confirms a guess of the message; a uid that somebody gave does not."""
    assert digest == Telling(given.incident(uid=uid)).digest


@pytest.mark.parametrize(
    ("path", "owner", "name"),
    [
        ("title", "", "title"),
        ("references[]", "", "references"),
        ("reporter.name", "", "reporter.name"),
        ("victims[].name", "victims", "name"),
        ("victims[].contacts.email", "victims", "contacts.email"),
        ("suspects[].accounts[]", "suspects", "accounts"),
    ],
)
def test_a_path_names_its_list(path: str, owner: str, name: str) -> None:
    """What stands before the first list of items is their owner."""
    assert owner == owner_of(path)
    assert name == name_within(owner, path)


def test_rules_may_tell_items_apart() -> None:
    """By kind and role, or by kind, consent and age; other lists by nothing."""
    fields = {"kind": "k", "role": "r", "consent": "c", "minor": True, "name": "n"}

    assert {
        "observables": {"kind": "k", "role": "r"},
        "victims": {"party": "k", "consent": "c", "minor": True},
        "suspects": {"party": "k", "minor": True},
    } == {
        owner: dict(zip(names, sorter(owner)(fields), strict=True))
        for owner, names in TOLD_APART.items()
    }
    assert () == sorter("evidence")(fields)
    assert () == sorter("")(fields)


def test_a_field_of_a_part_that_is_not_there_is_none() -> None:
    """A person without contacts has no address either."""
    with_, without = given.incident(
        victims=[
            {"kind": "person", "contacts": {"email": "era@koop.example"}},
            {"kind": "person", "name": "Era"},
        ]
    ).victims
    email = reader("contacts.email")

    assert "era@koop.example" == email(with_.__dict__)
    assert email(without.__dict__) is None
    assert "Era" == reader("name")(without.__dict__)


@pytest.mark.parametrize(
    ("value", "texts"),
    [(None, ()), ("a", ("a",)), (("a", "b"), ("a", "b")), (5, ("5",)), ((), ())],
)
def test_a_field_has_these_texts(value: Any, texts: tuple[str, ...]) -> None:
    """None, one, or those of a list."""
    assert texts == texts_of(value)
