"""Facts about ids: published reference values, and what nobody can compute."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import stix2

from broker.canonical import uuid5
from broker.convert.ids import Ids, observable_id
from broker.convert.observables import observable, writers
from tests.unit import given

STIX = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("ipv4-addr", "198.51.100.7", "12592121-be4c-5a93-a813-5a5af16e50db"),
        ("domain-name", "example.com", "bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
        ("url", "http://example.com/", "3013563b-9e18-5ef6-917a-204463f5f419"),
    ],
)
def test_published_reference_values(kind: str, value: str, expected: str) -> None:
    """The id of an observable is the one that every STIX 2.1 producer computes."""
    assert f"{kind}--{expected}" == observable_id(kind, {"value": value})


@pytest.mark.parametrize("name", ["", "a", "ë€", "198.51.100.7"])
def test_uuid5_is_that_of_the_standard_library(name: str) -> None:
    """A version 5 UUID is the one that the standard library makes."""
    assert str(uuid.uuid5(STIX, name)) == uuid5(STIX.bytes, name.encode())


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("file", {"hashes": {"SHA-256": "ab" * 32}, "name": "a", "size": 5}),
        ("file", {"hashes": {"SHA-256": "ab" * 32, "MD5": "cd" * 16}}),
        ("autonomous-system", {"number": 64496}),
        ("user-account", {"user_id": "u'\"\\", "account_type": "iban"}),
        ("email-message", {"subject": "Përshëndetje", "is_multipart": False}),
        ("mutex", {"name": "Global\\x"}),
    ],
    ids=str,
)
def test_ids_are_those_of_stix2(kind: str, properties: dict[str, Any]) -> None:
    """The id is the one that the reference library computes."""
    expected = stix2.parse({"type": kind, "spec_version": "2.1", **properties})["id"]

    assert expected == observable_id(kind, properties)


def test_only_what_contributes_counts() -> None:
    """A property that does not contribute leaves the id as it is."""
    bare = observable_id("ipv4-addr", {"value": "192.0.2.1"})

    assert bare == observable_id("ipv4-addr", {"value": "192.0.2.1", "x": 1})


def test_accounts_of_different_sorts_have_different_ids() -> None:
    """A telephone and an account with the same digits are two things."""
    made = [
        observable(writers(given.kinds())[kind], "38344111222")["id"]
        for kind in ("phone", "bank-account", "imei")
    ]

    assert 3 == len(set(made))


def test_ids_of_recipients_cannot_be_joined() -> None:
    """The same thing has another id at another recipient and in another incident."""
    spaces = [given.key(name).ids for name in given.RECIPIENTS]
    ids = [Ids(space, uid).uuid("report") for space in spaces for uid in ("a", "b")]

    assert 6 == len(set(ids))


def test_id_is_stable() -> None:
    """The same thing has the same id every time it is written."""
    ids = Ids(bytes(16), "KOS-1")

    assert ids.uuid("report") == Ids(bytes(16), "KOS-1").uuid("report")
    assert str(uuid.uuid5(uuid.UUID(int=0), "KOS-1\nreport")) == ids.uuid("report")


def test_uid_and_role_cannot_flow_together() -> None:
    """Where the uid ends and the role begins is part of the id."""
    assert Ids(bytes(16), "a/b").uuid("c") != Ids(bytes(16), "a").uuid("b/c")
