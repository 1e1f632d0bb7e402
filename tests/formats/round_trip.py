"""What becomes of each MISP attribute type: a MISP event in, everything kept, one out.

The types that a real MISP 2.5.1 describes, each alone in an event -> a table for the
manual, written by ``python -m tests.formats``.

The profile withholds nothing, so that what is lost here is lost by reading or writing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

from broker import convert, pipeline, redact, render
from broker.intake.misp_types import index, kinds_of
from broker.keys import recipient_key
from broker.model.sharing import Edition
from broker.sandbox.misp.describe import described
from tests.contract.oracle_incidents import SECRET, VALUES, plan_of, rulebook

_ANY: Final = "something that nothing else says"
_KEEPER: Final = "everything"
# Values for types that have no kind of their own, or stand for a kind by its parts.
_GIVEN: Final = {
    "link": "https://verify.example/report",
    "uri": VALUES["url"],
    "ip-src": VALUES["ipv4"],
    "ip-dst": VALUES["ipv4"],
    "target-machine": VALUES["target-machine"],
    "whois-registrant-phone": VALUES["phone"],
}


def value_of(name: str) -> str:
    """Return a value that MISP takes for an attribute type."""
    if name in _GIVEN:
        return _GIVEN[name]
    if "|" in name:
        return "|".join(map(value_of, name.split("|", 1)))
    types = index(rulebook().tables.kinds)
    found, _ = kinds_of(types, name, "x")
    return VALUES[found[0][0].kind] if found else _ANY


def event_with(name: str) -> dict[str, Any]:
    """Return an event that has one attribute, of this type."""
    default = described()["sane_defaults"][name]
    attribute = {
        "type": name,
        "category": default["default_category"],
        "value": value_of(name),
        "to_ids": bool(default["to_ids"]),
    }
    return {
        "uuid": "5a7b3c1e-0000-4000-8000-000000000001",
        "info": "One attribute",
        "date": "2026-11-18",
        "timestamp": "1790000000",
        "distribution": "1",
        "analysis": "0",
        "threat_level_id": "2",
        "Tag": [{"name": "tlp:green"}, {"name": 'rsit:fraud="phishing"'}],
        "Attribute": [attribute],
    }


def sent_on(event: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the event that somebody gets who may see everything, and what stays."""
    book = rulebook()
    raw = json.dumps({"Event": event}).encode()
    received = pipeline.receive(raw, rulebook=book)
    incident, route = received.incident, book.routes[0]
    key = recipient_key(SECRET, _KEEPER)
    edition = Edition(1, incident.revised_at, incident.revised_at, "")
    redacted = redact.project(incident, plan_of(_KEEPER, "keep"), key)
    case = convert.Case(incident.uid, key.ids, edition)
    bundle = convert.to_stix(redacted, route.frame, case)
    body = render.misp_event(bundle, route.event_frame)
    made: dict[str, Any] = json.loads(body)["Event"]
    return made, received.left_behind


def outcome(name: str) -> str:
    """Say in words what becomes of an attribute type."""
    value = value_of(name)
    made, left = sent_on(event_with(name))
    alone = [each["type"] for each in made["Attribute"]]
    objects = [each for each in made["Object"] if each["name"] != "incident"]
    if objects:
        inside = objects[0]
        types = [
            each["type"]
            for each in inside["Attribute"]
            if each["value"] in (value, *value.split("|"))
        ]
        if sorted(types) == sorted(name.split("|")) != [name]:
            return f"an object `{inside['name']}`, each part as its own type"
        said = f"in an object `{inside['name']}`, as {_listed(types)}"
        return said if not alone else f"{said}; beside it {_listed(alone)}"
    if alone == [name] and made["Attribute"][0]["value"] == value:
        return "the same type, the same value"
    if alone == [name]:
        return "the same type, in the spelling of STIX or MISP"
    if alone:
        if sorted(alone) == sorted(name.split("|")):
            return "each part as its own type"
        parts = "" if not left else ", in part"
        return f"as {_listed(alone)}{parts}"
    if any(value in each["content"] for each in made["EventReport"]):
        return "a text in the case summary"
    if left:
        why = left[0].partition(" (")[2].rstrip(")").removeprefix(f"type {name}")
        return f"stays behind: {why.lstrip(': ') or 'no kind has it'}"
    return "a reference in the STIX bundle, and nothing in the MISP event"


def _listed(types: list[str]) -> str:
    return " and ".join(f"`{name}`".replace("|", "\\|") for name in types)


def table() -> str:
    """Return a table: what becomes of types, and of which."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(described()["types"], key=str.casefold):
        found[outcome(name)].append(f"`{name}`".replace("|", "\\|"))
    lines = ["| Becomes | Types | |", "|---|---|---|"]
    in_order = sorted(found.items(), key=lambda row: (-len(row[1]), row[0]))
    lines += [
        f"| {said} | {len(names)} | {', '.join(names)} |" for said, names in in_order
    ]
    return "\n".join(lines)
