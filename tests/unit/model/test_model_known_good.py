"""What is listed is said in one place, of every shape, and where it begins and ends."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from broker.model.incident import Shape
from broker.model.known_good import LOOKED_UP, NO_LISTS, KnownGood, Listed

LISTED = Listed(
    [
        KnownGood(
            list="a",
            title="A",
            networks=("10.0.0.0/8", "255.255.255.255", "2001:db8::/32"),
            names=("one.example", ".all.example"),
            hashes=("d41d8cd98f00b204e9800998ecf8427e",),
        )
    ]
)


@pytest.mark.parametrize(
    ("shape", "value", "answer"),
    [
        (Shape.IP, "10.1.2.3", True),
        (Shape.IP, "10.1.0.0/16", True),
        (Shape.IP, "0.0.0.0/0", False),
        (Shape.IP, "11.0.0.0", False),
        (Shape.IP, "2001:db8::1", True),
        (Shape.IP, "no address", None),
        (Shape.DOMAIN, "one.example", True),
        (Shape.DOMAIN, "two.one.example", False),
        (Shape.DOMAIN, "x.all.example", True),
        (Shape.URL, "http://10.0.0.1/x", True),
        (Shape.URL, "http://[2001:db8::1]:80/", True),
        (Shape.URL, "http://one.example/x", False),
        (Shape.URL, "http://server1:80/x", False),
        (Shape.URL, "http://[broken/", None),
        (Shape.URL, "http://300.1.1.1/", None),
        (Shape.HASH, "d41d8cd98f00b204e9800998ecf8427e", True),
        (Shape.HASH, "e" * 32, False),
        (Shape.EMAIL, "a@one.example", False),
        (Shape.ACCOUNT, "10.1.2.3", False),
    ],
)
def test_whether_a_value_is_listed(
    shape: Shape, value: str, answer: bool | None
) -> None:
    """A value is on a list, on none, or cannot be read; its title says the same."""
    assert LISTED.holds(shape, value) is answer
    assert ("A" if answer else "") == LISTED.of(shape, value)


def test_other_shapes_are_never_listed() -> None:
    """Only addresses, names, URLs and hashes are looked up."""
    others = set(Shape) - LOOKED_UP

    assert {False} == {LISTED.holds(shape, "10.1.2.3") for shape in others}


def test_the_edges_of_addresses() -> None:
    """Every stretch of addresses, listed or not, begins at one that is told."""
    edges = list(LISTED.edges(Shape.IP))

    assert {"10.0.0.0", "11.0.0.0", "255.255.255.255"} <= set(edges)
    assert edges[0] == str(ip_address(0))
    assert {"::", "2001:db8::", "2001:db9::"} <= set(edges)
    assert ["http://0.0.0.0/", "http://[::]/"] == list(NO_LISTS.edges(Shape.URL))


def test_the_edges_of_names_and_hashes() -> None:
    """A listed name is an edge, and so is one beneath it."""
    names = set(LISTED.edges(Shape.DOMAIN))

    assert {"one.example", "besa-probe.one.example", "besa-probe.all.example"} <= names
    assert "d41d8cd98f00b204e9800998ecf8427e" in set(LISTED.edges(Shape.HASH))
