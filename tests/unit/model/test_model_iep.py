"""FIRST IEP 2.0: an agreement as a policy and back, with what neither can say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from broker.model.iep import IepError, from_iep, to_iep
from broker.model.marking import Tlp, tlp_1
from tests import world

STATEMENTS = {
    *("id", "name", "description", "iep_version", "start_date", "end_date"),
    *("encrypt_in_transit", "permitted_actions", "affected_party_notifications"),
    *("tlp", "attribution", "unmodified_resale", "external_reference"),
}
POLICY: dict[str, Any] = {
    "id": "0224bfdf-ea3a-49c3-96f6-66d908bb1845",
    "name": "Sharing with a partner",
    "iep_version": 2.0,
    "start_date": "2026-01-01T00:00:00Z",
    "end_date": "2026-12-31T23:59:59Z",
    "encrypt_in_transit": "must",
    "permitted_actions": "internally-visible-actions",
    "tlp": "amber",
    "attribution": "may",
    "external_reference": "https://partner.example/mou",
}


def test_an_agreement_as_a_policy_has_every_statement() -> None:
    """All thirteen statements are there, with values of their vocabularies."""
    route = world.route("fiu-misp")

    policy, _ = to_iep(route.agreement, route.recipient, "https://kos-cert.example/mou")

    assert STATEMENTS == set(policy)
    assert 5 == UUID(policy["id"]).version
    assert ("amber", "contact-for-instruction") == (
        policy["tlp"],
        policy["permitted_actions"],
    )
    assert "must-not" == policy["attribution"]
    assert "2028-12-31T23:59:59Z" == policy["end_date"]


def test_what_iep_cannot_say_is_named() -> None:
    """An agreement decides what is shared, and IEP only what may be done with it."""
    route = world.route("fiu-misp")

    _, unsaid = to_iep(route.agreement, route.recipient, "https://kos-cert.example/mou")

    assert {"clauses", "profile", "guardrail", "legal_basis", "retention_days"} <= set(
        unsaid
    )
    assert not {"title", "valid", "attribution"} & set(unsaid)


def test_out_and_in_again_is_never_wider() -> None:
    """What comes back of an agreement allows no more than it did."""
    for route in world.rulebook().routes:
        policy, _ = to_iep(route.agreement, route.recipient, "https://kos-cert.example")
        back = from_iep(policy)

        cleared = route.recipient.clearance
        assert "hidden" == back.agreement["attribution"]
        assert Tlp(back.clearance["tlp"]).rank >= cleared.tlp.rank
        assert cleared.pap == back.clearance["pap"]
        assert str(route.agreement.valid.until) == back.agreement["valid"]["until"]


def test_a_policy_becomes_fields_of_an_agreement() -> None:
    """Names, days, attribution and clearance come over; the rest is still to write."""
    found = from_iep(POLICY)

    expected = {
        "title": "Sharing with a partner",
        "valid": {"from": "2026-01-01", "until": "2026-12-31"},
        "attribution": "named",
    }
    assert expected == found.agreement
    assert {"tlp": "amber+strict", "pap": "amber"} == found.clearance
    assert {"encrypt_in_transit"} == set(found.unmapped)
    assert {"clauses", "purpose", "retention_days", "recipient"} <= set(found.missing)


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"tlp": "chartreuse"}, "tlp", "red"),
        ({"tlp": None}, "tlp", "red"),
        ({"permitted_actions": "anything"}, "pap", "red"),
        ({"permitted_actions": "none"}, "pap", "red"),
        ({"tlp": "white"}, "tlp", "clear"),
    ],
    ids=str,
)
def test_what_is_not_understood_is_the_strictest(
    changes: dict[str, Any], key: str, expected: str
) -> None:
    """A word that IEP does not have allows nothing."""
    assert expected == from_iep({**POLICY, **changes}).clearance[key]


def test_a_policy_without_end_needs_one() -> None:
    """An agreement always ends; an IEP policy may not."""
    found = from_iep({**POLICY, "end_date": None, "attribution": "must", "own": 1})

    assert "valid.until" in found.missing
    assert {"attribution", "encrypt_in_transit", "own"} == set(found.unmapped)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"iep_version": 1.0}, "iep_version"),
        ({"start_date": None}, "start_date"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"end_date": "2026-01-01T00:00:00"}, "end_date: the time zone is missing"),
    ],
    ids=str,
)
def test_what_is_no_policy_is_refused(changes: dict[str, Any], problem: str) -> None:
    """Another version, or a day that is none, is said by its name."""
    with pytest.raises(IepError, match=problem):
        from_iep({**POLICY, **changes})


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("WHITE", Tlp.CLEAR),
        ("green", Tlp.GREEN),
        (" Amber ", Tlp.AMBER_STRICT),
        ("red", Tlp.RED),
        ("clear", Tlp.RED),
        ("", Tlp.RED),
    ],
)
def test_tlp_1_becomes_the_stricter(word: str, expected: Tlp) -> None:
    """A label of TLP 1 that could mean two of TLP 2.0 is the stricter of them."""
    assert expected is tlp_1(word)
