"""MISP events as the renderer makes them, sealed with a real key."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from broker.canonical import dumps
from broker.model.sharing import Draft, Sealed, Wire
from broker.seal import seal
from tests.unit.store.samples import KEY, RULEBOOK, edition

START = 1_780_000_000


def uuid() -> str:
    """Return a UUID that no server knows."""
    return str(uuid4())


def attribute(value: str, kind: str = "ip-dst", **fields: Any) -> dict[str, Any]:
    """Return an attribute."""
    return {
        "uuid": uuid(),
        "type": kind,
        "category": "Network activity",
        "value": value,
        "to_ids": True,
        "distribution": "5",
        "timestamp": str(START),
        "comment": "",
        **fields,
    }


def person(name: str, **fields: Any) -> dict[str, Any]:
    """Return an object with one attribute."""
    inner = attribute(
        name, "full-name", category="Person", object_relation="full-name", to_ids=False
    )
    return {
        "uuid": uuid(),
        "name": "person",
        "meta-category": "misc",
        "template_uuid": "a15b0477-e9d1-4b9c-9546-abe78a4f4248",
        "template_version": "20",
        "description": "An object describing a person",
        "distribution": "5",
        "timestamp": str(START),
        "Attribute": [inner],
        **fields,
    }


def report(content: str, **fields: Any) -> dict[str, Any]:
    """Return an event report."""
    return {
        "uuid": uuid(),
        "name": "Summary",
        "content": content,
        "distribution": "5",
        "timestamp": str(START),
        **fields,
    }


def event(
    *attributes: dict[str, Any], tags: tuple[str, ...] = ("tlp:amber",), **fields: Any
) -> dict[str, Any]:
    """Return an event."""
    return {
        "uuid": uuid(),
        "info": "Phishing against a bank",
        "date": "2026-05-28",
        "timestamp": str(START),
        "published": True,
        "distribution": "0",
        "threat_level_id": "2",
        "analysis": "1",
        "Tag": [{"name": name} for name in tags],
        "Attribute": list(attributes),
        "Object": [],
        "EventReport": [],
        **fields,
    }


def later(thing: dict[str, Any], seconds: int = 10, **fields: Any) -> dict[str, Any]:
    """Return a thing with a newer timestamp, on everything in it, and some changes."""
    new = {**thing, "timestamp": str(int(thing["timestamp"]) + seconds)}
    for kind in ("Attribute", "Object", "ObjectReference", "EventReport"):
        if kind in new:
            new[kind] = [later(part, seconds) for part in new[kind]]
    return {**new, **fields}


def sealed(made: dict[str, Any], number: int = 1, recipient: str = "kp-misp") -> Sealed:
    """Seal an event as an edition."""
    draft = Draft(recipient, Wire.MISP_EVENT, dumps({"Event": made}))
    return seal(
        draft, share=made["uuid"], edition=edition(number), rulebook=RULEBOOK, key=KEY
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return what whoever reads a folder finds in it."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".besa-lock")
    }
