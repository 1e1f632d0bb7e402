"""Facts about what an incident declares and refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from broker.model.incident import (
    Declared,
    Incident,
    Observable,
    Shape,
    Times,
    declarations,
    parts_of,
)
from broker.model.marking import DataClass, Pap, Severity, Tlp
from broker.model.rsit import RSIT_CATEGORIES, RSIT_TYPES, rsit_category, rsit_type
from tests.unit import given

DAY = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]


def _leaves(model: type[BaseModel]) -> list[str]:
    """Return the path of every leaf, told from the JSON schema of the incident."""
    schema = model.model_json_schema()
    return sorted(_walk(schema, schema["$defs"], ""))


def _walk(node: dict[str, Any], defs: dict[str, Any], path: str) -> list[str]:
    choices = [node, *node.get("anyOf", ())]
    for choice in choices:
        if "$ref" in choice:
            target = defs[choice["$ref"].rpartition("/")[2]]
            return _walk(target, defs, path)
        if choice.get("type") == "array":
            return _walk(choice["items"], defs, f"{path}[]")
    if "properties" not in node:
        return [path]
    dot = f"{path}." if path else ""
    return [
        leaf
        for name, inner in node["properties"].items()
        for leaf in _walk(inner, defs, f"{dot}{name}")
    ]


def test_every_leaf_is_declared_once() -> None:
    """Every field that a message can fill has a class and a shape, and no other has."""
    assert _leaves(Incident) == sorted(declarations())


def test_declared_shapes() -> None:
    """Observables take class and shape from their kind; nothing else does."""
    by_kind = [p for p, d in declarations().items() if d.shape is Shape.BY_KIND]

    assert ["observables[].value"] == by_kind


@pytest.mark.parametrize(
    ("path", "data_class"),
    [
        ("reporter.name", "identity"),
        ("victims[].name", "identity"),
        ("victims[].personal_number", "identity"),
        ("victims[].contacts.email", "contact"),
        ("suspects[].accounts[]", "identity"),
        ("evidence[].collected_by", "identity"),
        ("financial_loss.accounts[]", "financial"),
        ("description", "content"),
        ("observables[].comment", "content"),
    ],
)
def test_personal_fields_are_not_technical(path: str, data_class: str) -> None:
    """What names or reaches somebody is declared as what it is."""
    assert DataClass(data_class) is declarations()[path].data_class


def test_forgotten_declaration_is_an_error() -> None:
    """A field without a declaration stops the program, at whatever depth it stands."""

    class Inner(BaseModel):
        forgotten: str

    class Outer(BaseModel):
        inner: tuple[Inner, ...] = ()

    with pytest.raises(TypeError, match=r"^Inner\.forgotten has no data-protection"):
        declarations(Outer)


def test_double_declaration_is_an_error() -> None:
    """A field that is declared twice stops the program too."""
    declared = Declared(DataClass.TECHNICAL, Shape.TEXT)

    class Twice(BaseModel):
        name: Annotated[str, declared, declared]

    with pytest.raises(TypeError, match=r"^Twice\.name has no data-protection"):
        declarations(Twice)


def test_parts() -> None:
    """The parts of an incident are its objects and its lists of objects."""
    parts = set(parts_of(Incident))

    expected = "times reporter victims suspects observables evidence financial_loss"
    assert {*expected.split(), "affected_systems", "relations", "origin"} == parts


def test_incident_is_frozen() -> None:
    """An incident that was read cannot be changed."""
    incident = given.incident()

    with pytest.raises(ValidationError):
        incident.title = "Another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ((1, 0, None), "occurred_until is before occurred_from"),
        ((1, None, 0), "detected is before occurred_from"),
    ],
)
def test_impossible_times_are_refused(
    times: tuple[int | None, ...], problem: str
) -> None:
    """Nothing ends or is detected before it begins."""
    start, end, found = (None if t is None else DAY[t] for t in times)

    with pytest.raises(ValidationError, match=problem):
        Times(occurred_from=start, occurred_until=end, detected=found)


@pytest.mark.parametrize("number", ["1700000000", "1700000000.5", "-1", 1_700_000_000])
def test_number_is_no_time(number: object) -> None:
    """A count of seconds is refused: whether it means seconds can only be guessed."""
    with pytest.raises(ValidationError, match="write the time out"):
        Times.model_validate({"detected": number})


def test_same_moment_is_possible() -> None:
    """What begins may end and be detected at the same second."""
    times = Times(occurred_from=DAY[1], occurred_until=DAY[1], detected=DAY[1])

    assert DAY[1] == times.occurred_until == times.detected


def test_detection_before_the_end_is_possible() -> None:
    """An incident can be detected and reported while it goes on."""
    times = Times(occurred_from=DAY[0], occurred_until=DAY[2], detected=DAY[1])

    assert (DAY[1], None) == (times.detected, times.reported)


def test_observable_is_not_last_seen_first() -> None:
    """An observable is not last seen before it is first seen."""
    same = Observable(kind="port", value="1", first_seen=DAY[0], last_seen=DAY[0])

    assert DAY[0] == same.last_seen
    with pytest.raises(ValidationError, match="last_seen is before first_seen"):
        Observable(kind="port", value="1", first_seen=DAY[1], last_seen=DAY[0])


def test_time_without_a_zone_is_refused() -> None:
    """A time without its zone is refused: nobody can say when it was."""
    with pytest.raises(ValidationError, match="timezone"):
        Times(detected=datetime(2026, 11, 1))  # noqa: DTZ001 - that is the point


def test_rsit_has_39_types_in_11_categories() -> None:
    """The taxonomy is RSIT version 1003: 39 types in 11 categories."""
    assert (39, 11) == (len(set(RSIT_TYPES)), len(set(RSIT_CATEGORIES)))
    assert set(RSIT_CATEGORIES) == {rsit_category(kind) for kind in RSIT_TYPES}


@pytest.mark.parametrize("kind", RSIT_TYPES)
def test_rsit_type_is_known(kind: str) -> None:
    """Every type of the taxonomy is taken, and has a row in the mappings."""
    assert kind == rsit_type(kind)
    assert kind in given.shipped().tables.rsit


@pytest.mark.parametrize("kind", ["", "fraud", "fraud/", "phishing", "Fraud/phishing"])
def test_other_types_are_refused(kind: str) -> None:
    """What is no type of the taxonomy is refused, without being repeated."""
    with pytest.raises(ValueError, match=r"^not one of the 39 RSIT types") as caught:
        rsit_type(kind)

    expected = "not one of the 39 RSIT types, written category/type"
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("scale", "order"),
    [
        (Tlp, "clear green amber amber+strict red"),
        (Pap, "clear green amber red"),
        (Severity, "low medium high critical"),
    ],
)
def test_scales_are_ordered(
    scale: type[Tlp] | type[Pap] | type[Severity], order: str
) -> None:
    """Every scale stands in order from the least restrictive to the most."""
    levels = order.split()

    assert list(range(len(levels))) == [scale(level).rank for level in levels]
    assert len(levels) == len(scale)


@pytest.mark.parametrize("marking", ["tlp", "pap"])
def test_every_marking_has_a_row(marking: str) -> None:
    """Every TLP and PAP level is called something in STIX and in MISP."""
    rows = getattr(given.shipped().tables.markings, marking)

    assert set(Tlp if marking == "tlp" else Pap) == set(rows)
    assert len(rows) == len({row.stix_id for row in rows.values()})
    assert {marking} == {row.tag.partition(":")[0].lower() for row in rows.values()}
