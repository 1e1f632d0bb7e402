"""The ids of observables as the guard makes them again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

import pytest
from stix2.registry import STIX2_OBJ_MAPS

from broker.guard.ids import VALUES_OF, id_breaches

# STIX 2.1, section 2.9.
NAMESPACE = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def _made(kind: str, parts: dict[str, Any], **beside: Any) -> dict[str, Any]:
    """Return an object whose id is of some parts, and which says more beside them."""
    name = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return {"type": kind, "id": f"{kind}--{uuid5(NAMESPACE, name)}", **parts, **beside}


def _breaches(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.rule, each.path) for each in id_breaches([made])]


def test_ids_are_of_the_properties_of_the_standard() -> None:
    """Of every observable that there is, those count that OASIS's library counts."""
    observables = STIX2_OBJ_MAPS["2.1"]["observables"]

    assert {
        kind: tuple(made._id_contributing_properties)
        for kind, made in observables.items()
    } == VALUES_OF


@pytest.mark.parametrize("kind", sorted(VALUES_OF))
def test_an_id_is_of_what_the_standard_names(kind: str) -> None:
    """Of each kind the named properties count, and no other does."""
    names = [name for name in VALUES_OF[kind] if name != "hashes"]
    parts = {name: f"a {name}" for name in names}
    made = _made(kind, parts, defanged=True)
    wrong = [("id-of-another-value", f"objects[{kind}].id")]

    assert [] == _breaches(made)
    for name in names:
        assert wrong == _breaches({**made, name: "another"})


@pytest.mark.parametrize(
    ("hashes", "chosen"),
    [
        ({"SHA-256": "c", "MD5": "a", "SHA-1": "b"}, "MD5"),
        ({"SHA-512": "d", "SHA-256": "c", "SHA-1": "b"}, "SHA-1"),
        ({"SHA-512": "d", "SHA-256": "c"}, "SHA-256"),
        ({"SHA-512": "d", "SHA3-256": "e"}, "SHA-512"),
        ({"SHA-224": "i", "SHA-256": "c"}, "SHA-256"),
        ({"TLSH": "f", "SSDEEP": "g", "SHA3-512": "h"}, "SHA3-512"),
    ],
)
def test_of_several_digests_the_first_of_the_standard_counts(
    hashes: dict[str, str], chosen: str
) -> None:
    """MD5, SHA-1, SHA-256, SHA-512, and then the first by name."""
    made = _made("file", {"hashes": {chosen: hashes[chosen]}, "name": "a.exe"})

    assert [] == _breaches({**made, "hashes": hashes})
    for other in set(hashes) - {chosen}:
        wrong = _made("file", {"hashes": {other: hashes[other]}, "name": "a.exe"})
        assert 1 == len(_breaches({**wrong, "hashes": hashes}))


def test_a_process_has_no_id_of_a_value() -> None:
    """No property of it counts, so that an id of any would be of another value."""
    random = {"type": "process", "id": "process--8a6f3c1e-52c4-4d1b-9f6e-0b7d1c2a3e4f"}
    wrong = [("id-of-another-value", "objects[process].id")]

    assert [] == _breaches(random)
    assert wrong == _breaches(_made("process", {"command_line": "a"}))


def test_an_object_that_is_no_observable_has_any_id() -> None:
    """What has no deterministic id is not recomputed."""
    assert [] == _breaches({"type": "report", "id": "report--1"})


def test_all_objects_are_looked_at() -> None:
    """A good one, or one of nothing, does not end the search."""
    good = _made("domain-name", {"value": "a.example"})
    bad = {**good, "value": "b.example"}
    nothing = {"type": "file", "id": "file--8a6f3c1e-52c4-4d1b-9f6e-0b7d1c2a3e4f"}
    other = {"type": "report", "id": "report--1"}

    assert 2 == len(list(id_breaches([other, bad, nothing, good, bad])))
