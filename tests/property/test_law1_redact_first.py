"""Law 1: nothing is converted before it is redacted, so no id gives a value away."""

from __future__ import annotations

import ast
import json
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import pytest
from hypothesis import given

from broker import convert, guard, render, seal
from broker.deliver import misp as deliver_misp
from broker.model.sharing import Bundle, Draft, Redacted, Sealed, Wire
from broker.pipeline import preview
from tests import world
from tests.profiles import rule_of
from tests.strategies import KINDS, incidents, shared_markings

# STIX 2.1, section 2.9.
STIX_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def public_ids(kind: str, value: str) -> set[str]:
    """Return the UUIDs that anybody can compute from a value, as STIX 2.1 says."""
    row = KINDS[kind].stix
    head, _, tail = row.property.partition(".")
    plain: Any = int(value) if row.number else value
    properties = {**row.fixed, head: {tail: plain} if tail else plain}
    made = [properties, {head: properties[head]}]
    return {
        str(uuid.uuid5(STIX_NAMESPACE, json.dumps(each, sort_keys=True, **style)))
        for each in made
        for style in ({"separators": (",", ":"), "ensure_ascii": False}, {})
    }


def uuids_in(body: bytes) -> set[str]:
    """Return every UUID of a document."""
    return set(_uuids(json.loads(body)))


def _uuids(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from _uuids(inner)
        case list():
            for inner in value:
                yield from _uuids(inner)
        case str() if len(value) >= 36:
            yield value[-36:]


@given(incidents(**shared_markings))
def test_no_id_is_that_of_a_withheld_value(incident: dict[str, Any]) -> None:
    """No id in either wire is the public hash of a value that is not shared."""
    shown = preview(
        world.receive(incident),
        rulebook=world.rulebook(),
        keys=world.keys(),
        now=world.NOW,
    )
    for each in shown:
        if not each.wires:
            continue
        profile = world.profile_of(each.route.recipient.recipient)
        seen = {
            (item["kind"], item["value"])
            for item in each.redacted.view.get("observables", ())
        }
        hidden = [
            item
            for item in world.receive(incident).incident.observables
            if (item.kind, item.value) not in seen
        ]
        assert all(
            rule_of(profile, "observables[].value", item.model_dump()).method != "keep"
            for item in hidden
        )
        known = {
            made for item in hidden for made in public_ids(item.kind, item.value)
        } - {made for kind, value in seen for made in public_ids(kind, value)}
        for body in each.wires.values():
            assert known.isdisjoint(uuids_in(body))


def test_public_ids_are_found_where_a_value_is_kept() -> None:
    """A value that is kept has the id that STIX prescribes, and the search finds it."""
    item = {"kind": "ipv4", "value": "198.51.100.9", "role": "attacker"}
    book = world.stix_rulebook()
    share = world.share(world.incident(observables=[item]), "kp-misp", book=book)

    assert share.sealed
    assert public_ids("ipv4", "198.51.100.9") & uuids_in(share.sealed.body)


@given(incidents(**shared_markings))
def test_every_sealed_bundle_has_only_ids_of_what_stands_there(
    incident: dict[str, Any],
) -> None:
    """The guard computes each observable's id anew and finds none of another value."""
    for share in world.disclose(incident, book=world.stix_rulebook()).shares:
        assert "" == share.failure
        assert [] == [b for b in share.breaches if b.rule != "withheld-value"]


@pytest.mark.parametrize(
    ("function", "parameter", "takes"),
    [
        (convert.to_stix, "redacted", Redacted),
        (render.stix_bundle, "bundle", Bundle),
        (render.misp_event, "bundle", Bundle),
        (guard.inspect, "draft", Draft),
        (seal.seal, "draft", Draft),
        (deliver_misp.MispRecipient.deliver, "sealed", Sealed),
    ],
)
def test_each_stage_takes_what_the_one_before_made(
    function: Any, parameter: str, takes: type
) -> None:
    """No stage accepts what an earlier stage than the one before it made."""
    assert takes is get_type_hints(function)[parameter]


# Who may make each thing on the way; the store only wakes up what was sealed before.
MAKERS = {
    "Redacted": {"redact/project.py", "pipeline.py"},
    "Bundle": {"convert/stix.py"},
    # Intake's draft is another one: an incident in the making.
    "Draft": {"pipeline.py", "intake/message.py", "intake/csv_rows.py"},
    # Read again where it is sent from, and by who checks the seal of a file.
    "Sealed": {"seal.py", "store/outbox.py", "deliver/file_drop.py"},
}


@cache
def trees() -> dict[str, ast.AST]:
    """Return every module of the product, parsed, by its name."""
    package = world.ROOT / "broker"
    return {
        str(path.relative_to(package)): ast.parse(path.read_text("utf-8"))
        for path in package.rglob("*.py")
    }


def makers(name: str) -> set[str]:
    """Return the modules of the product that make a thing."""
    return {
        module
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
    }


@pytest.mark.parametrize("name", MAKERS)
def test_nobody_else_makes_it(name: str) -> None:
    """Each thing on the way is made in its stage, so no stage can be gone round."""
    assert makers(name) <= MAKERS[name]
    assert makers(name)


def test_pipeline_makes_no_view() -> None:
    """Where the pipeline makes a redaction itself, the view in it is empty."""
    tree = ast.parse((world.ROOT / "broker/pipeline.py").read_text("utf-8"))
    views = [
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Redacted"
    ]

    assert {"{}"} == set(views)


def test_wires_are_all_looked_at() -> None:
    """Both wires are previewed, so that the tests above look at each."""
    shown = preview(
        world.receive(world.FULL),
        rulebook=world.rulebook(),
        keys=world.keys(),
        now=world.NOW,
    )

    assert [set(Wire)] * 3 == [set(each.wires) for each in shown]
