"""Facts about which values the guard takes for withheld, without asking redaction."""

from __future__ import annotations

from typing import Any

import pytest

from broker.guard.secrets import Secrets
from broker.model.agreement import Profile
from broker.model.decision import BY_LISTING, ItemKey
from broker.model.incident import Role
from broker.model.known_good import KnownGood, Listed
from tests.unit import given


def leaks(
    profile: Profile,
    withheld: set[ItemKey] | None = None,
    listed: tuple[str, ...] = (),
    **fields: Any,
) -> list[str]:
    """Return the values that would be a breach, wherever they were found."""
    addresses = tuple(value for value in listed if value[-1].isdigit() or ":" in value)
    names = tuple(value for value in listed if value not in addresses)
    lists = Listed([KnownGood(list="a", title="A", networks=addresses, names=names)])
    secrets = Secrets(profile, given.kinds(), lists)
    incident = given.incident(**fields)
    of, items = secrets.of(incident, withheld or ()), withheld or ()
    return [secret.value for secret in secrets.unkept(of, incident, items)]


def hiding(**rules: Any) -> Profile:
    """Return a profile that keeps everything but what these rules speak of."""
    return given.profile(
        {path.replace("__", "[]."): rule for path, rule in rules.items()}, rest="keep"
    )


@pytest.mark.parametrize(("value", "told"), [("ab", []), ("abc", ["abc"])])
def test_a_secret_has_three_letters(value: str, told: list[str]) -> None:
    """Two letters stand in every document."""
    of = hiding(case_reference="withhold")

    assert told == leaks(of, case_reference=value)


def test_an_amount_is_a_secret_and_a_count_is_none() -> None:
    """A sum of money tells something by itself; a size or a percentage does not."""
    of = hiding(
        **{
            "financial_loss.amount": "withhold",
            "evidence__size": "withhold",
            "confidence": "withhold",
        }
    )
    loss = {"amount": "18750.40"}
    evidence = [{"name": "disk.img", "sha256": "7c" * 32, "size": 51234}]

    found = leaks(of, financial_loss=loss, evidence=evidence, confidence=70)

    assert ["18750.40"] == found


MAIL = {"kind": "email", "value": "ana@koop.example"}


@pytest.mark.parametrize(
    ("shared", "told"),
    [
        ({"reporter": {"contacts": {"email": "ANA@koop.example"}}}, []),
        ({"title": "ana@koop.example"}, ["ana@koop.example"]),
        ({"affected_systems": [{"name": "ana@koop.example"}]}, ["ana@koop.example"]),
    ],
    ids=str,
)
def test_a_value_that_is_shared_in_its_own_class_is_no_breach(
    shared: dict[str, Any], told: list[str]
) -> None:
    """The class of an observable is that of its kind; in another it is a breach."""
    of = hiding(observables__value="withhold")

    assert told == leaks(of, observables=[MAIL], **shared)


def test_a_technical_value_is_of_the_class_of_systems() -> None:
    """An address that is shared as a system's name may be found."""
    of = hiding(observables__value="withhold")
    seen = [{"kind": "ipv4", "value": "203.0.113.9"}]
    system = [{"name": "203.0.113.9"}]

    assert [] == leaks(of, observables=seen, affected_systems=system)


def test_a_rule_counts_for_those_whom_it_speaks_of() -> None:
    """Consent, age, party, role, kind and class tell items apart, each by itself."""
    people = [
        {"kind": "person", "name": "Arta", "consent": "given", "minor": True},
        {"kind": "person", "name": "Besa", "consent": "given", "minor": False},
        {"kind": "person", "name": "Drita", "consent": "refused", "minor": False},
        {"kind": "organisation", "name": "Zyra", "consent": "refused"},
    ]

    def told(**only: Any) -> list[str]:
        rule = [{"method": "withhold", "only": only}, "keep"]
        return leaks(hiding(victims__name=rule), victims=people)

    assert ["Arta"] == told(minor=True)
    assert ["Besa", "Drita", "Zyra"] == told(minor=False)
    assert ["Drita", "Zyra"] == told(consent=["refused"])
    assert ["Zyra"] == told(party=["organisation"])
    assert ["Drita"] == told(party=["person"], consent=["refused"])


def test_a_rule_for_a_class_counts_for_the_kinds_of_it() -> None:
    """What a kind is of decides, not what the field is declared as."""
    seen = [
        {**MAIL, "role": "victim"},
        {"kind": "ipv4", "value": "203.0.113.9", "role": "victim"},
        {"kind": "ipv4", "value": "203.0.113.10", "role": "attacker"},
    ]

    def told(**only: Any) -> list[str]:
        rule = [{"method": "withhold", "only": only}, "keep"]
        return leaks(hiding(observables__value=rule), observables=seen)

    assert ["ana@koop.example"] == told(data_class=["contact"])
    assert ["203.0.113.9", "203.0.113.10"] == told(data_class=["technical"])
    assert ["203.0.113.10"] == told(data_class=["technical"], role=["attacker"])
    assert ["203.0.113.9", "203.0.113.10"] == told(kind=["ipv4"])


