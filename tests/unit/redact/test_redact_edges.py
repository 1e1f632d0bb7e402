"""Where the methods of redaction begin and end, one step to each side."""

from __future__ import annotations

import re
from typing import Any

import pytest

from broker.keys import RecipientKey, recipient_key
from broker.redact.methods import method_of
from broker.redact.methods.method import OptionError
from broker.redact.methods.pseudonym import epoch_of, stands_for

MASTER = b"tests: the secret of nobody, for the edges of methods"
KEY = recipient_key(MASTER, "kp-misp")


def _apply(name: str, value: Any, key: RecipientKey = KEY, **options: Any) -> Any:
    return method_of(name, options).apply(value, key)


def test_a_short_number_is_filled_up() -> None:
    """Whatever an IPv4 address becomes, it has four groups of two, and no length."""
    made = [_apply("pseudonym_ip", f"{first}.1.1.1") for first in range(256)]

    assert all(re.fullmatch(r"p-ip4(-[0-9a-f]{2}){4}", one) for one in made)


def test_an_ipv6_pseudonym_has_eight_groups_of_four() -> None:
    """As people write such addresses, and never short of a digit."""
    made = [_apply("pseudonym_ip", f"{first << 8:x}::1") for first in range(256)]

    assert all(re.fullmatch(r"p-ip6(-[0-9a-f]{4}){8}", one) for one in made)


@pytest.mark.parametrize(
    ("network", "within", "told"),
    [
        ("203.0.113.0/24", "203.0.113.77", 3),
        ("203.0.0.0/16", "203.0.113.77", 2),
        ("2001:db8:7::/48", "2001:db8:7::5", 3),
    ],
)
def test_of_a_network_its_own_bits_are_told(
    network: str, within: str, told: int
) -> None:
    """The groups that an address in it has as well, then zeros, and its length."""
    length = network.partition("/")[2]
    made, _, tail = _apply("pseudonym_ip", network).partition("/")
    groups = made.split("-")[2:]
    others = _apply("pseudonym_ip", within).split("-")[2:]

    assert length == tail
    assert others[:told] == groups[:told]
    assert {"0"} == set("".join(groups[told:]))


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("203.0.113.77", {}, "203.0.113.0/24"),
        ("203.0.113.77", {"v4": 25}, "203.0.113.0/25"),
        ("203.0.113.177", {"v4": 25}, "203.0.113.128/25"),
        ("203.0.113.77/25", {}, "203.0.113.0/24"),
        ("203.0.113.77/16", {}, "203.0.0.0/16"),
        ("2001:db8:7:1::5", {}, "2001:db8:7::/48"),
        ("2001:db8:7:1::5/64", {}, "2001:db8:7::/48"),
        ("no address", {}, None),
    ],
)
def test_an_address_is_cut_to_its_network(
    value: str, options: dict[str, Any], expected: str | None
) -> None:
    """Also where it is written as one machine of a network."""
    assert expected == _apply("truncate_ip", value, **options)


@pytest.mark.parametrize(
    ("pseudonym", "expected"),
    [
        ("p-abcdefghijklmnop", 1),
        ("p2-abcdefghijklmnop", 2),
        ("p999999-abcdefghijklmnop", 999_999),
        ("p0-abcdefghijklmnop", None),
        ("Arta Gashi", None),
    ],
)
def test_a_pseudonym_names_the_epoch_or_means_the_first(
    pseudonym: str, expected: int | None
) -> None:
    """Without a number it is of the first epoch; other texts are of none."""
    assert expected == epoch_of(pseudonym)


def test_a_pseudonym_stands_for_its_value_alone() -> None:
    """The answer is yes or no: no for another value, and where the key is gone."""
    made = _apply("pseudonym", "Arta Gashi")

    assert stands_for(made, "Arta Gashi", {1: KEY}) is True
    assert stands_for(made, "Arta Gash", {1: KEY}) is False
    assert stands_for(made, "Arta Gashi", {2: KEY}) is False
    assert stands_for("Arta Gashi", "Arta Gashi", {0: KEY, 1: KEY}) is False


def test_what_is_kept_stays_as_it_is() -> None:
    """The method that keeps returns the very value."""
    assert ["one", 2] == _apply("keep", ["one", 2])


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("age_band", [18, 131]),
        ("age_band", [18, 18]),
        ("age_band", [18, 17]),
        ("age_band", [0, 18]),
        ("age_band", []),
        ("age_band", [True, 18]),
        ("age_band", (18, 20)),
        ("amount_band", [5, 5]),
        ("amount_band", [5, 4]),
    ],
)
def test_bands_that_do_not_grow_are_refused(name: str, bounds: Any) -> None:
    """Each begins after the one before it; nobody is older than 130."""
    with pytest.raises(OptionError):
        method_of(name, {"bounds": bounds})


def test_the_last_band_may_begin_at_the_greatest_age() -> None:
    """The bound itself is allowed, and an age of it is told by it."""
    assert "130+" == _apply("age_band", "130", bounds=[18, 130])
    assert "18-129" == _apply("age_band", "129", bounds=[18, 130])
    assert _apply("age_band", "131", bounds=[18, 130]) is None
