"""The table of who gets what says of every ordinary incident what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

from broker.canonical import dumps
from broker.model.decision import Effect
from broker.model.incident import Incident
from broker.model.rsit import RSIT_TYPES
from broker.policy import decide, facts_of
from broker.prove.matrix import Cell, matrix
from tests.edited import side

DAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def ordinary(name: str, tlps: tuple[str, ...]) -> list[Incident]:
    """Return incidents of one type that no safeguard is about."""
    made: list[Incident] = []
    extras: tuple[dict[str, Any], ...] = (
        {},
        {"financial_loss": {"amount": "100.00"}},
        {"observables": [{"kind": "iban", "value": "XK099999000000000111"}]},
        {"observables": [{"kind": "btc", "value": "1A", "role": "attacker"}]},
    )
    for severity, tlp, urgency, extra in product(
        ("low", "medium", "high", "critical"),
        tlps,
        ("normal", "threat-to-life"),
        extras,
    ):
        fields = {
            "uid": "M-1",
            "revision": 1,
            "revised_at": "2026-06-14T09:00:00Z",
            "title": "A title",
            "classification": name,
            "severity": severity,
            "tlp": tlp,
            "urgency": urgency,
            **extra,
        }
        made.append(Incident.model_validate_json(dumps(fields)))
    return made


def possible(cell: Cell) -> set[Effect]:
    """Return the verdicts that a cell speaks of."""
    if cell.effect:
        return {cell.effect}
    said = {cell.rest} if cell.rest else set()
    said |= {Effect.SHARE} if cell.share else set()
    return said | ({Effect.REVIEW} if cell.review else set())


def test_every_cell_is_what_is_decided() -> None:
    """A cell with one word has no other verdict, and one that depends has each."""
    for column in matrix(side(), DAY).columns:
        [route] = side().to(column.recipient)
        tlps = tuple(
            each
            for each in ("clear", "green", "amber", "amber+strict")
            if each != "amber+strict" or column.recipient == "kp-misp"
        )
        for name in RSIT_TYPES:
            decided = {
                decide(facts_of(incident, NOW), route.rules, NOW).effect
                for incident in ordinary(name, tlps)
            }

            assert decided == possible(column.cells[name]), (column.recipient, name)


def test_outside_of_the_dates_nothing_is_shared() -> None:
    """After the last day every cell is withhold, and no agreement is named."""
    late = matrix(side(), date(2040, 1, 1))

    assert {""} == {column.agreement for column in late.columns}
    assert {Cell(Effect.WITHHOLD)} == {
        cell for column in late.columns for cell in column.cells.values()
    }


def test_safeguards_stand_beside_the_table() -> None:
    """What comes before the table is named with it."""
    names = [each.id for each in side().safeguards.model.safeguards]

    assert names == [name for name, _, _ in matrix(side(), DAY).safeguards]