@pytest.mark.parametrize(
    ("value", "harmless"),
    [
        ("203.0.113.0/24", True),
        ("203.0.112.0/23", True),
        ("203.0.113.0/25", False),
        ("203.0.113.0", True),
        ("203.0.113.7", False),
        ("203.0.112.0", True),
        ("2001:db8:1::/48", True),
        ("2001:db8::/47", True),
        ("2001:db8:1::/49", False),
        ("2001:db8:1::", True),
        ("2001:db8:1::1", False),
        ("2001:db8:1:1::", False),
    ],
)
def test_a_network_that_may_be_seen_is_no_secret(value: str, harmless: bool) -> None:
    """Where addresses are cut to /24 and /48, what is no smaller may be found."""
    kind = "ipv6" if ":" in value else "ipv4"
    seen = [{"kind": kind, "value": value}]
    cut = [{"method": "truncate_ip", "only": {"kind": [kind]}}, "keep"]

    assert harmless == ([] == leaks(hiding(observables__value=cut), observables=seen))


def test_a_network_may_be_seen_as_far_as_the_profile_says() -> None:
    """The lengths of the profile count, not the usual ones."""
    options = {"v4": 16, "v6": 32}
    only = {"kind": ["ipv4", "ipv6"]}
    cut = [{"method": "truncate_ip", "only": only, "options": options}, "keep"]
    seen = [
        {"kind": "ipv4", "value": "203.0.113.0/24"},
        {"kind": "ipv4", "value": "203.1.0.0/16"},
        {"kind": "ipv6", "value": "2001:db8:1::/48"},
        {"kind": "ipv6", "value": "2001:db9::/32"},
    ]

    found = leaks(hiding(observables__value=cut), observables=seen)

    assert ["203.0.113.0/24", "2001:db8:1::/48"] == found


ALL_LISTED: set[ItemKey] = {
    BY_LISTING,
    *(("observables", (kind, role, True)) for kind in given.kinds() for role in Role),
}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("0.255.255.255", []),
        ("1.0.0.0", ["1.0.0.0"]),
        ("::ffff", []),
        ("::1:0", ["::1:0"]),
    ],
)
def test_an_address_of_few_digits_stands_in_every_document(
    value: str, told: list[str]
) -> None:
    """The last three bytes of IPv4 alone, or the last two of IPv6, say nothing."""
    seen = [{"kind": "ipv6" if ":" in value else "ipv4", "value": value}]

    assert told == leaks(hiding(), ALL_LISTED, (value,), observables=seen)


def test_only_a_value_that_is_shared_shows_a_listed_one() -> None:
    """A comment that names the site is no reason to share the site."""
    seen = [
        {"kind": "domain", "value": "a.forms.example", "role": "unknown"},
        {
            "kind": "domain",
            "value": "b.example",
            "role": "attacker",
            "comment": "as https://a.forms.example/x is",
        },
    ]

    found = leaks(hiding(), ALL_LISTED, (".forms.example",), observables=seen)

    assert ["a.forms.example"] == found


def test_the_comment_of_a_listed_item_is_a_secret_as_ever() -> None:
    """Only the value is in other incidents; what is withheld beside it is not."""
    seen = [
        {
            "kind": "domain",
            "value": "a.forms.example",
            "role": "unknown",
            "comment": "forms",
        },
        {"kind": "url", "value": "https://a.forms.example/x", "role": "attacker"},
    ]
    only = {"role": ["unknown"]}
    of = hiding(observables__comment=[{"method": "withhold", "only": only}, "keep"])

    found = leaks(of, ALL_LISTED, ("a.forms.example",), observables=seen[:1])

    assert {"a.forms.example", "forms"} == set(found)
    shown = {("observables", ("domain", Role.UNKNOWN, True)), BY_LISTING}
    assert ["forms"] == leaks(of, shown, ("a.forms.example",), observables=seen)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("https://9a.forms.example/x", []),
        ("https://a.forms.example9/x", []),
        ("https://8.8.8.81/x", ["8.8.8.8"]),
        ("https://18.8.8.8/x", ["8.8.8.8"]),
    ],
)
def test_an_address_within_a_longer_number_is_another(
    page: str, told: list[str]
) -> None:
    """A site is seen in the address of its page, a number is not in a longer one."""
    value = "8.8.8.8" if "8.8" in page else "a.forms.example"
    seen = [
        {"kind": "ipv4" if value[0] == "8" else "domain", "value": value},
        {"kind": "url", "value": page},
    ]

    assert told == leaks(hiding(), ALL_LISTED, (value,), observables=seen)


def test_what_is_not_there_is_no_value_that_is_shared() -> None:
    """A name that reads like nothing is a name, though other names are not given."""
    victims = [{"kind": "person", "name": "None"}]

    assert ["None"] == leaks(hiding(victims__name="withhold"), victims=victims)


@pytest.mark.parametrize("state", [True, False])
def test_what_is_no_address_is_a_secret_whatever_keeps_it_back(state: bool) -> None:
    """It cannot be looked up, and no network is too wide for it."""
    incident = given.incident(observables=[{"kind": "ipv4", "value": "203.0.113.9"}])
    [address] = incident.observables
    broken = address.model_copy(update={"value": "neither here nor there"})
    incident = incident.model_copy(update={"observables": (broken,)})
    cut = [{"method": "truncate_ip", "only": {"kind": ["ipv4"]}}, "keep"]
    lists = Listed([KnownGood(list="a", title="A", networks=("8.8.8.8",))])

    for profile, withheld in (
        (hiding(), {BY_LISTING, ("observables", ("ipv4", address.role, state))}),
        (hiding(observables__value=cut), set()),
    ):
        secrets = Secrets(profile, given.kinds(), lists)
        found = secrets.unkept(secrets.of(incident, withheld), incident, withheld)
        assert ["neither here nor there"] == [secret.value for secret in found]
