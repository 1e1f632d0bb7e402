"""The floor: what no program could leave out, and nothing else.

An incident and what the path made of it -> parse it once; then per output one SHA-1
for each id, the canonical dump, SHA-256 and the Ed25519 signature over the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from broker import convert, redact
from broker.model.incident import Incident
from broker.model.sharing import Share
from broker.rulebook import Route
from tests.bench import world

_SIGN = world.keys().signing.private.sign


@dataclass(frozen=True, slots=True)
class Output:
    """One output as the path made it: the ids in it, and the whole document."""

    ids: tuple[bytes, ...]
    document: Any


def output(incident: Incident, share: Share, route: Route) -> Output:
    """Take an output apart into what the floor works on; this is not measured.

    The ids are those of all objects of the bundle, and of whatever the event made from
    it has beyond them.
    """
    assert share.sealed
    assert share.edition
    key = world.keys().recipients[route.recipient.recipient]
    redacted = redact.project(incident, route.plan, key)
    case = convert.Case(incident.uid, key.ids, share.edition)
    bundle = convert.to_stix(redacted, route.frame, case)
    document = orjson.loads(share.sealed.body)
    ids = {bundle.id, *(made["id"] for made in bundle.objects)}
    known = {name.partition("--")[2] for name in ids}
    ids |= set(_uuids(document)) - known
    return Output(tuple(sorted(name.encode() for name in ids)), document)


def _uuids(value: Any) -> list[str]:
    match value:
        case dict():
            own = [value["uuid"]] if "uuid" in value else []
            return own + [uuid for inner in value.values() for uuid in _uuids(inner)]
        case list():
            return [uuid for inner in value for uuid in _uuids(inner)]
    return []


def floor(work: tuple[bytes, tuple[Output, ...]]) -> None:
    """Do the least that has to be done for one incident and its outputs."""
    raw, outputs = work
    orjson.loads(raw)
    for made in outputs:
        for name in made.ids:
            hashlib.sha1(name, usedforsecurity=False).hexdigest()
        body = orjson.dumps(made.document, option=orjson.OPT_SORT_KEYS)
        hashlib.sha256(body).hexdigest()
        _SIGN(body)
