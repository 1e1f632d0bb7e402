"""What the guard looks for of items that a clause withholds for being listed."""

from __future__ import annotations

from typing import Any

import pytest

from broker.guard.secrets import Secret, Secrets
from broker.model.decision import BY_LISTING
from broker.model.incident import Incident, Role
from broker.model.known_good import KnownGood, Listed
from tests.unit import given

LISTS = Listed(
    [
        KnownGood(
            list="a",
            title="A",
            networks=("8.8.8.8", "0.0.0.0/8", "::1", "fe80::/10"),
            names=(".forms.example",),
        )
    ]
)
WITHHELD = {
    BY_LISTING,
    *(("observables", (kind, role, True)) for kind in given.kinds() for role in Role),
}


def secrets(**rules: Any) -> Secrets:
    """Return the secrets of a profile that keeps everything but some observables."""
    profile = given.profile(
        {f"observables[].{name}": rule for name, rule in rules.items()}, rest="keep"
    )
    return Secrets(profile, given.kinds(), LISTS)


def incident(*values: tuple[str, str], **changes: Any) -> Incident:
    """Return an incident with observables of these kinds and values."""
    observables = [
        {"kind": kind, "value": value, "role": "unknown"} for kind, value in values
    ]
    return given.incident(observables=observables, **changes)


def breaches(of: Secrets, case: Incident) -> list[str]:
    """Return the values that would be a breach, wherever they were found."""
    found: list[Secret] = of.unkept(of.of(case, WITHHELD), case, WITHHELD)
    return [secret.value for secret in found]


def test_listed_values_are_secrets_of_their_own() -> None:
    """The guard looks up by itself what a clause withholds, and nothing besides."""
    case = incident(("ipv4", "8.8.8.8"), ("ipv4", "8.8.8.9"))

    assert ["8.8.8.8"] == breaches(secrets(), case)
    assert [] == secrets().of(case)


def test_a_value_that_is_also_shared_is_a_breach() -> None:
    """What one line withholds and a field keeps stays a secret: a person decides."""
    case = incident(("ipv4", "8.8.8.8"), affected_systems=[{"name": "8.8.8.8"}])

    assert ["8.8.8.8"] == breaches(secrets(), case)


@pytest.mark.parametrize("value", ["0.0.0.1", "0.0.255.53", "::1", "::", "::ffff"])
def test_what_every_document_holds_by_chance(value: str) -> None:
    """An address that reads as a short number, or as others end, is no breach."""
    kind = "ipv6" if ":" in value else "ipv4"
    lists = Listed([KnownGood(list="a", title="A", networks=(value,))])
    of = Secrets(given.profile(rest="keep"), given.kinds(), lists)

    assert [] == breaches(of, incident((kind, value)))


@pytest.mark.parametrize("value", ["8.8.8.8", "fe80::1"])
def test_what_is_rare_is_not(value: str) -> None:
    """Any other listed address is looked for like whatever else is withheld."""
    kind = "ipv6" if ":" in value else "ipv4"

    assert [value] == breaches(secrets(), incident((kind, value)))


def test_a_site_in_the_address_of_a_page_is_no_breach() -> None:
    """Who sees the address of a page sees its site; without the page it is a breach."""
    site, page = "a.forms.example", "https://a.forms.example/login"

    assert [] == breaches(secrets(), incident(("domain", site), ("url", page)))
    assert [site] == breaches(secrets(), incident(("domain", site)))
    other = ("url", "https://b.forms.example/login")
    assert [site] == breaches(secrets(), incident(("domain", site), other))


def test_an_origin_shows_its_site() -> None:
    """Where a page is cut to its origin, the site is seen, and the path is not."""
    cut = {"method": "url_origin", "only": {"kind": ["url"]}}
    of = secrets(value=[cut, "keep"])
    site, page = "a.forms.example", "https://a.forms.example/login"
    case = incident(("domain", site), ("url", page))

    assert [page] == breaches(of, case)
    behind = "https://elsewhere.example/?to=a.forms.example"
    case = incident(("domain", site), ("url", behind))
    assert {site, behind} == set(breaches(of, case))


def test_a_longer_address_does_not_show_a_shorter_one() -> None:
    """An address is no part of another that only begins like it."""
    case = incident(("ipv4", "8.8.8.8"), ("ipv4", "8.8.8.88"))

    assert ["8.8.8.8"] == breaches(secrets(), case)


def test_what_cannot_be_looked_up_is_a_secret() -> None:
    """A value that is no address is a secret under either answer."""
    case = incident(("ipv4", "8.8.8.9"))
    [address] = case.observables
    broken = address.model_copy(update={"value": "neither here nor there"})
    case = case.model_copy(update={"observables": (broken,)})

    assert ["neither here nor there"] == breaches(secrets(), case)


def test_a_page_that_is_withheld_does_not_show_its_site() -> None:
    """Of a page that nobody sees, no part is seen."""
    of = secrets(value=[{"method": "withhold", "only": {"kind": ["url"]}}, "keep"])
    site, page = "a.forms.example", "https://a.forms.example/login"

    assert {site, page} == set(breaches(of, incident(("domain", site), ("url", page))))


def test_a_value_is_no_part_of_itself() -> None:
    """One value that a line withholds and another shares is one value."""
    roles = [("8.8.8.8", "unknown"), ("8.8.8.8", "attacker")]
    observables = [{"kind": "ipv4", "value": v, "role": role} for v, role in roles]
    case = given.incident(observables=observables)
    withheld = {BY_LISTING, ("observables", ("ipv4", Role.UNKNOWN, True))}
    of = secrets()
    found = of.unkept(of.of(case, withheld), case, withheld)

    assert ["8.8.8.8"] == [secret.value for secret in found]
