"""An incident is shown field by field, as what it is and as what a recipient sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker import keyring, pipeline, rulebook
from broker.cli.fields import NOTHING, Row, kept_back, rows, summary
from broker.settings import read_rulebook_files, read_settings
from broker.strict_yaml import parse

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> rulebook.Rulebook:
    """Return the shipped rulebook."""
    settings = read_settings()
    return rulebook.build(
        read_rulebook_files(settings.policies_folder, settings.mappings_folder)
    )


def seen_by(recipient: str, raw: Any, book: rulebook.Rulebook) -> dict[str, Row]:
    """Return the rows of an incident for one recipient, by field."""
    received = pipeline.receive(json.dumps(raw).encode(), rulebook=book, now=NOW)
    keys = keyring.sample_keys(r.recipient.recipient for r in book.routes)
    for shown in pipeline.preview(received, rulebook=book, keys=keys, now=NOW):
        if shown.route.recipient.recipient == recipient:
            found = rows(received.incident, shown, keys.recipients[recipient])
            return {row.field: row for row in found}
    raise AssertionError(recipient)


@pytest.fixture
def raw(incident: Path) -> Iterator[Any]:
    """Return the bank-phishing incident as JSON."""
    return json.loads(incident.read_bytes())


def test_every_field_of_the_incident_has_a_row(
    raw: Any, book: rulebook.Rulebook
) -> None:
    """Each field, group and item of a list that the incident has is shown once."""
    expected: set[str] = set()
    for name, value in raw.items():
        many = isinstance(value, list) and isinstance(value[0], dict)
        expected |= {f"{name}[{n}]" for n in range(len(value))} if many else {name}

    # These have a default, so that an incident has them without saying so.
    assert expected | {"urgency"} == set(seen_by("kp-misp", raw, book))


def test_an_item_is_shown_as_it_is_seen(raw: Any, book: rulebook.Rulebook) -> None:
    """A victim's address is shown cut to its network, beside the address itself."""
    row = seen_by("kp-misp", raw, book)["observables[3]"]

    assert "192.0.2.71" in row.known
    assert "192.0.2.71" not in row.seen
    assert "192.0.2.0/24" in row.seen
    assert "truncate_ip" == row.outcomes["value"]


def test_an_item_without_its_value_is_not_there_at_all(
    raw: Any, book: rulebook.Rulebook
) -> None:
    """An observable whose value is withheld is shown as wholly withheld."""
    row = seen_by("fiu-misp", raw, book)["observables[0]"]

    assert NOTHING == row.seen
    assert row.withheld
    assert "\u2717 withheld" == summary(row)


def test_two_items_with_one_redacted_value_are_both_shown(
    raw: Any, book: rulebook.Rulebook
) -> None:
    """Two addresses of one network are merged for the recipient, not in the preview."""
    raw["observables"].append({**raw["observables"][3], "value": "192.0.2.72"})
    found = seen_by("kp-misp", raw, book)

    assert "192.0.2.0/24" in found["observables[3]"].seen
    assert "192.0.2.0/24" in found["observables[8]"].seen


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({"a": "kept"}, "= kept"),
        ({"a": "mask", "b": "mask"}, "≈ mask"),
        ({"a": "kept", "b": "withheld"}, "= kept\n✗ withheld: b"),
        (
            {"a": "withheld", "b": "kept", "c": "mask"},
            "= kept\n≈ mask: c\n✗ withheld: a",
        ),
    ],
)
def test_a_row_says_what_was_done(outcomes: dict[str, str], said: str) -> None:
    """What was kept comes first, then what was changed, then what stays."""
    assert said == summary(Row("x", "known", "seen", outcomes))


def test_what_a_clause_keeps_back_is_not_seen() -> None:
    """An item that stays here shows nothing; a listed one names its list and line."""
    settings = read_settings()
    folder = settings.policies_folder / "examples"
    files = read_rulebook_files(folder, settings.mappings_folder)
    book = rulebook.build(files)
    name = "policies/cases/operator/what-everybody-uses.yaml"
    raw = json.dumps(parse(name, files[name]).value["incident"]).encode()
    received = pipeline.receive(raw, rulebook=book, now=NOW)
    keys = keyring.sample_keys(r.recipient.recipient for r in book.routes)
    [shown] = [
        each
        for each in pipeline.preview(received, rulebook=book, keys=keys, now=NOW)
        if each.route.recipient.recipient == "operator-abuse-desk"
    ]
    key = keys.recipients["operator-abuse-desk"]
    found = {row.field: row for row in rows(received.incident, shown, key)}
    stays = list(kept_back(received.incident, shown))

    assert [NOTHING, NOTHING] == [found[f"observables[{n}]"].seen for n in (1, 3)]
    assert NOTHING != found["observables[2]"].seen
    assert [f"observables[{n}]" for n in (1, 3, 4)] == [item for item, *_ in stays]
    assert "public DNS resolvers" == stays[0][1]
    assert stays[0][2].startswith("policies/agreements/operator.yaml:")
