"""A clause that keeps back what is listed: the item, its traces in texts, its line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.model.agreement import Items
from broker.model.incident import Role
from broker.model.known_good import NO_LISTS, KnownGood, Listed
from broker.model.sharing import Redacted
from broker.policy.items import withheld_items
from broker.redact import Plan, compile_plan, project
from tests.unit import given

LISTS = Listed([KnownGood(list="a", title="A", networks=("8.8.8.8",), names=(".ok",))])
KEEPS = given.profile({"description": "scrub_text"}, rest="keep")


def plan(listed: Listed = LISTS) -> Plan:
    """Return a plan that keeps everything, and scrubs the description."""
    made = compile_plan(KEEPS, given.kinds(), given.document())
    return replace(made, listed=listed)


def seen(*lines: Items, of: Plan | None = None, **changes: Any) -> Redacted:
    """Return what is seen of an incident with two addresses, of which one is listed."""
    observables = [
        {"kind": "ipv4", "value": "8.8.8.8", "role": "infrastructure"},
        {"kind": "ipv4", "value": "8.8.8.9", "role": "infrastructure"},
        {"kind": "iban", "value": "XK099999000000000111", "role": "attacker"},
    ]
    incident = given.incident(**{"observables": observables, **changes})
    withheld = withheld_items(
        [(line, f"a:{n}") for n, line in enumerate(lines, 1)], given.kinds()
    )
    return project(incident, of or plan(), given.key(), withheld=withheld)


def values(redacted: Redacted) -> set[str]:
    """Return the values of observables that are seen."""
    return {each["value"] for each in redacted.view.get("observables", ())}


def test_what_is_listed_stays() -> None:
    """Only the listed address is withheld, and the ledger names the line."""
    redacted = seen(Items(of="observables", listed=True))
    said = {entry.field: entry for entry in redacted.ledger()}

    assert {"8.8.8.9", "XK099999000000000111"} == values(redacted)
    assert ("withheld", "a:1") == (
        said["observables[0].value"].outcome,
        said["observables[0].value"].where,
    )
    assert "kept" == said["observables[1].value"].outcome


def test_what_is_on_no_list_stays() -> None:
    """The opposite line withholds all the rest, also what no list can hold."""
    assert {"8.8.8.8"} == values(seen(Items(of="observables", listed=False)))


def test_the_strictest_line_wins() -> None:
    """A line about all and one about the rest take nothing away from each other."""
    both = Items(of="observables", listed=True), Items(of="observables", listed=False)
    role = Items(of="observables", role=frozenset({Role.INFRASTRUCTURE}))

    assert set() == values(seen(*both))
    assert set() == values(seen(role, both[1]))


@pytest.mark.parametrize("listed", [True, False])
def test_what_cannot_be_looked_up_stays(listed: bool) -> None:
    """A value that is no address is withheld whichever answer a line asks for."""
    address = {"kind": "ipv4", "value": "8.8.8.9", "role": "unknown"}
    incident = given.incident(observables=[address])
    broken = incident.observables[0].model_copy(
        update={"value": "neither here nor there"}
    )
    withheld = withheld_items(
        [(Items(of="observables", listed=listed), "a:1")], given.kinds()
    )
    changed = incident.model_copy(update={"observables": (broken,)})
    redacted = project(changed, plan(), given.key(), withheld=withheld)

    assert "observables" not in redacted.view


def test_a_withheld_value_is_cut_out_of_texts() -> None:
    """The text reads the same whichever listed value it named; others stay in it."""
    line = Items(of="observables", listed=True)
    texts = []
    for value in ("8.8.8.8", "dns.ok"):
        kind = "ipv4" if value[0] == "8" else "domain"
        redacted = seen(
            line,
            description=f"It asked {value} and then 8.8.8.9.",
            observables=[
                {"kind": kind, "value": value, "role": "unknown"},
                {"kind": "ipv4", "value": "8.8.8.9", "role": "attacker"},
            ],
        )
        texts.append(redacted.view["description"])

    assert "It asked [IP address removed] and then 8.8.8.9." == texts[0]
    assert "It asked [domain removed] and then 8.8.8.9." == texts[1]


def test_a_value_that_stays_for_its_role_is_cut_out_too() -> None:
    """Texts are scrubbed of whatever a clause keeps back, listed or not."""
    line = Items(of="observables", kind=frozenset({"iban"}))
    redacted = seen(line, of=plan(NO_LISTS), description="To XK099999000000000111.")

    assert "To [account removed]." == redacted.view["description"]


class Broken(Listed):
    """Lists that fail."""

    def holds(self, shape: Any, value: str) -> bool | None:
        """Fail."""
        raise LookupError(f"no list of {shape} for {value}")


def test_an_error_in_looking_up_shows_nothing() -> None:
    """Where the lists fail, there is no view at all."""
    with pytest.raises(LookupError):
        seen(Items(of="observables", listed=True), of=plan(Broken(())))


def test_lists_are_not_asked_without_need() -> None:
    """Where no line speaks of lists, nothing is looked up."""
    line = Items(of="observables", role=frozenset({Role.ATTACKER}))
    assert {"8.8.8.8", "8.8.8.9"} == values(seen(line, of=plan(Broken(()))))


def test_the_incident_itself_is_looked_up() -> None:
    """What the recipient would see in another form is looked up as it was written."""
    cut = {"method": "truncate_ip", "only": {"kind": ["ipv4"]}}
    profile = given.profile({"observables[].value": [cut, "withhold"]}, rest="keep")
    made = compile_plan(profile, given.kinds(), given.document())
    address = {"kind": "ipv4", "value": "8.8.8.8", "role": "unknown"}
    line = Items(of="observables", listed=True)
    redacted = seen(line, of=replace(made, listed=LISTS), observables=[address])

    assert set() == values(redacted)
    assert {"8.8.8.0/24"} == values(
        seen(of=replace(made, listed=LISTS), observables=[address])
    )
